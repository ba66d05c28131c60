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
    Address, BotCard, BoxFuture, CancellationToken, ConversationId, Delivery, Document, Draft, Egress, Entry,
    Envelope, Generation, IdempotencyKey, Inbound, JournalError, Language, MessageId, ModelIdentity, Outcome,
    Part, PartState, Person, Policy, Prepared, Query, Receipt, Refusal, Reply, Sender, Sentence, Sequence,
    Settlement, Sink, Timestamp, Timings, TokenCount, Verdict,
};
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::deliver::Mailboxes;
use crate::serve::{self, Guests, Secret, Site, Who, now, router};
use crate::{Bound, Config, WebEgress, bind};

pub(super) const ONE: &str = "3f2b8c1e-9d4a-4e6b-8a21-0c9d7e5f1b34";
/// Who asks in most tests.
pub(super) const ANN: &str = "guest:ann";
pub(super) const TWO: &str = "aaaaaaaa-bbbb-4ccc-9ddd-eeeeeeeeeeee";

/// Keeps what it is given, after it was allowed to: a journal in memory.
pub(super) struct FakeSink {
    pub(super) accepted: Mutex<Vec<Inbound>>,
    pub(super) refusal: Mutex<Option<Refusal>>,
    pub(super) receipt: Mutex<Receipt>,
    pub(super) allowed: Semaphore,
    /// What the journal has.
    pub(super) entries: Mutex<Vec<Entry>>,
    /// Why it cannot be read, where it cannot.
    pub(super) broken: Mutex<Option<&'static str>>,
    pub(super) may_read: Semaphore,
    /// Who was erased.
    pub(super) erased: Mutex<Vec<Person>>,
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
            entries: Mutex::default(),
            broken: Mutex::default(),
            may_read: Semaphore::new(Semaphore::MAX_PERMITS),
            erased: Mutex::default(),
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
        for (id, text) in said {
            let to = address(channel, id);
            sink.keep(asking(&to));
            sink.settle(&envelope(&to, &reply(text)));
        }
        sink
    }

    pub(super) fn texts(&self) -> Vec<String> {
        let text = |inbound: &Inbound| inbound.text().unwrap_or_default().to_owned();
        self.accepted.lock().unwrap().iter().map(text).collect()
    }

    /// Puts an event into the journal.
    pub(super) fn keep(&self, inbound: Inbound) -> u64 {
        let mut entries = self.entries.lock().unwrap();
        let sequence = Sequence(entries.last().map_or(1, |last| last.sequence.0 + 1));
        entries.push(Entry {
            sequence,
            accepted_at: Timestamp(1_700_000_000_000 + sequence.0 * 1000),
            inbound,
            draft: None,
            prepared: None,
            parts: Vec::new(),
            settled: None,
            reopened_at: None,
        });
        sequence.0
    }

    /// Notes in the journal that an answer is delivered.
    pub(super) fn settle(&self, envelope: &Envelope) {
        let parts = vec![envelope.part.clone()];
        let prepared = Prepared { reply: envelope.reply.clone(), parts, ..Prepared::default() };
        let mut entries = self.entries.lock().unwrap();
        let entry = entries.iter_mut().rev().find(|entry| entry.inbound.address() == envelope.to).unwrap();
        entry.parts = vec![PartState::Sent { id: None }];
        entry.prepared = Some(prepared);
        entry.settled = Some((Settlement::Delivered, Timestamp(0)));
    }

    /// Notes in the journal how an event ended.
    pub(super) fn end(&self, id: &str, settlement: Settlement) {
        let mut entries = self.entries.lock().unwrap();
        let entry = entries.iter_mut().find(|entry| entry.inbound.id.0 == id).unwrap();
        entry.settled = Some((settlement, Timestamp(0)));
    }
}

