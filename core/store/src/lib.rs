//! Durable, ordered keys and values in one folder: sled, with its failures contained. In: keys and values. Out: the same after a crash.
//! The only crate that names sled; it knows nothing of what is stored.
//!
//! sled 1.0.0-alpha.124 does not survive a write that fails, on a full disk for one: the next flush waits for the failed one for
//! ever, and its background thread and its `Drop` (which flushes) end the process. So nothing is flushed but from here, and after
//! the first failure the database is not touched again: every later write is refused, and instead of being dropped it is leaked
//! until the process ends. What was flushed before stays readable by the next process.
//!
//! It also loses everything if the process is killed at one moment of opening: where it finds its metadata's snapshot and no log after
//! it, it writes the snapshot anew under the same name and then removes it as the old one. [`Database::open`] puts an empty log
//! there first.
//!
//! A [`Database`] may move between threads and not be shared by them; put it behind a mutex.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Memory for sled's page cache, in bytes. What is read often is kept elsewhere, so a small one does.
const CACHE_BYTES: usize = 64 << 20;
/// Milliseconds between flushes of the background thread: never. `None` would flush at each drop of an iterator instead.
const NEVER: usize = u32::MAX as usize;

/// Pairs in a leaf at most. sled writes whole leaves, and the values kept here are large.
const FANOUT: usize = 16;

/// How long a database that was closed in this process may take to give up its lock.
const CLOSING: Duration = Duration::from_secs(1);

/// A key or a value.
pub type Bytes = sled::InlineArray;

/// Changes to one tree that become visible together.
#[derive(Clone, Debug, Default)]
pub struct Batch(sled::Batch);

impl Batch {
    /// Sets a key.
    pub fn insert(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.insert(key, value);
    }

    /// Removes a key.
    pub fn remove(&mut self, key: Vec<u8>) {
        self.0.remove(key);
    }
}

/// A folder with named trees of keys and values.
pub struct Database {
    db: sled::Db<FANOUT>,
    trees: Vec<sled::Tree<FANOUT>>,
    /// The first write that failed.
    failure: OnceLock<(io::ErrorKind, String)>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("trees", &self.trees.len()).finish_non_exhaustive()
    }
}

impl Database {
    /// Opens or creates the database. Its trees are told apart by their position in `trees`.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] where another process has it open; else what the disk says.
    pub fn open(path: &Path, trees: &[&str]) -> io::Result<Self> {
        guard_snapshot(path)?;
        let config =
            sled::Config::new().path(path).cache_capacity_bytes(CACHE_BYTES).flush_every_ms(Some(NEVER));
        // A database that this process has just closed holds its lock for a moment longer.
        let start = Instant::now();
        let db: sled::Db<FANOUT> = loop {
            match config.open() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && start.elapsed() < CLOSING => {
                    std::thread::sleep(CLOSING / 50);
                }
                opened => break opened?,
            }
        };
        let trees = trees.iter().map(|name| db.open_tree(name)).collect::<io::Result<_>>()?;
        Ok(Self { db, trees, failure: OnceLock::new() })
    }

    /// The value of a key.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn get(&self, tree: usize, key: &[u8]) -> io::Result<Option<Bytes>> {
        self.trees[tree].get(key)
    }

    /// The pairs whose key begins with `prefix`, in the order of their keys; from either end.
    pub fn scan(
        &self,
        tree: usize,
        prefix: &[u8],
    ) -> impl DoubleEndedIterator<Item = io::Result<(Bytes, Bytes)>> + use<> {
        self.trees[tree].scan_prefix(prefix)
    }

    /// The pairs from this key on, in the order of their keys.
    pub fn scan_from(
        &self,
        tree: usize,
        key: &[u8],
    ) -> impl Iterator<Item = io::Result<(Bytes, Bytes)>> + use<> {
        self.trees[tree].range(key.to_vec()..)
    }

    /// Sets a key; durable after the next [`flush`](Self::flush).
    ///
    /// # Errors
    /// When it cannot be written, or an earlier write failed.
    pub fn insert(&self, tree: usize, key: &[u8], value: Vec<u8>) -> io::Result<()> {
        self.write(|| self.trees[tree].insert(key, value).map(|_| ()))
    }

    /// Removes a key; durable after the next [`flush`](Self::flush).
    ///
    /// # Errors
    /// When it cannot be written, or an earlier write failed.
    pub fn remove(&self, tree: usize, key: &[u8]) -> io::Result<()> {
        self.write(|| self.trees[tree].remove(key).map(|_| ()))
    }

    /// Applies a batch, whole or not at all; durable after the next [`flush`](Self::flush).
    ///
    /// # Errors
    /// When it cannot be written, or an earlier write failed.
    pub fn apply(&self, tree: usize, batch: Batch) -> io::Result<()> {
        self.write(|| self.trees[tree].apply_batch(batch.0))
    }

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// When it cannot be written, or an earlier write failed: then nothing is written any more until the process restarts.
    pub fn flush(&self) -> io::Result<()> {
        self.write(|| self.db.flush().map(|_| ()))
    }

    /// A second pair of eyes on the same trees, to read on another thread while this one writes.
    pub fn reader(&self) -> Reader {
        Reader { trees: self.trees.clone() }
    }

    /// Bytes on disk.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn bytes_on_disk(&self) -> io::Result<u64> {
        self.db.size_on_disk()
    }

    fn write(&self, write: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        if let Some((kind, reason)) = self.failure.get() {
            return Err(io::Error::new(*kind, format!("an earlier write failed: {reason}")));
        }
        write().inspect_err(|error| {
            self.failure.get_or_init(|| (error.kind(), error.to_string()));
        })
    }
}

