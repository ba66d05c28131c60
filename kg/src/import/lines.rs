//! Lines of a file with their numbers. In: bytes. Out: text, or why a line is none.

use std::io::{self, BufRead, Read};

/// The longest line that is read, in bytes; the rest of a longer one is passed over.
const LONGEST: u64 = 16 << 20;

/// A reader of numbered lines, counted from 1.
pub(super) struct Lines<R> {
    reader: R,
    number: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, number: 0, buffer: Vec::new() }
    }

    /// The next line without its end, or the reason why it cannot be used; `None` at the end of the file.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Result<&str, String>)>> {
        self.buffer.clear();
        let count = self.reader.by_ref().take(LONGEST).read_until(b'\n', &mut self.buffer)?;
        if count == 0 {
            return Ok(None);
        }
        self.number += 1;
        let whole = self.buffer.last() == Some(&b'\n');
        if !whole && count as u64 == LONGEST {
            self.reader.skip_until(b'\n')?;
            return Ok(Some((self.number, Err(format!("the line is longer than {} MiB", LONGEST >> 20)))));
        }
        while matches!(self.buffer.last(), Some(b'\n' | b'\r')) {
            self.buffer.pop();
        }
        let bytes = match self.buffer.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) if self.number == 1 => rest,
            _ => &self.buffer,
        };
        let line = std::str::from_utf8(bytes)
            .map_err(|error| format!("not valid UTF-8 from byte {} on", error.valid_up_to() + 1));
        Ok(Some((self.number, line)))
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn lines_are_numbered_and_bad_ones_reported() {
        let mut lines = Lines::new(&b"\xef\xbb\xbfone\r\n\ntw\xffo\nlast"[..]);
        assert_eq!(lines.next().unwrap(), Some((1, Ok("one"))));
        assert_eq!(lines.next().unwrap(), Some((2, Ok(""))));
        assert_eq!(lines.next().unwrap(), Some((3, Err("not valid UTF-8 from byte 3 on".into()))));
        assert_eq!(lines.next().unwrap(), Some((4, Ok("last"))));
        assert_eq!(lines.next().unwrap(), None);
    }

    #[test]
    fn an_endless_line_is_passed_over() {
        let mut text = vec![b'x'; 17 << 20];
        text.extend_from_slice(b"\nnext\n");
        let mut lines = Lines::new(&text[..]);
        assert!(lines.next().unwrap().unwrap().1.is_err());
        assert_eq!(lines.next().unwrap(), Some((2, Ok("next"))));
    }
}
