//! `loquat.json`: where a model folder came from, and what is in it. In: a finished folder. Out: hashes that make a
//! stale or altered export visible.

use std::fs;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::hash::{bytes_sha256, feed, hex};
use super::staging::{replace_files, to_json};
use crate::error::{ExportError, Result};
use crate::import::ExportOptions;
use crate::onnx::GRAPH_FILE;
use crate::progress::{Progress, Report, Stage};

/// The manifest's file name in a model folder.
pub const MANIFEST_FILE: &str = "loquat.json";

/// Raised whenever the same source would give another graph, so that older exports are written anew.
pub const EXPORT_VERSION: u32 = 2;

/// How a model's KV cache grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum KvCache {
    /// `past` and `present` may be the same buffer, as long as the longest sequence; nothing is copied.
    Shared,
    /// `present` is a new tensor that is longer than `past` by the new positions.
    Growing,
}

/// The file that a folder was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its name, without folders.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hexadecimal.
    pub sha256: String,
}

/// A file of the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hexadecimal.
    pub sha256: String,
}

/// What `loquat.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// The version of the exporter's output, [`EXPORT_VERSION`] when it was written.
    pub export_version: u32,
    /// The file that the model was made from.
    pub source: Source,
    /// How the weights are stored: `int8`, `int4`, `fp16` or `fp32`.
    pub quantisation: String,
    /// Whether linear layers take the inputs of adapters.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adapters: bool,
    /// How the KV cache is bound.
    pub kv_cache: KvCache,
    /// SHA-256 over `model.onnx` followed by its data file: the identity of the weights and the graph.
    pub model_sha256: String,
    /// Every other file of the folder, ordered by name.
    pub files: Vec<FileEntry>,
}

impl Manifest {
    /// Reads the manifest of `folder`, or nothing where it has none.
    ///
    /// # Errors
    /// [`ExportError::Io`] when it cannot be read, [`ExportError::Json`] when it is malformed.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(MANIFEST_FILE);
        match fs::read(&path) {
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ExportError::io("read", &path)(source)),
            Ok(bytes) => Self::from_json(&path, &bytes).map(Some),
        }
    }

    /// Reads a manifest from its bytes. `path` is what errors name.
    ///
    /// # Errors
    /// [`ExportError::Json`] when it is malformed, or names a file outside of its folder.
    pub fn from_json(path: &Path, bytes: &[u8]) -> Result<Self> {
        let error = |detail: String| ExportError::Json { path: path.to_owned(), detail };
        let manifest: Self = serde_json::from_slice(bytes).map_err(|source| error(source.to_string()))?;
        let inside = |name: &str| {
            let mut parts = Path::new(name).components();
            matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None))
        };
        match manifest.files.iter().find(|file| !inside(&file.name)) {
            Some(file) => Err(error(format!("`{}` is no name of a file in this folder", file.name))),
            None => Ok(manifest),
        }
    }

    /// Whether this folder is what an export of the source with that hash, written that way, would give now.
    ///
    /// Compares what the manifest says; [`verify`](Self::verify) also looks at the files.
    #[must_use]
    pub fn is_current(&self, source_sha256: &str, options: impl Into<ExportOptions>) -> bool {
        let options = options.into();
        self.export_version == EXPORT_VERSION
            && self.source.sha256.eq_ignore_ascii_case(source_sha256)
            && self.quantisation == options.quantisation.to_string()
            && self.adapters == options.adapters
    }

    /// Checks that every file is there with its size and, when `hashes` is set, its hash. Returns the names of
    /// those that differ.
    ///
    /// # Errors
    /// [`ExportError::Io`] when a file that is there cannot be read.
    pub fn verify(&self, folder: &Path, hashes: bool, report: &mut Report<'_>) -> Result<Vec<String>> {
        let total = self.files.iter().fold(0u64, |sum, file| sum.saturating_add(file.bytes));
        let (mut differing, mut done) = (Vec::new(), 0);
        for file in &self.files {
            let path = folder.join(&file.name);
            let mut same = fs::metadata(&path).is_ok_and(|m| m.len() == file.bytes);
            if same && hashes {
                same = feed(&path, None, &mut |bytes| {
                    done += bytes;
                    report(Progress { stage: Stage::Hash, item: &file.name, done, total, bytes: done });
                })? == file.sha256;
            }
            if !same {
                differing.push(file.name.clone());
            }
        }
        Ok(differing)
    }

    /// Adds the files of `folder` that are not listed yet. Hidden ones are what a program notes of the folder for its next start, and may change then.
    pub(crate) fn add_new_files(&mut self, folder: &Path) -> Result<()> {
        for entry in fs::read_dir(folder).map_err(ExportError::io("read", folder))? {
            let entry = entry.map_err(ExportError::io("read", folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || self.files.iter().any(|file| file.name == name) {
                continue;
            }
            let bytes = entry.metadata().map_err(ExportError::io("read", &entry.path()))?.len();
            let sha256 = feed(&entry.path(), None, &mut |_| ())?;
            self.files.push(FileEntry { name, bytes, sha256 });
        }
        self.files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(())
    }

    /// Puts other contents in the place of a file of `folder`, and their hash into its manifest. Neither is ever half written.
    pub(crate) fn replace(&mut self, folder: &Path, name: &str, contents: &[u8]) -> Result<()> {
        if let Some(file) = self.files.iter_mut().find(|file| file.name == name) {
            (file.bytes, file.sha256) = (contents.len() as u64, bytes_sha256(contents));
        }
        let path = folder.join(MANIFEST_FILE);
        let text = to_json(&path, self)?;
        replace_files(&[(&folder.join(name), contents), (&path, text.as_bytes())])
    }

    /// Hashes the files of `folder`, which is complete but for its manifest.
    pub(crate) fn describe(
        folder: &Path,
        source: Source,
        options: ExportOptions,
        kv_cache: KvCache,
        report: &mut Report<'_>,
    ) -> Result<Self> {
        // `model.onnx` sorts before `model.onnx.data`, the order in which both make up the model's hash.
        let (model_sha256, files) = hash_files(folder, |name| name.starts_with(GRAPH_FILE), report)?;
        let (quantisation, adapters) = (options.quantisation.to_string(), options.adapters);
        Ok(Self {
            export_version: EXPORT_VERSION,
            source,
            quantisation,
            adapters,
            kv_cache,
            model_sha256,
            files,
        })
    }
}

/// Hashes the files of `folder` in order of name. Returns the SHA-256 over those that are `part` of the model, and all files.
pub(super) fn hash_files(
    folder: &Path,
    part: impl Fn(&str) -> bool,
    report: &mut Report<'_>,
) -> Result<(String, Vec<FileEntry>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(ExportError::io("read", folder))? {
        let entry = entry.map_err(ExportError::io("read", folder))?;
        let size = entry.metadata().map_err(ExportError::io("read", &entry.path()))?.len();
        found.push((entry.file_name().to_string_lossy().into_owned(), size));
    }
    found.sort_unstable();
    let total = found.iter().map(|(_, size)| size).sum();
    let (mut model, mut done, mut files) = (Sha256::new(), 0, Vec::with_capacity(found.len()));
    for (name, bytes) in found {
        let is_part = part(&name);
        let sha256 = feed(&folder.join(&name), is_part.then_some(&mut model), &mut |read| {
            done += read;
            report(Progress { stage: Stage::Finish, item: &name, done, total, bytes: done });
        })?;
        files.push(FileEntry { name, bytes, sha256 });
    }
    Ok((hex(model), files))
}
