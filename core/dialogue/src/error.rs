//! What can go wrong while answering.

use loquat_contract::KnowledgeError;

/// Why a message got no reply.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The graph failed.
    #[error(transparent)]
    Knowledge(#[from] KnowledgeError),
    /// A file of words cannot be read.
    #[error("`core/dialogue/lexicon/{file}.toml` cannot be read ({source}); correct it")]
    Lexicon {
        /// The file's name.
        file: String,
        /// What is wrong with the file.
        source: Box<toml::de::Error>,
    },
    /// The bot's config names a language that there are no word lists for.
    #[error(
        "language `{language}` is not supported; choose among `en` and `zh`, or add `core/dialogue/lexicon/{language}.toml`"
    )]
    UnknownLanguage {
        /// The language's tag.
        language: String,
    },
    /// There is no model.
    #[error("a bot needs at least one model; name one under `models` in its config")]
    NoModel,
}
