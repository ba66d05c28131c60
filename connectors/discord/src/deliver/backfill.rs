//! What was said while the bot was away. In: a conversation, and the last message of it that is known. Out: the messages after that which
//! are for the bot, oldest first.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use loquat_contract::{Backfill, BoxFuture, ConnectorError, ConversationId, Event, Inbound, MessageId};
use serde::Deserialize;
use serde_json::Value;
use serenity::model::id::{ChannelId, UserId};

use super::{DiscordEgress, channels, code};
use crate::ConversationKind;
use crate::receive::events::{Member, Message};
use crate::receive::understand::{Said, Understanding, sent_at, snowflake};
use crate::rest::{Call, Failure, Route};
use crate::shared::{Place, id_in};

/// The most messages that Discord gives at once.
const PAGE: usize = 100;
/// How far a conversation is looked through at one time.
const PAGES: usize = 50;

/// How far the channels of threads were looked through.
#[derive(Default)]
pub(super) struct Looked(Mutex<HashMap<ChannelId, u64>>);

/// People whom Discord was asked about; many say more than one thing.
type Members = HashMap<UserId, Option<Member>>;

impl DiscordEgress {
    async fn look(
        &self,
        conversation: &ConversationId,
        after: &MessageId,
        limit: usize,
    ) -> Result<Vec<Inbound>, Failure> {
        let (Some((channel, thread)), Some(after)) = (channels(conversation), snowflake(after)) else {
            return Ok(Vec::new());
        };
        let (mut missed, _) = self.read(conversation, thread.unwrap_or(channel), after, limit).await?;
        if thread.is_some() && self.shared.config.conversation == ConversationKind::Thread {
            // What would open a thread is of no conversation yet. It is the same for all threads of a channel, so that is looked
            // through once.
            let looked = || self.looked.0.lock().unwrap_or_else(PoisonError::into_inner);
            let known = looked().get(&channel).copied().unwrap_or_default();
            let (openers, mut read) = self.read(conversation, channel, after.max(known), limit).await?;
            missed.extend(openers);
            missed.sort_by_key(|inbound| snowflake(&inbound.id));
            if missed.len() > limit {
                missed.truncate(limit);
                // What had no room is read again.
                read = missed.last().and_then(|last| snowflake(&last.id)).map_or(read, |last| last.min(read));
            }
            looked().insert(channel, read);
        }
        Ok(missed)
    }

    /// What was said to the bot in a channel or thread, and the last message that was read for that.
    async fn read(
        &self,
        conversation: &ConversationId,
        channel: ChannelId,
        mut after: u64,
        limit: usize,
    ) -> Result<(Vec<Inbound>, u64), Failure> {
        let place = self.shared.place(channel).await?;
        let own_role = match place.guild {
            Some(guild) => self.shared.own_role(guild).await?,
            None => None,
        };
        let understanding =
            Understanding { me: self.shared.me().await?, config: &self.shared.config, own_role };
        let (mut missed, mut members) = (Vec::new(), Members::new());
        for _ in 0..PAGES {
            let mut page = self.page(channel, after).await?;
            page.sort_by_key(|message| id_in(message, "id"));
            let is_last = page.len() < PAGE;
            for message in page {
                after = after.max(id_in(&message, "id").unwrap_or_default());
                // One that cannot be read must not stand in the way of all behind it.
                let Ok(message) = Message::deserialize(message) else { continue };
                let one = self.missed_one(&understanding, message, &place, conversation, &mut members);
                missed.extend(one.await?);
                if missed.len() >= limit {
                    return Ok((missed, after));
                }
            }
            if is_last {
                break;
            }
        }
        Ok((missed, after))
    }

    async fn page(&self, channel: ChannelId, after: u64) -> Result<Vec<Value>, Failure> {
        let mut call = Call::get(Route::messages(channel));
        call.query = vec![("after", after.to_string()), ("limit", PAGE.to_string())];
        self.shared.rest.ask(call).await
    }

    /// A message, where it is for the bot and of this conversation.
    async fn missed_one(
        &self,
        understanding: &Understanding<'_>,
        mut message: Message,
        place: &Place,
        conversation: &ConversationId,
        members: &mut Members,
    ) -> Result<Option<Inbound>, Failure> {
        if understanding.message(&message, place).is_none() {
            return Ok(None);
        }
        // Over REST a message does not say what roles its author has.
        if let (Some(guild), Some(author), None) = (place.guild, &message.author, &message.webhook_id) {
            message.member = match members.get(&author.id) {
                Some(known) => known.clone(),
                None => {
                    let member = self.shared.member(guild, author.id).await?;
                    members.insert(author.id, member.clone());
                    member
                }
            };
        }
        let Some(Said { message: said, sender, opens_thread, .. }) = understanding.message(&message, place)
        else {
            return Ok(None);
        };
        let own = self.shared.conversation(place, opens_thread.then_some(message.id));
        let conversation = ConversationId { bot: conversation.bot.clone(), ..own };
        self.shared.has_asked(message.id, conversation.clone(), sender.clone());
        Ok(Some(Inbound {
            id: MessageId(message.id.to_string()),
            conversation,
            sender,
            sent_at: Some(sent_at(message.id.get())),
            ticket: None,
            event: Event::Message(said),
        }))
    }
}

impl Backfill for DiscordEgress {
    fn missed<'a>(
        &'a self,
        conversation: &'a ConversationId,
        after: &'a MessageId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Inbound>, ConnectorError>> {
        Box::pin(async move {
            match self.look(conversation, after, limit).await {
                // The channel is gone, or the bot is not there any more: nothing can be missed.
                Err(failure) if failure.is_code(&[code::UNKNOWN_CHANNEL, code::MISSING_ACCESS]) => {
                    Ok(Vec::new())
                }
                looked => looked.map_err(ConnectorError::from),
            }
        })
    }
}
