//! What must survive a crash. In: accepted events and each step of their way. Out: what is still owed, and what happened.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    BoxFuture, BoxStream, Choice, ConversationId, Inbound, Memory, MessageId, Part, Person, Reply, Timestamp,
};

/// The place of an accepted event in the journal; grows by one an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sequence(pub u64);

impl std::fmt::Display for Sequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What accepting an event came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is durable, under this number.
    New(Sequence),
    /// It was accepted before, under this number, and is handled already.
    Duplicate(Sequence),
}

/// Where one part of a reply is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartState {
    /// It is made, and no attempt to send it has begun, or the last one surely failed.
    Prepared,
    /// An attempt has begun. Found after a crash, nobody knows how it ended.
    Sending {
        /// When it began.
        at: Timestamp,
    },
    /// The platform has it.
    Sent {
        /// The platform's id of the message, where it gives one.
        id: Option<MessageId>,
    },
    /// The platform does not have it and will not get it.
    Failed {
        /// Why.
        reason: String,
    },
    /// It may have arrived or not, and is not sent again.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// How the way of an event ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// The platform has the whole reply.
    Delivered,
    /// It calls for no reply: a reaction, somebody joining.
    Noted,
    /// It was answered together with a later message of its conversation.
    Merged {
        /// The later message.
        into: Sequence,
    },
    /// It was withdrawn or replaced before it was answered.
    Superseded {
        /// By what.
        reason: String,
    },
    /// It was too old to be answered when its turn came.
    Expired {
        /// How old, and what the limit is.
        reason: String,
    },
    /// It could not be answered, or the answer could not be delivered. This is a dead letter.
    Failed {
        /// Why.
        reason: String,
    },
    /// A part of the reply may have arrived or not.
    Unknown {
        /// Why.
        reason: String,
    },
    /// An operator gave it up.
    Discarded,
}

/// A reply, or a notice in its place, cut into parts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prepared {
    /// The reply; `None` for a notice, such as an apology.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Arc<Reply>>,
    /// The text that was answered; `None` where nothing was, such as for a greeting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// Its parts, in order.
    pub parts: Vec<Part>,
    /// What the person can choose from after it, also where the platform shows it as numbered lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// The earlier events that this answers too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<Sequence>,
    /// What the conversation is about after it; an empty one says that it was forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// The event whose reply this explains, where somebody asked why it says what it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explains: Option<Sequence>,
    /// The event whose question this answers again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Sequence>,
    /// Whether only the person who asked is to see it, where the platform can do that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_private: bool,
    /// Why there is no reply, where this is an apology for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A step on the way of an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A message of the bot's shows the reply while it is being written.
    Drafted {
        /// The platform's id of that message.
        message: MessageId,
    },
    /// The reply is made and cut into parts, each of them [`PartState::Prepared`].
    Prepared(Box<Prepared>),
    /// A part has come this far.
    Part {
        /// Which part, counted from 1.
        number: u16,
        /// How far.
        state: PartState,
    },
    /// The way has ended.
    Settled(Settlement),
    /// An operator wants it on its way again, from where it ended: parts that were sent are not sent again.
    Reopened,
}

/// Everything that the journal knows of one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number.
    pub sequence: Sequence,
    /// When it was accepted, by this machine's clock.
    pub accepted_at: Timestamp,
    /// The event.
    pub inbound: Inbound,
    /// The message that shows a draft of its reply, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<MessageId>,
    /// Its reply, where one is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared: Option<Prepared>,
    /// How far each part is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartState>,
    /// How its way ended, and when; `None` while something is owed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<(Settlement, Timestamp)>,
    /// When an operator put it back on its way; how long it may take counts from then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened_at: Option<Timestamp>,
}

/// How far an event is, as the ledger names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits for its reply.
    Accepted,
    /// Its reply is made, and not delivered.
    Answered,
    /// Its reply is being delivered.
    Sending,
    /// Its reply is delivered.
    Delivered,
    /// A part of its reply may have arrived or not.
    Unknown,
    /// It is a dead letter.
    Failed,
    /// It was too old.
    Expired,
    /// It called for no reply, or was withdrawn, merged or discarded.
    Closed,
}

