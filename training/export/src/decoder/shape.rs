//! The shape of a decoder, and what sets its arithmetic apart. In: metadata. Out: checked values; an unknown setting
//! that would change the arithmetic is refused by name.

use super::keys::Keys;
use crate::error::{ExportError, Result};
use crate::gguf::TensorInfo;

/// Everything that the graph writer asks about a model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    pub(crate) layers: usize,
    pub(crate) hidden: usize,
    pub(crate) feed_forward: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_size: usize,
    pub(crate) context: usize,
    pub(crate) vocabulary: usize,
    pub(crate) epsilon: f32,
    /// Whether the output layer is the embedding.
    pub(crate) tied: bool,
    /// What embeddings are multiplied by.
    pub(crate) embedding_scale: Option<f32>,
    pub(crate) activation: Activation,
    /// Whether queries and keys are normalised head by head, before they are rotated.
    pub(crate) head_norms: bool,
    /// Whether a block's output is normalised too, before it is added to the residual stream.
    pub(crate) post_norms: bool,
    /// Whether transformers keeps the weights of norms less one. GGUF has them whole.
    pub(crate) norms_less_one: bool,
    /// Whether activations pass what `float16` holds.
    pub(crate) wide: bool,
    /// Whether the file has the rows of queries and keys interleaved, see [`super::rotary`].
    pub(crate) interleaved: bool,
    /// The linear layers that may have a bias, as the file names them.
    pub(crate) biases: &'static [&'static str],
    /// What the products of queries and keys are multiplied by.
    pub(crate) attention_scale: f32,
    /// Whether the file may have factors of the rotation's frequencies.
    pub(crate) frequency_factors: bool,
    /// Rotary embedding of layers that see everything.
    pub(crate) rotary: Rotary,
    /// Layers that see only the last positions, where there are any.
    pub(crate) sliding: Option<Sliding>,
}

/// The non-linearity of a feed-forward block's gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    /// `x · sigmoid(x)`.
    Silu,
    /// Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016, the approximation by tanh.
    GeluTanh,
}

/// Base and divisor of the rotation's frequencies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rotary {
    pub(crate) base: f32,
    /// Positions are divided by this (linear scaling).
    pub(crate) scale: f32,
}

/// How some layers are limited to the last positions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sliding {
    /// Positions that a token sees, itself included.
    pub(crate) window: usize,
    /// Every how many layers one sees everything, which is the last of them.
    pub(crate) period: usize,
    pub(crate) rotary: Rotary,
}

/// Longer caches of cosines would only take room: one for 128 Ki positions is 64 MB already.
pub(crate) const LONGEST_CONTEXT: usize = 1 << 17;
/// Known models have up to 512.
pub(crate) const LARGEST_HEAD: usize = 1024;

impl Shape {
    /// What all architectures have, with the settings of the plainest one.
    pub(super) fn read(keys: &Keys<'_>) -> Result<Self> {
        let gguf = keys.gguf();
        let heads = keys.required_extent("attention.head_count")?;
        let hidden = keys.required_extent("embedding_length")?;
        let head_size = keys.extent("attention.key_length")?.unwrap_or(hidden / heads);
        let epsilon = "attention.layer_norm_rms_epsilon";
        let shape = Self {
            layers: keys.required_extent("block_count")?,
            hidden,
            feed_forward: keys.required_extent("feed_forward_length")?,
            heads,
            kv_heads: keys.extent("attention.head_count_kv")?.unwrap_or(heads),
            head_size,
            context: keys.required_extent("context_length")?.min(LONGEST_CONTEXT),
            vocabulary: gguf.tensor("token_embd.weight").map_or(0, TensorInfo::rows),
            epsilon: gguf.metadata().required(&keys.name(epsilon), keys.positive(epsilon)?)?,
            tied: gguf.tensor("output.weight").is_none(),
            embedding_scale: None,
            activation: Activation::Silu,
            head_norms: false,
            post_norms: false,
            norms_less_one: false,
            wide: false,
            interleaved: false,
            frequency_factors: false,
            biases: &[],
            attention_scale: (head_size as f32).sqrt().recip(),
            rotary: Rotary {
                base: keys.positive("rope.freq_base")?.unwrap_or(10_000.0),
                scale: scale(keys)?,
            },
            sliding: None,
        };
        shape.checked(keys)
    }

    fn checked(self, keys: &Keys<'_>) -> Result<Self> {
        if !self.heads.is_multiple_of(self.kv_heads) {
            let problem = format!("is {}, which does not divide {} heads", self.kv_heads, self.heads);
            return Err(keys.error("attention.head_count_kv", problem));
        }
        if self.head_size == 0 || self.head_size > LARGEST_HEAD || !self.head_size.is_multiple_of(16) {
            return Err(keys.unsupported(format!("attention with heads of size {}", self.head_size)));
        }
        // Rows are allocated by these numbers, so the file must have the bytes to match.
        if let Some(embedding) = keys.gguf().tensor("token_embd.weight")
            && embedding.columns() != self.hidden
        {
            let problem = format!("is {}, and embeddings have {} numbers", self.hidden, embedding.columns());
            return Err(keys.error("embedding_length", problem));
        }
        // Layers are found by name: a count without tensors behind it would only take time and memory.
        if self.layers > keys.gguf().tensors().len() {
            return Err(keys.error("block_count", format!("is {}, more than there are tensors", self.layers)));
        }
        for key in ["attention.value_length", "rope.dimension_count"] {
            keys.refuse_extent(key, self.head_size)?;
        }
        keys.refuse_extent("expert_count", 0)?;
        for (key, neutral) in [
            ("rope.scaling.attn_factor", 1.0),
            ("attention.clamp_kqv", 0.0),
            ("attn_logit_softcapping", 0.0),
            ("final_logit_softcapping", 0.0),
            ("logit_scale", 1.0),
            ("residual_scale", 1.0),
            ("embedding_scale", 1.0),
        ] {
            keys.refuse_float(key, neutral)?;
        }
        let causal = keys.name("attention.causal");
        if keys.gguf().metadata().boolean(&causal)? == Some(false) {
            return Err(keys.unsupported(format!("`{causal}` of false")));
        }
        Ok(self)
    }

    /// Width of the packed projection: queries, keys and values side by side.
    pub(crate) fn packed_qkv(&self) -> usize {
        (self.heads + 2 * self.kv_heads) * self.head_size
    }

    /// The window of a layer, and none where it sees everything.
    pub(crate) fn window(&self, layer: usize) -> Option<usize> {
        self.sliding.filter(|s| layer % s.period + 1 < s.period).map(|s| s.window)
    }
}

/// What positions are divided by. As llama.cpp reads it, scaling is linear unless its type says otherwise.
fn scale(keys: &Keys<'_>) -> Result<f32> {
    let factor = match keys.float("rope.scaling.factor")? {
        None => ("rope.scale_linear", keys.float("rope.scale_linear")?),
        factor => ("rope.scaling.factor", factor),
    };
    match (keys.text("rope.scaling.type")?, factor) {
        (Some("none"), _) | (None | Some("linear"), (_, None | Some(0.0))) => Ok(1.0),
        (None | Some("linear"), (_, Some(factor))) if factor > 0.0 => Ok(factor),
        (None | Some("linear"), (key, Some(factor))) => Err(keys.error(key, format!("is {factor}"))),
        (Some(other), _) => Err(ExportError::UnsupportedFeature {
            path: keys.gguf().path().to_owned(),
            feature: format!("rotary scaling `{other}`"),
        }),
    }
}
