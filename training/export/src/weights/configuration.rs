//! `config.json` as Hugging Face's transformers writes it, up to version 5. In: JSON. Out: the shape of a decoder; a setting that would
//! change the arithmetic and is not known is refused by name. It must not know tensors.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::decoder::{
    Activation, LARGEST_EXTENT, LARGEST_HEAD, LLAMA_ATTENTION, LLAMA_BIASES, LLAMA_FEED_FORWARD,
    LONGEST_CONTEXT, Llama3, QKV, Rotary, Shape, Sliding,
};
use crate::error::{ExportError, Result};
use crate::folder::{Family, Scaling};

/// A model's configuration.
#[derive(Debug, Clone)]
pub(crate) struct Configuration {
    pub(crate) shape: Shape,
    pub(crate) family: Family,
    pub(crate) scaling: Option<Scaling>,
}

/// Settings that change the arithmetic unless they have the value beside them, or are absent or null.
const NEUTRAL: [(&str, f64); 6] = [
    ("partial_rotary_factor", 1.0),
    ("attn_logit_softcapping", 0.0),
    ("final_logit_softcapping", 0.0),
    ("logits_scaling", 1.0),
    ("residual_multiplier", 1.0),
    ("embedding_multiplier", 1.0),
];

/// Reads the configuration. `path` is what errors name.
pub(crate) fn read(path: &Path, json: &Value) -> Result<Configuration> {
    let keys = Keys { path: path.to_owned(), json };
    let model_type = json.get("model_type").and_then(Value::as_str);
    let model_type =
        model_type.ok_or_else(|| keys.error("`model_type` is missing or not a string".to_owned()))?;
    if keys.get("quantization_config").is_some() {
        return Err(keys.unsupported("weights that are quantised (`quantization_config`)"));
    }
    for (key, neutral) in NEUTRAL {
        if keys.float(key)?.is_some_and(|value| value != neutral) {
            return Err(keys.unsupported(&format!("another `{key}` than {neutral}")));
        }
    }
    let plain = plain(&keys)?;
    let (shape, family) = match model_type {
        // Mistral is Llama with a window, which the ones published since have left out.
        "llama" | "mistral" => {
            keys.without_window(model_type == "mistral")?;
            let attention = keys.flag("attention_bias")?;
            let biases = match (attention, keys.flag("mlp_bias")?) {
                (true, true) => LLAMA_BIASES,
                (true, false) => LLAMA_ATTENTION,
                (false, true) => LLAMA_FEED_FORWARD,
                (false, false) => &[],
            };
            (Shape { biases, ..plain }, Family::LLAMA)
        }
        "qwen2" => {
            keys.without_window(keys.flag("use_sliding_window")?)?;
            (Shape { biases: QKV, ..plain }, Family::QWEN2)
        }
        "qwen3" => {
            keys.without_window(keys.flag("use_sliding_window")?)?;
            let biases = if keys.flag("attention_bias")? { LLAMA_ATTENTION } else { &[] };
            (Shape { head_norms: true, biases, ..plain }, Family::QWEN3)
        }
        "gemma3_text" => (gemma3(&keys, plain)?, Family::GEMMA3),
        other => {
            return Err(ExportError::UnsupportedArchitecture {
                path: path.to_owned(),
                architecture: other.to_owned(),
            });
        }
    };
    let activation = keys.text("hidden_activation")?.or(keys.text("hidden_act")?);
    let expected = match shape.activation {
        Activation::Silu => "silu",
        Activation::GeluTanh => "gelu_pytorch_tanh",
    };
    if let Some(other) = activation.filter(|found| *found != expected) {
        return Err(keys.unsupported(&format!("activation `{other}` of a `{model_type}`")));
    }
    let parameters = keys.rotary("full_attention");
    let scaling = scaling(&keys, parameters)?;
    let mut shape = shape;
    if let Some(Scaling::Linear(factor)) = scaling {
        shape.rotary.scale = factor;
    }
    shape.frequency_factors = matches!(scaling, Some(Scaling::Llama3(_)));
    Ok(Configuration { shape, family, scaling })
}

