//! Compressed files. In: a file. Out: its bytes unpacked, told by the first of them and not by the name, with a guard
//! against files that unpack to far more than they are.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;

use crate::GraphError;

/// Unpacked bytes a packed one from which on a file is taken for a trap. Text of many equal lines packs up to 100 : 1.
pub(super) const MOST: u64 = 250;

/// Unpacked bytes that are let through whatever the ratio.
const HARMLESS: u64 = 64 << 20;

/// Bytes of the file that are read at once.
const BUFFER: usize = 1 << 18;

/// An open file.
pub(super) struct Unpacked {
    inner: Box<dyn Read + Send>,
    packed: bool,
    read: Arc<AtomicU64>,
    unpacked: u64,
    most: u64,
}

/// A file that unpacks to more than the limit, as an error of reading.
#[derive(Debug, thiserror::Error)]
#[error("it unpacks to more than {0} times its size")]
pub(super) struct TooMuch(pub(super) u64);

impl Unpacked {
    /// Opens a file; `read` counts the bytes of it that are read.
    pub(super) fn open(path: &Path, read: Arc<AtomicU64>, most: Option<u64>) -> Result<Self, GraphError> {
        let failed = |source| GraphError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let mut packed = BufReader::with_capacity(BUFFER, Counted { inner: file, read: read.clone() });
        let head = packed.fill_buf().map_err(failed)?;
        let refused = |packing| Err(GraphError::UnknownPacking { path: path.to_owned(), packing });
        let (inner, packed): (Box<dyn Read + Send>, bool) = match head {
            [0x1f, 0x8b, ..] => (Box::new(MultiGzDecoder::new(packed)), true),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => (Box::new(MultiBzDecoder::new(packed)), true),
            // A frame, or one that is to be passed over.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                (Box::new(zstd::stream::read::Decoder::with_buffer(packed).map_err(failed)?), true)
            }
            [0xfd, b'7', b'z', b'X', b'Z', ..] => return refused("xz"),
            [b'7', b'z', 0xbc, 0xaf, ..] => return refused("7z"),
            [b'P', b'K', 3, 4, ..] => return refused("ZIP"),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return refused("UTF-16"),
            _ => (Box::new(packed), false),
        };
        Ok(Self { inner, packed, read, unpacked: 0, most: most.unwrap_or(MOST) })
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.unpacked += count as u64;
        if self.packed && self.unpacked > HARMLESS {
            let read = self.read.load(Ordering::Relaxed).max(1);
            if self.unpacked / read > self.most {
                return Err(io::Error::other(TooMuch(self.most)));
            }
        }
        Ok(count)
    }
}

/// Counts the bytes that pass.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read, Write};

    use super::*;

    const TEXT: &[u8] = b"Bhutan\tcapital\tThimphu\n";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn bzip2(text: &[u8]) -> Vec<u8> {
        let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn open(bytes: &[u8], most: Option<u64>) -> Result<Unpacked, GraphError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.tsv");
        fs::write(&path, bytes).unwrap();
        Unpacked::open(&path, Arc::default(), most)
    }

    #[test]
    fn the_first_bytes_tell_the_compression_and_files_may_be_joined() {
        let zstd = |text: &[u8]| ::zstd::stream::encode_all(text, 1).unwrap();
        for packed in [TEXT.to_vec(), gzip(TEXT), bzip2(TEXT), zstd(TEXT)] {
            let twice = [packed.clone(), packed].concat();
            let mut text = Vec::new();
            open(&twice, None).unwrap().read_to_end(&mut text).unwrap();
            assert_eq!(text, [TEXT, TEXT].concat());
        }
    }

    #[test]
    fn other_packings_are_refused_with_advice() {
        for (bytes, name) in
            [(&b"PK\x03\x04rest"[..], "ZIP"), (b"\xfd7zXZ\0", "xz"), (b"\xff\xfea\0", "UTF-16")]
        {
            let error = open(bytes, None).err().unwrap().to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn a_file_that_unpacks_to_far_too_much_is_stopped_unless_allowed() {
        let bomb = gzip(&vec![b'x'; 80 << 20]);
        let read = |most| io::copy(&mut open(&bomb, most).unwrap(), &mut io::sink());
        let error = read(None).unwrap_err();
        assert!(error.get_ref().is_some_and(|inner| inner.is::<TooMuch>()), "{error}");
        assert_eq!(read(Some(5000)).unwrap(), 80 << 20);
    }
}
