//! What a connector does. In: a platform's events. Out: accepted events one way, parts of replies the other.
//!
//! To write a connector: implement [`Ingress::run`] to receive, [`Egress::deliver`] to send, and describe the platform in
//! [`Egress::capabilities`]. That is all that is required. What a platform can do beyond that is an optional trait that the
//! egress offers: [`Drafts`], [`Interactions`], [`Backfill`], [`Administration`].
//!
//! Everything that is the same on every platform is the host's work: the journal, duplicates, order, cutting replies to
//! length, typing signals, retries, pace, expiry, access, catching up after downtime.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    Address, BoxFuture, CancellationToken, Capabilities, ConversationId, Delivery, Envelope, Inbound,
    JournalError, Language, MessageId, Part, Reply, Sentence,
};

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

/// Why an event was not accepted. Its text is for the person who caused it.
///
/// One that is final ([`is_final`](Self::is_final)) would come to the same each time: show its text to the person, and tell
/// the platform that the event was received, or it is delivered again for ever. Of any other, the platform must not hear that
/// the event was received: delivered again, it may be accepted.
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
    /// They may not talk to the bot.
    #[error("you may not talk to this bot; ask its operator for a pairing code, and send it as: pair CODE")]
    NotAllowed,
    /// They say too much at once.
    #[error("that is too fast; write again in {} seconds", after.as_secs().max(1))]
    TooFast {
        /// How long to wait.
        after: Duration,
    },
    /// The bot is shutting down.
    #[error("the bot is stopping; send the message again in a moment")]
    Stopping,
    /// It could not be made durable.
    #[error("the message could not be kept, so it was not accepted: {0}")]
    NotKept(#[from] JournalError),
}

impl Refusal {
    /// Whether the event is done with. `true`: show the text to the person, and acknowledge the event, since it would be refused
    /// again for ever. `false`: do not acknowledge it, so that a platform that delivers again does so.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Empty | Self::TooLong { .. } | Self::NotAllowed | Self::TooFast { .. } => true,
            Self::Stopping | Self::NotKept(_) => false,
        }
    }
}

/// What accepting an event came to. In every case the platform may be told that it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It is durable, and will be answered if it calls for that.
    Accepted,
    /// It was accepted before.
    Duplicate,
    /// It is nothing for the bot: another bot said it, or the bot itself.
    Ignored,
    /// It was a matter between the person and the host, such as a pairing code; this is the answer to show.
    Answered(String),
}

/// A reply of an earlier time, for platforms that keep no conversation themselves.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// What it answered.
    pub to: Address,
    /// Its parts, as they were delivered.
    pub parts: Vec<Part>,
    /// The reply; `None` for a notice, such as an apology.
    pub reply: Option<Arc<Reply>>,
}

/// Where a connector hands the events it receives. Each connector has its own; the host implements it.
pub trait Sink: Send + Sync {
    /// Returns `Ok` once the event is durable, or is nothing to keep; only then may the platform be told that it was received.
    ///
    /// # Errors
    /// Why it was not accepted. Where that is final ([`Refusal::is_final`]), show it to the person and tell the platform that the
    /// event was received all the same, since it would be refused again for ever. Else do not: it has to come again.
    fn accept(&self, inbound: Inbound) -> BoxFuture<'_, Result<Receipt, Refusal>>;

    /// Says that the connection is alive: call it whenever the platform says anything, be it a heartbeat.
    fn alive(&self) {}

    /// Says that the connection was made anew, so that messages may have been missed. The host then asks [`Backfill`] for
    /// them; when this returns, they are accepted, and newer ones may follow.
    fn reconnected(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    /// The last replies of a conversation, oldest first, out of the journal.
    fn said<'a>(
        &'a self,
        conversation: &'a ConversationId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Said>, JournalError>> {
        let _ = (conversation, limit);
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// Why a connector's connection ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectorError {
    /// It broke. The host runs the ingress again, after a pause.
    #[error("{0}; connecting again")]
    Lost(String),
    /// A person has to act first.
    #[error("{0}")]
    Stop(String),
}

/// The receiving half of a connector.
pub trait Ingress: Send + Sync {
    /// Receives until `stop` is cancelled or the connection ends, handing each event to `sink`.
    ///
    /// Ending with `Ok` while `stop` is not cancelled says that the person left, which ends the bot. After
    /// [`ConnectorError::Lost`] it is run again. The future may be dropped at any point, and run again after that: a
    /// connection that has gone silent is replaced that way.
    fn run<'a>(
        &'a self,
        sink: Arc<dyn Sink>,
        stop: CancellationToken,
    ) -> BoxFuture<'a, Result<(), ConnectorError>>;
}

