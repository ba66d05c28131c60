//! The shapes of sections. In: numbers, bytes and sorted texts. Out: the same by their place, out of the mapping.
//!
//! A *column* has numbers of one width: 0 (all are zero, and nothing is stored), 1, 2 or 4 bytes. *Blobs* have a bytes
//! section and starts: one of 64 bits for every 256 blobs, and 32 bits relative to it for each. A *dictionary* has texts in the
//! order of their bytes, in blocks of 16: the first whole, the others by how much of the one before they share (front coding,
//! Witten, Moffat and Bell, *Managing Gigabytes*, 4.1).

use std::cmp::Ordering;
use std::ops::Range;

use loquat_mapped::{Mapped, MappedError, Writer};
use zerocopy::FromBytes;
use zerocopy::little_endian::{U32, U64};

use super::codec::{put, take, take_bytes};

/// Blobs that share a start of 64 bits.
const GROUP: usize = 256;

/// Texts of a dictionary's block.
const BLOCK: usize = 16;

/// A column of numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    range: Range<usize>,
    width: u8,
}

impl Column {
    pub(crate) fn open(mapped: &Mapped, name: u64, width: u8) -> Self {
        Self { range: mapped.section(name), width }
    }

    /// The width that holds numbers up to this one.
    pub(crate) fn width_of(largest: u32) -> u8 {
        match largest {
            0 => 0,
            1..=0xff => 1,
            0x100..=0xffff => 2,
            _ => 4,
        }
    }

    pub(crate) fn write(
        writer: &mut Writer,
        name: u64,
        width: u8,
        numbers: impl IntoIterator<Item = u32>,
    ) -> Result<(), MappedError> {
        writer.section(name)?;
        if width > 0 {
            let mut buffer = Vec::with_capacity(1 << 16);
            for number in numbers {
                buffer.extend_from_slice(&number.to_le_bytes()[..usize::from(width)]);
                if buffer.len() >= 1 << 16 {
                    writer.write(&buffer)?;
                    buffer.clear();
                }
            }
            writer.write(&buffer)?;
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn get(&self, mapped: &Mapped, index: usize) -> Option<u32> {
        let width = usize::from(self.width);
        let start = self.range.start + index * width;
        if start + width > self.range.end {
            return None;
        }
        let bytes = mapped.bytes(start..start + width)?;
        Some(match *bytes {
            [] => 0,
            [a] => u32::from(a),
            [a, b] => u32::from(u16::from_le_bytes([a, b])),
            [a, b, c, d] => u32::from_le_bytes([a, b, c, d]),
            _ => return None,
        })
    }

    /// The numbers of a range; for columns of width 4.
    #[inline]
    pub(crate) fn slice<'a>(&self, mapped: &'a Mapped, range: Range<usize>) -> Option<&'a [U32]> {
        let bytes = self.range.start + range.start * 4..self.range.start + range.end * 4;
        if self.width != 4 || bytes.end > self.range.end {
            return None;
        }
        <[U32]>::ref_from_bytes(mapped.bytes(bytes)?).ok()
    }

    /// The range between the numbers at `index` and after it: where the things of one owner begin and end.
    #[inline]
    pub(crate) fn bounds(&self, mapped: &Mapped, index: usize) -> Option<Range<usize>> {
        let &[start, end] = self.slice(mapped, index..index + 2)? else { return None };
        (start <= end).then_some(start.get() as usize..end.get() as usize)
    }
}

/// Byte strings by their place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blobs {
    bytes: Range<usize>,
    groups: Range<usize>,
    starts: Column,
}

/// Writes blobs, and then their starts.
pub(crate) struct BlobsWriter {
    names: [u64; 3],
    groups: Vec<u64>,
    starts: Vec<u32>,
    length: u64,
}

