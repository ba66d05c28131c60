//! The parts put together. In: a bot, its journal, what answers, and the sending halves of its connectors. Out: a sink for each connector,
//! and replies to what comes in.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use loquat_contract::{
    BotCard, BoxFuture, CancellationToken, ConnectorError, ConversationId, Dialogue, Egress, Entry, Ingress,
    Journal, JournalError, Person, Sequence, Settlement, Sink, Step, Timestamp,
};
use tokio_util::task::TaskTracker;

use crate::access::{Access, Gate};
use crate::count;
use crate::lane::{Lane, TakenOut, Waiting};
use crate::pace::Throttle;
use crate::settings::Settings;
use crate::sink::PlatformSink;

/// Locks that keep the order of the journal and of a conversation's queue the same; conversations share them by chance.
const STRIPES: usize = 1024;
/// How long a connector may take for what is a courtesy, such as withdrawing a draft.
pub(crate) const COURTESY: Duration = Duration::from_secs(5);

/// A bot as the host runs it.
#[derive(Clone, Debug, Default)]
pub struct Bot {
    /// How it introduces itself.
    pub card: BotCard,
    /// The longest message that it takes, in characters.
    pub max_message_chars: usize,
    /// How events are handled.
    pub settings: Settings,
    /// Who may talk to it.
    pub access: Access,
    /// The file that pairing is kept in; without one nobody can be paired.
    pub pairing: Option<PathBuf>,
}

/// A platform's sending half, and how it is.
pub(crate) struct Platform {
    pub(crate) name: String,
    pub(crate) egress: Arc<dyn Egress>,
    pub(crate) throttle: Throttle,
    /// Told whenever the platform says anything.
    pub(crate) heard: tokio::sync::watch::Sender<()>,
    /// Cancelled where a person has to act first; with why.
    pub(crate) halt: CancellationToken,
    pub(crate) halted_because: Mutex<Option<String>>,
    /// Whether it has the list of commands.
    pub(crate) has_commands: AtomicBool,
}

pub(crate) struct Shared {
    pub(crate) bot: Bot,
    pub(crate) dialogue: Arc<dyn Dialogue>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) gate: Gate,
    pub(crate) platforms: HashMap<String, Arc<Platform>>,
    pub(crate) accepting: Vec<tokio::sync::Mutex<()>>,
    /// Conversations at work.
    pub(crate) lanes: Mutex<HashMap<ConversationId, Lane>>,
    pub(crate) tasks: TaskTracker,
    /// Nothing new is accepted.
    pub(crate) stop: CancellationToken,
    /// How many people were erased so far. Read from before a reply is looked at for what was erased until it is in the journal, so
    /// that nothing of somebody comes back behind their erasure.
    pub(crate) erasures: tokio::sync::RwLock<u64>,
    /// What is still at work leaves it to the next run.
    pub(crate) abort: CancellationToken,
    /// When it began.
    pub(crate) begun: tokio::time::Instant,
}

/// Takes events in and sees to their replies.
#[derive(Clone)]
pub struct Dispatch {
    pub(crate) shared: Arc<Shared>,
}

impl std::fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatch").field("platforms", &self.shared.platforms.keys()).finish_non_exhaustive()
    }
}

