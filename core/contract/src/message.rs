//! What a person sent. In: a platform's event. Out: the one form that the engine and the journal know.

use serde::{Deserialize, Serialize};

use crate::ConversationId;

/// The platform's own id of a message; delivering the same id twice is recognised as a duplicate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId(pub String);

/// Who wrote a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// The platform's own id of the person.
    pub id: String,
    /// What to call them, where known.
    pub name: Option<String>,
}

/// One message from a person, as it goes into the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    /// The platform's id of this message, unique within the conversation.
    pub id: MessageId,
    /// Where it was said, and where the reply goes.
    pub conversation: ConversationId,
    /// Who said it.
    pub sender: Sender,
    /// The text as typed.
    pub text: String,
}

/// Where a reply goes: it answers one message of one conversation. Unique, so it serves as the idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The conversation.
    pub conversation: ConversationId,
    /// The message that is answered.
    pub in_reply_to: MessageId,
}

impl Inbound {
    /// Where the reply to this message goes.
    pub fn address(&self) -> Address {
        Address { conversation: self.conversation.clone(), in_reply_to: self.id.clone() }
    }
}
