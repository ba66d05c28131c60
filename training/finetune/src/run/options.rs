//! How long a run is, how fast it learns, and when it looks at itself.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::optimise::{AdamW, Schedule, Shape};

/// What is lost at most where nobody says how often a checkpoint is kept.
const CHECKPOINT_AFTER: Duration = Duration::from_secs(600);

/// What a run is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunOptions {
    /// Its folder.
    pub folder: PathBuf,
    /// Whether a run that is there is removed, once this one is sure to begin.
    pub fresh: bool,
    /// What the model is made of, by names that its owner knows: a run goes on with the same alone.
    pub model: BTreeMap<String, String>,
    /// What else its owner may change on the way, and is then told, by names.
    pub means: BTreeMap<String, String>,
    /// Draws the order of the documents in each epoch.
    pub seed: u64,
    /// How long it is.
    pub length: Length,
    /// Batches of one step; at least 1.
    pub accumulate: usize,
    /// What the learning rate does after the warm-up.
    #[serde(rename = "schedule")]
    pub shape: Shape,
    /// The highest learning rate.
    #[serde(rename = "rate")]
    pub peak: f64,
    /// How long it rises.
    pub warmup: Warmup,
    /// The share of the highest rate below which it does not fall.
    pub floor: f64,
    /// The optimiser.
    pub optimiser: AdamW,
    /// Steps between evaluations; 0 evaluates at the end of each epoch.
    pub evaluate_every: u64,
    /// Evaluations without a better one after which the run ends; 0 never ends it.
    pub patience: u32,
    /// Steps between checkpoints; 0 keeps one after each evaluation, and whenever `checkpoint_after` is over.
    pub checkpoint_every: u64,
    /// The longest time without a checkpoint, where `checkpoint_every` is 0.
    pub checkpoint_after: Duration,
    /// How many of the last checkpoints stay; at least 1.
    pub keep: usize,
    /// Whether each checkpoint has, in its folder `weights`, what `best` has, for averaging.
    pub publish_checkpoints: bool,
    /// Files that are copied beside published weights: the model's configuration and tokenizer.
    pub companions: Vec<PathBuf>,
    /// Texts that are written beside published weights, by the names of their files.
    pub notes: BTreeMap<String, String>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            folder: PathBuf::from("run"),
            fresh: false,
            model: BTreeMap::new(),
            means: BTreeMap::new(),
            seed: 1,
            length: Length::Epochs(1.0),
            accumulate: 1,
            shape: Shape::Cosine,
            peak: 2e-4,
            warmup: Warmup::Share(0.03),
            floor: 0.0,
            optimiser: AdamW::default(),
            evaluate_every: 0,
            patience: 0,
            checkpoint_every: 0,
            checkpoint_after: CHECKPOINT_AFTER,
            keep: 2,
            publish_checkpoints: false,
            companions: Vec::new(),
            notes: BTreeMap::new(),
        }
    }
}

/// How long a run is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// So many steps.
    Steps(u64),
    /// So often all documents; a part of a time is its first steps.
    Epochs(f64),
}

/// How long the learning rate rises.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Warmup {
    /// So many steps.
    Steps(u64),
    /// So much of all steps.
    Share(f64),
}

impl RunOptions {
    /// The learning rate over a run of so many steps.
    pub fn schedule(&self, total: u64) -> Schedule {
        let warmup = match self.warmup {
            Warmup::Steps(steps) => steps,
            Warmup::Share(share) => (share * total as f64).round() as u64,
        };
        Schedule { shape: self.shape, peak: self.peak, warmup, total, floor: self.floor }
    }
}
