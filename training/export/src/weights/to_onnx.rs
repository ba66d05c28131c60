//! Weights folder → model folder. In: the path of a weights folder. Out: a folder that ONNX Runtime runs, in place whole.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::CONFIG_FILE;
use super::folder::WeightsFolder;
use crate::decoder;
use crate::error::{ExportError, Result};
use crate::folder::{Description, KvCache, Manifest, Staging, genai_config_json};
use crate::import::{ExportOptions, describe_shape, finish, refuse_wide};
use crate::progress::Report;

/// Copied as they are where the folder has them.
const COPIED: [&str; 4] =
    ["generation_config.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"];
const TOKENIZER: &str = "tokenizer.json";

/// Converts the weights folder `source`, as Hugging Face's transformers and this crate write it, to the model folder `target`, replacing
/// what is there. Tensors may be in one safetensors file or in several, in `float32`, `bfloat16` or `float16`.
///
/// The graph is the one that [`gguf_to_onnx`](crate::gguf_to_onnx) writes of the same model.
///
/// # Errors
/// [`ExportError::NoModel`], [`ExportError::Json`], [`ExportError::Safetensors`] and [`ExportError::Tensor`] when the folder is incomplete
/// or damaged, [`ExportError::UnsupportedArchitecture`] and [`ExportError::UnsupportedFeature`] for what no graph can be written of,
/// [`ExportError::Io`] when a file cannot be read or written. `target` is then as it was.
pub fn weights_to_onnx(
    source: &Path,
    target: &Path,
    options: impl Into<ExportOptions>,
    report: &mut Report<'_>,
) -> Result<Manifest> {
    let options = options.into();
    let folder = WeightsFolder::open(source)?;
    refuse_wide(source, &folder.shape, folder.family, options)?;
    let tokenizer = source.join(TOKENIZER);
    if !tokenizer.is_file() {
        return Err(ExportError::NoModel { path: source.to_owned(), expected: TOKENIZER.to_owned() });
    }
    let texts = Texts::read(source, &folder)?;
    let origin = folder.describe(report)?;

    let staging = Staging::new(target)?;
    let name = folder.family.model_type;
    decoder::write(&folder, &folder.shape, name, &options, staging.folder(), report)?;
    staging.copy(&tokenizer, TOKENIZER)?;
    texts.write(source, &staging, &folder, options)?;
    finish(staging, origin, options, KvCache::Shared, report)
}

/// What JSON files say of special tokens.
struct Texts {
    generation: Value,
    template: Option<String>,
}

impl Texts {
    fn read(source: &Path, folder: &WeightsFolder) -> Result<Self> {
        let own = read_json(&source.join("generation_config.json"))?;
        let key = |key: &str| own.get(key).or_else(|| folder.config.get(key)).cloned();
        let generation = json!({
            "bos_token_id": key("bos_token_id"),
            "eos_token_id": key("eos_token_id"),
            "pad_token_id": key("pad_token_id"),
        });
        let tokenizer = read_json(&source.join("tokenizer_config.json"))?;
        let template = tokenizer.get("chat_template").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { generation, template })
    }

    fn write(
        &self,
        source: &Path,
        staging: &Staging,
        folder: &WeightsFolder,
        options: ExportOptions,
    ) -> Result<()> {
        for name in COPIED.iter().filter(|name| source.join(name).is_file()) {
            staging.copy(&source.join(name), name)?;
        }
        let absent = |name: &str| !staging.folder().join(name).exists();
        if absent("generation_config.json") {
            staging.write_json("generation_config.json", &self.generation)?;
        }
        if let Some(template) = self.template.as_ref().filter(|_| absent("chat_template.jinja")) {
            staging.write("chat_template.jinja", template)?;
        }
        let mut config = folder.config.clone();
        if let Value::Object(config) = &mut config {
            config.remove("dtype");
            config.insert("torch_dtype".to_owned(), json!(options.quantisation.element()));
        }
        staging.write_json(CONFIG_FILE, &config)?;
        let number = |key: &str| self.generation.get(key).and_then(Value::as_u64);
        let eos = match self.generation.get("eos_token_id") {
            Some(Value::Array(ids)) => ids.iter().filter_map(Value::as_u64).collect(),
            other => other.and_then(Value::as_u64).into_iter().collect(),
        };
        let (shape, family) = (&folder.shape, folder.family);
        staging.write_json(
            "genai_config.json",
            &genai_config_json(&Description {
                bos: number("bos_token_id"),
                eos,
                pad: number("pad_token_id"),
                ..describe_shape(shape, family, options.quantisation.element())
            }),
        )
    }
}

/// A JSON file, or null where it is not there.
fn read_json(path: &Path) -> Result<Value> {
    match fs::read(path) {
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(Value::Null),
        Err(source) => Err(ExportError::io("read", path)(source)),
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|source| ExportError::Json { path: path.to_owned(), detail: source.to_string() }),
    }
}
