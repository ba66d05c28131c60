//! Where people are: guilds, channels, threads, forums, direct messages, and who is in them.

use anyhow::{Context, ensure};
use serde_json::json;

use super::Say;
use crate::Discord;
use crate::ids::Id;
use crate::world::World;
use crate::world::channel::{Channel, Kind, Overwrite};
use crate::world::events::{Event, intents};
use crate::world::guild::Role;
use crate::world::message::Draft;
use crate::world::permissions::{EVERYONE, Permissions};
use crate::world::thread::NewThread;

impl World {
    /// Somebody joins a guild, if they are not in it, and it is told.
    pub(crate) fn join(&mut self, guild: Id, user: Id) {
        if !self.add_member(guild, user) {
            return;
        }
        let member = self.guilds.get(&guild).and_then(|guild| guild.members.get(&user));
        let Some(mut data) = member.map(|member| self.member_json(member)) else { return };
        data["guild_id"] = json!(guild);
        self.tell(&Event {
            name: "GUILD_MEMBER_ADD",
            guild: Some(guild),
            channel: None,
            intents: intents::GUILD_MEMBERS,
            data,
            closed: None,
        });
    }

    /// The bot is in a guild no longer.
    pub(crate) fn remove_bot(&mut self, guild: Id) {
        let (bot, data) = (self.bot(), json!({"id": guild}));
        let intents = intents::GUILDS;
        self.tell(&Event {
            name: "GUILD_DELETE",
            guild: Some(guild),
            channel: None,
            intents,
            data,
            closed: None,
        });
        if let Some(guild) = self.guilds.get_mut(&guild) {
            guild.members.remove(&bot);
            guild.roles.retain(|_, role| role.bot != Some(bot));
        }
    }

    /// Tells of a guild that the bot has joined, or that is there again after an outage: only then it says that it is available.
    fn tell_guild(&mut self, guild: Id, is_new: bool) {
        let Some(place) = self.guilds.get(&guild) else { return };
        let mut data = self.guild_create_json(place, false);
        if let (true, Some(data)) = (is_new, data.as_object_mut()) {
            data.shift_remove("unavailable");
        }
        self.tell(&Event {
            name: "GUILD_CREATE",
            guild: Some(guild),
            channel: None,
            intents: intents::GUILDS,
            data,
            closed: None,
        });
    }
}

impl Discord {
    /// A guild with the bot in it, which may do there what all may.
    pub fn guild(&self, name: &str) -> Id {
        self.guild_with(name, EVERYONE)
    }

    /// A guild with the bot in it, whose own role has these permissions. What all may do, it may also.
    pub fn guild_with(&self, name: &str, bot_permissions: Permissions) -> Id {
        self.shared.change(|world| {
            let id = world.make_guild(name, bot_permissions);
            world.tell_guild(id, true);
            id
        })
    }

    /// A channel of a guild.
    pub fn text_channel(&self, guild: Id, name: &str) -> Id {
        self.channel(Kind::Text, guild, name, &[])
    }

    /// A forum of a guild, with these tags.
    pub fn forum(&self, guild: Id, name: &str, tags: &[&str]) -> Id {
        self.channel(Kind::Forum, guild, name, tags)
    }

    fn channel(&self, kind: Kind, guild: Id, name: &str, tags: &[&str]) -> Id {
        self.shared.change(|world| {
            let id = world.ids.next();
            let mut channel = Channel::new(id, kind, Some(guild), name);
            channel.tags = tags.iter().map(|tag| (world.ids.next(), (*tag).to_owned())).collect();
            world.channels.insert(id, channel);
            world.tell_channel("CHANNEL_CREATE", id);
            id
        })
    }

    /// The direct messages of somebody with the bot.
    pub fn direct(&self, user: Id) -> Id {
        self.shared.change(|world| world.direct(user))
    }

    /// Somebody begins a thread of a channel.
    pub fn thread(&self, channel: Id, user: Id, name: &str) -> Id {
        self.new_thread(channel, user, name, Kind::PublicThread, None)
    }

