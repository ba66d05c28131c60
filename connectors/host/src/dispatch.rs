//! The host's side of every connector. In: messages from any platform. Out: replies to it, in order within a conversation, different
//! conversations at once. A message is journalled before it counts as accepted, and its reply before it is sent.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use loquat_contract::{
    Accepted, Address, BoxFuture, ConnectorError, ConversationId, Egress, Inbound, Journal, JournalError,
    Pending, Refusal, Reply, Sentence, Sink, Stage,
};
use loquat_dialogue::Engine;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The pause after the first failed delivery; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Where the doubling ends.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What handling a message came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handled {
    /// It is delivered, or its failure is in the journal.
    Settled,
    /// It is left to the next run.
    StaysOwed,
}

/// What a person is told whose message cannot be answered; why stands in the log and the journal.
const APOLOGY: &str = "Something went wrong, and this message could not be answered. Please ask again later.";

/// Takes messages in and sees to their replies.
#[derive(Clone)]
pub struct Dispatch {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Arc<Engine>,
    journal: Arc<dyn Journal>,
    /// The sending halves by platform.
    egresses: HashMap<String, Arc<dyn Egress>>,
    max_message_chars: usize,
    /// Keeps the journal's order and the queues' the same.
    accepting: tokio::sync::Mutex<()>,
    /// Conversations at work, with what waits in each.
    queues: Mutex<HashMap<ConversationId, VecDeque<Pending>>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl std::fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatch").field("platforms", &self.shared.egresses.keys()).finish_non_exhaustive()
    }
}

impl Dispatch {
    /// A dispatch that stops accepting when `stop` is cancelled.
    pub fn new(
        engine: Arc<Engine>,
        journal: Arc<dyn Journal>,
        egresses: HashMap<String, Arc<dyn Egress>>,
        max_message_chars: usize,
        stop: CancellationToken,
    ) -> Self {
        let shared = Shared {
            engine,
            journal,
            egresses,
            max_message_chars,
            accepting: tokio::sync::Mutex::default(),
            queues: Mutex::default(),
            tasks: TaskTracker::new(),
            stop,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Takes up what an earlier run accepted and did not finish. What belongs to a platform whose conversations end with the
    /// process is closed.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub async fn resume(&self) -> Result<usize, JournalError> {
        let mut resumed = 0;
        for pending in self.shared.journal.pending().await? {
            let Some(egress) = self.shared.egresses.get(&pending.inbound.conversation.platform) else {
                continue;
            };
            if egress.capabilities().outlives_process {
                self.shared.enqueue(pending);
                resumed += 1;
            } else {
                let reason = "the conversation ended with the process".to_owned();
                self.shared.journal.record(pending.sequence, Stage::Failed(reason)).await?;
            }
        }
        Ok(resumed)
    }

    /// Waits until every accepted message is answered.
    pub async fn drain(&self) {
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Sink for Dispatch {
    fn accept(&self, inbound: Inbound) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move {
            let shared = &self.shared;
            if shared.stop.is_cancelled() {
                return Err(Refusal::Stopping);
            }
            if inbound.text.trim().is_empty() {
                return Err(Refusal::Empty);
            }
            let (length, limit) = (inbound.text.chars().count(), shared.max_message_chars);
            if length > limit {
                return Err(Refusal::TooLong { length, limit });
            }
            // In a task of its own: a platform that goes away must not part the journal from the queue.
            let keeping = shared.clone();
            let kept = shared.tasks.spawn(async move { keeping.keep(inbound).await }).await;
            kept.map_err(|error| JournalError::Store(Box::new(error)))??;
            Ok(())
        })
    }
}

impl Shared {
    /// Makes a message durable and sees to its reply.
    async fn keep(self: &Arc<Self>, inbound: Inbound) -> Result<(), JournalError> {
        let _in_order = self.accepting.lock().await;
        match self.journal.accept(&inbound).await? {
            Accepted::New(sequence) => self.enqueue(Pending { sequence, inbound, reply: None }),
            Accepted::Duplicate(sequence) => tracing::debug!(sequence = sequence.0, "accepted before"),
        }
        Ok(())
    }

    /// Puts a message behind the others of its conversation.
    fn enqueue(self: &Arc<Self>, pending: Pending) {
        let conversation = pending.inbound.conversation.clone();
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        match queues.get_mut(&conversation) {
            Some(queue) => queue.push_back(pending),
            None => {
                queues.insert(conversation.clone(), VecDeque::from([pending]));
                let shared = self.clone();
                self.tasks.spawn(async move { shared.work(&conversation).await });
            }
        }
    }

