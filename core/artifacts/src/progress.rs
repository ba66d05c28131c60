//! What is going on, for a person who waits. In: steps from the fetchers. Out: calls on the caller's [`Progress`]. It must
//! not know how a step is drawn.

use std::fmt;

/// Receives the steps of a fetch. Any `Fn(Step<'_>)` is one; it is called about ten times a second, on the thread that
/// fetches.
pub trait Progress: Sync {
    /// One step: the activity, and how far it is.
    fn report(&self, step: Step<'_>);
}

impl<F: Fn(Step<'_>) + Sync> Progress for F {
    fn report(&self, step: Step<'_>) {
        self(step);
    }
}

/// Reports to nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn report(&self, _step: Step<'_>) {}
}

/// How far one activity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// The artefact's name.
    pub artifact: &'a str,
    /// What is being done.
    pub activity: Activity,
    /// Bytes done.
    pub done: u64,
    /// Bytes in all, where that is known.
    pub total: Option<u64>,
}

/// The activities of a fetch, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activity {
    /// Another process fetches the same artefact; this one waits for it.
    Waiting,
    /// Bytes arrive.
    Downloading,
    /// A SHA-256 is computed.
    Verifying,
    /// Files are taken out of the archive.
    Unpacking,
    /// It is in place.
    Ready,
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting for another process that fetches",
            Self::Downloading => "downloading",
            Self::Verifying => "verifying",
            Self::Unpacking => "unpacking",
            Self::Ready => "ready:",
        })
    }
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.activity, self.artifact)?;
        match self.total {
            Some(total) if total > 0 => {
                write!(f, " ({} of {} MB)", self.done / 1_000_000, total.div_ceil(1_000_000))
            }
            _ => Ok(()),
        }
    }
}

/// The steps of one artefact.
#[derive(Clone, Copy)]
pub(crate) struct Reporter<'a> {
    pub(crate) artifact: &'a str,
    pub(crate) progress: &'a dyn Progress,
}

impl Reporter<'_> {
    pub(crate) fn step(&self, activity: Activity, done: u64, total: Option<u64>) {
        let done = total.map_or(done, |total| done.min(total));
        self.progress.report(Step { artifact: self.artifact, activity, done, total });
    }
}