    /// Somebody begins a thread for some; the bot sees it once it is in it.
    pub fn private_thread(&self, channel: Id, user: Id, name: &str) -> Id {
        self.new_thread(channel, user, name, Kind::PrivateThread, None)
    }

    /// Somebody begins a thread of a message.
    ///
    /// # Errors
    /// When there is no such message.
    pub fn thread_of(&self, message: Id, user: Id, name: &str) -> anyhow::Result<Id> {
        let channel = self.shared.look().there(message)?.channel;
        Ok(self.new_thread(channel, user, name, Kind::PublicThread, Some(message)))
    }

    fn new_thread(&self, parent: Id, owner: Id, name: &str, kind: Kind, message: Option<Id>) -> Id {
        self.shared.change(|world| {
            if let Some(guild) = world.channels.get(&parent).and_then(|channel| channel.guild) {
                world.join(guild, owner);
            }
            let new = NewThread {
                parent,
                owner,
                name,
                kind,
                message,
                tags: Vec::new(),
                auto_archive_minutes: 4320,
            };
            world.make_thread(new)
        })
    }

    /// Somebody posts in a forum: a thread, whose first message has the thread's id.
    ///
    /// # Errors
    /// When it is no forum.
    pub fn post(&self, forum: Id, user: Id, title: &str, what: impl Into<Say>) -> anyhow::Result<Id> {
        let say = what.into();
        self.shared.change(|world| {
            let place = world.channels.get(&forum).with_context(|| format!("there is no forum {forum}"))?;
            ensure!(place.kind == Kind::Forum, "{forum} is no forum");
            if let Some(guild) = place.guild {
                world.join(guild, user);
            }
            let id = world.make_thread(NewThread {
                parent: forum,
                owner: user,
                name: title,
                kind: Kind::PublicThread,
                message: None,
                tags: Vec::new(),
                auto_archive_minutes: 4320,
            });
            let files = say
                .files
                .into_iter()
                .map(|(name, kind, bytes)| world.keep_file(id, &name, Some(kind), bytes.into()));
            let files = files.collect();
            Ok(world.post(Draft { id: Some(id), files, ..Draft::new(id, user, &say.text) }))
        })
    }

    /// A thread is archived, or not any more; locked, nobody opens it again by saying something.
    pub fn archive(&self, thread: Id, is_archived: bool, is_locked: bool) {
        self.shared.change(|world| {
            if let Some(thread) = world.channels.get_mut(&thread).and_then(|channel| channel.thread.as_mut())
            {
                (thread.is_archived, thread.is_locked) = (is_archived, is_locked);
            }
            world.tell_channel("THREAD_UPDATE", thread);
        });
    }

    /// Somebody, or the bot, is in a thread or not.
    pub fn set_in_thread(&self, thread: Id, user: Id, is_in: bool) {
        self.shared.change(|world| world.set_in_thread(thread, user, is_in));
    }

    /// A channel or thread is taken away.
    pub fn delete_channel(&self, channel: Id) {
        self.shared.change(|world| world.remove_channel(channel));
    }

    /// What a channel allows and denies beyond the roles.
    pub fn overwrite(&self, channel: Id, overwrite: Overwrite) {
        self.shared.change(|world| {
            if let Some(channel) = world.channels.get_mut(&channel) {
                channel.overwrites.retain(|other| other.of != overwrite.of);
                channel.overwrites.push(overwrite);
            }
            world.tell_channel("CHANNEL_UPDATE", channel);
        });
    }

    /// What all may do in a guild.
    pub fn set_everyone(&self, guild: Id, permissions: Permissions) {
        self.set_role(guild, guild, permissions);
    }

