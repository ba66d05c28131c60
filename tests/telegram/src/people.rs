//! What people do, without HTTP: they write, edit, press buttons, react, block the bot. In go their deeds; out come the numbers of
//! messages and updates, and a way to wait until the bot has acknowledged them.

mod groups;
mod waiting;

use std::time::Instant;

use axum::body::Bytes;
use serde_json::{Value, json};

pub use self::waiting::Heard;
use crate::Telegram;
use crate::entities::{Entity, detect};
use crate::refusal::Refusal;
use crate::world::{Author, Callback, Kind, Media, Message, Standing, User, World, now};

/// What came of a deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The message.
    pub message: i64,
    /// The update that tells the bot; `None` where it is not told, as by privacy mode.
    pub update: Option<i64>,
}

/// What came of a pressed button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pressed {
    /// The callback query that the bot has to answer.
    pub query: String,
    /// The update that tells the bot.
    pub update: Option<i64>,
}

/// What somebody says.
#[derive(Clone, Debug, Default)]
pub struct Saying {
    /// The words, or the caption of the file.
    pub text: String,
    /// What their app marks in it, besides what the server finds itself.
    pub entities: Vec<Entity>,
    /// The message that they reply to.
    pub reply_to: Option<i64>,
    /// The words of it that they quote.
    pub quote: Option<String>,
    /// The topic; `None` for the General one.
    pub topic: Option<i64>,
    /// A file.
    pub file: Option<Sent>,
    /// The album that the file is in.
    pub album: Option<String>,
    /// Whose message they forward.
    pub forwarded_from: Option<i64>,
}

/// A file that somebody sends.
#[derive(Clone, Debug)]
pub struct Sent {
    /// `photo`, `document`, `voice`, `audio` or `video`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its MIME type; the usual one for its kind where it is not said.
    pub mime: Option<String>,
    /// What is in it.
    pub bytes: Bytes,
}

impl From<&str> for Saying {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }
}

impl From<String> for Saying {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

/// Something that people cannot do, such as writing in a chat that does not exist.
fn impossible(refusal: Refusal) -> anyhow::Error {
    anyhow::anyhow!(
        "that cannot be done on this Telegram: {}; check the chat and the message",
        refusal.description
    )
}

impl Telegram {
    pub(crate) fn change<T>(&self, deed: impl FnOnce(&mut World) -> Result<T, Refusal>) -> anyhow::Result<T> {
        deed(&mut self.shared.world()).map_err(impossible)
    }

    /// Somebody new, whose app speaks English.
    pub fn user(&self, name: &str) -> User {
        self.shared.world().add_user(name, Some("en"))
    }

    /// Somebody new, whose app speaks this language.
    pub fn user_with_language(&self, name: &str, language: &str) -> User {
        self.shared.world().add_user(name, Some(language))
    }

    /// The private chat of somebody with the bot, which they have started.
    pub fn private(&self, user: &User) -> i64 {
        let mut world = self.shared.world();
        match world.chats.get_mut(&user.id) {
            Some(chat) if chat.bot == Standing::Unknown => chat.bot = Standing::Member,
            Some(_) => {}
            None => {
                world.add_chat(Kind::Private, "", &[user.id], Standing::Member);
            }
        }
        user.id
    }

    /// The private chat of somebody who never wrote to the bot, and to whom it may not write.
    pub fn unstarted(&self, user: &User) -> i64 {
        self.shared.world().add_chat(Kind::Private, "", &[user.id], Standing::Unknown)
    }

    /// Somebody says something in a chat.
    ///
    /// # Errors
    /// When there is no such chat, topic or message.
    pub fn say(&self, chat: i64, user: &User, saying: impl Into<Saying>) -> anyhow::Result<Told> {
        let saying = saying.into();
        self.change(|world| {
            if let Some(to) = world.chat(chat)?.migrated_to {
                return Err(Refusal::migrated(to));
            }
            if world.chat(chat)?.kind == Kind::Private {
                let started = world.chat_mut(chat)?;
                if started.bot == Standing::Unknown {
                    started.bot = Standing::Member;
                }
            }
            let author = match world.chat(chat)?.kind {
                Kind::Channel => Author::Chat(chat),
                _ => Author::User(user.id),
            };
            let message = spoken(world, chat, author, saying)?;
            let id = message.id;
            Ok(Told { message: id, update: world.tell(message, false)? })
        })
    }

