//! A real port and clients that behave badly: slow, large, many.

use std::time::Duration;

use loquat_contract::{BotCard, CancellationToken, ConnectorError, Ingress};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::fakes::FakeSink;
use crate::{Config, Limits, WebEgress, bind};

/// Long beyond every time-out of these tests.
const LONG: Duration = Duration::from_secs(60);

struct Server {
    host: String,
    stop: CancellationToken,
    run: JoinHandle<Result<(), ConnectorError>>,
    _egress: WebEgress,
}

fn serve(limits: Limits) -> Server {
    let bound = bind(&Config { port: 0, limits, ..Config::default() }).unwrap();
    let host = bound.address().to_string();
    let (ingress, egress) = bound.connect(BotCard { name: "Loquat".into(), ..BotCard::default() });
    let stop = CancellationToken::new();
    let until = stop.clone();
    let run = tokio::spawn(async move { ingress.run(FakeSink::willing(), until).await });
    Server { host, stop, run, _egress: egress }
}

impl Server {
    async fn open(&self) -> TcpStream {
        TcpStream::connect(&self.host).await.unwrap()
    }

    async fn ask(&self, request: &str) -> String {
        let mut connection = self.open().await;
        connection.write_all(request.replace("HOST", &self.host).as_bytes()).await.unwrap();
        rest(&mut connection).await
    }

    async fn is_well(&self) -> bool {
        self.ask("GET /health HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n").await.contains("200 OK")
    }

    async fn end(self) {
        self.stop.cancel();
        timeout(LONG, self.run).await.expect("it stops").unwrap().unwrap();
    }
}

/// What comes until the server hangs up, which it must.
async fn rest(connection: &mut TcpStream) -> String {
    let mut read = Vec::new();
    // A reset is an end, too: something was sent that nobody read.
    let _ = timeout(LONG, connection.read_to_end(&mut read)).await.expect("the server hangs up");
    String::from_utf8_lossy(&read).into_owned()
}

fn quick() -> Limits {
    Limits { header_timeout_s: 1, body_timeout_s: 1, ..Limits::default() }
}

#[tokio::test]
async fn who_sends_a_head_slowly_is_cut_off() {
    let server = serve(quick());
    let mut silent = server.open().await;
    let mut begun = server.open().await;
    begun.write_all(b"GET / HTTP/1.1\r\nHost: ").await.unwrap();
    let mut dripping = server.open().await;
    let dripped = async {
        let head =
            format!("GET / HTTP/1.1\r\nHost: {}\r\nX-Slow: {}\r\n\r\n", server.host, "a".repeat(10_000));
        for byte in head.bytes() {
            if dripping.write_all(&[byte]).await.is_err() {
                return "hung up".to_owned();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        "took it all".to_owned()
    };
    let (silent, begun, dripped) = tokio::join!(rest(&mut silent), rest(&mut begun), timeout(LONG, dripped));
    assert!(!silent.contains("200 OK") && !begun.contains("200 OK"));
    assert_eq!(dripped.unwrap(), "hung up");
    assert!(server.is_well().await);
    server.end().await;
}

#[tokio::test]
async fn who_sends_a_body_slowly_is_cut_off() {
    let server = serve(quick());
    let head = format!(
        "POST /api/session HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{",
        server.host
    );
    let mut stuck = server.open().await;
    stuck.write_all(head.as_bytes()).await.unwrap();
    let stuck = rest(&mut stuck).await;
    assert!(stuck.starts_with("HTTP/1.1 408") && stuck.contains("too_slow"), "{stuck}");

    // A byte now and then does not keep it open.
    let mut dripping = server.open().await;
    dripping.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut write) = dripping.into_split();
    let drip = tokio::spawn(async move {
        while write.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let mut answer = Vec::new();
    let _ = timeout(LONG, read.read_to_end(&mut answer)).await.expect("the server hangs up");
    assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 408"));
    drip.abort();
    server.end().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = serve(quick());
    let mut connection = server.open().await;
    let request = format!("GET /health HTTP/1.1\r\nHost: {}\r\n\r\n", server.host);
    connection.write_all(request.as_bytes()).await.unwrap();
    assert!(rest(&mut connection).await.contains("200 OK"));
    server.end().await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = serve(Limits::default());
    let large = format!("GET / HTTP/1.1\r\nHost: HOST\r\nX-Large: {}\r\n\r\n", "a".repeat(100_000));
    assert!(server.ask(&large).await.starts_with("HTTP/1.1 431"));
    let many = format!("GET / HTTP/1.1\r\nHost: HOST\r\n{}\r\n", "X-Many: a\r\n".repeat(1000));
    assert!(server.ask(&many).await.starts_with("HTTP/1.1 431"));
    let long = format!("GET /{} HTTP/1.1\r\nHost: HOST\r\n\r\n", "a".repeat(100_000));
    let refused = server.ask(&long).await;
    assert!(["HTTP/1.1 414", "HTTP/1.1 431"].iter().any(|status| refused.starts_with(status)), "{refused}");
    assert!(server.is_well().await);
    server.end().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let server = serve(Limits::default());
    let large = "POST /api/session HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\n\
                 Content-Length: 1000000000\r\n\r\n{";
    assert!(server.ask(large).await.starts_with("HTTP/1.1 413"));
    server.end().await;
}

#[tokio::test]
async fn so_many_connections_are_open_and_one_that_ends_makes_room() {
    let server = serve(Limits { connections: 3, ..Limits::default() });
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut connection = server.open().await;
        let request = format!("GET /health HTTP/1.1\r\nHost: {}\r\n\r\n", server.host);
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut some = [0; 12];
        connection.read_exact(&mut some).await.unwrap();
        assert_eq!(&some, b"HTTP/1.1 200");
        open.push(connection);
    }
    assert!(!server.is_well().await, "there is no room for a fourth");
    open.pop();
    let again = async {
        while !server.is_well().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, again).await.expect("the third has left");
    drop(open);
    server.end().await;
}

#[tokio::test]
async fn what_is_no_http_does_no_harm() {
    let server = serve(quick());
    for garbage in [
        b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".as_slice(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello over TLS",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\ngarbage after the preface",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nGET /",
        b"POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    ] {
        let mut connection = server.open().await;
        connection.write_all(garbage).await.unwrap();
        let answer = rest(&mut connection).await;
        assert!(!answer.contains(" 200 ") && !answer.contains(" 50"), "{answer}");
        assert!(server.is_well().await);
    }
    server.end().await;
}
