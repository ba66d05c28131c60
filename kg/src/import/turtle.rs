//! Turtle, read so that one bad line costs one line. In: lines. Out: triples.
//!
//! Lines are gathered into statements (up to a line that ends with a full stop) and statements into chunks; a chunk is
//! parsed at once. Only where that fails is it taken statement by statement, and a failing statement line by line: the
//! line whose removal lets the parser get furthest is the bad one, and the rest of the statement is kept.

mod scan;

use oxttl::TurtleParser;

use super::triple::{Meaning, understand};
use super::{BadLine, Reader, Sink};
use crate::GraphError;
use scan::{LongString, Scan, scan};

/// Bytes of a chunk.
const CHUNK: usize = 1 << 16;

/// Bytes of one statement after which a long string that is still open is given up.
const LONGEST_STATEMENT: usize = 4 << 20;

/// Bad lines of one statement after which the rest of it is given up, so that time stays bounded.
const REPAIRS: usize = 100;

/// A numbered line.
type Line = (u64, String);

#[derive(Default)]
pub(super) struct Turtle {
    base: String,
    prefixes: Vec<(String, String)>,
    /// Whole statements that wait to be parsed.
    chunk: Vec<Vec<Line>>,
    chunk_bytes: usize,
    /// The statement that is being gathered.
    statement: Vec<Line>,
    statement_bytes: usize,
    /// The long string that is open at the end of `statement`, and the index of the line that opens it.
    open: Option<(LongString, usize)>,
}

/// A chunk or statement that parsed.
struct Parsed {
    meanings: Vec<Meaning>,
    /// Triples that are read but not kept: index of the line, and why.
    refused: Vec<(usize, String)>,
    prefixes: Vec<(String, String)>,
    base: String,
}

/// Where and why parsing failed.
struct Failed {
    /// Index of the line.
    line: usize,
    reason: String,
    /// What was understood before.
    before: Vec<Meaning>,
}

impl Turtle {
    /// A reader; relative IRIs are resolved against the file's name.
    pub(super) fn new(name: &str) -> Self {
        let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let name: String = name.chars().map(|c| if safe(c) { c } else { '-' }).collect();
        Self { base: format!("https://loquat.example/file/{name}"), ..Self::default() }
    }

    /// The statement being gathered is whole.
    fn end_statement(&mut self, sink: &mut Sink<'_>) -> Result<(), GraphError> {
        self.chunk.push(std::mem::take(&mut self.statement));
        self.chunk_bytes += std::mem::take(&mut self.statement_bytes);
        if self.chunk_bytes >= CHUNK { self.end_chunk(sink) } else { Ok(()) }
    }

    fn end_chunk(&mut self, sink: &mut Sink<'_>) -> Result<(), GraphError> {
        let chunk = std::mem::take(&mut self.chunk);
        self.chunk_bytes = 0;
        let lines: Vec<&str> = chunk.iter().flatten().map(|(_, line)| line.as_str()).collect();
        if let Ok(parsed) = self.parse(&lines)
            && parsed.refused.is_empty()
        {
            return self.accept(parsed, sink);
        }
        for statement in &chunk {
            self.repair(statement, sink)?;
        }
        Ok(())
    }

    fn accept(&mut self, parsed: Parsed, sink: &mut Sink<'_>) -> Result<(), GraphError> {
        self.prefixes = parsed.prefixes;
        self.base = parsed.base;
        parsed.meanings.into_iter().try_for_each(|meaning| sink(Ok(meaning)))
    }

    /// Parses one statement, dropping bad lines until the rest parses.
    fn repair(&mut self, statement: &[Line], sink: &mut Sink<'_>) -> Result<(), GraphError> {
        let mut lines: Vec<&str> = statement.iter().map(|(_, line)| line.as_str()).collect();
        let mut dropped = vec![false; lines.len()];
        for _ in 0..REPAIRS {
            let failed = match self.parse(&lines) {
                Ok(mut parsed) => {
                    for (index, reason) in std::mem::take(&mut parsed.refused) {
                        sink(Err(BadLine { line: statement[index].0, reason }))?;
                    }
                    return self.accept(parsed, sink);
                }
                Err(failed) => failed,
            };
            let bad = |index: usize| BadLine { line: statement[index].0, reason: failed.reason.clone() };
            // The parser stumbles where a line is wrong, or just after a line that ended too early.
            let earlier = (0..failed.line).rev().find(|index| !lines[*index].trim().is_empty());
            let suspects = [Some(failed.line), earlier];
            let best = suspects
                .into_iter()
                .flatten()
                .filter(|index| !dropped[*index])
                .map(|index| {
                    let without = without(&lines, index);
                    let reached = match self.parse(&without) {
                        Ok(_) => usize::MAX,
                        Err(again) => again.line,
                    };
                    (reached, index, without)
                })
                .max_by_key(|(reached, index, _)| (*reached, *index));
            match best {
                Some((reached, index, without)) if reached > failed.line => {
                    sink(Err(bad(index)))?;
                    dropped[index] = true;
                    lines = without;
                }
                _ => {
                    let mut bad = bad(failed.line);
                    let last = statement.last().map_or(bad.line, |(number, _)| *number);
                    if last > bad.line {
                        bad.reason += &format!("; the statement is not read further, to line {last}");
                    }
                    failed.before.into_iter().try_for_each(|meaning| sink(Ok(meaning)))?;
                    return sink(Err(bad));
                }
            }
        }
        let (first, last) = (statement[0].0, statement[statement.len() - 1].0);
        let reason = format!("too many bad lines; the rest of the statement, to line {last}, is not read");
        sink(Err(BadLine { line: first, reason }))
    }

