//! The two files that PEFT saves. In: their folder. Out: their bytes, which an adapter borrows. Knows nothing of what is in them.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::PeftAdapter;
use crate::error::{ExportError, Result};
use crate::folder::{Source, hex};

/// PEFT's names of the two files.
const CONFIG_FILE: &str = "adapter_config.json";
const TENSORS_FILE: &str = "adapter_model.safetensors";

/// An adapter's folder in memory.
pub(crate) struct AdapterFiles {
    path: PathBuf,
    config: Vec<u8>,
    tensors: Vec<u8>,
}

impl AdapterFiles {
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).map_err(ExportError::io("read", &path))
        };
        Ok(Self { path: folder.to_owned(), config: read(CONFIG_FILE)?, tensors: read(TENSORS_FILE)? })
    }

    pub(crate) fn parse(&self) -> Result<PeftAdapter<'_>> {
        PeftAdapter::parse(&self.path, &self.config, &self.tensors)
    }

    /// Where it is, as manifests say it: the SHA-256 is over the configuration and then the tensors.
    pub(crate) fn describe(&self) -> Source {
        let mut digest = Sha256::new();
        digest.update(&self.config);
        digest.update(&self.tensors);
        let file = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Source { file, bytes: (self.config.len() + self.tensors.len()) as u64, sha256: hex(digest) }
    }
}
