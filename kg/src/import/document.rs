//! RDF/XML and JSON-LD, which are read as a whole. In: bytes. Out: triples, up to the first mistake in the syntax.

use std::cell::RefCell;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::rc::Rc;

use memchr::{memchr_iter, memmem};
use oxjsonld::{JsonLdParseError, JsonLdParser};
use oxrdf::TripleRef;
use oxrdfxml::{RdfXmlParseError, RdfXmlParser};

use super::chunks::Chunks;
use super::facts::Facts;
use super::gather::Gather;
use super::triple::Parts;

/// Triples between two looks at whether to go on.
const BATCH: usize = 4096;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Document {
    RdfXml,
    JsonLd,
}

/// The bytes of a file, with the line that each stands on.
struct Stream<'a, R> {
    chunks: &'a mut Chunks<R>,
    current: Vec<u8>,
    at: usize,
    lines: Rc<RefCell<Lines>>,
}

/// Line ends near where the parser reads.
#[derive(Default)]
struct Lines {
    /// Line ends before `from`.
    before: u64,
    from: u64,
    /// Where the line ends behind it are.
    ends: Vec<u64>,
    read: u64,
}

impl Lines {
    fn add(&mut self, bytes: &[u8]) {
        // What was read a chunk ago may still be in the parser's buffer.
        let old = self.ends.partition_point(|end| *end < self.from);
        self.before += old as u64;
        self.ends.drain(..old);
        self.from = self.read;
        self.ends.extend(memchr_iter(b'\n', bytes).map(|at| self.read + at as u64));
        self.read += bytes.len() as u64;
    }

    fn line_of(&self, byte: u64) -> u64 {
        self.before + self.ends.partition_point(|end| *end < byte) as u64 + 1
    }
}

impl<R: Read> Read for Stream<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.current.len() {
            let all = |bytes: &[u8], _: bool| Some(bytes.len());
            self.current = self.chunks.next(&all)?.map(|chunk| chunk.bytes).unwrap_or_default();
            self.at = 0;
            self.lines.borrow_mut().add(&self.current);
        }
        let count = buffer.len().min(self.current.len() - self.at);
        buffer[..count].copy_from_slice(&self.current[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

impl Document {
    /// Reads a file; `batch` is called now and then, and may stop it.
    pub(super) fn read<R: Read, E: From<io::Error>>(
        self,
        base: &str,
        chunks: &mut Chunks<R>,
        gather: &mut Gather<'_>,
        batch: &mut dyn FnMut(&mut Gather<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<ControlFlow<()>, E> {
        if self == Self::RdfXml && has_nested_entities(chunks.head()?) {
            let reason = "an XML entity that stands for other entities is not read; write its text out";
            gather.bad(1, reason, &[]);
            return batch(gather);
        }
        let lines = Rc::new(RefCell::new(Lines::default()));
        let mut stream = Stream { chunks, current: Vec::new(), at: 0, lines: lines.clone() };
        let mut facts = Facts::default();
        let stopped = match self {
            Self::RdfXml => {
                let parser = RdfXmlParser::new();
                let parser = parser.with_base_iri(base).unwrap_or_default();
                let mut triples = parser.for_reader(&mut stream);
                let mut read = 0;
                loop {
                    let Some(triple) = triples.next() else { break ControlFlow::Continue(()) };
                    let line = lines.borrow().line_of(triples.buffer_position());
                    match triple {
                        Ok(triple) => take(&mut facts, triple.as_ref().into(), line, gather),
                        Err(RdfXmlParseError::Io(error)) => return Err(error.into()),
                        Err(RdfXmlParseError::Syntax(error)) => {
                            gather.bad(line, unread(&error), &[]);
                            break ControlFlow::Continue(());
                        }
                    }
                    read += 1;
                    if read % BATCH == 0 && batch(gather)?.is_break() {
                        break ControlFlow::Break(());
                    }
                }
            }
            Self::JsonLd => {
                let parser = JsonLdParser::new();
                let parser = parser.with_base_iri(base).unwrap_or_default();
                let mut quads = parser.for_reader(&mut stream);
                let mut read = 0;
                loop {
                    let Some(quad) = quads.next() else { break ControlFlow::Continue(()) };
                    match quad {
                        Ok(quad) => take(&mut facts, TripleRef::from(quad.as_ref()).into(), 1, gather),
                        Err(JsonLdParseError::Io(error)) => return Err(error.into()),
                        Err(JsonLdParseError::Syntax(error)) => {
                            let line = error.location().map_or(1, |location| location.start.line + 1);
                            gather.bad(line, unread(&error), &[]);
                            break ControlFlow::Continue(());
                        }
                    }
                    read += 1;
                    if read % BATCH == 0 && batch(gather)?.is_break() {
                        break ControlFlow::Break(());
                    }
                }
            }
        };
        facts.close(gather);
        if stopped.is_continue() {
            io::copy(&mut stream, &mut io::sink())?;
            return batch(gather);
        }
        Ok(stopped)
    }
}

fn take(facts: &mut Facts, parts: Parts<'_>, line: u64, gather: &mut Gather<'_>) {
    if let Err(refusal) = facts.triple(parts, line, &[], gather) {
        gather.bad(line, refusal.reason, &[]);
    }
}

fn unread(error: &dyn std::error::Error) -> String {
    format!("{error}; the rest of the file is not read")
}

/// Whether entities are declared by way of others, which can make a small file endless.
fn has_nested_entities(head: &[u8]) -> bool {
    const PREDEFINED: [&[u8]; 6] = [b"#", b"amp;", b"lt;", b"gt;", b"quot;", b"apos;"];
    let mut declared = memmem::find_iter(head, b"<!ENTITY");
    declared.any(|at| {
        let declaration = &head[at..];
        let end = memchr::memchr(b'>', declaration).unwrap_or(declaration.len());
        memchr_iter(b'&', &declaration[..end])
            .any(|and| !PREDEFINED.iter().any(|name| declaration[and + 1..].starts_with(name)))
    })
}
