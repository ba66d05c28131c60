//! Requests that are broken. In: a seed. Out: one after the other: good requests of every route, with some of their parts taken away, doubled,
//! swapped, or replaced by what servers have stumbled over.

use serde_json::{Value, json};

use crate::bot::Served;

/// Parts of paths, headers and bodies that servers have stumbled over.
const ODD: [&str; 34] = [
    "",
    "\0",
    "%",
    "%00",
    "%ff%fe",
    "%c0%af",
    "%2e%2e%2f",
    "..",
    "../../etc/passwd",
    "//",
    "\u{feff}",
    "é",
    "\u{202e}",
    "😀",
    "-1",
    "0",
    "1e400",
    "99999999999999999999",
    "-99999999999999999999",
    "NaN",
    "null",
    "true",
    "[]",
    "{}",
    "\"",
    "'",
    "<script>",
    "${7*7}",
    "a\r\nX-Evil: 1",
    "\r\n\r\n",
    "\n",
    "\t",
    "chunked",
    "gzip",
];

/// Bodies that are no JSON, or not the JSON that is wanted.
const BODIES: [&str; 22] = [
    "",
    " ",
    "{",
    "}",
    "[",
    "[1,2",
    "nul",
    "\"",
    "{\"id\"",
    "{\"id\":}",
    "{\"id\":1,\"text\":2}",
    "[\"a\",\"b\"]",
    "{\"id\":\"a\",\"id\":\"b\",\"text\":\"x\"}",
    "{\"id\":\"\\ud800\",\"text\":\"x\"}",
    "{\"id\":\"a\",\"text\":\"\\u0000\"}",
    "{\"id\":\"a\",\"text\":\"x\",\"attachments\":[[]]}",
    "{\"id\":\"a\",\"text\":\"x\",\"attachments\":[\"../x\"]}",
    "{\"id\":\"a\",\"text\":null}",
    "{\"__proto__\":{}}",
    "1e999",
    "\u{feff}{}",
    "{\"text\":\"x\"}{\"text\":\"y\"}",
];

const METHODS: [&str; 14] = [
    "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PATCH", "get", "G\0T", "",
    "GETT", "É",
];

/// A text as it stands in a path.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

/// What one request is made of.
struct Parts {
    method: String,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// Makes requests.
pub(crate) struct Requests {
    state: u64,
    host: String,
    token: String,
    conversation: String,
}

impl Requests {
    pub(crate) fn new(seed: u64, served: &Served) -> Self {
        let (token, conversation) = (served.token.clone(), served.conversation.clone());
        Self { state: seed.max(1), host: served.address.to_string(), token, conversation }
    }

    /// The next random number (xorshift64*).
    fn random(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random() % bound.max(1) as u64).unwrap_or_default()
    }

