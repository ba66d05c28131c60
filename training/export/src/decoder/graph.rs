//! Writes the ONNX graph of a decoder, layer by layer, with the operators that ONNX Runtime runs fastest.
//!
//! In: a source of tensors and its shape. Out: `model.onnx` and `model.onnx.data` in a folder. Activations are
//! `[batch, sequence, hidden]`; the KV cache is `[batch, kv_heads, positions, head_size]` per layer.

mod adapters;
mod attention;
mod ends;
mod feed_forward;
mod linear;

use std::collections::HashSet;
use std::path::Path;

use prost::Message;

use super::weights::Weights;
use super::{Shape, Source, rotary};
use crate::error::{ExportError, Result};
use crate::import::ExportOptions;
use crate::onnx::schema::{
    AttributeProto, GraphProto, ModelProto, OperatorSetIdProto, TensorProto, data_type,
};
use crate::onnx::{CONTRIB, DATA_FILE, DataFile, Extent, GRAPH_FILE, constant, float, integer, node, value};
use crate::progress::Report;
use crate::quantise::Quantisation;

/// IR version 10 and opset 21: understood by every ONNX Runtime from 1.20 on.
const IR_VERSION: i64 = 10;
const OPSET: i64 = 21;
/// The optional graph input that limits for how many last positions logits are computed.
const LOGITS_TO_KEEP: &str = "logits_to_keep";
/// The tables of layers that see everything.
const ROTARY: &str = "rotary";
/// The tables of layers with a sliding window.
const ROTARY_SLIDING: &str = "rotary.sliding";

/// Writes the model into `folder`. `name` is what the graph is called.
pub(crate) fn write(
    source: &dyn Source,
    shape: &Shape,
    name: &str,
    options: &ExportOptions,
    folder: &Path,
    report: &mut Report<'_>,
) -> Result<()> {
    let element = match options.quantisation {
        Quantisation::Fp16 => data_type::FLOAT16,
        _ => data_type::FLOAT,
    };
    let mut writer = Writer {
        shape,
        options,
        element,
        weights: Weights::new(source, DataFile::create(folder, DATA_FILE)?, report),
        graph: GraphProto::default(),
        residual: Residual { sum: "hidden.0".to_owned(), pending: None, sums: 0 },
        with_sums: HashSet::new(),
    };
    writer.inputs();
    writer.cache_lengths();
    writer.rotary_tables()?;
    let output_layer = writer.embedding()?;
    for layer in 0..shape.layers {
        writer.attention(layer)?;
        writer.feed_forward(layer)?;
    }
    writer.logits(output_layer)?;
    let graph = writer.graph;
    writer.weights.finish()?;

    let opset = |domain: &str, version| OperatorSetIdProto {
        domain: Some(domain.to_owned()),
        version: Some(version),
    };
    let model = ModelProto {
        ir_version: Some(IR_VERSION),
        opset_import: vec![opset("", OPSET), opset(CONTRIB, 1)],
        producer_name: Some(env!("CARGO_PKG_NAME").to_owned()),
        producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        graph: Some(GraphProto { name: Some(name.to_owned()), ..graph }),
        ..ModelProto::default()
    };
    let path = folder.join(GRAPH_FILE);
    std::fs::write(&path, model.encode_to_vec()).map_err(ExportError::io("write", &path))
}

struct Writer<'a, 'r> {
    shape: &'a Shape,
    options: &'a ExportOptions,
    /// The type of activations, cache and vectors.
    element: i32,
    weights: Weights<'a, 'r>,
    graph: GraphProto,
    residual: Residual,
    /// Inputs of linear layers that are there with the sums of their blocks too.
    with_sums: HashSet<String>,
}

/// The residual stream. A block's output is added to it by the next norm, which does both in one operator.
struct Residual {
    /// The name of the last sum.
    sum: String,
    /// The block output that is to be added.
    pending: Option<String>,
    sums: usize,
}

impl Writer<'_, '_> {
    fn node(
        &mut self,
        domain: &str,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        with: Vec<AttributeProto>,
    ) {
        let name = outputs.first().copied().unwrap_or_default();
        self.graph.node.push(node(domain, operator, &format!("{name}/{operator}"), inputs, outputs, with));
    }

    fn initializer(&mut self, tensor: TensorProto) {
        self.graph.initializer.push(tensor);
    }

    /// Stores numbers as an initializer of the activations' type.
    fn floats(&mut self, name: &str, dims: &[usize], values: &[f32]) -> Result<()> {
        let tensor = self.weights.floats(name, self.element, dims, values)?;
        self.initializer(tensor);
        Ok(())
    }

