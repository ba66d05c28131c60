//! A folder that appears whole or not at all. In: files written one by one. Out: one rename.
//!
//! Files go to a hidden sibling of the target, which is on the same file system, are synced, and the sibling is
//! renamed. A crash leaves at most the sibling behind, which nothing reads. Two processes that write the same
//! target both succeed; the last one stays.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Serialize;

use crate::error::{ExportError, Result};

/// Distinguishes folders that one process writes at the same time.
static SERIAL: AtomicU32 = AtomicU32::new(0);
/// How often a rename is repeated when another process puts a folder in the way in between.
const ATTEMPTS: usize = 100;

#[derive(Debug)]
pub(crate) struct Staging {
    target: PathBuf,
    folder: PathBuf,
    committed: bool,
}

impl Staging {
    pub(crate) fn new(target: &Path) -> Result<Self> {
        let target = std::path::absolute(target).map_err(ExportError::io("resolve", target))?;
        let parent = target.parent().unwrap_or(&target);
        fs::create_dir_all(parent).map_err(ExportError::io("create", parent))?;
        loop {
            let folder = sibling(&target, "partial");
            match fs::create_dir(&folder) {
                Ok(()) => return Ok(Self { target, folder, committed: false }),
                // Left by a process that crashed and had the same number, as is usual in containers.
                Err(source) if source.kind() == ErrorKind::AlreadyExists => {}
                Err(source) => return Err(ExportError::io("create", &folder)(source)),
            }
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the folder will be.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> Result<()> {
        let path = self.folder.join(name);
        fs::write(&path, contents).map_err(ExportError::io("write", &path))
    }

    pub(crate) fn write_json(&self, name: &str, value: &impl Serialize) -> Result<()> {
        self.write(name, to_json(&self.folder.join(name), value)?)
    }

    pub(crate) fn copy(&self, from: &Path, name: &str) -> Result<()> {
        self.write(name, fs::read(from).map_err(ExportError::io("read", from))?)
    }

    /// Syncs every file and puts the folder in place of whatever was there.
    pub(crate) fn commit(mut self) -> Result<()> {
        for entry in fs::read_dir(&self.folder).map_err(ExportError::io("read", &self.folder))? {
            let path = entry.map_err(ExportError::io("read", &self.folder))?.path();
            sync(&path)?;
        }
        sync_folder(&self.folder)?;
        let mut attempt = 1;
        loop {
            match fs::rename(&self.folder, &self.target) {
                Ok(()) => break,
                // The target is there already, or was a moment ago: set it aside, and it is free.
                Err(source) if attempt < ATTEMPTS && is_in_the_way(&source, &self.target) => {
                    let aside = sibling(&self.target, "replaced");
                    if fs::rename(&self.target, &aside).is_ok() {
                        // What cannot be deleted now is merely left over.
                        let _ = fs::remove_dir_all(&aside);
                    }
                    attempt += 1;
                }
                Err(source) => return Err(ExportError::io("create", &self.target)(source)),
            }
        }
        self.committed = true;
        self.target.parent().map_or(Ok(()), sync_folder)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.committed {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Puts files in the place of what was there, each whole or not at all: all are written and synced beside their targets before the first is renamed. On
/// an error nothing is left beside.
pub(crate) fn replace_files(files: &[(&Path, &[u8])]) -> Result<()> {
    let files: Vec<_> =
        files.iter().map(|(target, contents)| (*target, sibling(target, "partial"), *contents)).collect();
    let put = || {
        for (_, beside, contents) in &files {
            fs::write(beside, contents).map_err(ExportError::io("write", beside))?;
            sync(beside)?;
        }
        for (target, beside, _) in &files {
            fs::rename(beside, target).map_err(ExportError::io("write", target))?;
        }
        files.iter().filter_map(|(target, ..)| target.parent()).try_for_each(sync_folder)
    };
    put().inspect_err(|_| {
        for (_, beside, _) in &files {
            // What was renamed is not there any more, and what cannot be deleted now is merely left over.
            let _ = fs::remove_file(beside);
        }
    })
}

/// A file's contents. `path` is what errors name.
pub(super) fn to_json(path: &Path, value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|source| ExportError::Json { path: path.to_owned(), detail: source.to_string() })?;
    Ok(text + "\n")
}

fn sibling(target: &Path, purpose: &str) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    target.with_file_name(format!(".{name}.{purpose}-{}-{serial}", process::id()))
}

/// Whether a rename failed because of a folder that another writer put there, and may have taken away again since.
fn is_in_the_way(source: &std::io::Error, target: &Path) -> bool {
    matches!(source.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists) || target.exists()
}

fn sync(path: &Path) -> Result<()> {
    // Windows refuses to sync a file that is open for reading only.
    let file = File::options().read(true).write(cfg!(windows)).open(path);
    file.and_then(|f| f.sync_all()).map_err(ExportError::io("sync", path))
}

fn sync_folder(path: &Path) -> Result<()> {
    // Only Unix lets a folder be opened and synced; elsewhere the rename is all there is.
    if cfg!(unix) { sync(path) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{SERIAL, Staging, replace_files};

    #[test]
    fn writers_of_one_target_all_succeed_and_one_stays_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("model");
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let target = &target;
                scope.spawn(move || {
                    let staging = Staging::new(target).unwrap();
                    staging.write("a", format!("{writer}")).unwrap();
                    staging.write("b", format!("{writer}")).unwrap();
                    staging.commit().unwrap();
                });
            }
        });
        assert_eq!(fs::read(target.join("a")).unwrap(), fs::read(target.join("b")).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn files_are_replaced_whole_and_nothing_is_left_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
        replace_files(&[(&one, b"1"), (&two, b"2")]).unwrap();
        replace_files(&[(&one, b"3")]).unwrap();
        // The second cannot be written: the first stays too.
        let nowhere = folder.path().join("none/two");
        assert!(replace_files(&[(&one, b"4"), (&nowhere, b"4")]).is_err());
        // A folder is in the way of a rename.
        let taken = folder.path().join("taken");
        fs::create_dir_all(taken.join("x")).unwrap();
        assert!(replace_files(&[(&taken, b"4")]).is_err());
        assert_eq!((fs::read(&one).unwrap(), fs::read(&two).unwrap()), (b"3".to_vec(), b"2".to_vec()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn leftovers_of_a_crash_do_not_block() {
        let folder = tempfile::tempdir().unwrap();
        let next = SERIAL.load(std::sync::atomic::Ordering::Relaxed);
        for serial in next..next + 100 {
            let left = format!(".model.partial-{}-{serial}", std::process::id());
            fs::create_dir(folder.path().join(left)).unwrap();
        }
        Staging::new(&folder.path().join("model")).unwrap().commit().unwrap();
        assert!(folder.path().join("model").is_dir());
    }

    #[test]
    fn an_abandoned_folder_disappears() {
        let folder = tempfile::tempdir().unwrap();
        let staging = Staging::new(&folder.path().join("model")).unwrap();
        staging.write("a", "half").unwrap();
        drop(staging);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