/// Reads what a [`Database`] holds, beside it. It sees what was written before it looks, flushed or not.
pub struct Reader {
    trees: Vec<sled::Tree<FANOUT>>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("trees", &self.trees.len()).finish()
    }
}

impl Reader {
    /// As [`Database::scan`].
    pub fn scan(
        &self,
        tree: usize,
        prefix: &[u8],
    ) -> impl DoubleEndedIterator<Item = io::Result<(Bytes, Bytes)>> + use<> {
        self.trees[tree].scan_prefix(prefix)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // sled flushes as it is dropped, so this asks first whether that can succeed.
        if let Err(error) = self.flush() {
            tracing::warn!(%error, "the store stays open until the process ends");
            // A handle that is never dropped keeps sled from shutting down.
            std::mem::forget(self.db.clone());
        }
    }
}

/// Sees to it that the newest snapshot of sled's metadata has a log after it.
fn guard_snapshot(path: &Path) -> io::Result<()> {
    let path = path.join("metadata");
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let (mut snapshot, mut log) = (None, None);
    for entry in entries {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        let numbered = |prefix: &str| u64::from_str_radix(name.strip_prefix(prefix)?, 16).ok();
        snapshot = snapshot.max(numbered("snapshot_"));
        log = log.max(numbered("log_"));
    }
    if let Some(snapshot) = snapshot.filter(|snapshot| log.is_none_or(|log| log <= *snapshot)) {
        fs::File::create(path.join(format!("log_{:016x}", snapshot + 1)))?.sync_all()?;
        fs::File::open(path)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_between_snapshot_and_log_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        {
            let database = Database::open(folder.path(), &["a"]).unwrap();
            database.insert(0, b"k", b"kept".to_vec()).unwrap();
            database.flush().unwrap();
        }
        for round in 0..3 {
            {
                let database = Database::open(folder.path(), &["a"]).unwrap();
                let kept = database.get(0, b"k").unwrap();
                assert_eq!(kept.as_deref(), Some(b"kept".as_slice()), "round {round}");
            }
            // What a kill just before the new log leaves.
            for entry in fs::read_dir(folder.path().join("metadata")).unwrap() {
                let path = entry.unwrap().path();
                if path.file_name().unwrap().to_string_lossy().starts_with("log_") {
                    fs::remove_file(path).unwrap();
                }
            }
        }
    }

    #[test]
    fn what_was_flushed_is_there_again_and_batches_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        {
            let database = Database::open(folder.path(), &["a", "b"]).unwrap();
            let mut batch = Batch::default();
            batch.insert(b"k1".to_vec(), b"one".to_vec());
            batch.insert(b"k2".to_vec(), b"two".to_vec());
            batch.remove(b"k1".to_vec());
            database.apply(0, batch).unwrap();
            database.insert(1, b"k1", b"other".to_vec()).unwrap();
            database.flush().unwrap();
            assert_eq!(
                Database::open(folder.path(), &["a"]).unwrap_err().kind(),
                io::ErrorKind::WouldBlock,
                "a folder has one owner"
            );
        }
        let database = Database::open(folder.path(), &["a", "b"]).unwrap();
        assert_eq!(database.get(0, b"k1").unwrap(), None);
        let found: Vec<Vec<u8>> = database.scan(0, b"k").map(|pair| pair.unwrap().1.to_vec()).collect();
        assert_eq!(found, [b"two".to_vec()]);
        assert_eq!(database.get(1, b"k1").unwrap().as_deref(), Some(b"other".as_slice()));
    }

    #[test]
    fn after_a_failed_write_every_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(folder.path(), &["a"]).unwrap();
        let full = || Err(io::Error::new(io::ErrorKind::StorageFull, "no space left"));
        assert_eq!(database.write(full).unwrap_err().kind(), io::ErrorKind::StorageFull);
        let refused = database.insert(0, b"k", Vec::new()).unwrap_err();
        assert!(refused.to_string().contains("no space left"), "{refused}");
        assert!(database.get(0, b"k").unwrap().is_none(), "reading goes on");
    }
}
