//! What a connector does. In: a platform's events. Out: accepted messages one way, replies the other.
//!
//! To write a connector: implement [`Ingress`] to receive and [`Egress`] to send, and describe the platform in
//! [`Capabilities`]. Order, retries and memory are the host's work.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Address, BoxFuture, CancellationToken, Inbound, Language, Reply, Sentence};

/// How a platform counts the length of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthUnit {
    /// Unicode scalar values.
    Characters,
    /// UTF-16 code units.
    Utf16,
    /// UTF-8 bytes.
    Bytes,
}

/// What a platform can do, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The longest message and how it is counted; `None` without limit.
    pub max_length: Option<(usize, LengthUnit)>,
    /// Whether a reply can be shown while it is being written, sentence by sentence.
    pub drafts: bool,
    /// Whether a conversation goes on after the process ends, so that a reply can still reach it from the next one.
    pub outlives_process: bool,
}

/// The bot as a platform shows it before anything is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BotCard {
    /// Its name.
    pub name: String,
    /// A sentence or two of welcome.
    pub greeting: String,
    /// Questions to start with.
    pub suggestions: Vec<String>,
    /// The languages it answers in.
    pub languages: Vec<Language>,
}

/// Why a message was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It has no text.
    #[error("the message is empty; write something first")]
    Empty,
    /// It is longer than the bot takes.
    #[error("the message has {length} characters and the bot takes {limit}; shorten it or split it")]
    TooLong {
        /// Its length in characters.
        length: usize,
        /// The limit in characters.
        limit: usize,
    },
    /// The bot is shutting down.
    #[error("the bot is stopping; send the message again in a moment")]
    Stopping,
    /// It could not be made durable.
    #[error("the message could not be kept, so it was not accepted: {0}")]
    NotKept(#[from] crate::JournalError),
}

/// Where a connector hands the messages it receives.
pub trait Sink: Send + Sync {
    /// Returns once the message is durable; only then may the platform be told that it was received.
    fn accept(&self, inbound: Inbound) -> BoxFuture<'_, Result<(), Refusal>>;
}

/// Why a connector stopped or a reply was not delivered, as the answer to one question: what should the host do?
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectorError {
    /// Try again later.
    #[error("{0}; trying again")]
    Retry(String),
    /// Give this message up.
    #[error("{0}; the message is given up")]
    Drop(String),
    /// Stop the connector: a person has to act first.
    #[error("{0}")]
    Stop(String),
}

/// The receiving half of a connector.
pub trait Ingress: Send {
    /// Receives until `stop` is cancelled or the platform ends, handing each message to `sink`.
    fn run(
        self: Box<Self>,
        sink: Arc<dyn Sink>,
        stop: CancellationToken,
    ) -> BoxFuture<'static, Result<(), ConnectorError>>;
}

/// The sending half of a connector.
pub trait Egress: Send + Sync {
    /// What the platform can do.
    fn capabilities(&self) -> Capabilities;

    /// Sends a complete reply; after drafts it replaces them.
    fn deliver<'a>(&'a self, to: &'a Address, reply: &'a Reply) -> BoxFuture<'a, Result<(), ConnectorError>>;

    /// Shows a verified sentence of a reply that is still being written. Called only where
    /// [`Capabilities::drafts`] is set; losing one does no harm.
    fn draft<'a>(&'a self, to: &'a Address, sentence: &'a Sentence) -> BoxFuture<'a, ()> {
        let _ = (to, sentence);
        Box::pin(async {})
    }

    /// Says that a message could not be answered, in words for the person.
    fn apologise<'a>(&'a self, to: &'a Address, reason: &'a str) -> BoxFuture<'a, ()> {
        let _ = (to, reason);
        Box::pin(async {})
    }
}
