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
        let mut open = Open::default();
        each_line(chunk, |number, line, raw| match (line, self.cells) {
            (Ok(line), Cells::Quoted(delimiter)) => {
                self.quoted(delimiter, chunk, number, line, &mut open, gather)
            }
            (Ok(line), Cells::Tabs) if line.trim().is_empty() => {}
            (Ok(line), Cells::Tabs) => {
                let cells: Vec<&str> = line.split('\t').collect();
                self.row(chunk, number, &cells, raw, gather);
            }
            (Err(reason), _) => gather.bad(number, reason, raw),
        });
        while let Cells::Quoted(delimiter) = self.cells
            && !open.lines.is_empty()
        {
            self.give_up(delimiter, chunk, &mut open, gather);
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
#[derive(Default)]
struct Open {
    lines: Vec<String>,
    first: u64,
    bytes: usize,
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

    fn quoted(
        &self,
        delimiter: u8,
        chunk: &Chunk,
        number: u64,
        line: &str,
        open: &mut Open,
        gather: &mut Gather<'_>,
    ) {
        let quoted = ends_quoted(line.as_bytes(), delimiter, !open.lines.is_empty());
        if open.lines.is_empty() {
            if !quoted {
                return self.parse(delimiter, chunk, number, line, gather);
            }
            open.first = number;
            open.bytes = 0;
        }
        open.bytes += line.len() + 1;
        open.lines.push(line.to_owned());
        if !quoted {
            let text = std::mem::take(&mut open.lines).join("\n");
            self.parse(delimiter, chunk, open.first, &text, gather);
        } else if open.bytes > LONGEST_ROW {
            self.give_up(delimiter, chunk, open, gather);
        }
    }

    fn parse(&self, delimiter: u8, chunk: &Chunk, number: u64, text: &str, gather: &mut Gather<'_>) {
        if text.trim().is_empty() {
            return;
        }
        match cells(text, delimiter) {
            Ok(cells) => {
                let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
                self.row(chunk, number, &cells, text.as_bytes(), gather);
            }
            Err(reason) => gather.bad(number, reason, text.as_bytes()),
        }
    }

    /// Blames the line that opened a quote, and reads the lines after it afresh.
    fn give_up(&self, delimiter: u8, chunk: &Chunk, open: &mut Open, gather: &mut Gather<'_>) {
        let lines = std::mem::take(&mut open.lines);
        let first = open.first;
        let opener = lines.first().map(String::as_bytes).unwrap_or_default();
        gather.bad(first, "a quote is opened here and never closed", opener);
        for (number, line) in (first..).zip(&lines).skip(1) {
            self.quoted(delimiter, chunk, number, line, open, gather);
        }
    }
}

/// The cells of one row of CSV, of which the quotes are closed.
pub(super) fn cells(text: &str, delimiter: u8) -> Result<Vec<std::borrow::Cow<'_, str>>, String> {
    if memchr(b'"', text.as_bytes()).is_none() {
        return Ok(text.split(char::from(delimiter)).map(Into::into).collect());
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(text.len() + 1)
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    reader.read_record(&mut record).map_err(|error| error.to_string())?;
    Ok(record.iter().map(|cell| cell.to_owned().into()).collect())
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
