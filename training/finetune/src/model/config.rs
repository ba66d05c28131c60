//! `config.json` of a weights folder, as far as computing needs it.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::error::ModelError;
use crate::backend::Heads;
use crate::layer::rotary::Stretch;

/// What `model_type` may be. They differ in biases alone.
pub const ARCHITECTURES: [&str; 3] = ["llama", "mistral", "qwen2"];

/// A decoder's shape, in Hugging Face's words.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Config {
    /// One of [`ARCHITECTURES`].
    pub model_type: String,
    /// Numbers in a hidden state.
    pub hidden_size: usize,
    /// Numbers between the products of an MLP.
    pub intermediate_size: usize,
    /// Blocks.
    pub num_hidden_layers: usize,
    /// Heads of queries.
    pub num_attention_heads: usize,
    /// Heads of keys and values; as of queries where it is not given.
    #[serde(default)]
    pub num_key_value_heads: Option<usize>,
    /// Numbers in a head; `hidden_size / num_attention_heads` where it is not given.
    #[serde(default)]
    pub head_dim: Option<usize>,
    /// Tokens.
    pub vocab_size: usize,
    /// Positions.
    #[serde(default = "default_positions")]
    pub max_position_embeddings: usize,
    /// Added to mean squares.
    #[serde(default = "default_epsilon")]
    pub rms_norm_eps: f64,
    /// Whether the output layer's weights are the embedding's.
    #[serde(default)]
    pub tie_word_embeddings: bool,
    #[serde(default)]
    rope_theta: Option<f64>,
    #[serde(default)]
    rope_scaling: Option<Value>,
    #[serde(default)]
    rope_parameters: Option<Value>,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default)]
    hidden_act: Option<String>,
    #[serde(default)]
    sliding_window: Option<usize>,
    #[serde(default)]
    use_sliding_window: Option<bool>,
}

fn default_positions() -> usize {
    2048
}

fn default_epsilon() -> f64 {
    1e-6
}

impl Config {
    /// Of a weights folder.
    ///
    /// # Errors
    /// When there is none, or it describes something that is not computed here.
    pub fn read(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join("config.json");
        let text = std::fs::read(&path).map_err(|source| ModelError::Read { path: path.clone(), source })?;
        let malformed = |error: serde_json::Error| ModelError::content(&path, error.to_string());
        let value: Value = serde_json::from_slice(&text).map_err(malformed)?;
        let architecture = value.get("model_type").and_then(Value::as_str).unwrap_or("none").to_owned();
        if !ARCHITECTURES.contains(&architecture.as_str()) {
            return Err(ModelError::Architecture { path, architecture });
        }
        let config: Self = serde_json::from_value(value).map_err(malformed)?;
        config.check().map_err(|what| ModelError::content(&path, what))?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let heads = self.heads();
        if heads.key == 0 || heads.query == 0 || !heads.query.is_multiple_of(heads.key) {
            return Err(format!("{} heads of queries cannot share {} of keys", heads.query, heads.key));
        }
        if heads.dimension == 0 || !heads.dimension.is_multiple_of(2) {
            return Err(format!("heads of {} numbers cannot be turned by their position", heads.dimension));
        }
        let sizes = [self.hidden_size, self.intermediate_size, self.num_hidden_layers, self.vocab_size];
        if sizes.contains(&0) {
            return Err("a size is 0".to_owned());
        }
        if self.hidden_act.as_deref().is_some_and(|activation| activation != "silu" && activation != "swish")
        {
            return Err(format!(
                "the activation `{}` is not computed here; known is silu",
                self.hidden_act.as_deref().unwrap_or_default()
            ));
        }
        if self.sliding_window.is_some_and(|window| window < self.max_position_embeddings)
            && self.use_sliding_window != Some(false)
        {
            return Err("a sliding window of attention is not computed here; take a model without".to_owned());
        }
        self.stretch().map(|_| ())
    }

    /// The heads.
    pub fn heads(&self) -> Heads {
        Heads {
            query: self.num_attention_heads,
            key: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            dimension: self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads.max(1)),
        }
    }

    /// What frequencies of rotary positions are powers of.
    pub fn theta(&self) -> f64 {
        let nested = self.rope_parameters.as_ref().and_then(|rope| rope.get("rope_theta")?.as_f64());
        self.rope_theta.or(nested).unwrap_or(10_000.0)
    }

    /// How the frequencies are stretched.
    pub(super) fn stretch(&self) -> Result<Stretch, String> {
        let Some(rope) =
            self.rope_scaling.as_ref().or(self.rope_parameters.as_ref()).filter(|rope| !rope.is_null())
        else {
            return Ok(Stretch::None);
        };
        let kind = rope.get("rope_type").or(rope.get("type")).and_then(Value::as_str).unwrap_or("default");
        let number = |key: &str| {
            rope.get(key)
                .and_then(Value::as_f64)
                .ok_or_else(|| format!("its rope scaling `{kind}` lacks `{key}`"))
        };
        match kind {
            "default" => Ok(Stretch::None),
            "linear" => Ok(Stretch::Linear(number("factor")?)),
            "llama3" => Ok(Stretch::Llama3 {
                factor: number("factor")?,
                low: number("low_freq_factor")?,
                high: number("high_freq_factor")?,
                original: number("original_max_position_embeddings")?,
            }),
            other => Err(format!(
                "the rope scaling `{other}` is not computed here; known are default, linear, llama3"
            )),
        }
    }

    /// Whether queries, keys and values have biases; whether what comes of attention has one; whether the MLP has.
    pub(super) fn biases(&self) -> (bool, bool, bool) {
        (self.attention_bias || self.model_type == "qwen2", self.attention_bias, self.mlp_bias)
    }
}
