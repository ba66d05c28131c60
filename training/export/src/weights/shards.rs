//! The tensors of a weights folder, in one safetensors file or in several. In: a folder. Out: checked places of tensors, and their
//! bytes, read when asked for. It must not know what any tensor means.
//!
//! Format: <https://github.com/huggingface/safetensors#format>.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::Deserialize;

use super::WEIGHTS_FILE;
use crate::error::{ExportError, Result};

/// What lists the files where there are several.
pub(crate) const INDEX_FILE: &str = "model.safetensors.index.json";
/// Larger headers are none: the format's own limit.
const LARGEST_HEADER: u64 = 100_000_000;
/// The bytes that state the header's length.
const LENGTH_BYTES: u64 = 8;

/// A tensor's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which file it is in.
    file: usize,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    /// From the start of the file.
    begin: u64,
    pub(crate) bytes: usize,
}

/// Open safetensors files whose headers have been read and checked.
#[derive(Debug)]
pub(crate) struct Shards {
    files: Vec<(PathBuf, File)>,
    tensors: BTreeMap<String, Place>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Shards {
    /// Opens the files of `folder`.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let index = folder.join(INDEX_FILE);
        let names = if folder.join(WEIGHTS_FILE).is_file() {
            vec![WEIGHTS_FILE.to_owned()]
        } else if index.is_file() {
            listed(&index)?
        } else {
            let expected = format!("{WEIGHTS_FILE}, {INDEX_FILE}");
            return Err(ExportError::NoModel { path: folder.to_owned(), expected });
        };
        let mut shards = Self { files: Vec::with_capacity(names.len()), tensors: BTreeMap::new() };
        for name in names {
            let path = folder.join(name);
            let file = File::open(&path).map_err(ExportError::io("open", &path))?;
            let size = file.metadata().map_err(ExportError::io("read", &path))?.len();
            let number = shards.files.len();
            for (name, info, begin) in header(&path, &file, size)? {
                let (from, to) = info.data_offsets;
                let bytes = to - from;
                let place = Place { file: number, dtype: info.dtype, shape: info.shape, begin, bytes };
                if shards.tensors.insert(name.clone(), place).is_some() {
                    return Err(corrupt(&path, format!("tensor `{name}` is in another file too")));
                }
            }
            shards.files.push((path, file));
        }
        Ok(shards)
    }

    /// The files, in the order in which they are named.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }

    pub(crate) fn tensors(&self) -> &BTreeMap<String, Place> {
        &self.tensors
    }

    /// The bytes of a tensor.
    pub(crate) fn read(&self, place: &Place) -> Result<Vec<u8>> {
        let Some((path, file)) = self.files.get(place.file) else { return Ok(Vec::new()) };
        let mut bytes = vec![0; place.bytes];
        let mut file = file;
        file.seek(SeekFrom::Start(place.begin))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(ExportError::io("read", path))?;
        Ok(bytes)
    }
}

/// The files that an index names, in order of name.
fn listed(index: &Path) -> Result<Vec<String>> {
    let bytes = std::fs::read(index).map_err(ExportError::io("read", index))?;
    let error = |detail: String| ExportError::Json { path: index.to_owned(), detail };
    let index: Index = serde_json::from_slice(&bytes).map_err(|source| error(source.to_string()))?;
    let mut names = index.weight_map.into_values().collect::<Vec<_>>();
    names.sort_unstable();
    names.dedup();
    let inside = |name: &str| {
        let mut parts = Path::new(name).components();
        matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None))
    };
    match names.iter().find(|name| !inside(name)) {
        Some(name) => Err(error(format!("`{name}` is no name of a file in this folder"))),
        None => Ok(names),
    }
}

/// Reads the header of a file of `size` bytes. Gives each tensor with where it begins.
pub(crate) fn header(path: &Path, mut from: impl Read, size: u64) -> Result<Vec<(String, TensorInfo, u64)>> {
    let mut length = [0; LENGTH_BYTES as usize];
    from.read_exact(&mut length).map_err(|_| corrupt(path, "it ends within its first 8 bytes".to_owned()))?;
    let length = u64::from_le_bytes(length);
    if length > LARGEST_HEADER || length > size.saturating_sub(LENGTH_BYTES) {
        let detail = format!("it states a header of {length} bytes, and has {size} in all");
        return Err(corrupt(path, detail));
    }
    let mut bytes = vec![0; length as usize];
    from.read_exact(&mut bytes).map_err(ExportError::io("read", path))?;
    let read: Metadata = serde_json::from_slice(&bytes).map_err(|e| corrupt(path, e.to_string()))?;
    let infos = read
        .offset_keys()
        .into_iter()
        .filter_map(|name| read.info(&name).map(|info| (name.clone(), info.clone())))
        .collect::<Vec<_>>();
    // Reading checks no offsets; making it anew does.
    let checked = Metadata::new(None, infos.clone()).map_err(|e| corrupt(path, e.to_string()))?;
    let start = LENGTH_BYTES + length;
    let end = start.saturating_add(checked.data_len() as u64);
    if end != size {
        return Err(corrupt(path, format!("its tensors end at byte {end}, and it has {size}")));
    }
    Ok(infos
        .into_iter()
        .map(|(name, info)| {
            let begin = start + info.data_offsets.0 as u64;
            (name, info, begin)
        })
        .collect())
}

fn corrupt(path: &Path, detail: String) -> ExportError {
    ExportError::Safetensors { path: path.to_owned(), detail }
}
