//! The one thread that writes. In: operations from anywhere. Out: their outcomes, once the disk has them. Everything that waits is
//! written at once and synced once (group commit).

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, PoisonError, RwLock};

use loquat_contract::{Accepted, Change as Told, Erased, JournalError, Person, Sequence, State, Timestamp};
use tokio::sync::{broadcast, oneshot};

use crate::compact;
use crate::error::store;
use crate::fence::Fence;
use crate::frame::{self, HEADER, Header, Kind};
use crate::index::{Digest, Event, Index, Location, Mark, digest, number_of};
use crate::log::Log;
use crate::{Compacted, Retention};

/// Bytes of one commit after which no more is taken into it.
const COMMIT: usize = 4 << 20;
/// Changes that wait for those who follow; who is further behind is told so.
const FOLLOWED: usize = 1024;

/// Where an outcome goes. Nobody may wait for it any more; that is no failure.
type Answer<T> = oneshot::Sender<Result<T, JournalError>>;

/// What the thread is asked to do.
pub(crate) enum Operation {
    Accept { event: Event, payload: Vec<u8>, answer: Answer<Accepted> },
    Record { sequence: Sequence, mark: Mark, payload: Vec<u8>, answer: Answer<()> },
    Compact { retention: Retention, now: Timestamp, answer: Answer<Compacted> },
    Erase { person: Person, answer: Answer<Erased> },
}

/// The way to the thread, which ends when nobody has it any more.
pub(crate) struct Writer {
    operations: Option<Sender<Operation>>,
    thread: Option<std::thread::JoinHandle<()>>,
    /// Weak, so that following ends with the thread.
    changes: broadcast::WeakSender<Told>,
}

impl Writer {
    pub(crate) fn start(
        log: Log,
        index: Arc<RwLock<Index>>,
        fence: Arc<Fence>,
    ) -> Result<Self, JournalError> {
        let (operations, work) = channel();
        let (changes, _nobody_yet) = broadcast::channel(FOLLOWED);
        let followed = changes.downgrade();
        let mut journal = Working { log, index, fence, is_fenced: false, changes };
        let thread = std::thread::Builder::new().name("journal".to_owned());
        let thread = thread.spawn(move || journal.run(&work)).map_err(store)?;
        Ok(Self { operations: Some(operations), thread: Some(thread), changes: followed })
    }

    /// What becomes durable from now on.
    pub(crate) fn follow(&self) -> broadcast::Receiver<Told> {
        // Where the thread has ended: a channel that has, too.
        self.changes.upgrade().map_or_else(|| broadcast::channel(1).1, |changes| changes.subscribe())
    }

