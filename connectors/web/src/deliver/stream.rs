//! A conversation's events as a page hears them. In: the watermark of what it has. Out: everything after it, out of the journal, and then
//! what happens.
//!
//! The watermark is a number of the journal: everything of the conversation up to there is final, and was sent on this stream. It comes as
//! the `id` of an event, or alone. It may lag behind, so what comes after it may come twice; nothing is missed.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{self, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use loquat_contract::{ConversationId, Entry, JournalError, MessageId, Query, Sequence, Sink};
use serde::Deserialize;
use tokio::time::{Instant, Sleep};
use utoipa::{IntoParams, ToSchema};

use super::mailboxes::{News, Reader};
use crate::encode::{Event, Exchange, is_settled};
use crate::receive::Channel;
use crate::serve::{Person, Site, problem};

/// How often something is sent where nothing happens, so that no proxy takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const ALIVE: Bytes = Bytes::from_static(b":\n\n");
/// How long a page waits before it connects again, in milliseconds.
const RETRY: Bytes = Bytes::from_static(b"retry: 1500\n\n");
/// How many exchanges a page gets that has none.
const NEWEST: usize = 50;
/// How many entries are read at once.
const PAGE: usize = 25;

/// How a stream goes on.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Following {
    /// `false` ends the stream once everything that is there was sent, for clients that ask again and again.
    #[param(nullable = false)]
    wait: Option<bool>,
}

/// One event of a stream.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is written as text")]
pub(crate) struct StreamEvent {
    /// What it is: `message`, `draft`, `withdrawn`, `reply`, `notice`, `problem` or `erased`.
    event: String,
    /// JSON in one line: an `Exchange` without answer, a `Drafted`, or an `Answer`.
    data: String,
    /// The watermark, for `Last-Event-ID`; it may also come alone.
    #[schema(nullable = false)]
    id: Option<String>,
}

