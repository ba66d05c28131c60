//! What the bot says, as the page reads it. In: a sentence, a reply or an apology. Out: a named event with JSON.

use loquat_contract::{MessageId, Reply, Sentence};
use serde_json::json;

/// What an event is, and thereby which listener of the page gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A verified sentence of a reply that is still being written.
    Sentence,
    /// The whole reply.
    Reply,
    /// Why there is no reply.
    Problem,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sentence => "sentence",
            Self::Reply => "reply",
            Self::Problem => "problem",
        }
    }
}

/// One event of a conversation, before it has a number.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) kind: Kind,
    pub(crate) in_reply_to: MessageId,
    /// One line of JSON.
    pub(crate) data: String,
}

impl Event {
    /// `{"in_reply_to", "sentence"}`
    pub(crate) fn sentence(in_reply_to: &MessageId, sentence: &Sentence) -> Self {
        Self::new(Kind::Sentence, in_reply_to, json!({ "in_reply_to": in_reply_to, "sentence": sentence }))
    }

    /// `{"in_reply_to", "reply"}`
    pub(crate) fn reply(in_reply_to: &MessageId, reply: &Reply) -> Self {
        Self::new(Kind::Reply, in_reply_to, json!({ "in_reply_to": in_reply_to, "reply": reply }))
    }

    /// `{"in_reply_to", "reason"}`
    pub(crate) fn problem(in_reply_to: &MessageId, reason: &str) -> Self {
        Self::new(Kind::Problem, in_reply_to, json!({ "in_reply_to": in_reply_to, "reason": reason }))
    }

    fn new(kind: Kind, in_reply_to: &MessageId, data: serde_json::Value) -> Self {
        Self { kind, in_reply_to: in_reply_to.clone(), data: data.to_string() }
    }
}
