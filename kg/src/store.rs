//! Facts on disk. In: statements, in runs. Out: the statements of the runs that were completed.
//!
//! Every import is a *run* with a number. Its statements are written under `(run, ordinal)`, in the order of the file, and
//! become part of the graph by one write at the end: the run's record changes from begun to complete, and carries the new
//! generation. sled makes a single write durable as a whole, so an import that stops half-way (a crash, a full disk)
//! leaves statements under a run that is not complete. They are never read, are reported as interrupted, and are removed
//! when the next import begins. Statements are never changed in place, so what was there before cannot be damaged.
//!
//! The folder holds `format` (checked before anything else is opened), `owner` (the process that has it open) and `sled`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use loquat_contract::Generation;
use loquat_store::Database;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::GraphError;
use loquat_terms::statement::Statement;

/// What the `format` file says. The number grows with the layout below and with the pinned version of sled.
const FORMAT: &str = "loquat-kg 1";

/// The database's trees, and where they stand in it.
const TREES: [&str; 2] = ["runs", "statements"];
const RUNS: usize = 0;
const STATEMENTS: usize = 1;

/// Statements between two flushes: bounds what sled holds in memory.
const FLUSH_EVERY: u64 = 100_000;

/// One import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// The file's name.
    pub(crate) file: String,
    /// What the file's facts cite: the source it names, else its name.
    pub(crate) source: String,
    /// The generation it made; `None` until it is complete.
    pub(crate) generation: Option<u64>,
    /// The facts that it added.
    pub(crate) facts: u64,
}

/// An open store. One process has it at a time.
pub(crate) struct Store {
    path: PathBuf,
    database: Database,
}

impl Store {
    /// Opens the store in the folder, or makes one in an empty or new folder.
    pub(crate) fn open(path: &Path) -> Result<Self, GraphError> {
        let failed = |source| GraphError::store(path, source);
        fs::create_dir_all(path).map_err(failed)?;
        check_format(path)?;
        let database = Database::open(&path.join("sled"), &TREES).map_err(|source| match source.kind() {
            io::ErrorKind::WouldBlock => GraphError::Locked { path: path.to_owned(), holder: holder(path) },
            _ => failed(source),
        })?;
        // Only for the message of the next process that wants the store, so a failure here is none of the store's.
        if let Err(error) = fs::write(path.join("owner"), std::process::id().to_string()) {
            tracing::debug!(%error, "could not note the owner of the graph");
        }
        Ok(Self { path: path.to_owned(), database })
    }

    /// Every run, by number.
    pub(crate) fn runs(&self) -> Result<Vec<(u64, Run)>, GraphError> {
        let mut runs = Vec::new();
        for entry in self.database.scan(RUNS, &[]) {
            let (key, value) = entry.map_err(|source| self.failed(source))?;
            runs.push((number(&key), self.decode(&value)?));
        }
        Ok(runs)
    }

    /// The generation of the last complete run.
    pub(crate) fn generation(&self) -> Result<Generation, GraphError> {
        let runs = self.runs()?;
        Ok(Generation(runs.iter().filter_map(|(_, run)| run.generation).max().unwrap_or(0)))
    }

