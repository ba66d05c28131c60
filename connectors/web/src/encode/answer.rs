//! One answer. In: an envelope, or an entry of the journal. Out: the reply or what is said in its place, as a tree, with its buttons.

use std::sync::Arc;

use loquat_contract::{Button, Document, Entry, Envelope, Part, Reply, Settlement};
use serde::Serialize;
use utoipa::ToSchema;

use super::event::Kind;

/// What the bot says to a message. A page keeps one for each `in_reply_to`: the last that came.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Answer {
    /// The id of the message or press that is answered; for a changed message, that of the message.
    in_reply_to: String,
    /// The reply with its verdicts and citations; absent for a notice, and for an apology.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reply: Option<Arc<Reply>>,
    /// What is said, as a tree. Numbers of citations count `reply.citations` from 1.
    document: Document,
    /// Rows of buttons below it.
    buttons: Vec<Vec<Button>>,
    /// Why there is no answer, where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
}

impl Answer {
    /// The answer that is being delivered.
    pub(crate) fn delivered(envelope: &Envelope) -> Self {
        let parts = std::slice::from_ref(&envelope.part);
        Self::of_parts(&envelope.to.in_reply_to.0, envelope.reply.clone(), parts)
    }

    /// Something that is between the host and the person, and not kept.
    pub(crate) fn notice(in_reply_to: &str, text: &str) -> Self {
        let part = Part { document: Document::plain(text), ..Part::default() };
        Self::of_parts(in_reply_to, None, &[part])
    }

    /// The answer of an entry; `None` while there is none, and where none is called for.
    pub(crate) fn kept(entry: &Entry) -> Option<Self> {
        let to = entry.inbound.address().in_reply_to.0;
        let ended = entry.settled.as_ref().map(|(settlement, _)| settlement);
        match (&entry.prepared, ended) {
            // Once it is made it is delivered, whatever comes; and what could not be delivered lies in the journal all the same.
            (Some(prepared), _) => Some(Self::of_parts(&to, prepared.reply.clone(), &prepared.parts)),
            (None, Some(settlement)) => Some(Self::missing(&to, why(settlement)?)),
            (None, None) => None,
        }
    }

    fn missing(in_reply_to: &str, reason: &str) -> Self {
        Self { reason: Some(reason.to_owned()), ..Self::notice(in_reply_to, reason) }
    }

    fn of_parts(in_reply_to: &str, reply: Option<Arc<Reply>>, parts: &[Part]) -> Self {
        let blocks = parts.iter().flat_map(|part| &part.document.blocks).cloned().collect();
        let is_apology = reply.is_none() && parts.iter().any(|part| part.is_apology);
        let text = || parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join("\n");
        Self {
            in_reply_to: in_reply_to.to_owned(),
            reply,
            document: Document { blocks },
            buttons: parts.last().map(|part| part.buttons.clone()).unwrap_or_default(),
            reason: is_apology.then(text),
        }
    }

    /// The id of what it answers.
    pub(crate) fn in_reply_to(&self) -> &str {
        &self.in_reply_to
    }

    /// Which event tells of it.
    pub(crate) fn kind(&self) -> Kind {
        match (&self.reply, &self.reason) {
            (Some(_), _) => Kind::Reply,
            (None, Some(_)) => Kind::Problem,
            (None, None) => Kind::Notice,
        }
    }
}

/// Why there is no answer, in words for the person; `None` where none is missing.
fn why(settlement: &Settlement) -> Option<&'static str> {
    match settlement {
        Settlement::Expired { .. } => Some("The message waited too long for its answer; send it again."),
        Settlement::Failed { .. } | Settlement::Unknown { .. } => {
            Some("The message could not be answered; send it again.")
        }
        Settlement::Discarded => Some("The operator closed the message without an answer."),
        Settlement::Delivered
        | Settlement::Noted
        | Settlement::Merged { .. }
        | Settlement::Superseded { .. } => None,
    }
}
