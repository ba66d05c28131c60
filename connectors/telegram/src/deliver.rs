//! The sending half: one part out, and what became of it. In: envelopes. Out: requests to the Bot API, and reports. It does not retry, wait or
//! cut, and knows nothing of how updates come.

mod memory;

mod draft;
mod files;
mod interact;
mod text;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use loquat_contract::{
    Administration, BotCard, BoxFuture, Capabilities, ConversationId, Delivery, Drafts, Egress, Envelope,
    Format, Idempotency, Interactions, Length, LengthUnit, MessageId, Pace,
};
use serde::de::IgnoredAny;
use teloxide_core::payloads::{SendChatAction, SendChatActionSetters};
use teloxide_core::types::{ChatAction, ChatId, ThreadId};

use crate::Config;
use crate::api::{Api, Failure};
use crate::config::Mode;
use crate::encode::LONGEST;
use crate::place::Place;

pub(crate) use memory::Memory;

/// How long Telegram shows that somebody types.
const TYPING: Duration = Duration::from_secs(5);
/// The largest file that Telegram takes from a bot.
const LARGEST_FILE: u64 = 50 * 1024 * 1024;
/// The most buttons below a message; Telegram takes more, but shows no more well.
const BUTTONS: usize = 40;
/// The widest table that a phone shows without breaking its lines.
const TABLE: usize = 40;
/// By how much longer than asked for a poll may take before it is given up.
pub(crate) const LATE: Duration = Duration::from_secs(10);
/// What the General topic is called where it has to be named, which is for typing alone.
const GENERAL: i32 = 1;

/// What the two halves share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) bot: BotCard,
    pub(crate) api: Api,
    pub(crate) memory: Memory,
    /// The names of the commands that are offered.
    menu: RwLock<HashSet<String>>,
    /// Whether the server has drafts, and rich messages, as far as is known.
    has_drafts: AtomicBool,
    has_rich: AtomicBool,
}

impl Shared {
    pub(crate) fn new(config: Config, bot: BotCard, api: Api) -> Self {
        Self {
            config,
            bot,
            api,
            memory: Memory::default(),
            menu: RwLock::default(),
            has_drafts: AtomicBool::new(true),
            has_rich: AtomicBool::new(true),
        }
    }

    /// Whether a command of this name was offered.
    pub(crate) fn is_offered(&self, name: &str) -> bool {
        self.menu.read().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    pub(crate) fn set_menu(&self, names: HashSet<String>) {
        *self.menu.write().unwrap_or_else(PoisonError::into_inner) = names;
    }

    /// Whether a chat is one that the bot answers in.
    pub(crate) fn is_allowed(&self, chat: i64) -> bool {
        let allowed = &self.config.allowed_chats;
        allowed.is_empty()
            || allowed.contains(&chat)
            || allowed.iter().any(|&before| self.memory.is_at(before, chat))
    }

    /// Makes a request to where a chat is now; where Telegram says that it moved, to where it is then.
    pub(super) async fn at<'a, T>(
        &self,
        mut place: Place,
        request: impl Fn(Place) -> BoxFuture<'a, Result<T, Failure>>,
    ) -> Result<T, Failure> {
        place.chat = self.memory.now(place.chat);
        let mut outcome = request(place).await;
        if let Err(Failure::Moved(to)) = outcome {
            self.memory.moved(place.chat, to);
            place.chat = to;
            outcome = request(place).await;
        }
        if let Err(Failure::TooMany(after)) = &outcome {
            self.memory.hush(place.chat, after.unwrap_or(Duration::from_secs(1)));
        }
        outcome
    }
}

/// The sending half of Telegram.
pub struct TelegramEgress {
    shared: Arc<Shared>,
}

