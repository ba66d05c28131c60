//! Tensors in files. In and out: safetensors, a piece at a time.

mod read;
mod write;

pub(super) use read::Tensors;
pub(super) use write::{Tensor, write, write_bytes};

/// Numbers that are in memory at once, beside the model.
const PIECE: usize = 1 << 20;