    /// What a role may do.
    pub fn set_role(&self, guild: Id, role: Id, permissions: Permissions) {
        self.shared.change(|world| {
            let Some(place) = world.guilds.get_mut(&guild) else { return };
            let Some(role) = place.roles.get_mut(&role) else { return };
            role.permissions = permissions;
            let data = json!({"guild_id": guild, "role": role.json()});
            let intents = intents::GUILDS;
            world.tell(&Event {
                name: "GUILD_ROLE_UPDATE",
                guild: Some(guild),
                channel: None,
                intents,
                data,
                closed: None,
            });
        });
    }

    /// A new role of a guild.
    pub fn role(&self, guild: Id, name: &str, permissions: Permissions, is_mentionable: bool) -> Id {
        self.shared.change(|world| {
            let id = world.ids.next();
            let Some(place) = world.guilds.get_mut(&guild) else { return id };
            let position = place.roles.len();
            let role = Role { id, name: name.to_owned(), permissions, position, is_mentionable, bot: None };
            let data = json!({"guild_id": guild, "role": role.json()});
            place.roles.insert(id, role);
            let intents = intents::GUILDS;
            world.tell(&Event {
                name: "GUILD_ROLE_CREATE",
                guild: Some(guild),
                channel: None,
                intents,
                data,
                closed: None,
            });
            id
        })
    }

    /// The role that the bot has of its own in a guild.
    pub fn bot_role(&self, guild: Id) -> Option<Id> {
        let world = self.shared.look();
        let bot = world.bot();
        world.guilds.get(&guild)?.roles.values().find(|role| role.bot == Some(bot)).map(|role| role.id)
    }

    /// Somebody gets a role; they join first.
    pub fn give_role(&self, guild: Id, user: Id, role: Id) {
        self.shared.change(|world| {
            world.join(guild, user);
            let Some(member) = world.guilds.get_mut(&guild).and_then(|guild| guild.members.get_mut(&user))
            else {
                return;
            };
            if !member.roles.contains(&role) {
                member.roles.push(role);
            }
            let member = member.clone();
            let mut data = world.member_json(&member);
            data["guild_id"] = json!(guild);
            // A bot is told of itself without the intent for members.
            let intents = if user == world.bot() { 0 } else { intents::GUILD_MEMBERS };
            world.tell(&Event {
                name: "GUILD_MEMBER_UPDATE",
                guild: Some(guild),
                channel: None,
                intents,
                data,
                closed: None,
            });
        });
    }

    /// Somebody joins a guild.
    pub fn join(&self, guild: Id, user: Id) {
        self.shared.change(|world| world.join(guild, user));
    }

    /// Somebody leaves a guild.
    pub fn leave(&self, guild: Id, user: Id) {
        self.shared.change(|world| {
            let left = world.guilds.get_mut(&guild).and_then(|guild| guild.members.remove(&user));
            if left.is_some() {
                let data = json!({"guild_id": guild, "user": world.user_json(user)});
                let intents = intents::GUILD_MEMBERS;
                world.tell(&Event {
                    name: "GUILD_MEMBER_REMOVE",
                    guild: Some(guild),
                    channel: None,
                    intents,
                    data,
                    closed: None,
                });
            }
        });
    }

    /// The bot is added to a guild that it was taken out of.
    pub fn add_bot(&self, guild: Id, permissions: Permissions) {
        self.shared.change(|world| {
            world.add_bot(guild, permissions);
            world.tell_guild(guild, true);
        });
    }

    /// The bot is taken out of a guild.
    pub fn remove_bot(&self, guild: Id) {
        self.shared.change(|world| world.remove_bot(guild));
    }

    /// A guild is gone for a while, or back, as in an outage.
    pub fn set_available(&self, guild: Id, is_available: bool) {
        self.shared.change(|world| {
            if is_available {
                return world.tell_guild(guild, false);
            }
            let data = json!({"id": guild, "unavailable": true});
            let intents = intents::GUILDS;
            world.tell(&Event {
                name: "GUILD_DELETE",
                guild: Some(guild),
                channel: None,
                intents,
                data,
                closed: None,
            });
        });
    }
}
