//! Whether a file is still the one that was read. In: a path. Out: what changes when another file is put in its place.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// What a file looks like from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    modified: Option<SystemTime>,
    bytes: u64,
    inode: u64,
}

impl Look {
    /// None where there is no such file.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Some(Self { modified: metadata.modified().ok(), bytes: metadata.len(), inode })
    }
}
