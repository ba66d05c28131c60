//! A sink that does as it is told, and the requests that the tests make.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use futures::StreamExt;
use http_body_util::BodyExt;
use loquat_contract::{
    Address, BotCard, BoxFuture, CancellationToken, ConversationId, Generation, Inbound, Language, MessageId,
    ModelIdentity, Outcome, Policy, Refusal, Reply, Sentence, Sink, Timings, TokenCount, Verdict,
};
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::deliver::Mailboxes;
use crate::receive::{Door, Site, router};
use crate::{Config, WebEgress};

pub(super) const ONE: &str = "3f2b8c1e-9d4a-4e6b-8a21-0c9d7e5f1b34";
pub(super) const TWO: &str = "aaaaaaaa-bbbb-4ccc-9ddd-eeeeeeeeeeee";

/// Keeps what it is given, after it was allowed to.
pub(super) struct FakeSink {
    pub(super) accepted: Mutex<Vec<Inbound>>,
    pub(super) refusal: Mutex<Option<Refusal>>,
    pub(super) allowed: Semaphore,
}

impl FakeSink {
    pub(super) fn willing() -> Arc<Self> {
        Self::after(Semaphore::MAX_PERMITS)
    }

    /// One that returns only so often before it is allowed more.
    pub(super) fn after(allowed: usize) -> Arc<Self> {
        Arc::new(Self {
            accepted: Mutex::default(),
            refusal: Mutex::default(),
            allowed: Semaphore::new(allowed),
        })
    }

    pub(super) fn refusing(refusal: Refusal) -> Arc<Self> {
        let sink = Self::willing();
        *sink.refusal.lock().unwrap() = Some(refusal);
        sink
    }

    pub(super) fn texts(&self) -> Vec<String> {
        self.accepted.lock().unwrap().iter().map(|inbound| inbound.text.clone()).collect()
    }
}

impl Sink for FakeSink {
    fn accept(&self, inbound: Inbound) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move {
            self.allowed.acquire().await.unwrap().forget();
            if let Some(refusal) = self.refusal.lock().unwrap().take() {
                return Err(refusal);
            }
            self.accepted.lock().unwrap().push(inbound);
            Ok(())
        })
    }
}

/// The routes without a port.
pub(super) struct Fixture {
    pub(super) app: Router,
    pub(super) egress: WebEgress,
    pub(super) mailboxes: Arc<Mailboxes>,
    pub(super) stop: CancellationToken,
}

pub(super) fn fixture(sink: Arc<FakeSink>, token: Option<&str>) -> Fixture {
    let config = Config { token: token.map(SecretString::from), max_message_chars: 20, ..Config::default() };
    let mailboxes = Arc::new(Mailboxes::new());
    let stop = CancellationToken::new();
    let door = Door::new(config.token.as_ref());
    let bot = BotCard { name: "Loquat".into(), ..BotCard::default() };
    let site = Site { config, bot, sink, mailboxes: mailboxes.clone(), stop: stop.clone(), door };
    let egress = WebEgress::new(mailboxes.clone());
    Fixture { app: router(Arc::new(site)), egress, mailboxes, stop }
}

impl Fixture {
    pub(super) async fn ask(&self, request: Request<Body>) -> Response<Body> {
        self.app.clone().oneshot(request).await.unwrap()
    }

    /// Listens to a conversation.
    pub(super) async fn listen(&self, channel: &str, last_event_id: Option<&str>) -> Listener {
        let mut request = get(&format!("/api/conversations/{channel}/events"));
        if let Some(id) = last_event_id {
            request.headers_mut().insert("last-event-id", id.parse().unwrap());
        }
        let response = self.ask(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Listener { body: response.into_body(), read: String::new() }
    }
}

/// The end of an event stream, as a browser reads it.
pub(super) struct Listener {
    body: Body,
    read: String,
}

/// One event: its id, its name and its JSON.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) data: serde_json::Value,
}

impl Listener {
    /// The next event, or `None` at the end of the stream.
    pub(super) async fn next(&mut self) -> Option<Heard> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let heard = parse(event);
                self.read = rest.to_owned();
                return Some(heard);
            }
            let body = std::mem::take(&mut self.body);
            let mut stream = body.into_data_stream();
            let piece = stream.next().await?.unwrap();
            self.body = Body::from_stream(stream);
            self.read.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }
}

pub(super) fn parse(event: &str) -> Heard {
    let field = |name: &str| {
        let line = event.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name} is missing in {event:?}")).trim().to_owned()
    };
    Heard { id: field("id:"), kind: field("event:"), data: field("data:").parse().unwrap() }
}

pub(super) fn get(path: &str) -> Request<Body> {
    Request::get(path).header(header::HOST, "127.0.0.1:8080").body(Body::empty()).unwrap()
}

pub(super) fn post(path: &str, body: &str) -> Request<Body> {
    let request = Request::post(path)
        .header(header::HOST, "127.0.0.1:8080")
        .header(header::ORIGIN, "http://127.0.0.1:8080")
        .header(header::CONTENT_TYPE, "application/json");
    request.body(Body::from(body.to_owned())).unwrap()
}

pub(super) fn message(channel: &str, id: &str, text: &str) -> Request<Body> {
    let body = serde_json::json!({ "id": id, "text": text }).to_string();
    post(&format!("/api/conversations/{channel}/messages"), &body)
}

/// The `error` of a refusal.
pub(super) async fn error(response: Response<Body>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
    json["error"].as_str().unwrap().to_owned()
}

pub(super) fn address(channel: &str, id: &str) -> Address {
    let conversation = ConversationId {
        bot: "Loquat".into(),
        platform: "web".into(),
        channel: channel.into(),
        thread: None,
    };
    Address { conversation, in_reply_to: MessageId(id.into()) }
}

pub(super) fn sentence(text: &str) -> Sentence {
    Sentence { text: text.into(), verdict: Verdict::Supported, facts: vec!["f1".into()] }
}

pub(super) fn reply(text: &str) -> Reply {
    Reply {
        answer: text.into(),
        language: Language::english(),
        outcome: Outcome::Answered,
        sentences: vec![sentence(text)],
        citations: Vec::new(),
        entities: Vec::new(),
        policy: Policy::Strict,
        model: ModelIdentity { name: "scripted".into(), sha256: String::new() },
        graph: Generation(1),
        seed: 0,
        timings: Timings::default(),
        tokens: TokenCount::default(),
    }
}
