//! A message becomes events. In: a message, new or changed. Out: what it says to the bot, a command, somebody who joins, a group that moves.

use loquat_contract::{Event, Message as Said, MessageId, Sender};

use super::{Heard, View, Whither, actor, attachments::attachments, person};
use crate::place::Place;
use crate::receive::trigger::{Addressed, Command, read};
use crate::receive::update::Message;

/// Commands that Telegram's apps offer by themselves, or that the host knows without a menu.
const ALWAYS: [&str; 2] = ["start", "help"];
/// The command by which people pair; the host knows it as words.
const PAIR: &str = "pair";
/// The command whose arguments are a question.
const ASK: &str = "ask";

impl View<'_> {
    pub(super) fn message(&self, message: Message) -> Vec<Heard> {
        if let Some(moved) = self.moved(&message) {
            return vec![moved];
        }
        if !self.shared.is_allowed(message.chat.id) {
            tracing::debug!(chat = message.chat.id, "a chat is not in connectors.telegram.allowed_chats");
            return Vec::new();
        }
        if message.chat.is_forum {
            self.shared.memory.saw_forum(message.chat.id);
        }
        if !message.service.new_chat_members.is_empty() {
            return self.joins(&message);
        }
        let Some((sender, addressed)) = self.for_bot(&message) else { return Vec::new() };
        let id = message.message_id;
        let (place, date) = (place(&message), message.date);
        let replied = replied_to(&message);
        let Some(event) = self.event(message, addressed, replied) else { return Vec::new() };
        let inbound = self.inbound(id.to_string(), place, sender, date, event);
        vec![Heard { inbound, whither: Whither::Reply(place, id) }]
    }

    pub(super) fn edit(&self, update: i64, message: Message) -> Option<Heard> {
        // Without a date, it was not a person who changed it.
        if message.said.edit_date == 0 || !self.shared.is_allowed(message.chat.id) {
            return None;
        }
        let (sender, addressed) = self.for_bot(&message)?;
        let (id, date) = (message.message_id, message.said.edit_date);
        let place = place(&message);
        // What it replies to does not change.
        let now = match self.event(message, addressed, None)? {
            Event::Message(now) => now,
            Event::Command { name, arguments } if name == ASK => arguments.into(),
            _ => return None,
        };
        let event = Event::Edit { message: MessageId(id.to_string()), now };
        // Dates are in seconds, and people change a message twice in one.
        let inbound = self.inbound(format!("e{id}.{update}"), place, sender, date, event);
        Some(Heard { inbound, whither: Whither::Reply(place, id) })
    }

    /// Who says it to the bot, and what; `None` where it is not for the bot.
    fn for_bot(&self, message: &Message) -> Option<(Sender, Addressed)> {
        if message.chat.kind == "channel" || message.who.is_automatic_forward {
            return None;
        }
        let sender = actor(message.who.from.as_ref(), message.who.sender_chat.as_ref())?;
        if message.who.from.as_ref().is_some_and(|from| from.id == self.me.id) {
            return None;
        }
        let said = &message.said;
        let mut addressed = match (&said.text, &said.caption) {
            (Some(text), _) => read(text, &said.entities, self.me),
            (None, Some(caption)) => read(caption, &said.caption_entities, self.me),
            (None, None) => Addressed::default(),
        };
        if message.who.forward_origin.is_some() {
            addressed = quoted(addressed);
        }
        let is_private = message.chat.kind == "private";
        let is_command = match &addressed.command {
            Some(Command { is_for_bot: Some(false), .. }) => return None,
            Some(Command { is_for_bot: Some(true), .. }) => true,
            Some(Command { name, .. }) => self.is_known(name),
            None => false,
        };
        let is_for_bot = is_private
            || self.shared.config.answer_all
            || is_command
            || addressed.is_mentioned
            || self.answers_bot(message);
        is_for_bot.then_some((sender, addressed))
    }

    /// Whether it answers a message of the bot's. Each message of a topic seems to answer the one that made the topic.
    fn answers_bot(&self, message: &Message) -> bool {
        message.who.reply_to_message.as_ref().is_some_and(|replied| {
            replied.service.forum_topic_created.is_none()
                && replied.who.from.as_ref().is_some_and(|from| from.id == self.me.id)
        })
    }

    fn is_known(&self, name: &str) -> bool {
        ALWAYS.contains(&name) || name == PAIR || self.shared.is_offered(name)
    }

    /// What the message comes to; `None` where there is nothing in it that the bot could answer.
    fn event(&self, message: Message, addressed: Addressed, replied: Option<MessageId>) -> Option<Event> {
        let attachments = attachments(message.files);
        let mut text = addressed.text;
        if let Some(Command { name, arguments, .. }) = addressed.command.filter(|_| attachments.is_empty()) {
            if name == PAIR {
                return Some(Event::Message(format!("{PAIR} {arguments}").trim().to_owned().into()));
            }
            if self.is_known(&name) {
                if replied.is_none() {
                    return Some(Event::Command { name, arguments });
                }
                // A command that replies to a message is about that; the event of a command cannot say so, words can.
                text = format!("/{name} {arguments}").trim().to_owned();
            }
        }
        if text.is_empty() && attachments.is_empty() && !addressed.is_mentioned {
            return None;
        }
        Some(Event::Message(Said { text, reply_to: replied, mentions: addressed.mentions, attachments }))
    }

    fn joins(&self, message: &Message) -> Vec<Heard> {
        if !self.shared.config.joins {
            return Vec::new();
        }
        // Of itself, the bot is told by a membership.
        let others = message.service.new_chat_members.iter().filter(|user| user.id != self.me.id);
        let joined = others.map(|user| {
            let id = format!("j{}.{}", message.message_id, user.id);
            Heard::silent(self.inbound(id, place(message), person(user), message.date, Event::Join))
        });
        joined.collect()
    }

    /// A group becomes a supergroup. Telegram says so in both; whichever comes later is known by its id.
    fn moved(&self, message: &Message) -> Option<Heard> {
        let chat = message.chat.id;
        let (from, to) = match (message.service.migrate_to_chat_id, message.service.migrate_from_chat_id) {
            (Some(to), _) => (chat, to),
            (None, Some(from)) => (from, chat),
            (None, None) => return None,
        };
        let is_listed = self.shared.config.allowed_chats.contains(&from);
        let is_allowed = self.shared.is_allowed(from) || self.shared.is_allowed(to);
        self.shared.memory.moved(from, to);
        if is_listed && !self.shared.config.allowed_chats.contains(&to) {
            tracing::warn!(
                from,
                to,
                "a group became a supergroup; write its new number into connectors.telegram.allowed_chats"
            );
        }
        if !is_allowed {
            return None;
        }
        let bot = &self.shared.bot.name;
        let event = Event::Moved { to: Place { chat: to, topic: None }.conversation(bot) };
        let sender = actor(message.who.from.as_ref(), message.who.sender_chat.as_ref())
            .unwrap_or_else(|| Sender::new(format!("chat/{from}")));
        let place = Place { chat: from, topic: None };
        Some(Heard::silent(self.inbound(format!("v{to}"), place, sender, message.date, event)))
    }
}

/// Somebody else's words: a question may be handed on, a command is nobody's who forwards it.
fn quoted(mut addressed: Addressed) -> Addressed {
    addressed.command = None;
    let words = addressed.text.trim_start_matches(|c: char| c.is_whitespace() || "/!／！".contains(c));
    addressed.text = words.to_owned();
    addressed
}

/// The message that it replies to. Each message of a topic seems to reply to the one that made the topic.
fn replied_to(message: &Message) -> Option<MessageId> {
    let replied = message.who.reply_to_message.as_ref()?;
    let is_reply = replied.service.forum_topic_created.is_none();
    is_reply.then(|| MessageId(replied.message_id.to_string()))
}

/// Where a message is. Only in a topic is the thread one; in other groups it is a row of answers.
fn place(message: &Message) -> Place {
    let topic = message.who.message_thread_id.filter(|_| message.who.is_topic_message);
    Place { chat: message.chat.id, topic }
}
