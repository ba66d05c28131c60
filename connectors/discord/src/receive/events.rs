//! Events as Discord writes them: of their many fields the few that matter, so that a new kind of embed or component is no reason to
//! miss a message. In: JSON of the gateway or of the API. Out: typed events.

use serde::Deserialize;
use serde_json::Value;
use serenity::model::id::{
    ApplicationId, ChannelId, GuildId, InteractionId, MessageId, RoleId, UserId, WebhookId,
};

/// Somebody.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct User {
    pub(crate) id: UserId,
    #[serde(default)]
    pub(crate) username: String,
    #[serde(default)]
    pub(crate) global_name: Option<String>,
    #[serde(default)]
    pub(crate) bot: bool,
}

/// Somebody in a server.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Member {
    #[serde(default)]
    pub(crate) user: Option<User>,
    #[serde(default)]
    pub(crate) nick: Option<String>,
    #[serde(default)]
    pub(crate) roles: Vec<RoleId>,
}

/// A file.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct File {
    pub(crate) filename: String,
    #[serde(default)]
    pub(crate) content_type: Option<String>,
    #[serde(default)]
    pub(crate) size: Option<u64>,
    pub(crate) url: String,
}

/// The message that is answered.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Referenced {
    #[serde(default)]
    pub(crate) author: Option<User>,
}

/// What says which message is answered.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Reference {
    #[serde(default)]
    pub(crate) message_id: Option<MessageId>,
}

/// A message, new or changed. What a change does not name is missing.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: MessageId,
    pub(crate) channel_id: ChannelId,
    #[serde(default)]
    pub(crate) guild_id: Option<GuildId>,
    #[serde(default)]
    pub(crate) author: Option<User>,
    #[serde(default)]
    pub(crate) member: Option<Member>,
    #[serde(default)]
    pub(crate) content: Option<String>,
    #[serde(default)]
    pub(crate) edited_timestamp: Option<String>,
    #[serde(default)]
    pub(crate) mentions: Vec<User>,
    #[serde(default)]
    pub(crate) mention_roles: Vec<RoleId>,
    #[serde(default)]
    pub(crate) attachments: Vec<File>,
    #[serde(default)]
    pub(crate) webhook_id: Option<WebhookId>,
    #[serde(default, rename = "type")]
    pub(crate) kind: u8,
    #[serde(default)]
    pub(crate) message_reference: Option<Reference>,
    #[serde(default)]
    pub(crate) referenced_message: Option<Box<Referenced>>,
}

/// Messages that are gone.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Deletion {
    /// One; or [`ids`](Self::ids).
    #[serde(default)]
    pub(crate) id: Option<MessageId>,
    #[serde(default)]
    pub(crate) ids: Vec<MessageId>,
}

/// An emoji: its character, or the name of one of a server's own.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Emoji {
    #[serde(default)]
    pub(crate) id: Option<String>,
    #[serde(default)]
    pub(crate) name: Option<String>,
}

/// A reaction, added or taken back.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Reaction {
    pub(crate) user_id: UserId,
    pub(crate) channel_id: ChannelId,
    pub(crate) message_id: MessageId,
    #[serde(default)]
    pub(crate) guild_id: Option<GuildId>,
    #[serde(default)]
    pub(crate) member: Option<Member>,
    #[serde(default)]
    pub(crate) message_author_id: Option<UserId>,
    pub(crate) emoji: Emoji,
}

/// A command or a button.
#[derive(Clone, Deserialize)]
pub(crate) struct Interaction {
    pub(crate) id: InteractionId,
    pub(crate) application_id: ApplicationId,
    #[serde(rename = "type")]
    pub(crate) kind: u8,
    pub(crate) token: String,
    #[serde(default)]
    pub(crate) guild_id: Option<GuildId>,
    #[serde(default)]
    pub(crate) channel_id: Option<ChannelId>,
    #[serde(default)]
    pub(crate) channel: Option<Value>,
    #[serde(default)]
    pub(crate) member: Option<Member>,
    #[serde(default)]
    pub(crate) user: Option<User>,
    #[serde(default)]
    pub(crate) data: Option<InteractionData>,
    #[serde(default)]
    pub(crate) message: Option<Pressed>,
}

/// What was chosen.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct InteractionData {
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) options: Vec<ChosenOption>,
    #[serde(default)]
    pub(crate) custom_id: Option<String>,
}

/// What stands behind a command.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ChosenOption {
    #[serde(default)]
    pub(crate) value: Value,
}

/// The message that a button is on.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Pressed {
    pub(crate) id: MessageId,
    #[serde(default)]
    pub(crate) message_reference: Option<Reference>,
}

impl User {
    /// What to call them.
    pub(crate) fn name(&self) -> String {
        self.global_name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| self.username.clone())
    }
}
