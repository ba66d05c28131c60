//! An update, as far as the bot reads it. In: Telegram's JSON. Out: the few fields that matter. What is unknown is passed over, so that no
//! later Bot API makes a question unreadable.

use serde::Deserialize;

/// One update; one of its fields is there.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Update {
    pub(crate) update_id: i64,
    pub(crate) message: Option<Box<Message>>,
    pub(crate) edited_message: Option<Box<Message>>,
    pub(crate) callback_query: Option<CallbackQuery>,
    pub(crate) message_reaction: Option<Reactions>,
    pub(crate) my_chat_member: Option<Membership>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct User {
    pub(crate) id: i64,
    #[serde(default)]
    pub(crate) is_bot: bool,
    #[serde(default)]
    pub(crate) first_name: String,
    #[serde(default)]
    pub(crate) last_name: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Chat {
    pub(crate) id: i64,
    #[serde(default, rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) is_forum: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    pub(crate) message_id: i32,
    pub(crate) chat: Chat,
    #[serde(default)]
    pub(crate) date: u64,
    #[serde(flatten)]
    pub(crate) who: Who,
    #[serde(flatten)]
    pub(crate) said: Words,
    #[serde(flatten)]
    pub(crate) files: Files,
    #[serde(flatten)]
    pub(crate) service: Service,
}

/// Who says it, where, and to whom.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Who {
    pub(crate) from: Option<User>,
    /// The group or channel in whose name it is said.
    pub(crate) sender_chat: Option<Chat>,
    pub(crate) message_thread_id: Option<i32>,
    pub(crate) is_topic_message: bool,
    pub(crate) is_automatic_forward: bool,
    /// There where the words are somebody else's.
    pub(crate) forward_origin: Option<serde::de::IgnoredAny>,
    pub(crate) reply_to_message: Option<Box<Message>>,
}

/// What it says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Words {
    pub(crate) edit_date: u64,
    pub(crate) text: Option<String>,
    pub(crate) entities: Vec<Entity>,
    pub(crate) caption: Option<String>,
    pub(crate) caption_entities: Vec<Entity>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Files {
    pub(crate) photo: Vec<File>,
    pub(crate) voice: Option<File>,
    pub(crate) audio: Option<File>,
    pub(crate) video: Option<File>,
    pub(crate) video_note: Option<File>,
    pub(crate) animation: Option<File>,
    pub(crate) document: Option<File>,
    pub(crate) sticker: Option<File>,
}

/// What happened to the chat.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Service {
    pub(crate) new_chat_members: Vec<User>,
    pub(crate) migrate_to_chat_id: Option<i64>,
    pub(crate) migrate_from_chat_id: Option<i64>,
    /// There in the message that made a topic, which each message of the topic seems to answer.
    pub(crate) forum_topic_created: Option<serde::de::IgnoredAny>,
}

/// A place in a text that is special; places are counted in UTF-16 units.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Entity {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) offset: usize,
    pub(crate) length: usize,
    pub(crate) user: Option<User>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct File {
    pub(crate) file_id: String,
    pub(crate) file_size: Option<u64>,
    pub(crate) file_name: Option<String>,
    pub(crate) mime_type: Option<String>,
    pub(crate) is_animated: bool,
    pub(crate) is_video: bool,
    pub(crate) width: u64,
    pub(crate) height: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CallbackQuery {
    pub(crate) id: String,
    pub(crate) from: User,
    /// The message with the button; of an old one only place and number are there.
    pub(crate) message: Option<Box<Message>>,
    #[serde(default)]
    pub(crate) data: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Reactions {
    pub(crate) chat: Chat,
    pub(crate) message_id: i32,
    pub(crate) user: Option<User>,
    pub(crate) actor_chat: Option<Chat>,
    #[serde(default)]
    pub(crate) date: u64,
    #[serde(default)]
    pub(crate) old_reaction: Vec<Reaction>,
    #[serde(default)]
    pub(crate) new_reaction: Vec<Reaction>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Reaction {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) emoji: String,
    pub(crate) custom_emoji_id: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Membership {
    pub(crate) chat: Chat,
    pub(crate) from: User,
    #[serde(default)]
    pub(crate) date: u64,
    pub(crate) old_chat_member: Member,
    pub(crate) new_chat_member: Member,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Member {
    pub(crate) status: String,
    pub(crate) is_member: bool,
}

impl Member {
    pub(crate) fn is_there(&self) -> bool {
        match self.status.as_str() {
            "creator" | "administrator" | "member" => true,
            "restricted" => self.is_member,
            _ => false,
        }
    }
}
