//! Channels: of text, of direct messages, forums, and threads.

use serde_json::{Value, json};

use super::World;
use super::permissions::Permissions;
use crate::ids::{Id, written};

/// What a channel is, with Discord's number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text = 0,
    Direct = 1,
    Category = 4,
    PublicThread = 11,
    PrivateThread = 12,
    Forum = 15,
}

/// What a channel allows and denies a role or a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overwrite {
    /// The role's id, the guild's for all, or a user's.
    pub of: Id,
    /// Whether it is a user.
    pub is_user: bool,
    /// Allowed beyond the roles.
    pub allow: Permissions,
    /// Denied in spite of the roles.
    pub deny: Permissions,
}

/// A channel.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) id: Id,
    pub(crate) kind: Kind,
    pub(crate) guild: Option<Id>,
    pub(crate) parent: Option<Id>,
    pub(crate) name: String,
    pub(crate) topic: Option<String>,
    pub(crate) overwrites: Vec<Overwrite>,
    /// The two of a direct message.
    pub(crate) recipients: Vec<Id>,
    /// What was said, oldest first; with what only some see.
    pub(crate) messages: Vec<Id>,
    pub(crate) thread: Option<Thread>,
    /// A forum's tags: id and name.
    pub(crate) tags: Vec<(Id, String)>,
}

/// What a thread has beyond a channel.
#[derive(Clone, Debug)]
pub(crate) struct Thread {
    pub(crate) owner: Id,
    pub(crate) is_archived: bool,
    pub(crate) is_locked: bool,
    pub(crate) auto_archive_minutes: u64,
    pub(crate) members: Vec<(Id, String)>,
    pub(crate) tags: Vec<Id>,
}

impl Channel {
    pub(crate) fn new(id: Id, kind: Kind, guild: Option<Id>, name: &str) -> Self {
        Self {
            id,
            kind,
            guild,
            parent: None,
            name: name.to_owned(),
            topic: None,
            overwrites: Vec::new(),
            recipients: Vec::new(),
            messages: Vec::new(),
            thread: None,
            tags: Vec::new(),
        }
    }

    /// Whether messages can be said in it.
    pub(crate) fn is_text(&self) -> bool {
        !matches!(self.kind, Kind::Category | Kind::Forum)
    }
}

impl World {
    /// The direct messages of somebody with the bot.
    pub(crate) fn direct(&mut self, user: Id) -> Id {
        let bot = self.bot();
        let there = self.channels.values().find(|channel| channel.recipients.contains(&user));
        if let Some(channel) = there {
            return channel.id;
        }
        let id = self.ids.next();
        let mut channel = Channel::new(id, Kind::Direct, None, "");
        channel.recipients = vec![user, bot];
        self.channels.insert(id, channel);
        id
    }

    /// The channel as the bot sees it.
    pub(crate) fn channel_json(&self, channel: &Channel) -> Value {
        let last = channel
            .messages
            .iter()
            .rev()
            .find(|id| self.messages.get(*id).is_some_and(|message| message.only_for.is_none()));
        if channel.kind == Kind::Direct {
            let others = channel.recipients.iter().filter(|id| **id != self.bot());
            return json!({
                "id": channel.id,
                "type": channel.kind as u8,
                "last_message_id": last,
                "flags": 0,
                "recipients": others.map(|id| self.user_json(*id)).collect::<Vec<_>>(),
            });
        }
        let overwrites: Vec<_> = channel.overwrites.iter().map(Overwrite::json).collect();
        let mut json = json!({
            "id": channel.id,
            "type": channel.kind as u8,
            "guild_id": channel.guild,
            "name": channel.name,
            "parent_id": channel.parent,
            "last_message_id": last,
            "rate_limit_per_user": 0,
            "flags": 0,
        });
        let Some(thread) = &channel.thread else {
            json["position"] = 0.into();
            json["topic"] = json!(channel.topic);
            json["nsfw"] = false.into();
            json["permission_overwrites"] = overwrites.into();
            if channel.kind == Kind::Forum {
                let tags = channel.tags.iter().map(|(id, name)| {
                    json!({"id": id, "name": name, "moderated": false, "emoji_id": null, "emoji_name": null})
                });
                json["available_tags"] = tags.collect();
                json["default_reaction_emoji"] = Value::Null;
                json["default_sort_order"] = Value::Null;
                json["default_forum_layout"] = 0.into();
            }
            return json;
        };
        let said = channel.messages.len();
        json["owner_id"] = json!(thread.owner);
        json["message_count"] = said.into();
        json["total_message_sent"] = said.into();
        json["member_count"] = thread.members.len().into();
        json["applied_tags"] = json!(thread.tags);
        json["thread_metadata"] = json!({
            "archived": thread.is_archived,
            "archive_timestamp": written(channel.id.time()),
            "auto_archive_duration": thread.auto_archive_minutes,
            "locked": thread.is_locked,
            "create_timestamp": written(channel.id.time()),
        });
        if channel.kind == Kind::PrivateThread {
            json["thread_metadata"]["invitable"] = true.into();
        }
        if let Some((user, joined)) = thread.members.iter().find(|(user, _)| *user == self.bot()) {
            json["member"] = json!({"id": channel.id, "user_id": user, "join_timestamp": joined, "flags": 1});
        }
        json
    }
}

impl Overwrite {
    fn json(&self) -> Value {
        json!({
            "id": self.of,
            "type": u8::from(self.is_user),
            "allow": self.allow.to_string(),
            "deny": self.deny.to_string(),
        })
    }
}
