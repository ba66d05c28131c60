//! The optional inputs through which ONNX Runtime's adapters reach a linear layer: `NAME.lora_A` `[in, rank]` and
//! `NAME.lora_B` `[rank, out]`, whose product is added to the matrix. In: names and extents. Out: inputs, nodes.
//!
//! Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021, section 4.1. An input with an initializer
//! of the same name is optional, and the initializers here have rank 0: left alone, they add exactly nothing.

use super::Writer;
use crate::error::Result;
use crate::onnx::{Extent, LORA_A, LORA_B, integer, value};

/// A linear layer that an adapter may change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Adapted<'a> {
    pub(super) name: &'a str,
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Writer<'_, '_> {
    /// What the adapters of layers that read `input` and are computed side by side add. Returns its name.
    pub(super) fn adapters(&mut self, layers: &[Adapted<'_>], input: &str, output: &str) -> Result<String> {
        let mut deltas = Vec::with_capacity(layers.len());
        for layer in layers {
            let (a, b) = (format!("{}.{LORA_A}", layer.name), format!("{}.{LORA_B}", layer.name));
            // Each layer may have a rank of its own.
            let rank = format!("{}.rank", layer.name);
            let rank = Extent::Named(&rank);
            self.graph.input.push(value(&a, self.element, &[Extent::Fixed(layer.columns), rank]));
            self.graph.input.push(value(&b, self.element, &[rank, Extent::Fixed(layer.rows)]));
            self.floats(&a, &[layer.columns, 0], &[])?;
            self.floats(&b, &[0, layer.rows], &[])?;
            let (low, delta) = (format!("{}.lora.low", layer.name), format!("{}.lora", layer.name));
            self.node("", "MatMul", &[input, &a], &[&low], vec![]);
            self.node("", "MatMul", &[&low, &b], &[&delta], vec![]);
            deltas.push(delta);
        }
        if let [delta] = deltas.as_slice() {
            return Ok(delta.clone());
        }
        let packed = format!("{output}.lora");
        let names = deltas.iter().map(String::as_str).collect::<Vec<_>>();
        self.node("", "Concat", &names, &[&packed], vec![integer("axis", -1)]);
        Ok(packed)
    }
}
