//! What goes out. In: a reply cut to a platform's measure. Out: parts, each with a key, and what became of each.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Address, Attachment, Document, MessageId, Reply, Ticket};

/// The key of one part of one reply: the same in every try and after every restart, different for any two parts. 24 lower-case
/// hexadecimal digits, short enough for every platform that takes one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IdempotencyKey(pub String);

impl std::fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something that the person can choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Choice {
    /// What the button says.
    pub label: String,
    /// What is answered when it is pressed, as if the person had said it.
    pub value: String,
}

/// A button below a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Button {
    /// What the platform gives back when it is pressed ([`Event::Button`](crate::Event::Button)): up to 32 characters out of `a-z`,
    /// `0-9` and `.`, the same after every restart. The host knows what it stands for, and who may press it.
    pub id: String,
    /// What it says.
    pub label: String,
}

/// One message of a reply, made for one platform: within its limits and in its markup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The text in the platform's [`Format`](crate::Format).
    pub text: String,
    /// The same as a tree, for platforms with a markup of their own.
    pub document: Document,
    /// Rows of buttons; none where the platform has none, because the text then has the choices as numbered lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Vec<Button>>,
    /// Files; none where the platform takes none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Whether it says, in place of an answer, that the message could not be answered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_apology: bool,
}

/// What [`Egress::deliver`](crate::Egress::deliver) gets: one part, its key, and where it goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// The key of this part.
    pub key: IdempotencyKey,
    /// Where it goes.
    pub to: Address,
    /// What came with the event that is answered.
    pub ticket: Option<Ticket>,
    /// The message that shows a draft of the reply ([`Drafts::draft`](crate::Drafts::draft)), maybe since an earlier process. The
    /// first part takes its place; later parts have none.
    pub draft: Option<MessageId>,
    /// Whether only the person who asked is to see it, where the platform can do that.
    pub is_private: bool,
    /// Which part this is, counted from 1.
    pub number: u16,
    /// How many there are.
    pub of: u16,
    /// The part.
    pub part: Part,
    /// The reply that it is a part of, with its verdicts and citations; `None` for a notice, such as a greeting or an apology.
    pub reply: Option<Arc<Reply>>,
}

impl Envelope {
    /// A notice of one part, for everybody in the conversation.
    pub fn new(key: IdempotencyKey, to: Address, part: Part) -> Self {
        Self { key, to, ticket: None, draft: None, is_private: false, number: 1, of: 1, part, reply: None }
    }

    /// Whether it is the last part.
    pub fn is_last(&self) -> bool {
        self.number == self.of
    }
}

/// What became of one part. It answers one question: may it be delivered again?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The platform has it.
    Sent {
        /// The platform's id of the message, where it gives one.
        id: Option<MessageId>,
    },
    /// The platform does not have it, and may take it later.
    Retry {
        /// How long the platform wants to be left alone, where it says so.
        after: Option<Duration>,
        /// Why.
        reason: String,
    },
    /// Nobody can tell whether the platform has it: the connection broke after it was sent, or no answer came. It is delivered
    /// again only where the platform has [`Idempotency`](crate::Idempotency).
    Ambiguous {
        /// Why.
        reason: String,
    },
    /// The platform does not have it and never will: the conversation is gone, or it refuses the text.
    Permanent {
        /// Why.
        reason: String,
    },
    /// The platform does not let the bot in: a person has to act. The connector stops, and the reply stays owed.
    Unauthorised {
        /// What to do.
        reason: String,
    },
}
