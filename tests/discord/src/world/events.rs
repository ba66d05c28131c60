//! Which session is told of what: by its shard, its intents, and what the bot can see.

use serde_json::{Value, json};

use super::World;
use super::permissions::VIEW_CHANNEL;
use crate::ids::Id;

/// Discord's bits for intents.
pub(crate) mod intents {
    pub(crate) const GUILDS: u64 = 1;
    pub(crate) const GUILD_MEMBERS: u64 = 1 << 1;
    pub(crate) const GUILD_PRESENCES: u64 = 1 << 8;
    pub(crate) const GUILD_MESSAGES: u64 = 1 << 9;
    pub(crate) const GUILD_REACTIONS: u64 = 1 << 10;
    pub(crate) const GUILD_TYPING: u64 = 1 << 11;
    pub(crate) const DIRECT_MESSAGES: u64 = 1 << 12;
    pub(crate) const DIRECT_REACTIONS: u64 = 1 << 13;
    pub(crate) const DIRECT_TYPING: u64 = 1 << 14;
    pub(crate) const MESSAGE_CONTENT: u64 = 1 << 15;
    /// Those that there are: 0 to 16, 20, 21, 24, 25.
    pub(crate) const ALL: u64 = 0x1_ffff | 1 << 20 | 1 << 21 | 1 << 24 | 1 << 25;
}

/// The intent for messages.
pub(crate) fn messages(guild: Option<Id>) -> u64 {
    if guild.is_some() { intents::GUILD_MESSAGES } else { intents::DIRECT_MESSAGES }
}

/// Something that sessions are told.
pub(crate) struct Event<'a> {
    pub(crate) name: &'a str,
    pub(crate) guild: Option<Id>,
    /// The channel that one has to see for it.
    pub(crate) channel: Option<Id>,
    /// One of these has to be there; 0 where none is needed.
    pub(crate) intents: u64,
    pub(crate) data: Value,
    /// What those without the intent for messages' content get.
    pub(crate) closed: Option<Value>,
}

/// An emoji as events write it: a character, or `name:id`.
pub(crate) fn emoji_json(emoji: &str) -> Value {
    match emoji.split_once(':') {
        Some((name, id)) => json!({"id": id, "name": name, "animated": false}),
        None => json!({"id": null, "name": emoji}),
    }
}

impl World {
    /// Tells every session that is to hear it.
    pub(crate) fn tell(&mut self, event: &Event<'_>) {
        let bot = self.bot();
        let is_member = event.guild.is_none_or(|guild| {
            self.guilds.get(&guild).is_some_and(|guild| guild.members.contains_key(&bot))
        });
        let is_seen = event.channel.is_none_or(|channel| {
            !self.channels.contains_key(&channel) || self.can(bot, channel, VIEW_CHANNEL)
        });
        if !is_member || !is_seen {
            return;
        }
        for session in &mut self.sessions {
            if !session.has(event.guild) || event.intents != 0 && session.intents & event.intents == 0 {
                continue;
            }
            let is_open = session.intents & intents::MESSAGE_CONTENT != 0;
            let data = event.closed.as_ref().filter(|_| !is_open).unwrap_or(&event.data);
            session.dispatch(event.name, data);
        }
    }

    /// Tells of a channel or thread as it is now.
    pub(crate) fn tell_channel(&mut self, name: &'static str, id: Id) {
        let Some(channel) = self.channels.get(&id) else { return };
        let (guild, mut data) = (channel.guild, self.channel_json(channel));
        if name == "THREAD_CREATE" {
            data["newly_created"] = true.into();
        }
        self.tell(&Event { name, guild, channel: Some(id), intents: intents::GUILDS, data, closed: None });
    }

    /// Somebody reacts, or takes it back.
    pub(crate) fn react(&mut self, message: Id, user: Id, emoji: &str, is_added: bool) {
        let Some(there) = self.messages.get_mut(&message).filter(|message| !message.is_deleted) else {
            return;
        };
        let (channel, author) = (there.channel, there.author);
        let has_changed = if is_added {
            match there.reactions.iter_mut().find(|(there, _)| there == emoji) {
                Some((_, users)) if users.contains(&user) => false,
                Some((_, users)) => {
                    users.push(user);
                    true
                }
                None => {
                    there.reactions.push((emoji.to_owned(), vec![user]));
                    true
                }
            }
        } else {
            let mut had = false;
            for (there, users) in &mut there.reactions {
                had |= there == emoji && users.contains(&user);
                if there == emoji {
                    users.retain(|other| *other != user);
                }
            }
            there.reactions.retain(|(_, users)| !users.is_empty());
            had
        };
        if !has_changed {
            return;
        }
        let guild = self.channels.get(&channel).and_then(|channel| channel.guild);
        let mut data = json!({
            "user_id": user,
            "channel_id": channel,
            "message_id": message,
            "emoji": emoji_json(emoji),
            "burst": false,
            "type": 0,
        });
        if let Some(id) = guild {
            data["guild_id"] = json!(id);
            if is_added && let Some(member) = self.guilds.get(&id).and_then(|guild| guild.members.get(&user))
            {
                data["member"] = self.member_json(member);
            }
        }
        if is_added {
            data["message_author_id"] = json!(author);
        }
        let intents = if guild.is_some() { intents::GUILD_REACTIONS } else { intents::DIRECT_REACTIONS };
        let name = if is_added { "MESSAGE_REACTION_ADD" } else { "MESSAGE_REACTION_REMOVE" };
        self.tell(&Event { name, guild, channel: Some(channel), intents, data, closed: None });
    }

    /// All reactions of a message, or those with one emoji, are taken away.
    pub(crate) fn clear_reactions(&mut self, message: Id, emoji: Option<&str>) {
        let Some(there) = self.messages.get_mut(&message) else { return };
        there.reactions.retain(|(other, _)| emoji.is_some_and(|emoji| other != emoji));
        let channel = there.channel;
        let guild = self.channels.get(&channel).and_then(|channel| channel.guild);
        let mut data = json!({"channel_id": channel, "message_id": message});
        if let Some(guild) = guild {
            data["guild_id"] = json!(guild);
        }
        if let Some(emoji) = emoji {
            data["emoji"] = emoji_json(emoji);
        }
        let name =
            if emoji.is_some() { "MESSAGE_REACTION_REMOVE_EMOJI" } else { "MESSAGE_REACTION_REMOVE_ALL" };
        let intents = if guild.is_some() { intents::GUILD_REACTIONS } else { intents::DIRECT_REACTIONS };
        self.tell(&Event { name, guild, channel: Some(channel), intents, data, closed: None });
    }

    /// Somebody types.
    pub(crate) fn type_in(&mut self, channel: Id, user: Id) {
        self.typing.push((channel, user));
        let guild = self.channels.get(&channel).and_then(|channel| channel.guild);
        let mut data = json!({
            "channel_id": channel,
            "user_id": user,
            "timestamp": jiff::Timestamp::now().as_second(),
        });
        if let Some(id) = guild {
            data["guild_id"] = json!(id);
            if let Some(member) = self.guilds.get(&id).and_then(|guild| guild.members.get(&user)) {
                data["member"] = self.member_json(member);
            }
        }
        let intents = if guild.is_some() { intents::GUILD_TYPING } else { intents::DIRECT_TYPING };
        self.tell(&Event {
            name: "TYPING_START",
            guild,
            channel: Some(channel),
            intents,
            data,
            closed: None,
        });
    }
}
