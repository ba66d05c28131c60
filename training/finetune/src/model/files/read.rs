//! Reads tensors of one file, or of a folder's shards.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::{Dtype, tensor::Metadata};
use serde::Deserialize;

use super::PIECE;
use crate::model::error::ModelError;

/// A header is no longer than this, as the format says.
const LONGEST_HEADER: u64 = 100_000_000;

/// Where tensors are.
#[derive(Debug, Default)]
pub(crate) struct Tensors {
    files: Vec<(PathBuf, File)>,
    places: HashMap<String, Place>,
    /// What files say of themselves.
    pub(crate) metadata: HashMap<String, String>,
}

#[derive(Debug)]
struct Place {
    file: usize,
    start: u64,
    dtype: Dtype,
    shape: Vec<usize>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: HashMap<String, String>,
}

impl Tensors {
    /// Of a weights folder: `model.safetensors`, or the shards that `model.safetensors.index.json` names.
    pub(crate) fn folder(folder: &Path) -> Result<Self, ModelError> {
        let whole = folder.join("model.safetensors");
        let index = folder.join("model.safetensors.index.json");
        if whole.exists() || !index.exists() {
            if !whole.exists() {
                let what = "there is no model.safetensors: it has to be a weights folder as Hugging Face writes it (make one of a GGUF with `loquat-export`)";
                return Err(ModelError::content(folder, what));
            }
            return Self::file(&whole);
        }
        let text =
            std::fs::read(&index).map_err(|source| ModelError::Read { path: index.clone(), source })?;
        let names: Index =
            serde_json::from_slice(&text).map_err(|error| ModelError::content(&index, error.to_string()))?;
        let mut shards: Vec<_> = names.weight_map.into_values().collect();
        shards.sort();
        shards.dedup();
        let mut tensors = Self::default();
        for shard in shards {
            if Path::new(&shard).file_name().is_none_or(|name| name != shard.as_str()) {
                return Err(ModelError::content(
                    &index,
                    format!("it names `{shard}`, which is no file of its folder"),
                ));
            }
            tensors.append(&folder.join(shard))?;
        }
        Ok(tensors)
    }

    /// Of one file.
    pub(crate) fn file(path: &Path) -> Result<Self, ModelError> {
        let mut tensors = Self::default();
        tensors.append(path)?;
        Ok(tensors)
    }

    fn append(&mut self, path: &Path) -> Result<(), ModelError> {
        let failed = |source| ModelError::Read { path: path.to_owned(), source };
        let damaged = |what: String| {
            ModelError::content(path, format!("{what}; it is damaged or was not written to its end"))
        };
        let mut file = File::open(path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(failed)?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEADER || length + 8 > size {
            return Err(damaged(format!("its header of {length} bytes does not fit")));
        }
        let mut header = vec![0; length as usize];
        file.read_exact(&mut header).map_err(failed)?;
        let header: Metadata = serde_json::from_slice(&header).map_err(|error| damaged(error.to_string()))?;
        let whole = (header.data_len() as u64).saturating_add(length + 8);
        if whole != size {
            return Err(damaged(format!("it has {size} bytes, not {whole}")));
        }
        for (name, info) in header.tensors() {
            let (begin, end) = info.data_offsets;
            let bits = info.shape.iter().try_fold(info.dtype.bitsize(), |bits, &size| bits.checked_mul(size));
            // Reading a header checks no places.
            if end.checked_sub(begin).and_then(|bytes| bytes.checked_mul(8)) != bits || end as u64 > size {
                return Err(damaged(format!("`{name}` is not as long as its shape")));
            }
            let start = 8 + length + begin as u64;
            let place = Place { file: self.files.len(), start, dtype: info.dtype, shape: info.shape.clone() };
            self.places.insert(name, place);
        }
        self.metadata.extend(header.metadata().clone().unwrap_or_default());
        self.files.push((path.to_owned(), file));
        Ok(())
    }

    /// What tensors are called, in no order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// Whether there is a tensor of that name and shape; what is wrong where not.
    pub(crate) fn check(&self, name: &str, shape: &[usize]) -> Result<(), ModelError> {
        let first = || self.files.first().map(|(path, _)| path.clone()).unwrap_or_default();
        let place = self
            .places
            .get(name)
            .ok_or_else(|| ModelError::content(first(), format!("it has no tensor `{name}`")))?;
        let path = &self.files[place.file].0;
        if place.shape != shape {
            let what = format!("`{name}` has the shape {:?}, and {shape:?} was to be expected", place.shape);
            return Err(ModelError::content(path, what));
        }
        if !matches!(place.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
            let what = format!("`{name}` is of type {:?}; known are F32, F16 and BF16", place.dtype);
            return Err(ModelError::content(path, what));
        }
        Ok(())
    }

    /// Hands over the numbers of a tensor, piece by piece, each with the place of its first.
    pub(crate) fn read(
        &mut self,
        name: &str,
        shape: &[usize],
        mut take: impl FnMut(usize, &[f32]) -> Result<(), ModelError>,
    ) -> Result<(), ModelError> {
        self.check(name, shape)?;
        let Some(place) = self.places.get(name) else { return Ok(()) };
        let (path, file) = &mut self.files[place.file];
        let length: usize = shape.iter().product();
        let width = if place.dtype == Dtype::F32 { 4 } else { 2 };
        let mut bytes = vec![0; length.min(PIECE) * width];
        let mut numbers = vec![0.0; length.min(PIECE)];
        file.seek(SeekFrom::Start(place.start))
            .map_err(|source| ModelError::Read { path: path.clone(), source })?;
        for start in (0..length).step_by(PIECE) {
            let count = PIECE.min(length - start);
            let (bytes, numbers) = (&mut bytes[..count * width], &mut numbers[..count]);
            file.read_exact(bytes).map_err(|source| ModelError::Read { path: path.clone(), source })?;
            match place.dtype {
                Dtype::F32 => {
                    for (number, bytes) in numbers.iter_mut().zip(bytes.as_chunks().0) {
                        *number = f32::from_le_bytes(*bytes);
                    }
                }
                Dtype::F16 => {
                    for (number, bytes) in numbers.iter_mut().zip(bytes.as_chunks().0) {
                        *number = f16::from_le_bytes(*bytes).to_f32();
                    }
                }
                _ => {
                    for (number, bytes) in numbers.iter_mut().zip(bytes.as_chunks().0) {
                        *number = bf16::from_le_bytes(*bytes).to_f32();
                    }
                }
            }
            take(start, numbers)?;
        }
        Ok(())
    }
}
