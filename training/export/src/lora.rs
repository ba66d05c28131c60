//! LoRA adapters: from what PEFT saves to the file that ONNX Runtime's adapter API loads, or into the weights. In: a folder with
//! `adapter_config.json` and `adapter_model.safetensors`, and the model that it is for. Out: one `.onnx_adapter` file, or a
//! weights folder.
//!
//! Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021: a layer computes `x·W + (alpha / rank)·x·A·B`.
//! The factor is folded into `B`, so that the graph only multiplies.

mod adapter_file;
mod files;
mod layers;
mod merge;
mod peft;
#[cfg(test)]
pub(crate) mod tests;

use std::path::Path;

use serde::Serialize;

pub(crate) use files::AdapterFiles;
pub use merge::merge_lora;
pub(crate) use peft::Change;
pub use peft::PeftAdapter;

use crate::error::{ExportError, Result};
use crate::folder::{bytes_sha256, replace_files};
use adapter_file::Parameter;
use layers::Layers;

/// What an imported adapter is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AdapterSummary {
    /// Linear layers that it changes.
    pub layers: usize,
    /// The largest rank among them.
    pub rank: usize,
    /// The size of the written file.
    pub bytes: u64,
    /// The SHA-256 of the written file, in lower-case hexadecimal.
    pub sha256: String,
}

/// Turns the PEFT adapter in the folder `source` into the file `target`, for the model folder `model`, which must have
/// been exported with [`ExportOptions::adapters`](crate::ExportOptions::adapters).
///
/// Every tensor of the adapter is used, or the adapter is refused.
///
/// # Errors
/// [`ExportError::NoAdapterInputs`] when the model takes none; [`ExportError::Json`] and [`ExportError::Safetensors`]
/// when a file is malformed; [`ExportError::UnsupportedAdapter`] when the adapter has another shape than the model,
/// changes what the model does not let adapters change, or is no plain LoRA; [`ExportError::Io`] when a file cannot be
/// read or written. `target` is then as it was.
pub fn import_lora(source: &Path, model: &Path, target: &Path) -> Result<AdapterSummary> {
    let layers = Layers::of(model)?;
    let files = AdapterFiles::read(source)?;
    let adapter = files.parse()?;
    let parameters = parameters(source, &adapter, &layers)?;
    let bytes = adapter_file::encode(source, &parameters)?;

    replace_files(&[(target, &bytes)])?;
    Ok(AdapterSummary {
        layers: adapter.len(),
        rank: adapter.rank(),
        bytes: bytes.len() as u64,
        sha256: bytes_sha256(&bytes),
    })
}

/// What the graph's inputs are given, layer by layer.
fn parameters(source: &Path, adapter: &PeftAdapter<'_>, layers: &Layers) -> Result<Vec<Parameter>> {
    let refuse = |detail: String| ExportError::UnsupportedAdapter { path: source.to_owned(), detail };
    let mut parameters = Vec::with_capacity(2 * adapter.len());
    for change in adapter.changes() {
        let name = layers::name_in_graph(&change.module).ok_or_else(|| {
            refuse(format!("it changes `{}`, which is no layer that adapters reach", change.module))
        })?;
        let layer = layers.find(&name).ok_or_else(|| {
            refuse(format!("it changes `{}`, and the model has no `{name}`", change.module))
        })?;
        let (found, wanted) = ((change.columns, change.rows), (layer.columns, layer.rows));
        if found != wanted {
            let module = &change.module;
            let detail = format!(
                "`{module}` is from {} to {} numbers, in the model from {} to {}",
                found.0, found.1, wanted.0, wanted.1
            );
            return Err(refuse(detail));
        }
        for (half, values, dims) in [
            (crate::onnx::LORA_A, change.down(), [change.columns, change.rank]),
            (crate::onnx::LORA_B, change.up(), [change.rank, change.rows]),
        ] {
            let data = layer.encode(&values).ok_or_else(|| {
                refuse(format!("`{}` holds numbers that are not finite in the model's type", change.module))
            })?;
            parameters.push(Parameter { name: format!("{name}.{half}"), dims, element: layer.element, data });
        }
    }
    Ok(parameters)
}
