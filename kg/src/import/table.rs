//! Tables. In: chunks of rows, separated by tabs or by commas. Out: what the rows mean, by one of three readings.
//!
//! Without a mapping a row is subject, predicate and object, unless the header is that of a property graph.

pub(super) mod cell;
pub(super) mod mapped;
pub(super) mod property_graph;
pub(super) mod triples;

use memchr::memchr;

use super::ChunkReader;
use super::chunks::{Chunk, after_last_line, each_line};
use super::gather::Gather;
use crate::statement::Statement;

/// Bytes after which a quote that was never closed is given up.
const LONGEST_ROW: usize = 1 << 20;

/// What the rows of a table mean.
pub(super) trait Rows: Send + Sync {
    /// Takes a row that is not the header; a reason why it is bad, or all of it.
    fn row(&self, cells: &[&str], gather: &mut Gather<'_>) -> Result<(), String>;

    /// Whether the first row, which this is, names the columns.
    fn is_header(&self, cells: &[&str]) -> bool;

    /// What holds for the whole table.
    fn prelude(&self) -> Vec<Statement> {
        Vec::new()
    }
}

/// How rows are cut into cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cells {
    /// By tabs, without quoting.
    Tabs,
    /// By this character, quoted as RFC 4180 says; a row may span lines.
    Quoted(u8),
}

/// A reader of tables.
pub(super) struct Table {
    pub(super) cells: Cells,
    pub(super) rows: Box<dyn Rows>,
}

impl ChunkReader for Table {
    fn read(&self, chunk: &Chunk, gather: &mut Gather<'_>) {
        let mut open = Open::new(self.cells);
        each_line(chunk, |number, line, raw| match (line, self.cells) {
            (Ok(line), Cells::Quoted(_)) => self.quoted(chunk, number, line, &mut open, gather),
            (Ok(line), Cells::Tabs) if line.trim().is_empty() => {}
            (Ok(line), Cells::Tabs) => {
                let cells: Vec<&str> = line.split('\t').collect();
                self.row(chunk, number, &cells, raw, gather);
            }
            (Err(reason), _) => gather.bad(number, reason, raw),
        });
        while !open.lines.is_empty() {
            self.give_up(chunk, &mut open, gather);
        }
    }

    fn cut(&self, bytes: &[u8], is_last: bool) -> Option<usize> {
        let Cells::Quoted(delimiter) = self.cells else { return after_last_line(bytes, is_last) };
        if is_last || memchr(b'"', bytes).is_none() {
            return after_last_line(bytes, is_last);
        }
        let (mut start, mut cut, mut quoted) = (0, None, false);
        while let Some(length) = memchr(b'\n', &bytes[start..]) {
            let end = start + length + 1;
            quoted = ends_quoted(&bytes[start..end - 1], delimiter, quoted);
            if !quoted {
                cut = Some(end);
            }
            start = end;
        }
        // A quote that stays open for so long is never closed.
        if cut.is_none() && bytes.len() > 2 * LONGEST_ROW { after_last_line(bytes, false) } else { cut }
    }

    fn prelude(&self) -> Vec<Statement> {
        self.rows.prelude()
    }
}

/// The lines of a row whose quote is not closed yet, and the number of the first.
struct Open {
    splitter: Splitter,
    lines: Vec<String>,
    first: u64,
    bytes: usize,
}

impl Open {
    fn new(cells: Cells) -> Self {
        let delimiter = if let Cells::Quoted(delimiter) = cells { delimiter } else { b'\t' };
        Self { splitter: Splitter::new(delimiter), lines: Vec::new(), first: 0, bytes: 0 }
    }
}

impl Table {
    fn row(&self, chunk: &Chunk, number: u64, cells: &[&str], raw: &[u8], gather: &mut Gather<'_>) {
        if chunk.is_first && number == 1 && self.rows.is_header(cells) {
            return;
        }
        if let Err(reason) = self.rows.row(cells, gather) {
            gather.bad(number, reason, raw);
        }
    }

