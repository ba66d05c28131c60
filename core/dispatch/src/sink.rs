//! Where a connector hands its events. In: an event. Out: “received”, once the journal has it and its conversation's queue too.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use loquat_contract::{
    Accepted, Acknowledgement, BoxFuture, Entry, Event, Inbound, JournalError, Language, Person, Query,
    Receipt, Refusal, Sink, Timestamp,
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, debug_span};

use crate::buttons::{Action, Id, Meaning, Pressed};
use crate::count;
use crate::dispatch::{COURTESY, Platform, Shared};
use crate::lane::Waiting;
use crate::trace;
use crate::wish::Wish;
use crate::words;

/// The sink of one platform.
pub(crate) struct PlatformSink {
    pub(crate) shared: Arc<Shared>,
    pub(crate) platform: Arc<Platform>,
}

impl Sink for PlatformSink {
    fn accept(&self, inbound: Inbound) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        self.alive();
        Box::pin(self.take(inbound, true))
    }

    fn alive(&self) {
        self.platform.heard.send_replace(());
    }

    fn reconnected(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.shared.reconnected(&self.platform))
    }

    fn history(&self, query: Query) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        let query = Query { platform: Some(self.platform.name.clone()), ..query };
        self.shared.journal.entries(query)
    }

    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, Result<usize, JournalError>> {
        Box::pin(async move {
            if person.platform != self.platform.name {
                return Ok(0);
            }
            self.shared.erase(person).await
        })
    }
}

impl PlatformSink {
    /// Takes an event in; `is_counted` says whether limits count it.
    pub(crate) async fn take(&self, inbound: Inbound, is_counted: bool) -> Result<Receipt, Refusal> {
        let message = trace::message(&self.platform.name, &inbound);
        let accept = debug_span!(parent: &message, "accept");
        self.take_in(inbound, is_counted, message).instrument(accept).await
    }

    async fn take_in(&self, inbound: Inbound, is_counted: bool, message: Span) -> Result<Receipt, Refusal> {
        let shared = &self.shared;
        if shared.stop.is_cancelled() {
            return Err(Refusal::Stopping);
        }
        match shared.gate.check(&inbound, is_counted) {
            Ok(None) => {}
            Ok(Some(receipt)) => return Ok(receipt),
            // One that is delivered again is not said again.
            Err(Refusal::TooFast { .. }) if shared.journal.knows(&inbound).await?.is_some() => {
                return Ok(Receipt::Duplicate);
            }
            Err(refusal) => return Err(refusal),
        }
        self.check_size(&inbound)?;
        let pressed = match &inbound.event {
            Event::Button { id, .. } => Some(shared.pressed(&inbound, id).await?),
            _ => None,
        };
        let asks_for_sign = pressed.is_some() || matches!(inbound.event, Event::Command { .. });
        let asking = asks_for_sign.then(|| inbound.clone());
        let signed = asks_for_sign.then(CancellationToken::new);
        // Also where the platform goes away meanwhile.
        let _signed = signed.clone().map(CancellationToken::drop_guard);
        // In a task of its own: a platform that goes away must not part the journal from the queue.
        let keeping = shared.clone();
        let kept = shared
            .tasks
            .spawn(async move { keeping.keep(inbound, signed, message).await }.in_current_span())
            .await;
        let receipt = kept.map_err(|error| JournalError::Store(Box::new(error)))??;
        // An answer is shown by the ingress, and stands for the sign.
        if let Some(inbound) = asking.filter(|_| matches!(receipt, Receipt::Accepted | Receipt::Duplicate)) {
            self.acknowledge(&inbound, pressed).await;
        }
        Ok(receipt)
    }

    /// Tells the platform that a button or command arrived, and what comes of it.
    async fn acknowledge(&self, inbound: &Inbound, pressed: Option<Pressed>) {
        let Some(interactions) = self.platform.egress.interactions() else { return };
        let how = match pressed {
            Some(Pressed {
                id: Id { meaning: Meaning::Action(Action::Good | Action::Bad), .. },
                language,
            }) => {
                let language = language.unwrap_or_else(Language::english);
                Acknowledgement::Done { notice: Some(words::of(&language).thanks) }
            }
            _ => Acknowledgement::Working { is_private: Wish::of(inbound).is_private() },
        };
        let told = tokio::time::timeout(COURTESY, interactions.acknowledge(inbound, how)).await;
        if !matches!(told, Ok(Ok(()))) {
            tracing::warn!(platform = self.platform.name, ?told, "an interaction was not acknowledged");
        }
    }

    fn check_size(&self, inbound: &Inbound) -> Result<(), Refusal> {
        let Some(text) = inbound.text() else { return Ok(()) };
        let has_more = match &inbound.event {
            Event::Message(message) | Event::Edit { now: message, .. } => !message.attachments.is_empty(),
            // A command may need no words.
            Event::Command { .. } => true,
            _ => false,
        };
        if text.trim().is_empty() && !has_more {
            return Err(Refusal::Empty);
        }
        let (length, limit) = (text.chars().count(), self.shared.bot.max_message_chars);
        if length > limit { Err(Refusal::TooLong { length, limit }) } else { Ok(()) }
    }
}

impl Shared {
    /// Makes an event durable and sees to its reply.
    async fn keep(
        self: &Arc<Self>,
        inbound: Inbound,
        signed: Option<CancellationToken>,
        message: Span,
    ) -> Result<Receipt, JournalError> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(&inbound.conversation);
        let stripe = usize::try_from(hash % self.accepting.len() as u64).unwrap_or_default();
        let _in_order = self.accepting[stripe].lock().await;
        // The same button again, before the answer to it is out: there is nothing more to answer.
        if self.is_at_work(&inbound.conversation, |at_work| is_again(&at_work.inbound, &inbound)) {
            self.recall(&inbound.conversation).await;
            let language = self.own_language(&inbound, std::iter::empty());
            return Ok(Receipt::Answered(words::of(&language).under_way.to_owned()));
        }
        match self.journal.accept(&inbound).await? {
            Accepted::New(sequence) => {
                count::accepted();
                message.record("sequence", sequence.0);
                let accepted_at = Timestamp::now();
                let (prepared, parts, settled) = (None, Vec::new(), None);
                let entry = Entry {
                    sequence,
                    accepted_at,
                    inbound,
                    draft: None,
                    prepared,
                    parts,
                    settled,
                    reopened_at: None,
                };
                self.enqueue_all([Waiting::new(entry, signed, message)]);
                Ok(Receipt::Accepted)
            }
            Accepted::Duplicate(sequence) => {
                tracing::debug!(%sequence, "accepted before");
                Ok(Receipt::Duplicate)
            }
        }
    }
}

/// Whether a press is another one of a button that has the bot answer.
fn is_again(at_work: &Inbound, inbound: &Inbound) -> bool {
    let (Event::Button { id, .. }, Event::Button { id: before, .. }) = (&inbound.event, &at_work.event)
    else {
        return false;
    };
    id == before && inbound.id != at_work.id && matches!(Wish::of(inbound), Wish::Choose(..) | Wish::Retry(_))
}
