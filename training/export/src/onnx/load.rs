//! Reads ONNX files. In: a path. Out: the decoded model, and the elements of its tensors wherever they are stored.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use half::{bf16, f16};
use prost::Message;

use super::schema::{EXTERNAL, ModelProto, TensorProto, data_type};
use crate::error::{ExportError, Result};

/// Decodes the model at `path`. Tensors in other files stay there until [`tensor_bytes`] asks for them.
pub(crate) fn load(path: &Path) -> Result<ModelProto> {
    let bytes = std::fs::read(path).map_err(ExportError::io("read", path))?;
    let model = ModelProto::decode(bytes.as_slice())
        .map_err(|source| ExportError::Onnx { path: path.to_owned(), source })?;
    if model.graph.is_none() {
        return Err(invalid(path, "it has no graph"));
    }
    Ok(model)
}

/// The elements of `tensor` as little-endian bytes; `model` is the file that the tensor is declared in.
pub(crate) fn tensor_bytes(model: &Path, tensor: &TensorProto) -> Result<Vec<u8>> {
    let bytes = if tensor.data_location() == EXTERNAL {
        external(model, tensor)?
    } else if let Some(raw) = &tensor.raw_data {
        raw.clone()
    } else {
        typed(tensor).ok_or_else(|| {
            invalid(model, &format!("tensor `{}` has element type {}", tensor.name(), tensor.data_type()))
        })?
    };
    if let Some(width) = width(tensor.data_type()) {
        let elements = tensor.dims.iter().try_fold(1usize, |n, &d| n.checked_mul(usize::try_from(d).ok()?));
        if elements.and_then(|n| n.checked_mul(width)) != Some(bytes.len()) {
            let detail =
                format!("tensor `{}` has shape {:?} and {} bytes", tensor.name(), tensor.dims, bytes.len());
            return Err(invalid(model, &detail));
        }
    }
    Ok(bytes)
}

/// The elements of a floating-point tensor as `f32`.
pub(crate) fn tensor_floats(model: &Path, tensor: &TensorProto) -> Result<Vec<f32>> {
    let bytes = tensor_bytes(model, tensor)?;
    let pairs = || bytes.as_chunks::<2>().0.iter();
    match tensor.data_type() {
        data_type::FLOAT => Ok(bytes.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect()),
        data_type::FLOAT16 => Ok(pairs().map(|&b| f16::from_le_bytes(b).to_f32()).collect()),
        data_type::BFLOAT16 => Ok(pairs().map(|&b| bf16::from_le_bytes(b).to_f32()).collect()),
        other => {
            Err(invalid(model, &format!("tensor `{}` has element type {other}, not float", tensor.name())))
        }
    }
}

pub(crate) fn invalid(path: &Path, detail: &str) -> ExportError {
    ExportError::InvalidOnnx { path: path.to_owned(), detail: detail.to_owned() }
}

fn width(element: i32) -> Option<usize> {
    Some(match element {
        data_type::UINT8 | data_type::INT8 => 1,
        data_type::FLOAT16 | data_type::BFLOAT16 => 2,
        data_type::FLOAT | data_type::INT32 => 4,
        data_type::INT64 => 8,
        _ => return None,
    })
}

/// The fields that ONNX offers besides `raw_data`; 8-bit integers travel in `int32_data`.
fn typed(tensor: &TensorProto) -> Option<Vec<u8>> {
    let ints = || tensor.int32_data.iter();
    Some(match tensor.data_type() {
        data_type::FLOAT => super::float_bytes(&tensor.float_data),
        data_type::UINT8 | data_type::INT8 => ints().map(|&v| v as u8).collect(),
        data_type::FLOAT16 | data_type::BFLOAT16 => ints().flat_map(|&v| (v as u16).to_le_bytes()).collect(),
        data_type::INT32 => ints().flat_map(|v| v.to_le_bytes()).collect(),
        data_type::INT64 => tensor.int64_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
        _ => return None,
    })
}

/// The file that holds a tensor of `model`.
pub(crate) fn external_path(model: &Path, tensor: &TensorProto) -> Result<PathBuf> {
    let location = tensor.external_data.iter().find(|e| e.key() == "location");
    let location = Path::new(location.map(|e| e.value()).unwrap_or_default());
    // A model must not be able to name files outside its own folder.
    if location.as_os_str().is_empty() || !location.components().all(|c| matches!(c, Component::Normal(_))) {
        let detail = format!("tensor `{}` lies in `{}`", tensor.name(), location.display());
        return Err(invalid(model, &detail));
    }
    Ok(model.with_file_name(location))
}

fn external(model: &Path, tensor: &TensorProto) -> Result<Vec<u8>> {
    let entry = |key: &str| tensor.external_data.iter().find(|e| e.key() == key).map(|e| e.value());
    let number = |key: &str| match entry(key) {
        None => Ok(None),
        Some(text) => text
            .parse::<u64>()
            .map(Some)
            .map_err(|_| invalid(model, &format!("tensor `{}` states {key} `{text}`", tensor.name()))),
    };
    let path = external_path(model, tensor)?;
    let mut file = File::open(&path).map_err(ExportError::io("open", &path))?;
    let size = file.metadata().map_err(ExportError::io("read", &path))?.len();
    let offset = number("offset")?.unwrap_or(0);
    let length = number("length")?.unwrap_or(size.saturating_sub(offset));
    if offset.checked_add(length).is_none_or(|end| end > size) {
        let detail = format!("tensor `{}` ends past the end of {}", tensor.name(), path.display());
        return Err(invalid(model, &detail));
    }
    let mut bytes = vec![0; length as usize];
    file.seek(SeekFrom::Start(offset))
        .and_then(|_| file.read_exact(&mut bytes))
        .map_err(ExportError::io("read", &path))?;
    Ok(bytes)
}
