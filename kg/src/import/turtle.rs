//! Turtle and TriG, read so that one bad line costs one line. In: lines. Out: triples.
//!
//! Lines are gathered into statements (up to a line that ends with a full stop) and statements into chunks; a chunk is
//! parsed at once. Only where that fails is it taken statement by statement, and a failing statement line by line: the
//! line whose removal lets the parser get furthest is the bad one, and the rest of the statement is kept.

mod scan;
pub(super) mod trig;

use oxrdf::Triple;
use oxttl::TurtleParser;

use super::LineReader;
use super::facts::Facts;
use super::gather::Gather;
use super::triple::{Part, Parts, understand};
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
    facts: Facts,
}

/// A chunk or statement that parsed.
struct Parsed {
    triples: Vec<Triple>,
    prefixes: Vec<(String, String)>,
    base: String,
}

/// Where and why parsing failed.
struct Failed {
    /// Index of the line.
    line: usize,
    reason: String,
    /// What was understood before.
    before: Vec<Triple>,
}

/// The IRI that relative ones in a file of this name are resolved against.
pub(super) fn base(name: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name: String = name.chars().map(|c| if safe(c) { c } else { '-' }).collect();
    format!("https://loquat.example/file/{name}")
}

impl Turtle {
    /// A reader; relative IRIs are resolved against the file's name.
    pub(super) fn new(name: &str) -> Self {
        Self { base: base(name), ..Self::default() }
    }

    /// What was gathered of a statement is none.
    fn forget_statement(&mut self) {
        self.statement.clear();
        self.statement_bytes = 0;
    }

    /// The statement being gathered is whole.
    fn end_statement(&mut self, gather: &mut Gather<'_>) {
        self.chunk.push(std::mem::take(&mut self.statement));
        self.chunk_bytes += std::mem::take(&mut self.statement_bytes);
        if self.chunk_bytes >= CHUNK {
            self.end_chunk(gather);
        }
    }

    fn end_chunk(&mut self, gather: &mut Gather<'_>) {
        let chunk = std::mem::take(&mut self.chunk);
        self.chunk_bytes = 0;
        let lines: Vec<&str> = chunk.iter().flatten().map(|(_, line)| line.as_str()).collect();
        // What is refused is looked for in its own statement.
        if let Ok(parsed) = self.parse(&lines)
            && parsed.triples.iter().all(is_kept)
        {
            return self.accept(parsed, &[], gather);
        }
        for statement in &chunk {
            self.repair(statement, gather);
        }
    }

    fn accept(&mut self, parsed: Parsed, lines: &[Line], gather: &mut Gather<'_>) {
        self.prefixes = parsed.prefixes;
        self.base = parsed.base;
        self.take(&parsed.triples, lines, gather);
    }

    fn take(&mut self, triples: &[Triple], lines: &[Line], gather: &mut Gather<'_>) {
        let first = lines.first().map_or(1, |(number, _)| *number);
        for triple in triples {
            if let Err(refusal) = self.facts.triple(triple.as_ref().into(), first, &[], gather) {
                let found = lines.iter().find(|(_, line)| line.contains(&refusal.near)).or(lines.first());
                let (number, text) = found.map_or((first, ""), |(number, line)| (*number, line.as_str()));
                gather.bad(number, refusal.reason, text.as_bytes());
            }
        }
    }

    /// Parses one statement, dropping bad lines until the rest parses.
    fn repair(&mut self, statement: &[Line], gather: &mut Gather<'_>) {
        let mut lines: Vec<&str> = statement.iter().map(|(_, line)| line.as_str()).collect();
        let mut dropped = vec![false; lines.len()];
        for _ in 0..REPAIRS {
            let failed = match self.parse(&lines) {
                Ok(parsed) => return self.accept(parsed, statement, gather),
                Err(failed) => failed,
            };
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
                    let (number, line) = &statement[index];
                    gather.bad(*number, failed.reason, line.as_bytes());
                    dropped[index] = true;
                    lines = without;
                }
                _ => {
                    let (number, line) = &statement[failed.line];
                    let last = statement.last().map_or(*number, |(number, _)| *number);
                    let mut reason = failed.reason;
                    let mut text = line.clone();
                    if last > *number {
                        reason += &format!("; the statement is not read further, to line {last}");
                        statement[failed.line + 1..].iter().for_each(|(_, line)| {
                            text.push('\n');
                            text += line;
                        });
                    }
                    self.take(&failed.before, statement, gather);
                    return gather.bad(*number, reason, text.as_bytes());
                }
            }
        }
        let (first, last) = (statement[0].0, statement[statement.len() - 1].0);
        let reason = format!("too many bad lines; the rest of the statement, to line {last}, is not read");
        let rest: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        gather.bad(first, reason, rest.join("\n").as_bytes());
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
        let mut triples = Vec::new();
        for triple in parser.by_ref() {
            match triple {
                Ok(triple) => triples.push(triple),
                Err(error) => {
                    let line = (error.location().start.line as usize).min(lines.len().saturating_sub(1));
                    let reason = error.message().to_owned();
                    return Err(Failed { line, reason, before: triples });
                }
            }
        }
        let prefixes = parser.prefixes().map(|(name, iri)| (name.to_owned(), iri.to_owned())).collect();
        let base = parser.base_iri().unwrap_or(&self.base).to_owned();
        Ok(Parsed { triples, prefixes, base })
    }

    /// Blames the line that opened a long string which is never closed, and reads the other lines afresh.
    fn give_up(&mut self, opener: usize, gather: &mut Gather<'_>) {
        let lines = std::mem::take(&mut self.statement);
        self.statement_bytes = 0;
        self.open = None;
        let reason = "a string is opened here with three quotes and never closed".to_owned();
        gather.bad(lines[opener].0, reason, lines[opener].1.as_bytes());
        for (index, (number, line)) in lines.iter().enumerate() {
            if index != opener {
                self.line(*number, line, gather);
            }
        }
    }
}

/// Whether a triple is kept as far as its parts alone tell.
fn is_kept(triple: &Triple) -> bool {
    let parts = Parts::from(triple.as_ref());
    match parts.object {
        Part::Literal { datatype: None, .. } | Part::Iri(_) if parts.subject.is_some() => true,
        _ => understand(parts).is_ok(),
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

impl LineReader for Turtle {
    fn line(&mut self, number: u64, line: &str, gather: &mut Gather<'_>) {
        let Scan { ends_statement, open } = scan(line, self.open.map(|(string, _)| string));
        let opener = |index: usize| self.open.map_or(index, |(_, opener)| opener);
        self.open = open.map(|string| (string, opener(self.statement.len())));
        self.statement_bytes += line.len() + 1;
        self.statement.push((number, line.to_owned()));
        if ends_statement {
            return self.end_statement(gather);
        }
        match self.open {
            Some((_, opener)) if self.statement_bytes > LONGEST_STATEMENT => self.give_up(opener, gather),
            _ if self.statement_bytes > LONGEST_STATEMENT * 8 => self.end_statement(gather),
            _ => {}
        }
    }

    fn finish(&mut self, gather: &mut Gather<'_>) {
        while let Some((_, opener)) = self.open {
            self.give_up(opener, gather);
        }
        self.end_statement(gather);
        self.end_chunk(gather);
        self.facts.close(gather);
    }
}
