//! A line becomes an event. In: a message of IRC. Out: what the engine and the journal know, or nothing where it is none of the
//! bot's business. Knows no connection.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use irc_proto::{FormattedStringExt, Message};
use loquat_contract::{ConversationId, Event, Inbound, Sender, Timestamp};

use super::hand_on::Handed;
use crate::PLATFORM;
use crate::encode::{line, message_id};
use crate::names::{ACCOUNT, BARE, CaseMapping, is_channel};

/// Ids for lines to which the server gives none: the time, a count, and a number that is different in each process.
pub(crate) struct LineIds {
    count: AtomicU64,
    process: u32,
}

impl LineIds {
    pub(crate) fn new() -> Self {
        // The standard library's hashers have random keys.
        let random = RandomState::new().build_hasher().finish();
        Self { count: AtomicU64::new(0), process: random as u32 }
    }

    fn next(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        format!("{}-{count}-{:08x}", Timestamp::now().0, self.process)
    }
}

/// What it takes to understand a line beside the line.
pub(crate) struct Around {
    /// The bot's name in conversation ids.
    pub(crate) bot: String,
    /// What the server takes for the same name.
    pub(crate) case: CaseMapping,
    pub(crate) ids: std::sync::Arc<LineIds>,
}

/// What somebody says, where it is for the bot. `own` are the nicks that address it, the present one first.
pub(super) fn message(
    around: &Around,
    heard: &Message,
    own: [&str; 2],
    answer_all: bool,
    target: &str,
    text: &str,
) -> Option<Handed> {
    let nick = heard.source_nickname()?;
    let text = line(&plain(text)?.strip_formatting());
    let spoken_to = own.into_iter().find_map(|own| addressed(&text, own, around.case));
    let (channel, text, addressed) = match is_channel(target) {
        true => match spoken_to {
            Some(rest) => (Some(target), rest, true),
            None if answer_all => (Some(target), text.as_str(), false),
            None => return None,
        },
        // What goes to `@#channel` or `$$*.example.org` is not for the bot alone, and has no conversation.
        false if around.case.same(target, own[0]) => (None, spoken_to.unwrap_or(&text), true),
        false => return None,
    };
    Some(Handed {
        inbound: inbound(around, heard, nick, channel, Event::Message(text.into())),
        nick: nick.to_owned(),
        addressed,
    })
}

/// Somebody comes into a channel.
pub(super) fn join(around: &Around, heard: &Message, channel: &str) -> Option<Handed> {
    let nick = heard.source_nickname()?;
    let inbound = inbound(around, heard, nick, Some(channel), Event::Join);
    Some(Handed { inbound, nick: nick.to_owned(), addressed: false })
}

/// An event in a channel, or else in the private conversation with whoever caused it.
fn inbound(around: &Around, heard: &Message, nick: &str, channel: Option<&str>, event: Event) -> Inbound {
    let sender = sender(around, heard, nick);
    let id = tag(heard, "msgid").filter(|id| !id.is_empty()).map_or_else(|| around.ids.next(), str::to_owned);
    let time = tag(heard, "time").and_then(|time| time.parse::<jiff::Timestamp>().ok());
    Inbound {
        id: message_id(&id, nick),
        conversation: ConversationId {
            bot: around.bot.clone(),
            platform: PLATFORM.to_owned(),
            channel: channel.map_or_else(|| sender.id.clone(), |channel| around.case.lower(channel)),
            thread: None,
        },
        sender,
        sent_at: time.and_then(|time| u64::try_from(time.as_millisecond()).ok()).map(Timestamp),
        ticket: None,
        event,
    }
}

fn sender(around: &Around, heard: &Message, nick: &str) -> Sender {
    let account = tag(heard, "account").filter(|account| !account.is_empty() && *account != "*");
    let lower = around.case.lower(nick);
    Sender {
        id: match account {
            Some(account) => format!("{ACCOUNT}{}", around.case.lower(account)),
            // No nick passes for an account.
            None if lower.contains('/') => format!("{BARE}{lower}"),
            None => lower,
        },
        name: Some(nick.to_owned()),
        is_bot: tag(heard, "bot").or_else(|| tag(heard, "draft/bot")).is_some(),
        roles: Vec::new(),
    }
}

/// A message tag's value (IRCv3), empty where it has none.
fn tag<'a>(heard: &'a Message, name: &str) -> Option<&'a str> {
    let tags = heard.tags.as_ref()?;
    tags.iter().find(|tag| tag.0 == name).map(|tag| tag.1.as_deref().unwrap_or_default())
}

/// The words of a message; `None` where a program is asked and not a person (CTCP), except for `/me`.
fn plain(text: &str) -> Option<String> {
    match text.strip_prefix('\u{1}') {
        Some(ctcp) => ctcp.strip_prefix("ACTION ").map(|action| action.trim_end_matches('\u{1}').to_owned()),
        None => Some(text.to_owned()),
    }
}

/// What is left where the text begins with the bot's nick: `nick: …`, `nick, …` or `@nick …`.
fn addressed<'a>(text: &'a str, own: &str, case: CaseMapping) -> Option<&'a str> {
    let at = text.strip_prefix('@');
    let rest = at.unwrap_or(text);
    let (nick, rest) = rest.split_at_checked(own.len()).filter(|(nick, _)| case.same(nick, own))?;
    debug_assert_eq!(nick.len(), own.len());
    let said = rest.strip_prefix([':', ',', '：', '，']);
    let said = match at {
        Some(_) => said.or_else(|| (rest.is_empty() || rest.starts_with(' ')).then_some(rest)),
        None => said,
    };
    said.map(str::trim)
}
