//! An update becomes events. In: an update, and who the bot is. Out: events of the contract, and how their sender can be answered. Knows no
//! connection. What is not for the bot becomes nothing.

mod attachments;
mod message;

use loquat_contract::{Event, Inbound, MessageId, Sender, Ticket, Timestamp};

use super::update::{CallbackQuery, Chat, Membership, Reaction, Reactions, Update, User};
use crate::api::Me;
use crate::deliver::Shared;
use crate::place::{Place, press};

/// How somebody can be told that their event was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whither {
    /// As a notice on the button that they pressed, which waits for one.
    Press(String),
    /// As an answer to what they said.
    Reply(Place, i32),
    /// Not at all: they said nothing to the bot.
    Nowhere,
}

/// An event, and how to answer the person who caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) inbound: Inbound,
    pub(crate) whither: Whither,
}

impl Heard {
    fn silent(inbound: Inbound) -> Self {
        Self { inbound, whither: Whither::Nowhere }
    }
}

/// The events of an update.
pub(crate) fn understand(update: Update, me: &Me, shared: &Shared) -> Vec<Heard> {
    let view = View { me, shared };
    let id = update.update_id;
    if let Some(message) = update.message {
        return view.message(*message);
    }
    if let Some(message) = update.edited_message {
        return view.edit(id, *message).into_iter().collect();
    }
    if let Some(query) = update.callback_query {
        return view.press(query).into_iter().collect();
    }
    if let Some(reactions) = update.message_reaction {
        return view.reactions(id, &reactions);
    }
    update.my_chat_member.and_then(|membership| view.membership(id, &membership)).into_iter().collect()
}

/// What an update is understood by.
struct View<'v> {
    me: &'v Me,
    shared: &'v Shared,
}

impl View<'_> {
    fn inbound(&self, id: String, place: Place, sender: Sender, date: u64, event: Event) -> Inbound {
        let sent_at = (date > 0).then(|| Timestamp(date.saturating_mul(1000)));
        let conversation = place.conversation(&self.shared.bot.name);
        Inbound { id: MessageId(id), conversation, sender, sent_at, ticket: None, event }
    }

    fn press(&self, query: CallbackQuery) -> Option<Heard> {
        let whither = Whither::Press(query.id.clone());
        let message = query.message?;
        if !self.shared.is_allowed(message.chat.id) {
            return None;
        }
        let chat = message.chat.id;
        let topic = message.who.message_thread_id.filter(|_| message.who.is_topic_message);
        let topic = topic.or_else(|| self.shared.memory.topic(chat, message.message_id));
        let event = Event::Button {
            message: MessageId(message.message_id.to_string()),
            id: query.data.unwrap_or_default(),
        };
        let id = press(&query.id, message.message_id);
        let mut inbound = self.inbound(id.0, Place { chat, topic }, person(&query.from), 0, event);
        inbound.ticket = Some(Ticket(query.id));
        Some(Heard { inbound, whither })
    }

    fn reactions(&self, update: i64, reactions: &Reactions) -> Vec<Heard> {
        let Some(sender) = actor(reactions.user.as_ref(), reactions.actor_chat.as_ref()) else {
            return Vec::new();
        };
        let (chat, message) = (reactions.chat.id, reactions.message_id);
        if !self.shared.is_allowed(chat) {
            return Vec::new();
        }
        let place = Place { chat, topic: self.shared.memory.topic(chat, message) };
        let (old, new) = (&reactions.old_reaction, &reactions.new_reaction);
        let gone = old.iter().filter(|reaction| !new.contains(reaction)).map(|reaction| (reaction, true));
        let come = new.iter().filter(|reaction| !old.contains(reaction)).map(|reaction| (reaction, false));
        let heard = gone.chain(come).enumerate().map(|(index, (reaction, removed))| {
            let message = MessageId(message.to_string());
            let event = Event::Reaction { message, emoji: emoji(reaction), removed };
            let id = format!("r{update}.{index}");
            Heard::silent(self.inbound(id, place, sender.clone(), reactions.date, event))
        });
        heard.collect()
    }

    fn membership(&self, update: i64, membership: &Membership) -> Option<Heard> {
        let event = match (membership.old_chat_member.is_there(), membership.new_chat_member.is_there()) {
            (false, true) => Event::Join,
            (true, false) => Event::Leave,
            _ => return None,
        };
        let chat = &membership.chat;
        if chat.kind == "channel" || !self.shared.is_allowed(chat.id) {
            return None;
        }
        let place = Place { chat: chat.id, topic: None };
        let sender = person(&membership.from);
        Some(Heard::silent(self.inbound(format!("m{update}"), place, sender, membership.date, event)))
    }
}

/// Somebody, by their number.
fn person(user: &User) -> Sender {
    let name = format!("{} {}", user.first_name, user.last_name);
    let name = Some(name.trim().to_owned()).filter(|name| !name.is_empty());
    Sender { name, is_bot: user.is_bot, ..Sender::new(user.id.to_string()) }
}

/// Somebody, or the group or channel in whose name they act: then Telegram names a bot that stands for it.
fn actor(user: Option<&User>, chat: Option<&Chat>) -> Option<Sender> {
    if let Some(chat) = chat {
        let name = Some(chat.title.clone()).filter(|name| !name.is_empty());
        return Some(Sender { name, ..Sender::new(format!("chat/{}", chat.id)) });
    }
    user.map(person)
}

/// What a reaction shows; one of a custom emoji, its number.
fn emoji(reaction: &Reaction) -> String {
    match reaction.kind.as_str() {
        "emoji" => reaction.emoji.clone(),
        "custom_emoji" => reaction.custom_emoji_id.clone(),
        kind => kind.to_owned(),
    }
}
