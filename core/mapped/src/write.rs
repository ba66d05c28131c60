//! Writes a file. In: sections, one after the other. Out: the file in its place, whole.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};
use zerocopy::IntoBytes;

use crate::{ALIGNMENT, BLOCK, Entry, MAGIC, MappedError, Tail};

/// A file being written. Dropping it without [`finish`](Writer::finish) leaves no trace.
pub struct Writer {
    path: PathBuf,
    kind: [u8; 8],
    file: BufWriter<NamedTempFile>,
    written: usize,
    /// Of the block that is being filled.
    hash: Xxh3,
    checksums: Vec<u64>,
    sections: Vec<Entry>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("path", &self.path)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

impl Writer {
    /// Begins a file of this kind, to be put at `path`.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn create(path: &Path, kind: [u8; 8]) -> Result<Self, MappedError> {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::Builder::new().prefix(".writing-").tempfile_in(folder);
        let file = file.map_err(|source| failed(path, source))?;
        Ok(Self {
            path: path.to_owned(),
            kind,
            file: BufWriter::with_capacity(1 << 18, file),
            written: 0,
            hash: Xxh3::new(),
            checksums: Vec::new(),
            sections: Vec::new(),
        })
    }

    /// Begins a section; what is written from here on belongs to it. A name that comes twice is the later one's.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn section(&mut self, name: u64) -> Result<(), MappedError> {
        self.end_section();
        let padding = self.written.next_multiple_of(ALIGNMENT) - self.written;
        self.write(&[0; ALIGNMENT][..padding])?;
        self.sections.push(Entry {
            name: name.into(),
            start: (self.written as u64).into(),
            length: 0.into(),
        });
        Ok(())
    }

    /// Adds bytes to the section.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), MappedError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = BLOCK - self.written % BLOCK;
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.hash.update(now);
            self.written += now.len();
            if self.written.is_multiple_of(BLOCK) {
                self.end_block();
            }
            rest = later;
        }
        self.file.write_all(bytes).map_err(|source| failed(&self.path, source))
    }

    /// Bytes of the section so far.
    pub fn section_length(&self) -> u64 {
        self.sections.last().map_or(0, |section| self.written as u64 - section.start.get())
    }

    /// Puts the file in its place, durably.
    ///
    /// # Errors
    /// When the disk is full, or the file cannot be renamed.
    pub fn finish(mut self) -> Result<(), MappedError> {
        self.end_section();
        if !self.written.is_multiple_of(BLOCK) {
            self.end_block();
        }
        let mut trailer: Vec<u8> =
            self.checksums.iter().flat_map(|checksum| checksum.to_le_bytes()).collect();
        trailer.extend_from_slice(self.sections.as_bytes());
        let tail = Tail {
            data: (self.written as u64).into(),
            checksum: xxh3_64_with_seed(&trailer, self.written as u64).into(),
            kind: self.kind,
            magic: MAGIC,
        };
        trailer.extend_from_slice(tail.as_bytes());
        let path = &self.path;
        let put = |mut file: BufWriter<NamedTempFile>| -> io::Result<()> {
            file.write_all(&trailer)?;
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.as_file().sync_all()?;
            let folder = file.path().parent().map(Path::to_owned);
            file.persist(path)?;
            // A rename is durable once its folder is.
            folder.map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        };
        put(self.file).map_err(|source| failed(path, source))
    }

    fn end_block(&mut self) {
        self.checksums.push(self.hash.digest());
        self.hash.reset();
    }

    fn end_section(&mut self) {
        let length = self.section_length();
        if let Some(section) = self.sections.last_mut() {
            section.length = length.into();
        }
    }
}

fn failed(path: &Path, source: io::Error) -> MappedError {
    MappedError::Io { path: path.to_owned(), source }
}