    fn parse(&self, lines: &[&str]) -> Result<Parsed, Failed> {
        let text = lines.join("\n");
        let mut parser = TurtleParser::new();
        // Both were taken from a parser that accepted them, so they are accepted again.
        if let Ok(based) = TurtleParser::new().with_base_iri(self.base.as_str()) {
            parser = based;
        }
        for (name, iri) in &self.prefixes {
            parser = parser.with_prefix(name, iri).unwrap_or_default();
        }
        let mut parser = parser.for_slice(text.as_str());
        let (mut meanings, mut refused) = (Vec::new(), Vec::new());
        for triple in parser.by_ref() {
            match triple {
                Ok(triple) => match understand(triple) {
                    Ok(meaning) => meanings.push(meaning),
                    Err(refusal) => {
                        let line = lines.iter().position(|line| line.contains(&refusal.near)).unwrap_or(0);
                        refused.push((line, refusal.reason));
                    }
                },
                Err(error) => {
                    let line = (error.location().start.line as usize).min(lines.len().saturating_sub(1));
                    let reason = error.message().to_owned();
                    return Err(Failed { line, reason, before: meanings });
                }
            }
        }
        let prefixes = parser.prefixes().map(|(name, iri)| (name.to_owned(), iri.to_owned())).collect();
        let base = parser.base_iri().unwrap_or(&self.base).to_owned();
        Ok(Parsed { meanings, refused, prefixes, base })
    }

    /// Blames the line that opened a long string which is never closed, and reads the other lines afresh.
    fn give_up(&mut self, opener: usize, sink: &mut Sink<'_>) -> Result<(), GraphError> {
        let lines = std::mem::take(&mut self.statement);
        self.statement_bytes = 0;
        self.open = None;
        let reason = "a string is opened here with three quotes and never closed".to_owned();
        sink(Err(BadLine { line: lines[opener].0, reason }))?;
        for (index, (number, line)) in lines.iter().enumerate() {
            if index != opener {
                self.line(*number, line, sink)?;
            }
        }
        Ok(())
    }
}

/// The lines without one of them; where it ended the statement, the statement still ends.
fn without<'a>(lines: &[&'a str], index: usize) -> Vec<&'a str> {
    let mut rest = lines.to_vec();
    let ends = scan(rest[index], None).ends_statement;
    rest[index] = "";
    let before = rest[..index].iter().rposition(|line| !line.trim().is_empty());
    if ends && let Some(before) = before {
        rest[index] = ".";
        if let Some(line) = rest[before].trim_end().strip_suffix(',') {
            rest[before] = line;
        }
    }
    rest
}

impl Reader for Turtle {
    fn line(&mut self, number: u64, line: &str, sink: &mut Sink<'_>) -> Result<(), GraphError> {
        let Scan { ends_statement, open } = scan(line, self.open.map(|(string, _)| string));
        let opener = |index: usize| self.open.map_or(index, |(_, opener)| opener);
        self.open = open.map(|string| (string, opener(self.statement.len())));
        self.statement_bytes += line.len() + 1;
        self.statement.push((number, line.to_owned()));
        if ends_statement {
            return self.end_statement(sink);
        }
        match self.open {
            Some((_, opener)) if self.statement_bytes > LONGEST_STATEMENT => self.give_up(opener, sink),
            _ => Ok(()),
        }
    }

    fn finish(&mut self, sink: &mut Sink<'_>) -> Result<(), GraphError> {
        while let Some((_, opener)) = self.open {
            self.give_up(opener, sink)?;
        }
        self.end_statement(sink)?;
        self.end_chunk(sink)
    }
}
