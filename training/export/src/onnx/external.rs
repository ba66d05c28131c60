//! Writes tensors to `model.onnx.data` one after another. In: bytes. Out: the `TensorProto` that points at them.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::schema::{EXTERNAL, StringStringEntryProto, TensorProto};
use crate::error::{ExportError, Result};

/// Tensors below this size stay inside the graph.
const INLINE_BELOW: usize = 1024;
/// Large tensors begin at a multiple of this, so that a runtime can map them (Windows maps at 64 KiB).
const MAPPED_ALIGNMENT: u64 = 1 << 16;
/// From this size on, mapping is worth the padding.
const MAPPED_FROM: u64 = 1 << 20;
/// Everything else begins at a cache line.
const ALIGNMENT: u64 = 64;

/// The data file while it is being written.
#[derive(Debug)]
pub(crate) struct DataFile {
    path: PathBuf,
    location: String,
    writer: BufWriter<File>,
    offset: u64,
}

impl DataFile {
    pub(crate) fn create(folder: &Path, location: &str) -> Result<Self> {
        let path = folder.join(location);
        let file = File::create_new(&path).map_err(ExportError::io("create", &path))?;
        Ok(Self {
            path,
            location: location.to_owned(),
            writer: BufWriter::with_capacity(1 << 20, file),
            offset: 0,
        })
    }

    /// Bytes written so far.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Stores a whole tensor: in the graph when it is small, in the file otherwise.
    pub(crate) fn tensor(
        &mut self,
        name: &str,
        element: i32,
        dims: &[usize],
        bytes: Vec<u8>,
    ) -> Result<TensorProto> {
        if bytes.len() < INLINE_BELOW {
            let mut tensor = proto(name, element, dims);
            tensor.raw_data = Some(bytes);
            return Ok(tensor);
        }
        self.begin(bytes.len() as u64)?;
        self.append(&bytes)?;
        Ok(self.end(name, element, dims, bytes.len() as u64))
    }

    /// Begins a tensor of `length` bytes that is produced piece by piece with [`append`](Self::append).
    pub(crate) fn begin(&mut self, length: u64) -> Result<()> {
        let alignment = if length >= MAPPED_FROM { MAPPED_ALIGNMENT } else { ALIGNMENT };
        let padding = self.offset.next_multiple_of(alignment) - self.offset;
        self.append(&vec![0; padding as usize])
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes).map_err(ExportError::io("write", &self.path))?;
        self.offset += bytes.len() as u64;
        Ok(())
    }

    /// Describes the last `length` bytes as a tensor.
    pub(crate) fn end(&self, name: &str, element: i32, dims: &[usize], length: u64) -> TensorProto {
        let mut tensor = proto(name, element, dims);
        tensor.data_location = Some(EXTERNAL);
        tensor.external_data = vec![
            StringStringEntryProto::new("location", self.location.clone()),
            StringStringEntryProto::new("offset", (self.offset - length).to_string()),
            StringStringEntryProto::new("length", length.to_string()),
        ];
        tensor
    }

    /// Hands the last bytes to the system and reports its refusal, if any.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.writer.flush().map_err(ExportError::io("write", &self.path))
    }
}

fn proto(name: &str, element: i32, dims: &[usize]) -> TensorProto {
    TensorProto {
        name: Some(name.to_owned()),
        dims: dims.iter().map(|&n| n as i64).collect(),
        data_type: Some(element),
        ..TensorProto::default()
    }
}
