//! A real port: stopping, draining, and what is refused meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use futures::FutureExt;
use loquat_contract::{
    BotCard, CancellationToken, ConnectorError, Delivery, Egress, Ingress, Receipt, Refusal,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::fakes::{
    ANN, FakeSink, ONE, TWO, address, envelope, error, fixture, get, id_of, message, reply, sent, token_of,
};
use crate::serve::{Guests, Secret};
use crate::{Config, WebEgress, WebIngress, bind};

struct Server {
    host: String,
    ingress: Arc<WebIngress>,
    egress: WebEgress,
    stop: CancellationToken,
    run: JoinHandle<Result<(), ConnectorError>>,
}

fn serve() -> Server {
    let bound = bind(&Config { port: 0, ..Config::default() }).unwrap();
    let bound = bound.with_secret(Secret::known());
    let host = bound.address().to_string();
    let (ingress, egress) = bound.connect(BotCard { name: "Loquat".into(), ..BotCard::default() });
    let (ingress, stop) = (Arc::new(ingress), CancellationToken::new());
    let run = run(&ingress, &stop);
    Server { host, ingress, egress, stop, run }
}

fn run(ingress: &Arc<WebIngress>, stop: &CancellationToken) -> JoinHandle<Result<(), ConnectorError>> {
    let (ingress, stop) = (ingress.clone(), stop.clone());
    tokio::spawn(async move { ingress.run(FakeSink::willing(), stop).await })
}

impl Server {
    async fn open(&self, request: &str) -> TcpStream {
        let mut connection = TcpStream::connect(&self.host).await.unwrap();
        let token = token_of(&Guests::new(&Secret::known(), None), "guest:ann");
        let host = format!("{}\r\nAuthorization: Bearer {token}", self.host);
        connection.write_all(request.replace("HOST", &host).as_bytes()).await.unwrap();
        connection
    }

    async fn send(&self, id: &str) -> String {
        let body = format!(r#"{{"id": "{id}", "text": "Hello"}}"#);
        let head = "Host: HOST\r\nContent-Type: application/json\r\nConnection: close";
        let path = format!("/api/conversations/{}/messages", id_of(ONE, ANN));
        let length = body.len();
        let request = format!("POST {path} HTTP/1.1\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}");
        read_all(self.open(&request).await).await
    }

    async fn listen(&self) -> TcpStream {
        let path = format!("/api/conversations/{}/events", id_of(ONE, ANN));
        self.open(&format!("GET {path} HTTP/1.1\r\nHost: HOST\r\n\r\n")).await
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

    let delivered = server.egress.deliver(&envelope(&address(ONE, "1"), &reply("Just in time."))).await;
    assert_eq!(delivered, sent("1"));
    // The stream ends by itself, after it carried the reply.
    assert!(read_all(page).await.contains("Just in time."));
    server.run.await.unwrap().unwrap();
    let after = server.egress.deliver(&envelope(&address(ONE, "2"), &reply("Too late."))).await;
    assert!(matches!(after, Delivery::Retry { .. }));
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
async fn a_run_that_was_dropped_is_run_again_on_the_same_port() {
    let mut server = serve();
    assert!(server.send("1").await.starts_with("HTTP/1.1 202"));
    let page = server.listen().await;
    server.run.abort();
    assert!((&mut server.run).await.unwrap_err().is_cancelled());

    // Nobody serves it now, and it waits.
    let waiting = server.send("2");
    tokio::pin!(waiting);
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut waiting).await.is_err());
    let again = run(&server.ingress, &server.stop);
    assert!(waiting.await.starts_with("HTTP/1.1 202"));
    for (id, text) in [("1", "From before."), ("2", "From after.")] {
        assert_eq!(server.egress.deliver(&envelope(&address(ONE, id), &reply(text))).await, sent(id));
    }
    server.stop.cancel();
    again.await.unwrap().unwrap();
    let heard = read_all(page).await;
    assert!(heard.contains("From before.") && heard.contains("From after."), "{heard}");
}

#[tokio::test]
async fn stopping_shows_in_its_readiness_and_not_in_its_health() {
    let web = fixture(FakeSink::willing(), None);
    for path in ["/health", "/ready"] {
        assert_eq!(web.ask(get(path)).await.status(), StatusCode::OK, "{path}");
    }
    web.stop.cancel();
    assert_eq!(web.ask(get("/health")).await.status(), StatusCode::OK);
    assert_eq!(web.ask(get("/ready")).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    let refused = web.ask(message(ONE, "1", "Hello")).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(error(refused).await.contains("stopping"));
}

#[tokio::test]
async fn owed_are_the_accepted_and_unanswered() {
    let refusing = fixture(FakeSink::refusing(Refusal::Stopping), None);
    refusing.ask(message(ONE, "1", "Hello")).await;
    assert!(refusing.mailboxes.all_answered().now_or_never().is_some(), "refused is not owed");

    let web = fixture(FakeSink::willing(), None);
    web.ask(message(ONE, "1", "Hello")).await;
    web.ask(message(TWO, "1", "Hello")).await;
    web.deliver(&address(ONE, "1"), &reply("Hi.")).await;
    assert!(web.mailboxes.all_answered().now_or_never().is_none(), "the other conversation is owed");
    web.apologise(&address(TWO, "1"), "Sorry.").await;
    assert!(web.mailboxes.all_answered().now_or_never().is_some());
    *web.sink.receipt.lock().unwrap() = Receipt::Duplicate;
    web.ask(message(ONE, "1", "Hello")).await;
    assert!(web.mailboxes.all_answered().now_or_never().is_some(), "answered before is not owed again");
}

#[tokio::test]
async fn what_comes_again_or_calls_for_no_answer_is_not_owed() {
    for receipt in [Receipt::Duplicate, Receipt::Ignored, Receipt::Answered("Welcome.".into())] {
        let web = fixture(FakeSink::answering(receipt), None);
        web.ask(message(ONE, "1", "Hello")).await;
        assert!(web.mailboxes.all_answered().now_or_never().is_some());
    }
    let sink = FakeSink::willing();
    let web = fixture(sink.clone(), None);
    web.ask(message(ONE, "1", "Hello")).await;
    *sink.receipt.lock().unwrap() = Receipt::Duplicate;
    web.ask(message(ONE, "1", "Hello")).await;
    *sink.refusal.lock().unwrap() = Some(Refusal::NotAllowed);
    web.ask(message(ONE, "1", "Hello")).await;
    assert!(web.mailboxes.all_answered().now_or_never().is_none(), "the first one is owed all the same");
    web.withdraw(&address(ONE, "1")).await;
    assert!(web.mailboxes.all_answered().now_or_never().is_some(), "what is withdrawn gets no answer");
}
