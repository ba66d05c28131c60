//! A browser, as far as a bot can tell. In: what people do. Out: HTTP requests, and what their tabs show.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loquat_conformance::{Act, Deed, Fault, Heard, Platform, Press, Shown};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::tab::{Faults, Tab};
use crate::serve::{Guests, Secret};
use crate::tests::fakes::{ANN, id_of, token_of};

/// The first port for bots, and how many there are: below those that systems give to clients, because a client that asks for
/// the port that it was given itself is connected to itself.
const PORTS: (u16, u16) = (20_000, 12_000);
/// Which ports this process has used.
static NEXT: AtomicU16 = AtomicU16::new(0);
/// How long a bot may take to be there.
const READY: Duration = Duration::from_secs(60);
/// How long an answer is waited for; a bot that is gone shows at once.
const ANSWER: Duration = Duration::from_secs(30);
/// How long a button may take to be seen.
const SEEN: Duration = Duration::from_secs(10);

/// A browser with a tab for each conversation.
pub(crate) struct Browser {
    port: u16,
    tabs: Mutex<HashMap<String, Tab>>,
    faults: Arc<Faults>,
    presses: AtomicU16,
}

impl Browser {
    /// How many faults have happened.
    pub(super) fn faults(&self) -> usize {
        self.faults.happened()
    }

    fn open(&self, channel: &str) {
        let mut tabs = self.tabs.lock().unwrap();
        tabs.entry(channel.to_owned())
            .or_insert_with(|| Tab::open(self.port, &conversation(channel), self.faults.clone()));
    }

    /// Asks the bot for something: the status.
    async fn ask(&self, method: &str, path: &str, body: &str) -> io::Result<u16> {
        let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        let (port, length) = (self.port, body.len());
        // HTTP/1.0, because then an answer ends with its connection, and no chunks have to be put together.
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n\
             Authorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n",
            token = token(),
        );
        connection.write_all((head + body).as_bytes()).await?;
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await?;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Platform for Browser {
    async fn start() -> anyhow::Result<Self> {
        let (first, count) = PORTS;
        let offset = u16::try_from(std::process::id() % u32::from(count))?;
        for _ in 0..count {
            let port = first + (offset + NEXT.fetch_add(1, Ordering::Relaxed) % count) % count;
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(Self {
                    port,
                    tabs: Mutex::default(),
                    faults: Arc::default(),
                    presses: AtomicU16::new(0),
                });
            }
        }
        anyhow::bail!("no port is free")
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    async fn ready(&self) -> anyhow::Result<()> {
        let healthy = async {
            while !matches!(self.ask("GET", "/health", "").await, Ok(200)) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        Ok(timeout(READY, healthy).await?)
    }

    async fn act(&self, act: &Act) -> Heard {
        self.open(&act.channel);
        let messages = format!("/api/conversations/{}/messages", conversation(&act.channel));
        let json = |text: &str| serde_json::json!({ "id": act.id, "text": text }).to_string();
        let (method, path, body) = match &act.deed {
            Deed::Say(text) => ("POST", messages, json(text)),
            Deed::Edit { message, text } => ("PUT", format!("{messages}/{message}"), json(text)),
            Deed::Delete { message } => {
                ("DELETE", format!("{messages}/{message}?id={}", act.id), String::new())
            }
        };
        match timeout(ANSWER, self.ask(method, &path, &body)).await {
            Ok(Ok(202)) => Heard::Acknowledged,
            _ => Heard::NotAcknowledged,
        }
    }

    async fn press(&self, press: &Press) -> Option<Heard> {
        self.open(&press.channel);
        let found = || self.tabs.lock().unwrap().get(&press.channel)?.button(&press.on, &press.label);
        let appears = async {
            loop {
                match found() {
                    Some(found) => return found,
                    None => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        };
        // People press what they see, and they may see it a little later than the journal has it.
        let Ok((message, button)) = timeout(SEEN, appears).await else { return Some(Heard::NotAcknowledged) };
        let path = format!("/api/conversations/{}/messages/{message}/presses", conversation(&press.channel));
        let id = format!("press-{}", self.presses.fetch_add(1, Ordering::Relaxed));
        let body = serde_json::json!({ "id": id, "button": button }).to_string();
        Some(match timeout(ANSWER, self.ask("POST", &path, &body)).await {
            // A refusal is shown, and that is all that can come of it.
            Ok(Ok(202 | 403 | 410)) => Heard::Acknowledged,
            _ => Heard::NotAcknowledged,
        })
    }

    fn shown(&self, channel: &str) -> Vec<Shown> {
        self.tabs.lock().unwrap().get(channel).map(Tab::shown).unwrap_or_default()
    }

    fn arm(&self, fault: &Fault) -> bool {
        // A delivery is a line on an open stream. The browser can leave it half-way, or stop reading; it answers nothing.
        let possible = matches!(fault, Fault::BrokenOff | Fault::HalfOpen);
        if possible {
            self.faults.arm(fault.clone());
        }
        possible
    }

    fn keeps_order(&self) -> bool {
        // Each message is a request of its own, on a connection of its own.
        false
    }

    fn tells_people_apart(&self) -> bool {
        // Nobody signs in with a name: a conversation is one person.
        false
    }

    fn knows(&self, _: &Deed) -> bool {
        true
    }
}

/// Who sits at it.
pub(super) fn token() -> String {
    token_of(&Guests::new(&Secret::known(), None), ANN)
}

/// The conversation of a channel: a UUID of version 4 that is the same each time.
pub(super) fn uuid(channel: &str) -> String {
    let digest = Sha256::digest(channel);
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

/// Its id.
fn conversation(channel: &str) -> String {
    id_of(&uuid(channel), ANN)
}
