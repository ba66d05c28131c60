//! Which events of a session are done with. In: events as they are read and handed on. Out: the number after which Discord has to send
//! again what the sink does not have yet.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What it takes to resume a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resumable {
    pub(super) session: Arc<str>,
    /// Where; `None` where nobody is there any more, and the gateway itself is asked.
    pub(super) url: Option<String>,
}

#[derive(Default)]
struct State {
    resumable: Option<Resumable>,
    /// Counts sessions, so that an event of an earlier one is not taken for one of this.
    generation: u64,
    received: u64,
    open: BTreeSet<u64>,
    /// Whether the host still has to be told that messages may have been missed.
    owes_backfill: bool,
}

/// What is remembered of a shard from one connection to the next, and from one run to the next.
#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Mutex<State>>);

/// One event of a session.
#[derive(Clone)]
pub(super) struct Mark {
    memory: Memory,
    generation: u64,
    pub(super) session: Arc<str>,
    pub(super) number: u64,
}

impl Mark {
    /// The sink is done with it.
    pub(super) fn done(&self) {
        let mut state = self.memory.state();
        if state.generation == self.generation {
            state.open.remove(&self.number);
        }
    }

    /// The host has asked for what was missed before this session; a later one has a debt of its own.
    pub(super) fn backfilled(&self) {
        let mut state = self.memory.state();
        if state.generation == self.generation {
            state.owes_backfill = false;
        }
    }
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new session begins; what is left of an earlier one is asked for by the host.
    pub(super) fn begin(&self, resumable: Resumable) {
        let mut state = self.state();
        state.resumable = Some(resumable);
        state.generation += 1;
        state.received = 0;
        state.open.clear();
        state.owes_backfill = true;
    }

    /// What it takes to resume the session, and the last number that is done with, where there is a session.
    pub(super) fn resumable(&self) -> Option<(Resumable, u64)> {
        let state = self.state();
        let done = state.open.first().map_or(state.received, |first| first.saturating_sub(1));
        state.resumable.clone().map(|resumable| (resumable, done))
    }

    /// Nobody is where the session was to be resumed.
    pub(super) fn forget_url(&self) {
        if let Some(resumable) = &mut self.state().resumable {
            resumable.url = None;
        }
    }

    /// The session is over.
    pub(super) fn end(&self) {
        self.state().resumable = None;
    }

    /// Nobody works on what was read any more; it has to come again.
    pub(super) fn rewind(&self) {
        let mut state = self.state();
        if let Some(first) = state.open.first() {
            state.received = first.saturating_sub(1);
        }
        state.open.clear();
    }

    /// An event was read.
    pub(super) fn read(&self, number: u64) -> Mark {
        let mut state = self.state();
        state.received = state.received.max(number);
        state.open.insert(number);
        let session = state.resumable.as_ref().map(|resumable| resumable.session.clone());
        Mark {
            memory: self.clone(),
            generation: state.generation,
            session: session.unwrap_or_default(),
            number,
        }
    }

    /// The number of the last event that was read; `None` before the first.
    pub(super) fn last_read(&self) -> Option<u64> {
        Some(self.state().received).filter(|number| *number > 0)
    }

    pub(super) fn owes_backfill(&self) -> bool {
        self.state().owes_backfill
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_and_not_handed_on_comes_again() {
        let memory = Memory::default();
        assert_eq!(memory.resumable(), None);
        let resumable = Resumable { session: "s".into(), url: None };
        memory.begin(resumable.clone());
        let old = memory.read(1);
        let [two, three, four] = [2, 3, 4].map(|number| memory.read(number));
        old.done();
        three.done();
        assert_eq!(memory.resumable(), Some((resumable.clone(), 1)), "2 is not done");
        assert_eq!(memory.last_read(), Some(4));
        two.done();
        assert_eq!(memory.resumable(), Some((resumable.clone(), 3)));
        memory.rewind();
        assert_eq!(memory.last_read(), Some(3));
        four.done();
        memory.begin(resumable.clone());
        let again = memory.read(4);
        four.backfilled();
        assert!(memory.owes_backfill());
        again.backfilled();
        assert!(!memory.owes_backfill());
        four.done();
        assert_eq!(memory.resumable(), Some((resumable, 3)), "another session's 4 is not this one's");
        again.done();
    }
}
