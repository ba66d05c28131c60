//! Codes that let somebody in. In: a code from an operator, and the same from a person. Out: that person is let in from now on. Kept in
//! one small file, which the program's commands and a running bot share.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use loquat_contract::{Person, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The letters of a code: none that is mistaken for another.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Letters of a code: 50 bits, at the rate that the gate allows out of anybody's reach.
const LENGTH: usize = 10;

/// A code for one person, shown once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code(pub String);

/// Whether somebody is let in by pairing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paired {
    /// Since an earlier time.
    Before,
    /// By this code.
    Now,
    /// They are not.
    Not,
}

/// Why pairing does not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PairingError {
    /// The file cannot be read or written.
    #[error("{}: {source}; check its rights, or remove it, after which everybody has to be paired again", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The codes and people in a file.
#[derive(Clone, Debug)]
pub struct Pairing {
    path: PathBuf,
}

#[derive(Debug, Default, Deserialize, Serialize)]
struct Book {
    /// When each code ends, by its SHA-256.
    codes: BTreeMap<String, Timestamp>,
    /// Since when each person is let in.
    people: BTreeMap<String, Timestamp>,
}

impl Pairing {
    /// Pairing kept in this file, which need not be there yet.
    pub fn in_file(path: PathBuf) -> Self {
        Self { path }
    }

    /// Makes a code that lets in one person within this time.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn invite(&self, valid: Duration) -> Result<Code, PairingError> {
        let mut random = [0; LENGTH];
        getrandom::fill(&mut random).map_err(|error| self.failed(io::Error::other(error)))?;
        let letters = random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
        let code: String = letters.collect();
        let end =
            Timestamp(Timestamp::now().0.saturating_add(valid.as_millis().try_into().unwrap_or(u64::MAX)));
        self.change(|book| book.codes.insert(digest(&code), end))?;
        Ok(Code(code))
    }

    /// Lets `person` in where the code is right; a code is good for one.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn redeem(&self, code: &str, person: &Person) -> Result<Paired, PairingError> {
        let now = Timestamp::now();
        let digest = digest(&code.to_lowercase());
        // Read first: a wrong guess must not cost a write.
        if self.read()?.codes.get(&digest).is_none_or(|end| *end < now) {
            return Ok(if self.has(person)? { Paired::Before } else { Paired::Not });
        }
        self.change(|book| {
            book.codes.retain(|_, end| *end >= now);
            if book.codes.remove(&digest).is_none() {
                return Paired::Not;
            }
            book.people.insert(person.to_string(), now);
            Paired::Now
        })
    }

    /// Whether somebody was let in.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn has(&self, person: &Person) -> Result<bool, PairingError> {
        Ok(self.read()?.people.contains_key(&person.to_string()))
    }

    /// Those who were let in, and since when.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn people(&self) -> Result<Vec<(String, Timestamp)>, PairingError> {
        Ok(self.read()?.people.into_iter().collect())
    }

    /// Lets somebody in no longer; says whether they were.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn remove(&self, person: &Person) -> Result<bool, PairingError> {
        if !self.has(person)? {
            return Ok(false);
        }
        self.change(|book| book.people.remove(&person.to_string()).is_some())
    }

    fn read(&self) -> Result<Book, PairingError> {
        match fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| self.failed(error.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Book::default()),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Changes the file, one process at a time, whole or not at all.
    fn change<T>(&self, change: impl FnOnce(&mut Book) -> T) -> Result<T, PairingError> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let failed = |error| self.failed(error);
        fs::create_dir_all(folder).map_err(failed)?;
        let lock = File::create(self.path.with_extension("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut book = self.read()?;
        let outcome = change(&mut book);
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        serde_json::to_writer_pretty(&mut file, &book).map_err(|error| failed(error.into()))?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&self.path).map_err(|error| failed(error.error))?;
        Ok(outcome)
    }

    fn failed(&self, source: io::Error) -> PairingError {
        PairingError::File { path: self.path.clone(), source }
    }
}

/// Whether a text has the form of a code.
pub(crate) fn is_code(text: &str) -> bool {
    text.len() == LENGTH && text.bytes().all(|byte| LETTERS.contains(&byte.to_ascii_lowercase()))
}

fn digest(code: &str) -> String {
    Sha256::digest(code).iter().map(|byte| format!("{byte:02x}")).collect()
}
