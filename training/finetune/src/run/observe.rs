//! What a run tells of itself.

use std::path::Path;
use std::time::Duration;

use crate::pack::PackReport;

use super::state::Evaluation;

/// Watches a run: draws its progress, or writes its numbers.
pub trait Observer {
    /// Takes in what happened. It is called from the run's own thread, and the next step waits for it.
    fn tell(&mut self, event: &Event<'_>);
}

/// Tells each of them, in their order.
impl Observer for Vec<Box<dyn Observer + '_>> {
    fn tell(&mut self, event: &Event<'_>) {
        self.iter_mut().for_each(|observer| observer.tell(event));
    }
}

/// Something that happened in a run.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The model is there: what computes it.
    Loaded {
        /// The device and the precision, for people.
        on: &'a str,
    },
    /// It begins, or goes on: what was told of steps behind `step` is told again.
    Begun {
        /// Steps that are made.
        step: u64,
        /// Steps of the whole run.
        total: u64,
        /// The checkpoint from which it goes on.
        resumed: Option<&'a Path>,
        /// The documents that are learnt.
        train: &'a PackReport,
        /// The documents that it is evaluated on.
        dev: Option<&'a PackReport>,
    },
    /// It goes on with other options than its checkpoint was made with.
    Changed {
        /// Their names.
        keys: &'a [String],
    },
    /// A checkpoint cannot be read; the one before it is tried.
    Damaged {
        /// Its folder.
        folder: &'a Path,
        /// What is wrong with it.
        problem: &'a str,
    },
    /// A step was made.
    Stepped(&'a Step),
    /// An evaluation goes on.
    Evaluating {
        /// Batches that are done.
        done: usize,
        /// All of them.
        of: usize,
    },
    /// An evaluation was made.
    Evaluated(&'a Evaluation),
    /// The best weights so far were written.
    Published {
        /// Their folder.
        folder: &'a Path,
        /// After which step.
        step: u64,
        /// Their loss on the dev documents, in nats; not a number where there are none.
        loss: f64,
    },
    /// A checkpoint was written.
    Kept {
        /// Its folder.
        folder: &'a Path,
        /// After which step.
        step: u64,
    },
    /// A checkpoint or the best weights could not be written; those before are as they were, and the run goes on.
    NotKept {
        /// After which step.
        step: u64,
        /// Why.
        problem: &'a str,
    },
}

/// Numbers of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Which step it was, from 1.
    pub step: u64,
    /// Steps of the whole run.
    pub total: u64,
    /// How often all documents were read.
    pub epoch: f64,
    /// The weighted mean of the losses before the update, in nats: cross-entropies, and divergences where tokens are distilled.
    pub loss: f64,
    /// The learning rate.
    pub rate: f64,
    /// The 2-norm of the mean loss's gradient, before clipping.
    pub gradient_norm: f64,
    /// Tokens that were computed.
    pub tokens: usize,
    /// Tokens of its documents if each stood alone, without a shared beginning.
    pub tokens_alone: usize,
    /// Tokens that were computed in a second.
    pub tokens_per_second: f64,
    /// How long it took.
    pub seconds: f64,
    /// How long the rest of the run will take, evaluations and checkpoints included, as it went so far.
    pub left: Duration,
}
