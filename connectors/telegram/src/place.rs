//! Where a message is on Telegram. In: ids of the contract. Out: chats, topics and messages by Telegram's numbers, and back.

use loquat_contract::{ConversationId, MessageId};

use crate::PLATFORM;

/// A chat, or a topic of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) chat: i64,
    /// The topic; `None` in a forum is its General topic.
    pub(crate) topic: Option<i32>,
}

impl Place {
    /// The place of a conversation; `None` where the id is not one of Telegram's.
    pub(crate) fn of(conversation: &ConversationId) -> Option<Self> {
        let topic = match &conversation.thread {
            Some(thread) => Some(thread.parse().ok()?),
            None => None,
        };
        Some(Self { chat: conversation.channel.parse().ok()?, topic })
    }

    pub(crate) fn conversation(self, bot: &str) -> ConversationId {
        ConversationId {
            bot: bot.to_owned(),
            platform: PLATFORM.to_owned(),
            channel: self.chat.to_string(),
            thread: self.topic.map(|topic| topic.to_string()),
        }
    }

    /// Whether several people are there: the numbers of people are positive.
    pub(crate) fn is_group(self) -> bool {
        self.chat < 0
    }
}

/// The id of a button's event. The message that the button is on rides in it, so that the answer can be a reply to that.
pub(crate) fn press(query: &str, message: i32) -> MessageId {
    MessageId(format!("q{query}.{message}"))
}

/// The message that an answer to this event replies to.
pub(crate) fn replied_to(event: &MessageId) -> Option<i32> {
    match event.0.strip_prefix('q') {
        Some(press) => press.rsplit_once('.')?.1.parse().ok(),
        None => event.0.parse().ok(),
    }
}