/// What all architectures have.
fn plain(keys: &Keys<'_>) -> Result<Shape> {
    let heads = keys.required("num_attention_heads")?;
    let hidden = keys.required("hidden_size")?;
    let kv_heads = keys.extent("num_key_value_heads")?.unwrap_or(heads);
    let head_size = keys.extent("head_dim")?.unwrap_or(hidden / heads);
    if !heads.is_multiple_of(kv_heads) {
        let detail = format!("`num_key_value_heads` is {kv_heads}, which does not divide {heads} heads");
        return Err(keys.error(detail));
    }
    if head_size == 0 || head_size > LARGEST_HEAD || !head_size.is_multiple_of(16) {
        return Err(keys.unsupported(&format!("attention with heads of size {head_size}")));
    }
    let base = keys.positive("rope_theta", keys.json)?;
    let base = match base {
        None => {
            keys.rotary("full_attention").map(|own| keys.positive("rope_theta", own)).transpose()?.flatten()
        }
        base => base,
    };
    Ok(Shape {
        layers: keys.required("num_hidden_layers")?,
        hidden,
        feed_forward: keys.required("intermediate_size")?,
        heads,
        kv_heads,
        head_size,
        context: keys.required("max_position_embeddings")?.min(LONGEST_CONTEXT),
        vocabulary: keys.required("vocab_size")?,
        epsilon: keys.positive("rms_norm_eps", keys.json)?.unwrap_or(1e-6),
        tied: keys.flag("tie_word_embeddings")?,
        embedding_scale: None,
        activation: Activation::Silu,
        head_norms: false,
        post_norms: false,
        norms_less_one: false,
        wide: false,
        interleaved: false,
        biases: &[],
        attention_scale: (head_size as f32).sqrt().recip(),
        frequency_factors: false,
        rotary: Rotary { base: base.unwrap_or(10_000.0), scale: 1.0 },
        sliding: None,
    })
}

fn gemma3(keys: &Keys<'_>, plain: Shape) -> Result<Shape> {
    if keys.flag("attention_bias")? || keys.flag("use_bidirectional_attention")? {
        return Err(keys.unsupported("biases or attention to what follows, in a `gemma3_text`,"));
    }
    let scaled_by = keys.positive("query_pre_attn_scalar", keys.json)?.unwrap_or(256.0);
    let own = keys.rotary("sliding_attention").map(|own| keys.positive("rope_theta", own)).transpose()?;
    let base = keys.positive("rope_local_base_freq", keys.json)?.or(own.flatten()).unwrap_or(10_000.0);
    let window = keys.extent("sliding_window")?;
    let period = period(keys, plain.layers)?;
    let rotary = Rotary { base, scale: 1.0 };
    Ok(Shape {
        // Absent, it is what the class has: a model without an output layer of its own.
        tied: keys.get("tie_word_embeddings").is_none() || plain.tied,
        embedding_scale: Some((plain.hidden as f32).sqrt()),
        activation: Activation::GeluTanh,
        head_norms: true,
        post_norms: true,
        norms_less_one: true,
        wide: true,
        attention_scale: scaled_by.sqrt().recip(),
        sliding: window.map(|window| Sliding { window, period, rotary }),
        ..plain
    })
}

/// Every how many layers one sees everything.
fn period(keys: &Keys<'_>, layers: usize) -> Result<usize> {
    let Some(Value::Array(types)) = keys.get("layer_types") else {
        return Ok(keys.extent("sliding_window_pattern")?.unwrap_or(6));
    };
    let full = |kind: &Value| kind.as_str() == Some("full_attention");
    let period = types.iter().position(full).map_or(layers + 1, |at| at + 1);
    let regular = |(at, kind): (usize, &Value)| full(kind) == (at % period + 1 == period);
    match types.len() == layers && types.iter().enumerate().all(regular) {
        true => Ok(period),
        false => Err(keys.unsupported("an order of `layer_types` without a period")),
    }
}

