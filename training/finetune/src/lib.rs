//! Trains decoder models of the Llama family. In: a folder of weights as Hugging Face writes it, and rows of tokens. Out: a folder of
//! weights, or of a LoRA adapter as PEFT writes it. It must not know text, graphs, dialogues, ONNX or the command line.
//!
//! Each layer has its forward and backward pass written out, over one narrow backend; there is no tape. The modules stand in the order
//! of a step: `batch` → `model` (its `layer`s, over a `backend`) → `optimise` → `run`, which repeats it and keeps checkpoints.

pub mod backend;
pub mod batch;
pub mod layer;
pub mod model;
pub mod trainee;

pub use backend::{Backend, BackendError};
pub use batch::{Batch, Row};
pub use model::{Decoder, Learn, LoraOptions, ModelError, Options, Target};
pub use trainee::{Loss, Trainee, Update};
