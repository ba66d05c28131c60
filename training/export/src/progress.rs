//! What a caller is told while a model is written, so that it can draw a bar.

/// A step of an export, in the order in which the steps happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The source file is read and its SHA-256 computed.
    Hash,
    /// Tensors are converted and written.
    Tensors,
    /// The written files are hashed, synced to disk and moved into place.
    Finish,
}

/// One report. `done == total` ends the stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// The step.
    pub stage: Stage,
    /// The tensor or file at hand.
    pub item: &'a str,
    /// Units finished: bytes in [`Stage::Hash`] and [`Stage::Finish`], tensors in [`Stage::Tensors`].
    pub done: u64,
    /// Units in this stage.
    pub total: u64,
    /// Bytes read or written in this stage so far.
    pub bytes: u64,
}

/// The callback that receives reports. Pass `&mut |_| ()` to receive none.
pub type Report<'a> = dyn FnMut(Progress<'_>) + 'a;
