//! Reads a file. In: its path. Out: checked bytes, where they lie in the mapping.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use memmap2::Mmap;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};
use zerocopy::FromBytes;

use crate::{BLOCK, Entry, MAGIC, MappedError, Tail};

/// An open file. Everything read from it has been checked; the first thing that does not pass makes it
/// [`damaged`](Mapped::is_damaged) for good.
pub struct Mapped {
    path: PathBuf,
    map: Mmap,
    /// Bytes of sections.
    data: usize,
    /// Where the checksums begin.
    checksums: usize,
    sections: Vec<(u64, Range<usize>)>,
    /// One bit for each block that was checked.
    checked: Box<[AtomicU64]>,
    damaged: AtomicBool,
}

impl std::fmt::Debug for Mapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mapped").field("path", &self.path).field("data", &self.data).finish_non_exhaustive()
    }
}

impl Mapped {
    /// Opens a file of this kind. Its length and its table are checked now, its data when it is read.
    ///
    /// # Errors
    /// When it cannot be read, is cut short or altered at its end, or is of another kind.
    pub fn open(path: &Path, kind: [u8; 8]) -> Result<Self, MappedError> {
        let io = |source| MappedError::Io { path: path.to_owned(), source };
        let damaged = |reason| MappedError::Damaged { path: path.to_owned(), reason };
        let file = File::open(path).map_err(io)?;
        #[expect(unsafe_code, reason = "mapping a file is unsafe; this is the one place that does it")]
        // SAFETY: the bytes of a mapping must not change while they are borrowed. These files are never written in place: a
        // `Writer` renames a new file over an old one, whose bytes stay as they are until its last mapping is gone. A program that
        // alters or cuts the file behind our back is outside of what can be guarded against; where it does so before a block is
        // first read, the checksum tells.
        let map = unsafe { Mmap::map(&file) }.map_err(io)?;
        let (rest, tail) = Tail::read_from_suffix(&map).map_err(|_| damaged("it is cut short"))?;
        if tail.magic != MAGIC || tail.kind != kind {
            return Err(damaged("it does not end as such a file does"));
        }
        let data = usize::try_from(tail.data.get()).map_err(|_| damaged("its length is impossible"))?;
        let blocks = data.div_ceil(BLOCK);
        let table = blocks.checked_mul(8).and_then(|length| length.checked_add(data));
        let table = table.filter(|table| *table <= rest.len()).ok_or_else(|| damaged("it is cut short"))?;
        if xxh3_64_with_seed(&rest[data..], tail.data.get()) != tail.checksum.get() {
            return Err(damaged("its table does not match its checksum"));
        }
        let entries = <[Entry]>::ref_from_bytes(&rest[table..]).map_err(|_| damaged("its table is odd"))?;
        let mut sections = Vec::with_capacity(entries.len());
        for entry in entries {
            let (start, length) = (entry.start.get() as usize, entry.length.get() as usize);
            let end = start.checked_add(length).filter(|end| *end <= data);
            sections.push((entry.name.get(), start..end.ok_or_else(|| damaged("a section lies outside"))?));
        }
        let checked = (0..blocks.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Ok(Self {
            path: path.to_owned(),
            map,
            data,
            checksums: data,
            sections,
            checked,
            damaged: AtomicBool::new(false),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the whole file.
    pub fn file_length(&self) -> u64 {
        self.map.len() as u64
    }

    /// Where a section lies; empty where the file has none of this name.
    pub fn section(&self, name: u64) -> Range<usize> {
        self.sections.iter().rev().find(|(own, _)| *own == name).map_or(0..0, |(_, range)| range.clone())
    }

    /// The bytes at a range of the file, each of their blocks checked once. `None` where the range lies outside of the
    /// sections, or the file is damaged there.
    #[inline]
    pub fn bytes(&self, range: Range<usize>) -> Option<&[u8]> {
        if range.start > range.end || range.end > self.data {
            return None;
        }
        if range.start < range.end {
            for block in range.start / BLOCK..=(range.end - 1) / BLOCK {
                let bit = 1 << (block % 64);
                if self.checked.get(block / 64)?.load(Ordering::Acquire) & bit == 0 {
                    self.check(block)?;
                }
            }
        }
        self.map.get(range)
    }

    /// Whether anything that was read did not match its checksum.
    #[inline]
    pub fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Acquire)
    }

    /// Checks everything that was not checked yet; whether all is well.
    pub fn check_all(&self) -> bool {
        (0..self.data.div_ceil(BLOCK)).all(|block| self.check(block).is_some())
    }

    #[cold]
    fn check(&self, block: usize) -> Option<()> {
        let start = block * BLOCK;
        let bytes = self.map.get(start..(start + BLOCK).min(self.data))?;
        let at = self.checksums + block * 8;
        let expected = u64::from_le_bytes(self.map.get(at..at + 8)?.try_into().ok()?);
        if xxh3_64(bytes) != expected {
            self.damaged.store(true, Ordering::Release);
            return None;
        }
        self.checked.get(block / 64)?.fetch_or(1 << (block % 64), Ordering::AcqRel);
        Some(())
    }
}