impl Sink for FakeSink {
    fn accept(&self, inbound: Inbound) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        Box::pin(async move {
            self.allowed.acquire().await.unwrap().forget();
            if let Some(refusal) = self.refusal.lock().unwrap().take() {
                return Err(refusal);
            }
            let receipt = self.receipt.lock().unwrap().clone();
            if receipt == Receipt::Accepted {
                self.keep(inbound.clone());
            }
            self.accepted.lock().unwrap().push(inbound);
            Ok(receipt)
        })
    }

    fn history(&self, query: Query) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        Box::pin(async move {
            self.may_read.acquire().await.unwrap().forget();
            if let Some(problem) = *self.broken.lock().unwrap() {
                return Err(JournalError::Store(problem.into()));
            }
            let mut found = self.entries.lock().unwrap().clone();
            found.retain(|entry| {
                query.conversation.as_ref().is_none_or(|id| entry.inbound.conversation == *id)
                    && query.person.as_ref().is_none_or(|person| entry.inbound.person() == *person)
                    && query.after.is_none_or(|after| entry.sequence > after)
                    && query.before.is_none_or(|before| entry.sequence < before)
            });
            if query.newest_of_each {
                let all = found.clone();
                found.retain(|entry| {
                    let mut others =
                        all.iter().filter(|other| other.inbound.conversation == entry.inbound.conversation);
                    others.all(|other| other.sequence <= entry.sequence)
                });
            }
            let limit = query.limit.unwrap_or(usize::MAX);
            if query.after.is_some() {
                found.truncate(limit);
            }
            Ok(found.split_off(found.len().saturating_sub(limit)))
        })
    }

    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, Result<usize, JournalError>> {
        Box::pin(async move {
            self.erased.lock().unwrap().push(person.clone());
            let mut entries = self.entries.lock().unwrap();
            let before = entries.len();
            entries.retain(|entry| entry.inbound.person() != *person);
            Ok(before - entries.len())
        })
    }
}

/// A message that asks for the answer at this address.
fn asking(to: &Address) -> Inbound {
    Inbound::message(to.conversation.clone(), to.in_reply_to.0.clone(), Sender::new(ANN), "Hello")
}

/// The routes without a port.
pub(super) struct Fixture {
    pub(super) app: Router,
    pub(super) egress: WebEgress,
    pub(super) mailboxes: Arc<Mailboxes>,
    pub(super) stop: CancellationToken,
    /// A token of somebody who was let in.
    pub(super) token: String,
    pub(super) sink: Arc<FakeSink>,
    pub(super) site: Arc<Site>,
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
    let site = Arc::new(Site::new(&bound, bot, sink.clone(), mailboxes.clone(), stop.clone()));
    let token = token_of(&site.guests, ANN);
    let egress = WebEgress::new(mailboxes.clone(), bound.files.clone());
    Fixture { app: router(site.clone()), egress, mailboxes, stop, token, sink, site }
}

/// A token that stays good.
pub(super) fn token_of(guests: &Guests, person: &str) -> String {
    guests.issue(&somebody(person), now() + 1_000_000).unwrap()
}

fn somebody(person: &str) -> serve::Person {
    serve::Person { id: person.to_owned(), name: None }
}

/// The same at a bot whose secret is known.
pub(super) fn id_of(channel: &str, person: &str) -> String {
    Guests::new(&Secret::known(), None).sign_conversation(&somebody(person), channel)
}

/// The path of this conversation of whoever asks; [`Fixture::ask`] puts its id in.
pub(super) fn path(channel: &str, rest: &str) -> String {
    format!("/api/conversations/{channel}/{rest}")
}

impl Fixture {
    /// The id of this conversation as a person has it.
    pub(super) fn id_of(&self, channel: &str, person: &str) -> String {
        self.site.guests.sign_conversation(&somebody(person), channel)
    }

    /// As somebody who was let in, unless the request says otherwise.
    pub(super) async fn ask(&self, mut request: Request<Body>) -> Response<Body> {
        let bearer = format!("Bearer {}", self.token).parse().unwrap();
        request.headers_mut().entry(header::AUTHORIZATION).or_insert(bearer);
        self.as_stranger(request).await
    }

    /// As the request says it.
    pub(super) async fn as_stranger(&self, mut request: Request<Body>) -> Response<Body> {
        if let Some(person) = Who::of(&self.site, request.headers()).chats() {
            let id = |channel| self.site.guests.sign_conversation(&person, channel);
            let own = [ONE, TWO].iter().fold(request.uri().to_string(), |uri, channel| {
                uri.replace(&format!("/{channel}/"), &format!("/{}/", id(channel)))
            });
            *request.uri_mut() = own.parse().unwrap();
        }
        self.app.clone().oneshot(request).await.unwrap()
    }

    /// Delivers a reply: what became of it.
    pub(super) async fn deliver(&self, to: &Address, reply: &Reply) -> Delivery {
        self.deliver_whole(&envelope(to, reply)).await
    }

