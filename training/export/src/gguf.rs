//! GGUF: llama.cpp's model file. In: a path, or bytes. Out: checked metadata, a table of tensors, and rows of `f32`.
//!
//! The header is read once; tensor bytes are read when asked for, so a file much larger than memory can be
//! converted. Every length is compared with the size of the file before anything is allocated, and every tensor is
//! known to lie inside the file before the first one is read. It must not know any architecture, nor ONNX.
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

mod blocks;
mod grid;
mod header;
mod kind;
mod metadata;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod tiny;

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

pub(crate) use grid::GridBlock;
pub use kind::{SUPPORTED_KINDS, TensorKind};
pub use metadata::{Metadata, Value};

use crate::error::{ExportError, Result};

/// An open GGUF file whose header has been read and checked.
#[derive(Debug)]
pub struct Gguf {
    path: PathBuf,
    bytes: Bytes,
    version: u32,
    metadata: Metadata,
    tensors: Vec<TensorInfo>,
}

/// Where the bytes are.
enum Bytes {
    File(File),
    Memory(Vec<u8>),
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::File(_) => "a file",
            Self::Memory(_) => "memory",
        })
    }
}

/// One line of the tensor table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// The name, as in `blk.0.attn_q.weight`.
    pub name: String,
    /// The extents, the fastest-varying one first: a matrix is `[columns, rows]`.
    pub shape: Vec<u64>,
    /// How elements are stored.
    pub kind: TensorKind,
    /// Where the bytes begin, counted from the start of the file.
    pub offset: u64,
    /// How many bytes there are.
    pub bytes: u64,
}

impl TensorInfo {
    /// The number of elements.
    #[must_use]
    pub fn elements(&self) -> u64 {
        self.shape.iter().product()
    }

    /// Elements in a row, the unit in which tensors are dequantised.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.shape.first().map_or(1, |&n| n as usize)
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.shape.iter().skip(1).product::<u64>() as usize
    }
}

/// The bytes of one tensor, dequantised row by row.
#[derive(Debug)]
pub struct TensorData {
    kind: TensorKind,
    columns: usize,
    row_bytes: usize,
    bytes: Vec<u8>,
}

impl TensorData {
    /// Rows that are whole blocks of `kind` already.
    pub(crate) fn new(kind: TensorKind, columns: usize, bytes: Vec<u8>) -> Self {
        Self { kind, columns, row_bytes: kind.row_bytes(columns), bytes }
    }

    /// Elements in a row.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.bytes.len().checked_div(self.row_bytes).unwrap_or(0)
    }

    /// Writes row `row` as `f32` into `out`, whose length must be [`columns`](Self::columns).
    ///
    /// # Panics
    /// When `row` is past the last one, or `out` has another length.
    pub fn row(&self, row: usize, out: &mut [f32]) {
        assert_eq!(out.len(), self.columns, "a row is dequantised whole");
        let start = row * self.row_bytes;
        blocks::dequantise(self.kind, &self.bytes[start..start + self.row_bytes], out);
    }

    /// The blocks of row `row` as they are; none where the type [has no grid](TensorKind::is_grid).
    pub(crate) fn grid_row(&self, row: usize) -> Vec<GridBlock> {
        let start = row * self.row_bytes;
        grid::blocks(self.kind, &self.bytes[start..start + self.row_bytes])
    }
}

impl Gguf {
    /// Opens `path` and reads its header.
    ///
    /// # Errors
    /// [`ExportError::NotGguf`], [`ExportError::GgufVersion`] and [`ExportError::CorruptGguf`] name what is wrong
    /// with the file; a tensor that would end past the end of the file is the last of these.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(ExportError::io("open", path))?;
        let size = file.metadata().map_err(ExportError::io("read", path))?.len();
        let header = header::read(path, &file, size)?;
        Ok(Self::new(path, header, Bytes::File(file)))
    }

    /// Reads the header of a file that is in memory. `path` is what errors name.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self> {
        let header = header::read(path, bytes.as_slice(), bytes.len() as u64)?;
        Ok(Self::new(path, header, Bytes::Memory(bytes)))
    }

    fn new(path: &Path, header: header::Header, bytes: Bytes) -> Self {
        Self {
            path: path.to_owned(),
            bytes,
            version: header.version,
            metadata: Metadata::new(path, header.metadata),
            tensors: header.tensors,
        }
    }

    /// The path that was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The format's version, 2 or 3.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The key-value pairs.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The table of tensors, in file order.
    #[must_use]
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// The tensor of that name.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.tensors.iter().find(|t| t.name == name)
    }

    /// The tensor of that name, or an error that says that it is missing.
    pub(crate) fn required(&self, name: &str) -> Result<&TensorInfo> {
        self.tensor(name).ok_or_else(|| ExportError::Tensor {
            path: self.path.clone(),
            tensor: name.to_owned(),
            problem: "is missing".to_owned(),
        })
    }

    /// Reads the bytes of a tensor.
    ///
    /// # Errors
    /// [`ExportError::UnsupportedTensorType`] when its type cannot be dequantised; [`ExportError::Io`] when reading
    /// fails, for instance because the file has shrunk since it was opened.
    pub fn read(&self, tensor: &TensorInfo) -> Result<TensorData> {
        if !tensor.kind.is_supported() {
            return Err(ExportError::UnsupportedTensorType {
                path: self.path.clone(),
                tensor: tensor.name.clone(),
                kind: tensor.kind.to_string(),
            });
        }
        let mut bytes = vec![0; tensor.bytes as usize];
        let read = match &self.bytes {
            Bytes::File(file) => read_at(&mut &*file, tensor.offset, &mut bytes),
            Bytes::Memory(memory) => read_at(&mut Cursor::new(memory), tensor.offset, &mut bytes),
        };
        read.map_err(ExportError::io("read", &self.path))?;
        Ok(TensorData::new(tensor.kind, tensor.columns(), bytes))
    }
}

fn read_at(from: &mut (impl Read + Seek), offset: u64, bytes: &mut [u8]) -> io::Result<()> {
    from.seek(SeekFrom::Start(offset))?;
    from.read_exact(bytes)
}
