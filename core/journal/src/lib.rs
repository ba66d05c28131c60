//! The journal in a folder: what was accepted, and each step of its way, on disk before anybody is told.
//!
//! In: events and steps. Out: what is owed after a stop, and what happened. Knows no platform and answers nothing.
//!
//! The folder holds an append-only log of checksummed frames, cut into segments. One thread writes: it takes everything that
//! waits, appends it, syncs once, and then answers all (group commit). What lies where is kept in memory and read back from
//! the log at a start; the contents stay on disk. The modules stand in the order of a write: a `frame` is put into a
//! `segment` by the `writer`, which the `fence` lets through, and is found again by the `index`. `compact` rewrites
//! the log without what is too old or has to be erased.
//!
//! What happens to it when things break:
//! - A process that is killed leaves at most one unfinished frame at the end, which nobody was told about. It is cut off.
//! - A damaged stretch is passed over: the frames before and behind it are read, and the stretch is reported.
//! - A full disk refuses the write and leaves the log as it was. Once there is room, writing goes on.
//! - [`Ledger`] reads without writing anything: from a full or read-only disk, and beside a running bot.

mod compact;
mod error;
mod fence;
mod frame;
mod index;
mod ledger;
mod log;
mod segment;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use loquat_contract::{
    Accepted, BoxFuture, BoxStream, Change, ConversationId, Entry, Erased, Inbound, Journal, JournalError,
    Memory, MessageId, Person, Query, Sequence, Step, Timestamp,
};

use tokio::sync::broadcast::error::RecvError;

pub use ledger::Ledger;
pub use segment::Damage;

use error::store;
use index::Index;
use log::Log;
use writer::{Operation, Writer};

/// How long things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Settled events with their replies.
    pub entries: Duration,
    /// The ids of events, by which one that comes again is known.
    pub tombstones: Duration,
}

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Entries that were dropped for their age.
    pub dropped: usize,
    /// Bytes in the log before.
    pub before: u64,
    /// Bytes in the log after.
    pub after: u64,
}

/// A [`Journal`] embedded in the process: one folder, no other service. Every call returns after the disk has it.
#[derive(Clone)]
pub struct EmbeddedJournal {
    writer: Arc<Writer>,
    index: Arc<RwLock<Index>>,
    fence: Arc<fence::Fence>,
    folder: PathBuf,
    damage: Arc<[Damage]>,
}

impl std::fmt::Debug for EmbeddedJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedJournal").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl EmbeddedJournal {
    /// Opens or creates the journal in `folder`, and takes it over.
    ///
    /// # Errors
    /// When the folder cannot be written, another process has it open, or its format is not this version's. Damage is no error:
    /// see [`damage`](Self::damage).
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        let fence = Arc::new(fence::Fence::claim(folder)?);
        let (log, index) = Log::open(folder).map_err(store)?;
        let damage: Arc<[Damage]> = log.damage().into();
        for damaged in damage.iter().filter(|damaged| !damaged.is_unfinished) {
            tracing::warn!(%damaged, "the journal is damaged; everything else in it is readable");
        }
        let index = Arc::new(RwLock::new(index));
        let writer = Arc::new(Writer::start(log, index.clone(), fence.clone())?);
        Ok(Self { writer, index, fence, folder: folder.to_owned(), damage })
    }

    /// Whether something could be written now: nobody has taken the folder over, and the disk takes a file.
    ///
    /// # Errors
    /// [`JournalError::Fenced`] where somebody has; otherwise what the disk said.
    pub fn check_writable(&self) -> Result<(), JournalError> {
        if !self.fence.holds()? {
            return Err(JournalError::Fenced);
        }
        if !self.writer.lives() {
            return Err(store(std::io::Error::other("the journal's thread has ended")));
        }
        // What a crash leaves of this name is removed when the journal is opened.
        let probe = self.folder.join("probe.tmp");
        std::fs::write(&probe, b"?").map_err(store)?;
        match std::fs::remove_file(&probe) {
            // Two may look at the same time.
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(store(error)),
            _ => Ok(()),
        }
    }

    /// The stretches of the log that could not be read when it was opened.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// Rewrites the log without the settled entries that are older than `retention` says. Writing waits meanwhile.
    ///
    /// # Errors
    /// When it cannot be written; the old log then stays as it is.
    pub async fn compact(&self, retention: Retention) -> Result<Compacted, JournalError> {
        self.writer.ask(|answer| Operation::Compact { retention, now: Timestamp::now(), answer }).await
    }

    /// Bytes in the log, and how many of them belong to settled entries that are older than `retention` says.
    pub fn bytes(&self, retention: Retention) -> (u64, u64) {
        self.index.read().unwrap_or_else(PoisonError::into_inner).bytes(retention, Timestamp::now())
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&RwLock<Index>) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let index = self.index.clone();
        tokio::task::spawn_blocking(move || read(&index)).await.map_err(store)?
    }
}

impl Journal for EmbeddedJournal {
    fn accept<'a>(&'a self, inbound: &'a Inbound) -> BoxFuture<'a, Result<Accepted, JournalError>> {
        Box::pin(async move {
            let payload = serde_json::to_vec(inbound).map_err(store)?;
            let event = index::Event::of(inbound);
            self.writer.ask(|answer| Operation::Accept { event, payload, answer }).await
        })
    }

    fn record(&self, sequence: Sequence, steps: Vec<Step>) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(async move {
            let Some(mark) = index::Mark::of(&steps) else { return Ok(()) };
            let payload = serde_json::to_vec(&(Timestamp::now(), &steps)).map_err(store)?;
            self.writer.ask(|answer| Operation::Record { sequence, mark, payload, answer }).await
        })
    }

    fn owed(&self) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        Box::pin(self.read(ledger::owed))
    }

    fn entries(&self, query: Query) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        Box::pin(self.read(move |index| ledger::entries(index, &query)))
    }

    fn knows<'a>(&'a self, inbound: &'a Inbound) -> BoxFuture<'a, Result<Option<Sequence>, JournalError>> {
        Box::pin(async move {
            let event = index::Event::of(inbound);
            Ok(self.index.read().unwrap_or_else(PoisonError::into_inner).known(&event))
        })
    }

    fn entry(&self, sequence: Sequence) -> BoxFuture<'_, Result<Entry, JournalError>> {
        Box::pin(self.read(move |index| ledger::entry(index, sequence)))
    }

    fn memory<'a>(
        &'a self,
        conversation: &'a ConversationId,
    ) -> BoxFuture<'a, Result<Option<Memory>, JournalError>> {
        let conversation = conversation.clone();
        Box::pin(self.read(move |index| ledger::memory(index, &conversation)))
    }

    fn conversations<'a>(
        &'a self,
        platform: &'a str,
        since: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<(ConversationId, MessageId)>, JournalError>> {
        Box::pin(async move {
            Ok(self.index.read().unwrap_or_else(PoisonError::into_inner).conversations(platform, since))
        })
    }

    fn changes(&self) -> BoxStream<'static, Change> {
        let followed = futures::stream::unfold(self.writer.follow(), |mut changes| async move {
            let change = match changes.recv().await {
                Ok(change) => change,
                Err(RecvError::Lagged(_)) => Change::Many,
                Err(RecvError::Closed) => return None,
            };
            Some((change, changes))
        });
        Box::pin(followed)
    }

    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, Result<Erased, JournalError>> {
        let person = person.clone();
        Box::pin(self.writer.ask(|answer| Operation::Erase { person, answer }))
    }
}

#[cfg(test)]
mod tests;