    /// Delivers, and settles it in the journal, as the host does.
    pub(super) async fn deliver_whole(&self, envelope: &Envelope) -> Delivery {
        let is_known = |entry: &Entry| entry.inbound.address() == envelope.to;
        if !self.sink.entries.lock().unwrap().iter().any(is_known) {
            self.sink.keep(asking(&envelope.to));
        }
        let delivery = self.egress.deliver(envelope).await;
        if matches!(delivery, Delivery::Sent { .. }) {
            self.sink.settle(envelope);
        }
        delivery
    }

    /// Shows a draft of these sentences.
    pub(super) async fn draft(&self, to: &Address, sentences: &[&str]) {
        let sentences: Vec<Sentence> = sentences.iter().map(|text| sentence(text)).collect();
        self.egress.drafts().unwrap().draft(&Draft::new(to.clone(), sentences)).await;
    }

    /// Adds a sentence to a draft, which has so many before.
    pub(super) async fn draft_on(&self, to: &Address, from: usize, text: &str) {
        let document = Document::plain(text);
        let part = Part { document, ..Part::default() };
        let draft = Draft { from, part, goes_on: from > 0, ..Draft::new(to.clone(), vec![sentence(text)]) };
        self.egress.drafts().unwrap().draft(&draft).await;
    }

    /// Takes a draft back.
    pub(super) async fn withdraw(&self, to: &Address) {
        self.egress.drafts().unwrap().withdraw(to, None).await;
    }

    /// Says why there is no reply.
    pub(super) async fn apologise(&self, to: &Address, reason: &str) -> Delivery {
        self.deliver_whole(&notice(to, reason)).await
    }

    /// Says something else that is no reply.
    pub(super) async fn note(&self, to: &Address, text: &str) -> Delivery {
        let apology = notice(to, text);
        let part = Part { is_apology: false, ..apology.part };
        self.deliver_whole(&Envelope { part, ..apology }).await
    }

    /// Listens to a conversation.
    pub(super) async fn listen(&self, channel: &str, last_event_id: Option<&str>) -> Listener {
        let mut request = get(&path(channel, "events"));
        if let Some(id) = last_event_id {
            request.headers_mut().insert("last-event-id", id.parse().unwrap());
        }
        let response = self.ask(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Listener { body: response.into_body(), read: String::new(), mark: None }
    }
}

/// The end of an event stream, as a browser reads it.
pub(super) struct Listener {
    body: Body,
    read: String,
    /// The watermark.
    pub(super) mark: Option<String>,
}

/// One event: its name and its JSON.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) kind: String,
    pub(super) data: serde_json::Value,
}

impl Listener {
    /// The next event that the bot says, or `None` at the end of the stream; nothing is lost where it is not waited for to the end.
    pub(super) async fn next(&mut self) -> Option<Heard> {
        loop {
            let heard = self.next_of_all().await?;
            if heard.kind != "message" {
                return Some(heard);
            }
        }
    }

    /// The next event.
    pub(super) async fn next_of_all(&mut self) -> Option<Heard> {
        loop {
            while let Some((event, rest)) = self.read.split_once("\n\n") {
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .map(|value| value.trim().to_owned())
                };
                let (id, kind, data) = (field("id:"), field("event:"), field("data:"));
                self.read = rest.to_owned();
                self.mark = id.or(self.mark.take());
                if let (Some(kind), Some(data)) = (kind, data) {
                    return Some(Heard { kind, data: data.parse().unwrap() });
                }
            }
            let piece = self.body.frame().await?.unwrap().into_data().unwrap();
            self.read.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }
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
    post(&path(channel, "messages"), &body)
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

/// What becomes of an answer to this.
pub(super) fn sent(id: &str) -> Delivery {
    Delivery::Sent { id: Some(MessageId(format!("{id}~r"))) }
}

fn whole(to: &Address, text: &str, reply: Option<Arc<Reply>>) -> Envelope {
    let (document, is_apology) = (Document::plain(text), reply.is_none());
    let part = Part { text: text.to_owned(), document, is_apology, ..Part::default() };
    let key = IdempotencyKey("0".repeat(24));
    Envelope { reply, ..Envelope::new(key, to.clone(), part) }
}

/// A reply as the host delivers it.
pub(super) fn envelope(to: &Address, reply: &Reply) -> Envelope {
    whole(to, &reply.answer, Some(Arc::new(reply.clone())))
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
