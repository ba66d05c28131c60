//! What people see, and what a test may ask about the bot: messages, drafts, buttons, reactions, the menu of commands, files, the
//! calls it made. Nothing is changed here.

use std::collections::BTreeMap;

use axum::body::Bytes;
use serde_json::Value;

use crate::Telegram;
use crate::entities::Entity;
use crate::world::{Author, Call, CallbackAnswer, Draft, Message, World};

/// A message as people see it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its number.
    pub id: i64,
    /// Whether the bot wrote it.
    pub from_bot: bool,
    /// Who wrote it; in a channel, the channel.
    pub author: i64,
    /// The words, or the caption of the file; of a rich message, its words without form.
    pub text: String,
    /// How they look.
    pub entities: Vec<Entity>,
    /// What the server mended in the bot's entities without a word.
    pub mended: Vec<String>,
    /// A rich message's blocks, as the Bot API gives them.
    pub rich: Option<Value>,
    /// The buttons, by rows.
    pub buttons: Vec<Vec<Button>>,
    /// Whether it was edited.
    pub edited: bool,
    /// What it said before each edit, oldest first.
    pub history: Vec<String>,
    /// The message that it replies to.
    pub reply_to: Option<i64>,
    /// The topic that it is in; `None` is the General one.
    pub topic: Option<i64>,
    /// Its file.
    pub file: Option<SeenFile>,
    /// The album that its file is in.
    pub album: Option<String>,
    /// Who reacted, and how.
    pub reactions: BTreeMap<i64, Vec<String>>,
    /// Whether it came without a sound.
    pub silent: bool,
    /// Whether links in it have no preview.
    pub without_preview: bool,
    /// The name of a service message's field, such as `new_chat_members`.
    pub service: Option<String>,
    /// Who is notified because they are mentioned, by number.
    pub mentioned: Vec<i64>,
}

/// A button under a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// What it says.
    pub text: String,
    /// Its `callback_data`.
    pub data: Option<String>,
    /// The address that it opens.
    pub url: Option<String>,
}

/// A file in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenFile {
    /// `photo`, `document`, `voice`, …
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its MIME type.
    pub mime: String,
    /// What is in it.
    pub bytes: Bytes,
}

impl Telegram {
    /// The messages of a chat in order.
    pub fn messages(&self, chat: i64) -> Vec<Seen> {
        let world = self.shared.world();
        let chat = world.chats.get(&chat);
        chat.into_iter()
            .flat_map(|chat| chat.messages.values())
            .map(|message| seen(&world, message))
            .collect()
    }

    /// The bot's messages of a chat in order.
    pub fn answers(&self, chat: i64) -> Vec<Seen> {
        let mut all = self.messages(chat);
        all.retain(|message| message.from_bot && message.service.is_none());
        all
    }

    /// One message.
    pub fn message(&self, chat: i64, id: i64) -> Option<Seen> {
        let world = self.shared.world();
        world.message(chat, id).map(|message| seen(&world, message))
    }

    /// The drafts that the person sees now.
    pub fn drafts(&self, chat: i64) -> Vec<Draft> {
        let lifetime = self.shared.options.draft_lifetime;
        let world = self.shared.world();
        let chat = world.chats.get(&chat);
        let drafts = chat.into_iter().flat_map(|chat| chat.drafts.iter());
        drafts.filter(|draft| draft.since.elapsed() < lifetime).cloned().collect()
    }

    /// What the bot said it was doing, oldest first, with the topic.
    pub fn actions(&self, chat: i64) -> Vec<(String, Option<i64>)> {
        self.shared.world().chats.get(&chat).map(|chat| chat.actions.clone()).unwrap_or_default()
    }

    /// The answer to a pressed button; `None` while there is none and the button still shows a clock.
    pub fn answer_to(&self, query: &str) -> Option<CallbackAnswer> {
        self.shared.world().callbacks.get(query)?.answer.clone()
    }

