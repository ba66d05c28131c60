//! What all methods that send have in common: the chat, the topic, the message replied to, the keyboard, the flags.

use serde_json::Value;

use super::keyboard;
use crate::refusal::Refusal;
use crate::request::Params;
use crate::world::{Author, Kind, Message, World};

/// What a sending method says about its message apart from what is in it.
pub(super) struct Envelope {
    pub(super) chat: i64,
    thread: Option<i64>,
    reply_to: Option<i64>,
    quote: Option<String>,
    keyboard: Option<Value>,
    silent: bool,
    protected: bool,
}

impl Envelope {
    /// Reads and checks it.
    pub(super) fn read(world: &World, params: &Params) -> Result<Self, Refusal> {
        let chat = world.writable_chat(params)?;
        let thread = thread(world, chat, params)?;
        let (reply_to, quote) = reply(world, chat, params)?;
        let replied_thread =
            reply_to.and_then(|id| world.message(chat, id)).and_then(|message| message.thread);
        Ok(Self {
            chat,
            thread: thread.or(replied_thread),
            reply_to,
            quote,
            keyboard: keyboard::read(params)?,
            silent: params.flag("disable_notification"),
            protected: params.flag("protect_content"),
        })
    }

    /// A new message in this envelope.
    pub(super) fn message(&self, world: &mut World) -> Result<Message, Refusal> {
        let author = match world.chat(self.chat)?.kind {
            Kind::Channel => Author::Chat(self.chat),
            _ => Author::User(world.bot.id),
        };
        let mut message = world.draw_message(self.chat, author)?;
        message.by_bot = true;
        message.thread = self.thread;
        message.reply_to = self.reply_to;
        message.quote = self.quote.clone();
        message.keyboard = self.keyboard.clone();
        message.silent = self.silent;
        message.protected = self.protected;
        Ok(message)
    }
}

/// Posts a message and returns it as the Bot API shows it.
pub(super) fn post(world: &mut World, message: Message) -> Result<Value, Refusal> {
    let shape = world.message_json(&message);
    world.post(message)?;
    Ok(shape)
}

/// The topic that a method names. A message for the General topic names none: `1` is not found.
pub(super) fn thread(world: &World, chat: i64, params: &Params) -> Result<Option<i64>, Refusal> {
    let Some(thread) = params.number("message_thread_id").filter(|thread| *thread != 0) else {
        return Ok(None);
    };
    let chat = world.chat(chat)?;
    if chat.kind == Kind::Supergroup {
        // A talk of replies is no topic; the server takes it and the message shows in the chat.
        return match chat.messages.contains_key(&thread) {
            true => Ok(None),
            false => Err(Refusal::bad("message thread not found")),
        };
    }
    match chat.topics.get(&thread) {
        Some(topic) if topic.closed && chat.bot != crate::world::Standing::Administrator => {
            Err(Refusal::bad("TOPIC_CLOSED"))
        }
        Some(_) => Ok(Some(thread)),
        None => Err(Refusal::bad("message thread not found")),
    }
}

fn reply(world: &World, chat: i64, params: &Params) -> Result<(Option<i64>, Option<String>), Refusal> {
    let given = params.json("reply_parameters")?;
    let (id, without, quote) = match &given {
        Some(reply) => (
            reply.get("message_id").and_then(Value::as_i64),
            reply.get("allow_sending_without_reply").and_then(Value::as_bool).unwrap_or(false),
            reply.get("quote").and_then(Value::as_str).map(str::to_owned),
        ),
        None => (params.number("reply_to_message_id"), params.flag("allow_sending_without_reply"), None),
    };
    let Some(id) = id.filter(|id| *id != 0) else { return Ok((None, None)) };
    match world.message(chat, id) {
        Some(message) => match quote {
            Some(quote) if !message.text.contains(&quote) => Err(Refusal::bad("QUOTE_TEXT_INVALID")),
            quote => Ok((Some(id), quote)),
        },
        None if without => Ok((None, None)),
        None => Err(Refusal::bad("message to be replied not found")),
    }
}
