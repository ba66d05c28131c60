//! API keys: made for programs, by whoever runs the bot. In: a file that holds a digest of each. Out: what a key may do. Command line and
//! server share it; neither can tell a key from the file.

mod ring;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use loquat_contract::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(crate) use ring::Ring;

/// What every key begins with, so that one that leaked is recognised.
const PREFIX: &str = "lq_";
/// Random bytes of a key.
const LENGTH: usize = 32;
/// The longest name, in characters.
const LONGEST_NAME: usize = 64;

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Scope {
    /// To talk to the bot, over its own API and over `/v1`.
    Chat,
    /// To see and change everything at `/admin`.
    Operator,
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Chat => "chat",
            Self::Operator => "operator",
        })
    }
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Key {
    /// What it is called.
    pub name: String,
    /// What it may be used for.
    pub scopes: BTreeSet<Scope>,
    /// When it was made.
    pub made: Timestamp,
    /// SHA-256 of its text, in hexadecimal. A key is random, so this says nothing of it.
    pub(crate) sha256: String,
}

/// Why keys cannot be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("{}: {source}; check its rights, or remove it, after which no key is good any more", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is one of that name.
    #[error("there is a key named {0} already; `loquat key revoke {0}` ends it, or take another name")]
    Taken(String),
    /// A name that cannot be one.
    #[error("{0:?} is no name for a key; use up to 64 letters, digits, -, _ and .")]
    Name(String),
    /// A key that may do nothing.
    #[error("a key needs a scope: chat or operator")]
    NoScope,
    /// The system has no random numbers.
    #[error("the system gives no random bytes ({0}); restart it")]
    Random(String),
}

/// The keys in a file, which need not be there yet.
#[derive(Clone, Debug)]
pub struct Keys {
    path: PathBuf,
}

#[derive(Debug, Default, Deserialize, Serialize)]
struct Book {
    keys: Vec<Key>,
}

impl Keys {
    /// The keys of a bot that keeps its files in this folder.
    pub fn kept_in(folder: &Path) -> Self {
        Self { path: folder.join("keys.json") }
    }

    /// Their file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a key. Its text is nowhere but in what is returned.
    ///
    /// # Errors
    /// When the name is taken or none, or the file cannot be written.
    pub fn make(&self, name: &str, scopes: BTreeSet<Scope>) -> Result<SecretString, KeyError> {
        let is_named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.chars().count() > LONGEST_NAME || !name.chars().all(is_named) {
            return Err(KeyError::Name(name.to_owned()));
        }
        if scopes.is_empty() {
            return Err(KeyError::NoScope);
        }
        let mut random = [0; LENGTH];
        getrandom::fill(&mut random).map_err(|error| KeyError::Random(error.to_string()))?;
        let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
        let key = Key { name: name.to_owned(), scopes, made: Timestamp::now(), sha256: digest(&text) };
        self.change(|book| {
            if book.keys.iter().any(|other| other.name == key.name) {
                return Err(KeyError::Taken(key.name));
            }
            book.keys.push(key);
            Ok(())
        })??;
        Ok(text.into())
    }

    /// Every key, the oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn list(&self) -> Result<Vec<Key>, KeyError> {
        match fs::read(&self.path) {
            Ok(bytes) => {
                let book: Book = serde_json::from_slice(&bytes).map_err(|error| self.failed(error.into()))?;
                Ok(book.keys)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Ends a key; says whether there was one of that name.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn revoke(&self, name: &str) -> Result<bool, KeyError> {
        if !self.list()?.iter().any(|key| key.name == name) {
            return Ok(false);
        }
        self.change(|book| {
            let before = book.keys.len();
            book.keys.retain(|key| key.name != name);
            book.keys.len() < before
        })
    }

    /// Changes the file, one process at a time, whole or not at all, for its owner alone.
    fn change<T>(&self, change: impl FnOnce(&mut Book) -> T) -> Result<T, KeyError> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let failed = |error| self.failed(error);
        fs::create_dir_all(folder).map_err(failed)?;
        let lock = File::create(self.path.with_extension("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut book = Book { keys: self.list()? };
        let outcome = change(&mut book);
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        serde_json::to_writer_pretty(&mut file, &book).map_err(|error| failed(error.into()))?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&self.path).map_err(|error| failed(error.error))?;
        Ok(outcome)
    }

    fn failed(&self, source: io::Error) -> KeyError {
        KeyError::File { path: self.path.clone(), source }
    }
}

/// A key as it is compared.
fn digest(text: &str) -> String {
    crate::serve::hex(&Sha256::digest(text))
}

/// Whether a text has the form of a key, so that it is not taken for a token of another sort.
pub(crate) fn is_key(text: &str) -> bool {
    text.starts_with(PREFIX)
}