impl TelegramEgress {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    async fn send(&self, envelope: &Envelope) -> Delivery {
        let Some(place) = Place::of(&envelope.to.conversation) else {
            let reason = format!("{} is no conversation of Telegram's", envelope.to.conversation);
            return Delivery::Permanent { reason };
        };
        if let Some(after) = self.shared.memory.hushed(place.chat) {
            return Delivery::Retry {
                after: Some(after),
                reason: "Telegram wants fewer messages".to_owned(),
            };
        }
        let part = &envelope.part;
        let mut first = None;
        if !part.text.trim().is_empty() || !part.document.is_empty() {
            match self.shared.say(place, envelope).await {
                Ok(id) => first = Some(id),
                Err(delivery) => return delivery,
            }
        }
        for (index, attachment) in part.attachments.iter().enumerate() {
            let is_alone = first.is_none();
            let is_last = index + 1 == part.attachments.len();
            match self.shared.hand_over(place, envelope, attachment, is_alone, is_alone && is_last).await {
                Ok(id) => first = first.or(Some(id)),
                Err(delivery) if is_alone => return delivery,
                Err(Delivery::Unauthorised { reason } | Delivery::Permanent { reason })
                | Err(Delivery::Retry { reason, .. } | Delivery::Ambiguous { reason }) => {
                    let name = &attachment.name;
                    let reason =
                        format!("what stands before it was sent, the file {name:?} was not: {reason}");
                    return Delivery::Ambiguous { reason };
                }
                Err(sent) => return sent,
            }
        }
        match first {
            Some(id) => {
                if let Some(topic) = place.topic {
                    self.shared.memory.posted(place.chat, id, topic);
                }
                Delivery::Sent { id: Some(MessageId(id.to_string())) }
            }
            None => Delivery::Permanent { reason: "there is nothing in it to send".to_owned() },
        }
    }
}

impl Egress for TelegramEgress {
    fn capabilities(&self) -> Capabilities {
        let config = &self.shared.config;
        Capabilities {
            max_length: Some(Length { limit: LONGEST, unit: LengthUnit::Utf16 }),
            format: Format::Plain,
            // A rich message has real tables.
            table_columns: (!config.rich).then_some(TABLE),
            edits: true,
            drafts: true,
            threads: true,
            buttons: BUTTONS,
            reactions: true,
            max_file_bytes: LARGEST_FILE,
            typing: Some(TYPING),
            idempotency: Idempotency::None,
            outlives_process: true,
            pace: Pace { per_conversation: config.message_pause(false), overall: config.overall_pause() },
            // A webhook is silent while nobody says anything.
            silence: (config.mode == Mode::Polling).then(|| config.poll() + LATE * 2),
            ..Capabilities::default()
        }
    }

    fn deliver<'a>(&'a self, envelope: &'a Envelope) -> BoxFuture<'a, Delivery> {
        Box::pin(self.send(envelope))
    }

    fn pause(&self, conversation: &ConversationId) -> Duration {
        self.shared.config.message_pause(Place::of(conversation).is_some_and(Place::is_group))
    }

    fn signal_typing<'a>(&'a self, conversation: &'a ConversationId) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let Some(place) = Place::of(conversation) else { return };
            let chat = self.shared.memory.now(place.chat);
            if self.shared.memory.hushed(chat).is_some() {
                return;
            }
            let general = self.shared.memory.is_forum(chat).then_some(GENERAL);
            let mut action = SendChatAction::new(ChatId(chat), ChatAction::Typing);
            if let Some(topic) = place.topic.or(general) {
                action = action.message_thread_id(topic_id(topic));
            }
            if let Err(failure) = self.shared.api.call::<_, IgnoredAny>(&action).await {
                tracing::debug!(%failure, "typing was not shown");
            }
        })
    }

    fn forget<'a>(&'a self, conversation: &'a ConversationId) -> BoxFuture<'a, ()> {
        if let Some(place) = Place::of(conversation) {
            self.shared.memory.forget(place.chat);
        }
        Box::pin(async {})
    }

    fn drafts(&self) -> Option<&dyn Drafts> {
        Some(self)
    }

    fn interactions(&self) -> Option<&dyn Interactions> {
        Some(self)
    }

    fn administration(&self) -> Option<&dyn Administration> {
        Some(self)
    }
}

/// A topic, as teloxide has it.
pub(crate) fn topic_id(topic: i32) -> ThreadId {
    ThreadId(teloxide_core::types::MessageId(topic))
}

/// Refuses to touch a message by its number where its chat moved: there, that number is another message.
fn is_the_same(place: Place, at: Place) -> Result<(), Failure> {
    if place.chat == at.chat {
        return Ok(());
    }
    Err(Failure::Refused { code: 400, description: "the chat moved, message not found".to_owned() })
}

/// Whether something that may be missing on an older server is there as far as is known.
fn has(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Relaxed)
}

/// Notes that the server does not have something, and says so once.
fn has_not(flag: &AtomicBool, what: &str) {
    if flag.swap(false, Ordering::Relaxed) {
        tracing::info!("the Bot API server does not have {what}; going on without");
    }
}