/// Streams a conversation's events.
#[utoipa::path(
    get,
    path = "/api/conversations/{conversation}/events",
    operation_id = "follow_conversation",
    tag = "conversations",
    params(
        ("conversation" = String, Path, description = "The conversation's id."),
        Following,
        ("Last-Event-ID" = Option<u64>, Header, nullable = false, description = "The watermark: the `id` that the last stream brought."),
    ),
    responses(
        (status = 200, description = "Server-sent events; docs/web-api.md lists them.", content_type = "text/event-stream", body = StreamEvent),
        crate::openapi::Refusals,
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn events(
    State(site): State<Arc<Site>>,
    channel: Channel,
    person: Person,
    following: Result<extract::Query<Following>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let wait = match following {
        Ok(extract::Query(following)) => following.wait.unwrap_or(true),
        Err(rejection) => return problem(StatusCode::BAD_REQUEST, "bad_query", rejection.body_text()),
    };
    let mark = match headers.get("last-event-id").map(|value| value.to_str().map(str::trim)) {
        None | Some(Ok("")) => None,
        // No journal has more than a signed number can count.
        Some(Ok(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<i64>().is_ok() => {
            text.parse().ok()
        }
        Some(_) => {
            let words =
                "Last-Event-ID is a number that an earlier stream brought; leave it out to begin anew";
            return problem(StatusCode::BAD_REQUEST, "bad_watermark", words);
        }
    };
    let conversation = site.conversation(channel);
    let reader = site.mailboxes.read(&conversation, &person.id, &site.sink);
    let sink = site.sink.clone();
    let (ready, said, alarm) = (VecDeque::new(), Instant::now(), Box::pin(tokio::time::sleep(KEEP_ALIVE)));
    let mut page = Page { reader, sink, conversation, ready, mark, wait, said, alarm, past: None };
    match page.begin().await {
        Ok(()) => {
            let events = stream::unfold(page, |mut page| async move {
                let piece = page.next().await?;
                Some((Ok::<_, Infallible>(piece), page))
            });
            let headers = [
                (header::CONTENT_TYPE, "text/event-stream"),
                (header::CACHE_CONTROL, "no-store"),
                // Asks nginx not to hold the stream back.
                (HeaderName::from_static("x-accel-buffering"), "no"),
            ];
            (headers, Body::from_stream(events)).into_response()
        }
        // The page asks again in a moment.
        Err(error) => problem(StatusCode::SERVICE_UNAVAILABLE, "journal", error),
    }
}

/// One page that listens.
struct Page {
    reader: Reader,
    sink: Arc<dyn Sink>,
    conversation: ConversationId,
    /// What is sent next.
    ready: VecDeque<Bytes>,
    /// The watermark.
    mark: Option<u64>,
    /// Whether it hears what happens, too.
    wait: bool,
    /// When something was last heard, and when it is looked whether that was long ago.
    said: Instant,
    alarm: Pin<Box<Sleep>>,
    /// Where the journal is read, while it is.
    past: Option<Past>,
}

/// Where in the journal somebody is.
struct Past {
    after: u64,
    /// Whether everything so far is final.
    is_final: bool,
    /// How far it is.
    mark: u64,
    /// Whether the last event carried the watermark.
    is_said: bool,
    /// Messages that were told and are not over.
    open: Vec<MessageId>,
}

/// What the journal knows of a watermark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Known,
    /// Nothing is left of what the page has.
    Gone,
    /// It is of another journal than this one, such as one that was put back from a copy: what is said next would get a smaller number, and
    /// the page would never hear of it.
    Unknown,
}

impl Past {
    fn after(mark: u64) -> Self {
        Self { after: mark, is_final: true, mark, is_said: true, open: Vec::new() }
    }
}

impl Page {
    /// Reads the first of what the journal has.
    async fn begin(&mut self) -> Result<(), JournalError> {
        self.ready.push_back(RETRY);
        if let Some(mark) = self.mark {
            let place = self.place(mark).await?;
            if place == Place::Known {
                self.past = Some(Past::after(mark));
                return self.read_on().await;
            }
            if place == Place::Gone {
                self.ready.push_back(Event::erased().bytes);
            }
        }
        let entries = self.newest().await?;
        let first = entries.first().map_or(0, |entry| entry.sequence.0.saturating_sub(1));
        let mut past = Past::after(first);
        self.tell(&mut past, &entries);
        self.end(past);
        Ok(())
    }

    /// Whether the journal knows a watermark, which is the number of an entry of this conversation.
    async fn place(&self, mark: u64) -> Result<Place, JournalError> {
        if mark == 0 {
            return Ok(Place::Known);
        }
        let before = Some(Sequence(mark.saturating_add(1)));
        Ok(match self.history(None, before, 1).await?.last() {
            None => Place::Gone,
            Some(entry) if entry.sequence.0 == mark => Place::Known,
            Some(_) => Place::Unknown,
        })
    }

    async fn history(
        &self,
        after: Option<u64>,
        before: Option<Sequence>,
        limit: usize,
    ) -> Result<Vec<Entry>, JournalError> {
        let conversation = Some(self.conversation.clone());
        let (after, limit) = (after.map(Sequence), Some(limit));
        self.sink.history(Query { conversation, after, before, limit, ..Query::default() }).await
    }

    /// The newest exchanges, and all that are not over.
    async fn newest(&self) -> Result<Vec<Entry>, JournalError> {
        let mut entries: VecDeque<Entry> = VecDeque::new();
        let mut count = 0;
        loop {
            let before = entries.front().map(|entry: &Entry| entry.sequence);
            let earlier = self.history(None, before, PAGE).await?;
            let is_all = earlier.len() < PAGE;
            for entry in earlier.into_iter().rev() {
                if count >= NEWEST && entries.front().is_none_or(is_settled) && is_settled(&entry) {
                    return Ok(entries.into());
                }
                count += usize::from(Exchange::of(&entry).is_some());
                entries.push_front(entry);
            }
            if is_all {
                return Ok(entries.into());
            }
        }
    }

    /// Reads a further piece of the journal.
    async fn read_on(&mut self) -> Result<(), JournalError> {
        let Some(mut past) = self.past.take() else { return Ok(()) };
        let entries = self.history(Some(past.after), None, PAGE).await?;
        let is_all = entries.len() < PAGE;
        self.tell(&mut past, &entries);
        if is_all {
            self.end(past);
        } else {
            self.past = Some(past);
        }
        Ok(())
    }

    /// Tells what entries say.
    fn tell(&mut self, past: &mut Past, entries: &[Entry]) {
        for entry in entries {
            past.after = entry.sequence.0;
            past.is_final &= is_settled(entry);
            let mut events = Vec::new();
            if let Some(exchange) = Exchange::of(entry) {
                let answer = exchange.answer().map(Event::answer);
                events.push(Event::message(&exchange.unanswered()));
                events.extend(answer);
                if !past.is_final {
                    past.open.extend([entry.inbound.id.clone(), entry.inbound.address().in_reply_to]);
                }
            }
            if past.is_final {
                past.mark = past.after;
                past.is_said = !events.is_empty();
                if let Some(last) = events.pop() {
                    events.push(last.marked(past.mark));
                }
            }
            self.ready.extend(events.into_iter().map(|event| event.bytes));
        }
    }

    /// The journal is read; what happens comes next.
    fn end(&mut self, past: Past) {
        if !past.is_said {
            self.ready.push_back(Event::mark(past.mark).bytes);
        }
        self.mark = Some(past.mark);
        self.reader.has_read(past.mark, past.after, past.open);
        match self.reader.present() {
            Some(present) => self.hear(present),
            None => self.past = Some(Past::after(past.mark)),
        }
    }

    /// Takes in what happens.
    fn hear(&mut self, events: Vec<Arc<Event>>) {
        for event in events {
            // What the journal told already needs no older watermark.
            if event.mark.is_some() && event.mark <= self.mark {
                continue;
            }
            self.mark = event.mark.or(self.mark);
            self.ready.push_back(event.bytes.clone());
        }
    }

    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Some(piece);
            }
            self.ready.shrink_to(4);
            if self.past.is_some() {
                // A journal that cannot be read ends the stream: the page asks again.
                self.read_on().await.ok()?;
                continue;
            }
            if !self.wait {
                return None;
            }
            let news = tokio::select! {
                biased;
                news = self.reader.next() => news,
                () = &mut self.alarm => {
                    // It is not set anew with each event, for that costs more than the event.
                    let due = self.said + KEEP_ALIVE;
                    let is_due = due <= Instant::now();
                    if is_due {
                        self.said = Instant::now();
                    }
                    self.alarm.as_mut().reset(self.said + KEEP_ALIVE);
                    match is_due {
                        true => return Some(ALIVE),
                        false => continue,
                    }
                }
            };
            self.said = Instant::now();
            match news {
                News::End => return None,
                News::Missed => self.past = Some(Past::after(self.mark.unwrap_or_default())),
                News::Events(events) => self.hear(events),
            }
        }
    }
}
