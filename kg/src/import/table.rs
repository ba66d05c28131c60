//! Tables of subject, predicate, object. In: lines of TSV or CSV. Out: one statement a row.
//!
//! A table does not say which objects are entities. The rule here does not depend on the rest of the file, so the same row
//! means the same in every import: a number is a number, an ISO date or year-month is a date, `true` and `false` are
//! booleans, text that only looks like a number (`+93`, `007`, `1,234`) or is longer than 120 characters is text, and
//! every other object is an entity, to be linked and walked back from. A subject or predicate is what it says. A first
//! row that reads subject, predicate, object (or head, relation, tail) is a header.

use super::triple::{Meaning, date, describe, iri_object};
use super::{BadLine, Reader, Sink};
use crate::GraphError;
use crate::statement::{Object, Statement};
use crate::vocabulary::{RDF_TYPE, Term, term};

/// Characters from which on an object is text.
const LONGEST_NAME: usize = 120;

/// Bytes after which a quote that was never closed is given up.
const LONGEST_ROW: usize = 1 << 20;

/// Tab-separated, without quoting.
pub(super) struct Tsv;

impl Reader for Tsv {
    fn line(&mut self, number: u64, line: &str, sink: &mut Sink<'_>) -> Result<(), GraphError> {
        if line.trim().is_empty() {
            return Ok(());
        }
        let cells: Vec<&str> = line.split('\t').collect();
        row(number, &cells, sink)
    }

    fn finish(&mut self, _sink: &mut Sink<'_>) -> Result<(), GraphError> {
        Ok(())
    }
}

/// Comma-separated, quoted as RFC 4180 says; a row may span lines.
#[derive(Default)]
pub(super) struct Csv {
    /// The lines of a row whose quote is not closed yet, and the number of the first.
    open: Vec<String>,
    first: u64,
    bytes: usize,
}

impl Csv {
    fn parse(number: u64, text: &str, sink: &mut Sink<'_>) -> Result<(), GraphError> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(text.len() + 1)
            .from_reader(text.as_bytes());
        for record in reader.records() {
            match record {
                Ok(record) => row(number, &record.iter().collect::<Vec<_>>(), sink)?,
                Err(error) => sink(Err(BadLine { line: number, reason: error.to_string() }))?,
            }
        }
        Ok(())
    }

    /// Blames the line that opened a quote, and reads the lines after it afresh.
    fn give_up(&mut self, sink: &mut Sink<'_>) -> Result<(), GraphError> {
        let lines = std::mem::take(&mut self.open);
        let first = self.first;
        sink(Err(BadLine { line: first, reason: "a quote is opened here and never closed".into() }))?;
        for (offset, line) in lines.into_iter().enumerate().skip(1) {
            self.line(first + offset as u64, &line, sink)?;
        }
        Ok(())
    }
}

impl Reader for Csv {
    fn line(&mut self, number: u64, line: &str, sink: &mut Sink<'_>) -> Result<(), GraphError> {
        let quoted = ends_quoted(line, !self.open.is_empty());
        if self.open.is_empty() {
            if !quoted {
                return if line.trim().is_empty() { Ok(()) } else { Self::parse(number, line, sink) };
            }
            self.first = number;
            self.bytes = 0;
        }
        self.bytes += line.len() + 1;
        self.open.push(line.to_owned());
        if !quoted {
            let text = std::mem::take(&mut self.open).join("\n");
            return Self::parse(self.first, &text, sink);
        }
        if self.bytes > LONGEST_ROW { self.give_up(sink) } else { Ok(()) }
    }

    fn finish(&mut self, sink: &mut Sink<'_>) -> Result<(), GraphError> {
        while !self.open.is_empty() {
            self.give_up(sink)?;
        }
        Ok(())
    }
}

/// Whether a line of CSV ends within quotes, given whether it began so.
fn ends_quoted(line: &str, mut quoted: bool) -> bool {
    let mut field_starts = !quoted;
    for byte in line.bytes() {
        match byte {
            b'"' if quoted => quoted = false,
            // A doubled quote closes and opens again; elsewhere only a field's start opens.
            b'"' if field_starts => quoted = true,
            _ => {}
        }
        field_starts = !quoted && (byte == b',' || byte == b'"');
    }
    quoted
}

