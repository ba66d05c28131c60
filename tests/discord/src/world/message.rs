//! Messages: how they come to be, change and go, and how a session is told of them.

use serde_json::{Value, json};

use super::World;
use super::channel::Kind;
use super::events::{self, Event};
use super::mentions::{self, Allowed};
use crate::ids::{Id, written};

/// What kind of message it is, with Discord's number.
pub(crate) mod kind {
    pub(crate) const DEFAULT: u8 = 0;
    pub(crate) const PINNED: u8 = 6;
    pub(crate) const THREAD_CREATED: u8 = 18;
    pub(crate) const REPLY: u8 = 19;
    pub(crate) const COMMAND: u8 = 20;
    pub(crate) const THREAD_STARTER: u8 = 21;
}

/// Only its addressee sees it.
pub(crate) const EPHEMERAL: u64 = 1 << 6;
/// Its answer is still being thought about.
pub(crate) const LOADING: u64 = 1 << 7;
/// Embeds are not shown.
pub(crate) const SUPPRESS_EMBEDS: u64 = 1 << 2;
/// Notifies nobody aloud.
pub(crate) const SUPPRESS_NOTIFICATIONS: u64 = 1 << 12;
/// It is a voice message.
pub(crate) const VOICE: u64 = 1 << 13;
/// It began a thread.
pub(crate) const HAS_THREAD: u64 = 1 << 5;

/// A message.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: Id,
    pub(crate) channel: Id,
    pub(crate) author: Id,
    pub(crate) kind: u8,
    pub(crate) content: String,
    pub(crate) embeds: Vec<Value>,
    pub(crate) components: Vec<Value>,
    pub(crate) files: Vec<Id>,
    pub(crate) edits: Vec<String>,
    pub(crate) edited: Option<String>,
    pub(crate) flags: u64,
    pub(crate) nonce: Option<Value>,
    pub(crate) reference: Option<Reference>,
    pub(crate) mentions: mentions::Mentions,
    pub(crate) notified: Vec<Id>,
    pub(crate) reactions: Vec<(String, Vec<Id>)>,
    pub(crate) is_pinned: bool,
    /// The only one who sees it, where it is ephemeral.
    pub(crate) only_for: Option<Id>,
    /// The interaction that it answers.
    pub(crate) interaction: Option<Id>,
    pub(crate) is_deleted: bool,
}

/// The message that another one refers to.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) channel: Id,
    pub(crate) message: Id,
}

/// A message to be.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// The id, where it is given already: a post in a forum has its thread's.
    pub(crate) id: Option<Id>,
    pub(crate) channel: Id,
    pub(crate) author: Id,
    pub(crate) kind: u8,
    pub(crate) content: String,
    pub(crate) embeds: Vec<Value>,
    pub(crate) components: Vec<Value>,
    pub(crate) files: Vec<Id>,
    pub(crate) flags: u64,
    pub(crate) nonce: Option<Value>,
    pub(crate) reference: Option<Reference>,
    pub(crate) allowed: Allowed,
    pub(crate) only_for: Option<Id>,
    pub(crate) interaction: Option<Id>,
}

impl Draft {
    pub(crate) fn new(channel: Id, author: Id, content: &str) -> Self {
        Self {
            id: None,
            channel,
            author,
            kind: kind::DEFAULT,
            content: content.to_owned(),
            embeds: Vec::new(),
            components: Vec::new(),
            files: Vec::new(),
            flags: 0,
            nonce: None,
            reference: None,
            allowed: Allowed::ALL,
            only_for: None,
            interaction: None,
        }
    }
}

impl World {
    /// Says it, and tells the sessions.
    pub(crate) fn post(&mut self, draft: Draft) -> Id {
        let id = draft.id.unwrap_or_else(|| self.ids.next());
        let mut found = mentions::find(&draft.content);
        let replied =
            draft.reference.as_ref().filter(|_| draft.kind == kind::REPLY && draft.allowed.replied_user);
        let replied = replied.and_then(|to| self.messages.get(&to.message)).map(|message| message.author);
        let mut counting =
            self.counting(draft.author, draft.channel, std::mem::take(&mut found), &draft.allowed);
        counting.users.extend(replied.filter(|author| !counting.users.contains(author)));
        let notified = match draft.only_for {
            Some(_) => Vec::new(),
            None => self.notified(draft.author, draft.channel, &counting),
        };
        let message = Message {
            id,
            channel: draft.channel,
            author: draft.author,
            kind: draft.kind,
            content: draft.content,
            embeds: draft.embeds,
            components: draft.components,
            files: draft.files,
            edits: Vec::new(),
            edited: None,
            flags: draft.flags,
            nonce: draft.nonce,
            reference: draft.reference,
            mentions: counting,
            notified,
            reactions: Vec::new(),
            is_pinned: false,
            only_for: draft.only_for,
            interaction: draft.interaction,
            is_deleted: false,
        };
        self.messages.insert(id, message);
        if let Some(channel) = self.channels.get_mut(&draft.channel) {
            channel.messages.push(id);
        }
        self.enter_thread(draft.channel, draft.author);
        self.bring_in(id);
        self.tell_message("MESSAGE_CREATE", id);
        id
    }

