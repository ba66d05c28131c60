//! What an event means to the bot. In: events, where they happened, and who the bot is. Out: events of the contract, or nothing where
//! they are nothing for the bot. Pure: it asks nobody and waits for nothing.

mod words;

use loquat_contract::{
    Attachment, ConversationId, Event, Inbound, Mentioned, Message, MessageId, Place as At, Sender, Ticket,
    Timestamp,
};
use serde::{Deserialize, Serialize};
use serenity::model::id::{ApplicationId, InteractionId, RoleId};

use super::events::{self, Interaction, Member, Reaction, User};
use crate::Config;
use crate::config::ConversationKind;
use crate::shared::{Me, Place};

/// Kinds of messages that somebody wrote: an ordinary one, and a reply.
const WRITTEN: [u8; 2] = [0, 19];

/// What the bot goes by.
pub(crate) struct Understanding<'a> {
    pub(crate) me: &'a Me,
    pub(crate) config: &'a Config,
    /// The bot's own role in the server.
    pub(crate) own_role: Option<RoleId>,
}

/// A message that is for the bot, before its conversation has a name.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) message: Message,
    pub(crate) sender: Sender,
    /// Whether it is the first of a thread that is still to be opened.
    pub(crate) opens_thread: bool,
    /// Whether it was said to the bot, and not just where the bot answers everything.
    pub(crate) is_addressed: bool,
}

impl Understanding<'_> {
    /// Whether the bot answers here at all.
    pub(crate) fn is_here(&self, place: &Place) -> bool {
        match place.guild {
            Some(guild) => {
                self.config.takes_guild(guild) && self.config.takes_channel(place.channel, place.thread)
            }
            None => self.config.direct_messages,
        }
    }

    /// Whether a message here begins a conversation of its own, in a thread.
    pub(crate) fn opens_threads(&self, place: &Place) -> bool {
        place.opens_threads && self.config.conversation == ConversationKind::Thread
    }

    /// A message, new or as it is now.
    pub(crate) fn message(&self, event: &events::Message, place: &Place) -> Option<Said> {
        let author = event.author.as_ref().filter(|author| author.id != self.me.id)?;
        if !WRITTEN.contains(&event.kind) || !self.is_here(place) {
            return None;
        }
        let content = event.content.as_deref().unwrap_or_default();
        let replied = event.referenced_message.as_ref().and_then(|message| message.author.as_ref());
        let is_mentioned = event.mentions.iter().any(|user| user.id == self.me.id)
            || self.own_role.is_some_and(|role| event.mention_roles.contains(&role));
        let is_addressed =
            place.guild.is_none() || is_mentioned || replied.is_some_and(|author| author.id == self.me.id);
        let is_overheard = place.is_ours && self.config.message_content
            || self.config.answers_all(place.channel, place.thread);
        let has_words = !content.trim().is_empty() || !event.attachments.is_empty();
        // Without the intent to read it, what does not mention the bot comes empty; a bare mention is a call.
        if !(is_addressed || is_overheard) || !(has_words || is_mentioned) {
            return None;
        }
        let mentions = event.mentions.iter().filter(|user| user.id != self.me.id);
        let mentions: Vec<Mentioned> =
            mentions.map(|user| Mentioned { id: user.id.to_string(), name: user.name() }).collect();
        let reply_to = event.message_reference.as_ref().and_then(|reference| reference.message_id);
        let message = Message {
            text: words::spoken(content, self.me, self.own_role, &mentions),
            reply_to: reply_to.filter(|_| event.kind == 19).map(|id| MessageId(id.to_string())),
            mentions,
            attachments: event.attachments.iter().map(attachment).collect(),
        };
        Some(Said {
            message,
            sender: sender(author, event.member.as_ref(), event.webhook_id.is_some()),
            opens_thread: self.opens_threads(place),
            is_addressed,
        })
    }

    /// A command or a button.
    pub(crate) fn interaction(&self, event: &Interaction, conversation: ConversationId) -> Option<Inbound> {
        let user = event.member.as_ref().and_then(|member| member.user.as_ref()).or(event.user.as_ref())?;
        let data = event.data.as_ref()?;
        let what = match event.kind {
            2 => {
                let values = data.options.iter().map(|option| match &option.value {
                    serde_json::Value::String(text) => text.clone(),
                    other => other.to_string(),
                });
                let arguments = values.collect::<Vec<_>>().join(" ");
                Event::Command { name: data.name.clone()?, arguments }
            }
            3 => Event::Button {
                message: MessageId(event.message.as_ref()?.id.to_string()),
                id: data.custom_id.clone()?,
            },
            _ => return None,
        };
        let answer = Answer { id: event.id, token: event.token.clone(), application: event.application_id };
        Some(Inbound {
            id: interaction_id(event.id),
            conversation,
            sender: sender(user, event.member.as_ref(), false),
            sent_at: Some(sent_at(event.id.get())),
            ticket: Some(answer.ticket()),
            event: what,
        })
    }

    /// A reaction to a message of the bot's. `session` and `number` name the event, which Discord gives no id.
    pub(crate) fn reaction(
        &self,
        event: &Reaction,
        conversation: ConversationId,
        removed: bool,
        (session, number): (&str, u64),
    ) -> Option<Inbound> {
        if event.user_id == self.me.id {
            return None;
        }
        let name = event.emoji.name.clone().unwrap_or_default();
        let emoji = if event.emoji.id.is_some() { format!(":{name}:") } else { name };
        let known = event.member.as_ref().and_then(|member| member.user.as_ref());
        let unknown = User { id: event.user_id, username: String::new(), global_name: None, bot: false };
        Some(Inbound {
            id: MessageId(format!("reaction {session} {number}")),
            conversation,
            sender: sender(known.unwrap_or(&unknown), event.member.as_ref(), false),
            sent_at: None,
            ticket: None,
            event: Event::Reaction { message: MessageId(event.message_id.to_string()), emoji, removed },
        })
    }
}