    /// Answers what waits in a conversation, one after another, until nothing does.
    async fn work(&self, conversation: &ConversationId) {
        loop {
            let next = {
                let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
                let next = queues.get_mut(conversation).and_then(VecDeque::pop_front);
                if next.is_none() {
                    queues.remove(conversation);
                }
                next
            };
            let Some(pending) = next else { return };
            let sequence = pending.sequence;
            // A fault in one message must not leave its conversation without a worker.
            let handled = AssertUnwindSafe(self.handle(pending)).catch_unwind().await;
            let handled = match handled {
                Ok(Ok(handled)) => handled,
                Ok(Err(error)) => {
                    tracing::error!(sequence = sequence.0, %error, "the journal failed; the message stays owed");
                    Handled::StaysOwed
                }
                Err(_) => {
                    tracing::error!(sequence = sequence.0, "handling the message broke down; it stays owed");
                    Handled::StaysOwed
                }
            };
            if handled == Handled::StaysOwed {
                // Those behind it stay owed with it: answered now, they would overtake it.
                self.queues.lock().unwrap_or_else(PoisonError::into_inner).remove(conversation);
                return;
            }
        }
    }

    async fn handle(&self, pending: Pending) -> Result<Handled, JournalError> {
        let Pending { sequence, inbound, reply } = pending;
        let address = inbound.address();
        let Some(egress) = self.egresses.get(&address.conversation.platform) else {
            return Ok(Handled::StaysOwed);
        };
        let reply = match reply {
            Some(reply) => reply,
            None => match self.answer(&inbound, &address, egress.as_ref()).await {
                Ok(reply) => {
                    let reply = Box::new(reply);
                    self.journal.record(sequence, Stage::Replied(reply.clone())).await?;
                    reply
                }
                Err(error) => {
                    tracing::error!(sequence = sequence.0, %error, "not answered");
                    egress.apologise(&address, APOLOGY).await;
                    self.journal.record(sequence, Stage::Failed(error.to_string())).await?;
                    return Ok(Handled::Settled);
                }
            },
        };
        let stage = match self.deliver(&address, &reply, egress.as_ref()).await {
            Ok(()) => Stage::Delivered,
            Err(ConnectorError::Retry(reason)) => {
                tracing::warn!(sequence = sequence.0, reason, "not delivered before the stop");
                return Ok(Handled::StaysOwed);
            }
            Err(error) => {
                tracing::error!(sequence = sequence.0, %error, "not delivered");
                Stage::Failed(error.to_string())
            }
        };
        self.journal.record(sequence, stage).await?;
        Ok(Handled::Settled)
    }

    /// Has the engine answer, showing each sentence as it passes.
    async fn answer(
        &self,
        inbound: &Inbound,
        address: &Address,
        egress: &dyn Egress,
    ) -> Result<Reply, loquat_dialogue::EngineError> {
        let (sentences, mut shown) = tokio::sync::mpsc::unbounded_channel::<Sentence>();
        let drafts = egress.capabilities().drafts;
        let answering = async move {
            let mut show = |sentence: &Sentence| {
                if drafts {
                    // The receiver lives as long as this future.
                    let _sent = sentences.send(sentence.clone());
                }
            };
            self.engine.answer(&inbound.conversation, &inbound.text, &mut show).await
        };
        let showing = async {
            while let Some(sentence) = shown.recv().await {
                egress.draft(address, &sentence).await;
            }
        };
        let (reply, ()) = tokio::join!(answering, showing);
        reply
    }

    /// Delivers a reply, again and again where the platform asks for that, until it has it or the bot stops.
    async fn deliver(
        &self,
        address: &Address,
        reply: &Reply,
        egress: &dyn Egress,
    ) -> Result<(), ConnectorError> {
        let mut pause = FIRST_PAUSE;
        loop {
            match egress.deliver(address, reply).await {
                Err(ConnectorError::Retry(reason)) if !self.stop.is_cancelled() => {
                    tracing::warn!(conversation = %address.conversation, reason, "not delivered yet");
                }
                outcome => return outcome,
            }
            // A stop cuts the pause short, for one last try.
            let _ended = tokio::time::timeout(pause, self.stop.cancelled()).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }
}

#[cfg(test)]
mod tests;
