//! Why a run ends before its time.

use std::path::PathBuf;

use super::state::StateError;

/// Why a run ended before its time. What was kept stays; the same run goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError<E: std::error::Error + 'static> {
    /// The model cannot compute.
    #[error("step {step} failed: {source}{}", on(last.as_ref()))]
    Model {
        /// The step.
        step: u64,
        /// The last checkpoint.
        last: Option<PathBuf>,
        /// Why.
        source: E,
    },
    /// Loss or gradient are no longer finite.
    #[error("{0}")]
    NotFinite(#[source] NotFinite),
    /// A checkpoint or the best weights cannot be written.
    #[error("{} cannot be written: {problem}{}", path.display(), on(last.as_ref()))]
    Save {
        /// What was to be written.
        path: PathBuf,
        /// Why.
        problem: String,
        /// The last checkpoint, which is as it was.
        last: Option<PathBuf>,
    },
    /// The run's folder cannot be used.
    #[error("the run's folder cannot be used: {}: {source}", path.display())]
    Folder {
        /// The folder, or a part of it.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Somebody else trains in this folder.
    #[error("another process trains in {}; wait for it, or use another folder", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The folder has a run of something else.
    #[error(
        "the run in {} was begun with another {what}, so it cannot go on; begin anew (`--fresh`), or use another \
         folder",
        path.display()
    )]
    OtherRun {
        /// The folder.
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// The folder has a run that is over, and was made otherwise.
    #[error(
        "the run in {} is over, and was made with another {}, so its weights would stay as they are; begin anew (`--fresh`), or use another \
         folder",
        path.display(),
        keys.join(", ")
    )]
    Over {
        /// The folder.
        path: PathBuf,
        /// The options that differ.
        keys: Vec<String>,
    },
    /// The folder has a run of another version of this program.
    #[error("the run in {} cannot go on: {source}; begin anew (`--fresh`), or use another folder", path.display())]
    Version {
        /// The folder.
        path: PathBuf,
        /// Which version it is of.
        source: StateError,
    },
    /// No checkpoint can be read.
    #[error(
        "no checkpoint in {} can be read ({problem}); put one back from a copy, or begin anew (`--fresh`)",
        path.display()
    )]
    Damaged {
        /// The folder of checkpoints.
        path: PathBuf,
        /// What is wrong with the last one.
        problem: String,
    },
}

/// Loss or gradient are infinite or not a number. The model in memory is lost; checkpoints are from before.
#[derive(Debug, thiserror::Error)]
#[error(
    "{what} is {value} at step {step}, with a learning rate of {rate:.2e}; nothing was kept of it{}. \
     Try a learning rate a third as high, a longer warm-up, a smaller clip, or f32 in place of bf16; \
     if it is so at the first step, look for broken weights or data",
    on(last.as_ref())
)]
pub struct NotFinite {
    /// What is not finite.
    pub what: &'static str,
    /// What it is.
    pub value: f64,
    /// At which step.
    pub step: u64,
    /// With which learning rate.
    pub rate: f64,
    /// The last checkpoint.
    pub last: Option<PathBuf>,
}

fn on(last: Option<&PathBuf>) -> String {
    match last {
        Some(last) => format!("; the last checkpoint is {}", last.display()),
        None => "; there is no checkpoint yet".to_owned(),
    }
}
