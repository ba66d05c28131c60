//! What there is: people, chats, messages, files, and the bot. It knows nothing of HTTP; whoever changes it holds its lock.

mod changes;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use serde_json::Value;

use crate::Options;
use crate::entities::Entity;
use crate::refusal::Refusal;
use crate::request::Params;
use crate::updates::{Queue, Update};
use crate::webhook::Webhook;

/// A person, or the bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Telegram's number.
    pub id: i64,
    /// The name that people see.
    pub name: String,
    /// The name after the `@`, where they have one.
    pub username: Option<String>,
    /// The language of their app.
    pub language: Option<String>,
    /// Whether it is a bot.
    pub is_bot: bool,
}

/// The kinds of chats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One person and the bot.
    Private,
    /// A small group of the old kind.
    Group,
    /// A group as most are.
    Supergroup,
    /// A supergroup with topics.
    Forum,
    /// Posts to many.
    Channel,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Group => "group",
            Self::Supergroup | Self::Forum => "supergroup",
            Self::Channel => "channel",
        }
    }

    /// Whether messages are numbered by the chat, not by the account.
    pub(crate) fn numbers_itself(self) -> bool {
        matches!(self, Self::Supergroup | Self::Forum | Self::Channel)
    }

    pub(crate) fn is_group(self) -> bool {
        matches!(self, Self::Group | Self::Supergroup | Self::Forum)
    }
}

/// What the bot is in a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The person never wrote to the bot.
    Unknown,
    /// It may read and write.
    Member,
    /// It may read all, and more.
    Administrator,
    /// The person blocked it, or it was thrown out.
    Kicked,
    /// It left, or was never there.
    Left,
}

impl Standing {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Administrator => "administrator",
            Self::Kicked => "kicked",
            Self::Unknown | Self::Left => "left",
        }
    }
}

/// A topic of a forum.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) closed: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Chat {
    pub(crate) id: i64,
    pub(crate) kind: Kind,
    pub(crate) title: String,
    pub(crate) username: Option<String>,
    pub(crate) members: BTreeSet<i64>,
    pub(crate) administrators: BTreeSet<i64>,
    pub(crate) bot: Standing,
    pub(crate) messages: BTreeMap<i64, Message>,
    pub(crate) next_message: i64,
    pub(crate) migrated_to: Option<i64>,
    pub(crate) topics: BTreeMap<i64, Topic>,
    pub(crate) drafts: Vec<Draft>,
    pub(crate) actions: Vec<(String, Option<i64>)>,
}

/// Who a message is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Author {
    User(i64),
    /// A channel, or a group's anonymous administrator.
    Chat(i64),
}

/// A file in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Media {
    /// `photo`, `document`, `voice`, `audio`, `video`, …
    pub(crate) kind: String,
    pub(crate) file: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: i64,
    pub(crate) chat: i64,
    pub(crate) author: Author,
    pub(crate) by_bot: bool,
    pub(crate) date: u64,
    pub(crate) edited: Option<u64>,
    /// The text, or the caption of a file.
    pub(crate) text: String,
    pub(crate) entities: Vec<Entity>,
    /// What the server had to mend in the entities that the bot sent.
    pub(crate) mended: Vec<String>,
    pub(crate) rich: Option<Value>,
    pub(crate) media: Option<Media>,
    pub(crate) group: Option<String>,
    pub(crate) reply_to: Option<i64>,
    pub(crate) quote: Option<String>,
    pub(crate) thread: Option<i64>,
    pub(crate) keyboard: Option<Value>,
    pub(crate) forwarded_from: Option<i64>,
    /// A service message's own field and value, such as `new_chat_members`.
    pub(crate) service: Option<(String, Value)>,
    pub(crate) silent: bool,
    pub(crate) protected: bool,
    pub(crate) link_preview: Option<Value>,
    pub(crate) reactions: BTreeMap<i64, Vec<String>>,
    /// What it said before each edit, oldest first.
    pub(crate) history: Vec<String>,
}

impl Message {
    pub(crate) fn new(id: i64, chat: i64, author: Author) -> Self {
        Self {
            id,
            chat,
            author,
            by_bot: false,
            date: now(),
            edited: None,
            text: String::new(),
            entities: Vec::new(),
            mended: Vec::new(),
            rich: None,
            media: None,
            group: None,
            reply_to: None,
            quote: None,
            thread: None,
            keyboard: None,
            forwarded_from: None,
            service: None,
            silent: false,
            protected: false,
            link_preview: None,
            reactions: BTreeMap::new(),
            history: Vec::new(),
        }
    }
}

