//! `qwen3`: queries and keys are normalised head by head; the head size is its own, not hidden size by heads.

use super::{Family, Keys, Result, Shape};

pub(super) fn read(keys: &Keys<'_>) -> Result<(Shape, Family)> {
    keys.refuse_extent("attention.sliding_window", 0)?;
    let biases = &["attn_q", "attn_k", "attn_v"];
    let shape = Shape { head_norms: true, biases, ..Shape::read(keys)? };
    Ok((shape, Family { model_type: "qwen3", class: "Qwen3ForCausalLM", genai: "qwen3" }))
}
