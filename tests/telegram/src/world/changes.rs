//! What changes in a chat and what the bot is told of it: messages, its own standing, topics. In go changes; out come updates in
//! the queue.

use serde_json::{Value, json};

use crate::refusal::Refusal;
use crate::shape::member;
use crate::updates::Update;
use crate::world::{Author, Kind, Message, Standing, Topic, World, now};

impl World {
    /// Keeps acknowledged updates, so that one of them can be delivered once more.
    pub(crate) fn forget(&mut self, gone: impl IntoIterator<Item = Update>) {
        self.acknowledged.extend(gone);
    }

    /// Throws away what the bot was not told yet.
    pub(crate) fn drop_waiting(&mut self) {
        let gone: Vec<Update> = self.queue.waiting.drain(..).collect();
        self.forget(gone);
    }

    /// Puts somebody's message into its chat and tells the bot, if it may know. Returns the update.
    pub(crate) fn tell(&mut self, message: Message, edited: bool) -> Result<Option<i64>, Refusal> {
        let channel = self.chat(message.chat)?.kind == Kind::Channel;
        let kind = match (channel, edited) {
            (false, false) => "message",
            (false, true) => "edited_message",
            (true, false) => "channel_post",
            (true, true) => "edited_channel_post",
        };
        let shape = self.message_json(&message);
        let reaches = self.reaches_bot(&message)?;
        self.chat_mut(message.chat)?.messages.insert(message.id, message);
        Ok(if reaches { self.queue.push(kind, shape) } else { None })
    }

    /// Whether the bot gets this message: never where it is not, always in private chats, and in groups what privacy mode lets
    /// through: commands, replies to it, mentions, and service messages.
    pub(crate) fn reaches_bot(&self, message: &Message) -> Result<bool, Refusal> {
        let chat = self.chat(message.chat)?;
        if !matches!(chat.bot, Standing::Member | Standing::Administrator) {
            return Ok(false);
        }
        if !chat.kind.is_group()
            || chat.bot == Standing::Administrator
            || !self.privacy
            || message.service.is_some()
        {
            return Ok(true);
        }
        let own = self.bot.username.as_deref().unwrap_or_default();
        let replied = message.reply_to.and_then(|id| chat.messages.get(&id));
        if replied.is_some_and(|replied| replied.by_bot) {
            return Ok(true);
        }
        Ok(message.entities.iter().any(|entity| {
            let words = entity.words(&message.text);
            match entity.kind.as_str() {
                "bot_command" => words.split_once('@').is_none_or(|(_, name)| name.eq_ignore_ascii_case(own)),
                "mention" => words.trim_start_matches('@').eq_ignore_ascii_case(own),
                "text_mention" => entity.user == Some(self.bot.id),
                _ => false,
            }
        }))
    }

    /// Changes what the bot is in a chat, and tells it. Returns the update.
    pub(crate) fn change_bot(&mut self, chat: i64, to: Standing, by: i64) -> Result<Option<i64>, Refusal> {
        let me = self.user_json(self.bot.id);
        let before = std::mem::replace(&mut self.chat_mut(chat)?.bot, to);
        if before == to {
            return Ok(None);
        }
        let body = json!({
            "chat": self.chat_json(chat),
            "from": self.user_json(by),
            "date": now(),
            "old_chat_member": member(before.name(), &me),
            "new_chat_member": member(to.name(), &me),
        });
        Ok(self.queue.push("my_chat_member", body))
    }

    /// A message that the server itself writes, such as that somebody joined. Returns it and the update.
    pub(crate) fn service(
        &mut self,
        chat: i64,
        author: Author,
        name: &str,
        value: Value,
    ) -> Result<(i64, Option<i64>), Refusal> {
        let mut message = self.draw_message(chat, author)?;
        message.service = Some((name.to_owned(), value));
        let id = message.id;
        Ok((id, self.tell(message, false)?))
    }

    /// Opens a topic; its number is that of the service message that says so.
    pub(crate) fn open_topic(&mut self, chat: i64, name: &str, author: Author) -> Result<i64, Refusal> {
        let mut message = self.draw_message(chat, author)?;
        message.service =
            Some(("forum_topic_created".to_owned(), json!({"name": name, "icon_color": 7_322_096})));
        message.thread = Some(message.id);
        let thread = message.id;
        let topic = Topic { name: name.to_owned(), closed: false };
        self.chat_mut(chat)?.topics.insert(thread, topic);
        self.tell(message, false)?;
        Ok(thread)
    }
}