impl Blobs {
    /// `names` are those of the bytes, the groups and the starts.
    pub(crate) fn open(mapped: &Mapped, names: [u64; 3]) -> Self {
        Self {
            bytes: mapped.section(names[0]),
            groups: mapped.section(names[1]),
            starts: Column::open(mapped, names[2], 4),
        }
    }

    pub(crate) fn writer(writer: &mut Writer, names: [u64; 3]) -> Result<BlobsWriter, MappedError> {
        writer.section(names[0])?;
        Ok(BlobsWriter { names, groups: Vec::new(), starts: Vec::new(), length: 0 })
    }

    #[inline]
    pub(crate) fn get<'a>(&self, mapped: &'a Mapped, index: usize) -> Option<&'a [u8]> {
        let start = self.start(mapped, index)?;
        let end = self.start(mapped, index + 1)?;
        let range = self.bytes.start + start..self.bytes.start + end;
        (range.start <= range.end && range.end <= self.bytes.end).then(|| mapped.bytes(range))?
    }

    #[inline]
    fn start(&self, mapped: &Mapped, index: usize) -> Option<usize> {
        let at = self.groups.start + index / GROUP * 8;
        let group = U64::read_from_bytes(mapped.bytes(at..at + 8)?).ok()?;
        usize::try_from(group.get() + u64::from(self.starts.get(mapped, index)?)).ok()
    }
}

impl BlobsWriter {
    pub(crate) fn push(&mut self, writer: &mut Writer, blob: &[u8]) -> Result<(), MappedError> {
        self.mark();
        self.length += blob.len() as u64;
        writer.write(blob)
    }

    fn mark(&mut self) {
        if self.starts.len().is_multiple_of(GROUP) {
            self.groups.push(self.length);
        }
        // A group is shorter than 4 GiB: the importer takes no line longer than 16 MiB.
        let group = self.groups.last().copied().unwrap_or_default();
        self.starts.push(u32::try_from(self.length - group).unwrap_or(u32::MAX));
    }

    pub(crate) fn finish(mut self, writer: &mut Writer) -> Result<(), MappedError> {
        self.mark();
        writer.section(self.names[1])?;
        for group in &self.groups {
            writer.write(&group.to_le_bytes())?;
        }
        Column::write(writer, self.names[2], 4, self.starts)
    }
}

/// Texts in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dictionary {
    blocks: Blobs,
    length: usize,
}

impl Dictionary {
    pub(crate) fn open(mapped: &Mapped, names: [u64; 3], length: usize) -> Self {
        Self { blocks: Blobs::open(mapped, names), length }
    }

