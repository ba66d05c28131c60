//! How far a hook is. In: what was looked at and what was confirmed. Out: the same after a crash: a small file for each hook, which is replaced
//! as a whole. An old one makes events come twice, never be lost.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use loquat_contract::{Person, Sequence, Timestamp};
use serde::{Deserialize, Serialize};

/// How far a hook is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cursor {
    /// The last entry that was looked at.
    pub(crate) seen: u64,
    /// Those up to there that are not settled yet, or whose events are not confirmed.
    pub(crate) open: BTreeSet<u64>,
    /// People who were erased, which is not confirmed. They are forgotten here with the confirmation.
    #[serde(default)]
    pub(crate) erased: Vec<Gone>,
    /// The address that answered 410: nothing more is sent there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) disabled: Option<String>,
}

/// Somebody who was erased.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Gone {
    /// The event's id.
    pub(crate) id: String,
    pub(crate) person: Person,
    pub(crate) messages: usize,
    pub(crate) at: Timestamp,
}

impl Cursor {
    /// One that begins behind what is there already.
    pub(crate) fn behind(newest: Option<Sequence>) -> Self {
        Self { seen: newest.map_or(0, |newest| newest.0), ..Self::default() }
    }
}

/// The file of a cursor.
#[derive(Clone, Debug)]
pub(crate) struct File(PathBuf);

impl File {
    pub(crate) fn new(folder: &Path, hook: &str) -> Self {
        Self(folder.join(format!("{hook}.json")))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The cursor in it; `None` where there is none yet.
    ///
    /// # Errors
    /// When it cannot be read or understood.
    pub(crate) fn read(&self) -> io::Result<Option<Cursor>> {
        match std::fs::read(&self.0) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts a cursor in the place of the one in it.
    ///
    /// # Errors
    /// When it cannot be written; the old one then stays.
    pub(crate) fn write(&self, cursor: &Cursor) -> io::Result<()> {
        let folder = self.0.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec(cursor)?)?;
        file.as_file().sync_data()?;
        file.persist(&self.0)?;
        Ok(())
    }
}
