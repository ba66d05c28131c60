//! Writes the ONNX graph of a llama model, layer by layer, with the operators that ONNX Runtime runs fastest.
//!
//! In: a GGUF file and its hyper-parameters. Out: `model.onnx` and `model.onnx.data` in a folder. Activations are
//! `f32`, `[batch, sequence, hidden]`; the KV cache is `[batch, kv_heads, positions, head_size]` per layer.

use std::path::Path;

use prost::Message;

use super::weights::{Bits, IN_ORDER, Part, Stored, Weights};
use super::{Hyperparameters, rotary};
use crate::error::{ExportError, Result};
use crate::gguf::Gguf;
use crate::onnx::schema::{
    AttributeProto, GraphProto, ModelProto, OperatorSetIdProto, TensorProto, data_type,
};
use crate::onnx::{
    self, CONTRIB, DATA_FILE, DataFile, Extent, GRAPH_FILE, constant, float, float_bytes, integer, node,
    value,
};
use crate::progress::Report;
use crate::quantise::{BLOCK, Quantisation};

/// IR version 10 and opset 21: understood by every ONNX Runtime from 1.20 on.
const IR_VERSION: i64 = 10;
const OPSET: i64 = 21;
/// `MatMulNBits`: quantise activations to 8 bits per block too, which selects the integer kernels.
const ACCURACY_INT8: i64 = 4;
/// The optional graph input that limits for how many last positions logits are computed.
const LOGITS_TO_KEEP: &str = "logits_to_keep";

/// Writes the model into `folder`.
pub(crate) fn write(
    gguf: &Gguf,
    shape: &Hyperparameters,
    quantisation: Quantisation,
    folder: &Path,
    report: &mut Report<'_>,
) -> Result<()> {
    let weights = Weights::new(gguf, DataFile::create(folder, DATA_FILE)?, report);
    let mut writer = Writer { shape, quantisation, weights, graph: GraphProto::default() };
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
        graph: Some(GraphProto { name: Some("llama".to_owned()), ..graph }),
        ..ModelProto::default()
    };
    let path = folder.join(GRAPH_FILE);
    std::fs::write(&path, model.encode_to_vec()).map_err(ExportError::io("write", &path))
}

