//! A file that grows line by line. In: values, each as soon as it is known. Out: the same after a run that was cut short: a last line that was
//! cut off, at whatever byte, is taken away.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::PrepareError;

/// A file with a value a line, as JSON.
#[derive(Debug)]
pub(crate) struct Lines {
    path: PathBuf,
    file: File,
}

impl Lines {
    /// Opens the file, or begins it; `take` is given each whole line with its number, from 1. What it refuses is left as it is.
    pub(crate) fn open(
        path: &Path,
        mut take: impl FnMut(usize, &[u8]) -> Result<(), PrepareError>,
    ) -> Result<Self, PrepareError> {
        let read = |source| PrepareError::Read { path: path.to_owned(), source };
        let write = |source| PrepareError::Write { path: path.to_owned(), source };
        // How many bytes of it are whole lines.
        let mut whole = 0;
        match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(read(source)),
            Ok(file) => {
                let (mut reader, mut line, mut number) = (BufReader::new(file), Vec::new(), 0);
                while reader.read_until(b'\n', &mut line).map_err(read)? > 0 && line.ends_with(b"\n") {
                    number += 1;
                    take(number, &line)?;
                    whole += line.len() as u64;
                    line.clear();
                }
            }
        }
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(write)?;
        file.set_len(whole).map_err(write)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Appends a value; when this returns, a run that is cut short does not lose it.
    pub(crate) fn push(&mut self, value: &impl Serialize) -> Result<(), PrepareError> {
        let write = |source| PrepareError::Write { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(value).map_err(|error| write(error.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(write)
    }
}

/// The value of a line.
pub(crate) fn value<T: DeserializeOwned>(path: &Path, number: usize, line: &[u8]) -> Result<T, PrepareError> {
    serde_json::from_slice(line).map_err(|source| PrepareError::Kept {
        path: path.to_owned(),
        line: number,
        source,
    })
}
