//! Where a run stands: `run.json` of a checkpoint.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::pack::Pack;

use super::options::RunOptions;

/// The form of `run.json` that this version writes.
const VERSION: u32 = 2;
/// Its name.
pub(super) const FILE: &str = "run.json";
/// Options that say where things lie, when and how often something is written, and how the run was begun: nothing that is learnt depends on them.
const OUTWARD: [&str; 9] = [
    "folder",
    "fresh",
    "companions",
    "notes",
    "model",
    "means",
    "checkpoint_after",
    "keep",
    "publish_checkpoints",
];
/// Options by which the weights of a run that is over would be others.
const LEARNT_BY: [&str; 6] = ["length", "schedule", "rate", "warmup", "floor", "optimiser"];

/// Why a checkpoint's `run.json` cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// It is not there, or no such file.
    #[error("{}: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// It is of another version of this program.
    #[error("{} is of version {found}, and this program reads {VERSION}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
}

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
    /// What the model is made of.
    pub model: BTreeMap<String, String>,
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
            model: options.model.clone(),
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
    /// When it is not there, no such file, or of another version.
    pub fn read(checkpoint: &Path) -> Result<Self, StateError> {
        #[derive(Deserialize)]
        struct Form {
            version: u32,
        }
        let path = checkpoint.join(FILE);
        let damaged = |problem: String| StateError::Damaged { path: path.clone(), problem };
        let text = std::fs::read_to_string(&path).map_err(|error| damaged(error.to_string()))?;
        // The version first: another one may have other keys.
        let Form { version } = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        if version != VERSION {
            return Err(StateError::Version { path, found: version });
        }
        serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))
    }

    /// What keeps a run from going on from this: without it the steps so far would mean nothing.
    pub(super) fn conflict(&self, new: &Self) -> Option<String> {
        let checks = [
            (self.train != new.train, "training documents, or limits of rows and batches"),
            (self.dev != new.dev, "dev documents"),
            (self.seed != new.seed, "seed"),
            (self.accumulate != new.accumulate, "number of batches a step"),
        ];
        // What is said of the model may be why its documents differ.
        let other = checks.into_iter().find(|(differs, _)| *differs).map(|(_, what)| what.to_owned());
        differing(&self.model, &new.model).next().or(other)
    }

    /// The options that differ, but for those that change nothing of what is learnt.
    pub(super) fn changed(&self, new: &Self) -> Vec<String> {
        let (Some(old), Some(new)) = (self.options.as_object(), new.options.as_object()) else {
            return Vec::new();
        };
        let differs = |key: &&String| !OUTWARD.contains(&key.as_str()) && old.get(*key) != new.get(*key);
        let means = |options: &serde_json::Map<String, Value>| {
            let entries = options.get("means").and_then(Value::as_object).cloned().unwrap_or_default();
            entries.into_iter().collect::<BTreeMap<_, _>>()
        };
        new.keys().filter(differs).cloned().chain(differing(&means(old), &means(new))).collect()
    }
}

/// Those of the changed options by which a run that is over would have learnt other weights.
pub(super) fn learnt_by(changed: &[String]) -> Vec<String> {
    changed.iter().filter(|key| LEARNT_BY.contains(&key.as_str())).cloned().collect()
}

/// The keys whose values differ, or that one of the two lacks.
fn differing<V: PartialEq>(
    old: &BTreeMap<String, V>,
    new: &BTreeMap<String, V>,
) -> impl Iterator<Item = String> {
    let mut keys: Vec<String> = old.keys().chain(new.keys()).cloned().collect();
    keys.sort();
    keys.dedup();
    keys.retain(|key| old.get(key) != new.get(key));
    keys.into_iter()
}
