//! Facts on disk: the owner of all that the graph holds. In: blocks of statements, run by run, and edits. Out: the same.
//!
//! Every import is a *run* with a number. Its statements are written in blocks under `(run, ordinal)`, in the order of the file,
//! and become part of the graph by one write at the end: the run's record changes from begun to complete, and that of the run
//! whose place it takes to retired. sled makes a batch durable as a whole, so an import that stops half-way (a crash, a
//! full disk) leaves blocks under a run that is not complete. They are never read. An *edit* is one record, durable when it is
//! acknowledged. Nothing is changed in place.
//!
//! The folder holds `format` (checked before anything else is opened), `lock` (whose owner has the store), `sled`, and
//! `pending`: a mark that is there whenever sled may hold more than the snapshot beside it. Where it is missing the snapshot is
//! all there is to know, and sled is not opened before something is written.

mod block;
mod edit;
mod folder;
mod run;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use loquat_contract::Generation;
use loquat_store::{Batch, Database, Reader};
use serde::{Serialize, de::DeserializeOwned};

use crate::GraphError;
use crate::statement::Statement;
pub(crate) use block::Block;
pub(crate) use edit::{Change, Edit};
pub(crate) use run::Checkpoint;
pub(crate) use run::{Completed, Run, RunState, Writer};

/// The database's trees, and where they stand in it.
const TREES: [&str; 4] = ["runs", "blocks", "edits", "state"];
const RUNS: usize = 0;
const BLOCKS: usize = 1;
const EDITS: usize = 2;
const STATE: usize = 3;

/// The key in `state` under which the generation stands.
const GENERATION: &[u8] = b"generation";

/// An open store. One process has it at a time.
pub(crate) struct Store {
    path: PathBuf,
    /// Held as long as the store is open; `None` where another process has it, and only the snapshot is read.
    lock: Option<File>,
    /// Opened when it is first needed.
    database: Option<Database>,
    pending: bool,
    /// The number of the last edit; known once the database is open.
    last_edit: u64,
}

impl Store {
    /// Opens the store in the folder, or makes one in an empty or new folder.
    pub(crate) fn open(path: &Path) -> Result<Self, GraphError> {
        let failed = |source| GraphError::store(path, source);
        fs::create_dir_all(path).map_err(failed)?;
        folder::check_format(path)?;
        let lock = folder::lock(path)?;
        let pending = path.join("pending").exists();
        Ok(Self { path: path.to_owned(), lock: Some(lock), database: None, pending, last_edit: 0 })
    }

    /// The store in the folder while another process has it: nothing of it can be read or written but the snapshot.
    pub(crate) fn beside(path: &Path) -> Result<Self, GraphError> {
        folder::check_format(path)?;
        let pending = path.join("pending").exists();
        Ok(Self { path: path.to_owned(), lock: None, database: None, pending, last_edit: 0 })
    }

