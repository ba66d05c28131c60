//! Trains decoder models of the Llama family. In: a folder of weights as Hugging Face writes it, and rows of tokens. Out: a folder of
//! weights, or of a LoRA adapter as PEFT writes it. It must not know text, graphs, dialogues, ONNX or the command line.
//!
//! Each layer has its forward and backward pass written out, over one narrow backend; there is no tape. The modules stand in the order
//! of a step: documents are fitted into rows (`pack` → `batch`) → `model` (its `layer`s, over a `backend`) → `optimise` → `run`, which
//! repeats it and keeps checkpoints; `tune` repeats runs.

pub mod pack;

pub mod backend;
pub mod batch;
pub mod layer;
pub mod model;
pub mod trainee;

pub mod optimise;

pub mod run;

pub mod tune;

pub use backend::{Backend, BackendError};
pub use batch::{Batch, Row};
pub use model::{Decoder, Learn, LoraOptions, ModelError, Options, Target};
pub use optimise::{AdamW, Schedule, Shape};
pub use pack::{Document, Limits, Pack, PackReport, TooLong};
pub use run::{Ended, Event, Observer, Outcome, RunError, RunOptions};
pub use trainee::{Loss, Trainee, Update};
