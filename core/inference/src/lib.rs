//! Runs decoder-only transformers on ONNX Runtime and streams their text, and encoders that turn text into vectors.
//!
//! A model is a folder in the layout of ONNX Runtime GenAI and of the hub's ONNX repositories. [`Runtime::init`] loads the
//! shared library once; [`OnnxModel::open`] reads the folder and starts the model's thread; from then on it is a
//! [`LanguageModel`](loquat_contract::LanguageModel). A request flows through the modules in the order below: the chat
//! becomes a prompt (`template`), the prompt tokens (`tokenizer`), the tokens logits (`decoder`, with its `cache`), the
//! logits a token (`sample`, within what `constrain` allows), and tokens text again (`tokenizer`, `stop`), all led by `generate`.
//!
//! [`OnnxEmbedder`] is a [`TextEmbedder`](loquat_contract::TextEmbedder): texts become tokens, padded batches, hidden states, and
//! one vector each.
//!
//! It knows nothing of dialogue, platforms, graphs of knowledge, or where a model came from.

mod error;

mod runtime;

mod provider;

mod folder;

mod tokenizer;

mod template;

mod graph;

mod cache;

mod decoder;

mod constrain;

mod sample;

mod stop;

mod generate;

mod info;

mod model;

mod embedder;

pub use embedder::{OnnxEmbedder, OnnxEmbedderOptions, Pooling};
pub use error::InferenceError;
pub use folder::{ModelConfig, ModelFolder};
pub use graph::Outlet;
pub use info::{CacheKind, ModelInfo};
pub use model::{OnnxModel, OnnxModelOptions};
pub use provider::{Provider, ProviderReport, Skipped};
pub use runtime::Runtime;