    /// That this process has the store.
    pub(crate) fn check_owned(&self) -> Result<(), GraphError> {
        match self.lock {
            Some(_) => Ok(()),
            None => Err(GraphError::Locked { path: self.path.clone(), holder: folder::holder(&self.path) }),
        }
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether sled may hold more than the snapshot.
    pub(crate) fn is_pending(&self) -> bool {
        self.pending
    }

    /// Whether anything was ever written.
    pub(crate) fn is_new(&self) -> bool {
        !self.path.join("sled").exists()
    }

    /// Says that from now on sled may hold more than the snapshot. Durable before anything is written.
    fn mark_pending(&mut self) -> Result<(), GraphError> {
        self.check_owned()?;
        if !self.pending {
            let mark = || {
                File::create(self.path.join("pending"))?.sync_all()?;
                File::open(&self.path)?.sync_all()
            };
            mark().map_err(|source| self.failed(source))?;
            self.pending = true;
        }
        Ok(())
    }

    /// Says that the snapshot holds everything.
    pub(crate) fn clear_pending(&mut self) -> Result<(), GraphError> {
        if self.pending {
            fs::remove_file(self.path.join("pending")).map_err(|source| self.failed(source))?;
            self.pending = false;
        }
        Ok(())
    }

    /// Every run, by number.
    pub(crate) fn runs(&mut self) -> Result<Vec<(u64, Run)>, GraphError> {
        let mut runs = Vec::new();
        for entry in self.database()?.scan(RUNS, &[]) {
            let (key, value) = entry.map_err(|source| self.failed(source))?;
            runs.push((number(&key), self.decode(&value)?));
        }
        Ok(runs)
    }

    /// The present generation.
    pub(crate) fn generation(&mut self) -> Result<Generation, GraphError> {
        let value = self.database()?.get(STATE, GENERATION).map_err(|source| self.failed(source))?;
        value.map_or(Ok(Generation(0)), |value| self.decode(&value))
    }

    /// Writes the next generation; durable with the next flush.
    fn raise_generation(&mut self) -> Result<Generation, GraphError> {
        let next = Generation(self.generation()?.0 + 1);
        let value = self.encode(&next)?;
        self.insert(STATE, GENERATION, value)?;
        Ok(next)
    }

    /// Reads runs beside what is written.
    pub(crate) fn reader(&mut self) -> Result<RunReader, GraphError> {
        Ok(RunReader { path: self.path.clone(), reader: self.database()?.reader() })
    }

    /// Bytes that the database takes.
    pub(crate) fn bytes_on_disk(&self) -> Result<u64, GraphError> {
        folder::bytes(&self.path.join("sled")).map_err(|source| self.failed(source))
    }

    fn database(&mut self) -> Result<&Database, GraphError> {
        self.check_owned()?;
        if self.database.is_none() {
            let database =
                Database::open(&self.path.join("sled"), &TREES).map_err(|source| self.failed(source))?;
            let mut edits = database.scan(EDITS, &[]);
            let last = edits.next_back().transpose().map_err(|source| self.failed(source))?;
            self.last_edit = last.map_or(0, |(key, _)| number(&key));
            self.database = Some(database);
        }
        // It was just put there.
        self.database.as_ref().ok_or_else(|| self.failed(io::ErrorKind::NotFound.into()))
    }

    /// The statements of complete runs, in their order.
    #[cfg(test)]
    pub(crate) fn statements(&mut self) -> Vec<Statement> {
        let reader = self.reader().unwrap();
        let mut found = Vec::new();
        for (number, run) in self.runs().unwrap().iter().filter(|(_, run)| run.generation().is_some()) {
            let take = |statement: Statement<&str>| {
                found.push(statement.into_owned());
                Ok(())
            };
            reader.statements((*number, run), take).unwrap();
        }
        found
    }

    fn insert(&mut self, tree: usize, key: &[u8], value: Vec<u8>) -> Result<(), GraphError> {
        self.database()?.insert(tree, key, value).map_err(|source| self.failed(source))
    }

    fn remove(&mut self, tree: usize, key: &[u8]) -> Result<(), GraphError> {
        self.database()?.remove(tree, key).map_err(|source| self.failed(source))
    }

    fn flush(&mut self) -> Result<(), GraphError> {
        self.database()?.flush().map_err(|source| self.failed(source))
    }

    /// Writes records of runs, all or none.
    fn write_runs(&mut self, records: &[(u64, Run)]) -> Result<(), GraphError> {
        let mut batch = Batch::default();
        for (number, run) in records {
            batch.insert(number.to_be_bytes().to_vec(), self.encode(run)?);
        }
        self.database()?.apply(RUNS, batch).map_err(|source| self.failed(source))
    }

    fn block_keys(&mut self, run: u64) -> Result<Vec<Vec<u8>>, GraphError> {
        let blocks = self.database()?.scan(BLOCKS, &run.to_be_bytes());
        blocks
            .map(|entry| entry.map(|(key, _)| key.to_vec()))
            .collect::<io::Result<_>>()
            .map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> GraphError {
        GraphError::store(&self.path, source)
    }

    fn encode<T: Serialize>(&self, value: &T) -> Result<Vec<u8>, GraphError> {
        postcard::to_stdvec(value).map_err(|source| damaged(&self.path, source))
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, GraphError> {
        postcard::from_bytes(bytes).map_err(|source| damaged(&self.path, source))
    }
}

/// Reads the statements of runs, on a thread of its own if need be.
pub(crate) struct RunReader {
    path: PathBuf,
    reader: Reader,
}

impl RunReader {
    /// Calls `take` with each statement of a run, in the order of its file.
    pub(crate) fn statements(
        &self,
        (run, record): (u64, &Run),
        mut take: impl FnMut(Statement<&str>) -> Result<(), GraphError>,
    ) -> Result<(), GraphError> {
        for entry in self.reader.scan(BLOCKS, &run.to_be_bytes()).take(record.blocks as usize) {
            let (_, packed) = entry.map_err(|source| GraphError::store(&self.path, source))?;
            block::unpack::<Unpacking>(&packed, |statement| take(statement).map_err(Unpacking::Taking))
                .map_err(|error| match error {
                    Unpacking::Taking(error) => error,
                    Unpacking::Postcard(source) => damaged(&self.path, source),
                    Unpacking::Io(source) => GraphError::store(&self.path, source),
                })?;
        }
        Ok(())
    }
}

/// Why a block could not be read to its end.
enum Unpacking {
    Taking(GraphError),
    Postcard(postcard::Error),
    Io(io::Error),
}

impl From<postcard::Error> for Unpacking {
    fn from(error: postcard::Error) -> Self {
        Self::Postcard(error)
    }
}

impl From<io::Error> for Unpacking {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn damaged(path: &Path, source: postcard::Error) -> GraphError {
    GraphError::Damaged { path: path.to_owned(), source }
}

/// The number in the first eight bytes of a key.
fn number(key: &[u8]) -> u64 {
    key.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The key of a run's block.
fn numbered(run: u64, ordinal: u64) -> Vec<u8> {
    [run.to_be_bytes(), ordinal.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests;
