//! The architectures, by the name that GGUF gives them. In: a GGUF file. Out: its [`Shape`]. Each file below says how
//! one architecture differs from the plainest, and knows nothing of graphs.

mod gemma3;
mod llama;
mod qwen2;
mod qwen3;

use super::Shape;
use super::keys::Keys;
use crate::error::{ExportError, Result};
use crate::folder::Family;
use crate::gguf::Gguf;

/// The architectures that can be converted, for messages.
pub const ARCHITECTURES: &str = "llama, qwen2, qwen3, gemma3";

/// The linear layers that llama.cpp lets have a bias.
pub(crate) const LLAMA_BIASES: &[&str] =
    &["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"];
/// Those of attention.
pub(crate) const LLAMA_ATTENTION: &[&str] = &["attn_q", "attn_k", "attn_v", "attn_output"];
/// Those of the feed-forward block.
pub(crate) const LLAMA_FEED_FORWARD: &[&str] = &["ffn_gate", "ffn_up", "ffn_down"];
/// Queries, keys and values.
pub(crate) const QKV: &[&str] = &["attn_q", "attn_k", "attn_v"];

/// Reads the shape of a model, and the names under which other software knows its architecture.
pub(crate) fn read(gguf: &Gguf) -> Result<(Shape, Family)> {
    let key = "general.architecture";
    let name = gguf.metadata().required(key, gguf.metadata().text(key)?)?;
    let keys = Keys::new(gguf, name);
    match name {
        "llama" => llama::read(&keys),
        "qwen2" => qwen2::read(&keys),
        "qwen3" => qwen3::read(&keys),
        "gemma3" => gemma3::read(&keys),
        other => Err(ExportError::UnsupportedArchitecture {
            path: gguf.path().to_owned(),
            architecture: other.to_owned(),
        }),
    }
}
