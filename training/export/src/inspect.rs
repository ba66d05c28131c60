//! Looks at a model without running it. In: a GGUF file or a model folder. Out: the numbers that a person asks for.
//! Reads headers and JSON only; hashing a folder is a separate, explicit step.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{ExportError, Result};
use crate::folder::{Manifest, feed, hex};
use crate::gguf::Gguf;
use crate::onnx::schema::{EXTERNAL, GraphProto, data_type};
use crate::onnx::{self, CONTRIB, GRAPH_FILE, LORA_A, LORA_B};
use crate::progress::{Progress, Report, Stage};

/// What a GGUF file holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GgufSummary {
    /// `general.name`, or the file's name.
    pub name: String,
    /// `general.architecture`.
    pub architecture: String,
    /// Whether [`gguf_to_onnx`](crate::gguf_to_onnx) converts it; if not, why.
    pub problem: Option<String>,
    /// `general.license`, where stated.
    pub licence: Option<String>,
    /// Number of weights.
    pub parameters: u64,
    /// Transformer layers.
    pub layers: Option<u64>,
    /// Width of the residual stream.
    pub hidden: Option<u64>,
    /// Attention heads.
    pub heads: Option<u64>,
    /// Heads of keys and values.
    pub kv_heads: Option<u64>,
    /// Longest sequence, in tokens.
    pub context: Option<u64>,
    /// Tokens in the vocabulary.
    pub vocabulary: Option<u64>,
    /// The type that most weights have, as in `Q4_1`.
    pub quantisation: String,
    /// Type → number of tensors.
    pub tensor_kinds: BTreeMap<String, usize>,
    /// Number of tensors.
    pub tensors: usize,
    /// Size of the file.
    pub bytes: u64,
    /// Whether it carries a chat template.
    pub chat_template: bool,
}

/// Reads the header of a GGUF file. Costs milliseconds whatever the size.
///
/// # Errors
/// Those of [`Gguf::open`]. A file that is sound but cannot be converted is no error; see
/// [`GgufSummary::problem`].
pub fn inspect_gguf(path: &Path) -> Result<GgufSummary> {
    let gguf = Gguf::open(path)?;
    let metadata = gguf.metadata();
    let text = |key: &str| metadata.text(key).ok().flatten().map(str::to_owned);
    let architecture = text("general.architecture").unwrap_or_else(|| "unknown".to_owned());
    let number = |key: &str| metadata.integer(&format!("{architecture}.{key}")).ok().flatten();
    let (mut kinds, mut weights) = (BTreeMap::new(), BTreeMap::new());
    for tensor in gguf.tensors() {
        *kinds.entry(tensor.kind.to_string()).or_insert(0) += 1;
        *weights.entry(tensor.kind.to_string()).or_insert(0) += tensor.elements();
    }
    let most = weights.iter().max_by_key(|(_, elements)| **elements);
    Ok(GgufSummary {
        name: text("general.name").unwrap_or_else(|| file_name(path)),
        problem: crate::import::check(&gguf).err().map(|error| error.to_string()),
        licence: text("general.license"),
        parameters: gguf.tensors().iter().map(crate::gguf::TensorInfo::elements).sum(),
        layers: number("block_count"),
        hidden: number("embedding_length"),
        heads: number("attention.head_count"),
        kv_heads: number("attention.head_count_kv"),
        context: number("context_length"),
        vocabulary: match metadata.get("tokenizer.ggml.tokens") {
            Some(crate::gguf::Value::Array(tokens)) => Some(tokens.len() as u64),
            _ => number("vocab_size"),
        },
        quantisation: most.map_or_else(|| "none".to_owned(), |(kind, _)| kind.clone()),
        tensor_kinds: kinds,
        tensors: gguf.tensors().len(),
        bytes: fs::metadata(path).map_err(ExportError::io("read", path))?.len(),
        chat_template: metadata.get("tokenizer.chat_template").is_some(),
        architecture,
    })
}

/// What a model folder holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FolderSummary {
    /// The folder's name.
    pub name: String,
    /// `model_type` of `config.json`, as in `llama`.
    pub architecture: Option<String>,
    /// Transformer layers.
    pub layers: Option<u64>,
    /// Width of the residual stream.
    pub hidden: Option<u64>,
    /// Attention heads.
    pub heads: Option<u64>,
    /// Heads of keys and values.
    pub kv_heads: Option<u64>,
    /// Longest sequence, in tokens.
    pub context: Option<u64>,
    /// Tokens in the vocabulary.
    pub vocabulary: Option<u64>,
    /// How most weights are stored, read from the graph: `int8`, `int4`, `dynamic int8`, `fp16`, `fp32`.
    pub quantisation: String,
    /// The graph's inputs but for the KV cache and adapters.
    pub inputs: Vec<String>,
    /// Linear layers that adapters reach, see [`import_lora`](crate::import_lora).
    pub adapted_layers: usize,
    /// The graph, relative to the folder.
    pub graph: PathBuf,
    /// Every file with its size, ordered by name.
    pub files: Vec<(PathBuf, u64)>,
    /// Where the folder came from, when this crate wrote it.
    pub manifest: Option<Manifest>,
}

