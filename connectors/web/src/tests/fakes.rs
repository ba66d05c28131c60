//! A sink that does as it is told, and the requests that the tests make.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::IntoHeaderName;
use axum::http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use loquat_contract::{
    Address, BotCard, BoxFuture, CancellationToken, ConversationId, Delivery, Draft, Egress, Envelope,
    Generation, IdempotencyKey, Inbound, JournalError, Language, MessageId, ModelIdentity, Outcome, Part,
    Policy, Receipt, Refusal, Reply, Said, Sentence, Sink, Timings, TokenCount, Verdict,
};
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::deliver::Mailboxes;
use crate::serve::{Guests, Person, Site, now, router};
use crate::{Bound, Config, WebEgress, bind};

pub(super) const ONE: &str = "3f2b8c1e-9d4a-4e6b-8a21-0c9d7e5f1b34";
pub(super) const TWO: &str = "aaaaaaaa-bbbb-4ccc-9ddd-eeeeeeeeeeee";

/// Keeps what it is given, after it was allowed to.
pub(super) struct FakeSink {
    pub(super) accepted: Mutex<Vec<Inbound>>,
    pub(super) refusal: Mutex<Option<Refusal>>,
    pub(super) receipt: Mutex<Receipt>,
    pub(super) allowed: Semaphore,
    /// What the journal says was said; an error where it cannot be read.
    pub(super) said: Mutex<Result<Vec<Said>, &'static str>>,
    pub(super) may_read: Semaphore,
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
            receipt: Mutex::new(Receipt::Accepted),
            allowed: Semaphore::new(allowed),
            said: Mutex::new(Ok(Vec::new())),
            may_read: Semaphore::new(Semaphore::MAX_PERMITS),
        })
    }

    pub(super) fn refusing(refusal: Refusal) -> Arc<Self> {
        let sink = Self::willing();
        *sink.refusal.lock().unwrap() = Some(refusal);
        sink
    }

    /// One that says what became of each event.
    pub(super) fn answering(receipt: Receipt) -> Arc<Self> {
        let sink = Self::willing();
        *sink.receipt.lock().unwrap() = receipt;
        sink
    }

    /// One whose journal has these replies: messages and answers.
    pub(super) fn remembering(channel: &str, said: &[(&str, &str)]) -> Arc<Self> {
        let sink = Self::willing();
        let said = said.iter().map(|(id, text)| said_reply(&address(channel, id), text)).collect();
        *sink.said.lock().unwrap() = Ok(said);
        sink
    }

    pub(super) fn texts(&self) -> Vec<String> {
        let text = |inbound: &Inbound| inbound.text().unwrap_or_default().to_owned();
        self.accepted.lock().unwrap().iter().map(text).collect()
    }
}

impl Sink for FakeSink {
    fn accept(&self, inbound: Inbound) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        Box::pin(async move {
            self.allowed.acquire().await.unwrap().forget();
            if let Some(refusal) = self.refusal.lock().unwrap().take() {
                return Err(refusal);
            }
            self.accepted.lock().unwrap().push(inbound);
            Ok(self.receipt.lock().unwrap().clone())
        })
    }

    fn said<'a>(
        &'a self,
        conversation: &'a ConversationId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Said>, JournalError>> {
        Box::pin(async move {
            self.may_read.acquire().await.unwrap().forget();
            let said = self.said.lock().unwrap().clone();
            let mut said = said.map_err(|problem| JournalError::Store(problem.into()))?;
            said.retain(|said| said.to.conversation == *conversation);
            Ok(said.split_off(said.len().saturating_sub(limit)))
        })
    }
}

/// The routes without a port.
pub(super) struct Fixture {
    pub(super) app: Router,
    pub(super) egress: WebEgress,
    pub(super) mailboxes: Arc<Mailboxes>,
    pub(super) stop: CancellationToken,
    /// A token of somebody who was let in.
    pub(super) token: String,
}

pub(super) fn fixture(sink: Arc<FakeSink>, token: Option<&str>) -> Fixture {
    fixture_with(sink, Config { token: token.map(SecretString::from), ..Config::default() })
}

/// The routes as this config has them.
pub(super) fn fixture_with(sink: Arc<FakeSink>, config: Config) -> Fixture {
    // Nothing is served on the port; it has what a bot needs that has one.
    fixture_on(sink, bind(&Config { port: 0, max_message_chars: 20, ..config }).unwrap())
}

/// The routes of a bot that has its port.
pub(super) fn fixture_on(sink: Arc<FakeSink>, bound: Bound) -> Fixture {
    let mailboxes = Arc::new(Mailboxes::new());
    let stop = CancellationToken::new();
    let bot = BotCard { name: "Loquat".into(), ..BotCard::default() };
    let site = Site::new(&bound, bot, sink, mailboxes.clone(), stop.clone());
    let token = token_of(&site.guests, "guest:ann");
    let egress = WebEgress::new(mailboxes.clone());
    Fixture { app: router(Arc::new(site)), egress, mailboxes, stop, token }
}

/// A token that stays good.
pub(super) fn token_of(guests: &Guests, person: &str) -> String {
    let person = Person { id: person.to_owned(), name: None };
    guests.issue(&person, now() + 1_000_000).unwrap()
}