/// A message that the bot is still writing, as the person sees it for a moment.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The bot's number for it.
    pub id: i64,
    /// The topic, where it is in one.
    pub thread: Option<i64>,
    /// What it says; empty where the app shows "Thinking…".
    pub text: String,
    /// How that looks.
    pub entities: Vec<Entity>,
    /// The blocks of a rich message.
    pub rich: Option<Value>,
    /// What it said before, oldest first.
    pub history: Vec<String>,
    /// Whether the app shows a button to stop.
    pub can_stop: bool,
    pub(crate) since: Instant,
}

#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) mime: String,
    pub(crate) bytes: Bytes,
    pub(crate) path: String,
    pub(crate) kind: String,
}

/// A pressed button that the bot has to answer.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    pub(crate) at: Instant,
    pub(crate) answer: Option<CallbackAnswer>,
}

/// The answer to a pressed button.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallbackAnswer {
    /// The text of the notification; empty where there is none.
    pub text: String,
    /// Whether it is a box that has to be closed.
    pub alert: bool,
    /// An address to open.
    pub url: Option<String>,
}

/// One call of a method, kept for assertions.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method, as the client spells it.
    pub method: String,
    /// What it was called with.
    pub params: Params,
    /// When it arrived.
    pub at: Instant,
    /// The HTTP status of the answer; `None` while there is none, or where there never was one.
    pub status: Option<u16>,
    /// Whether the method was carried out.
    pub taken: bool,
}

pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) bot: User,
    pub(crate) privacy: bool,
    pub(crate) users: BTreeMap<i64, User>,
    pub(crate) chats: BTreeMap<i64, Chat>,
    pub(crate) files: BTreeMap<String, File>,
    pub(crate) callbacks: BTreeMap<String, Callback>,
    pub(crate) queue: Queue,
    /// What the bot has acknowledged.
    pub(crate) acknowledged: Vec<Update>,
    pub(crate) webhook: Option<Webhook>,
    pub(crate) last_webhook: Option<Instant>,
    pub(crate) calls: Vec<Call>,
    /// By scope and language.
    pub(crate) commands: BTreeMap<(String, String), Value>,
    /// `name`, `description` and `short_description`, by language.
    pub(crate) profile: BTreeMap<(&'static str, String), String>,
    pub(crate) menu_buttons: BTreeMap<i64, Value>,
    next_user: i64,
    next_chat: i64,
    next_message: i64,
    next_serial: i64,
}

impl World {
    pub(crate) fn new(options: Options) -> Self {
        let id = options.token.split(':').next().and_then(|id| id.parse().ok()).unwrap_or(110_201_543);
        let bot = User {
            id,
            name: options.bot_name.clone(),
            username: Some(options.bot_username.clone()),
            language: None,
            is_bot: true,
        };
        Self {
            privacy: options.privacy_mode,
            users: BTreeMap::from([(id, bot.clone())]),
            bot,
            options,
            chats: BTreeMap::new(),
            files: BTreeMap::new(),
            callbacks: BTreeMap::new(),
            queue: Queue::default(),
            acknowledged: Vec::new(),
            webhook: None,
            last_webhook: None,
            calls: Vec::new(),
            commands: BTreeMap::new(),
            profile: BTreeMap::new(),
            menu_buttons: BTreeMap::new(),
            next_user: 5_000_000_001,
            next_chat: 1_700_000_001,
            next_message: 1,
            next_serial: 1,
        }
    }

    /// A number that was never given before.
    pub(crate) fn serial(&mut self) -> i64 {
        self.next_serial += 1;
        self.next_serial - 1
    }

    pub(crate) fn add_user(&mut self, name: &str, language: Option<&str>) -> User {
        let id = self.next_user;
        self.next_user += 1;
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let username = (!plain.is_empty()).then(|| format!("{}_{}", plain.to_lowercase(), id % 100_000));
        let language = language.map(str::to_owned);
        let user = User { id, name: name.to_owned(), username, language, is_bot: false };
        self.users.insert(id, user.clone());
        user
    }

    pub(crate) fn add_chat(&mut self, kind: Kind, title: &str, members: &[i64], bot: Standing) -> i64 {
        let id = match kind {
            Kind::Private => members.first().copied().unwrap_or_default(),
            Kind::Group => -self.next_chat,
            Kind::Supergroup | Kind::Forum | Kind::Channel => -1_000_000_000_000 - self.next_chat,
        };
        self.next_chat += 1;
        let chat = Chat {
            id,
            kind,
            title: title.to_owned(),
            username: None,
            members: members.iter().copied().collect(),
            administrators: members.first().copied().into_iter().collect(),
            bot,
            messages: BTreeMap::new(),
            next_message: 1,
            migrated_to: None,
            topics: BTreeMap::new(),
            drafts: Vec::new(),
            actions: Vec::new(),
        };
        self.chats.insert(id, chat);
        id
    }

