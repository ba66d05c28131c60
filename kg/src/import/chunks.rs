//! A file in stretches of whole lines. In: bytes. Out: chunks that can be read apart, with what is needed to go on after one.

use std::io::{self, Read};

use memchr::{memchr, memrchr};
use xxhash_rust::xxh3::Xxh3;

/// Bytes of a chunk, where no line is longer.
pub(super) const CHUNK: usize = 1 << 20;

/// The longest line that is read, in bytes; the rest of a longer one is passed over.
pub(super) const LONGEST: usize = 16 << 20;

/// Lines of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) bytes: Vec<u8>,
    /// It begins with the file's first line.
    pub(super) is_first: bool,
    /// It stands for one line that is too long, and is empty.
    pub(super) is_too_long: bool,
    /// Bytes of the file up to its end.
    pub(super) end: u64,
    /// XXH3-64 of these.
    pub(super) digest: u64,
}

/// Where a chunk may end: gets bytes that begin with a line, and whether they are the file's last; gives how many of
/// them can be read without the others. `None` where that cannot be told yet.
pub(super) type Cut<'a> = dyn Fn(&[u8], bool) -> Option<usize> + 'a;

/// Behind the last line end.
pub(super) fn after_last_line(bytes: &[u8], is_last: bool) -> Option<usize> {
    if is_last { Some(bytes.len()) } else { memrchr(b'\n', bytes).map(|at| at + 1) }
}

/// A file being cut into chunks.
pub(super) struct Chunks<R> {
    reader: R,
    pending: Vec<u8>,
    ended: bool,
    given: u64,
    hash: Xxh3,
}

impl<R: Read> Chunks<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, pending: Vec::new(), ended: false, given: 0, hash: Xxh3::new() }
    }

    /// The beginning of the file, at most a chunk.
    pub(super) fn head(&mut self) -> io::Result<&[u8]> {
        self.fill(CHUNK)?;
        Ok(&self.pending)
    }

    /// Passes over the first bytes; `false` where they are not those that the digest was made of.
    pub(super) fn skip(&mut self, bytes: u64, digest: u64) -> io::Result<bool> {
        while self.given < bytes {
            self.fill(CHUNK)?;
            let left = usize::try_from(bytes - self.given).unwrap_or(usize::MAX);
            let length = left.min(self.pending.len());
            if length == 0 {
                return Ok(false);
            }
            self.take(length);
        }
        Ok(self.hash.digest() == digest)
    }

    /// The next chunk; `None` at the end of the file.
    pub(super) fn next(&mut self, cut: &Cut<'_>) -> io::Result<Option<Chunk>> {
        let is_first = self.given == 0;
        let mut wanted = CHUNK;
        loop {
            self.fill(wanted)?;
            if self.pending.is_empty() {
                return Ok(None);
            }
            let length = cut(&self.pending, self.ended).filter(|length| *length > 0);
            // Where the rule finds no place, any line end will do before lines are given up.
            let length = match length {
                None if self.ended && self.pending.len() <= LONGEST => Some(self.pending.len()),
                None if self.pending.len() >= LONGEST => {
                    after_last_line(&self.pending, self.ended).filter(|length| *length <= LONGEST)
                }
                found => found,
            };
            match length {
                Some(length) => {
                    let bytes = self.take(length);
                    let digest = self.hash.digest();
                    return Ok(Some(Chunk { bytes, is_first, is_too_long: false, end: self.given, digest }));
                }
                None if self.pending.len() >= LONGEST => return self.pass_over(is_first).map(Some),
                None => wanted = (self.pending.len() * 2).min(LONGEST),
            }
        }
    }

    /// The rest of the file, unread by anybody, as its digest.
    pub(super) fn digest(&self) -> u64 {
        self.hash.digest()
    }

    /// Passes over the line that the pending bytes begin.
    fn pass_over(&mut self, is_first: bool) -> io::Result<Chunk> {
        loop {
            let end = memchr(b'\n', &self.pending);
            self.take(end.map_or(self.pending.len(), |at| at + 1));
            if end.is_some() {
                break;
            }
            self.fill(CHUNK)?;
            if self.pending.is_empty() {
                break;
            }
        }
        let digest = self.hash.digest();
        Ok(Chunk { bytes: Vec::new(), is_first, is_too_long: true, end: self.given, digest })
    }

    /// The first of the pending bytes.
    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.pending.split_off(length);
        let taken = std::mem::replace(&mut self.pending, rest);
        self.hash.update(&taken);
        self.given += taken.len() as u64;
        taken
    }

    /// Reads until as many bytes are pending, or the file ends.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        let missing = wanted.saturating_sub(self.pending.len());
        if missing > 0 && !self.ended {
            let read = self.reader.by_ref().take(missing as u64).read_to_end(&mut self.pending)?;
            self.ended = read < missing;
        }
        Ok(())
    }
}

