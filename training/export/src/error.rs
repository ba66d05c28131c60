//! The one error of this crate. Each message names the file, what is wrong with it, and what to do next.

use std::io;
use std::path::{Path, PathBuf};

/// Why an export, a rewrite or an inspection stopped. Nothing half-written is left behind in any case.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The operating system refused: not found, not permitted, disk full.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb: `read`, `write`, `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// The file does not begin with `GGUF`.
    #[error("{} is not a GGUF file (it begins with {found:?}); give the path of a .gguf file", path.display())]
    NotGguf {
        /// The file.
        path: PathBuf,
        /// Its first bytes, escaped.
        found: String,
    },
    /// A GGUF version that this crate does not read.
    #[error("{} is GGUF version {version}; versions 2 and 3 are read, so convert it again with a current llama.cpp", path.display())]
    GgufVersion {
        /// The file.
        path: PathBuf,
        /// The version it states.
        version: u32,
    },
    /// The file ends too early, or its header contradicts itself.
    #[error("{} is truncated or corrupt: {detail}; delete it and fetch it again", path.display())]
    CorruptGguf {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        detail: String,
    },
    /// A metadata key is absent or has a value that makes no sense.
    #[error("{}: metadata key `{key}` {problem}; this file cannot be converted", path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// `is missing`, `should be a string`, …
        problem: String,
    },
    /// An architecture for which no graph can be written.
    #[error("{}: architecture `{architecture}` is not supported; choose a model of one of {}", path.display(), crate::decoder::ARCHITECTURES)]
    UnsupportedArchitecture {
        /// The file.
        path: PathBuf,
        /// Its `general.architecture`.
        architecture: String,
    },
    /// The architecture is known, but the model uses a part of it that the written graph cannot express.
    #[error("{}: {feature} is not supported; choose another conversion of this model", path.display())]
    UnsupportedFeature {
        /// The file.
        path: PathBuf,
        /// The part, named as the file names it.
        feature: String,
    },
    /// A block format that cannot be dequantised.
    #[error("{}: tensor `{tensor}` has type {kind}, which cannot be dequantised here; choose a file quantised as one of {}", path.display(), crate::gguf::SUPPORTED_KINDS)]
    UnsupportedTensorType {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// The type's name, as in `Q4_1`.
        kind: String,
    },
    /// A vocabulary or pre-tokenizer that cannot be rebuilt exactly.
    #[error("{}: {detail}; supply a tokenizer.json of this model, or choose another model", path.display())]
    UnsupportedTokenizer {
        /// The file.
        path: PathBuf,
        /// What is not known.
        detail: String,
    },
    /// A tensor is absent, superfluous, or has the wrong shape.
    #[error("{}: tensor `{tensor}` {problem}; the file does not match its own metadata", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// `is missing`, `has shape …`, …
        problem: String,
    },
    /// The bytes are not an ONNX model.
    #[error("{} is not a readable ONNX model: {source}; fetch it again", path.display())]
    Onnx {
        /// The file.
        path: PathBuf,
        /// The decoder's words.
        source: prost::DecodeError,
    },
    /// The model decodes, but its parts do not fit together.
    #[error("{} is not a valid ONNX model: {detail}; fetch it again", path.display())]
    InvalidOnnx {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        detail: String,
    },
    /// The model holds no dynamically quantised MatMul.
    #[error("{} has no dynamically quantised MatMul, so there is nothing to dequantise; use it as it is", path.display())]
    NothingToDequantise {
        /// The file.
        path: PathBuf,
    },
    /// A JSON file is malformed, or lacks a key that is needed.
    #[error("{}: {detail}; fetch the model again or correct the file", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        detail: String,
    },
    /// The bytes are no safetensors file.
    #[error("{} is no readable safetensors file: {detail}; fetch it again", path.display())]
    Safetensors {
        /// The file, or the folder that holds it.
        path: PathBuf,
        /// The reader's words.
        detail: String,
    },
    /// An adapter that the model cannot take, or that is no plain LoRA.
    #[error("adapter {}: {detail}; use an adapter that PEFT trained as a plain LoRA of this very model", path.display())]
    UnsupportedAdapter {
        /// The adapter's folder.
        path: PathBuf,
        /// What does not fit.
        detail: String,
    },
    /// A model whose graph has no inputs for adapters.
    #[error("{} takes no adapters; convert it again with `--adapters`", path.display())]
    NoAdapterInputs {
        /// The model folder.
        path: PathBuf,
    },
    /// The folder holds no model.
    #[error("{} holds no model: none of {expected} is there", path.display())]
    NoModel {
        /// The folder.
        path: PathBuf,
        /// The names that were looked for.
        expected: String,
    },
    /// Weights that cannot be averaged.
    #[error("{} {problem}; average what was trained from one model", path.display())]
    Soup {
        /// The folder.
        path: PathBuf,
        /// What differs, as in `lacks the tensor …`.
        problem: String,
    },
}

impl ExportError {
    /// Turns an [`io::Error`] into one that says what was being done, and to which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// The crate's result.
pub type Result<T, E = ExportError> = std::result::Result<T, E>;
