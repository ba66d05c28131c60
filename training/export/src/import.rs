//! GGUF → model folder. In: the path of a GGUF file. Out: a folder that ONNX Runtime runs, in place whole.

use std::path::Path;

use serde_json::{Map, json};

use crate::decoder::{self, Activation, Role, Shape, tensors};
use crate::error::{ExportError, Result};
use crate::folder::{
    Description, Family, KvCache, MANIFEST_FILE, Manifest, Scaling, Source, Staging, config_json,
    file_sha256, genai_config_json, generation_config_json,
};
use crate::gguf::Gguf;
use crate::progress::{Progress, Report, Stage};
use crate::quantise::Quantisation;
use crate::tokenizer::Tokenizer;

/// How a model is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExportOptions {
    /// How weights are stored.
    pub quantisation: Quantisation,
    /// Whether linear layers take the optional inputs that adapters fill. Off by default: the nodes behind them cost
    /// time even when no adapter is used.
    pub adapters: bool,
}

impl From<Quantisation> for ExportOptions {
    fn from(quantisation: Quantisation) -> Self {
        Self { quantisation, adapters: false }
    }
}

/// Converts the GGUF file `source` to the model folder `target`, replacing what is there.
///
/// The architectures are [`ARCHITECTURES`](crate::ARCHITECTURES). The folder appears complete or not at all. Check
/// [`Manifest::is_current`] first to skip a conversion that has been done.
///
/// # Errors
/// Any [`ExportError`] but those about ONNX sources and adapters; `target` is then as it was.
pub fn gguf_to_onnx(
    source: &Path,
    target: &Path,
    options: impl Into<ExportOptions>,
    report: &mut Report<'_>,
) -> Result<Manifest> {
    let options = options.into();
    let gguf = Gguf::open(source)?;
    let (shape, family, tokenizer) = check(&gguf)?;
    refuse_wide(source, &shape, family, options)?;
    let origin = describe_source(source, report)?;

    let staging = Staging::new(target)?;
    decoder::write(&gguf, &shape, family.model_type, &options, staging.folder(), report)?;
    let element = options.quantisation.element();
    let scaling = (shape.rotary.scale != 1.0).then_some(Scaling::Linear(shape.rotary.scale));
    let description = describe(&gguf, &shape, family, element, scaling, &tokenizer);
    staging.write_json("genai_config.json", &genai_config_json(&description))?;
    write_texts(&staging, &description, &tokenizer)?;
    finish(staging, origin, options, KvCache::Shared, report)
}

/// Refuses `float16` of a model whose activations it does not hold.
pub(crate) fn refuse_wide(path: &Path, shape: &Shape, family: Family, options: ExportOptions) -> Result<()> {
    if options.quantisation != Quantisation::Fp16 || !shape.wide {
        return Ok(());
    }
    let family = family.model_type;
    let feature =
        format!("fp16 of `{family}`, whose activations pass 65504 (int8, int4 and fp32 hold them),");
    Err(ExportError::UnsupportedFeature { path: path.to_owned(), feature })
}

/// Writes what Hugging Face keeps beside weights.
pub(crate) fn write_texts(
    staging: &Staging,
    description: &Description,
    tokenizer: &Tokenizer<'_>,
) -> Result<()> {
    staging.write_json("config.json", &config_json(description))?;
    staging.write_json("generation_config.json", &generation_config_json(description))?;
    staging.write_json("tokenizer.json", &tokenizer.tokenizer_json())?;
    staging.write_json("tokenizer_config.json", &tokenizer.config_json(description.context))?;
    match tokenizer.chat_template {
        Some(template) => staging.write("chat_template.jinja", template),
        None => Ok(()),
    }
}

/// What the JSON files say of a GGUF file. `element` is the type of weights, as `config.json` names it.
pub(crate) fn describe(
    gguf: &Gguf,
    shape: &Shape,
    family: Family,
    element: &'static str,
    scaling: Option<Scaling>,
    tokenizer: &Tokenizer<'_>,
) -> Description {
    let has_bias = |role: Role| {
        tensors(shape).iter().any(|tensor| tensor.role == role && gguf.tensor(&tensor.name).is_some())
    };
    Description {
        attention_bias: has_bias(Role::AttentionBias),
        mlp_bias: has_bias(Role::FeedForwardBias),
        scaling,
        bos: tokenizer.bos,
        eos: tokenizer.eos.clone(),
        pad: tokenizer.pad,
        ..describe_shape(shape, family, element)
    }
}