fn scaling(keys: &Keys<'_>, parameters: Option<&Value>) -> Result<Option<Scaling>> {
    let Some(parameters) = parameters else { return Ok(None) };
    let kind = parameters.get("rope_type").or_else(|| parameters.get("type")).and_then(Value::as_str);
    let required = |key: &str| {
        let value = keys.positive(key, parameters)?;
        value.ok_or_else(|| keys.error(format!("`{key}` of the rotary scaling is missing")))
    };
    match kind {
        None | Some("default") => Ok(None),
        Some("linear") => Ok(Some(Scaling::Linear(required("factor")?))),
        Some("llama3") => Ok(Some(Scaling::Llama3(Llama3 {
            factor: required("factor")?,
            low: required("low_freq_factor")?,
            high: required("high_freq_factor")?,
            original: required("original_max_position_embeddings")? as usize,
        }))),
        Some(other) => Err(keys.unsupported(&format!("rotary scaling `{other}`"))),
    }
}

/// The keys of one file, with getters that say which is wrong.
struct Keys<'a> {
    path: PathBuf,
    json: &'a Value,
}

impl<'a> Keys<'a> {
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.json.get(key).filter(|value| !value.is_null())
    }

    fn error(&self, detail: String) -> ExportError {
        ExportError::Json { path: self.path.clone(), detail }
    }

    fn unsupported(&self, feature: &str) -> ExportError {
        ExportError::UnsupportedFeature { path: self.path.clone(), feature: feature.to_owned() }
    }

    /// A number of things, at least one.
    fn extent(&self, key: &str) -> Result<Option<usize>> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(n) if n > 0 && n <= LARGEST_EXTENT => Ok(Some(n as usize)),
                _ => Err(self.error(format!("`{key}` is {value}, not a number of things"))),
            },
        }
    }

    fn required(&self, key: &str) -> Result<usize> {
        self.extent(key)?.ok_or_else(|| self.error(format!("`{key}` is missing")))
    }

    fn float(&self, key: &str) -> Result<Option<f64>> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => {
                let number = value.as_f64().map(Some);
                number.ok_or_else(|| self.error(format!("`{key}` is {value}, not a number")))
            }
        }
    }

    fn positive(&self, key: &str, of: &Value) -> Result<Option<f32>> {
        match of.get(key).filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(value) => match value.as_f64().map(|number| number as f32) {
                Some(number) if number > 0.0 && number.is_finite() => Ok(Some(number)),
                _ => Err(self.error(format!("`{key}` is {value}, not a number above zero"))),
            },
        }
    }

    fn flag(&self, key: &str) -> Result<bool> {
        match self.get(key) {
            None => Ok(false),
            Some(value) => {
                value.as_bool().ok_or_else(|| self.error(format!("`{key}` is {value}, not true or false")))
            }
        }
    }

    fn text(&self, key: &str) -> Result<Option<&'a str>> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => {
                let text = value.as_str().map(Some);
                text.ok_or_else(|| self.error(format!("`{key}` is {value}, not a string")))
            }
        }
    }

    /// How positions are turned: of the whole model, or of its layers of a kind.
    fn rotary(&self, kind: &str) -> Option<&'a Value> {
        let parameters = self.get("rope_parameters").or_else(|| self.get("rope_scaling"))?;
        match parameters.get("full_attention").is_some() {
            true => parameters.get(kind).filter(|own| !own.is_null()),
            false => (kind == "full_attention").then_some(parameters),
        }
    }

    /// Refuses windows in a model that is known without them.
    fn without_window(&self, may_have: bool) -> Result<()> {
        if may_have && self.get("sliding_window").is_some() {
            return Err(self.unsupported("a `sliding_window`"));
        }
        let slides = |kind: &Value| kind.as_str() != Some("full_attention");
        match self.get("layer_types") {
            Some(Value::Array(types)) if types.iter().any(slides) => {
                Err(self.unsupported("`layer_types` other than `full_attention`"))
            }
            _ => Ok(()),
        }
    }
}
