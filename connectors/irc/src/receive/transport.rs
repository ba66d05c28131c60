//! A socket, with or without TLS, and lines out of it. In: the config's server. Out: a stream of bytes, or lines of text. Knows no
//! IRC.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use loquat_contract::ConnectorError;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, Error as TlsError, RootCertStore};

use super::lost;
use crate::{Config, IrcError};

/// How long connecting may take, with TLS.
const CONNECT: Duration = Duration::from_secs(30);
/// The longest line that is read: 8191 bytes of tags (IRCv3 `message-tags`) and 512 of the rest, with room to spare.
const LONGEST: usize = 16 * 1024;

/// Bytes in both directions.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// How to reach the server.
pub(crate) struct Dial {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Dial {
    pub(crate) fn new(config: &Config) -> Result<Self, IrcError> {
        let host = config.server.clone().filter(|host| !host.is_empty()).ok_or(IrcError::NoServer)?;
        let tls = match config.tls {
            true => {
                let name = ServerName::try_from(host.clone())
                    .map_err(|_| IrcError::Value("server", "; write a host name or an address"))?;
                Some((TlsConnector::from(Arc::new(trust(config)?)), name))
            }
            false => None,
        };
        Ok(Self { host, port: config.port, tls })
    }

    /// Connects.
    pub(crate) async fn open(&self) -> Result<Box<dyn Stream>, ConnectorError> {
        let (host, port) = (&self.host, self.port);
        let connecting = async {
            let socket = TcpStream::connect((host.as_str(), port)).await?;
            socket.set_nodelay(true)?;
            Ok(match &self.tls {
                Some((connector, name)) => {
                    Box::new(connector.connect(name.clone(), socket).await?) as Box<dyn Stream>
                }
                None => Box::new(socket),
            })
        };
        match timeout(CONNECT, connecting).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(refused(host, port, &error)),
            Err(_) => Err(lost(format!("{host}:{port} does not answer"))),
        }
    }
}

/// Whom the connection trusts. The cryptography is named here, not taken from the process: where a program links two of them,
/// rustls would panic over the choice.
fn trust(config: &Config) -> Result<ClientConfig, IrcError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = &config.ca_file {
        let unreadable = |problem: String| IrcError::CaFile { path: path.clone(), problem };
        let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let certificates = read.map_err(|error| unreadable(error.to_string()))?;
        if roots.add_parsable_certificates(certificates).0 == 0 {
            return Err(unreadable("it has no certificate".to_owned()));
        }
    }
    if roots.is_empty() {
        return Err(IrcError::NoRoots);
    }
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Whether trying again may help: it does not where the certificate is wrong, or the port speaks no TLS.
fn refused(host: &str, port: u16, error: &io::Error) -> ConnectorError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
        Some(TlsError::InvalidCertificate(problem)) => ConnectorError::Stop(format!(
            "IRC: the certificate of {host} is not trusted ({problem:?}); check connectors.irc.server, or set connectors.irc.ca_file to the authority's certificate"
        )),
        Some(TlsError::InvalidMessage(_)) => ConnectorError::Stop(format!(
            "IRC: {host} speaks no TLS on port {port}; set connectors.irc.port to its TLS port, mostly 6697, or connectors.irc.tls to false"
        )),
        _ => lost(format!("{host}:{port} cannot be reached ({error})")),
    }
}

/// Lines as they come in.
pub(super) struct Lines<R> {
    bytes: BufReader<R>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(bytes: R) -> Self {
        Self { bytes: BufReader::new(bytes) }
    }

    /// The next line without its end; `None` once there are no more. What is not UTF-8 in it is replaced, since one person with
    /// an old client must not end the connection; a line that is too long is left out.
    pub(super) async fn next(&mut self) -> io::Result<Option<String>> {
        loop {
            let mut line = Vec::new();
            let mut too_long = false;
            let complete = loop {
                let piece = self.bytes.fill_buf().await?;
                if piece.is_empty() {
                    break false;
                }
                let end = piece.iter().position(|byte| *byte == b'\n');
                let taken = end.unwrap_or(piece.len());
                too_long |= line.len() + taken > LONGEST;
                if !too_long {
                    line.extend_from_slice(&piece[..taken]);
                }
                self.bytes.consume(end.map_or(taken, |end| end + 1));
                if end.is_some() {
                    break true;
                }
            };
            match complete {
                // What stands before the end of the stream without a line's end is half a line.
                false => return Ok(None),
                true if too_long => tracing::debug!("a line of more than {LONGEST} bytes"),
                true => {
                    return Ok(Some(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_that_are_no_text_and_endless_lines_end_nothing() {
        let mut sent = b"PING :a\r\nPRIVMSG #c :caf\xe9\r\n".to_vec();
        sent.extend(vec![b'x'; 3 * LONGEST]);
        sent.extend(b"\r\nPING :b\nhalf a li");
        let mut lines = Lines::new(sent.as_slice());
        for expected in ["PING :a", "PRIVMSG #c :caf\u{fffd}", "PING :b"] {
            assert_eq!(lines.next().await.unwrap().as_deref(), Some(expected));
        }
        assert_eq!(lines.next().await.unwrap(), None);
    }
}