fn attachment(file: &events::File) -> Attachment {
    Attachment {
        name: file.filename.clone(),
        media_type: file.content_type.clone().unwrap_or_default(),
        bytes: file.size,
        place: At::Url(file.url.clone()),
    }
}

fn sender(user: &User, member: Option<&Member>, is_webhook: bool) -> Sender {
    let nick = member.and_then(|member| member.nick.clone()).filter(|nick| !nick.is_empty());
    Sender {
        id: user.id.to_string(),
        name: Some(nick.unwrap_or_else(|| user.name())).filter(|name| !name.is_empty()),
        is_bot: user.bot || is_webhook,
        roles: member.into_iter().flat_map(|member| &member.roles).map(RoleId::to_string).collect(),
    }
}

/// When something was made, out of its id.
pub(crate) fn sent_at(snowflake: u64) -> Timestamp {
    /// The first second of 2015, from which Discord counts.
    const EPOCH: u64 = 1_420_070_400_000;
    Timestamp((snowflake >> 22) + EPOCH)
}

const INTERACTION: &str = "interaction ";

fn interaction_id(id: InteractionId) -> MessageId {
    MessageId(format!("{INTERACTION}{id}"))
}

/// The message that an event's id is about, or the moment that it stands for: all ids of Discord grow with time.
pub(crate) fn snowflake(id: &MessageId) -> Option<u64> {
    id.0.split(' ').find_map(|word| word.parse().ok().filter(|id: &u64| *id >= 1 << 22))
}

/// The message of an id that is one of a message.
pub(crate) fn message_of(id: &MessageId) -> Option<serenity::model::id::MessageId> {
    id.0.parse::<u64>().ok().filter(|id| *id > 0).map(serenity::model::id::MessageId::new)
}

/// What it takes to answer an interaction.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Answer {
    pub(crate) id: InteractionId,
    pub(crate) token: String,
    pub(crate) application: ApplicationId,
}

impl Answer {
    pub(crate) fn ticket(&self) -> Ticket {
        // Three texts are always JSON.
        Ticket(serde_json::to_string(self).unwrap_or_default())
    }

    pub(crate) fn read(ticket: &Ticket) -> Option<Self> {
        serde_json::from_str(&ticket.0).ok()
    }
}
