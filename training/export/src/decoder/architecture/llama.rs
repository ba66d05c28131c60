//! `llama`: Llama, SmolLM, TinyLlama, Mistral and what else is built like them.

use super::{Family, Keys, Result, Shape};

/// The linear layers that llama.cpp lets have a bias.
const BIASES: &[&str] = &["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"];

pub(super) fn read(keys: &Keys<'_>) -> Result<(Shape, Family)> {
    keys.refuse_extent("attention.sliding_window", 0)?;
    // llama.cpp turns adjacent elements here, and its converter has reordered the rows for it.
    let shape = Shape { interleaved: true, frequency_factors: true, biases: BIASES, ..Shape::read(keys)? };
    Ok((shape, Family::LLAMA))
}
