//! Why no set could be made. In: what went wrong. Out: a sentence that says what to do next.

use std::path::PathBuf;

use loquat_contract::{DialogueError, KnowledgeError, ModelError};

/// Why no set could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// A file cannot be read.
    #[error(
        "{path} cannot be read ({source}); check `[prepare]` of the recipe, whose paths are relative to it"
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The set cannot be written.
    #[error(
        "{path} cannot be written ({source}); check the space and the rights of the recipe's `output` folder"
    )]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A line is not understood.
    #[error(
        "{path}:{line} is not understood: {reason}; put it right, or set `bad_lines = \"skip\"` in `[prepare]` to leave such lines out"
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A key of the recipe makes no sense.
    #[error("`{key}` of the recipe {problem}")]
    Settings {
        /// The key.
        key: String,
        /// What is wrong with it, and what it may be.
        problem: String,
    },
    /// What is kept from an earlier run was made from something else.
    #[error(
        "{path} was made by another recipe, bot, graph or version of Loquat; remove it to begin anew, or name another `output` in the recipe"
    )]
    Stale {
        /// The file of what is kept.
        path: PathBuf,
    },
    /// A line of what is kept from an earlier run is damaged.
    #[error("{path}:{line} is damaged ({source}); remove this line, and its question is asked again")]
    Kept {
        /// The file of what is kept.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// There is nothing to learn from.
    #[error("nothing to learn from was found: {reason}")]
    Nothing {
        /// Where it was looked for, and what to do.
        reason: String,
    },
    /// The engine failed.
    #[error("the bot failed over {question:?}: {source}")]
    Dialogue {
        /// What it was asked.
        question: String,
        /// Why.
        #[source]
        source: DialogueError,
    },
    /// The base failed.
    #[error(
        "the base could not be asked what it can do already: {source}; without a table `[prepare.rehearsal]` it is not asked"
    )]
    Rehearsal {
        /// Why.
        #[source]
        source: ModelError,
    },
    /// The graph failed.
    #[error(transparent)]
    Knowledge(#[from] KnowledgeError),
}
