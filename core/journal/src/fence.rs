//! Who may write. In: a folder. Out: the claim to it, checked before each write. One process has the folder's lock; the epoch in the
//! file `epoch` tells an earlier owner that it was replaced, also where locks do not hold, such as on some network disks.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use loquat_contract::{JournalError, Timestamp};

use crate::error::{invalid, store};
use crate::segment::sync_folder;

/// The format of the folder; one that is not this is refused.
const FORMAT: &str = "loquat-journal 2\n";

/// What sled leaves in a folder: the first format was a folder of its own.
pub(crate) const SLED: &str = "durability_cookie";

/// The claim to a folder.
pub(crate) struct Fence {
    folder: PathBuf,
    epoch: u64,
    /// Locked for as long as it is open.
    _lock: File,
}

impl Fence {
    /// Takes the folder over.
    pub(crate) fn claim(folder: &Path) -> Result<Self, JournalError> {
        make(folder).map_err(store)?;
        check_format(folder)?;
        let lock = File::options().create(true).write(true).truncate(false).open(folder.join("lock"));
        let lock = lock.map_err(store)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::Unusable(format!("another process has {}", folder.display())));
            }
            Err(TryLockError::Error(error)) => return Err(store(error)),
        }
        // One that was damaged is as good as any: the lock is ours, and milliseconds are larger than any count of starts.
        let epoch = match epoch(folder) {
            Ok(epoch) => epoch + 1,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Timestamp::now().0,
            Err(error) => return Err(store(error)),
        };
        write(folder, "epoch", &format!("{epoch}\n")).map_err(store)?;
        Ok(Self { folder: folder.to_owned(), epoch, _lock: lock })
    }

    /// Whether the folder is still this owner's.
    pub(crate) fn holds(&self) -> Result<bool, JournalError> {
        Ok(epoch(&self.folder).map_err(store)? == self.epoch)
    }
}

/// Refuses a folder of another format.
pub(crate) fn check_format(folder: &Path) -> Result<(), JournalError> {
    match fs::read_to_string(folder.join("format")) {
        Ok(format) if format == FORMAT => Ok(()),
        Ok(_) => Err(other_version(folder)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(other_version(folder)),
        Err(error) => Err(store(error)),
    }
}

/// Makes the folder where it is not there, for its owner alone: it holds what people say.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    if folder.join("format").exists() || folder.join(SLED).exists() {
        return Ok(());
    }
    write(folder, "format", FORMAT)
}

fn other_version(folder: &Path) -> JournalError {
    JournalError::Unusable(format!("{} was written by another version of Loquat", folder.display()))
}

fn epoch(folder: &Path) -> io::Result<u64> {
    match fs::read_to_string(folder.join("epoch")) {
        Ok(text) => text.trim().parse().map_err(|_| invalid("the file `epoch` has no number")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// Writes a small file, whole or not at all.
fn write(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let unfinished = folder.join(format!("{name}.tmp"));
    let mut file = File::create(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(unfinished, folder.join(name))?;
    sync_folder(folder)
}
