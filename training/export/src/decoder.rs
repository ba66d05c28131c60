//! Decoder-only transformers: from GGUF metadata and tensors to an ONNX graph. In: a [`Gguf`](crate::gguf::Gguf).
//! Out: `model.onnx` and its data in a given folder. It must not know tokenizers, nor where folders live.
//!
//! One writer makes the graphs of all architectures. What tells them apart is data, the [`Shape`], which each file
//! below `architecture` fills in.

mod architecture;
mod graph;
mod keys;
mod rotary;
mod shape;
mod tensors;
#[cfg(test)]
pub(crate) mod tests;
mod weights;

pub use architecture::ARCHITECTURES;
pub(crate) use architecture::read;
pub(crate) use graph::write;
pub(crate) use rotary::{FACTORS, Llama3, interleaved_row};
pub(crate) use shape::{Activation, Rotary, Shape};
pub(crate) use tensors::{Role, tensors};
