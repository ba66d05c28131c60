//! What an operator may see and do. The host implements it; beside the journal it has what only the host knows.

use std::sync::Arc;

use loquat_contract::{BoxFuture, Check, Journal, JournalError, ModelIdentity, Person, Sequence, Timestamp};
use serde::Serialize;

/// What this bot is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct About {
    /// Its name.
    pub name: String,
    /// The version of the program.
    pub version: String,
    /// When it was started.
    pub started: Timestamp,
    /// The models that word its answers now.
    pub models: Vec<ModelInUse>,
    /// Its config as TOML, without any secret.
    pub config: String,
}

/// A model that is in use.
#[derive(Clone, Debug, Serialize)]
pub struct ModelInUse {
    /// The name that the config has for it.
    pub name: String,
    /// The model.
    pub model: ModelIdentity,
    /// Where it comes from, where another than the config's own was put in its place.
    pub place: Option<String>,
    /// Since when that is so.
    pub since: Option<Timestamp>,
    /// What was in use before.
    pub before: Option<String>,
}

/// What somebody thinks of a reply.
#[derive(Clone, Debug, Serialize)]
pub struct Feedback {
    /// The entry whose reply it is about.
    pub reply: Sequence,
    /// Who.
    pub person: String,
    /// `good` or `bad`; `None` where they only say something.
    pub verdict: Option<String>,
    /// What they say.
    pub text: Option<String>,
    /// When.
    pub at: Timestamp,
    /// What was asked.
    pub question: String,
    /// What was answered.
    pub answer: String,
    /// The language of the answer.
    pub language: String,
}

/// What was asked and is not in the graph.
#[derive(Clone, Debug, Serialize)]
pub struct Gap {
    /// How often it was asked.
    pub count: usize,
    /// The entity's id, else the name that is not in the graph; empty where nothing was named.
    pub subject: String,
    /// Its name.
    pub name: String,
    /// The relation's id, else the words that ask for it.
    pub predicate: String,
    /// The words that ask for it.
    pub asked: String,
    /// The questions, each once.
    pub questions: Vec<String>,
    /// A command that adds the fact once its object is filled in; `None` where subject or relation is not known.
    pub command: Option<String>,
}

/// Something that an operator wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Puts a settled message back on its way.
    Retry(Sequence),
    /// Gives up a message that is owed something.
    Discard(Sequence),
    /// Removes every trace of a person.
    Erase(Person),
    /// Rewrites the journal without what is too old.
    Compact,
}

/// Why something could not be seen or done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// There is no such thing.
    #[error("{0}")]
    Missing(String),
    /// It does not go now, or not with this.
    #[error("{0}")]
    Conflict(String),
    /// What was asked for is not written as it should be.
    #[error("{0}")]
    Wrong(String),
    /// It failed.
    #[error("{0}")]
    Failed(String),
}

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::NoEntry(_) | JournalError::Missing(_) => Self::Missing(error.to_string()),
            JournalError::OutOfTurn { .. } => Self::Conflict(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// What an operator may see and do.
pub trait Operations: Send + Sync {
    /// What this bot is.
    fn about(&self) -> About;

    /// The journal: the ledger and the conversations are read from it.
    fn journal(&self) -> Arc<dyn Journal>;

    /// What is counted, in Prometheus' text format.
    fn metrics(&self) -> String;

    /// What people have thought of replies since then.
    fn feedback(&self, since: Timestamp) -> BoxFuture<'_, Result<Vec<Feedback>, Problem>>;

    /// What has been asked since then and is not in the graph, most asked first.
    fn gaps(&self, since: Timestamp) -> BoxFuture<'_, Result<Vec<Gap>, Problem>>;

    /// Does what an operator wants, and says what came of it.
    fn act(&self, action: Action) -> BoxFuture<'_, Result<String, Problem>>;

    /// What is found when the parts of the bot are looked at.
    fn checks(&self) -> BoxFuture<'_, Vec<Check>> {
        Box::pin(async { Vec::new() })
    }
}
