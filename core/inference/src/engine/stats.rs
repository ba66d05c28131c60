//! What the engine counts. In: events of its thread. Out: numbers that anyone may read at any time. Must not know: who reads them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters of a model, since it was opened.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    waiting: AtomicU64,
    active: AtomicU64,
    prompt_tokens: AtomicU64,
    cached_tokens: AtomicU64,
    completion_tokens: AtomicU64,
    drafted_tokens: AtomicU64,
    accepted_tokens: AtomicU64,
    steps: AtomicU64,
    prefix_bytes: AtomicU64,
}

/// What a model has done since it was opened, and what it is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelStats {
    /// Requests that wait for a row.
    pub waiting: u64,
    /// Requests that have a row.
    pub active: u64,
    /// Tokens of prompts, those that the prefix cache had included.
    pub prompt_tokens: u64,
    /// Tokens of prompts that the prefix cache had.
    pub cached_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// Tokens drafted by prompt lookup.
    pub drafted_tokens: u64,
    /// Drafted tokens that the model chose too.
    pub accepted_tokens: u64,
    /// Runs that wrote tokens, of one sequence or of many.
    pub steps: u64,
    /// Bytes in the prefix cache.
    pub prefix_bytes: u64,
}

impl Stats {
    pub(crate) fn set_load(&self, waiting: usize, active: usize) {
        self.waiting.store(waiting as u64, Relaxed);
        self.active.store(active as u64, Relaxed);
    }

    pub(crate) fn set_prefix_bytes(&self, bytes: usize) {
        self.prefix_bytes.store(bytes as u64, Relaxed);
    }

    pub(crate) fn prompt(&self, tokens: usize, cached: usize) {
        self.prompt_tokens.fetch_add(tokens as u64, Relaxed);
        self.cached_tokens.fetch_add(cached as u64, Relaxed);
    }

    pub(crate) fn wrote(&self, tokens: usize) {
        self.completion_tokens.fetch_add(tokens as u64, Relaxed);
    }

    pub(crate) fn stepped(&self) {
        self.steps.fetch_add(1, Relaxed);
    }

    pub(crate) fn drafted(&self, drafted: usize, accepted: usize) {
        self.drafted_tokens.fetch_add(drafted as u64, Relaxed);
        self.accepted_tokens.fetch_add(accepted as u64, Relaxed);
    }

    /// The numbers now; each is right, and they may be of slightly different moments.
    pub(crate) fn read(&self) -> ModelStats {
        let get = |counter: &AtomicU64| counter.load(Relaxed);
        ModelStats {
            waiting: get(&self.waiting),
            active: get(&self.active),
            prompt_tokens: get(&self.prompt_tokens),
            cached_tokens: get(&self.cached_tokens),
            completion_tokens: get(&self.completion_tokens),
            drafted_tokens: get(&self.drafted_tokens),
            accepted_tokens: get(&self.accepted_tokens),
            steps: get(&self.steps),
            prefix_bytes: get(&self.prefix_bytes),
        }
    }
}