/// The sending half of a connector.
pub trait Egress: Send + Sync {
    /// What the platform can do.
    fn capabilities(&self) -> Capabilities;

    /// Delivers one part of a reply, once, and says what became of it. Passes [`Envelope::key`] on where the platform takes
    /// one. Does not retry, wait or cut: the host does.
    fn deliver<'a>(&'a self, envelope: &'a Envelope) -> BoxFuture<'a, Delivery>;

    /// Shows that the bot is at work. Called again before [`Capabilities::typing`] has passed; losing one does no harm.
    fn signal_typing<'a>(&'a self, conversation: &'a ConversationId) -> BoxFuture<'a, ()> {
        let _ = conversation;
        Box::pin(async {})
    }

    /// Forgets what it holds of a conversation: somebody in it was erased. Only for connectors that hold something.
    fn forget<'a>(&'a self, conversation: &'a ConversationId) -> BoxFuture<'a, ()> {
        let _ = conversation;
        Box::pin(async {})
    }

    /// Live drafts, where the platform shows replies while they are being written.
    fn drafts(&self) -> Option<&dyn Drafts> {
        None
    }

    /// Buttons and commands, where the platform has them.
    fn interactions(&self) -> Option<&dyn Interactions> {
        None
    }

    /// Missed messages, where the platform keeps them.
    fn backfill(&self) -> Option<&dyn Backfill> {
        None
    }

    /// What the bot does to conversations beside talking.
    fn administration(&self) -> Option<&dyn Administration> {
        None
    }
}

/// Shows replies while they are being written.
pub trait Drafts: Send + Sync {
    /// Shows the verified sentences so far, the last one new. The delivered reply replaces them; losing a draft does no harm.
    fn draft<'a>(&'a self, to: &'a Address, sentences: &'a [Sentence]) -> BoxFuture<'a, ()>;

    /// Takes the draft back: the question was withdrawn, or another one came in its place.
    fn withdraw<'a>(&'a self, to: &'a Address) -> BoxFuture<'a, ()> {
        let _ = to;
        Box::pin(async {})
    }
}

/// A command in the platform's menu.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandSpec {
    /// Its name, without slash.
    pub name: String,
    /// What it does, in one line.
    pub description: String,
}

/// Buttons and commands.
pub trait Interactions: Send + Sync {
    /// Tells the platform that a button or command arrived, with a line to show where there is one. Called once the event is
    /// durable.
    fn acknowledge<'a>(
        &'a self,
        inbound: &'a Inbound,
        notice: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), ConnectorError>>;

    /// Puts these commands into the platform's menu, in place of those that were there.
    fn offer<'a>(&'a self, commands: &'a [CommandSpec]) -> BoxFuture<'a, Result<(), ConnectorError>>;
}

/// Messages that were said while the bot was away.
pub trait Backfill: Send + Sync {
    /// The messages of a conversation after the one named, oldest first; at most `limit`.
    fn missed<'a>(
        &'a self,
        conversation: &'a ConversationId,
        after: &'a MessageId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Inbound>, ConnectorError>>;
}

/// What the bot does to conversations beside talking.
pub trait Administration: Send + Sync {
    /// Leaves a conversation.
    fn leave<'a>(&'a self, conversation: &'a ConversationId) -> BoxFuture<'a, Result<(), ConnectorError>>;

    /// Removes a message of the bot's own.
    fn remove<'a>(
        &'a self,
        conversation: &'a ConversationId,
        message: &'a MessageId,
    ) -> BoxFuture<'a, Result<(), ConnectorError>>;
}
