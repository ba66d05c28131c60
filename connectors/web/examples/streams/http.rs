//! As much of HTTP/1.1 as the measuring client needs, which has to be cheap: it shares the machine with what it measures.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::Error;

/// A connection that is used for one request after the other.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Connection {
    pub(crate) async fn open(host: &str) -> Result<Self, Error> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::with_capacity(4096, stream), host: host.to_owned() })
    }

    /// Sends a request, and reads the head of the answer: the status, and how long its body is where that is said.
    async fn head(
        &mut self,
        method: &str,
        path: &str,
        token: &str,
        body: &str,
    ) -> Result<(u16, Option<usize>), Error> {
        let authorization =
            if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{authorization}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        let (mut status, mut length) = (0, None);
        for number in 0.. {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await? == 0 {
                return Err("the server closed the connection".into());
            }
            let line = line.trim_end();
            if number == 0 {
                status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
            } else if line.is_empty() {
                break;
            } else if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok();
            }
        }
        Ok((status, length))
    }

    /// A request with its answer.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        token: &str,
        body: &str,
    ) -> Result<serde_json::Value, Error> {
        let (status, length) = self.head(method, path, token, body).await?;
        let mut answer = vec![0; length.unwrap_or_default()];
        self.stream.read_exact(&mut answer).await?;
        if !(200..300).contains(&status) {
            return Err(format!("{method} {path}: {status} {}", String::from_utf8_lossy(&answer)).into());
        }
        Ok(serde_json::from_slice(&answer).unwrap_or_default())
    }

    /// A stream of events: the connection from the head of the answer on.
    pub(crate) async fn listen(mut self, path: &str, token: &str) -> Result<BufReader<TcpStream>, Error> {
        let (status, _) = self.head("GET", path, token, "").await?;
        if status != 200 {
            return Err(format!("GET {path}: {status}").into());
        }
        Ok(self.stream)
    }
}
