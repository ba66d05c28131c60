//! One event of a stream, as it goes over the wire. In: an exchange, an answer, a draft. Out: its lines, made once for all who read them.

use std::ops::Range;

use axum::body::Bytes;
use loquat_contract::{Document, Draft, MessageId, Sentence};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{Answer, Exchange};

/// What an event is, and thereby what a page does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What somebody said.
    Message,
    /// The verified sentences of a reply that is still being written.
    Draft,
    /// What was said is taken back: no answer comes, or not this one.
    Withdrawn,
    /// The whole reply.
    Reply,
    /// What the bot says in place of a reply.
    Notice,
    /// Why there is no reply.
    Problem,
    /// Everything of the person is gone.
    Erased,
    /// How far everything is final; it has no data.
    Mark,
}

impl Kind {
    /// Its name on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Draft => "draft",
            Self::Withdrawn => "withdrawn",
            Self::Reply => "reply",
            Self::Notice => "notice",
            Self::Problem => "problem",
            Self::Erased => "erased",
            Self::Mark => "mark",
        }
    }

    /// Whether it ends the drafts of its message.
    pub(crate) fn ends_drafts(self) -> bool {
        matches!(self, Self::Withdrawn | Self::Reply | Self::Notice | Self::Problem)
    }
}

/// What is new of a reply that is still being written. It takes the place of everything from the sentence `from` on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Drafted<'a> {
    /// What it answers.
    in_reply_to: &'a str,
    /// How many sentences of it came before; 0 where the reply begins, or begins again.
    from: usize,
    /// The verified sentences from there on.
    sentences: &'a [Sentence],
    /// The same as a tree.
    document: &'a Document,
    /// Whether the first block goes on with the last one of before: a paragraph with more words, a list with more items.
    goes_on: bool,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) kind: Kind,
    /// The message that it is about.
    pub(crate) about: Option<MessageId>,
    /// The watermark that it brings.
    pub(crate) mark: Option<u64>,
    /// Which sentences of a reply a draft brings.
    pub(crate) sentences: Range<usize>,
    /// Its lines, the empty one at the end included.
    pub(crate) bytes: Bytes,
}

impl Event {
    /// What somebody said.
    pub(crate) fn message(exchange: &Exchange) -> Self {
        Self::new(Kind::Message, Some(exchange.id()), exchange)
    }

    /// What the bot says to it.
    pub(crate) fn answer(answer: &Answer) -> Self {
        Self::new(answer.kind(), Some(answer.in_reply_to()), answer)
    }

    /// The sentences that are new.
    pub(crate) fn draft(draft: &Draft) -> Self {
        let in_reply_to = draft.to.in_reply_to.0.as_str();
        let Draft { from, sentences, part, goes_on, .. } = draft;
        let (from, goes_on, document) = (*from, *goes_on, &part.document);
        let drafted = Drafted { in_reply_to, from, sentences, document, goes_on };
        let range = from..from.saturating_add(sentences.len());
        Self { sentences: range, ..Self::new(Kind::Draft, Some(in_reply_to), drafted) }
    }

    /// Several drafts of one reply, one after the other: the reply up to so many sentences.
    pub(crate) fn drafts(about: MessageId, sentences: usize, bytes: Bytes) -> Self {
        Self { kind: Kind::Draft, about: Some(about), mark: None, sentences: 0..sentences, bytes }
    }

    /// `{"in_reply_to"}`
    pub(crate) fn withdrawn(in_reply_to: &MessageId) -> Self {
        Self::new(Kind::Withdrawn, Some(&in_reply_to.0), json!({ "in_reply_to": in_reply_to }))
    }

    /// `{}`
    pub(crate) fn erased() -> Self {
        Self::new(Kind::Erased, None, json!({}))
    }

    /// A watermark alone.
    pub(crate) fn mark(sequence: u64) -> Self {
        let bytes = Bytes::from(format!("id: {sequence}\n\n"));
        Self { kind: Kind::Mark, about: None, mark: Some(sequence), sentences: 0..0, bytes }
    }

    /// The same event with a watermark.
    pub(crate) fn marked(self, sequence: u64) -> Self {
        let mut bytes = format!("id: {sequence}\n").into_bytes();
        bytes.extend_from_slice(&self.bytes);
        Self { mark: Some(sequence), bytes: bytes.into(), ..self }
    }

    fn new(kind: Kind, about: Option<&str>, data: impl Serialize) -> Self {
        let mut bytes = format!("event: {}\ndata: ", kind.name()).into_bytes();
        // JSON has its line breaks escaped, so it is one line. Everything here can be written as JSON.
        if serde_json::to_writer(&mut bytes, &data).is_err() {
            bytes.extend_from_slice(b"{}");
        }
        bytes.extend_from_slice(b"\n\n");
        let about = about.map(|id| MessageId(id.to_owned()));
        Self { kind, about, mark: None, sentences: 0..0, bytes: bytes.into() }
    }
}