impl Dispatch {
    /// A dispatch that stops accepting when `stop` is cancelled. `egresses` are the sending halves by platform.
    pub fn new(
        bot: Bot,
        dialogue: Arc<dyn Dialogue>,
        journal: Arc<dyn Journal>,
        egresses: HashMap<String, Arc<dyn Egress>>,
        stop: CancellationToken,
    ) -> Self {
        let platform = |(name, egress): (String, Arc<dyn Egress>)| {
            let throttle = Throttle::new(egress.capabilities().pace.overall);
            let heard = tokio::sync::watch::Sender::new(());
            let (halt, halted_because) = (CancellationToken::new(), Mutex::default());
            let has_commands = AtomicBool::new(false);
            let platform =
                Platform { name: name.clone(), egress, throttle, heard, halt, halted_because, has_commands };
            (name, Arc::new(platform))
        };
        let shared = Shared {
            gate: Gate::new(bot.access.clone(), bot.pairing.clone()).speaking(&bot.card.languages),
            bot,
            dialogue,
            journal,
            platforms: egresses.into_iter().map(platform).collect(),
            accepting: (0..STRIPES).map(|_| tokio::sync::Mutex::default()).collect(),
            lanes: Mutex::default(),
            tasks: TaskTracker::new(),
            stop,
            erasures: tokio::sync::RwLock::new(0),
            abort: CancellationToken::new(),
            begun: tokio::time::Instant::now(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Takes up what an earlier run accepted and did not finish; says how much that is. What belongs to a platform whose
    /// conversations end with the process is closed; what belongs to one that is not there now waits until it is again.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub async fn resume(&self) -> Result<usize, JournalError> {
        let mut resumed = Vec::new();
        for entry in self.shared.journal.owed().await? {
            let Some(platform) = self.shared.platforms.get(&entry.inbound.conversation.platform) else {
                continue;
            };
            if platform.egress.capabilities().outlives_process {
                resumed.push(entry);
            } else {
                let reason = "the conversation ended with the process".to_owned();
                let settled = Step::Settled(Settlement::Failed { reason });
                self.shared.journal.record(entry.sequence, vec![settled]).await?;
            }
        }
        let count = resumed.len();
        // All at once: a message and its deletion must meet before the message is answered.
        self.shared.enqueue_all(resumed.into_iter().map(Waiting::resumed));
        Ok(count)
    }

    /// Where the connector of `platform` hands its events; `None` for a platform that this dispatch was not given.
    pub fn sink(&self, platform: &str) -> Option<Arc<dyn Sink>> {
        let platform = self.shared.platforms.get(platform)?.clone();
        Some(Arc::new(PlatformSink { shared: self.shared.clone(), platform }))
    }

    /// Runs the receiving half of a connector until it ends for good: it is connected again after its connection broke or went
    /// silent, and what was missed meanwhile is asked for.
    ///
    /// # Errors
    /// When a person has to act first.
    pub async fn run(&self, platform: &str, ingress: Arc<dyn Ingress>) -> Result<(), ConnectorError> {
        let Some(platform) = self.shared.platforms.get(platform) else {
            return Err(ConnectorError::Stop(format!("there is no sending half for `{platform}`")));
        };
        self.shared.supervise(platform, ingress.as_ref()).await
    }

    /// Waits until every accepted event is settled; once the stop is told, no longer than the settings say. What is left is
    /// taken up by the next run.
    pub async fn drain(&self) {
        let bound = async {
            self.shared.stop.cancelled().await;
            tokio::time::sleep(self.shared.bot.settings.stop_within()).await;
        };
        self.shared.tasks.close();
        tokio::select! {
            () = self.shared.tasks.wait() => return,
            () = bound => self.shared.abort.cancel(),
        }
        self.shared.tasks.wait().await;
    }

    /// Puts a settled event back on its way; parts of its reply that were sent are not sent again.
    ///
    /// # Errors
    /// When there is no such event, it is on its way already, or its platform is not running.
    pub async fn retry(&self, sequence: Sequence) -> Result<(), JournalError> {
        let entry = self.shared.journal.entry(sequence).await?;
        let out_of_turn = |problem: &str| JournalError::OutOfTurn { sequence, problem: problem.to_owned() };
        let conversation = &entry.inbound.conversation;
        if entry.settled.is_none()
            || self.shared.is_at_work(conversation, |at_work| at_work.sequence == sequence)
        {
            return Err(out_of_turn("is on its way already"));
        }
        if !self.shared.platforms.contains_key(&entry.inbound.conversation.platform) {
            return Err(out_of_turn("belongs to a connector that is not running"));
        }
        self.shared.journal.record(sequence, vec![Step::Reopened]).await?;
        let reopened: Entry = self.shared.journal.entry(sequence).await?;
        self.shared.enqueue_all([Waiting::resumed(reopened)]);
        Ok(())
    }

    /// Gives up an event that is owed something.
    ///
    /// # Errors
    /// When there is no such event, or it is settled.
    pub async fn discard(&self, sequence: Sequence) -> Result<(), JournalError> {
        let entry = self.shared.journal.entry(sequence).await?;
        if entry.settled.is_some() {
            let problem = "is settled; nothing more happens to it".to_owned();
            return Err(JournalError::OutOfTurn { sequence, problem });
        }
        let taken = self.shared.take_out(&entry.inbound.conversation, |at_work| at_work.sequence == sequence);
        if taken == TakenOut::TooLate {
            let problem = "is being delivered; look again in a moment".to_owned();
            return Err(JournalError::OutOfTurn { sequence, problem });
        }
        self.shared.journal.record(sequence, vec![Step::Settled(Settlement::Discarded)]).await
    }

    /// Removes every trace of a person from the journal and from what is remembered; says how many events that were.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn erase(&self, person: &Person) -> Result<usize, JournalError> {
        self.shared.erase(person).await
    }

    /// Conversations at work now.
    pub fn at_work(&self) -> usize {
        self.shared.lanes.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Shared {
    /// Writes steps down, again and again where the disk refuses, until it takes them.
    ///
    /// # Errors
    /// When another process has taken over, or the bot may not wait any longer.
    pub(crate) async fn record(&self, sequence: Sequence, steps: Vec<Step>) -> Result<(), JournalError> {
        self.persist(|| self.journal.record(sequence, steps.clone())).await
    }

    /// Asks the journal again and again where the disk refuses, until it does not.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub(crate) async fn persist<'a, T>(
        &self,
        mut ask: impl FnMut() -> BoxFuture<'a, Result<T, JournalError>>,
    ) -> Result<T, JournalError> {
        let mut pauses = self.pauses();
        loop {
            let error = match ask().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            if matches!(error, JournalError::Fenced) {
                tracing::error!(%error, "stopping");
                self.abort.cancel();
                self.stop.cancel();
                return Err(error);
            }
            if !matches!(error, JournalError::Store(_)) || self.abort.is_cancelled() {
                return Err(error);
            }
            tracing::error!(%error, "trying again");
            let pause = pauses.next().unwrap_or_default();
            if tokio::time::timeout(pause, self.abort.cancelled()).await.is_ok() {
                return Err(error);
            }
        }
    }

    pub(crate) async fn settle(
        &self,
        sequence: Sequence,
        settlement: Settlement,
    ) -> Result<(), JournalError> {
        let outcome = count::outcome_of(&settlement);
        self.record(sequence, vec![Step::Settled(settlement)]).await?;
        count::settled(outcome);
        Ok(())
    }

    /// How old an event is: by the platform's clock where it says so, else since it was accepted; since it was put back, where an
    /// operator did that.
    pub(crate) fn age(&self, entry: &Entry) -> Duration {
        let since = entry.reopened_at.or(entry.inbound.sent_at).unwrap_or(entry.accepted_at);
        since.age_at(Timestamp::now())
    }
}
