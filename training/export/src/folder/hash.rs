//! SHA-256 of files, streamed. In: paths. Out: lower-case hexadecimal.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::{ExportError, Result};

const CHUNK: usize = 1 << 20;

/// Hashes `path` into `digest` as well as on its own; `advance` is told of every chunk's size.
pub(crate) fn feed(path: &Path, also: Option<&mut Sha256>, advance: &mut dyn FnMut(u64)) -> Result<String> {
    let mut file = File::open(path).map_err(ExportError::io("open", path))?;
    let (mut digest, mut also) = (Sha256::new(), also);
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = file.read(&mut chunk).map_err(ExportError::io("read", path))?;
        if read == 0 {
            return Ok(hex(digest));
        }
        digest.update(&chunk[..read]);
        if let Some(also) = also.as_deref_mut() {
            also.update(&chunk[..read]);
        }
        advance(read as u64);
    }
}

/// The SHA-256 of one file.
pub(crate) fn file_sha256(path: &Path, advance: &mut dyn FnMut(u64)) -> Result<String> {
    feed(path, None, advance)
}

/// The SHA-256 of what is in memory.
pub(crate) fn bytes_sha256(bytes: &[u8]) -> String {
    hex(Sha256::new_with_prefix(bytes))
}

/// Ends a digest.
pub(crate) fn hex(digest: Sha256) -> String {
    digest.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
