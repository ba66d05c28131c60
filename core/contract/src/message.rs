//! What happens in a conversation. In: a platform's event. Out: the one form that the engine and the journal know.

use serde::{Deserialize, Serialize};

use crate::{ConversationId, Timestamp};

/// The platform's own id of a message or event; the same id twice in a conversation is recognised as a duplicate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId(pub String);

/// Somebody on a platform: what access rules, the ledger and requests to export or erase name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Person {
    /// The connector's name, such as `irc`.
    pub platform: String,
    /// The platform's own id of the person; the part before the first `:` of the text is the platform.
    pub id: String,
}

impl std::fmt::Display for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.platform, self.id)
    }
}

impl std::str::FromStr for Person {
    type Err = NoPerson;

    fn from_str(text: &str) -> Result<Self, NoPerson> {
        match text.split_once(':') {
            Some((platform, id)) if !platform.is_empty() && !id.is_empty() => {
                Ok(Self { platform: platform.to_owned(), id: id.to_owned() })
            }
            _ => Err(NoPerson(text.to_owned())),
        }
    }
}

/// A text that names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names nobody; write platform:id, such as irc:alice")]
pub struct NoPerson(pub String);

/// Who caused an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// The platform's own id of the person.
    pub id: String,
    /// What to call them, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the platform says that it is a bot. The host answers no bots unless its config says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_bot: bool,
    /// Their roles as the platform names them, for access rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

impl Sender {
    /// Somebody of whom only the id is known.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), name: None, is_bot: false, roles: Vec::new() }
    }
}

/// Somebody who is named in a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Mentioned {
    /// The platform's own id.
    pub id: String,
    /// The name as it stands in the text.
    pub name: String,
}

/// Where the bytes of an attachment are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// An address to fetch them from.
    Url(String),
    /// The platform's own id of the file.
    PlatformFile(String),
    /// A file on this machine.
    Path(std::path::PathBuf),
}

/// A file that comes with a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// Its media type, such as `image/png`; empty where unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub media_type: String,
    /// Its size in bytes, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Where its bytes are.
    pub place: Place,
}

/// What somebody says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The text as typed, without what only addresses the bot (`@bot`, `bot:`).
    pub text: String,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// The people whom it names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mentioned>,
    /// The files that come with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Somebody says something to the bot. It is answered.
    Message(Message),
    /// Somebody changes what they said. Where that is not answered yet, the new text is answered in its place.
    Edit {
        /// The message that is changed.
        message: MessageId,
        /// What it says now.
        now: Message,
    },
    /// Somebody takes back what they said. Where that is not answered yet, it is not answered.
    Deletion {
        /// The message that is gone.
        message: MessageId,
    },
    /// Somebody reacts to a message.
    Reaction {
        /// The message.
        message: MessageId,
        /// The reaction, mostly one emoji.
        emoji: String,
        /// Whether it is taken back.
        removed: bool,
    },
    /// Somebody presses a button.
    Button {
        /// The message that the button is on.
        message: MessageId,
        /// The [`Button::id`](crate::Button::id).
        id: String,
    },
    /// Somebody uses a command of the platform, such as `/ask`. What follows one that the host does not know is answered as if they had
    /// said it.
    Command {
        /// Its name, without slash.
        name: String,
        /// What follows it.
        arguments: String,
    },
    /// Somebody, maybe the bot, comes into the conversation.
    Join,
    /// Somebody, maybe the bot, leaves the conversation or shuts the bot out.
    Leave,
    /// The conversation goes on under another id, such as a group of Telegram that becomes a supergroup.
    Moved {
        /// The new id.
        to: ConversationId,
    },
}

/// What a connector needs beside the ids to answer an event, in a form of its own, such as the token of an interaction. The journal
/// keeps it with the event, so that the next process can answer too; no log and no Debug print shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticket(pub String);

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ticket([redacted])")
    }
}

/// One event of a conversation, as it goes into the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    /// The platform's id of this event, unique within the conversation. For a message it is the message's id.
    pub id: MessageId,
    /// Where it happened, and where a reply goes.
    pub conversation: ConversationId,
    /// Who caused it.
    pub sender: Sender,
    /// When, by the platform's clock, where it says so. Says how stale a message is that comes late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// What the connector needs to answer it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    /// What happened.
    pub event: Event,
}

/// Where a reply goes: it answers one message of one conversation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The conversation.
    pub conversation: ConversationId,
    /// The message, or other event, that is answered.
    pub in_reply_to: MessageId,
}

impl Inbound {
    /// A message of text alone, sent at an unknown time.
    pub fn message(
        conversation: ConversationId,
        id: impl Into<String>,
        sender: Sender,
        text: impl Into<String>,
    ) -> Self {
        let event = Event::Message(Message::from(text.into()));
        Self { id: MessageId(id.into()), conversation, sender, sent_at: None, ticket: None, event }
    }

    /// Where the reply goes: to this event, and for a changed message to the message.
    pub fn address(&self) -> Address {
        let in_reply_to = match &self.event {
            Event::Edit { message, .. } => message.clone(),
            _ => self.id.clone(),
        };
        Address { conversation: self.conversation.clone(), in_reply_to }
    }

    /// Who caused it.
    pub fn person(&self) -> Person {
        Person { platform: self.conversation.platform.clone(), id: self.sender.id.clone() }
    }

    /// The words that are to be answered; `None` for what has none of its own: a button, a deletion, a reaction, somebody coming or
    /// going.
    pub fn text(&self) -> Option<&str> {
        match &self.event {
            Event::Message(message) | Event::Edit { now: message, .. } => Some(&message.text),
            Event::Command { arguments, .. } => Some(arguments),
            Event::Button { .. }
            | Event::Deletion { .. }
            | Event::Reaction { .. }
            | Event::Join
            | Event::Leave
            | Event::Moved { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_named_by_platform_and_id() {
        let person = Person { platform: "matrix".into(), id: "@alice:example.org".into() };
        assert_eq!(person.to_string().parse(), Ok(person));
        for nobody in ["alice", ":alice", "irc:"] {
            assert!(nobody.parse::<Person>().is_err(), "{nobody}");
        }
    }
}
