//! Writes files that are there whole or not at all: beside their place, synced, renamed.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use super::PIECE;
use crate::model::error::ModelError;

/// A tensor that is to be written.
#[derive(Debug)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
}

/// Writes tensors in f32. `fill` gives numbers of a tensor, from a place on.
pub(crate) fn write(
    path: &Path,
    tensors: &[Tensor],
    metadata: HashMap<String, String>,
    mut fill: impl FnMut(usize, usize, &mut [f32]) -> Result<(), ModelError>,
) -> Result<(), ModelError> {
    let mut end = 0;
    let infos = tensors.iter().map(|tensor| {
        let start = end;
        end += tensor.shape.iter().product::<usize>() * size_of::<f32>();
        (
            tensor.name.clone(),
            TensorInfo { dtype: Dtype::F32, shape: tensor.shape.clone(), data_offsets: (start, end) },
        )
    });
    let malformed = |what: String| ModelError::content(path, what);
    let header =
        Metadata::new(Some(metadata), infos.collect()).map_err(|error| malformed(error.to_string()))?;
    let mut header = serde_json::to_vec(&header).map_err(|error| malformed(error.to_string()))?;
    // Numbers begin at a multiple of 8.
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut numbers = vec![0.0; PIECE];
    let mut bytes = vec![0; PIECE * size_of::<f32>()];
    whole(path, |out| {
        let failed = |source| ModelError::Write { path: path.to_owned(), source };
        out.write_all(&(header.len() as u64).to_le_bytes()).map_err(failed)?;
        out.write_all(&header).map_err(failed)?;
        for (index, tensor) in tensors.iter().enumerate() {
            let length: usize = tensor.shape.iter().product();
            for start in (0..length).step_by(PIECE) {
                let count = PIECE.min(length - start);
                fill(index, start, &mut numbers[..count])?;
                for (bytes, number) in bytes.as_chunks_mut().0.iter_mut().zip(&numbers[..count]) {
                    *bytes = number.to_le_bytes();
                }
                out.write_all(&bytes[..count * size_of::<f32>()]).map_err(failed)?;
            }
        }
        Ok(())
    })
}

/// Writes bytes.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let failed = |source| ModelError::Write { path: path.to_owned(), source };
    whole(path, |out| out.write_all(bytes).map_err(failed))
}

fn whole(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<&File>) -> Result<(), ModelError>,
) -> Result<(), ModelError> {
    let failed = |source| ModelError::Write { path: path.to_owned(), source };
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(failed(io::ErrorKind::InvalidFilename.into()));
    };
    let beside = folder.join(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let written = File::create(&beside).map_err(failed).and_then(|file| {
        let mut out = BufWriter::with_capacity(1 << 20, &file);
        content(&mut out)?;
        out.flush().map_err(failed)?;
        drop(out);
        file.sync_all().map_err(failed)?;
        std::fs::rename(&beside, path).map_err(failed)
    });
    if written.is_err() {
        // What is half written is of no use; that it may stay is less than the error that led here.
        let _ = std::fs::remove_file(&beside);
    }
    written?;
    // That the name is there outlives a loss of power only once the folder is synced; not every system lets it be opened.
    #[cfg(unix)]
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(())
}