    fn quoted(&self, chunk: &Chunk, number: u64, line: &str, open: &mut Open, gather: &mut Gather<'_>) {
        let quoted = ends_quoted(line.as_bytes(), open.splitter.delimiter, !open.lines.is_empty());
        if open.lines.is_empty() {
            if !quoted {
                return self.parse(&mut open.splitter, chunk, number, line, gather);
            }
            open.first = number;
            open.bytes = 0;
        }
        open.bytes += line.len() + 1;
        open.lines.push(line.to_owned());
        if !quoted {
            let text = std::mem::take(&mut open.lines).join("\n");
            self.parse(&mut open.splitter, chunk, open.first, &text, gather);
        } else if open.bytes > LONGEST_ROW {
            self.give_up(chunk, open, gather);
        }
    }

    fn parse(
        &self,
        splitter: &mut Splitter,
        chunk: &Chunk,
        number: u64,
        text: &str,
        gather: &mut Gather<'_>,
    ) {
        if text.trim().is_empty() {
            return;
        }
        let cells = splitter.cells(text);
        self.row(chunk, number, &cells, text.as_bytes(), gather);
    }

    /// Blames the line that opened a quote, and reads the lines after it afresh.
    fn give_up(&self, chunk: &Chunk, open: &mut Open, gather: &mut Gather<'_>) {
        let lines = std::mem::take(&mut open.lines);
        let first = open.first;
        let opener = lines.first().map(String::as_bytes).unwrap_or_default();
        gather.bad(first, "a quote is opened here and never closed", opener);
        for (number, line) in (first..).zip(&lines).skip(1) {
            self.quoted(chunk, number, line, open, gather);
        }
    }
}

/// Takes rows of CSV apart.
pub(super) struct Splitter {
    reader: csv_core::Reader,
    delimiter: u8,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Splitter {
    pub(super) fn new(delimiter: u8) -> Self {
        let reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        Self { reader, delimiter, text: Vec::new(), ends: Vec::new() }
    }

    /// The cells of one row, of which the quotes are closed.
    pub(super) fn cells<'a>(&'a mut self, row: &'a str) -> Vec<&'a str> {
        if memchr(b'"', row.as_bytes()).is_none() {
            return row.split(char::from(self.delimiter)).collect();
        }
        // No cell is longer than the row, and none more than its bytes and one.
        self.text.resize(row.len() + 1, 0);
        self.ends.resize(row.len() + 2, 0);
        self.reader.reset();
        let (mut input, mut written, mut cells) = (row.as_bytes(), 0, 0);
        loop {
            let (result, read, text, ends) =
                self.reader.read_record(input, &mut self.text[written..], &mut self.ends[cells..]);
            (written, cells) = (written + text, cells + ends);
            // Nothing more is what ends the last row.
            input = &input[read..];
            if result != csv_core::ReadRecordResult::InputEmpty {
                break;
            }
        }
        let mut start = 0;
        let cell = |end: &usize| {
            let cell = self.text.get(start..*end).and_then(|cell| std::str::from_utf8(cell).ok());
            start = *end;
            cell.unwrap_or_default()
        };
        self.ends[..cells].iter().map(cell).collect()
    }
}

/// Whether a line of CSV ends within quotes, given whether it began so.
fn ends_quoted(line: &[u8], delimiter: u8, mut quoted: bool) -> bool {
    let mut field_starts = !quoted;
    for byte in line.iter().copied() {
        match byte {
            b'"' if quoted => quoted = false,
            // A doubled quote closes and opens again; elsewhere only a field's start opens.
            b'"' if field_starts => quoted = true,
            _ => {}
        }
        field_starts = !quoted && (byte == delimiter || byte == b'"');
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::ends_quoted;

    #[test]
    fn quotes_are_followed_over_lines() {
        assert!(!ends_quoted(r#"a,"b ""c"" d",e"#.as_bytes(), b',', false));
        assert!(ends_quoted(r#"a,"b"#.as_bytes(), b',', false));
        assert!(!ends_quoted(r#"b",c"#.as_bytes(), b',', true));
        assert!(!ends_quoted(r#"a,5" disk,c"#.as_bytes(), b',', false));
    }
}
