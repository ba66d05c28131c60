//! Results that outlive the process. In: one after another. Out: a file with a line of JSON for each; a line that a stop cut off is taken away.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What is there already, and what is added.
#[derive(Debug)]
pub(super) struct Lines<T> {
    path: PathBuf,
    file: File,
    pub(super) all: Vec<T>,
}

impl<T: Serialize + DeserializeOwned> Lines<T> {
    /// Reads what is there.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let unusable = || format!("{} cannot be read and written", path.display());
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error).with_context(unusable),
        };
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut all = Vec::new();
        for (number, line) in (1..).zip(bytes[..whole].split(|byte| *byte == b'\n')) {
            if !line.is_empty() {
                let one = serde_json::from_slice(line);
                all.push(one.with_context(|| {
                    format!("line {number} of {} is damaged; remove it to measure that again", path.display())
                })?);
            }
        }
        let file = OpenOptions::new().append(true).create(true).open(path).with_context(unusable)?;
        file.set_len(whole as u64).with_context(unusable)?;
        Ok(Self { path: path.to_owned(), file, all })
    }

    /// Keeps one more, over a loss of power too.
    pub(super) fn push(&mut self, one: T) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(&one)?;
        line.push(b'\n');
        // One call: a process that is killed leaves whole lines and one torn one at most.
        self.file.write_all(&line).and_then(|()| self.file.sync_data()).with_context(|| {
            format!("{} cannot be written; free some space and start again", self.path.display())
        })?;
        self.all.push(one);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn what_was_kept_is_there_and_a_torn_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let mut kept = Lines::open(&path).unwrap();
        [1, 2, 30].into_iter().for_each(|one| kept.push(one).unwrap());
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.pop();
        std::fs::write(&path, bytes).unwrap();
        let mut kept: Lines<u32> = Lines::open(&path).unwrap();
        assert_eq!(kept.all, [1, 2]);
        kept.push(4).unwrap();
        assert_eq!(Lines::<u32>::open(&path).unwrap().all, [1, 2, 4]);
        std::fs::write(&path, "x\n").unwrap();
        assert!(Lines::<u32>::open(&path).err().unwrap().to_string().contains("line 1"));
    }
}
