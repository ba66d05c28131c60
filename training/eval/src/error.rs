//! What can go wrong with an evaluation. Each says what to do next.

use std::path::PathBuf;

use loquat_contract::KnowledgeError;

/// Why an evaluation cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// A file cannot be read.
    #[error("{path} cannot be read; name a question set that is there")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A line of a set is not understood.
    #[error("{path}, line {line}: {reason}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing tells what a file holds.
    #[error("{path} is in no format that is known; name it with `--format`")]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// A set has nothing in it.
    #[error("{path} holds no question")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A file of paraphrases is not understood.
    #[error("the paraphrases in {path} are not understood: {reason}")]
    Paraphrases {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder has results already.
    #[error("{path} holds results already; go on with `--resume`, or name another folder with `--output`")]
    Taken {
        /// The folder.
        path: PathBuf,
    },
    /// The results in a folder are of another run.
    #[error(
        "the results in {path} are of another run: {what} was {was}, and is now {is}; name another folder with `--output`"
    )]
    Differs {
        /// The folder.
        path: PathBuf,
        /// In what it differs.
        what: &'static str,
        /// What it was.
        was: String,
        /// What it is.
        is: String,
    },
    /// A file of results cannot be read back.
    #[error("{path} is damaged ({reason}); remove the folder, or name another with `--output`")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file cannot be written.
    #[error("{path} cannot be written; make room, or name another folder with `--output`")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The graph cannot be read for the audit.
    #[error(transparent)]
    Knowledge(#[from] KnowledgeError),
    /// The report cannot be put together.
    #[error("the report cannot be made: {0}")]
    Template(#[from] minijinja::Error),
    /// A question's task ended early.
    #[error("a question's task ended early: {0}; start again with `--resume`")]
    Task(#[from] tokio::task::JoinError),
}
