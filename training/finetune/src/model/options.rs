//! What learns, and how memory is spent.

use serde::{Deserialize, Serialize};

use super::error::ModelError;

/// How a model is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What learns.
    pub learn: Learn,
    /// Gradient checkpointing: of each block only the input is kept, and the rest computed again on the way back; a third slower, and
    /// activations take a small part of the memory. Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016.
    pub checkpointing: bool,
    /// Chooses LoRA's first matrices A, and what dropout drops.
    pub seed: u64,
}

/// What learns.
#[derive(Clone, Debug, PartialEq)]
pub enum Learn {
    /// All parameters.
    Full,
    /// Matrices of low rank beside some of the layers.
    Lora(LoraOptions),
    /// Nothing: it is only evaluated, and takes no memory for gradients.
    Nothing,
}

/// LoRA, in PEFT's words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoraOptions {
    /// Rows of A, columns of B.
    pub rank: usize,
    /// What is learnt counts `alpha / rank`.
    pub alpha: f32,
    /// Probability that an element of an adapted layer's input is dropped.
    pub dropout: f32,
    /// Which linear layers are adapted.
    pub targets: Vec<Target>,
    /// How many blocks are adapted, counted from the last; all where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_blocks: Option<usize>,
}

impl Default for LoraOptions {
    fn default() -> Self {
        Self { rank: 16, alpha: 32.0, dropout: 0.0, targets: Target::ALL.to_vec(), last_blocks: None }
    }
}

impl LoraOptions {
    /// What is learnt is multiplied by it.
    pub fn scale(&self) -> f32 {
        self.alpha / self.rank as f32
    }

    /// # Errors
    /// When there is nothing to learn, or numbers are out of range.
    pub(super) fn check(&self) -> Result<(), ModelError> {
        let refused = |what: &str| Err(ModelError::Options(format!("LoRA: {what}")));
        if self.rank == 0 {
            return refused("`rank` is 0: take 4 to 64");
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return refused("`dropout` has to be at least 0 and less than 1");
        }
        if !self.alpha.is_finite() || self.alpha <= 0.0 {
            return refused("`alpha` has to be more than 0: twice the rank is usual");
        }
        if self.targets.is_empty() || self.last_blocks == Some(0) {
            return refused("no layer is adapted: name some in `targets`, and at least 1 in `last_blocks`");
        }
        Ok(())
    }
}

/// A linear layer of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Queries.
    #[serde(alias = "q_proj")]
    Q,
    /// Keys.
    #[serde(alias = "k_proj")]
    K,
    /// Values.
    #[serde(alias = "v_proj")]
    V,
    /// What comes of attention.
    #[serde(alias = "o_proj")]
    O,
    /// The MLP's gate.
    #[serde(alias = "gate_proj")]
    Gate,
    /// What the gate lets through.
    #[serde(alias = "up_proj")]
    Up,
    /// Back to the residual stream.
    #[serde(alias = "down_proj")]
    Down,
}

impl Target {
    /// All linear layers of a block.
    pub const ALL: [Self; 7] = [Self::Q, Self::K, Self::V, Self::O, Self::Gate, Self::Up, Self::Down];

    /// Its name in files, without the block's.
    pub fn module(self) -> &'static str {
        match self {
            Self::Q => "self_attn.q_proj",
            Self::K => "self_attn.k_proj",
            Self::V => "self_attn.v_proj",
            Self::O => "self_attn.o_proj",
            Self::Gate => "mlp.gate_proj",
            Self::Up => "mlp.up_proj",
            Self::Down => "mlp.down_proj",
        }
    }
}
