//! GGUF → model folder. In: the path of a GGUF file. Out: a folder that ONNX Runtime runs, in place whole.

use std::path::Path;

use crate::error::{ExportError, Result};
use crate::folder::{
    Description, KvCache, MANIFEST_FILE, Manifest, Source, Staging, config_json, file_sha256,
    genai_config_json, generation_config_json,
};
use crate::gguf::Gguf;
use crate::llama::{self, Hyperparameters};
use crate::progress::{Progress, Report, Stage};
use crate::quantise::Quantisation;
use crate::tokenizer::Tokenizer;

/// Converts the GGUF file `source` to the model folder `target`, replacing what is there.
///
/// Architecture `llama` with a byte-level BPE vocabulary is supported. The folder appears complete or not at all.
/// Check [`Manifest::is_current`] first to skip a conversion that has been done.
///
/// # Errors
/// Any [`ExportError`] but those about ONNX sources; `target` is then as it was.
pub fn gguf_to_onnx(
    source: &Path,
    target: &Path,
    quantisation: Quantisation,
    report: &mut Report<'_>,
) -> Result<Manifest> {
    let gguf = Gguf::open(source)?;
    let (shape, tokenizer) = check(&gguf)?;
    let origin = describe_source(source, report)?;

    let staging = Staging::new(target)?;
    llama::write(&gguf, &shape, quantisation, staging.folder(), report)?;
    let description = Description {
        layers: shape.layers,
        hidden: shape.hidden,
        feed_forward: shape.feed_forward,
        heads: shape.heads,
        kv_heads: shape.kv_heads,
        head_size: shape.head_size,
        context: shape.context,
        vocabulary: shape.vocabulary,
        epsilon: shape.epsilon,
        rotary_base: shape.rotary_base,
        rotary_scale: shape.rotary_scale,
        tied: shape.tied,
        bos: tokenizer.bos,
        eos: tokenizer.eos.clone(),
        pad: tokenizer.pad,
        position_ids: false,
        shared_kv_cache: true,
    };
    staging.write_json("config.json", &config_json(&description))?;
    staging.write_json("genai_config.json", &genai_config_json(&description))?;
    staging.write_json("generation_config.json", &generation_config_json(&description))?;
    staging.write_json("tokenizer.json", &tokenizer.tokenizer_json())?;
    staging.write_json("tokenizer_config.json", &tokenizer.config_json(shape.context))?;
    if let Some(template) = tokenizer.chat_template {
        staging.write("chat_template.jinja", template)?;
    }
    finish(staging, origin, quantisation.to_string(), KvCache::Shared, report)
}

/// Reads all but the weights, and refuses what cannot be converted before anything is written.
pub(crate) fn check(gguf: &Gguf) -> Result<(Hyperparameters, Tokenizer<'_>)> {
    let shape = Hyperparameters::read(gguf)?;
    let tokenizer = Tokenizer::read(gguf)?;
    if tokenizer.len() > shape.vocabulary {
        return Err(ExportError::Tensor {
            path: gguf.path().to_owned(),
            tensor: "token_embd.weight".to_owned(),
            problem: format!("has {} rows for a vocabulary of {}", shape.vocabulary, tokenizer.len()),
        });
    }
    match gguf.tensors().iter().find(|tensor| !tensor.kind.is_supported()) {
        None => Ok((shape, tokenizer)),
        Some(tensor) => Err(ExportError::UnsupportedTensorType {
            path: gguf.path().to_owned(),
            tensor: tensor.name.clone(),
            kind: tensor.kind.to_string(),
        }),
    }
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
    quantisation: String,
    kv_cache: KvCache,
    report: &mut Report<'_>,
) -> Result<Manifest> {
    let manifest = Manifest::describe(staging.folder(), source, quantisation, kv_cache, report)?;
    staging.write_json(MANIFEST_FILE, &manifest)?;
    staging.commit()?;
    Ok(manifest)
}

#[cfg(test)]
mod tests;