    /// Whoever says something in a thread is in it, and it is archived no longer.
    fn enter_thread(&mut self, channel: Id, user: Id) {
        let joined = written(jiff::Timestamp::now());
        let Some(thread) = self.channels.get_mut(&channel).and_then(|channel| channel.thread.as_mut()) else {
            return;
        };
        let was_archived = std::mem::take(&mut thread.is_archived);
        if !thread.members.iter().any(|(member, _)| *member == user) {
            thread.members.push((user, joined));
        }
        if was_archived {
            self.tell_channel("THREAD_UPDATE", channel);
        }
    }

    /// Whoever is mentioned in a thread is in it from then on.
    fn bring_in(&mut self, message: Id) {
        let Some(message) = self.messages.get(&message) else { return };
        let (channel, users) = (message.channel, message.mentions.users.clone());
        let guild = self
            .channels
            .get(&channel)
            .filter(|channel| channel.thread.is_some())
            .and_then(|channel| channel.guild);
        for user in users {
            let members = guild.and_then(|guild| self.guilds.get(&guild)).map(|guild| &guild.members);
            if members.is_some_and(|members| members.contains_key(&user)) {
                self.set_in_thread(channel, user, true);
            }
        }
    }

    /// Changes what it says; whom it mentions is worked out anew, and nobody is notified again.
    pub(crate) fn edit_message(&mut self, id: Id, content: Option<String>, allowed: &Allowed) {
        let Some(message) = self.messages.get(&id) else { return };
        if let Some(content) = content {
            let (author, channel) = (message.author, message.channel);
            let counting = self.counting(author, channel, mentions::find(&content), allowed);
            if let Some(message) = self.messages.get_mut(&id) {
                let before = std::mem::replace(&mut message.content, content);
                message.edits.push(before);
                message.mentions = counting;
            }
        }
        if let Some(message) = self.messages.get_mut(&id) {
            // An answer that is written for the first time is not an edited one.
            if message.flags & LOADING == 0 {
                message.edited = Some(written(jiff::Timestamp::now()));
            }
            message.flags &= !LOADING;
        }
        self.tell_message("MESSAGE_UPDATE", id);
    }

    /// Takes it away.
    pub(crate) fn delete_message(&mut self, id: Id) {
        let Some(message) = self.messages.get_mut(&id) else { return };
        message.is_deleted = true;
        let (channel, only_for) = (message.channel, message.only_for);
        if let Some(channel) = self.channels.get_mut(&channel) {
            channel.messages.retain(|message| *message != id);
        }
        if only_for.is_some() {
            return;
        }
        let guild = self.channels.get(&channel).and_then(|channel| channel.guild);
        let mut data = json!({"id": id, "channel_id": channel});
        if let Some(guild) = guild {
            data["guild_id"] = json!(guild);
        }
        self.tell(&Event {
            name: "MESSAGE_DELETE",
            guild,
            channel: Some(channel),
            intents: events::messages(guild),
            data,
            closed: None,
        });
    }

    /// Takes several away at once: that is told in one.
    pub(crate) fn delete_messages(&mut self, channel: Id, ids: &[Id]) {
        let there: Vec<Id> = ids.iter().copied().filter(|id| self.message(channel, *id).is_some()).collect();
        for id in &there {
            if let Some(message) = self.messages.get_mut(id) {
                message.is_deleted = true;
            }
        }
        if let Some(channel) = self.channels.get_mut(&channel) {
            channel.messages.retain(|message| !there.contains(message));
        }
        let guild = self.channels.get(&channel).and_then(|channel| channel.guild);
        let mut data = json!({"ids": there, "channel_id": channel});
        if let Some(guild) = guild {
            data["guild_id"] = json!(guild);
        }
        let intents = events::messages(guild);
        self.tell(&Event {
            name: "MESSAGE_DELETE_BULK",
            guild,
            channel: Some(channel),
            intents,
            data,
            closed: None,
        });
    }

    /// A message that is there.
    pub(crate) fn message(&self, channel: Id, id: Id) -> Option<&Message> {
        self.messages.get(&id).filter(|message| message.channel == channel && !message.is_deleted)
    }

    /// The message as REST shows it to the bot; where its application lacks the intent, without what it may not read.
    pub(crate) fn message_json(&self, message: &Message) -> Value {
        let json = self.open_message_json(message, true);
        if self.app.message_content || self.may_read(message) { json } else { closed(json) }
    }

    /// Whether the bot may read it also without the intent for it.
    fn may_read(&self, message: &Message) -> bool {
        let bot = self.bot();
        let is_direct =
            self.channels.get(&message.channel).is_some_and(|channel| channel.kind == Kind::Direct);
        is_direct || message.author == bot || message.mentions.users.contains(&bot)
    }

