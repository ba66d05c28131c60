//! What was verified, and when it last changed. In: a finished folder. Out: a small file beside its contents, by which the
//! next start trusts them without reading them. It must not know where the contents came from.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use serde::{Deserialize, Serialize};

use crate::{FetchError, digest, progress::Reporter};

const FILE: &str = ".loquat-stamp.json";

/// The files of one artefact, as they were verified.
#[derive(Debug, Serialize, Deserialize, PartialEq)]
struct Stamp {
    /// Source and pins: another pin under the same folder is another artefact.
    identity: String,
    files: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize, PartialEq)]
struct Entry {
    /// Relative to the folder, with `/`.
    path: String,
    bytes: u64,
    /// Modification time in nanoseconds since 1970.
    modified_ns: u64,
    sha256: String,
}

/// Whether the folder holds what was verified as `identity`. Sizes are always compared; a file whose modification time
/// changed is hashed again, and the stamp renewed where it still fits.
pub(crate) fn fits(folder: &Path, identity: &str, reporter: Reporter<'_>) -> Result<bool, FetchError> {
    let Some(mut stamp) = read(folder) else { return Ok(false) };
    if stamp.identity != identity || stamp.files.is_empty() {
        return Ok(false);
    }
    let mut renewed = false;
    for entry in &mut stamp.files {
        let path = folder.join(&entry.path);
        let Ok((bytes, modified_ns)) = measure(&path) else { return Ok(false) };
        if bytes != entry.bytes {
            return Ok(false);
        }
        if modified_ns != entry.modified_ns {
            if digest::of_file(&path, reporter)?.0 != entry.sha256 {
                return Ok(false);
            }
            entry.modified_ns = modified_ns;
            renewed = true;
        }
    }
    // A cache that may only be read still serves; it is hashed again the next time.
    if renewed && let Err(error) = store(folder, &stamp) {
        tracing::debug!(%error, "the stamp could not be renewed");
    }
    Ok(true)
}

/// Whether the folder was stamped at all: one that a person filled by hand was not.
pub(crate) fn present(folder: &Path) -> bool {
    folder.join(FILE).exists()
}

/// Writes the stamp for `files`: paths relative to `folder`, each with its verified SHA-256.
pub(crate) fn write(folder: &Path, identity: &str, files: &[(PathBuf, String)]) -> Result<(), FetchError> {
    let mut entries = Vec::with_capacity(files.len());
    for (relative, sha256) in files {
        let path = folder.join(relative);
        let (bytes, modified_ns) = measure(&path).map_err(FetchError::io("read", &path))?;
        let path = relative.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
        entries.push(Entry { path, bytes, modified_ns, sha256: sha256.clone() });
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    store(folder, &Stamp { identity: identity.into(), files: entries })
}

fn read(folder: &Path) -> Option<Stamp> {
    serde_json::from_slice(&fs::read(folder.join(FILE)).ok()?).ok()
}

fn store(folder: &Path, stamp: &Stamp) -> Result<(), FetchError> {
    let path = folder.join(FILE);
    let failed = || FetchError::io("write", &path);
    let text = serde_json::to_vec_pretty(stamp).map_err(|error| failed()(error.into()))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed())?;
    file.write_all(&text).map_err(failed())?;
    file.as_file().sync_all().map_err(failed())?;
    file.persist(&path).map_err(|error| failed()(error.error))?;
    Ok(())
}

fn measure(path: &Path) -> std::io::Result<(u64, u64)> {
    let about = File::open(path)?.metadata()?;
    let since = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok((about.len(), u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)))
}
