//! `llama`: Llama, SmolLM, TinyLlama, Mistral and what else is built like them.

use super::{Family, Keys, LLAMA_BIASES, Result, Shape};

pub(super) fn read(keys: &Keys<'_>) -> Result<(Shape, Family)> {
    keys.refuse_extent("attention.sliding_window", 0)?;
    // llama.cpp turns adjacent elements here, and its converter has reordered the rows for it.
    let shape =
        Shape { interleaved: true, frequency_factors: true, biases: LLAMA_BIASES, ..Shape::read(keys)? };
    Ok((shape, Family::LLAMA))
}
