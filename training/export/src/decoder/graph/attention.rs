//! Attention: one packed projection to queries, keys and values, `GroupQueryAttention`, and the output projection.

use super::adapters::Adapted;
use super::linear::Linear;
use super::{ROTARY, ROTARY_SLIDING, Writer};
use crate::decoder::rotary;
use crate::decoder::weights::{IN_ORDER, Part};
use crate::error::Result;
use crate::onnx::{CONTRIB, constant, float, integer};

/// The initializers that head norms share: the widths to split into, and the forms with and without heads.
const SPLIT: &str = "attention.split";
const BY_HEAD: [&str; 2] = ["attention.q.heads", "attention.k.heads"];
const TOGETHER: [&str; 2] = ["attention.q.width", "attention.k.width"];

impl Writer<'_, '_> {
    pub(super) fn attention(&mut self, layer: usize) -> Result<()> {
        let (heads, kv_heads) = (self.shape.heads, self.shape.kv_heads);
        let (head_size, hidden) = (self.shape.head_size, self.shape.hidden);
        let name = |part: &str| format!("layers.{layer}.attention.{part}");
        let (normed, qkv, context) = (name("norm"), name("qkv"), name("context"));
        self.norm(&format!("blk.{layer}.attn_norm.weight"), &normed)?;
        self.packed_projection(layer, &normed, &qkv)?;

        let [query, key, value] = match self.shape.head_norms {
            true => self.split_and_norm(layer, &qkv)?,
            false => [qkv, String::new(), String::new()],
        };
        let [past_key, past_value] = ["key", "value"].map(|p| format!("past_key_values.{layer}.{p}"));
        let present = ["key", "value"].map(|p| format!("present.{layer}.{p}"));
        let window = self.shape.window(layer);
        let tables = if window.is_some() { ROTARY_SLIDING } else { ROTARY };
        let (cosines, sines) = (format!("{tables}.cos"), format!("{tables}.sin"));
        let inputs = [
            query.as_str(),
            &key,
            &value,
            &past_key,
            &past_value,
            "seqlens_k",
            "total_sequence_length",
            &cosines,
            &sines,
        ];
        let mut attributes = vec![
            integer("num_heads", heads as i64),
            integer("kv_num_heads", kv_heads as i64),
            integer("do_rotary", 1),
            integer("rotary_interleaved", 0),
            float("scale", self.shape.attention_scale),
        ];
        attributes.extend(window.map(|window| integer("local_window_size", window as i64)));
        let outputs = [context.as_str(), &present[0], &present[1]];
        self.node(CONTRIB, "GroupQueryAttention", &inputs, &outputs, attributes);

        let output = name("output");
        let linear = Linear {
            tensor: "attn_output",
            layer,
            output: &output,
            name: &output,
            rows: hidden,
            columns: heads * head_size,
        };
        self.apply(&linear, &context)?;
        self.add_to_residual(&format!("blk.{layer}.post_attention_norm.weight"), output)
    }

    /// Queries, keys and values by one product, side by side.
    fn packed_projection(&mut self, layer: usize, input: &str, output: &str) -> Result<()> {
        let (head_size, hidden) = (self.shape.head_size, self.shape.hidden);
        let widths = [self.shape.heads, self.shape.kv_heads, self.shape.kv_heads].map(|n| n * head_size);
        let permuted = |row: usize| rotary::interleaved_row(row, head_size);
        let turned: &dyn Fn(usize) -> usize = if self.shape.interleaved { &permuted } else { IN_ORDER };
        let orders = [turned, turned, IN_ORDER];
        let sources = ["attn_q", "attn_k", "attn_v"];
        let tensors = sources.map(|part| format!("blk.{layer}.{part}.weight"));
        let parts = [0, 1, 2].map(|i| Part { tensor: &tensors[i], rows: widths[i], source_row: orders[i] });
        let weight = format!("layers.{layer}.attention.qkv.weight");
        let stored = self.weights.matrix(&weight, hidden, &parts, self.options.quantisation)?;
        debug_assert_eq!(
            stored.rows,
            self.shape.packed_qkv(),
            "queries, keys and values are stored side by side"
        );

        let mut packed = Vec::with_capacity(stored.rows);
        let mut any = false;
        for ((source, width), order) in sources.into_iter().zip(widths).zip(orders) {
            let bias = self.bias(layer, source, width)?;
            any |= bias.is_some();
            let bias = bias.unwrap_or_else(|| vec![0.0; width]);
            packed.extend((0..width).map(|row| bias[order(row)]));
        }
        let names = ["q", "k", "v"].map(|part| format!("layers.{layer}.attention.{part}"));
        let adapted = [0, 1, 2].map(|i| Adapted { name: &names[i], columns: hidden, rows: widths[i] });
        self.linear(stored, input, output, any.then_some(packed.as_slice()), &adapted)
    }

    /// Takes the packed projection apart and normalises each head of the queries and of the keys.
    fn split_and_norm(&mut self, layer: usize, packed: &str) -> Result<[String; 3]> {
        let head_size = self.shape.head_size;
        let heads = [self.shape.heads, self.shape.kv_heads];
        if layer == 0 {
            let widths = [heads[0], heads[1], heads[1]].map(|n| (n * head_size) as i64);
            self.initializer(constant(SPLIT, &[3], &widths));
            for (i, heads) in heads.into_iter().enumerate() {
                // 0 stands for the extent that is there already.
                self.initializer(constant(BY_HEAD[i], &[4], &[0, 0, heads as i64, head_size as i64]));
                self.initializer(constant(TOGETHER[i], &[3], &[0, 0, widths[i]]));
            }
        }
        let parts = ["q", "k", "v"].map(|part| format!("layers.{layer}.attention.{part}"));
        let outputs = parts.each_ref().map(String::as_str);
        self.node("", "Split", &[packed, SPLIT], &outputs, vec![integer("axis", -1)]);
        let [query, key, value] = parts;
        let mut normed = Vec::with_capacity(2);
        for (i, (part, source)) in [(query, "attn_q_norm"), (key, "attn_k_norm")].into_iter().enumerate() {
            let [apart, norm, together] = ["heads", "norm", "rows"].map(|step| format!("{part}.{step}"));
            self.node("", "Reshape", &[&part, BY_HEAD[i]], &[&apart], vec![]);
            self.plain_norm(&format!("blk.{layer}.{source}.weight"), &apart, &norm, head_size)?;
            self.node("", "Reshape", &[&norm, TOGETHER[i]], &[&together], vec![]);
            normed.push(together);
        }
        let key = normed.pop().unwrap_or_default();
        Ok([normed.pop().unwrap_or_default(), key, value])
    }
}