/// What the JSON files say of a shape, without special tokens, biases or scaling.
pub(crate) fn describe_shape(shape: &Shape, family: Family, element: &'static str) -> Description {
    let mut own = Map::new();
    if let Some(sliding) = shape.sliding {
        own.insert("sliding_window".to_owned(), json!(sliding.window));
        own.insert("sliding_window_pattern".to_owned(), json!(sliding.period));
        own.insert("rope_local_base_freq".to_owned(), json!(sliding.rotary.base));
    }
    let activation = match shape.activation {
        Activation::Silu => "silu",
        Activation::GeluTanh => "gelu_pytorch_tanh",
    };
    if shape.post_norms {
        let scaled_by = shape.attention_scale.powi(-2).round();
        own.insert("hidden_activation".to_owned(), json!(activation));
        own.insert("query_pre_attn_scalar".to_owned(), json!(scaled_by));
    }
    Description {
        family,
        own,
        attention_bias: false,
        mlp_bias: false,
        activation,
        element,
        layers: shape.layers,
        hidden: shape.hidden,
        feed_forward: shape.feed_forward,
        heads: shape.heads,
        kv_heads: shape.kv_heads,
        head_size: shape.head_size,
        context: shape.context,
        vocabulary: shape.vocabulary,
        epsilon: shape.epsilon,
        rotary_base: shape.rotary.base,
        scaling: None,
        tied: shape.tied,
        bos: None,
        eos: Vec::new(),
        pad: None,
        position_ids: false,
        shared_kv_cache: true,
    }
}

/// Reads all but the weights, and refuses what cannot be converted before anything is written.
pub(crate) fn check(gguf: &Gguf) -> Result<(Shape, Family, Tokenizer<'_>)> {
    let (shape, family) = decoder::read(gguf)?;
    let tokenizer = Tokenizer::read(gguf)?;
    if tokenizer.len() > shape.vocabulary {
        return Err(ExportError::Tensor {
            path: gguf.path().to_owned(),
            tensor: "token_embd.weight".to_owned(),
            problem: format!("has {} rows for a vocabulary of {}", shape.vocabulary, tokenizer.len()),
        });
    }
    match gguf.tensors().iter().find(|tensor| !tensor.kind.is_supported()) {
        None => Ok((shape, family, tokenizer)),
        Some(tensor) => Err(ExportError::UnsupportedTensorType {
            path: gguf.path().to_owned(),
            tensor: tensor.name.clone(),
            kind: tensor.kind.to_string(),
        }),
    }
}

/// Whether [`gguf_to_onnx`] takes this model, as far as can be told without its weights.
///
/// # Errors
/// The one that [`gguf_to_onnx`] would return.
pub fn check_gguf(gguf: &Gguf) -> Result<()> {
    check(gguf).map(|_| ())
}

/// Hashes a source file.
pub(crate) fn describe_source(path: &Path, report: &mut Report<'_>) -> Result<Source> {
    let total = std::fs::metadata(path).map_err(ExportError::io("read", path))?.len();
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut done = 0;
    let sha256 = file_sha256(path, &mut |bytes| {
        done += bytes;
        report(Progress { stage: Stage::Hash, item: &file, done, total, bytes: done });
    })?;
    Ok(Source { file, bytes: total, sha256 })
}

/// Adds the manifest and puts the folder in place.
pub(crate) fn finish(
    staging: Staging,
    source: Source,
    options: ExportOptions,
    kv_cache: KvCache,
    report: &mut Report<'_>,
) -> Result<Manifest> {
    let manifest = Manifest::describe(staging.folder(), source, options, kv_cache, report)?;
    staging.write_json(MANIFEST_FILE, &manifest)?;
    staging.commit()?;
    Ok(manifest)
}

#[cfg(test)]
mod tests;
