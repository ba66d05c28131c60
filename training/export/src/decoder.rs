//! Decoder-only transformers: from tensors and their shape to an ONNX graph. In: a [`Gguf`](crate::gguf::Gguf), or another
//! [`Source`]. Out: `model.onnx` and its data in a given folder. It must not know tokenizers, nor where folders live.
//!
//! One writer makes the graphs of all architectures. What tells them apart is data, the [`Shape`], which each file
//! below `architecture` fills in from GGUF.

mod architecture;
mod graph;
mod keys;
mod rotary;
mod shape;
mod source;
mod tensors;
#[cfg(test)]
pub(crate) mod tests;
mod weights;

pub use architecture::ARCHITECTURES;
pub(crate) use architecture::{LLAMA_ATTENTION, LLAMA_BIASES, LLAMA_FEED_FORWARD, QKV, read};
pub(crate) use graph::write;
pub(crate) use keys::LARGEST_EXTENT;
pub(crate) use rotary::{FACTORS, Llama3, interleaved_row};
pub(crate) use shape::{Activation, LARGEST_HEAD, LONGEST_CONTEXT, Rotary, Shape, Sliding};
pub(crate) use source::{Found, Source};
pub(crate) use tensors::{Role, tensors};
