//! A file of frames. In: a folder. Out: its segments in order, and each frame in them. Knows nothing of what frames mean.
//!
//! A segment is named by its number and begins with 56 bytes: `LQSEG2`, two zeros, its number, whether it is a base (then
//! everything before it is void), the sequence that comes next, the salt of the digests, and the XXH3-64 of all that.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::frame::{self, Found, Header};

/// Bytes of a segment's own header.
pub(crate) const HEAD: usize = 56;
const MAGIC: [u8; 8] = *b"LQSEG2\0\0";
const SUFFIX: &str = ".seg";

/// The secret that digests are salted with.
pub(crate) type Salt = [u8; 16];

/// A stretch of the log that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// Where the stretch begins, in bytes.
    pub start: u64,
    /// How long it is, in bytes.
    pub length: u64,
    /// What is there.
    pub what: &'static str,
    /// Whether it looks as a process leaves it that is killed while it writes: then nothing is missing that anybody was told of.
    pub is_unfinished: bool,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} bytes at {}: {}", self.path.display(), self.length, self.start, self.what)
    }
}

/// What a segment begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) number: u64,
    /// Whether everything before it is void.
    pub(crate) is_base: bool,
    /// The sequence that the next event gets, at the least.
    pub(crate) next: u64,
    pub(crate) salt: Salt,
}

impl Head {
    pub(crate) fn bytes(&self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.number.to_le_bytes());
        bytes[16] = self.is_base.into();
        bytes[24..32].copy_from_slice(&self.next.to_le_bytes());
        bytes[32..48].copy_from_slice(&self.salt);
        let sum = xxh3_64(&bytes[..48]);
        bytes[48..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    fn read_from(bytes: &[u8]) -> Option<Self> {
        let head = bytes.first_chunk::<HEAD>()?;
        let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| head[at + i]));
        let is_whole = head[..8] == MAGIC && number(48) == xxh3_64(&head[..48]);
        is_whole.then(|| Self {
            number: number(8),
            is_base: head[16] != 0,
            next: number(24),
            salt: std::array::from_fn(|i| head[32 + i]),
        })
    }
}

/// Where the segment of a number lies.
pub(crate) fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:010}{SUFFIX}"))
}

/// The numbers of the segments in a folder, in order.
pub(crate) fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.strip_suffix(SUFFIX)?.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Makes a segment, whole or not at all, with what it holds from the start. `is_ours` is asked at the last moment. Where it is an
/// error, there is no such segment: one that is a base must not come to light later and make void what was written meanwhile.
pub(crate) fn create(
    folder: &Path,
    head: &Head,
    frames: &[&[u8]],
    is_ours: impl FnOnce() -> io::Result<()>,
) -> io::Result<File> {
    let target = path(folder, head.number);
    let unfinished = target.with_extension("tmp");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    // For its owner alone: it holds what people say.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    let written = file
        .write_all(&head.bytes())
        .and_then(|()| frames.iter().try_for_each(|bytes| file.write_all(bytes)))
        .and_then(|()| file.sync_all())
        .and_then(|()| is_ours())
        .and_then(|()| fs::rename(&unfinished, &target));
    if let Err(error) = written {
        // It is of no use to anybody, and takes room that there may be too little of.
        let _ignored = fs::remove_file(&unfinished);
        return Err(error);
    }
    if let Err(error) = sync_folder(folder) {
        // Gone again, or else empty, which no later start takes for a base.
        fs::remove_file(&target).or_else(|_| file.set_len(0))?;
        return Err(error);
    }
    Ok(file)
}

/// Makes names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// What was read of a segment.
pub(crate) struct Scanned {
    /// `None` where it is damaged.
    pub(crate) head: Option<Head>,
    pub(crate) file: Arc<File>,
    /// Where the last whole frame ends.
    pub(crate) end: u64,
    /// Whether anything stands behind that which is no unfinished write.
    pub(crate) is_damaged_at_end: bool,
    pub(crate) damage: Vec<Damage>,
}

/// The head of a segment; `None` where it is damaged.
pub(crate) fn head(folder: &Path, number: u64) -> io::Result<Option<Head>> {
    let mut bytes = Vec::with_capacity(HEAD);
    File::open(path(folder, number))?.take(HEAD as u64).read_to_end(&mut bytes)?;
    Ok(Head::read_from(&bytes))
}

/// Reads a segment. `each` gets each frame with its payload and where that begins.
pub(crate) fn scan(
    path: &Path,
    writable: bool,
    mut each: impl FnMut(Header, &[u8], u64) -> io::Result<()>,
) -> io::Result<Scanned> {
    let mut file = OpenOptions::new().read(true).write(writable).open(path)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let head = Head::read_from(&bytes);
    let mut damage = Vec::new();
    let mut note = |start: usize, end: usize, what, is_unfinished| {
        let length = (end - start) as u64;
        damage.push(Damage { path: path.to_owned(), start: start as u64, length, what, is_unfinished });
    };
    let mut at = HEAD.min(bytes.len());
    if head.is_none() {
        let what =
            if bytes.is_empty() { "the file is empty" } else { "the beginning of the file is damaged" };
        note(0, at, what, false);
    }
    let mut end = at;
    let mut is_damaged_at_end = false;
    while at < bytes.len() {
        match frame::read(&bytes, at) {
            Found::Frame(header, payload, behind) => {
                let offset = payload.start as u64;
                each(header, &bytes[payload], offset)?;
                (at, end) = (behind, behind);
            }
            found => match frame::next(&bytes, at) {
                Some(next) => {
                    note(at, next, "damaged; what stood there is lost", false);
                    at = next;
                }
                None => {
                    is_damaged_at_end = found == Found::Damage;
                    let what = match is_damaged_at_end {
                        true => "damaged; what stood there is lost",
                        false => "cut off: a write that was not finished, or a file that was shortened",
                    };
                    note(at, bytes.len(), what, !is_damaged_at_end);
                    break;
                }
            },
        }
    }
    Ok(Scanned { head, file: Arc::new(file), end: end as u64, is_damaged_at_end, damage })
}
