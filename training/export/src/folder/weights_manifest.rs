//! `loquat.json` of a weights folder. In: a folder that is whole but for it. Out: where it came from, and hashes.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::manifest::{FileEntry, MANIFEST_FILE, Source, hash_files};
use crate::error::{ExportError, Result};
use crate::progress::Report;
use crate::weights::{CONFIG_FILE, Element, is_weights};

/// Raised whenever the same source would give other weights.
pub const WEIGHTS_VERSION: u32 = 1;

/// What `loquat.json` says of a folder of weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WeightsManifest {
    /// The version of the writer's output, [`WEIGHTS_VERSION`] when it was written.
    pub weights_version: u32,
    /// The file or folder that the weights were made from.
    pub source: Source,
    /// The adapter that was merged into them, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<Source>,
    /// The type of the numbers.
    pub element: Element,
    /// SHA-256 over `config.json` followed by the safetensors files in order of name: the identity of the model.
    pub model_sha256: String,
    /// Every other file of the folder, ordered by name.
    pub files: Vec<FileEntry>,
}

impl WeightsManifest {
    /// Reads the manifest of `folder`, or nothing where it has none.
    ///
    /// # Errors
    /// [`ExportError::Io`] when it cannot be read, [`ExportError::Json`] when it is malformed, or of a model folder.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(MANIFEST_FILE);
        match fs::read(&path) {
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ExportError::io("read", &path)(source)),
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|source| ExportError::Json { path, detail: source.to_string() }),
        }
    }

    /// Whether the folder is what would be made now of the source with that hash, in that type and without an adapter.
    #[must_use]
    pub fn is_current(&self, source_sha256: &str, element: Element) -> bool {
        self.weights_version == WEIGHTS_VERSION
            && self.source.sha256.eq_ignore_ascii_case(source_sha256)
            && self.element == element
            && self.adapter.is_none()
    }

    /// Hashes the files of `folder`, which is complete but for its manifest.
    pub(crate) fn describe(
        folder: &Path,
        source: Source,
        adapter: Option<Source>,
        element: Element,
        report: &mut Report<'_>,
    ) -> Result<Self> {
        // `config.json` sorts before `model…`.
        let part = |name: &str| name == CONFIG_FILE || is_weights(name);
        let (model_sha256, files) = hash_files(folder, part, report)?;
        Ok(Self { weights_version: WEIGHTS_VERSION, source, adapter, element, model_sha256, files })
    }
}
