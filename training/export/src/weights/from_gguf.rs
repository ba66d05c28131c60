//! GGUF → weights folder. In: the path of a GGUF file. Out: the same numbers under the names, and in the order of rows, that
//! Hugging Face's transformers has.

use std::path::Path;

use super::names::to_transformers;
use super::tensor_file::TensorFile;
use super::{Element, WEIGHTS_FILE};
use crate::decoder::{FACTORS, Llama3, Role, Shape, interleaved_row, tensors};
use crate::error::{ExportError, Result};
use crate::folder::{MANIFEST_FILE, Scaling, Staging, WeightsManifest};
use crate::gguf::Gguf;
use crate::import::{check, describe, describe_source, write_texts};
use crate::progress::{Progress, Report, Stage};

/// Writes the GGUF file `source` as the weights folder `target`, replacing what is there.
///
/// Quantised weights are written as the numbers that they stand for: training and other exports go on from there. The architectures
/// are [`ARCHITECTURES`](crate::ARCHITECTURES). The folder appears complete or not at all.
///
/// # Errors
/// Those of [`gguf_to_onnx`](crate::gguf_to_onnx), and [`ExportError::UnsupportedFeature`] for what `config.json` cannot say, or
/// `element` not hold; `target` is then as it was.
pub fn gguf_to_weights(
    source: &Path,
    target: &Path,
    element: Element,
    report: &mut Report<'_>,
) -> Result<WeightsManifest> {
    let gguf = Gguf::open(source)?;
    let (shape, family, tokenizer) = check(&gguf)?;
    let scaling = scaling(&gguf, &shape)?;
    let planned = plan(&gguf, &shape)?;
    let origin = describe_source(source, report)?;

    let staging = Staging::new(target)?;
    write(&gguf, &shape, &planned, element, &staging.folder().join(WEIGHTS_FILE), report)?;
    let description = describe(&gguf, &shape, family, element.name(), scaling, &tokenizer);
    write_texts(&staging, &description, &tokenizer)?;
    let manifest = WeightsManifest::describe(staging.folder(), origin, None, element, report)?;
    staging.write_json(MANIFEST_FILE, &manifest)?;
    staging.commit()?;
    Ok(manifest)
}

/// A tensor to be written.
struct Planned {
    name: String,
    /// The tensor in GGUF; none where transformers has a bias that the file leaves out, which is zero.
    source: Option<String>,
    rows: usize,
    columns: usize,
    is_vector: bool,
    /// Whether rows, or elements of a vector, are in GGUF's order.
    is_turned: bool,
    /// What GGUF has added.
    offset: f32,
}

/// What to write, in order of name; refuses a file that lacks a tensor or has one that nobody knows.
fn plan(gguf: &Gguf, shape: &Shape) -> Result<Vec<Planned>> {
    let error = |tensor: &str, problem: String| ExportError::Tensor {
        path: gguf.path().to_owned(),
        tensor: tensor.to_owned(),
        problem,
    };
    let expected = tensors(shape);
    let known = |name: &str| name == FACTORS || expected.iter().any(|tensor| tensor.name == name);
    if let Some(unknown) = gguf.tensors().iter().find(|tensor| !known(&tensor.name)) {
        return Err(error(&unknown.name, "is not part of this architecture as known here".to_owned()));
    }
    let has =
        |role: Role| expected.iter().any(|tensor| tensor.role == role && gguf.tensor(&tensor.name).is_some());
    let (attention_bias, feed_forward_bias) = (has(Role::AttentionBias), has(Role::FeedForwardBias));
    let mut planned = Vec::with_capacity(expected.len());
    for tensor in &expected {
        let found = gguf.tensor(&tensor.name);
        match tensor.role {
            Role::AttentionBias if !attention_bias => continue,
            Role::FeedForwardBias if !feed_forward_bias => continue,
            Role::Matrix | Role::Norm if found.is_none() => {
                return Err(error(&tensor.name, "is missing".to_owned()));
            }
            _ => {}
        }
        let (rows, columns) = (tensor.rows, tensor.columns);
        if let Some(found) = found.filter(|found| (found.rows(), found.columns()) != (rows, columns)) {
            let problem = format!("has shape {:?}, not {rows} rows of {columns}", found.shape);
            return Err(error(&tensor.name, problem));
        }
        let name = to_transformers(&tensor.name, shape.post_norms);
        planned.push(Planned {
            name: name.ok_or_else(|| error(&tensor.name, "has no name in transformers".to_owned()))?,
            source: found.map(|found| found.name.clone()),
            rows,
            columns,
            is_vector: tensor.is_vector,
            is_turned: tensor.is_turned && shape.interleaved,
            offset: if shape.norms_less_one && tensor.role == Role::Norm { 1.0 } else { 0.0 },
        });
    }
    planned.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(planned)
}

