//! The feed-forward block: `down(activation(gate(x)) · up(x))`.
//!
//! Shazeer, "GLU Variants Improve Transformer", 2020, section 2.

use super::Writer;
use super::linear::Linear;
use crate::decoder::Activation;
use crate::error::Result;
use crate::onnx::text;

impl Writer<'_, '_> {
    pub(super) fn feed_forward(&mut self, layer: usize) -> Result<()> {
        let (hidden, width) = (self.shape.hidden, self.shape.feed_forward);
        let name = |part: &str| format!("layers.{layer}.feed_forward.{part}");
        let [normed, gate, up, down] = ["norm", "gate", "up", "down"].map(name);
        let [product, output] = ["product", "output"].map(name);
        self.norm(&format!("blk.{layer}.ffn_norm.weight"), &normed)?;
        for (tensor, part) in [("ffn_gate", &gate), ("ffn_up", &up)] {
            let linear = Linear { tensor, layer, output: part, name: part, rows: width, columns: hidden };
            self.apply(&linear, &normed)?;
        }
        let activated = self.activation(layer, &gate);
        self.node("", "Mul", &[&activated, &up], &[&product], vec![]);
        let linear =
            Linear { tensor: "ffn_down", layer, output: &output, name: &down, rows: hidden, columns: width };
        self.apply(&linear, &product)?;
        self.add_to_residual(&format!("blk.{layer}.post_ffw_norm.weight"), output)
    }

    fn activation(&mut self, layer: usize, gate: &str) -> String {
        let name = |part: &str| format!("layers.{layer}.feed_forward.{part}");
        match self.shape.activation {
            Activation::Silu => {
                let (sigmoid, silu) = (name("sigmoid"), name("silu"));
                self.node("", "Sigmoid", &[gate], &[&sigmoid], vec![]);
                self.node("", "Mul", &[gate, &sigmoid], &[&silu], vec![]);
                silu
            }
            Activation::GeluTanh => {
                let gelu = name("gelu");
                self.node("", "Gelu", &[gate], &[&gelu], vec![text("approximate", "tanh")]);
                gelu
            }
        }
    }
}
