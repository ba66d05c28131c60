//! Which model a folder holds. In: its graph and weights. Out: a SHA-256, remembered in a stamp so that it is counted once.
//! Must not know: what the bytes mean.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use loquat_contract::ModelIdentity;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ModelFolder;
use crate::InferenceError;

/// Lies in the model folder; it may be deleted at any time.
const STAMP: &str = ".loquat-sha256.json";

#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    files: Vec<Entry>,
    sha256: String,
}

/// What must be unchanged for the hash to hold.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    name: PathBuf,
    bytes: u64,
    modified_ns: u64,
}

/// The folder's name, or `name` instead, with the SHA-256 over the graph followed by its weights in the order of their names.
///
/// # Errors
/// A file cannot be read.
pub(crate) fn identity(folder: &ModelFolder, name: Option<String>) -> Result<ModelIdentity, InferenceError> {
    let name = name.unwrap_or_else(|| folder.name());
    let files: Vec<&Path> =
        std::iter::once(folder.graph()).chain(folder.weights().iter().map(PathBuf::as_path)).collect();
    let entries = files.iter().map(|file| entry(folder.path(), file)).collect::<Result<Vec<_>, _>>()?;

    let stamp_file = folder.path().join(STAMP);
    let stamp: Option<Stamp> =
        fs::read(&stamp_file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if let Some(stamp) = stamp.filter(|stamp| stamp.files == entries) {
        return Ok(ModelIdentity { name, sha256: stamp.sha256 });
    }
    let sha256 = sha256(&files)?;
    let stamp = Stamp { files: entries, sha256 };
    // A folder that cannot be written to is hashed at every start, which is slower but no failure.
    if let Err(error) = write(folder.path(), &stamp_file, &stamp) {
        tracing::debug!(%error, "no stamp written in the model folder");
    }
    Ok(ModelIdentity { name, sha256: stamp.sha256 })
}

fn entry(folder: &Path, file: &Path) -> Result<Entry, InferenceError> {
    let unreadable = |source| InferenceError::Unreadable { file: file.to_owned(), source };
    let metadata = fs::metadata(file).map_err(unreadable)?;
    let modified = metadata.modified().map_err(unreadable)?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Entry {
        name: file.strip_prefix(folder).unwrap_or(file).to_owned(),
        bytes: metadata.len(),
        modified_ns: u64::try_from(modified.as_nanos()).unwrap_or(u64::MAX),
    })
}

/// The SHA-256 over the files in their order.
pub(crate) fn sha256(files: &[&Path]) -> Result<String, InferenceError> {
    let mut sha256 = Sha256::new();
    let mut block = vec![0; 1 << 20];
    for &file in files {
        let unreadable = |source| InferenceError::Unreadable { file: file.to_owned(), source };
        let mut reader = File::open(file).map_err(unreadable)?;
        loop {
            let read = reader.read(&mut block).map_err(unreadable)?;
            if read == 0 {
                break;
            }
            sha256.update(&block[..read]);
        }
    }
    Ok(hexadecimal(&sha256.finalize()))
}

/// The SHA-256 of some bytes.
pub(crate) fn sha256_of(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Never half-written: another process may read it at the same time.
fn write(folder: &Path, file: &Path, stamp: &Stamp) -> std::io::Result<()> {
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(&serde_json::to_vec(stamp)?)?;
    temporary.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{STAMP, identity};
    use crate::ModelFolder;

    #[test]
    fn stamp_is_trusted_until_a_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("config.json", "{}");
        write("tokenizer.json", "{}");
        write("model.onnx", "");
        let read = || identity(&ModelFolder::read(folder.path()).unwrap(), Some("m".to_owned())).unwrap();
        let first = read();
        assert_eq!(first.name, "m");
        // FIPS 180-4: the hash of nothing.
        assert_eq!(first.sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

        let stamp = folder.path().join(STAMP);
        let forged = fs::read_to_string(&stamp).unwrap().replace(&first.sha256, "remembered");
        fs::write(&stamp, forged).unwrap();
        assert_eq!(read().sha256, "remembered");

        // Field 8 (opset_import), empty: a graph that is sound, and two bytes longer.
        write("model.onnx", "\x42\x00");
        let changed = read();
        assert_eq!(changed.sha256.len(), 64);
        assert_ne!(changed.sha256, first.sha256);
    }
}
