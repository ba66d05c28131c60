//! The store's folder. In: a path. Out: the right to use it, or who has it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::GraphError;

/// What the `format` file says. The number grows with the layout of the store and with the pinned version of sled.
const FORMAT: &str = "loquat-kg 2";

/// How long a graph that was closed in this process may take to give up its lock.
const CLOSING: Duration = Duration::from_secs(1);

/// Reads the `format` file, or writes it into a folder that has nothing else.
pub(super) fn check_format(path: &Path) -> Result<(), GraphError> {
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
    File::open(&temporary).and_then(|file| file.sync_all()).map_err(failed)?;
    fs::rename(&temporary, &file).map_err(failed)
}

/// Takes the folder for this process, and notes who has it.
pub(super) fn lock(path: &Path) -> Result<File, GraphError> {
    let failed = |source| GraphError::store(path, source);
    let mut options = File::options();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path.join("lock"))
        .map_err(failed)?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut id = String::new();
        // Only to tell who it is.
        let _ = file.rewind().and_then(|()| file.read_to_string(&mut id));
        let own = id.trim() == std::process::id().to_string();
        // A process that this one has just begun to start holds its files, and so the lock of a closed graph, for a moment.
        if !own || start.elapsed() > CLOSING {
            return Err(GraphError::Locked { path: path.to_owned(), holder: named(id.trim()) });
        }
        std::thread::sleep(CLOSING / 50);
    }
    let note = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(std::process::id().to_string().as_bytes())
    };
    // Only for the message of the next process that wants the store, so a failure here is none of the store's.
    if let Err(error) = note(&mut file) {
        tracing::debug!(%error, "could not note the owner of the graph");
    }
    Ok(file)
}

/// Who has the store open, as far as its lock says.
pub(super) fn holder(path: &Path) -> String {
    named(fs::read_to_string(path.join("lock")).unwrap_or_default().trim())
}

/// A process in words.
fn named(id: &str) -> String {
    match id {
        "" => "another process".to_owned(),
        id if id == std::process::id().to_string() => "this process already".to_owned(),
        id => format!("process {id}"),
    }
}

/// Bytes of all files under a folder; none where it is not there.
pub(super) fn bytes(path: &Path) -> io::Result<u64> {
    let mut total = 0;
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let metadata = entry.metadata()?;
        total += if metadata.is_dir() { bytes(&entry.path())? } else { metadata.len() };
    }
    Ok(total)
}
