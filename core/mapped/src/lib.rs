//! One immutable file of sections, memory-mapped, of which nothing is read that was not checked. In: sections of bytes, once.
//! Out: the same bytes, without a copy, or the news that the file is damaged. The only crate that maps memory; it knows nothing
//! of what is stored.
//!
//! The file is written beside its place, synced, and renamed over it, so it is there whole or not at all. It is checked in blocks
//! of 32 KiB with XXH3-64: a block when it is first read, so that opening a file takes microseconds however large it is, and what
//! has been read once costs one load more. After the data stand the blocks' checksums, the table of sections and a fixed tail,
//! with a checksum of their own that is checked at once.
//!
//! ```
//! use loquat_mapped::{Mapped, Writer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let path = folder.path().join("file");
//! let mut writer = Writer::create(&path, *b"example1")?;
//! writer.section(7)?;
//! writer.write(b"some bytes")?;
//! writer.finish()?;
//!
//! let mapped = Mapped::open(&path, *b"example1")?;
//! let section = mapped.section(7);
//! assert_eq!(mapped.bytes(section.start + 5..section.end), Some(b"bytes".as_slice()));
//! # Ok(()) }
//! ```

mod read;
mod write;

use std::io;
use std::path::PathBuf;

use zerocopy::little_endian::U64;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

pub use read::Mapped;
pub use write::Writer;

/// Bytes that have one checksum.
const BLOCK: usize = 32 << 10;

/// Where sections begin: at multiples of this.
const ALIGNMENT: usize = 8;

/// A section's place.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Entry {
    name: U64,
    start: U64,
    length: U64,
}

/// The last bytes of a file.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Tail {
    /// Bytes of sections, before the checksums.
    data: U64,
    /// XXH3-64 of the checksums and the table, with `data` as seed.
    checksum: U64,
    kind: [u8; 8],
    magic: [u8; 8],
}

const MAGIC: [u8; 8] = *b"LQmapped";

/// Why a file could not be written or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MappedError {
    /// The disk says no.
    #[error("{} could not be read or written: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file is cut short, altered, or of another kind.
    #[error("{} is damaged or of another kind: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
}

#[cfg(test)]
mod tests;