/// Gives each line of a chunk, without its end, with its number in the chunk counted from 1; what is no text comes with the
/// reason.
pub(super) fn each_line<'a>(chunk: &'a Chunk, mut give: impl FnMut(u64, Result<&'a str, String>, &'a [u8])) {
    if chunk.is_too_long {
        return give(1, Err(format!("the line is longer than {} MiB", LONGEST >> 20)), &[]);
    }
    let mut bytes = chunk.bytes.as_slice();
    if chunk.is_first {
        bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    }
    let whole = std::str::from_utf8(bytes).ok();
    let (mut start, mut number) = (0, 0);
    while start < bytes.len() {
        let end = memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at);
        number += 1;
        let mut stop = end;
        while stop > start && bytes[stop - 1] == b'\r' {
            stop -= 1;
        }
        let raw = &bytes[start..stop];
        let line = match whole.and_then(|text| text.get(start..stop)) {
            Some(line) => Ok(line),
            None => std::str::from_utf8(raw)
                .map_err(|error| format!("not valid UTF-8 from byte {} on", error.valid_up_to() + 1)),
        };
        give(number, line, raw);
        start = end + 1;
    }
}

/// Lines of a chunk.
pub(super) fn lines(chunk: &Chunk) -> u64 {
    let ends = memchr::memchr_iter(b'\n', &chunk.bytes).count() as u64;
    let open = !chunk.bytes.is_empty() && !chunk.bytes.ends_with(b"\n");
    ends + u64::from(open || chunk.is_too_long)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<(u64, Result<String, String>)> {
        let mut chunks = Chunks::new(text);
        let (mut found, mut before) = (Vec::new(), 0);
        while let Some(chunk) = chunks.next(&after_last_line).unwrap() {
            each_line(&chunk, |number, line, _| found.push((before + number, line.map(str::to_owned))));
            before += lines(&chunk);
        }
        found
    }

    #[test]
    fn lines_are_numbered_and_bad_ones_reported() {
        assert_eq!(
            all(b"\xef\xbb\xbfone\r\n\ntw\xffo\nlast"),
            [
                (1, Ok("one".into())),
                (2, Ok(String::new())),
                (3, Err("not valid UTF-8 from byte 3 on".into())),
                (4, Ok("last".into())),
            ]
        );
        assert_eq!(all(b""), []);
    }

    #[test]
    fn an_endless_line_is_passed_over_and_a_long_one_is_read() {
        let mut text = vec![b'x'; 17 << 20];
        text.extend_from_slice(b"\nnext\n");
        let found = all(&text);
        assert!(found[0].1.is_err());
        assert_eq!(found[1], (2, Ok("next".into())));
        let long = [vec![b'y'; 10 << 20], b"\nnext".to_vec()].concat();
        assert_eq!(all(&long).len(), 2);
        assert_eq!(all(&vec![b'x'; 40 << 20]).len(), 1);
    }

    #[test]
    fn what_was_read_is_known_again() {
        let text: Vec<u8> = (0..300_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        let mut chunks = Chunks::new(&text[..]);
        let first = chunks.next(&after_last_line).unwrap().unwrap();
        let second = chunks.next(&after_last_line).unwrap().unwrap();
        let mut again = Chunks::new(&text[..]);
        again.head().unwrap();
        assert!(again.skip(first.end, first.digest).unwrap());
        assert_eq!(again.next(&after_last_line).unwrap().unwrap(), second);
        assert!(!Chunks::new(&text[1..]).skip(first.end, first.digest).unwrap());
        assert!(!Chunks::new(&text[..100]).skip(first.end, first.digest).unwrap());
    }
}
