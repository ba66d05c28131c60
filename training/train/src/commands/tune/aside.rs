//! The search that is there when another one begins. In: the folder of searches. Out: the old one beside it, until the new one has a trial: then it is
//! removed, and where the new one fails before, it is put back.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Where the old search lies meanwhile, beside its folder.
const BEFORE: &str = "tune.before";

/// An old search, or none.
#[derive(Debug)]
pub(super) struct Aside {
    folder: PathBuf,
    before: PathBuf,
    /// Whether the new search began with this process.
    fresh: bool,
}

impl Aside {
    /// Moves the search in `folder` aside where a fresh one begins.
    pub(super) fn begin(folder: &Path, fresh: bool) -> anyhow::Result<Self> {
        let aside = Self { folder: folder.to_owned(), before: folder.with_file_name(BEFORE), fresh };
        if fresh && folder.exists() {
            if aside.before.exists() {
                // A search that began anew before has no trial yet: what it took the place of is worth more.
                fs::remove_dir_all(folder)
                    .with_context(|| format!("{} cannot be removed", folder.display()))?;
            } else {
                fs::rename(folder, &aside.before)
                    .with_context(|| format!("{} cannot be moved aside", folder.display()))?;
            }
        }
        Ok(aside)
    }

    /// Removes the old search: the new one has a trial.
    pub(super) fn remove(&self) {
        // What cannot be deleted is merely left over.
        let _ignored = fs::remove_dir_all(&self.before);
    }

    /// Puts the old search back where the new one failed without a trial; gives the error that it failed with.
    pub(super) fn put_back(&self, error: anyhow::Error) -> anyhow::Error {
        if !self.fresh || !self.before.exists() {
            return error;
        }
        // It may not have come so far as to have one.
        let _ignored = fs::remove_dir_all(&self.folder);
        match fs::rename(&self.before, &self.folder) {
            Ok(()) => error,
            Err(_) => error.context(format!("the search before this one is in {}", self.before.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_search_is_removed_only_once_a_new_one_has_a_trial() {
        let output = tempfile::tempdir().unwrap();
        let (folder, before) = (output.path().join("tune"), output.path().join(BEFORE));
        let write = |text: &str| {
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("trials.jsonl"), text).unwrap();
        };
        let there = || fs::read_to_string(folder.join("trials.jsonl")).ok();
        Aside::begin(&folder, true).unwrap();
        write("old");
        Aside::begin(&folder, false).unwrap();
        assert_eq!(there().as_deref(), Some("old"));
        let aside = Aside::begin(&folder, true).unwrap();
        assert!(there().is_none() && before.exists());
        write("new");
        // The process ended before there was a trial, and another one begins anew too.
        drop(aside);
        let aside = Aside::begin(&folder, true).unwrap();
        assert!(there().is_none());
        write("newer");
        assert_eq!(aside.put_back(anyhow::anyhow!("too long")).to_string(), "too long");
        assert_eq!(there().as_deref(), Some("old"));
        assert!(!before.exists());
        let aside = Aside::begin(&folder, true).unwrap();
        write("new");
        aside.remove();
        let _later = aside.put_back(anyhow::anyhow!("later"));
        assert_eq!(there().as_deref(), Some("new"));
        assert!(!before.exists());
    }
}
