//! Where a run stands: `run.json` of a checkpoint.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::pack::Pack;

use super::options::RunOptions;

/// The form of `run.json` that this version writes.
const VERSION: u32 = 1;
/// Its name.
pub(super) const FILE: &str = "run.json";

/// Where a run stands, apart from the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    pub(super) version: u32,
    /// Steps that are made.
    pub step: u64,
    /// The epoch that the next step is in, from 0.
    pub epoch: u64,
    /// The batch of that epoch that comes next, from 0.
    pub batch: u64,
    /// Draws the order of the documents.
    pub seed: u64,
    /// Batches of one step.
    pub accumulate: usize,
    /// [`Pack::fingerprint`] of what is learnt.
    pub train: String,
    /// That of what it is evaluated on.
    pub dev: Option<String>,
    /// Tokens that were computed.
    pub tokens: u64,
    /// Seconds that steps took.
    pub seconds: f64,
    /// The best evaluation whose weights are published.
    pub best: Option<Best>,
    /// Evaluations since the best one.
    pub without_better: u32,
    /// All evaluations.
    pub history: Vec<Evaluation>,
    /// The options, as they were when it was kept.
    pub options: Value,
}

/// The best evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// After which step.
    pub step: u64,
    /// The weighted mean of the cross-entropy on the dev documents, in nats.
    pub loss: f64,
}

/// One evaluation on the dev documents.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// After which step; 0 is before the first.
    pub step: u64,
    /// How often all documents were read by then.
    pub epoch: f64,
    /// The weighted mean of the cross-entropy, in nats; its exponential is the perplexity.
    pub loss: f64,
    /// Whether none before was as good.
    pub is_best: bool,
}

impl RunState {
    pub(super) fn new(train: &Pack, dev: Option<&Pack>, options: &RunOptions) -> Self {
        Self {
            version: VERSION,
            step: 0,
            epoch: 0,
            batch: 0,
            seed: options.seed,
            accumulate: options.accumulate,
            train: train.fingerprint(),
            dev: dev.map(Pack::fingerprint),
            tokens: 0,
            seconds: 0.0,
            best: None,
            without_better: 0,
            history: Vec::new(),
            options: serde_json::to_value(options).unwrap_or_default(),
        }
    }

    /// Reads the `run.json` of a checkpoint.
    ///
    /// # Errors
    /// In words, when it is not there or no such file.
    pub fn read(checkpoint: &Path) -> Result<Self, String> {
        let path = checkpoint.join(FILE);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let state: Self =
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        if state.version != VERSION {
            return Err(format!(
                "{} has version {}, this program reads {VERSION}",
                path.display(),
                state.version
            ));
        }
        Ok(state)
    }

    /// What keeps a run from going on from this: without it the steps so far would mean nothing.
    pub(super) fn conflict(&self, new: &Self) -> Option<&'static str> {
        let checks = [
            (self.train != new.train, "training documents, or limits of rows and batches"),
            (self.dev != new.dev, "dev documents"),
            (self.seed != new.seed, "seed"),
            (self.accumulate != new.accumulate, "number of batches a step"),
        ];
        checks.into_iter().find(|(differs, _)| *differs).map(|(_, what)| what)
    }

    /// The options that differ, but for where things lie.
    pub(super) fn changed(&self, new: &Self) -> Vec<String> {
        let (Some(old), Some(new)) = (self.options.as_object(), new.options.as_object()) else {
            return Vec::new();
        };
        let is_place = |key: &str| ["folder", "companions"].contains(&key);
        let differs = |key: &&String| !is_place(key) && old.get(*key) != new.get(*key);
        new.keys().filter(differs).cloned().collect()
    }
}
