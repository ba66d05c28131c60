//! What must survive a crash. In: accepted messages and what became of them. Out: those still owed an answer.

use serde::{Deserialize, Serialize};

use crate::{BoxFuture, Inbound, Reply};

/// The place of an accepted message in the journal; grows by one a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sequence(pub u64);

/// What accepting a message came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is durable, under this number.
    New(Sequence),
    /// It was accepted before, under this number, and is handled already.
    Duplicate(Sequence),
}

/// What became of an accepted message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The reply is made, and owed to the platform.
    Replied(Box<Reply>),
    /// The platform has it.
    Delivered,
    /// It cannot be answered or delivered, for this reason.
    Failed(String),
}

/// A message that is still owed something.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    /// Its number.
    pub sequence: Sequence,
    /// The message.
    pub inbound: Inbound,
    /// Its reply, where one was made before the stop.
    pub reply: Option<Box<Reply>>,
}

/// Why the journal could not keep something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// It is in use, or not this version's.
    #[error("{0}; stop that process, move the folder away, or name another in `journal.folder`")]
    Unusable(String),
    /// The store behind it failed.
    #[error("the journal could not be written or read ({0}); check the space and the rights of its folder")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The durable record of what was accepted and what became of it.
pub trait Journal: Send + Sync {
    /// Keeps a message; when this returns, a crash no longer loses it.
    fn accept<'a>(&'a self, inbound: &'a Inbound) -> BoxFuture<'a, Result<Accepted, JournalError>>;

    /// Keeps what became of a message.
    fn record(&self, sequence: Sequence, stage: Stage) -> BoxFuture<'_, Result<(), JournalError>>;

    /// The messages that are neither delivered nor failed, oldest first.
    fn pending(&self) -> BoxFuture<'_, Result<Vec<Pending>, JournalError>>;
}