struct Writer<'a, 'r> {
    shape: &'a Hyperparameters,
    quantisation: Quantisation,
    weights: Weights<'a, 'r>,
    graph: GraphProto,
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
                self.graph.input.push(value(&name, data_type::FLOAT, &past));
                self.graph.output.push(value(&format!("present.{layer}.{part}"), data_type::FLOAT, &present));
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
        let factors = self.weights.optional_vector("rope_freqs.weight", half)?;
        let (cosines, sines) = rotary::tables(self.shape, factors.as_deref());
        for (name, table) in [("rotary.cos", cosines), ("rotary.sin", sines)] {
            let dims = [self.shape.context, half];
            let tensor = self.weights.data.tensor(name, data_type::FLOAT, &dims, float_bytes(&table))?;
            self.initializer(tensor);
        }
        Ok(())
    }

    /// Looks the tokens up. Returns the output layer when it is the same matrix, which is then stored once.
    fn embedding(&mut self) -> Result<Option<Stored>> {
        let stored =
            self.matrix("token_embd.weight", "embedding", self.shape.vocabulary, self.shape.hidden, true)?;
        match (stored.bits, stored.tensors.as_slice()) {
            (Bits::Float, [weight]) => {
                let name = weight.name().to_owned();
                self.node("", "Gather", &[&name, "input_ids"], &["hidden.0"], vec![integer("axis", 0)]);
            }
            (_, tensors) => {
                let mut names = vec!["embedding.rows".to_owned()];
                names.extend(tensors.iter().skip(1).map(|t| t.name().to_owned()));
                // The same bytes under another shape: GatherBlockQuantized wants them unblocked.
                if let Some(blocked) = tensors.first() {
                    let mut rows = blocked.clone();
                    rows.name = Some("embedding.rows".to_owned());
                    rows.dims = vec![stored.rows as i64, stored.columns as i64];
                    self.initializer(rows);
                }
                let mut inputs = vec![names[0].as_str(), "input_ids"];
                inputs.extend(names[1..].iter().map(String::as_str));
                let attributes = vec![
                    integer("bits", 8),
                    integer("block_size", BLOCK as i64),
                    integer("gather_axis", 0),
                    integer("quantize_axis", 1),
                ];
                self.node(CONTRIB, "GatherBlockQuantized", &inputs, &["hidden.0"], attributes);
            }
        }
        if self.shape.tied {
            return Ok(Some(stored));
        }
        // Without a MatMul on the same matrix, the blocked form is not needed, only its scales.
        let keep = if stored.bits == Bits::Float { 0 } else { 1 };
        self.graph.initializer.extend(stored.tensors.into_iter().skip(keep));
        Ok(None)
    }

    fn attention(&mut self, layer: usize) -> Result<()> {
        let Hyperparameters { heads, kv_heads, head_size, hidden, .. } = *self.shape;
        let name = |part: &str| format!("layers.{layer}.{part}");
        let tensor = |part: &str| format!("blk.{layer}.{part}.weight");
        let (normed, qkv, context) =
            (name("attention.norm"), name("attention.qkv"), name("attention.context"));
        self.norm(&tensor("attn_norm"), &normed, layer * 2)?;

        let permuted = |row: usize| rotary::interleaved_row(row, head_size);
        let (q, k, v) = (tensor("attn_q"), tensor("attn_k"), tensor("attn_v"));
        let parts = [
            Part { tensor: &q, rows: heads * head_size, source_row: &permuted },
            Part { tensor: &k, rows: kv_heads * head_size, source_row: &permuted },
            Part { tensor: &v, rows: kv_heads * head_size, source_row: IN_ORDER },
        ];
        let weight = name("attention.qkv.weight");
        let stored = self.weights.matrix(&weight, hidden, &parts, self.quantisation)?;
        debug_assert_eq!(
            stored.rows,
            self.shape.packed_qkv(),
            "queries, keys and values are stored side by side"
        );
        self.linear(stored, &normed, &qkv);

        let [past_key, past_value] = ["key", "value"].map(|p| format!("past_key_values.{layer}.{p}"));
        let [key, value] = ["key", "value"].map(|p| format!("present.{layer}.{p}"));
        let inputs = [
            qkv.as_str(),
            "",
            "",
            &past_key,
            &past_value,
            "seqlens_k",
            "total_sequence_length",
            "rotary.cos",
            "rotary.sin",
        ];
        let attributes = vec![
            integer("num_heads", heads as i64),
            integer("kv_num_heads", kv_heads as i64),
            integer("do_rotary", 1),
            integer("rotary_interleaved", 0),
            float("scale", (head_size as f32).sqrt().recip()),
        ];
        self.node(CONTRIB, "GroupQueryAttention", &inputs, &[&context, &key, &value], attributes);

        let (source, output) = (tensor("attn_output"), name("attention.output"));
        let stored =
            self.matrix(&source, &name("attention.output.weight"), hidden, heads * head_size, false)?;
        self.linear(stored, &context, &output);
        Ok(())
    }

    /// SwiGLU: `down(silu(gate(x)) · up(x))`.
    fn feed_forward(&mut self, layer: usize) -> Result<()> {
        let Hyperparameters { hidden, feed_forward, .. } = *self.shape;
        let name = |part: &str| format!("layers.{layer}.feed_forward.{part}");
        let tensor = |part: &str| format!("blk.{layer}.{part}.weight");
        let (normed, gate, up) = (name("norm"), name("gate"), name("up"));
        self.norm(&tensor("ffn_norm"), &normed, layer * 2 + 1)?;
        let stored = self.matrix(&tensor("ffn_gate"), &name("gate.weight"), feed_forward, hidden, false)?;
        self.linear(stored, &normed, &gate);
        let stored = self.matrix(&tensor("ffn_up"), &name("up.weight"), feed_forward, hidden, false)?;
        self.linear(stored, &normed, &up);
        let (sigmoid, silu, product) = (name("sigmoid"), name("silu"), name("product"));
        self.node("", "Sigmoid", &[&gate], &[&sigmoid], vec![]);
        self.node("", "Mul", &[&gate, &sigmoid], &[&silu], vec![]);
        self.node("", "Mul", &[&silu, &up], &[&product], vec![]);
        let stored = self.matrix(&tensor("ffn_down"), &name("down.weight"), hidden, feed_forward, false)?;
        self.linear(stored, &product, &name("output"));
        Ok(())
    }

    fn logits(&mut self, tied: Option<Stored>) -> Result<()> {
        self.norm("output_norm.weight", "norm", self.shape.layers * 2)?;
        let stored = match tied {
            Some(stored) => stored,
            None => {
                self.matrix("output.weight", "output.weight", self.shape.vocabulary, self.shape.hidden, true)?
            }
        };
        self.initializer(constant("end", &[1], &[i64::MAX]));
        self.node("", "Neg", &[LOGITS_TO_KEEP], &["logits.start"], vec![]);
        self.node("", "Slice", &["norm", "logits.start", "end", "axis.sequence"], &["norm.kept"], vec![]);
        self.linear(stored, "norm.kept", "logits");
        Ok(())
    }

    /// RMS norm number `index` of the residual stream, after the previous block's output has been added to it.
    fn norm(&mut self, tensor: &str, output: &str, index: usize) -> Result<()> {
        let gamma = self.weights.vector(tensor, self.shape.hidden)?;
        let weight = format!("{output}.weight");
        let dims = [self.shape.hidden];
        let stored = self.weights.data.tensor(&weight, data_type::FLOAT, &dims, float_bytes(&gamma))?;
        self.initializer(stored);
        let epsilon = float("epsilon", self.shape.epsilon);
        let (before, after) = (format!("hidden.{}", index.saturating_sub(1)), format!("hidden.{index}"));
        let block = match index {
            0 => {
                let attributes = vec![epsilon, integer("axis", -1), integer("stash_type", 1)];
                self.node("", "SimplifiedLayerNormalization", &["hidden.0", &weight], &[output], attributes);
                return Ok(());
            }
            odd if odd % 2 == 1 => format!("layers.{}.attention.output", index / 2),
            _ => format!("layers.{}.feed_forward.output", index / 2 - 1),
        };
        let last = index == self.shape.layers * 2;
        let outputs = if last { vec![output] } else { vec![output, "", "", &after] };
        self.node(
            CONTRIB,
            "SkipSimplifiedLayerNormalization",
            &[&before, &block, &weight],
            &outputs,
            vec![epsilon],
        );
        Ok(())
    }

    /// A matrix made of one tensor. `precise` ones stay at 8 bits where the others have 4.
    fn matrix(
        &mut self,
        tensor: &str,
        name: &str,
        rows: usize,
        columns: usize,
        precise: bool,
    ) -> Result<Stored> {
        let quantisation = match self.quantisation {
            Quantisation::Int4 if precise => Quantisation::Int8,
            other => other,
        };
        self.weights.matrix(name, columns, &[Part { tensor, rows, source_row: IN_ORDER }], quantisation)
    }

    /// `output = input · matrixᵀ`, by the operator that takes the matrix as it is stored.
    fn linear(&mut self, matrix: Stored, input: &str, output: &str) {
        let names = matrix.tensors.iter().map(|t| t.name().to_owned()).collect::<Vec<_>>();
        let mut inputs = vec![input];
        inputs.extend(names.iter().map(String::as_str));
        let quantised = |bits| {
            vec![
                integer("K", matrix.columns as i64),
                integer("N", matrix.rows as i64),
                integer("bits", bits),
                integer("block_size", BLOCK as i64),
                integer("accuracy_level", ACCURACY_INT8),
            ]
        };
        let (operator, attributes) = match matrix.bits {
            Bits::Float => ("FusedMatMul", vec![integer("transB", 1)]),
            Bits::Eight => ("MatMulNBits", quantised(8)),
            Bits::Four => ("MatMulNBits", quantised(4)),
        };
        self.graph.node.push(onnx::node(
            CONTRIB,
            operator,
            &format!("{output}/{operator}"),
            &inputs,
            &[output],
            attributes,
        ));
        self.graph.initializer.extend(matrix.tensors);
    }
}