    /// Somebody changes a message.
    ///
    /// # Errors
    /// When there is no such message.
    pub fn edit(&self, chat: i64, message: i64, text: &str) -> anyhow::Result<Told> {
        self.change(|world| {
            let known = world.message(chat, message).cloned();
            let mut edited = known.ok_or_else(|| Refusal::bad("message to edit not found"))?;
            edited.history.push(std::mem::replace(&mut edited.text, text.to_owned()));
            edited.entities = detect(text);
            edited.edited = Some(now());
            Ok(Told { message, update: world.tell(edited, true)? })
        })
    }

    /// Somebody deletes a message. Telegram tells bots nothing of it.
    ///
    /// # Errors
    /// When there is no such message.
    pub fn delete(&self, chat: i64, message: i64) -> anyhow::Result<()> {
        self.change(|world| {
            let gone = world.chat_mut(chat)?.messages.remove(&message);
            gone.map(drop).ok_or_else(|| Refusal::bad("message to delete not found"))
        })
    }

    /// Somebody presses the button with this `callback_data` under a message.
    ///
    /// # Errors
    /// When there is no such button.
    pub fn press(&self, chat: i64, message: i64, data: &str, user: &User) -> anyhow::Result<Pressed> {
        self.change(|world| {
            let known = world.message(chat, message).cloned();
            let under = known.ok_or_else(|| Refusal::bad("there is no such message"))?;
            let rows = under.keyboard.as_ref().and_then(|keyboard| keyboard.get("inline_keyboard"));
            let there = rows
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_array)
                .flatten()
                .any(|button| button.get("callback_data").and_then(Value::as_str) == Some(data));
            if !there {
                return Err(Refusal::bad(format!("the message has no button with \"{data}\"")));
            }
            let query = format!("{}", 4_382_000_000_000_000_000 + world.serial());
            let body = json!({
                "id": query,
                "from": world.user_json(user.id),
                "message": world.message_json(&under),
                "chat_instance": format!("{}", chat.wrapping_mul(7919)),
                "data": data,
            });
            world.callbacks.insert(query.clone(), Callback { at: Instant::now(), answer: None });
            Ok(Pressed { query, update: world.queue.push("callback_query", body) })
        })
    }

    /// Somebody reacts to a message with these emoji, instead of those before; with none, they take theirs back. The bot is told
    /// if it asked for `message_reaction`, and in groups only as an administrator.
    ///
    /// # Errors
    /// When there is no such message.
    pub fn react(&self, chat: i64, message: i64, user: &User, emoji: &[&str]) -> anyhow::Result<Option<i64>> {
        self.change(|world| {
            let place = world.chat_mut(chat)?;
            let told = match place.kind {
                Kind::Private => place.bot == Standing::Member,
                _ => place.bot == Standing::Administrator,
            };
            let known = place.messages.get_mut(&message);
            let known = known.ok_or_else(|| Refusal::bad("there is no such message"))?;
            let new: Vec<String> = emoji.iter().map(|emoji| (*emoji).to_owned()).collect();
            let old = if new.is_empty() {
                known.reactions.remove(&user.id)
            } else {
                known.reactions.insert(user.id, new.clone())
            };
            let list = |emoji: &[String]| -> Value {
                emoji.iter().map(|emoji| json!({"type": "emoji", "emoji": emoji})).collect()
            };
            let body = json!({
                "chat": world.chat_json(chat),
                "message_id": message,
                "user": world.user_json(user.id),
                "date": now(),
                "old_reaction": list(&old.unwrap_or_default()),
                "new_reaction": list(&new),
            });
            Ok(if told { world.queue.push("message_reaction", body) } else { None })
        })
    }
}

/// The message of what somebody says.
fn spoken(world: &mut World, chat: i64, author: Author, saying: Saying) -> Result<Message, Refusal> {
    let place = world.chat(chat)?;
    if let Some(topic) = saying.topic
        && !place.topics.contains_key(&topic)
    {
        return Err(Refusal::bad("message thread not found"));
    }
    if let Some(reply) = saying.reply_to
        && !place.messages.contains_key(&reply)
    {
        return Err(Refusal::bad("message to be replied not found"));
    }
    let mut message = world.draw_message(chat, author)?;
    message.entities = detect(&saying.text);
    message.entities.extend(saying.entities);
    message.entities.sort_by_key(|entity| entity.offset);
    message.text = saying.text;
    message.reply_to = saying.reply_to;
    message.quote = saying.quote;
    message.thread = saying.topic;
    message.group = saying.album;
    message.forwarded_from = saying.forwarded_from;
    if let Some(file) = saying.file {
        let id = world.add_file(file.kind, &file.name, file.mime.as_deref(), file.bytes);
        message.media = Some(Media { kind: file.kind.to_owned(), file: id });
    }
    Ok(message)
}
