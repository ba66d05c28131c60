//! The gateway's WebSocket. In: an address. Out: frames, out of one stream of zlib for the whole connection, and the code with which
//! Discord closes. It writes nothing of what passes to any log.

use std::sync::Arc;
use std::time::Duration;

use flate2::{Decompress, FlushDecompress, Status};
use futures::{SinkExt, StreamExt};
use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_websockets::{ClientBuilder, CloseCode, Limits, Message, WebSocketStream};

use crate::config::is_loopback;
use crate::{Config, DiscordError};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(20);
/// How long writing a frame may take.
const WRITE: Duration = Duration::from_secs(10);
/// What ends each message in the stream.
const FLUSHED: [u8; 4] = [0, 0, 0xff, 0xff];
/// The most bytes of one message; a server with a million members stays below.
const LARGEST: usize = 256 << 20;

/// One frame of the gateway.
#[derive(Deserialize)]
pub(crate) struct Frame {
    pub(crate) op: u8,
    #[serde(default)]
    pub(crate) s: Option<u64>,
    #[serde(default)]
    pub(crate) t: Option<String>,
    #[serde(default)]
    pub(crate) d: Value,
}

/// Why there are no more frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// Discord says why.
    Code(u16),
    /// The connection broke.
    Broken(String),
}

trait Line: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// How connections are made.
pub(crate) struct Dial {
    tls: TlsConnector,
}

impl Dial {
    pub(crate) fn new(config: &Config) -> Result<Self, DiscordError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() && config.api()?.starts_with("https:") {
            return Err(DiscordError::NoRoots);
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| DiscordError::Tls(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(tls)) })
    }

    /// Connects. What goes over it is for Discord alone, so it is encrypted unless it stays on this machine.
    pub(super) async fn open(&self, url: &str) -> Result<Socket, String> {
        let mut url = Url::parse(url).map_err(|_| "Discord names a gateway that is no address".to_owned())?;
        url.set_query(Some("v=10&encoding=json&compress=zlib-stream"));
        let host = url.host_str().unwrap_or_default().to_owned();
        let port = url.port_or_known_default().unwrap_or(443);
        let connecting = async {
            let tcp = TcpStream::connect((host.trim_matches(['[', ']']), port))
                .await
                .map_err(|error| format!("the gateway cannot be reached ({error})"))?;
            // A heartbeat must not wait for company; without the option it is only slower.
            let _ = tcp.set_nodelay(true);
            let line: Box<dyn Line> = match url.scheme() {
                "wss" => {
                    let name = ServerName::try_from(host.clone())
                        .map_err(|_| "Discord names a gateway that has no name".to_owned())?;
                    let tls = self.tls.connect(name, tcp).await;
                    Box::new(tls.map_err(|error| format!("the gateway's TLS failed ({error})"))?)
                }
                "ws" if is_loopback(&url) => Box::new(tcp),
                _ => {
                    return Err("Discord names a gateway without TLS; the token does not go there".to_owned());
                }
            };
            let builder = ClientBuilder::new()
                .uri(url.as_str())
                .map_err(|_| "Discord names a gateway that is no address".to_owned())?
                .limits(Limits::default().max_payload_len(Some(LARGEST)));
            let (stream, _) = builder
                .connect_on(line)
                .await
                .map_err(|error| format!("the gateway does not take the connection ({error})"))?;
            Ok(Socket { stream, zlib: Decompress::new(true), packed: Vec::new() })
        };
        timeout(CONNECT, connecting).await.unwrap_or_else(|_| Err("the gateway does not answer".to_owned()))
    }
}

/// One connection.
pub(super) struct Socket {
    stream: WebSocketStream<Box<dyn Line>>,
    zlib: Decompress,
    packed: Vec<u8>,
}

impl Socket {
    /// The next frame. Nothing is lost when this is dropped.
    pub(super) async fn next(&mut self) -> Result<Frame, Closed> {
        loop {
            let message = match self.stream.next().await {
                Some(Ok(message)) => message,
                Some(Err(error)) => return Err(Closed::Broken(format!("the connection broke ({error})"))),
                None => return Err(Closed::Broken("the connection was closed".to_owned())),
            };
            if let Some((code, _)) = message.as_close() {
                return Err(Closed::Code(code.into()));
            }
            if let Some(text) = message.as_text().filter(|_| message.is_text()) {
                return frame(text.as_bytes());
            }
            if message.is_binary() {
                if self.packed.len() + message.as_payload().len() > LARGEST {
                    return Err(Closed::Broken("the gateway sent a frame without end".to_owned()));
                }
                self.packed.extend_from_slice(message.as_payload());
                if self.packed.ends_with(&FLUSHED) {
                    let unpacked = inflate(&mut self.zlib, &self.packed)?;
                    self.packed.clear();
                    return frame(&unpacked);
                }
            }
        }
    }

    pub(super) async fn send(&mut self, value: &Value) -> Result<(), Closed> {
        let sending = self.stream.send(Message::text(value.to_string()));
        match timeout(WRITE, sending).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Closed::Broken(format!("the connection broke ({error})"))),
            Err(_) => Err(Closed::Broken("the connection takes nothing more".to_owned())),
        }
    }

    /// Says goodbye. With 1000 Discord shows the bot as away at once.
    pub(super) async fn close(&mut self) {
        let goodbye = self.stream.send(Message::close(Some(CloseCode::NORMAL_CLOSURE), ""));
        // Whoever does not hear it sees the end of the connection.
        let _ = timeout(Duration::from_secs(1), goodbye).await;
    }
}

fn frame(bytes: &[u8]) -> Result<Frame, Closed> {
    // The error could quote what it could not read.
    serde_json::from_slice(bytes).map_err(|_| Closed::Broken("the gateway sent what is no frame".to_owned()))
}

fn inflate(zlib: &mut Decompress, packed: &[u8]) -> Result<Vec<u8>, Closed> {
    let broken = || Closed::Broken("the gateway sent what is no zlib".to_owned());
    let mut out = Vec::with_capacity(packed.len().saturating_mul(4).max(1024));
    let mut rest = packed;
    loop {
        let (taken, made) = (zlib.total_in(), zlib.total_out());
        let status = zlib.decompress_vec(rest, &mut out, FlushDecompress::Sync).map_err(|_| broken())?;
        let taken = usize::try_from(zlib.total_in() - taken).map_err(|_| broken())?;
        rest = rest.get(taken..).ok_or_else(broken)?;
        let is_stuck = taken == 0 && zlib.total_out() == made && out.len() < out.capacity();
        if rest.is_empty() && out.len() < out.capacity() || status == Status::StreamEnd {
            return Ok(out);
        }
        if is_stuck || out.len() > LARGEST {
            return Err(broken());
        }
        out.reserve(out.capacity());
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};

    use super::*;

    #[test]
    fn messages_come_out_of_one_stream_of_zlib() {
        let (mut pack, mut zlib) = (Compress::new(Compression::default(), true), Decompress::new(true));
        for text in
            ["first".to_owned(), "again and again ".repeat(100_000), String::from("last"), "x".repeat(1024)]
        {
            let mut packed = Vec::with_capacity(text.len() + 1024);
            pack.compress_vec(text.as_bytes(), &mut packed, FlushCompress::Sync).unwrap();
            assert!(packed.ends_with(&FLUSHED));
            assert_eq!(inflate(&mut zlib, &packed).unwrap(), text.as_bytes());
        }
        assert!(inflate(&mut zlib, b"no zlib at all").is_err());
    }
}
