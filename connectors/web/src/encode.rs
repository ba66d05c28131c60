//! What the bot says, as the page reads it. In: sentences, a reply or a notice. Out: a named event with JSON.

use loquat_contract::{Address, MessageId, Part, Reply, Sentence};
use serde_json::json;

/// What an event is, and thereby which listener of the page gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The verified sentences of a reply that is still being written.
    Draft,
    /// The draft is taken back.
    Withdrawn,
    /// The whole reply.
    Reply,
    /// Why there is no reply.
    Problem,
    /// What the bot says in place of a reply, about something that is between it and the person.
    Notice,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Withdrawn => "withdrawn",
            Self::Reply => "reply",
            Self::Problem => "problem",
            Self::Notice => "notice",
        }
    }

    /// Whether the message needs no further answer after it.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Reply | Self::Problem | Self::Notice)
    }
}

/// One event of a conversation, before it has a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) kind: Kind,
    pub(crate) in_reply_to: MessageId,
    /// One line of JSON.
    pub(crate) data: String,
}

impl Event {
    /// `{"in_reply_to", "sentences"}`
    pub(crate) fn draft(in_reply_to: &MessageId, sentences: &[Sentence]) -> Self {
        Self::new(Kind::Draft, in_reply_to, json!({ "in_reply_to": in_reply_to, "sentences": sentences }))
    }

    /// `{"in_reply_to"}`
    pub(crate) fn withdrawn(in_reply_to: &MessageId) -> Self {
        Self::new(Kind::Withdrawn, in_reply_to, json!({ "in_reply_to": in_reply_to }))
    }

    /// `{"in_reply_to", "reply"}`
    pub(crate) fn reply(in_reply_to: &MessageId, reply: &Reply) -> Self {
        Self::new(Kind::Reply, in_reply_to, json!({ "in_reply_to": in_reply_to, "reply": reply }))
    }

    /// `{"in_reply_to", "reason"}`
    pub(crate) fn problem(in_reply_to: &MessageId, reason: &str) -> Self {
        Self::new(Kind::Problem, in_reply_to, json!({ "in_reply_to": in_reply_to, "reason": reason }))
    }

    /// `{"in_reply_to", "text"}`
    pub(crate) fn notice(in_reply_to: &MessageId, text: &str) -> Self {
        Self::new(Kind::Notice, in_reply_to, json!({ "in_reply_to": in_reply_to, "text": text }))
    }

    fn new(kind: Kind, in_reply_to: &MessageId, data: serde_json::Value) -> Self {
        Self { kind, in_reply_to: in_reply_to.clone(), data: data.to_string() }
    }
}

/// An answer: the reply, and where there is none, what its parts say: an apology, or something else such as what an earlier answer
/// rests on. A page takes a text of any length, so there is one part.
pub(crate) fn answer(to: &Address, reply: Option<&Reply>, parts: &[Part]) -> Event {
    let text = || parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join("\n");
    match reply {
        Some(reply) => Event::reply(&to.in_reply_to, reply),
        None if parts.iter().any(|part| part.is_apology) => Event::problem(&to.in_reply_to, &text()),
        None => Event::notice(&to.in_reply_to, &text()),
    }
}
