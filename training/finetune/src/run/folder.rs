//! A folder that appears whole or not at all. In: a name. Out: a folder to write to, which takes the name when it is done.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Where something is written before it has its name.
#[derive(Debug)]
pub(super) struct Draft {
    target: PathBuf,
    folder: PathBuf,
    is_done: bool,
}

impl Draft {
    /// Makes a hidden folder beside `target`. One process alone writes there, which holds the run's lock.
    pub(super) fn new(target: &Path) -> io::Result<Self> {
        let folder = beside(target, "partial");
        remove(&folder)?;
        fs::create_dir_all(&folder)?;
        Ok(Self { target: target.to_owned(), folder, is_done: false })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Syncs everything and puts it in place of what was there.
    pub(super) fn commit(mut self) -> io::Result<()> {
        sync(&self.folder)?;
        let aside = beside(&self.target, "replaced");
        if self.target.exists() {
            remove(&aside)?;
            fs::rename(&self.target, &aside)?;
        }
        fs::rename(&self.folder, &self.target)?;
        self.is_done = true;
        if let Some(parent) = self.target.parent() {
            sync_folder(parent)?;
        }
        remove(&aside)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_done {
            // What cannot be deleted now is deleted by the next draft of this name.
            let _ignored = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Puts back what was set aside by a process that ended before its draft had the name, and removes other drafts.
pub(super) fn recover(target: &Path) -> io::Result<()> {
    let aside = beside(target, "replaced");
    if !target.exists() && aside.exists() {
        fs::rename(&aside, target)?;
    }
    remove(&aside)?;
    remove(&beside(target, "partial"))
}

/// The name that a hidden folder stands for.
pub(super) fn stands_for(hidden: &str) -> Option<&str> {
    let name = hidden.strip_prefix('.')?;
    name.strip_suffix(".partial").or_else(|| name.strip_suffix(".replaced"))
}

/// Removes a folder, or nothing.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Puts a folder aside that cannot be used, so that it no longer counts and yet is there for who wants to look at it.
pub(super) fn set_aside(folder: &Path) -> io::Result<()> {
    let aside = beside(folder, "damaged");
    remove(&aside)?;
    fs::rename(folder, aside)
}

fn beside(target: &Path, purpose: &str) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{purpose}"))
}

fn sync(path: &Path) -> io::Result<()> {
    if !path.is_dir() {
        // Windows refuses to sync a file that is open for reading only.
        return File::options().read(true).write(cfg!(windows)).open(path)?.sync_all();
    }
    for entry in fs::read_dir(path)? {
        sync(&entry?.path())?;
    }
    sync_folder(path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    // Only Unix lets a folder be opened and synced; elsewhere the rename is all there is.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}