    fn inputs(&mut self) {
        let (batch, total) = (Extent::Named("batch_size"), Extent::Named("total_sequence_length"));
        let sequence = Extent::Named("sequence_length");
        let (kv_heads, head) = (Extent::Fixed(self.shape.kv_heads), Extent::Fixed(self.shape.head_size));
        self.graph.input = vec![
            value("input_ids", data_type::INT64, &[batch, sequence]),
            value("attention_mask", data_type::INT64, &[batch, total]),
        ];
        let vocabulary = Extent::Fixed(self.shape.vocabulary);
        let kept = Extent::Named("logits_length");
        self.graph.output = vec![value("logits", data_type::FLOAT, &[batch, kept, vocabulary])];
        for layer in 0..self.shape.layers {
            for part in ["key", "value"] {
                let past = [batch, kv_heads, Extent::Named("past_sequence_length"), head];
                let present = [batch, kv_heads, total, head];
                let name = format!("past_key_values.{layer}.{part}");
                self.graph.input.push(value(&name, self.element, &past));
                self.graph.output.push(value(&format!("present.{layer}.{part}"), self.element, &present));
            }
        }
        // An input with an initializer of the same name is optional; left out, every position gets its logits.
        self.graph.input.push(value(LOGITS_TO_KEEP, data_type::INT64, &[Extent::Fixed(1)]));
        self.initializer(constant(LOGITS_TO_KEEP, &[1], &[i64::MAX]));
    }

    /// What `GroupQueryAttention` wants to know, from the mask: the last valid position of each sequence and the
    /// length of the longest one.
    fn cache_lengths(&mut self) {
        self.initializer(constant("axis.sequence", &[1], &[1]));
        self.initializer(constant("one", &[], &[1]));
        let axis = "axis.sequence";
        self.node("", "ReduceSum", &["attention_mask", axis], &["mask.count"], vec![integer("keepdims", 0)]);
        self.node("", "Sub", &["mask.count", "one"], &["mask.last"], vec![]);
        let to_int32 = || vec![integer("to", i64::from(data_type::INT32))];
        self.node("", "Cast", &["mask.last"], &["seqlens_k"], to_int32());
        self.node("", "Shape", &["attention_mask"], &["mask.shape"], vec![]);
        self.node("", "Gather", &["mask.shape", "one"], &["mask.length"], vec![integer("axis", 0)]);
        self.node("", "Cast", &["mask.length"], &["total_sequence_length"], to_int32());
    }

    fn rotary_tables(&mut self) -> Result<()> {
        let half = self.shape.head_size / 2;
        // Elsewhere the tensor is left unread, and refused as one that nobody knows.
        let factors = match self.shape.frequency_factors {
            true => self.weights.optional_vector(rotary::FACTORS, half)?,
            false => None,
        };
        let sliding = self.shape.sliding.map(|sliding| (ROTARY_SLIDING, sliding.rotary));
        for (name, rotary) in [(ROTARY, self.shape.rotary)].into_iter().chain(sliding) {
            let frequencies = rotary::frequencies(self.shape.head_size, rotary, factors.as_deref());
            for part in ["cos", "sin"] {
                let turn = if part == "cos" { f64::cos } else { f64::sin };
                let rows = (0..self.shape.context).map(|position| rotary::row(position, &frequencies, turn));
                let dims = [self.shape.context, half];
                let tensor = self.weights.rows(&format!("{name}.{part}"), self.element, dims, rows)?;
                self.initializer(tensor);
            }
        }
        Ok(())
    }

    /// RMS norm of the residual stream, after the previous block's output has been added to it.
    fn norm(&mut self, tensor: &str, output: &str) -> Result<()> {
        let Some(block) = self.residual.pending.take() else {
            let sum = self.residual.sum.clone();
            return self.plain_norm(tensor, &sum, output, self.shape.hidden);
        };
        let weight = self.norm_weight(tensor, output, self.shape.hidden)?;
        self.residual.sums += 1;
        let after = format!("hidden.{}", self.residual.sums);
        let before = std::mem::replace(&mut self.residual.sum, after.clone());
        let last = self.residual.sums == self.shape.layers * 2;
        let outputs = if last { vec![output] } else { vec![output, "", "", after.as_str()] };
        let attributes = vec![float("epsilon", self.shape.epsilon)];
        let inputs = [before.as_str(), &block, &weight];
        self.node(CONTRIB, "SkipSimplifiedLayerNormalization", &inputs, &outputs, attributes);
        Ok(())
    }

    /// RMS norm over the last axis, of `width` elements.
    fn plain_norm(&mut self, tensor: &str, input: &str, output: &str, width: usize) -> Result<()> {
        let weight = self.norm_weight(tensor, output, width)?;
        let epsilon = float("epsilon", self.shape.epsilon);
        let attributes = vec![epsilon, integer("axis", -1), integer("stash_type", 1)];
        self.node("", "SimplifiedLayerNormalization", &[input, &weight], &[output], attributes);
        Ok(())
    }

    fn norm_weight(&mut self, tensor: &str, output: &str, width: usize) -> Result<String> {
        let gamma = self.weights.vector(tensor, width)?;
        let weight = format!("{output}.weight");
        self.floats(&weight, &[width], &gamma)?;
        Ok(weight)
    }

    /// Leaves a block's output for the next norm to add, normalised first where the architecture does so.
    fn add_to_residual(&mut self, post_norm: &str, output: String) -> Result<()> {
        let added = if self.shape.post_norms {
            let normed = format!("{output}.norm");
            self.plain_norm(post_norm, &output, &normed, self.shape.hidden)?;
            normed
        } else {
            output
        };
        self.residual.pending = Some(added);
        Ok(())
    }
}
