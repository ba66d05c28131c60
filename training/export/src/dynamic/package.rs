//! An unpacked ONNX model package as hub repositories lay it out. In: a folder. Out: its graph, its description,
//! and the files to copy. It must not know quantisation.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::{ExportError, Result};
use crate::folder::{Description, Family, Staging, config_json, genai_config_json, generation_config_json};
use crate::onnx::schema::ModelProto;

/// Where a quantised graph may be, best first.
const GRAPHS: [&str; 6] = [
    "onnx/model_quantized.onnx",
    "model_quantized.onnx",
    "onnx/model_int8.onnx",
    "model_int8.onnx",
    "onnx/model.onnx",
    "model.onnx",
];
/// Copied as they are where the package has them.
const COPIED: [&str; 5] = [
    "config.json",
    "generation_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
];

pub(super) struct Package {
    folder: PathBuf,
    pub(super) graph: PathBuf,
    config: Value,
}

impl Package {
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let graph = GRAPHS.iter().map(|name| folder.join(name)).find(|path| path.is_file());
        let graph = graph
            .ok_or_else(|| ExportError::NoModel { path: folder.to_owned(), expected: GRAPHS.join(", ") })?;
        let config = read_json(&folder.join("config.json"))?;
        Ok(Self { folder: folder.to_owned(), graph, config })
    }

    /// What `config.json` says, with the defaults of Hugging Face's `LlamaConfig`.
    pub(super) fn describe(&self, model: &ModelProto) -> Result<Description> {
        let path = self.folder.join("config.json");
        let number = |key: &str| self.config.get(key).and_then(Value::as_u64);
        let required = |key: &str| {
            number(key).filter(|&n| n > 0).map(|n| n as usize).ok_or_else(|| ExportError::Json {
                path: path.clone(),
                detail: format!("`{key}` is missing or not a positive number"),
            })
        };
        let float =
            |key: &str, default: f64| self.config.get(key).and_then(Value::as_f64).unwrap_or(default) as f32;
        let (heads, hidden) = (required("num_attention_heads")?, required("hidden_size")?);
        let eos = match self.config.get("eos_token_id") {
            Some(Value::Array(ids)) => ids.iter().filter_map(Value::as_u64).collect(),
            other => other.and_then(Value::as_u64).into_iter().collect(),
        };
        let inputs = model.graph.iter().flat_map(|g| &g.input);
        Ok(Description {
            family: Family::LLAMA,
            own: Map::new(),
            attention_bias: false,
            mlp_bias: false,
            activation: "silu",
            element: "float32",
            layers: required("num_hidden_layers")?,
            hidden,
            feed_forward: required("intermediate_size")?,
            heads,
            kv_heads: number("num_key_value_heads").map_or(heads, |n| n as usize),
            head_size: number("head_dim").map_or(hidden / heads, |n| n as usize),
            context: required("max_position_embeddings")?,
            vocabulary: required("vocab_size")?,
            epsilon: float("rms_norm_eps", 1e-6),
            rotary_base: float("rope_theta", 10_000.0),
            scaling: None,
            tied: self.config.get("tie_word_embeddings").and_then(Value::as_bool).unwrap_or(false),
            bos: number("bos_token_id"),
            eos,
            pad: number("pad_token_id"),
            position_ids: inputs.into_iter().any(|input| input.name() == "position_ids"),
            shared_kv_cache: false,
        })
    }

    /// Writes the files beside the graph: copies where the package has them, else derived from the description.
    pub(super) fn copy_to(&self, staging: &Staging, description: &Description) -> Result<()> {
        let tokenizer = self.folder.join("tokenizer.json");
        staging.copy(&tokenizer, "tokenizer.json")?;
        for name in COPIED.iter().filter(|name| self.folder.join(name).is_file()) {
            staging.copy(&self.folder.join(name), name)?;
        }
        let absent = |name: &str| !staging.folder().join(name).exists();
        if absent("config.json") {
            staging.write_json("config.json", &config_json(description))?;
        }
        if absent("generation_config.json") {
            staging.write_json("generation_config.json", &generation_config_json(description))?;
        }
        let tokenizer_config = self.folder.join("tokenizer_config.json");
        if absent("chat_template.jinja") && tokenizer_config.is_file() {
            let config = read_json(&tokenizer_config)?;
            if let Some(template) = config.get("chat_template").and_then(Value::as_str) {
                staging.write("chat_template.jinja", template)?;
            }
        }
        staging.write_json("genai_config.json", &genai_config_json(description))
    }
}

fn read_json(path: &Path) -> Result<Value> {
    let bytes = fs::read(path).map_err(ExportError::io("read", path))?;
    serde_json::from_slice(&bytes)
        .map_err(|source| ExportError::Json { path: path.to_owned(), detail: source.to_string() })
}
