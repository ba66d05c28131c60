//! Runs decoder-only transformers on ONNX Runtime and streams their text, and encoders that turn text into vectors.
//!
//! A model is a folder in the layout of ONNX Runtime GenAI and of the hub's ONNX repositories. [`Runtime::init`] loads the
//! shared library once; [`OnnxModel::open`] reads the folder and starts the model's thread; from then on it is a
//! [`LanguageModel`](loquat_contract::LanguageModel). A request flows through the modules in the order below: the chat
//! becomes a prompt (`template`), the prompt tokens (`tokenizer`), the tokens logits (`decoder`, or several as an `ensemble`), the
//! logits a token (`sample`, within what `constrain` allows), and tokens text again (`tokenizer`, `stop`). `engine` leads many requests through this at once.
//!
//! [`OnnxEmbedder`] is a [`TextEmbedder`](loquat_contract::TextEmbedder): texts become tokens, padded batches, hidden states, and
//! one vector each.
//!
//! [`ChatTokenizer`] is template and tokenizer alone, for those who train a model to answer what it will be asked here.
//!
//! It knows nothing of dialogue, platforms, graphs of knowledge, or where a model came from.

mod error;

mod runtime;

mod provider;

mod folder;

mod tokenizer;

mod template;

mod chat;

mod graph;

mod decoder;

mod ensemble;

mod constrain;

mod sample;

mod stop;

mod engine;

mod info;

mod model;

mod scorer;

mod embedder;

pub use chat::{ChatTokenizer, Turn};
pub use embedder::{OnnxEmbedder, OnnxEmbedderOptions, Pooling};
pub use engine::{Decoding, ModelStats};
pub use error::InferenceError;
pub use folder::{ModelConfig, ModelFolder};
pub use graph::Outlet;
pub use info::{CacheKind, ModelInfo};
pub use model::{OnnxModel, OnnxModelOptions};
pub use provider::{
    ArenaGrowth, CUDA_PACKAGES, CpuOptions, CudaOptions, Provider, ProviderOptions, ProviderReport, Range,
    ShapeProfile, Skipped, TENSORRT_PACKAGES, TensorRtOptions,
};
pub use runtime::Runtime;
pub use scorer::{OnnxScorer, Score};