    fn open_message_json(&self, message: &Message, with_reference: bool) -> Value {
        let guild = self.channels.get(&message.channel).and_then(|channel| channel.guild);
        let mut json = json!({
            "id": message.id,
            "channel_id": message.channel,
            "type": message.kind,
            "content": message.content,
            "author": self.user_json(message.author),
            "timestamp": message.id.written_time(),
            "edited_timestamp": message.edited,
            "tts": false,
            "mention_everyone": message.mentions.everyone,
            "mentions": message.mentions.users.iter().map(|user| self.mentioned_json(guild, *user)).collect::<Vec<_>>(),
            "mention_roles": message.mentions.roles,
            "attachments": message.files.iter().map(|file| self.file_json(*file)).collect::<Vec<_>>(),
            "embeds": if message.flags & SUPPRESS_EMBEDS == 0 { message.embeds.clone() } else { Vec::new() },
            "components": message.components,
            "pinned": message.is_pinned,
            "flags": message.flags,
        });
        if !message.reactions.is_empty() {
            json["reactions"] = self.reactions_json(message);
        }
        if let Some(reference) = &message.reference {
            json["message_reference"] =
                json!({"type": 0, "channel_id": reference.channel, "message_id": reference.message});
            if let Some(guild) = guild {
                json["message_reference"]["guild_id"] = json!(guild);
            }
            if with_reference {
                let there = self.message(reference.channel, reference.message);
                json["referenced_message"] =
                    there.map_or(Value::Null, |there| self.open_message_json(there, false));
            }
        }
        if message.flags & HAS_THREAD != 0
            && let Some(thread) = self.channels.get(&message.id)
        {
            json["thread"] = self.channel_json(thread);
        }
        if self.users.get(&message.author).is_some_and(|user| user.is_webhook) {
            json["webhook_id"] = json!(message.author);
        }
        if let Some(interaction) = message.interaction.and_then(|id| self.interactions.get(&id)) {
            json["application_id"] = json!(self.app.id);
            json["webhook_id"] = json!(self.app.id);
            json["interaction_metadata"] = self.interaction_metadata(interaction);
        }
        json
    }

    fn mentioned_json(&self, guild: Option<Id>, user: Id) -> Value {
        let mut json = self.user_json(user);
        let member =
            guild.and_then(|guild| self.guilds.get(&guild)).and_then(|guild| guild.members.get(&user));
        if let Some(member) = member {
            json["member"] = member.partial_json();
        }
        json
    }

    fn reactions_json(&self, message: &Message) -> Value {
        let bot = self.bot();
        let reactions = message.reactions.iter().map(|(emoji, users)| {
            json!({
                "emoji": events::emoji_json(emoji),
                "count": users.len(),
                "count_details": {"burst": 0, "normal": users.len()},
                "burst_colors": [],
                "me": users.contains(&bot),
                "me_burst": false,
                "burst_me": false,
                "burst_count": 0,
            })
        });
        reactions.collect()
    }

    /// Tells the sessions of a message: those without the intent for it get no words.
    pub(crate) fn tell_message(&mut self, name: &'static str, id: Id) {
        let Some(message) = self.messages.get(&id) else { return };
        let channel = message.channel;
        let guild = self.channels.get(&channel).and_then(|channel| channel.guild);
        let mut data = self.open_message_json(message, true);
        if message.only_for.is_some() {
            // As if it were a direct message: a fault of Discord's (discord-api-docs, issue 4557) that clients have to live with.
            let intents = events::messages(None);
            return self.tell(&Event { name, guild: None, channel: None, intents, data, closed: None });
        }
        // Not in the documentation, but sent, and what clients know a direct message by.
        data["channel_type"] = json!(self.channels.get(&channel).map(|channel| channel.kind as u8));
        if name == "MESSAGE_CREATE"
            && let Some(nonce) = &message.nonce
        {
            data["nonce"] = nonce.clone();
        }
        if let Some(guild) = guild {
            data["guild_id"] = json!(guild);
            let member = self.guilds.get(&guild).and_then(|guild| guild.members.get(&message.author));
            if let Some(member) = member {
                data["member"] = member.partial_json();
            }
        }
        let closed = (!self.may_read(message)).then(|| closed(data.clone()));
        self.tell(&Event {
            name,
            guild,
            channel: Some(channel),
            intents: events::messages(guild),
            data,
            closed,
        });
    }
}

/// A message without what only the intent for messages' content lets a bot read.
fn closed(mut message: Value) -> Value {
    message["content"] = "".into();
    for list in ["embeds", "attachments", "components"] {
        message[list] = json!([]);
    }
    if message.get("referenced_message").is_some_and(Value::is_object) {
        let referenced = message["referenced_message"].take();
        message["referenced_message"] = closed(referenced);
    }
    message
}
