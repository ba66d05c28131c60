//! Dynamically quantised ONNX → model folder with `f32` MatMuls. In: an unpacked model package. Out: a model folder.
//!
//! ONNX Runtime's dynamic quantiser gives every activation tensor one scale. A few outliers in a small language
//! model then take all the precision, and it answers badly, although its 8-bit weights are fine. This undoes the
//! activation side and leaves everything else, such as a quantised embedding, as it was.

mod package;
mod rewrite;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::Path;

use prost::Message;

use crate::error::{ExportError, Result};
use crate::folder::{KvCache, Manifest, Staging};
use crate::import::{describe_source, finish};
use crate::onnx::schema::{EXTERNAL, ModelProto};
use crate::onnx::{self, DATA_FILE, DataFile, GRAPH_FILE};
use crate::progress::{Progress, Report, Stage};
use crate::quantise::Quantisation;
use package::Package;

/// Rewrites the dynamically quantised model in the folder `source` and writes the model folder `target`, replacing
/// what is there. `source` is laid out as hub repositories are: configuration and tokenizer at the top, the graph
/// there or in `onnx/`.
///
/// Each `DynamicQuantizeLinear → MatMulInteger → Cast → Mul` becomes one `MatMul` with `f32` weights; node names
/// play no part, so any model from that quantiser will do.
///
/// # Errors
/// [`ExportError::NoModel`] and [`ExportError::Json`] when the package is incomplete, [`ExportError::Onnx`] and
/// [`ExportError::InvalidOnnx`] when its graph is damaged, [`ExportError::NothingToDequantise`] when the graph has
/// no such pattern, [`ExportError::Io`] when a file cannot be read or written. `target` is then as it was.
pub fn dequantise_onnx(source: &Path, target: &Path, report: &mut Report<'_>) -> Result<Manifest> {
    let package = Package::open(source)?;
    let mut model = onnx::load(&package.graph)?;
    let description = package.describe(&model)?;
    let origin = describe_source(&package.graph, report)?;

    let staging = Staging::new(target)?;
    let mut data = DataFile::create(staging.folder(), DATA_FILE)?;
    let written = rewrite::dequantise(&package.graph, &mut model, &mut data, report)?;
    if written.is_empty() {
        return Err(ExportError::NothingToDequantise { path: package.graph });
    }
    move_outside(&package.graph, &mut model, &written, &mut data)?;
    data.finish()?;
    staging.write(GRAPH_FILE, model.encode_to_vec())?;
    package.copy_to(&staging, &description)?;
    finish(staging, origin, Quantisation::Fp32.into(), KvCache::Growing, report)
}

/// Moves the initializers that are not in the data file yet to it.
fn move_outside(
    path: &Path,
    model: &mut ModelProto,
    written: &HashSet<String>,
    data: &mut DataFile,
) -> Result<()> {
    let Some(graph) = &mut model.graph else { return Ok(()) };
    for tensor in graph.initializer.iter_mut().filter(|t| !written.contains(t.name())) {
        // Values in typed fields are scalars and shapes, which stay in the graph.
        if tensor.raw_data.is_none() && tensor.data_location() != EXTERNAL {
            continue;
        }
        let bytes = onnx::tensor_bytes(path, tensor)?;
        let dims = tensor.dims.iter().map(|&d| d as usize).collect::<Vec<_>>();
        let moved = data.tensor(tensor.name(), tensor.data_type(), &dims, bytes)?;
        tensor.raw_data = moved.raw_data;
        tensor.external_data = moved.external_data;
        tensor.data_location = moved.data_location;
    }
    Ok(())
}

/// Tells of tensor `done` of `total`.
fn tell(report: &mut Report<'_>, item: &str, done: usize, total: usize, data: &DataFile) {
    let (done, total) = (done as u64, total as u64);
    report(Progress { stage: Stage::Tensors, item, done, total, bytes: data.offset() });
}
