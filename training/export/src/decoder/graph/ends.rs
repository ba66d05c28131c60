//! The two ends of a decoder, which may share one matrix: token ids to embeddings, and hidden states to logits.

use super::{LOGITS_TO_KEEP, Writer};
use crate::decoder::weights::{Bits, Stored};
use crate::error::Result;
use crate::onnx::schema::data_type;
use crate::onnx::{CONTRIB, constant, integer};
use crate::quantise::BLOCK;

impl Writer<'_, '_> {
    /// Looks the tokens up. Returns the output layer when it is the same matrix, which is then stored once.
    pub(super) fn embedding(&mut self) -> Result<Option<Stored>> {
        let (rows, columns) = (self.shape.vocabulary, self.shape.hidden);
        let stored = self.matrix("token_embd.weight", "embedding", rows, columns, true)?;
        let scale = self.shape.embedding_scale;
        let output = if scale.is_some() { "embedding.output" } else { "hidden.0" };
        self.look_up(&stored, output);
        if let Some(scale) = scale {
            self.floats("embedding.scale", &[], &[scale])?;
            self.node("", "Mul", &[output, "embedding.scale"], &["hidden.0"], vec![]);
        }
        if self.shape.tied {
            return Ok(Some(stored));
        }
        // Without a MatMul on the same matrix, the blocked form is not needed, only its scales.
        let keep = if stored.bits == Bits::Float { 0 } else { 1 };
        self.graph.initializer.extend(stored.tensors.into_iter().skip(keep));
        Ok(None)
    }

    fn look_up(&mut self, stored: &Stored, output: &str) {
        match (stored.bits, stored.tensors.as_slice()) {
            (Bits::Float, [weight]) => {
                let name = weight.name().to_owned();
                self.node("", "Gather", &[&name, "input_ids"], &[output], vec![integer("axis", 0)]);
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
                self.node(CONTRIB, "GatherBlockQuantized", &inputs, &[output], attributes);
            }
        }
    }

    pub(super) fn logits(&mut self, tied: Option<Stored>) -> Result<()> {
        self.norm("output_norm.weight", "norm")?;
        let stored = match tied {
            Some(stored) => stored,
            None => {
                self.matrix("output.weight", "output.weight", self.shape.vocabulary, self.shape.hidden, true)?
            }
        };
        self.initializer(constant("end", &[1], &[i64::MAX]));
        self.node("", "Neg", &[LOGITS_TO_KEEP], &["logits.start"], vec![]);
        self.node("", "Slice", &["norm", "logits.start", "end", "axis.sequence"], &["norm.kept"], vec![]);
        // Whoever samples reads one type, whatever the layers compute in.
        if self.element == data_type::FLOAT {
            self.product(stored, "norm.kept", "logits");
        } else {
            self.product(stored, "norm.kept", "logits.half");
            let to_float = vec![integer("to", i64::from(data_type::FLOAT))];
            self.node("", "Cast", &["logits.half"], &["logits"], to_float);
        }
        Ok(())
    }
}