fn write(
    gguf: &Gguf,
    shape: &Shape,
    planned: &[Planned],
    element: Element,
    path: &Path,
    report: &mut Report<'_>,
) -> Result<()> {
    let extents = planned.iter().map(|tensor| {
        let dims = if tensor.is_vector { vec![tensor.columns] } else { vec![tensor.rows, tensor.columns] };
        (tensor.name.clone(), dims)
    });
    let mut file = TensorFile::create(path, element, &extents.collect::<Vec<_>>())?;
    let all = file.left();
    let mut row = Vec::new();
    for (done, tensor) in planned.iter().enumerate() {
        report(Progress {
            stage: Stage::Tensors,
            item: &tensor.name,
            done: done as u64,
            total: planned.len() as u64,
            bytes: (all - file.left()) as u64,
        });
        row.resize(tensor.columns, 0.0);
        let Some(info) = tensor.source.as_deref().and_then(|source| gguf.tensor(source)) else {
            row.fill(0.0);
            file.append(&tensor.name, &row)?;
            continue;
        };
        let data = gguf.read(info)?;
        let order = |at: usize| if tensor.is_turned { interleaved_row(at, shape.head_size) } else { at };
        for at in 0..tensor.rows {
            data.row(if tensor.is_vector { at } else { order(at) }, &mut row);
            if tensor.is_vector && tensor.is_turned {
                row = (0..tensor.columns).map(|at| row[order(at)]).collect();
            }
            if tensor.offset != 0.0 {
                row.iter_mut().for_each(|value| *value -= tensor.offset);
            }
            file.append(&tensor.name, &row)?;
        }
    }
    let total = planned.len() as u64;
    report(Progress { stage: Stage::Tensors, item: "", done: total, total, bytes: all as u64 });
    file.finish()
}

/// How `config.json` puts what the file says of scaled positions.
fn scaling(gguf: &Gguf, shape: &Shape) -> Result<Option<Scaling>> {
    let scale = shape.rotary.scale;
    let Some(info) = gguf.tensor(FACTORS).filter(|_| shape.frequency_factors) else {
        return Ok((scale != 1.0).then_some(Scaling::Linear(scale)));
    };
    let refuse = |feature: String| ExportError::UnsupportedFeature { path: gguf.path().to_owned(), feature };
    if (info.rows(), info.columns()) != (1, shape.head_size / 2) || scale != 1.0 {
        return Err(refuse(format!(
            "`{FACTORS}` of shape {:?} beside linear scaling by {scale}",
            info.shape
        )));
    }
    let mut factors = vec![0.0; info.columns()];
    gguf.read(info)?.row(0, &mut factors);
    let found = Llama3::find(&factors, shape.head_size, shape.rotary);
    let found = found.ok_or_else(|| {
        refuse(format!(
            "`{FACTORS}` with other numbers than Llama 3's scaling has, for which `config.json` has no words,"
        ))
    })?;
    Ok(Some(Scaling::Llama3(found)))
}