    /// The chat that a method names, by number or by `@name`, as far as the bot knows it.
    pub(crate) fn find_chat(&self, params: &Params) -> Result<i64, Refusal> {
        let Some(name) = params.get("chat_id") else { return Err(Refusal::bad("chat_id is empty")) };
        let found = match name.strip_prefix('@') {
            Some(name) => self
                .chats
                .values()
                .find(|chat| chat.username.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(name))),
            None => name.parse().ok().and_then(|id: i64| self.chats.get(&id)),
        };
        found.map(|chat| chat.id).ok_or_else(|| Refusal::bad("chat not found"))
    }

    /// The chat that a method names, if the bot may write there.
    pub(crate) fn writable_chat(&self, params: &Params) -> Result<i64, Refusal> {
        let id = self.find_chat(params)?;
        let chat = self.chat(id)?;
        if let Some(to) = chat.migrated_to {
            return Err(Refusal::migrated(to));
        }
        let kind = match chat.kind {
            Kind::Group => "group",
            Kind::Channel => "channel",
            _ => "supergroup",
        };
        match (chat.bot, chat.kind) {
            (Standing::Kicked, Kind::Private) => Err(Refusal::forbidden("bot was blocked by the user")),
            (Standing::Unknown, Kind::Private) => {
                Err(Refusal::forbidden("bot can't initiate conversation with a user"))
            }
            (Standing::Kicked, _) => Err(Refusal::forbidden(&format!("bot was kicked from the {kind} chat"))),
            (Standing::Left | Standing::Unknown, _) => {
                Err(Refusal::forbidden(&format!("bot is not a member of the {kind} chat")))
            }
            (Standing::Member, Kind::Channel) => {
                Err(Refusal::bad("need administrator rights in the channel chat"))
            }
            _ => Ok(id),
        }
    }

    pub(crate) fn chat(&self, id: i64) -> Result<&Chat, Refusal> {
        self.chats.get(&id).ok_or_else(|| Refusal::bad("chat not found"))
    }

    pub(crate) fn chat_mut(&mut self, id: i64) -> Result<&mut Chat, Refusal> {
        self.chats.get_mut(&id).ok_or_else(|| Refusal::bad("chat not found"))
    }

    pub(crate) fn message(&self, chat: i64, id: i64) -> Option<&Message> {
        self.chats.get(&chat)?.messages.get(&id)
    }

    /// A new message of this chat, numbered; [`post`](Self::post) puts it there.
    pub(crate) fn draw_message(&mut self, chat: i64, author: Author) -> Result<Message, Refusal> {
        let id = if self.chat(chat)?.kind.numbers_itself() {
            let chat = self.chat_mut(chat)?;
            chat.next_message += 1;
            chat.next_message - 1
        } else {
            self.next_message += 1;
            self.next_message - 1
        };
        Ok(Message::new(id, chat, author))
    }

    pub(crate) fn post(&mut self, message: Message) -> Result<i64, Refusal> {
        let id = message.id;
        let chat = self.chat_mut(message.chat)?;
        // What was being written is there now.
        chat.drafts.retain(|draft| draft.thread != message.thread);
        chat.messages.insert(id, message);
        Ok(id)
    }

    pub(crate) fn add_file(&mut self, kind: &str, name: &str, mime: Option<&str>, bytes: Bytes) -> String {
        let serial = self.serial();
        let id = format!("{}Agad{serial:012}", kind.get(..2).unwrap_or("xx").to_uppercase());
        let (folder, ending, plain) = match kind {
            "photo" => ("photos", "jpg", "image/jpeg"),
            "voice" => ("voice", "oga", "audio/ogg"),
            "audio" => ("music", "mp3", "audio/mpeg"),
            "video" => ("videos", "mp4", "video/mp4"),
            "animation" => ("animations", "mp4", "video/mp4"),
            _ => ("documents", "bin", "application/octet-stream"),
        };
        let ending =
            if kind == "photo" { ending } else { name.rsplit_once('.').map_or(ending, |(_, end)| end) };
        let file = File {
            id: id.clone(),
            name: name.to_owned(),
            mime: mime.unwrap_or(plain).to_owned(),
            bytes,
            path: format!("{folder}/file_{serial}.{ending}"),
            kind: kind.to_owned(),
        };
        self.files.insert(id.clone(), file);
        id
    }

    /// Forgets drafts that are no longer shown.
    pub(crate) fn fade_drafts(&mut self) {
        let lifetime: Duration = self.options.draft_lifetime;
        for chat in self.chats.values_mut() {
            chat.drafts.retain(|draft| draft.since.elapsed() < lifetime);
        }
    }
}

/// The time as Telegram writes it.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
