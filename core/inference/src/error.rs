//! Everything that can keep a model from running. In: failures of files, of ONNX Runtime, of tokenizers and templates.
//! Out: one enum whose messages say what to do next. Must not know: dialogue, configuration keys.

use std::io;
use std::path::PathBuf;

use loquat_contract::ModelError;

use crate::provider::Skipped;

/// Why a model could not be opened or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferenceError {
    /// The shared library is not where it should be, or the system refuses to load it.
    #[error(
        "ONNX Runtime could not be loaded from {path}: {reason}; give the path of libonnxruntime (the Python wheel \
         `onnxruntime` carries it), or let Loquat fetch it"
    )]
    RuntimeMissing {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The shared library is older than the interface needs.
    #[error(
        "{path} is ONNX Runtime {found}, and 1.{needed} or later is needed; update it, or let Loquat fetch a fitting one"
    )]
    RuntimeTooOld {
        /// The library.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The least minor version.
        needed: u32,
    },
    /// The file is a shared library, but not ONNX Runtime's.
    #[error("{path} is not ONNX Runtime (it has no `OrtGetApiBase`); give the path of libonnxruntime itself")]
    RuntimeForeign {
        /// The file.
        path: PathBuf,
    },
    /// One process can load one library.
    #[error("ONNX Runtime is already loaded from {loaded}; {asked} can be used only after a restart")]
    RuntimeLoaded {
        /// What is in use.
        loaded: PathBuf,
        /// What was asked for.
        asked: PathBuf,
    },
    /// The library was loaded but would not start.
    #[error("ONNX Runtime did not start; check that the library fits this machine")]
    RuntimeFailed(#[source] ort::Error),
    /// The model folder is not there.
    #[error("there is no model folder at {path}; fetch or convert the model first, or correct the path")]
    FolderMissing {
        /// The folder.
        path: PathBuf,
    },
    /// The folder lacks a file.
    #[error("the model folder {folder} has no {piece}; {advice}")]
    PieceMissing {
        /// The folder.
        folder: PathBuf,
        /// What is missing.
        piece: String,
        /// What to do.
        advice: &'static str,
    },
    /// A file is shorter than the graph says.
    #[error(
        "{file} is cut short: the graph needs {needed} bytes of it and it has {found}; delete the model folder and fetch or \
         convert it again"
    )]
    Truncated {
        /// The file.
        file: PathBuf,
        /// Bytes that the graph names.
        needed: u64,
        /// Bytes there.
        found: u64,
    },
    /// A file cannot be read.
    #[error("{file} cannot be read; check that it exists and that this user may read it")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A JSON file of the folder is malformed.
    #[error("{file} is not what a model folder holds; fetch or convert the model again")]
    Malformed {
        /// The file.
        file: PathBuf,
        /// Where it fails.
        #[source]
        source: serde_json::Error,
    },
    /// ONNX Runtime refuses the graph.
    #[error(
        "ONNX Runtime cannot use {graph} ({source}); if the file is damaged fetch or convert the model again, if an operator \
         is unknown update ONNX Runtime"
    )]
    GraphRefused {
        /// The graph.
        graph: PathBuf,
        /// What ONNX Runtime said.
        source: ort::Error,
    },
    /// The graph's bytes are not those of a graph.
    #[error("{graph} is damaged ({reason}); delete the model folder and fetch or convert it again")]
    GraphDamaged {
        /// The graph.
        graph: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
    /// The graph is sound, but no decoder with a KV cache.
    #[error(
        "{graph} is not a decoder that Loquat can drive: {reason}; export it as text generation with a KV cache"
    )]
    GraphUnfit {
        /// The graph.
        graph: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The graph is sound, but gives no hidden state a token.
    #[error("{graph} is not an encoder that Loquat can drive: {reason}; export it for feature extraction")]
    NoEncoder {
        /// The graph.
        graph: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// None of the providers that were asked for works.
    #[error("no execution provider works: {}; add `cpu` to the providers", list(.skipped))]
    NoProvider {
        /// Each with its reason.
        skipped: Vec<Skipped>,
    },
    /// The processors for the threads cannot be those.
    #[error("the affinity of the threads does not fit: {reason}")]
    Affinity {
        /// What does not fit.
        reason: String,
    },
    /// `tokenizer.json` is damaged, or a text cannot be encoded.
    #[error("the tokenizer failed ({0}); fetch or convert the model's tokenizer.json again")]
    Tokenizer(String),
    /// The chat template is wrong, or refuses this chat.
    #[error("the chat template failed ({0}); correct the chat or the model's chat_template.jinja")]
    Template(#[from] minijinja::Error),
    /// A run failed.
    #[error(
        "ONNX Runtime failed while running the model ({0}); if memory is lacking, lower `max_context_tokens` or `sequences`; else the \
         graph does not fit this ONNX Runtime: update it, or convert the model again"
    )]
    Run(#[from] ort::Error),
    /// The logits are no numbers.
    #[error(
        "the model gave logits that are not finite; its weights may be damaged, fetch or convert it again"
    )]
    NotFinite,
    /// The prompt has an id that the model does not have.
    #[error(
        "the tokenizer gave the token {id}, and the model has {vocabulary}; the tokenizer is another model's, copy the right \
         tokenizer.json"
    )]
    UnknownToken {
        /// The id.
        id: u32,
        /// How many ids the model has.
        vocabulary: usize,
    },
    /// The folder's tokenizer cannot be the model's.
    #[error("the tokenizer of {folder} does not fit its model: {reason}; copy the right tokenizer.json")]
    TokenizerUnfit {
        /// The model folder.
        folder: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The request names an adapter that the model does not have.
    #[error("the model has no adapter `{name}`; {}", one_of(.known))]
    UnknownAdapter {
        /// The name.
        name: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// An adapter's file is damaged, or made for another model.
    #[error(
        "the adapter `{name}` cannot be read from {path} ({source}); make it again with `loquat model import-lora`"
    )]
    AdapterUnfit {
        /// Its name.
        name: String,
        /// Its file.
        path: PathBuf,
        /// What ONNX Runtime said.
        source: ort::Error,
    },
    /// An adapter is made for another model, or for one that was converted in another way.
    #[error(
        "the adapter `{name}` ({path}) does not fit this model: {reason}; convert the model with adapters, and the adapter for it with \
         `loquat model import-lora`"
    )]
    AdapterForeign {
        /// Its name.
        name: String,
        /// Its file.
        path: PathBuf,
        /// What the model's run said.
        reason: String,
    },
    /// The models of an ensemble cannot be combined.
    #[error("{folder} cannot be combined with the other models: {reason}")]
    EnsembleUnfit {
        /// The folder of the one that does not fit.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
    /// The KV cache would need more memory than there is.
    #[error("there is no memory for the KV cache; lower `max_context_tokens` or `sequences`")]
    CacheTooLarge,
    /// The keys and values of a sequence were lost.
    #[error("the model lost its place in this reply; ask again")]
    CacheLost,
    /// A setting of the sampling makes no sense.
    #[error("the sampling settings are wrong: {0}; correct the request")]
    Sampling(String),
    /// The constraint is malformed, allows nothing, or is too large.
    #[error("the constraint, {constraint}, cannot be used: {reason}; correct the request")]
    Constraint {
        /// Which it is.
        constraint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No token of the vocabulary that the model may choose goes on.
    #[error(
        "no token of the model goes on with the constraint, {constraint}; allow other texts, or lift the bias from the tokens \
         that it needs"
    )]
    Stuck {
        /// Which it is.
        constraint: String,
    },
    /// The operating system gave no thread.
    #[error("the model's thread could not start; close other programs, or raise the limit on threads")]
    Thread(#[source] io::Error),
    /// The prompt leaves no room to answer.
    #[error(
        "the prompt has {prompt} tokens and the context holds {context}; shorten it or raise the context"
    )]
    ContextTooLong {
        /// Tokens of the prompt.
        prompt: usize,
        /// Tokens that fit.
        context: usize,
    },
}

impl From<InferenceError> for ModelError {
    fn from(error: InferenceError) -> Self {
        match error {
            InferenceError::ContextTooLong { prompt, context } => Self::ContextTooLong { prompt, context },
            error @ InferenceError::UnknownAdapter { .. } => Self::Refused(error.to_string()),
            refused @ (InferenceError::Sampling(_)
            | InferenceError::Constraint { .. }
            | InferenceError::Stuck { .. }) => Self::Refused(refused.to_string()),
            other => Self::Runtime(Box::new(other)),
        }
    }
}

fn one_of(names: &[String]) -> String {
    if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) }
}

fn list(skipped: &[Skipped]) -> String {
    skipped.iter().map(Skipped::to_string).collect::<Vec<_>>().join("; ")
}
