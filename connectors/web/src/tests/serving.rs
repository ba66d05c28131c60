//! A real port: stopping, draining, and what is refused meanwhile.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use futures::FutureExt;
use loquat_contract::{BotCard, CancellationToken, ConnectorError, Egress, Ingress};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::fakes::{FakeSink, ONE, TWO, address, error, fixture, get, message, reply};
use crate::{Config, WebEgress, bind};

struct Server {
    host: String,
    egress: WebEgress,
    stop: CancellationToken,
    run: JoinHandle<Result<(), ConnectorError>>,
}

fn serve() -> Server {
    let bound = bind(&Config { port: 0, ..Config::default() }).unwrap();
    let host = bound.address().to_string();
    let (ingress, egress) = bound.connect(BotCard { name: "Loquat".into(), ..BotCard::default() });
    let stop = CancellationToken::new();
    let run = tokio::spawn(Box::new(ingress).run(FakeSink::willing(), stop.clone()));
    Server { host, egress, stop, run }
}

impl Server {
    async fn open(&self, request: &str) -> TcpStream {
        let mut connection = TcpStream::connect(&self.host).await.unwrap();
        connection.write_all(request.replace("HOST", &self.host).as_bytes()).await.unwrap();
        connection
    }

    async fn send(&self, id: &str) -> String {
        let body = format!(r#"{{"id": "{id}", "text": "Hello"}}"#);
        let head = "Host: HOST\r\nContent-Type: application/json\r\nConnection: close";
        let path = format!("/api/conversations/{ONE}/messages");
        let length = body.len();
        let request = format!("POST {path} HTTP/1.1\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}");
        read_all(self.open(&request).await).await
    }

    async fn listen(&self) -> TcpStream {
        self.open(&format!("GET /api/conversations/{ONE}/events HTTP/1.1\r\nHost: HOST\r\n\r\n")).await
    }
}

async fn read_all(mut connection: TcpStream) -> String {
    let mut read = String::new();
    connection.read_to_string(&mut read).await.unwrap();
    read
}

#[tokio::test]
async fn a_stop_waits_for_the_reply_and_the_stream_carries_it() {
    let server = serve();
    let page = server.listen().await;
    assert!(server.send("1").await.starts_with("HTTP/1.1 202"));
    server.stop.cancel();
    let late = server.send("2").await;
    assert!(late.starts_with("HTTP/1.1 503") && late.contains("stopping"), "{late}");
    assert!(!server.run.is_finished());

    server.egress.deliver(&address(ONE, "1"), &reply("Just in time.")).await.unwrap();
    // The stream ends by itself, after it carried the reply.
    assert!(read_all(page).await.contains("Just in time."));
    server.run.await.unwrap().unwrap();
    let after = server.egress.deliver(&address(ONE, "2"), &reply("Too late.")).await;
    assert!(matches!(after, Err(ConnectorError::Retry(_))));
}

#[tokio::test]
async fn a_stop_with_nothing_owed_is_quick() {
    let server = serve();
    let page = server.listen().await;
    server.stop.cancel();
    let started = Instant::now();
    server.run.await.unwrap().unwrap();
    assert!(started.elapsed() < Duration::from_secs(2));
    drop(page);
}

#[tokio::test]
async fn dropping_the_egress_ends_the_wait() {
    let server = serve();
    assert!(server.send("1").await.starts_with("HTTP/1.1 202"));
    server.stop.cancel();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!server.run.is_finished());
    drop(server.egress);
    tokio::time::timeout(Duration::from_secs(5), server.run).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn stopping_shows_in_its_health() {
    let web = fixture(FakeSink::willing(), None);
    assert_eq!(web.ask(get("/health")).await.status(), StatusCode::OK);
    web.stop.cancel();
    assert_eq!(web.ask(get("/health")).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    let refused = web.ask(message(ONE, "1", "Hello")).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(error(refused).await.contains("stopping"));
}

#[tokio::test]
async fn owed_are_the_accepted_and_unanswered() {
    let refusing = fixture(FakeSink::refusing(loquat_contract::Refusal::Stopping), None);
    refusing.ask(message(ONE, "1", "Hello")).await;
    assert!(refusing.mailboxes.all_answered().now_or_never().is_some(), "refused is not owed");

    let web = fixture(FakeSink::willing(), None);
    web.ask(message(ONE, "1", "Hello")).await;
    web.ask(message(TWO, "1", "Hello")).await;
    web.egress.deliver(&address(ONE, "1"), &reply("Hi.")).await.unwrap();
    assert!(web.mailboxes.all_answered().now_or_never().is_none(), "the other conversation is owed");
    web.egress.apologise(&address(TWO, "1"), "Sorry.").await;
    assert!(web.mailboxes.all_answered().now_or_never().is_some());
    web.ask(message(ONE, "1", "Hello")).await;
    assert!(web.mailboxes.all_answered().now_or_never().is_some(), "answered before is not owed again");
}