    fn pick<'a, T: ?Sized>(&mut self, among: &[&'a T]) -> &'a T {
        among[self.below(among.len())]
    }

    /// Random bytes.
    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.random().to_le_bytes()[0]).collect()
    }

    /// The next request.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        if self.below(20) == 0 {
            return self.bytes(400);
        }
        let mut parts = self.good();
        for _ in 0..self.below(4) {
            self.spoil(&mut parts);
        }
        let mut bytes = self.written(&parts);
        for _ in 0..[0, 0, 0, 0, 0, 0, 1, 4][self.below(8)] {
            self.scratch(&mut bytes);
        }
        bytes
    }

    /// A request that is good, or nearly.
    fn good(&mut self) -> Parts {
        let id = format!("f{}", self.random());
        let conversation = format!("/api/conversations/{}", self.conversation);
        let message = format!("{conversation}/messages/m1");
        let said = json!({ "id": id, "text": "Hello" });
        let (method, path, body): (&str, String, Value) = match self.below(17) {
            0 => ("GET", "/api/bot".into(), Value::Null),
            1 => ("POST", "/api/session".into(), json!({})),
            2 => ("POST", "/api/conversations".into(), Value::Null),
            3 => ("GET", "/api/conversations?limit=3".into(), Value::Null),
            4 => ("GET", format!("{conversation}/exchanges?before=9&limit=2"), Value::Null),
            5 => ("GET", format!("{conversation}/events?wait=false"), Value::Null),
            6 => ("POST", format!("{conversation}/messages"), said),
            7 => ("PUT", message, json!({ "text": "Hi", "id": id })),
            8 => ("DELETE", format!("{message}?id={id}"), Value::Null),
            9 => ("POST", format!("{message}/presses"), json!({ "id": id, "button": "good.1" })),
            10 => ("POST", format!("{message}/feedback"), json!({ "id": id, "text": "wrong" })),
            11 => ("POST", format!("{conversation}/files?name=a.txt"), json!("some text")),
            12 => ("GET", format!("{conversation}/files/{}", "0".repeat(32)), Value::Null),
            13 => ("GET", "/api/entities/urn%3Abhutan?limit=2".into(), Value::Null),
            14 => ("DELETE", "/api/me".into(), Value::Null),
            15 => ("GET", "/openapi.json".into(), Value::Null),
            _ => ("GET", "/".into(), Value::Null),
        };
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let media_type = if path.contains("/files?") { "text/plain" } else { "application/json" };
        let headers = vec![
            ("Host".to_owned(), self.host.clone().into_bytes()),
            ("Authorization".to_owned(), format!("Bearer {}", self.token).into_bytes()),
            ("Content-Type".to_owned(), media_type.into()),
            ("Content-Length".to_owned(), body.len().to_string().into_bytes()),
        ];
        Parts { method: method.to_owned(), path, headers, body }
    }

    /// Breaks one part.
    fn spoil(&mut self, parts: &mut Parts) {
        let odd = self.pick(&ODD).to_owned();
        // In a path mostly as clients write it, so that it gets further than to the parser.
        let written = if self.below(5) > 0 { encoded(&odd) } else { odd.clone() };
        match self.below(14) {
            0 => self.pick(&METHODS).clone_into(&mut parts.method),
            1 => parts.path.push_str(&written),
            2 => {
                let mut pieces: Vec<String> = parts.path.split('/').map(str::to_owned).collect();
                let place = self.below(pieces.len());
                pieces[place] = if self.below(6) == 0 { "x".repeat(9000) } else { written };
                parts.path = pieces.join("/");
            }
            3 => parts.path.push_str(&format!(
                "?limit={written}&before={written}&wait={written}&id={written}&name={written}"
            )),
            4 => {
                let place = self.below(parts.headers.len());
                parts.headers.remove(place);
            }
            5 => {
                let place = self.below(parts.headers.len());
                let header = parts.headers[place].clone();
                parts.headers.push(header);
            }
            6 => {
                let place = self.below(parts.headers.len());
                parts.headers[place].1 = odd.into_bytes();
            }
            7 => {
                let names = [
                    "Last-Event-ID",
                    "Content-Encoding",
                    "Transfer-Encoding",
                    "Expect",
                    "Range",
                    "Origin",
                    "Accept",
                    "X-Forwarded-For",
                    "Upgrade",
                    "Connection",
                    "Content-Length",
                    "If-None-Match",
                    "Cookie",
                    "Te",
                    &odd,
                ];
                let name = self.pick(&names).to_owned();
                let value = self.pick(&ODD).to_owned().into_bytes();
                parts.headers.push((name, value));
            }
            8 => parts.headers.push(("X-Many".to_owned(), vec![b'x'; self.below(20_000)])),
            9 => parts.body = self.pick(&BODIES).as_bytes().to_vec(),
            10 => parts.body = self.bytes(2000),
            11 => parts.body = vec![b'['; self.below(5000)],
            12 => {
                let long = json!({ "id": "a", "text": "x".repeat(self.below(6000)) });
                parts.body = long.to_string().into_bytes();
            }
            _ => {
                // Any one character of the body, or none.
                let place = self.below(parts.body.len());
                parts.body.splice(place..place, odd.into_bytes());
            }
        }
        // Mostly the length is right, so that the body is read.
        if self.below(5) > 0 {
            let length = parts.body.len().to_string().into_bytes();
            for (name, value) in &mut parts.headers {
                if name == "Content-Length" {
                    length.clone_into(value);
                }
            }
        }
    }

    /// The request as it goes over the wire; now and then in chunks, of which some are broken.
    fn written(&mut self, parts: &Parts) -> Vec<u8> {
        let version = self
            .pick(&["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2", "HTTP/9.9", ""]);
        let mut bytes = format!("{} {} {version}\r\n", parts.method, parts.path).into_bytes();
        let chunked = self.below(8) == 0;
        for (name, value) in &parts.headers {
            if chunked && name == "Content-Length" && self.below(4) > 0 {
                continue;
            }
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        if chunked {
            bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            let length = parts.body.len();
            let size = match self.below(4) {
                0 => "zz".to_owned(),
                1 => "ffffffffffffffffff".to_owned(),
                _ => format!("{length:x}"),
            };
            bytes.extend_from_slice(size.as_bytes());
            bytes.extend_from_slice(b"\r\n");
            bytes.extend_from_slice(&parts.body);
            bytes.extend_from_slice(
                self.pick(&["\r\n0\r\n\r\n", "0\r\n\r\n", "\r\n", "\r\n0\r\nX: y\r\n\r\n"]).as_bytes(),
            );
        } else {
            bytes.extend_from_slice(b"\r\n");
            bytes.extend_from_slice(&parts.body);
        }
        bytes
    }

    /// Changes some bytes, whatever they mean.
    fn scratch(&mut self, bytes: &mut Vec<u8>) {
        let place = self.below(bytes.len());
        match self.below(4) {
            0 => bytes.truncate(place),
            1 if place < bytes.len() => bytes[place] = self.random().to_le_bytes()[0],
            2 if place < bytes.len() => {
                bytes.remove(place);
            }
            _ => {
                let more = self.bytes(8);
                bytes.splice(place..place, more);
            }
        }
    }
}
