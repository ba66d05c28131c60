//! A safetensors file that is written row by row, so that a model larger than memory can be. In: names, extents, rows. Out: the file.
//!
//! Format: <https://github.com/huggingface/safetensors#format>. Eight bytes of length, a header in JSON, then the tensors without gaps.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use safetensors::tensor::{Metadata, TensorInfo};

use super::Element;
use crate::error::{ExportError, Result};

/// Transformers refuses files that do not say for which framework they are.
const FORMAT: (&str, &str) = ("format", "pt");
/// The header is padded to this, so that tensors are aligned.
const ALIGNMENT: usize = 8;

/// The file while it is being written. Tensors come in the order in which they were announced.
pub(crate) struct TensorFile {
    path: PathBuf,
    writer: BufWriter<File>,
    element: Element,
    left: usize,
    bytes: Vec<u8>,
}

impl TensorFile {
    /// Writes the header.
    pub(crate) fn create(path: &Path, element: Element, tensors: &[(String, Vec<usize>)]) -> Result<Self> {
        let mut end = 0;
        let infos = tensors.iter().map(|(name, shape)| {
            let begin = end;
            end += shape.iter().product::<usize>() * element.width();
            let info =
                TensorInfo { dtype: element.dtype(), shape: shape.clone(), data_offsets: (begin, end) };
            (name.clone(), info)
        });
        let infos = infos.collect();
        let error = |detail: String| ExportError::Safetensors { path: path.to_owned(), detail };
        let about = HashMap::from([(FORMAT.0.to_owned(), FORMAT.1.to_owned())]);
        let metadata = Metadata::new(Some(about), infos).map_err(|source| error(source.to_string()))?;
        let mut header = serde_json::to_vec(&metadata).map_err(|source| error(source.to_string()))?;
        header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');

        let file = File::create_new(path).map_err(ExportError::io("create", path))?;
        let mut writer = BufWriter::with_capacity(1 << 20, file);
        let length = (header.len() as u64).to_le_bytes();
        let written = writer.write_all(&length).and_then(|()| writer.write_all(&header));
        written.map_err(ExportError::io("write", path))?;
        Ok(Self { path: path.to_owned(), writer, element, left: end, bytes: Vec::new() })
    }

    /// Writes a row of the tensor named `tensor`.
    pub(crate) fn append(&mut self, tensor: &str, row: &[f32]) -> Result<()> {
        self.bytes.clear();
        if !self.element.encode(row, &mut self.bytes) {
            return Err(ExportError::UnsupportedFeature {
                path: self.path.clone(),
                feature: format!(
                    "`{tensor}` in {}, which does not hold its largest numbers as float32 does,",
                    self.element
                ),
            });
        }
        self.left = self.left.saturating_sub(self.bytes.len());
        self.writer.write_all(&self.bytes).map_err(ExportError::io("write", &self.path))
    }

    /// Bytes that are still to come.
    pub(crate) fn left(&self) -> usize {
        self.left
    }

    /// Hands the last bytes to the system and reports its refusal, if any.
    pub(crate) fn finish(mut self) -> Result<()> {
        debug_assert_eq!(self.left, 0, "each announced tensor is written whole");
        self.writer.flush().map_err(ExportError::io("write", &self.path))
    }
}
