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
    Address, BoxFuture, CancellationToken, Capabilities, ConversationId, Delivery, Entry, Envelope,
    IdempotencyKey, Inbound, JournalError, Language, MessageId, Part, Person, Query, Sentence, Ticket,
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
    /// The button is for somebody else.
    #[error("this button is for the person who asked; ask yourself to have your own")]
    NotYours,
    /// The button belongs to a message that is not kept any more.
    #[error("this button is too old; ask again")]
    TooOld,
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
            Self::Empty
            | Self::TooLong { .. }
            | Self::NotAllowed
            | Self::TooFast { .. }
            | Self::NotYours
            | Self::TooOld => true,
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

    /// What the journal knows of this platform, oldest first: for platforms that keep no conversation themselves. Entries of other
    /// platforms are never among it. The default is for a sink that keeps nothing.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn history(&self, query: Query) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        let _ = query;
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Removes every trace of a person of this platform, because they want it; says how many events that were. The egress is told
    /// to forget ([`Egress::forget`]) before this returns. The default is for a sink that keeps nothing.
    ///
    /// # Errors
    /// When the journal cannot be written, or something of theirs is being delivered for so long that it is better asked again.
    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, Result<usize, JournalError>> {
        let _ = person;
        Box::pin(async { Ok(0) })
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

    /// The pause between two messages into this conversation. Only for platforms where that is not the same for all.
    fn pause(&self, conversation: &ConversationId) -> Duration {
        let _ = conversation;
        self.capabilities().pace.per_conversation
    }

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

/// A reply that is still being written.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Where it goes.
    pub to: Address,
    /// What came with the event that is answered.
    pub ticket: Option<Ticket>,
    /// The message that shows it already, maybe since an earlier process.
    pub message: Option<MessageId>,
    /// The key that the first part of the reply will have.
    pub key: IdempotencyKey,
    /// How many sentences came before, in earlier drafts of this reply; 0 where the draft is the whole, also when the reply is begun
    /// again. It is more only where drafts grow ([`Capabilities::drafts_grow`]).
    pub from: usize,
    /// The verified sentences from there on, the last one new.
    pub sentences: Vec<Sentence>,
    /// What the first part of the reply would be, were it to end here. Where drafts grow, it has only the document of these sentences.
    pub part: Part,
    /// Whether the first block of a growing document goes on with the last one of before: a paragraph with more words, a list with more
    /// items.
    pub goes_on: bool,
}

impl Draft {
    /// A draft of which no more is known.
    pub fn new(to: Address, sentences: Vec<Sentence>) -> Self {
        let key = IdempotencyKey(String::new());
        let part = Part::default();
        Self { to, ticket: None, message: None, key, from: 0, sentences, part, goes_on: false }
    }
}

/// Shows replies while they are being written.
pub trait Drafts: Send + Sync {
    /// Shows the sentences so far; one draft of a reply at a time. The delivered reply replaces them, and losing a draft does no harm.
    ///
    /// Returns the message that shows them, where that is a message that stays: the host keeps its id, gives it back with the next
    /// draft, and with the first part of the reply ([`Envelope::draft`]), which takes its place. A platform without
    /// [`Idempotency`](crate::Idempotency) does not know the message again after a crash before the host has the id. There it had better begin
    /// without words; this is called again as soon as the id is on record.
    fn draft<'a>(&'a self, draft: &'a Draft) -> BoxFuture<'a, Option<MessageId>>;

    /// Takes the draft back: the question was withdrawn, or another one came in its place.
    fn withdraw<'a>(&'a self, to: &'a Address, message: Option<&'a MessageId>) -> BoxFuture<'a, ()> {
        let _ = (to, message);
        Box::pin(async {})
    }
}

/// The same words in several languages; the first are for everybody whose language is not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Localised(pub Vec<(Language, String)>);

impl Localised {
    /// The words in `language`, else in the first; empty where there are none at all.
    pub fn of(&self, language: &Language) -> &str {
        let own = self.0.iter().find(|(known, _)| known.matches(language));
        own.or_else(|| self.0.first()).map_or("", |(_, words)| words)
    }
}

/// What stands behind a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArgumentSpec {
    /// Its name: lower-case ASCII letters.
    pub name: String,
    /// What it is, in one line.
    pub description: Localised,
    /// Whether the command needs it.
    pub is_required: bool,
    /// What it can be: values, and what they are called. None where it can be anything.
    pub choices: Vec<(String, Localised)>,
}

/// A command in the platform's menu.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandSpec {
    /// Its name, without slash: lower-case ASCII letters.
    pub name: String,
    /// What it does, in one line.
    pub description: Localised,
    /// What stands behind it; `None` where nothing does.
    pub argument: Option<ArgumentSpec>,
    /// Whether it is only for those who run the bot, or the place where it is used.
    pub is_for_operators: bool,
}

/// How an interaction is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledgement<'a> {
    /// A reply follows.
    Working {
        /// Whether only the person who asked is to see it, where the platform can do that.
        is_private: bool,
    },
    /// Nothing follows.
    Done {
        /// A line to show the person, where there is one.
        notice: Option<&'a str>,
    },
}

/// Buttons and commands.
pub trait Interactions: Send + Sync {
    /// Tells the platform that a button or command arrived. Called once the event is durable, and soon: platforms give up after
    /// seconds. No draft and no part of the answer comes before it has returned. It is not called for a refusal, whose text the
    /// ingress shows.
    fn acknowledge<'a>(
        &'a self,
        inbound: &'a Inbound,
        how: Acknowledgement<'a>,
    ) -> BoxFuture<'a, Result<(), ConnectorError>>;

    /// Puts these commands into the platform's menu, in place of those that were there. Called when the bot starts, before the
    /// ingress runs.
    fn offer<'a>(&'a self, commands: &'a [CommandSpec]) -> BoxFuture<'a, Result<(), ConnectorError>>;
}

/// What is found when a connector's settings are tried on its platform, for `loquat doctor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at, in a word or two.
    pub name: String,
    /// What was found.
    pub what: String,
    /// What to do about it; `None` where it is fine.
    pub advice: Option<String>,
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
