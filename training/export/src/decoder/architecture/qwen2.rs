//! `qwen2`: Qwen 1.5 to 2.5. Queries, keys and values have a bias.

use super::{Family, Keys, Result, Shape};

pub(super) fn read(keys: &Keys<'_>) -> Result<(Shape, Family)> {
    keys.refuse_extent("attention.sliding_window", 0)?;
    let shape = Shape { biases: &["attn_q", "attn_k", "attn_v"], ..Shape::read(keys)? };
    Ok((shape, Family { model_type: "qwen2", class: "Qwen2ForCausalLM", genai: "qwen2" }))
}
