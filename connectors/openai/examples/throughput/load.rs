//! Asks the same question over and over on several kept connections. In: an address and a body. Out: how many answers came in a second.
//! It reads no more of HTTP than where an answer ends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use axum::body::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How many ask at once.
const CONNECTIONS: usize = 32;

fn request(address: &str, path: &str, body: &str, connection: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nConnection: {connection}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The body of one answer.
pub(crate) fn once(address: &str, path: &str, body: &str) -> anyhow::Result<Bytes> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(request(address, path, body, "close").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    ensure!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    let (head, rest) = split(&answer).context("the answer has no head")?;
    if !head.contains("transfer-encoding: chunked") {
        return Ok(rest.to_vec().into());
    }
    let (mut body, mut rest) = (Vec::new(), rest);
    loop {
        let line = rest.windows(2).position(|pair| pair == b"\r\n").context("a chunk has no length")?;
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..line])?, 16)?;
        if length == 0 {
            return Ok(body.into());
        }
        body.extend_from_slice(&rest[line + 2..line + 2 + length]);
        rest = &rest[line + 2 + length + 2..];
    }
}

fn split(answer: &[u8]) -> Option<(String, &[u8])> {
    let at = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((String::from_utf8_lossy(&answer[..at]).to_ascii_lowercase(), &answer[at + 4..]))
}

/// Answers a second.
pub(crate) fn run(address: &str, path: &str, body: &str, length: Duration) -> anyhow::Result<f64> {
    let request = request(address, path, body, "keep-alive");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let begin = Instant::now();
        let ask = async || -> anyhow::Result<usize> {
            let mut stream = tokio::net::TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (mut count, mut read) = (0, Vec::with_capacity(64 << 10));
            while begin.elapsed() < length {
                stream.write_all(request.as_bytes()).await?;
                read.clear();
                while !is_whole(&read) {
                    ensure!(stream.read_buf(&mut read).await? > 0, "the connection was closed");
                }
                ensure!(read.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&read));
                count += 1;
            }
            Ok(count)
        };
        let asking = (0..CONNECTIONS).map(|_| ask());
        let counts = futures::future::try_join_all(asking).await?;
        Ok(counts.iter().sum::<usize>() as f64 / begin.elapsed().as_secs_f64())
    })
}

/// Whether the answer is all there.
fn is_whole(read: &[u8]) -> bool {
    // The end of a stream is told without looking for its head.
    if read.ends_with(b"\r\n0\r\n\r\n") {
        return true;
    }
    let Some((head, body)) = split(read) else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.and_then(|length| length.parse::<usize>().ok()).is_some_and(|length| body.len() >= length)
}
