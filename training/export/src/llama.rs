//! The `llama` architecture: from GGUF metadata and tensors to an ONNX graph. In: a [`Gguf`](crate::gguf::Gguf).
//! Out: `model.onnx` and its data in a given folder. It must not know tokenizers, nor where folders live.

mod graph;
mod hyperparameters;
mod rotary;
mod weights;

pub(crate) use graph::write;
pub(crate) use hyperparameters::Hyperparameters;
