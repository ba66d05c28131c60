//! What people see.

use axum::body::Bytes;
use serde_json::Value;

use crate::Discord;
use crate::ids::Id;
use crate::world::World;
use crate::world::message::{LOADING, Message, SUPPRESS_EMBEDS};

/// A message as people see it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its id.
    pub id: Id,
    /// The channel that it is in.
    pub channel: Id,
    /// Who said it.
    pub author: Id,
    /// Whether the bot said it.
    pub is_own: bool,
    /// Discord's number for its kind: 0 plain, 19 a reply, 20 an answer to a command.
    pub kind: u8,
    /// Its words, with Discord's markup.
    pub content: String,
    /// What it said before each edit, oldest first.
    pub edits: Vec<String>,
    /// Whether it says that it was edited.
    pub is_edited: bool,
    /// Whether it says that the bot is thinking.
    pub is_loading: bool,
    /// Its embeds.
    pub embeds: Vec<Value>,
    /// Its rows of buttons.
    pub components: Vec<Value>,
    /// Its files: name, media type, bytes.
    pub files: Vec<(String, Option<String>, Bytes)>,
    /// Its flags.
    pub flags: u64,
    /// The only one who sees it, where it is ephemeral.
    pub only_for: Option<Id>,
    /// The nonce that it was sent with.
    pub nonce: Option<String>,
    /// The message that it replies to.
    pub reply_to: Option<Id>,
    /// Its reactions.
    pub reactions: Vec<Reaction>,
    /// Whom it notified when it was sent.
    pub notified: Vec<Id>,
    /// Its mentions that count: `@everyone`, `@role`, `@name`.
    pub mentions: Vec<String>,
    /// Whether it is pinned.
    pub is_pinned: bool,
}

impl Shown {
    /// The labels of its buttons in order; of one without label its emoji.
    pub fn buttons(&self) -> Vec<String> {
        let all = self.components.iter().filter_map(|row| row["components"].as_array()).flatten();
        let label = |component: &Value| {
            let text = component["label"].as_str().or_else(|| component["emoji"]["name"].as_str());
            text.map(str::to_owned)
        };
        all.filter_map(label).collect()
    }
}

/// A reaction with one emoji.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// Whose.
    pub users: Vec<Id>,
}

/// What became of an interaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Discord's number for the first answer's kind: 4 a message, 5 deferred, 6 deferred without a word, 7 the message changed.
    pub kind: u8,
    /// The message that it is about.
    pub message: Option<Id>,
    /// Whether one pair of eyes only is to see it.
    pub is_ephemeral: bool,
}

/// Somebody typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typing {
    /// Where.
    pub channel: Id,
    /// Who.
    pub user: Id,
}

impl World {
    fn shown(&self, message: &Message) -> Shown {
        let guild = self.channels.get(&message.channel).and_then(|channel| channel.guild);
        let mut mentions = Vec::new();
        if message.mentions.everyone {
            mentions.push("@everyone".to_owned());
        }
        let roles = guild.and_then(|guild| self.guilds.get(&guild)).map(|guild| &guild.roles);
        let role = |id: &Id| roles.and_then(|roles| roles.get(id)).map(|role| format!("@{}", role.name));
        mentions.extend(message.mentions.roles.iter().filter_map(role));
        mentions
            .extend(message.mentions.users.iter().map(|user| format!("@{}", self.shown_name(None, *user))));
        let files = message.files.iter().filter_map(|file| self.files.get(file));
        Shown {
            id: message.id,
            channel: message.channel,
            author: message.author,
            is_own: message.author == self.bot(),
            kind: message.kind,
            content: message.content.clone(),
            edits: message.edits.clone(),
            is_edited: message.edited.is_some(),
            is_loading: message.flags & LOADING != 0,
            // What the flag hides nobody sees.
            embeds: if message.flags & SUPPRESS_EMBEDS == 0 { message.embeds.clone() } else { Vec::new() },
            components: message.components.clone(),
            files: files
                .map(|file| (file.name.clone(), file.content_type.clone(), file.bytes.clone()))
                .collect(),
            flags: message.flags,
            only_for: message.only_for,
            nonce: message
                .nonce
                .as_ref()
                .map(|nonce| nonce.as_str().map_or_else(|| nonce.to_string(), str::to_owned)),
            reply_to: message.reference.as_ref().map(|reference| reference.message),
            reactions: message
                .reactions
                .iter()
                .map(|(emoji, users)| Reaction { emoji: emoji.clone(), users: users.clone() })
                .collect(),
            notified: message.notified.clone(),
            mentions,
            is_pinned: message.is_pinned,
        }
    }
}

impl Discord {
    /// What there is to see in a channel, oldest first, with what only one person sees.
    pub fn shown(&self, channel: Id) -> Vec<Shown> {
        let world = self.shared.look();
        let all = world.channels.get(&channel).map(|channel| channel.messages.as_slice()).unwrap_or_default();
        all.iter().filter_map(|id| world.messages.get(id)).map(|message| world.shown(message)).collect()
    }

    /// What the bot said in a channel, oldest first.
    pub fn said(&self, channel: Id) -> Vec<Shown> {
        self.shown(channel).into_iter().filter(|message| message.is_own).collect()
    }

    /// One message.
    pub fn message(&self, message: Id) -> Option<Shown> {
        let world = self.shared.look();
        world.there(message).ok().map(|message| world.shown(message))
    }

    /// Who typed where, in order.
    pub fn typing(&self) -> Vec<Typing> {
        self.shared
            .look()
            .typing
            .iter()
            .map(|(channel, user)| Typing { channel: *channel, user: *user })
            .collect()
    }

    /// The threads of a channel or forum, oldest first: id and name.
    pub fn threads(&self, channel: Id) -> Vec<(Id, String)> {
        let world = self.shared.look();
        let own =
            world.channels.values().filter(|other| other.parent == Some(channel) && other.thread.is_some());
        own.map(|thread| (thread.id, thread.name.clone())).collect()
    }

    /// The guilds that the bot is in, oldest first.
    pub fn guilds(&self) -> Vec<Id> {
        let world = self.shared.look();
        let bot = world.bot();
        world.guilds.values().filter(|guild| guild.members.contains_key(&bot)).map(|guild| guild.id).collect()
    }

    /// The channel of this name in a guild.
    pub fn channel_named(&self, guild: Id, name: &str) -> Option<Id> {
        let world = self.shared.look();
        let found =
            world.channels.values().find(|channel| channel.guild == Some(guild) && channel.name == name);
        found.map(|channel| channel.id)
    }

    /// Whom a message notified, by name.
    pub fn notified(&self, message: Id) -> Vec<String> {
        let world = self.shared.look();
        let notified =
            world.messages.get(&message).map(|message| message.notified.as_slice()).unwrap_or_default();
        notified.iter().map(|user| world.shown_name(None, *user)).collect()
    }
}