impl Entry {
    /// How far it is.
    pub fn state(&self) -> State {
        match &self.settled {
            Some((settlement, _)) => match settlement {
                Settlement::Delivered => State::Delivered,
                Settlement::Unknown { .. } => State::Unknown,
                Settlement::Failed { .. } => State::Failed,
                Settlement::Expired { .. } => State::Expired,
                Settlement::Noted
                | Settlement::Merged { .. }
                | Settlement::Superseded { .. }
                | Settlement::Discarded => State::Closed,
            },
            None if self.prepared.is_none() => State::Accepted,
            None if self.parts.iter().any(|part| matches!(part, PartState::Sending { .. })) => State::Sending,
            None => State::Answered,
        }
    }
}

/// Which entries are asked for; the default asks for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Those of this platform.
    pub platform: Option<String>,
    /// Those of this conversation.
    pub conversation: Option<ConversationId>,
    /// Those that this person caused.
    pub person: Option<Person>,
    /// Those that have come this far.
    pub state: Option<State>,
    /// Those that were accepted after this one.
    pub after: Option<Sequence>,
    /// Those that were accepted before this one.
    pub before: Option<Sequence>,
    /// Of each conversation the newest alone.
    pub newest_of_each: bool,
    /// At most so many: those next to `after` where it is given, else the newest. `None` for all.
    pub limit: Option<usize>,
}

/// What was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// How many events.
    pub events: usize,
    /// The conversations they were in. What anybody else remembers of these has to be forgotten too.
    pub conversations: Vec<ConversationId>,
}

/// What is told of the journal to whoever follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// This entry was accepted, or came a step further.
    Entry(Sequence),
    /// More than can be told one by one: entries were removed, or whoever follows was too slow. What is of interest is to be read anew.
    Many,
}

/// Why the journal could not keep or find something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// It is in use, or not this version's.
    #[error("{0}; stop that process, move the folder away, or name another in `journal.folder`")]
    Unusable(String),
    /// There is none yet.
    #[error("there is no journal in {0} yet; it is made when the bot first runs")]
    Missing(String),
    /// Another process has taken over. Nothing more may be written or sent by this one.
    #[error("another process has taken over the journal; this one stops writing and sending")]
    Fenced,
    /// There is no entry of that number.
    #[error("the journal has no entry {0}; `loquat ledger` lists those it has")]
    NoEntry(Sequence),
    /// The step does not follow from where the entry is.
    #[error("entry {sequence} {problem}")]
    OutOfTurn {
        /// The entry.
        sequence: Sequence,
        /// What is wrong.
        problem: String,
    },
    /// The disk behind it failed.
    #[error("the journal could not be written or read ({0}); check the space and the rights of its folder")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The durable record of what was accepted and what became of it.
///
/// Whoever opens one takes it over: from then on, every write of an earlier owner is refused with [`JournalError::Fenced`].
pub trait Journal: Send + Sync {
    /// Keeps an event; when this returns, a crash no longer loses it.
    fn accept<'a>(&'a self, inbound: &'a Inbound) -> BoxFuture<'a, Result<Accepted, JournalError>>;

    /// Keeps steps of an event's way, all of them or none; when this returns, a crash no longer loses them. To an entry that is
    /// settled nothing can happen but [`Step::Reopened`].
    fn record(&self, sequence: Sequence, steps: Vec<Step>) -> BoxFuture<'_, Result<(), JournalError>>;

    /// The entries that are not settled, oldest first.
    fn owed(&self) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>>;

    /// The entries asked for, oldest first.
    fn entries(&self, query: Query) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>>;

    /// Under what number an event was accepted before.
    fn knows<'a>(&'a self, inbound: &'a Inbound) -> BoxFuture<'a, Result<Option<Sequence>, JournalError>>;

    /// One entry.
    fn entry(&self, sequence: Sequence) -> BoxFuture<'_, Result<Entry, JournalError>>;

    /// What a conversation is about, as of its last reply.
    fn memory<'a>(
        &'a self,
        conversation: &'a ConversationId,
    ) -> BoxFuture<'a, Result<Option<Memory>, JournalError>>;

    /// The conversations on a platform that were used after `since`, each with the platform's id of its newest message.
    fn conversations<'a>(
        &'a self,
        platform: &'a str,
        since: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<(ConversationId, MessageId)>, JournalError>>;

    /// What changes from now on, in order, each once it is on disk: for those who follow the journal without asking again and again. It ends
    /// with the journal.
    fn changes(&self) -> BoxStream<'static, Change>;

    /// Removes every trace of a person: what they caused, the replies to it, and the memory of these conversations. When this
    /// returns, no byte of it is left in the journal's files.
    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, Result<Erased, JournalError>>;
}