    /// The menu of commands that somebody sees whose app speaks this language: names and descriptions. Of the scopes, `chat` is
    /// looked for first, then that of the kind of chat, then the default; in each, the language first.
    pub fn commands(&self, chat: i64, language: &str) -> Vec<(String, String)> {
        let world = self.shared.world();
        let group = world.chats.get(&chat).is_some_and(|chat| chat.kind.is_group());
        let kind = if group { "all_group_chats" } else { "all_private_chats" };
        let scopes = [format!("chat {chat}"), kind.to_owned(), "default".to_owned()];
        let found = scopes.iter().find_map(|scope| {
            [language, ""]
                .iter()
                .find_map(|language| world.commands.get(&(scope.clone(), (*language).to_owned())))
        });
        let text = |command: &Value, name: &str| {
            command.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        found
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|command| (text(command, "command"), text(command, "description")))
            .collect()
    }

    /// All calls so far, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.world().calls.clone()
    }

    /// The calls of one method so far, oldest first.
    pub fn calls_of(&self, method: &str) -> Vec<Call> {
        let mut calls = self.calls();
        calls.retain(|call| call.method.eq_ignore_ascii_case(method));
        calls
    }

    /// The address of the webhook, where one is set.
    pub fn webhook(&self) -> Option<String> {
        self.shared.world().webhook.as_ref().map(|webhook| webhook.url.clone())
    }

    /// How many updates the bot has not acknowledged.
    pub fn pending(&self) -> usize {
        self.shared.world().queue.waiting.len()
    }
}

fn seen(world: &World, message: &Message) -> Seen {
    let file = message.media.as_ref().and_then(|media| world.files.get(&media.file));
    Seen {
        id: message.id,
        from_bot: message.by_bot,
        author: match message.author {
            Author::User(id) | Author::Chat(id) => id,
        },
        text: message.text.clone(),
        entities: message.entities.clone(),
        mended: message.mended.clone(),
        rich: message.rich.clone(),
        buttons: message.keyboard.as_ref().map(buttons).unwrap_or_default(),
        edited: message.edited.is_some(),
        history: message.history.clone(),
        reply_to: message.reply_to,
        topic: message.thread,
        file: file.map(|file| SeenFile {
            kind: file.kind.clone(),
            name: file.name.clone(),
            mime: file.mime.clone(),
            bytes: file.bytes.clone(),
        }),
        album: message.group.clone(),
        reactions: message.reactions.clone(),
        silent: message.silent,
        without_preview: message
            .link_preview
            .as_ref()
            .is_some_and(|preview| preview.get("is_disabled").and_then(Value::as_bool) == Some(true)),
        service: message.service.as_ref().map(|(name, _)| name.clone()),
        mentioned: mentioned(world, message),
    }
}

fn mentioned(world: &World, message: &Message) -> Vec<i64> {
    let named = |entity: &Entity| match entity.kind.as_str() {
        "text_mention" => entity.user,
        "mention" => {
            let words = entity.words(&message.text);
            let name = words.trim_start_matches('@');
            let known = |user: &&crate::world::User| {
                user.username.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(name))
            };
            world.users.values().find(known).map(|user| user.id)
        }
        _ => None,
    };
    message.entities.iter().filter_map(named).collect()
}

pub(crate) fn buttons(keyboard: &Value) -> Vec<Vec<Button>> {
    let rows = keyboard.get("inline_keyboard").and_then(Value::as_array);
    rows.into_iter()
        .flatten()
        .map(|row| {
            let text =
                |button: &Value, name: &str| button.get(name).and_then(Value::as_str).map(str::to_owned);
            row.as_array()
                .into_iter()
                .flatten()
                .map(|button| Button {
                    text: text(button, "text").unwrap_or_default(),
                    data: text(button, "callback_data"),
                    url: text(button, "url"),
                })
                .collect()
        })
        .collect()
}
