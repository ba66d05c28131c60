//! What happens and needs no answer. In: reactions, presses of 👍 and 👎, people who come and go, conversations that move. Out: settled; counted
//! where it is feedback; and a conversation that moved knows what it was about.

use loquat_contract::{
    Accepted, ConversationId, Entry, Event, Inbound, JournalError, Memory, MessageId, Prepared, Settlement,
    Step,
};

use crate::buttons::{Action, Id, Meaning};
use crate::count;
use crate::dispatch::Shared;
use crate::explain::{is_part, reply_of};
use crate::feedback::Rating;
use crate::lane::Handled;

impl Shared {
    /// Settles an event that calls for no reply.
    pub(crate) async fn note(&self, entry: &Entry) -> Result<Handled, JournalError> {
        match &entry.inbound.event {
            Event::Reaction { message, emoji, removed } => {
                if let Some(rating) = Rating::of(emoji)
                    && self.is_reply(entry, message).await?
                {
                    count::feedback(if *removed { "taken_back" } else { rating.name() });
                }
            }
            Event::Button { id, .. } => match Id::parse(id).map(|id| id.meaning) {
                Some(Meaning::Action(Action::Good)) => count::feedback(Rating::Good.name()),
                Some(Meaning::Action(Action::Bad)) => count::feedback(Rating::Bad.name()),
                _ => {}
            },
            Event::Moved { to } => self.move_on(&entry.inbound, to).await?,
            _ => {}
        }
        self.settle(entry.sequence, Settlement::Noted).await?;
        Ok(Handled::Settled)
    }

    async fn is_reply(&self, entry: &Entry, message: &MessageId) -> Result<bool, JournalError> {
        let recent = self.recent(&entry.inbound.conversation).await?;
        Ok(recent.iter().any(|entry| reply_of(entry).is_some() && is_part(entry, message)))
    }

    /// Has the conversation under its new id know what it was about under the old one, unless it knows something newer.
    async fn move_on(&self, inbound: &Inbound, to: &ConversationId) -> Result<(), JournalError> {
        let from = &inbound.conversation;
        if from == to {
            return Ok(());
        }
        self.recall(from).await;
        let Some(memory) = self.dialogue.memory(from) else { return Ok(()) };
        let is_known =
            self.dialogue.memory(to).is_some() || self.persist(|| self.journal.memory(to)).await?.is_some();
        if is_known {
            return Ok(());
        }
        self.keep_memory(inbound, to, memory.clone()).await?;
        self.dialogue.recall(to, memory).await;
        Ok(())
    }

    /// Puts on record, in the conversation's new place, that it moved there, and what it is about.
    async fn keep_memory(
        &self,
        inbound: &Inbound,
        to: &ConversationId,
        memory: Memory,
    ) -> Result<(), JournalError> {
        let arrival = Inbound {
            id: MessageId(format!("moved from {}", inbound.conversation)),
            conversation: to.clone(),
            sender: inbound.sender.clone(),
            sent_at: inbound.sent_at,
            ticket: None,
            event: Event::Moved { to: to.clone() },
        };
        let (Accepted::New(sequence) | Accepted::Duplicate(sequence)) =
            self.persist(|| self.journal.accept(&arrival)).await?;
        let prepared = Prepared { memory: Some(memory), ..Prepared::default() };
        let steps = vec![Step::Prepared(Box::new(prepared)), Step::Settled(Settlement::Noted)];
        match self.record(sequence, steps).await {
            // It was on record before a stop.
            Err(JournalError::OutOfTurn { .. } | JournalError::NoEntry(_)) => Ok(()),
            recorded => recorded,
        }
    }
}
