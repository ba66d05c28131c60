//! The secret that guests' tokens are signed with. In: a folder. Out: 32 random bytes, made at the first start and kept from then on
//! where only the bot's user reads them.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use ring::hmac;

use crate::WebError;

/// How long it is, in bytes: as long as what HMAC-SHA-256 makes.
const LENGTH: usize = 32;
/// Its file.
const FILE: &str = "secret";

/// The bytes from which every other key is derived.
#[derive(Clone)]
pub(crate) struct Secret(hmac::Key);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

impl Secret {
    /// One that nothing outlives the process with.
    pub(crate) fn passing() -> Result<Self, WebError> {
        Ok(Self::new(&random()?))
    }

    /// The one in this folder, made where there is none.
    pub(crate) fn kept_in(folder: &Path) -> Result<Self, WebError> {
        let path = folder.join(FILE);
        let failed = |source| WebError::Secret { path: path.clone(), source };
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make(folder, &path, &random()?).map_err(failed)?
            }
            Err(error) => return Err(failed(error)),
        };
        if bytes.len() != LENGTH {
            return Err(failed(io::Error::new(io::ErrorKind::InvalidData, "it is not 32 bytes long")));
        }
        Ok(Self::new(&bytes))
    }

    /// The same one each time, for tests.
    #[cfg(test)]
    pub(crate) fn known() -> Self {
        Self::new(&[7; LENGTH])
    }

    fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// 32 bytes for one purpose, from which neither the secret nor those for another purpose can be told.
    pub(crate) fn derive(&self, purpose: &str, of: &[u8]) -> [u8; LENGTH] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(purpose.as_bytes());
        context.update(&[0]);
        context.update(of);
        let mut derived = [0; LENGTH];
        derived.copy_from_slice(context.sign().as_ref());
        derived
    }
}

fn random() -> Result<[u8; LENGTH], WebError> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).map_err(|error| WebError::Random(error.to_string()))?;
    Ok(bytes)
}

/// Writes the file whole, for its owner alone; of two that start at once, both get what the first one wrote.
fn make(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<Vec<u8>> {
    fs::create_dir_all(folder)?;
    // On Unix it is made with 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(bytes.to_vec()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => fs::read(path),
        Err(error) => Err(error.error),
    }
}
