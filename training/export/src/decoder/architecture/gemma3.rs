//! `gemma3`, its text part: scaled embeddings, norms around each block, GELU, five layers with a sliding window to
//! each that sees everything. Norm weights need no `1 +`: the GGUF converter has added it.
//!
//! Gemma was trained in bfloat16, and its residual stream passes 65504, the largest `float16`.
//!
//! Gemma Team, "Gemma 3 Technical Report", 2025, section 2.

use super::{Family, Keys, Result, Shape};
use crate::decoder::Activation;
use crate::decoder::shape::{Rotary, Sliding};

/// llama.cpp tells the size of 27 billion parameters by its layers, and scales its attention by hidden size.
const LAYERS_OF_27B: usize = 62;

pub(super) fn read(keys: &Keys<'_>) -> Result<(Shape, Family)> {
    let plain = Shape::read(keys)?;
    let scaled_by = if plain.layers == LAYERS_OF_27B { plain.hidden / plain.heads } else { plain.head_size };
    // A window of 0 is none, as if the key were not there.
    let window = match keys.gguf().metadata().integer(&keys.name("attention.sliding_window"))? {
        None | Some(0) => None,
        Some(_) => keys.extent("attention.sliding_window")?,
    };
    let rotary = Rotary { base: keys.positive("rope.freq_base_swa")?.unwrap_or(10_000.0), scale: 1.0 };
    let period = keys.extent("attention.sliding_window_pattern")?.unwrap_or(6);
    let shape = Shape {
        embedding_scale: Some((plain.hidden as f32).sqrt()),
        activation: Activation::GeluTanh,
        head_norms: true,
        post_norms: true,
        norms_less_one: true,
        wide: true,
        attention_scale: (scaled_by as f32).sqrt().recip(),
        sliding: window.map(|window| Sliding { window, period, rotary }),
        ..plain
    };
    Ok((shape, Family::GEMMA3))
}