fn row(number: u64, cells: &[&str], sink: &mut Sink<'_>) -> Result<(), GraphError> {
    let bad = |reason: String| Err(BadLine { line: number, reason });
    let [subject, predicate, object] = cells else {
        return sink(bad(format!("3 columns are needed and there are {}", cells.len())));
    };
    let (subject, predicate, object) = (subject.trim(), predicate.trim(), object.trim());
    if number == 1 && is_header(subject, predicate, object) {
        return Ok(());
    }
    for (name, cell) in [("subject", subject), ("predicate", predicate), ("object", object)] {
        if cell.is_empty() {
            return sink(bad(format!("the {name} is empty")));
        }
    }
    sink(Ok(match term(predicate) {
        Term::Relation => fact(subject, predicate, value(object)),
        Term::Type => fact(subject, RDF_TYPE, value(object)),
        other => describe(subject.to_owned(), other, object.to_owned(), None),
    }))
}

fn fact(subject: &str, predicate: &str, object: Object) -> Meaning {
    Meaning::Statement(Statement::fact(subject, predicate, object))
}

fn is_header(subject: &str, predicate: &str, object: &str) -> bool {
    let is = |cell: &str, names: &[&str]| names.iter().any(|name| cell.eq_ignore_ascii_case(name));
    is(subject, &["subject", "head", "s"])
        && is(predicate, &["predicate", "relation", "property", "p"])
        && is(object, &["object", "tail", "value", "o"])
}

/// What a cell says, by the rule at the top.
fn value(cell: &str) -> Object {
    let text = || Object::Text { text: cell.to_owned(), language: None };
    match cell {
        "true" | "True" | "TRUE" => return Object::Boolean(true),
        "false" | "False" | "FALSE" => return Object::Boolean(false),
        _ => {}
    }
    if is_number(cell) {
        return Object::number(cell);
    }
    if cell.contains('-') && date(cell) == Some(cell) {
        return Object::Date(cell.to_owned());
    }
    let numeric = cell.bytes().all(|b| b.is_ascii_digit() || b"+-., ()".contains(&b));
    if (numeric && cell.bytes().any(|b| b.is_ascii_digit())) || cell.chars().count() > LONGEST_NAME {
        return text();
    }
    iri_object(cell.to_owned())
}

/// Digits with sign, decimals and exponent, without leading zeros or plus sign (those are codes).
fn is_number(cell: &str) -> bool {
    let unsigned = cell.strip_prefix('-').unwrap_or(cell);
    let whole = unsigned.split(['.', 'e', 'E']).next().unwrap_or_default();
    let plain = whole.bytes().all(|b| b.is_ascii_digit()) && (whole == "0" || !whole.starts_with('0'));
    !whole.is_empty() && plain && cell.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::{Object, ends_quoted, value};

    #[test]
    fn cells_are_told_apart() {
        assert_eq!(value("Sarasota"), Object::Entity("Sarasota".into()));
        assert_eq!(value("50 Cent"), Object::Entity("50 Cent".into()));
        assert_eq!(value("-3.5e4"), Object::number("-3.5e4"));
        assert_eq!(value("1971"), Object::number("1971"));
        assert_eq!(value("0.5"), Object::number("0.5"));
        assert_eq!(value("1907-12-17"), Object::Date("1907-12-17".into()));
        assert_eq!(value("true"), Object::Boolean(true));
        for code in ["+93", "007", "1,234"] {
            assert_eq!(value(code), Object::Text { text: code.into(), language: None });
        }
        assert_eq!(value("http://example.com/a"), Object::Entity("http://example.com/a".into()));
        assert_eq!(value("mailto:a@b.example"), Object::Url("mailto:a@b.example".into()));
        assert_eq!(value("inf"), Object::Entity("inf".into()));
        assert!(matches!(value(&"long ".repeat(40)), Object::Text { .. }));
    }

    #[test]
    fn quotes_are_followed_over_lines() {
        assert!(!ends_quoted(r#"a,"b ""c"" d",e"#, false));
        assert!(ends_quoted(r#"a,"b"#, false));
        assert!(!ends_quoted(r#"b",c"#, true));
        assert!(!ends_quoted(r#"a,5" disk,c"#, false));
    }
}