    /// Writes texts that come in the order of their bytes.
    pub(crate) fn write<'a>(
        writer: &mut Writer,
        names: [u64; 3],
        texts: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), MappedError> {
        let mut blocks = Blobs::writer(writer, names)?;
        let mut block = Vec::new();
        let mut last: &[u8] = &[];
        for (index, text) in texts.enumerate() {
            let mut shared = 0;
            if index.is_multiple_of(BLOCK) {
                if index > 0 {
                    blocks.push(writer, &block)?;
                    block.clear();
                }
            } else {
                shared = last.iter().zip(text).take_while(|(a, b)| a == b).count();
                put(&mut block, shared as u64);
            }
            put(&mut block, (text.len() - shared) as u64);
            block.extend_from_slice(&text[shared..]);
            last = text;
        }
        if !block.is_empty() {
            blocks.push(writer, &block)?;
        }
        blocks.finish(writer)
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Puts the text with this number into `text`.
    pub(crate) fn get(&self, mapped: &Mapped, index: usize, text: &mut Vec<u8>) -> Option<()> {
        if index >= self.length {
            return None;
        }
        let mut block = self.blocks.get(mapped, index / BLOCK)?;
        text.clear();
        for at in 0..=index % BLOCK {
            let shared = if at == 0 { 0 } else { usize::try_from(take(&mut block)?).ok()? };
            let rest = usize::try_from(take(&mut block)?).ok()?;
            text.truncate(shared);
            text.extend_from_slice(take_bytes(&mut block, rest)?);
        }
        Some(())
    }

    /// The number of a text.
    pub(crate) fn find(&self, mapped: &Mapped, wanted: &[u8]) -> Option<usize> {
        let blocks = self.length.div_ceil(BLOCK);
        let (mut low, mut high) = (0, blocks);
        while low < high {
            let middle = low.midpoint(high);
            let mut block = self.blocks.get(mapped, middle)?;
            let length = usize::try_from(take(&mut block)?).ok()?;
            if take_bytes(&mut block, length)? <= wanted { low = middle + 1 } else { high = middle }
        }
        let first = low.checked_sub(1)? * BLOCK;
        let mut block = self.blocks.get(mapped, low - 1)?;
        let mut text: Vec<u8> = Vec::with_capacity(wanted.len() + 16);
        for index in first..(first + BLOCK).min(self.length) {
            let shared = if index == first { 0 } else { usize::try_from(take(&mut block)?).ok()? };
            let rest = usize::try_from(take(&mut block)?).ok()?;
            text.truncate(shared);
            text.extend_from_slice(take_bytes(&mut block, rest)?);
            match text.as_slice().cmp(wanted) {
                Ordering::Equal => return Some(index),
                Ordering::Greater => return None,
                Ordering::Less => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: [u8; 8] = *b"sections";

    fn mapped(write: impl FnOnce(&mut Writer)) -> Mapped {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut writer = Writer::create(&path, KIND).unwrap();
        write(&mut writer);
        writer.finish().unwrap();
        Mapped::open(&path, KIND).unwrap()
    }

    #[test]
    fn columns_of_every_width() {
        for largest in [0, 200, 60_000, 4_000_000_000] {
            let width = Column::width_of(largest);
            let mapped = mapped(|writer| Column::write(writer, 1, width, [largest, 0, largest]).unwrap());
            let column = Column::open(&mapped, 1, width);
            assert_eq!(column.get(&mapped, 0), Some(largest));
            assert_eq!(column.get(&mapped, 1), Some(0));
            assert_eq!(column.get(&mapped, 2), Some(largest));
            assert!(width == 0 || column.get(&mapped, 3).is_none());
        }
    }

    #[test]
    fn blobs_by_their_place() {
        let blob = |n: usize| vec![n as u8; n % 7];
        let mapped = mapped(|writer| {
            let mut blobs = Blobs::writer(writer, [1, 2, 3]).unwrap();
            (0..1000).for_each(|n| blobs.push(writer, &blob(n)).unwrap());
            blobs.finish(writer).unwrap();
        });
        let blobs = Blobs::open(&mapped, [1, 2, 3]);
        for n in 0..1000 {
            assert_eq!(blobs.get(&mapped, n), Some(blob(n).as_slice()));
        }
        assert_eq!(blobs.get(&mapped, 1000), None);
    }

    #[test]
    fn dictionaries_find_what_they_hold() {
        let mut texts: Vec<String> = (0..500).map(|n| format!("http://a.example/{}/{n}", n % 3)).collect();
        texts.push(String::new());
        texts.sort();
        let bytes = texts.iter().map(String::as_bytes);
        let mapped = mapped(|writer| Dictionary::write(writer, [1, 2, 3], bytes).unwrap());
        let dictionary = Dictionary::open(&mapped, [1, 2, 3], texts.len());
        let mut found = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            assert_eq!(dictionary.find(&mapped, text.as_bytes()), Some(index));
            dictionary.get(&mapped, index, &mut found).unwrap();
            assert_eq!(found, text.as_bytes());
        }
        for missing in ["a", "http://a.example/0/1x", "z", "http://a.example/"] {
            assert_eq!(dictionary.find(&mapped, missing.as_bytes()), None);
        }
        assert!(dictionary.get(&mapped, texts.len(), &mut found).is_none());
        assert_eq!(Dictionary::default().find(&mapped, b"a"), None);
    }
}