    /// Whether the thread is there.
    pub(crate) fn lives(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    pub(crate) async fn ask<T>(
        &self,
        operation: impl FnOnce(Answer<T>) -> Operation,
    ) -> Result<T, JournalError> {
        let (answer, outcome) = oneshot::channel();
        let ended = || store(io::Error::other("the journal's thread has ended"));
        let operations = self.operations.as_ref().ok_or_else(ended)?;
        operations.send(operation(answer)).map_err(|_| ended())?;
        outcome.await.map_err(|_| ended())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.operations.take());
        // So that the folder is free again once the journal is dropped.
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

struct Working {
    log: Log,
    index: Arc<RwLock<Index>>,
    fence: Arc<Fence>,
    is_fenced: bool,
    /// Nobody may follow; that is no failure.
    changes: broadcast::Sender<Told>,
}

/// What becomes part of the index once it is on disk.
enum Change {
    Accepted { sequence: u64, at: u64, digest: Digest, event: Event, answer: Answer<Accepted> },
    Stepped { sequence: u64, mark: Mark, answer: Answer<()> },
}

/// What is written at once.
#[derive(Default)]
struct Commit {
    bytes: Vec<u8>,
    /// Each with where its payload lies in `bytes`, and how long it is.
    changes: Vec<(Change, usize, usize)>,
    /// Those that came twice within it or before it, which are told after it.
    duplicates: Vec<(u64, Answer<Accepted>)>,
    /// Events of this very commit.
    digests: HashMap<Digest, u64>,
}

impl Working {
    fn run(&mut self, work: &Receiver<Operation>) {
        while let Ok(first) = work.recv() {
            let mut next = Some(first);
            let mut commit = Commit::default();
            while let Some(operation) = next.take() {
                match operation {
                    Operation::Accept { event, payload, answer } => {
                        self.add_event(&mut commit, event, &payload, answer);
                    }
                    Operation::Record { sequence, mark, payload, answer } => {
                        self.add_steps(&mut commit, sequence, mark, &payload, answer);
                    }
                    Operation::Compact { retention, now, answer } => {
                        self.write(std::mem::take(&mut commit));
                        let done = self.may_write().and_then(|()| {
                            let is_ours = || still_ours(&self.fence);
                            compact::compact(&mut self.log, &self.index, retention, now, is_ours)
                                .map_err(store)
                        });
                        let _nobody = self.changes.send(Told::Many);
                        let _unheard = answer.send(done);
                    }
                    Operation::Erase { person, answer } => {
                        self.write(std::mem::take(&mut commit));
                        let done = self.may_write().and_then(|()| {
                            let is_ours = || still_ours(&self.fence);
                            compact::erase(&mut self.log, &self.index, &person, is_ours).map_err(store)
                        });
                        let _nobody = self.changes.send(Told::Many);
                        let _unheard = answer.send(done);
                    }
                }
                if commit.bytes.len() < COMMIT {
                    next = work.try_recv().ok();
                }
            }
            self.write(commit);
        }
    }

    fn may_write(&mut self) -> Result<(), JournalError> {
        self.is_fenced = self.is_fenced || !self.fence.holds()?;
        if self.is_fenced { Err(JournalError::Fenced) } else { Ok(()) }
    }

    fn add_event(&self, commit: &mut Commit, event: Event, payload: &[u8], answer: Answer<Accepted>) {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let digest = digest(&index.salt, &event.address);
        let known = index.digests.get(&digest).map(|(sequence, _)| *sequence);
        if let Some(sequence) = known.or_else(|| commit.digests.get(&digest).copied()) {
            commit.duplicates.push((sequence, answer));
            return;
        }
        let sequence = index.next + commit.digests.len() as u64;
        let at = Timestamp::now().0;
        commit.digests.insert(digest, sequence);
        let state = number_of(State::Accepted);
        let header = Header { kind: Kind::Accepted, sequence, at, state, flags: 0 };
        commit.put(&header, payload, Change::Accepted { sequence, at, digest, event, answer });
    }

    fn add_steps(
        &self,
        commit: &mut Commit,
        sequence: Sequence,
        mark: Mark,
        payload: &[u8],
        answer: Answer<()>,
    ) {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let refused = match index.row(sequence) {
            None => Some(JournalError::NoEntry(sequence)),
            Some(row) if !row.is_owed() && !mark.is_reopened => {
                let problem = "is settled; nothing more can happen to it unless it is reopened".to_owned();
                Some(JournalError::OutOfTurn { sequence, problem })
            }
            Some(_) => None,
        };
        if let Some(refused) = refused {
            let _unheard = answer.send(Err(refused));
            return;
        }
        let (kind, state, flags) = (Kind::Steps, number_of(mark.state), mark.flags());
        let header = Header { kind, sequence: sequence.0, at: Timestamp::now().0, state, flags };
        commit.put(&header, payload, Change::Stepped { sequence: sequence.0, mark, answer });
    }

    /// Makes a commit durable, takes it into the index, and tells everybody.
    fn write(&mut self, commit: Commit) {
        let Commit { bytes, changes, duplicates, .. } = commit;
        let written = if bytes.is_empty() { Ok(()) } else { self.make_durable(&bytes) };
        if let Err(error) = written {
            for (change, ..) in changes {
                let error = again(&error);
                match change {
                    Change::Accepted { answer, .. } => drop(answer.send(Err(error))),
                    Change::Stepped { answer, .. } => drop(answer.send(Err(error))),
                }
            }
            // What came twice may have come twice within this commit.
            for (_, answer) in duplicates {
                let _unheard = answer.send(Err(again(&error)));
            }
            return;
        }
        let (segment, end) = self.log.place();
        let start = end.saturating_sub(bytes.len() as u64);
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        index.bytes += bytes.len() as u64;
        let mut told: Vec<Box<dyn FnOnce()>> = Vec::new();
        let mut changed = Vec::new();
        for (change, offset, length) in changes {
            let length = u32::try_from(length).unwrap_or(u32::MAX);
            let place = Location { segment, offset: start + offset as u64, length };
            match change {
                Change::Accepted { sequence, at, digest, event, answer } => {
                    index.accepted(sequence, at, digest, &event, place);
                    changed.push(sequence);
                    told.push(Box::new(move || drop(answer.send(Ok(Accepted::New(Sequence(sequence)))))));
                }
                Change::Stepped { sequence, mark, answer } => {
                    index.stepped(sequence, mark, place);
                    changed.push(sequence);
                    told.push(Box::new(move || drop(answer.send(Ok(())))));
                }
            }
        }
        drop(index);
        told.into_iter().for_each(|tell| tell());
        for sequence in changed {
            let _nobody = self.changes.send(Told::Entry(Sequence(sequence)));
        }
        for (sequence, answer) in duplicates {
            let _unheard = answer.send(Ok(Accepted::Duplicate(Sequence(sequence))));
        }
    }

    fn make_durable(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        self.may_write()?;
        let (next, salt) = {
            let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
            (index.next, index.salt)
        };
        let index = &self.index;
        let add = |number, file| {
            let mut index = index.write().unwrap_or_else(PoisonError::into_inner);
            index.files.insert(number, file);
            index.bytes += crate::segment::HEAD as u64;
        };
        self.log.make_ready(next, salt, add).and_then(|()| self.log.append(bytes)).map_err(store)
    }
}

impl Commit {
    fn put(&mut self, header: &Header, payload: &[u8], change: Change) {
        let offset = self.bytes.len() + HEADER;
        frame::put(&mut self.bytes, header, payload);
        self.changes.push((change, offset, payload.len()));
    }
}

fn still_ours(fence: &Fence) -> io::Result<()> {
    match fence.holds() {
        Ok(true) => Ok(()),
        Ok(false) => Err(io::Error::other("another process has taken over the journal")),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// The same error for one more who waited.
fn again(error: &JournalError) -> JournalError {
    match error {
        JournalError::Fenced => JournalError::Fenced,
        JournalError::Store(source) => {
            let kind = source.downcast_ref::<io::Error>().map_or(io::ErrorKind::Other, io::Error::kind);
            store(io::Error::new(kind, source.to_string()))
        }
        other => store(io::Error::other(other.to_string())),
    }
}
