//! What the engine counts. In: events of its thread. Out: numbers that anyone may read at any time, and the same as metrics. Must not
//! know: who reads them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use metrics::{Counter, Gauge};

/// Numbers of a model, since it was opened.
#[derive(Debug)]
pub(crate) struct Stats {
    waiting: Level,
    active: Level,
    prefix_bytes: Level,
    prompt_tokens: Count,
    cached_tokens: Count,
    completion_tokens: Count,
    drafted_tokens: Count,
    accepted_tokens: Count,
    steps: Count,
}

/// What a model has done since it was opened, and what it is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelStats {
    /// Requests that wait for a row.
    pub waiting: u64,
    /// Requests that have a row.
    pub active: u64,
    /// Bytes in the prefix cache.
    pub prefix_bytes: u64,
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
}

/// A number that goes up and down.
#[derive(Debug)]
struct Level(AtomicU64, Gauge);

/// A number that grows.
#[derive(Debug)]
struct Count(AtomicU64, Counter);

impl Level {
    /// By how much it differs, so that two models of one name add up: for a while a new one is open beside the one that it replaces.
    fn set(&self, value: usize) {
        let before = self.0.swap(value as u64, Relaxed);
        self.1.increment(value as f64 - before as f64);
    }
}

impl Drop for Level {
    /// What was taken up is free again.
    fn drop(&mut self) {
        self.set(0);
    }
}

impl Count {
    fn add(&self, number: usize) {
        self.0.fetch_add(number as u64, Relaxed);
        self.1.increment(number as u64);
    }
}

impl Stats {
    /// Of the model called `name`: the metrics `loquat_model_*` with this label.
    pub(crate) fn new(name: &str) -> Self {
        let level = |metric: &'static str| {
            Level(AtomicU64::new(0), metrics::gauge!(metric, "model" => name.to_owned()))
        };
        let count = |metric: &'static str| {
            Count(AtomicU64::new(0), metrics::counter!(metric, "model" => name.to_owned()))
        };
        Self {
            waiting: level("loquat_model_waiting_requests"),
            active: level("loquat_model_active_requests"),
            prefix_bytes: level("loquat_model_prefix_cache_bytes"),
            prompt_tokens: count("loquat_model_prompt_tokens_total"),
            cached_tokens: count("loquat_model_cached_tokens_total"),
            completion_tokens: count("loquat_model_completion_tokens_total"),
            drafted_tokens: count("loquat_model_drafted_tokens_total"),
            accepted_tokens: count("loquat_model_accepted_tokens_total"),
            steps: count("loquat_model_steps_total"),
        }
    }

    pub(crate) fn set_load(&self, waiting: usize, active: usize) {
        self.waiting.set(waiting);
        self.active.set(active);
    }

    pub(crate) fn set_prefix_bytes(&self, bytes: usize) {
        self.prefix_bytes.set(bytes);
    }

    pub(crate) fn prompt(&self, tokens: usize, cached: usize) {
        self.prompt_tokens.add(tokens);
        self.cached_tokens.add(cached);
    }

    pub(crate) fn wrote(&self, tokens: usize) {
        self.completion_tokens.add(tokens);
    }

    pub(crate) fn stepped(&self) {
        self.steps.add(1);
    }

    pub(crate) fn drafted(&self, drafted: usize, accepted: usize) {
        self.drafted_tokens.add(drafted);
        self.accepted_tokens.add(accepted);
    }

    /// The numbers now; each is right, and they may be of slightly different moments.
    pub(crate) fn read(&self) -> ModelStats {
        let level = |level: &Level| level.0.load(Relaxed);
        let count = |count: &Count| count.0.load(Relaxed);
        ModelStats {
            waiting: level(&self.waiting),
            active: level(&self.active),
            prefix_bytes: level(&self.prefix_bytes),
            prompt_tokens: count(&self.prompt_tokens),
            cached_tokens: count(&self.cached_tokens),
            completion_tokens: count(&self.completion_tokens),
            drafted_tokens: count(&self.drafted_tokens),
            accepted_tokens: count(&self.accepted_tokens),
            steps: count(&self.steps),
        }
    }
}