/// Reads the configuration and the graph of a model folder, whoever wrote it.
///
/// # Errors
/// [`ExportError::NoModel`] when there is no graph; [`ExportError::Onnx`] when it cannot be decoded;
/// [`ExportError::Json`] and [`ExportError::Io`] as their names say.
pub fn inspect_folder(folder: &Path) -> Result<FolderSummary> {
    let names = [GRAPH_FILE, "onnx/model.onnx", "onnx/model_quantized.onnx", "model_quantized.onnx"];
    let graph = names
        .iter()
        .map(PathBuf::from)
        .find(|name| folder.join(name).is_file())
        .ok_or_else(|| ExportError::NoModel { path: folder.to_owned(), expected: names.join(", ") })?;
    let model = onnx::load(&folder.join(&graph))?;
    let nodes = model.graph.as_ref();
    let inputs = nodes.iter().flat_map(|g| &g.input).map(|v| v.name().to_owned()).collect::<Vec<_>>();
    let of_adapters = |name: &str| name.ends_with(LORA_A) || name.ends_with(LORA_B);
    let config = read_config(folder)?;
    let number = |key: &str| config.get(key).and_then(Value::as_u64);
    Ok(FolderSummary {
        name: file_name(folder),
        architecture: config.get("model_type").and_then(Value::as_str).map(str::to_owned),
        layers: number("num_hidden_layers"),
        hidden: number("hidden_size"),
        heads: number("num_attention_heads"),
        kv_heads: number("num_key_value_heads"),
        context: number("max_position_embeddings"),
        vocabulary: number("vocab_size"),
        quantisation: nodes.map_or("unknown", quantisation).to_owned(),
        adapted_layers: inputs.iter().filter(|name| name.ends_with(LORA_A)).count(),
        inputs: inputs.into_iter().filter(|name| !name.starts_with("past") && !of_adapters(name)).collect(),
        graph,
        files: files(folder)?,
        manifest: Manifest::read(folder)?,
    })
}

/// The SHA-256 that identifies the model in `folder`: over its graph, then its data files in order of name. Equal
/// to [`Manifest::model_sha256`] unless the files have been changed.
///
/// # Errors
/// As [`inspect_folder`].
pub fn model_sha256(folder: &Path, report: &mut Report<'_>) -> Result<String> {
    let summary = inspect_folder(folder)?;
    let graph = folder.join(&summary.graph);
    let model = onnx::load(&graph)?;
    let outside = model.graph.iter().flat_map(|g| &g.initializer).filter(|t| t.data_location() == EXTERNAL);
    let mut paths = outside.map(|t| onnx::external_path(&graph, t)).collect::<Result<Vec<_>>>()?;
    paths.sort_unstable();
    paths.dedup();
    paths.insert(0, graph);
    let mut total = 0;
    for path in &paths {
        total += fs::metadata(path).map_err(ExportError::io("read", path))?.len();
    }
    let (mut digest, mut done) = (Sha256::new(), 0);
    for path in &paths {
        let item = file_name(path);
        feed(path, Some(&mut digest), &mut |bytes| {
            done += bytes;
            report(Progress { stage: Stage::Hash, item: &item, done, total, bytes: done });
        })?;
    }
    Ok(hex(digest))
}

fn quantisation(graph: &GraphProto) -> &'static str {
    let bits = |wanted: i64| {
        graph.node.iter().any(|node| {
            node.operator() == (CONTRIB, "MatMulNBits")
                && node.attribute("bits").map_or(4, |a| a.i()) == wanted
        })
    };
    let dynamic = ["MatMulInteger", "DynamicQuantizeMatMul", "MatMulIntegerToFloat"];
    if bits(4) {
        "int4"
    } else if bits(8) {
        "int8"
    } else if graph.node.iter().any(|node| dynamic.contains(&node.op_type())) {
        "dynamic int8"
    } else if graph.initializer.iter().any(|t| t.data_type() == data_type::FLOAT16 && t.dims.len() > 1) {
        "fp16"
    } else {
        "fp32"
    }
}

fn read_config(folder: &Path) -> Result<Value> {
    let path = folder.join("config.json");
    match fs::read(&path) {
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(Value::Null),
        Err(source) => Err(ExportError::io("read", &path)(source)),
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|source| ExportError::Json { path, detail: source.to_string() }),
    }
}

/// The files of `folder` and of its `onnx` subfolder.
fn files(folder: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let mut found = Vec::new();
    for part in ["", "onnx"] {
        let place = folder.join(part);
        if !place.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&place).map_err(ExportError::io("read", &place))? {
            let entry = entry.map_err(ExportError::io("read", &place))?;
            let metadata = entry.metadata().map_err(ExportError::io("read", &entry.path()))?;
            if metadata.is_file() {
                found.push((Path::new(part).join(entry.file_name()), metadata.len()));
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
    name.unwrap_or_else(|| path.display().to_string())
}
