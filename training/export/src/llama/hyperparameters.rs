//! Reads the numbers that fix a llama model's shape. In: metadata. Out: checked values; an unknown setting that
//! would change the arithmetic is refused by name.

use crate::error::{ExportError, Result};
use crate::gguf::Gguf;

/// The shape of a llama model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hyperparameters {
    pub(crate) layers: usize,
    pub(crate) hidden: usize,
    pub(crate) feed_forward: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_size: usize,
    pub(crate) context: usize,
    pub(crate) vocabulary: usize,
    pub(crate) epsilon: f32,
    pub(crate) rotary_base: f32,
    /// Positions are divided by this (linear rotary scaling).
    pub(crate) rotary_scale: f32,
    /// Whether the output layer is the embedding.
    pub(crate) tied: bool,
}

/// Longer caches of cosines would only take room: one for 128 Ki positions is 64 MB already.
const LONGEST_CONTEXT: usize = 1 << 17;
/// No model comes near, and products of two stay far from overflow.
const LARGEST_EXTENT: u64 = 1 << 24;

impl Hyperparameters {
    pub(crate) fn read(gguf: &Gguf) -> Result<Self> {
        let metadata = gguf.metadata();
        let architecture =
            metadata.required("general.architecture", metadata.text("general.architecture")?)?;
        if architecture != "llama" {
            return Err(ExportError::UnsupportedArchitecture {
                path: gguf.path().to_owned(),
                architecture: architecture.to_owned(),
            });
        }
        let optional = |key: &str| -> Result<Option<usize>> {
            match metadata.integer(key)? {
                Some(n) if n == 0 || n > LARGEST_EXTENT => Err(metadata.error(key, format!("is {n}"))),
                n => Ok(n.map(|n| n as usize)),
            }
        };
        let required = |key: &str| metadata.required(key, optional(key)?);

        let heads = required("llama.attention.head_count")?;
        let hidden = required("llama.embedding_length")?;
        let head_size = optional("llama.attention.key_length")?.unwrap_or(hidden / heads);
        let embedding = gguf.tensor("token_embd.weight").map_or(0, crate::gguf::TensorInfo::rows);
        let shape = Self {
            layers: required("llama.block_count")?,
            hidden,
            feed_forward: required("llama.feed_forward_length")?,
            heads,
            kv_heads: optional("llama.attention.head_count_kv")?.unwrap_or(heads),
            head_size,
            context: required("llama.context_length")?.min(LONGEST_CONTEXT),
            vocabulary: embedding,
            epsilon: {
                let key = "llama.attention.layer_norm_rms_epsilon";
                metadata.required(key, metadata.float(key)?)?
            },
            rotary_base: metadata.float("llama.rope.freq_base")?.unwrap_or(10_000.0),
            rotary_scale: 1.0,
            tied: gguf.tensor("output.weight").is_none(),
        };
        shape.with_rotary_scaling(gguf)?.checked(gguf)
    }

    fn with_rotary_scaling(mut self, gguf: &Gguf) -> Result<Self> {
        let metadata = gguf.metadata();
        match metadata.text("llama.rope.scaling.type")? {
            None | Some("none") => {
                if let Some(factor) = metadata.float("llama.rope.scale_linear")? {
                    self.rotary_scale = factor;
                }
            }
            Some("linear") => {
                let key = "llama.rope.scaling.factor";
                self.rotary_scale = metadata.required(key, metadata.float(key)?)?;
            }
            Some(other) => return Err(unsupported(gguf, format!("rotary scaling `{other}`"))),
        }
        if self.rotary_scale.is_nan() || self.rotary_scale <= 0.0 {
            return Err(metadata.error("llama.rope.scaling.factor", format!("is {}", self.rotary_scale)));
        }
        Ok(self)
    }

    fn checked(self, gguf: &Gguf) -> Result<Self> {
        let metadata = gguf.metadata();
        if !self.heads.is_multiple_of(self.kv_heads) {
            let problem = format!("is {}, which does not divide {} heads", self.kv_heads, self.heads);
            return Err(metadata.error("llama.attention.head_count_kv", problem));
        }
        if self.head_size == 0 || !self.head_size.is_multiple_of(16) {
            return Err(unsupported(gguf, format!("attention with heads of size {}", self.head_size)));
        }
        for key in ["llama.attention.value_length", "llama.rope.dimension_count"] {
            if metadata.integer(key)?.is_some_and(|n| n != self.head_size as u64) {
                return Err(unsupported(
                    gguf,
                    format!("`{key}` other than the head size {}", self.head_size),
                ));
            }
        }
        for key in ["llama.expert_count", "llama.attention.sliding_window"] {
            if metadata.integer(key)?.is_some_and(|n| n > 0) {
                return Err(unsupported(gguf, format!("`{key}`")));
            }
        }
        Ok(self)
    }

    /// Width of the packed projection: queries, keys and values side by side.
    pub(crate) fn packed_qkv(&self) -> usize {
        (self.heads + 2 * self.kv_heads) * self.head_size
    }
}

fn unsupported(gguf: &Gguf, feature: String) -> ExportError {
    ExportError::UnsupportedFeature { path: gguf.path().to_owned(), feature }
}