impl Fixture {
    /// As somebody who was let in, unless the request says otherwise.
    pub(super) async fn ask(&self, mut request: Request<Body>) -> Response<Body> {
        let bearer = format!("Bearer {}", self.token).parse().unwrap();
        request.headers_mut().entry(header::AUTHORIZATION).or_insert(bearer);
        self.as_stranger(request).await
    }

    /// As the request says it.
    pub(super) async fn as_stranger(&self, request: Request<Body>) -> Response<Body> {
        self.app.clone().oneshot(request).await.unwrap()
    }

    /// Delivers a reply: what became of it.
    pub(super) async fn deliver(&self, to: &Address, reply: &Reply) -> Delivery {
        self.egress.deliver(&envelope(to, reply)).await
    }

    /// Shows a draft of these sentences.
    pub(super) async fn draft(&self, to: &Address, sentences: &[&str]) {
        let sentences: Vec<Sentence> = sentences.iter().map(|text| sentence(text)).collect();
        self.egress.drafts().unwrap().draft(&Draft::new(to.clone(), sentences)).await;
    }

    /// Takes a draft back.
    pub(super) async fn withdraw(&self, to: &Address) {
        self.egress.drafts().unwrap().withdraw(to, None).await;
    }

    /// Says why there is no reply.
    pub(super) async fn apologise(&self, to: &Address, reason: &str) -> Delivery {
        self.egress.deliver(&notice(to, reason)).await
    }

    /// Says something else that is no reply.
    pub(super) async fn note(&self, to: &Address, text: &str) -> Delivery {
        let apology = notice(to, text);
        let part = Part { is_apology: false, ..apology.part };
        self.egress.deliver(&Envelope { part, ..apology }).await
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
    /// The next event, or `None` at the end of the stream; nothing is lost where it is not waited for to the end.
    pub(super) async fn next(&mut self) -> Option<Heard> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let heard = parse(event);
                self.read = rest.to_owned();
                return Some(heard);
            }
            let piece = self.body.frame().await?.unwrap().into_data().unwrap();
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
    ask("POST", path, body)
}

pub(super) fn ask(method: &str, path: &str, body: &str) -> Request<Body> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "127.0.0.1:8080")
        .header(header::ORIGIN, "http://127.0.0.1:8080")
        .header(header::CONTENT_TYPE, "application/json");
    request.body(Body::from(body.to_owned())).unwrap()
}

pub(super) fn message(channel: &str, id: &str, text: &str) -> Request<Body> {
    let body = serde_json::json!({ "id": id, "text": text }).to_string();
    post(&format!("/api/conversations/{channel}/messages"), &body)
}

/// A request with one more header.
pub(super) fn with(mut request: Request<Body>, name: impl IntoHeaderName, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

/// A request of somebody with this token or key.
pub(super) fn bearing(request: Request<Body>, token: &str) -> Request<Body> {
    with(request, header::AUTHORIZATION, &format!("Bearer {token}"))
}

/// A request that comes over this address.
pub(super) fn over(mut request: Request<Body>, address: &str) -> Request<Body> {
    let address = SocketAddr::new(address.parse().unwrap(), 4711);
    request.extensions_mut().insert(ConnectInfo(address));
    request
}

/// What a response says.
pub(super) async fn json(response: Response<Body>) -> serde_json::Value {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap()
}

/// The code of a refusal.
pub(super) async fn code(response: Response<Body>) -> String {
    json(response).await["error"]["code"].as_str().unwrap_or_default().to_owned()
}

/// The message of a refusal.
pub(super) async fn error(response: Response<Body>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
    json["error"]["message"].as_str().unwrap().to_owned()
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

pub(super) const SENT: Delivery = Delivery::Sent { id: None };

fn whole(to: &Address, text: &str, reply: Option<Arc<Reply>>) -> Envelope {
    let part = Part { text: text.to_owned(), is_apology: reply.is_none(), ..Part::default() };
    let key = IdempotencyKey("0".repeat(24));
    Envelope { reply, ..Envelope::new(key, to.clone(), part) }
}

/// A reply as the host delivers it.
pub(super) fn envelope(to: &Address, reply: &Reply) -> Envelope {
    whole(to, &reply.answer, Some(Arc::new(reply.clone())))
}

/// A reply as the journal has it.
pub(super) fn said_reply(to: &Address, text: &str) -> Said {
    let Envelope { part, reply, .. } = envelope(to, &reply(text));
    Said { to: to.clone(), parts: vec![part], reply }
}

/// An apology as the host delivers it.
pub(super) fn notice(to: &Address, text: &str) -> Envelope {
    whole(to, text, None)
}

pub(super) fn sentence(text: &str) -> Sentence {
    Sentence::new(text, Verdict::Supported, vec!["f1".into()])
}

pub(super) fn reply(text: &str) -> Reply {
    Reply {
        answer: text.into(),
        language: Language::english(),
        outcome: Outcome::Answered,
        sentences: vec![sentence(text)],
        citations: Vec::new(),
        entities: Vec::new(),
        values: Vec::new(),
        gaps: Vec::new(),
        choices: Vec::new(),
        policy: Policy::Strict,
        model: ModelIdentity { name: "scripted".into(), sha256: String::new() },
        graph: Generation(1),
        seed: 0,
        timings: Timings::default(),
        tokens: TokenCount::default(),
    }
}
