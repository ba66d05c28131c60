//! Bad lines, put aside. In: lines as they stand, and why they are bad. Out: a file that can be mended and imported, and
//! beside it one that tells number and reason of each.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::BadLine;
use crate::GraphError;

/// Where the bad lines of one file go; nothing is made before there is one.
pub(super) struct Quarantine {
    lines: PathBuf,
    reasons: PathBuf,
    files: Option<(BufWriter<File>, BufWriter<File>)>,
}

impl Quarantine {
    /// For the bad lines of the file with this name. `kept` bytes of what an interrupted import put there are still good.
    pub(super) fn open(folder: &Path, name: &str, kept: (u64, u64)) -> Result<Self, GraphError> {
        let lines = folder.join(name);
        let reasons = folder.join(format!("{name}.reasons.tsv"));
        let mut quarantine = Self { lines, reasons, files: None };
        if kept.0 == 0 && kept.1 == 0 {
            quarantine.remove()?;
        } else {
            quarantine.make(kept)?;
        }
        Ok(quarantine)
    }

    /// Where the lines are; `None` where there are none.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.files.is_some().then(|| self.lines.clone())
    }

    /// Puts lines aside, with what is wrong with them.
    pub(super) fn add(&mut self, lines: &[u8], bad: &[BadLine]) -> Result<(), GraphError> {
        if bad.is_empty() {
            return Ok(());
        }
        if self.files.is_none() {
            self.make((0, 0))?;
        }
        let write = |files: &mut (BufWriter<File>, BufWriter<File>)| -> io::Result<()> {
            files.0.write_all(lines)?;
            for bad in bad {
                writeln!(files.1, "{}\t{}", bad.line, bad.reason.replace(['\t', '\n', '\r'], " "))?;
            }
            Ok(())
        };
        self.files.as_mut().map_or(Ok(()), write).map_err(|source| self.failed(source))
    }

    /// Makes everything so far durable; gives the lengths of both files.
    pub(super) fn sync(&mut self) -> Result<(u64, u64), GraphError> {
        let sync = |file: &mut BufWriter<File>| {
            file.flush()?;
            file.get_ref().sync_data()?;
            file.get_mut().stream_position()
        };
        let Some((lines, reasons)) = &mut self.files else { return Ok((0, 0)) };
        let lengths = sync(lines).and_then(|lines| Ok((lines, sync(reasons)?)));
        lengths.map_err(|source| self.failed(source))
    }

    fn make(&mut self, kept: (u64, u64)) -> Result<(), GraphError> {
        let open = |path: &Path, kept: u64| {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut file = OpenOptions::new().create(true).write(true).truncate(false).open(path)?;
            file.set_len(kept)?;
            file.seek(SeekFrom::End(0))?;
            Ok(BufWriter::new(file))
        };
        let files = open(&self.lines, kept.0).and_then(|lines| Ok((lines, open(&self.reasons, kept.1)?)));
        self.files = Some(files.map_err(|source| self.failed(source))?);
        Ok(())
    }

    /// Removes what an earlier import of the file left.
    fn remove(&self) -> Result<(), GraphError> {
        for path in [&self.lines, &self.reasons] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.failed(error)),
                _ => {}
            }
        }
        Ok(())
    }

    fn failed(&self, source: io::Error) -> GraphError {
        GraphError::Quarantine { path: self.lines.clone(), source }
    }
}