    /// The statements of a run in the order of its file.
    pub(crate) fn statements(&self, run: u64) -> impl Iterator<Item = Result<Statement, GraphError>> + '_ {
        self.database.scan(STATEMENTS, &run.to_be_bytes()).map(|entry| {
            let (_, value) = entry.map_err(|source| self.failed(source))?;
            self.decode(&value)
        })
    }

    /// Begins a run, after removing what interrupted ones left.
    pub(crate) fn begin(&self, file: &str) -> Result<Writer<'_>, GraphError> {
        let runs = self.runs()?;
        for (number, _) in runs.iter().filter(|(_, run)| run.generation.is_none()) {
            self.remove(*number)?;
        }
        let number = runs.iter().map(|(number, _)| number + 1).max().unwrap_or(1);
        let run = Run { file: file.to_owned(), source: file.to_owned(), generation: None, facts: 0 };
        self.write_run(number, &run)?;
        Ok(Writer { store: self, number, run, written: 0 })
    }

    pub(crate) fn bytes_on_disk(&self) -> Result<u64, GraphError> {
        self.database.bytes_on_disk().map_err(|source| self.failed(source))
    }

    fn write_run(&self, number: u64, run: &Run) -> Result<(), GraphError> {
        let value = self.encode(run)?;
        self.database.insert(RUNS, &number.to_be_bytes(), value).map_err(|source| self.failed(source))?;
        self.flush()
    }

    /// Removes a run: its record last, so that a crash in between leaves it interrupted.
    fn remove(&self, run: u64) -> Result<(), GraphError> {
        for entry in self.database.scan(STATEMENTS, &run.to_be_bytes()) {
            let (key, _) = entry.map_err(|source| self.failed(source))?;
            self.database.remove(STATEMENTS, &key).map_err(|source| self.failed(source))?;
        }
        self.flush()?;
        self.database.remove(RUNS, &run.to_be_bytes()).map_err(|source| self.failed(source))?;
        self.flush()
    }

    fn flush(&self) -> Result<(), GraphError> {
        self.database.flush().map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> GraphError {
        GraphError::store(&self.path, source)
    }

    fn encode<T: Serialize>(&self, value: &T) -> Result<Vec<u8>, GraphError> {
        postcard::to_stdvec(value).map_err(|source| self.damaged(source))
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, GraphError> {
        postcard::from_bytes(bytes).map_err(|source| self.damaged(source))
    }

    fn damaged(&self, source: postcard::Error) -> GraphError {
        GraphError::Damaged { path: self.path.clone(), source }
    }
}

/// A run being written. Dropping it without [`complete`](Writer::complete) leaves it interrupted.
pub(crate) struct Writer<'a> {
    store: &'a Store,
    number: u64,
    run: Run,
    written: u64,
}

impl Writer<'_> {
    /// Adds a statement; it counts only once the run is complete.
    pub(crate) fn push(&mut self, statement: &Statement) -> Result<(), GraphError> {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.number.to_be_bytes());
        key[8..].copy_from_slice(&self.written.to_be_bytes());
        let value = self.store.encode(statement)?;
        let database = &self.store.database;
        database.insert(STATEMENTS, &key, value).map_err(|source| self.store.failed(source))?;
        self.written += 1;
        self.run.facts += u64::from(matches!(statement, Statement::Fact { .. }));
        if self.written.is_multiple_of(FLUSH_EVERY) {
            self.store.flush()?;
        }
        Ok(())
    }

    /// Makes the run part of the graph, durably, and gives the new generation. A run of nothing leaves no trace and the
    /// generation as it was.
    pub(crate) fn complete(mut self, source: String) -> Result<Generation, GraphError> {
        let generation = self.store.generation()?;
        if self.written == 0 {
            self.store.remove(self.number)?;
            return Ok(generation);
        }
        self.store.flush()?;
        self.run.source = source;
        self.run.generation = Some(generation.0 + 1);
        self.store.write_run(self.number, &self.run)?;
        Ok(Generation(generation.0 + 1))
    }

    /// Takes the run back; where even that fails, the next import does it.
    pub(crate) fn abandon(self) {
        if let Err(error) = self.store.remove(self.number) {
            tracing::warn!(%error, "an interrupted import stays until the next one");
        }
    }
}

/// Reads the `format` file, or writes it into a folder that has nothing else.
fn check_format(path: &Path) -> Result<(), GraphError> {
    let failed = |source| GraphError::store(path, source);
    let file = path.join("format");
    match fs::read_to_string(&file) {
        Ok(found) if found.trim_end() == FORMAT => return Ok(()),
        Ok(found) => {
            let found = found.trim_end().to_owned();
            return Err(GraphError::UnknownFormat { path: path.to_owned(), found, expected: FORMAT });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    for entry in fs::read_dir(path).map_err(failed)? {
        let found = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if !found.starts_with("format") {
            return Err(GraphError::NotAStore { path: path.to_owned(), found });
        }
    }
    let temporary = path.join(format!("format.{}", std::process::id()));
    fs::write(&temporary, format!("{FORMAT}\n")).map_err(failed)?;
    fs::File::open(&temporary).and_then(|file| file.sync_all()).map_err(failed)?;
    fs::rename(&temporary, &file).map_err(failed)
}

/// Who has the store open, in words.
fn holder(path: &Path) -> String {
    match fs::read_to_string(path.join("owner")) {
        Ok(id) if id.trim() == std::process::id().to_string() => "this process already".to_owned(),
        Ok(id) if !id.trim().is_empty() => format!("process {}", id.trim()),
        _ => "another process".to_owned(),
    }
}

/// The number in the first eight bytes of a key.
fn number(key: &[u8]) -> u64 {
    key.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests;
