//! From a file to statements. In: Turtle, N-Triples, TSV or CSV, each plain or gzipped. Out: statements in the store and a
//! report with the lines that were not understood. Knows nothing of the view.
//!
//! Every reader works line by line, so memory is bounded by the longest statement, and a bad line costs that line only.
//! What an import keeps in memory besides is 16 bytes for each statement that the graph already has, and 8 bytes for
//! each name in the file, for the counts.

mod lines;
mod ntriples;
mod table;
mod turtle;

use std::cell::Cell;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use flate2::read::MultiGzDecoder;
use loquat_contract::Generation;
use rustc_hash::{FxHashMap, FxHashSet};
use xxhash_rust::xxh3::xxh3_64;

use crate::GraphError;
use crate::statement::{Object, Statement};
use crate::store::{Block, Completed, Store, Writer};
use lines::Lines;
use loquat_terms::triple::{self, Meaning};

/// Bad lines that a report lists; more are only counted.
const LISTED: usize = 1000;

/// Subjects whose `dct:source` or `dct:license` is remembered while looking for the graph's own.
const SOURCES: usize = 1000;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// RDF 1.1 Turtle.
    Turtle,
    /// RDF 1.1 N-Triples.
    NTriples,
    /// Subject, predicate and object separated by tabs, without quoting.
    Tsv,
    /// Subject, predicate and object separated by commas, quoted as RFC 4180 says.
    Csv,
}

impl Format {
    /// The format that a file's name ends in; a final `.gz` is passed over.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        match name.rsplit_once('.')?.1 {
            "ttl" | "turtle" => Some(Self::Turtle),
            "nt" | "ntriples" => Some(Self::NTriples),
            "tsv" | "tab" => Some(Self::Tsv),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// How to import a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// The format; `None` goes by the file's name.
    pub format: Option<Format>,
    /// What the facts cite; `None` takes the source that the file names, else the file's name.
    pub source: Option<String>,
}

/// How far an import is, in bytes of the file as it lies on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read.
    pub read: u64,
    /// Bytes in all.
    pub total: u64,
}

/// A line that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// What an import came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Facts that are new.
    pub facts: u64,
    /// Labels and other descriptions that are new.
    pub descriptions: u64,
    /// Facts that the source stated before and does not state any more, and that no other source states.
    pub retired: u64,
    /// Entities that the file's facts are about or lead to.
    pub entities: u64,
    /// Predicates that the file's facts use.
    pub predicates: u64,
    /// The bad lines, at most a thousand, in the order of the file.
    pub bad_lines: Vec<BadLine>,
    /// How many bad lines there are.
    pub bad: u64,
    /// What the facts cite.
    pub source: String,
    /// The graph's generation after the import; it grows only when something is new.
    pub generation: Generation,
}

/// Takes what a reader understood of the file, or a line that it did not.
type Sink<'a> = dyn FnMut(Result<Meaning, BadLine>) -> Result<(), GraphError> + 'a;

/// Reads a file into the store; everything of it is durable when this returns, or none of it counts.
pub(crate) fn import(
    store: &mut Store,
    path: &Path,
    options: &ImportOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<(ImportReport, Completed), GraphError> {
    let unreadable = |source| GraphError::Read { path: path.to_owned(), source };
    let format = options
        .format
        .or_else(|| Format::of(path))
        .ok_or_else(|| GraphError::UnknownFileType { path: path.to_owned() })?;
    let file = File::open(path).map_err(unreadable)?;
    let total = file.metadata().map_err(unreadable)?.len();
    let read = Rc::new(Cell::new(0));
    let counted = Counted { inner: file, read: read.clone() };
    let gzipped = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    let reader: Box<dyn Read> =
        if gzipped { Box::new(MultiGzDecoder::new(BufReader::new(counted))) } else { Box::new(counted) };
    let mut lines = Lines::new(BufReader::with_capacity(1 << 16, reader));

    let name = file_name(path);
    let mut importer = Importer::new(store.begin(&name, &name, 0)?.0);
    let result = read_lines(format, &name, &mut lines, &mut importer, &mut || {
        progress(Progress { read: read.get(), total });
    });
    match result {
        Ok(()) => {
            progress(Progress { read: total, total });
            importer.complete(options.source.clone().unwrap_or_default(), &name)
        }
        Err(failure) => {
            importer.writer.abandon();
            Err(match failure {
                Failure::Graph(error) => error,
                Failure::Read(source) => unreadable(source),
            })
        }
    }
}

/// Why reading stopped.
enum Failure {
    Graph(GraphError),
    Read(io::Error),
}

impl From<GraphError> for Failure {
    fn from(error: GraphError) -> Self {
        Self::Graph(error)
    }
}

/// A reader of one format, fed line by line.
trait Reader {
    fn line(&mut self, number: u64, line: &str, sink: &mut Sink<'_>) -> Result<(), GraphError>;

    /// The file has ended.
    fn finish(&mut self, sink: &mut Sink<'_>) -> Result<(), GraphError>;
}

fn read_lines<R: io::BufRead>(
    format: Format,
    name: &str,
    lines: &mut Lines<R>,
    importer: &mut Importer<'_>,
    tick: &mut dyn FnMut(),
) -> Result<(), Failure> {
    let mut reader: Box<dyn Reader> = match format {
        Format::Turtle => Box::new(turtle::Turtle::new(name)),
        Format::NTriples => Box::new(ntriples::NTriples),
        Format::Tsv => Box::new(table::Tsv),
        Format::Csv => Box::new(table::Csv::default()),
    };
    let mut sink = |item| importer.take(item);
    while let Some((number, line)) = lines.next().map_err(Failure::Read)? {
        match line {
            Ok(line) => reader.line(number, line, &mut sink)?,
            Err(reason) => sink(Err(BadLine { line: number, reason }))?,
        }
        if number.is_multiple_of(4096) {
            tick();
        }
    }
    Ok(reader.finish(&mut sink)?)
}

/// The file's name without folder and `.gz`.
fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    name.strip_suffix(".gz").unwrap_or(&name).to_owned()
}

/// Takes what the reader gives to the store, and counts.
struct Importer<'a> {
    writer: Writer<'a>,
    block: Block,
    content: u64,
    entities: FxHashSet<u64>,
    predicates: FxHashSet<u64>,
    /// Subjects that are the graph itself; nothing said of them is a fact.
    graphs: FxHashSet<String>,
    /// Source and licence, by who they are said of.
    sources: FxHashMap<String, (Vec<String>, Vec<String>)>,
    report: ImportReport,
}

impl<'a> Importer<'a> {
    fn new(writer: Writer<'a>) -> Self {
        Self {
            writer,
            block: Block::default(),
            content: 0,
            entities: FxHashSet::default(),
            predicates: FxHashSet::default(),
            graphs: FxHashSet::default(),
            sources: FxHashMap::default(),
            report: ImportReport::default(),
        }
    }

    fn take(&mut self, item: Result<Meaning, BadLine>) -> Result<(), GraphError> {
        match item {
            Ok(Meaning::Statement(statement)) => self.statement(&statement)?,
            Ok(Meaning::Graph(subject)) => {
                self.graphs.insert(subject);
            }
            Ok(Meaning::Source { about, text }) => self.origin(about, |(sources, _)| sources.push(text)),
            Ok(Meaning::License { about, text }) => self.origin(about, |(_, licences)| licences.push(text)),
            Err(bad) => {
                self.report.bad += 1;
                if self.report.bad_lines.len() < LISTED {
                    self.report.bad_lines.push(bad);
                }
            }
        }
        Ok(())
    }

    fn origin(&mut self, about: String, add: impl FnOnce(&mut (Vec<String>, Vec<String>))) {
        let full = self.sources.len() >= SOURCES;
        match self.sources.entry(about) {
            Entry::Occupied(mut entry) => add(entry.get_mut()),
            Entry::Vacant(entry) if !full => add(entry.insert_entry(Default::default()).get_mut()),
            Entry::Vacant(_) => {}
        }
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), GraphError> {
        if let Statement::Fact { subject, predicate, object, .. } = statement {
            if self.graphs.contains(subject) {
                return Ok(());
            }
            self.predicates.insert(xxh3_64(predicate.as_bytes()));
            self.entities.insert(xxh3_64(subject.as_bytes()));
            if let Object::Entity(object) = object {
                self.entities.insert(xxh3_64(object.as_bytes()));
            }
        }
        match statement {
            Statement::Fact { .. } => self.report.facts += 1,
            Statement::Description { .. } => self.report.descriptions += 1,
        }
        self.content =
            xxh3_64(&[&self.content.to_le_bytes()[..], &statement.digest().to_le_bytes()].concat());
        let encode = |_| GraphError::TooLarge("a statement can say");
        self.block.push(statement).map_err(encode)?;
        if self.block.is_full() { self.end_block() } else { Ok(()) }
    }

    fn end_block(&mut self) -> Result<(), GraphError> {
        let block = std::mem::take(&mut self.block);
        let packed = block.pack().map_err(|source| GraphError::Read { path: Default::default(), source })?;
        self.writer.append(packed)
    }

    fn complete(mut self, stated: String, name: &str) -> Result<(ImportReport, Completed), GraphError> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        // The file's own subject is the one typed as a graph, or the only one that has a source.
        let graph = self.graphs.iter().filter_map(|graph| self.sources.get(graph)).next();
        let only = if self.sources.len() == 1 { self.sources.values().next() } else { None };
        let source = match graph.or(only) {
            _ if !stated.is_empty() => stated,
            Some((sources, licences)) => match (sources.join("; "), licences.join("; ")) {
                (sources, licences) if licences.is_empty() => sources,
                (sources, licences) if sources.is_empty() => format!("{name} ({licences})"),
                (sources, licences) => format!("{sources} ({licences})"),
            },
            None => name.to_owned(),
        };
        self.report.source.clone_from(&source);
        self.report.entities = self.entities.len() as u64;
        self.report.predicates = self.predicates.len() as u64;
        let completed = self.writer.complete(source, self.content)?;
        self.report.generation = completed.generation;
        self.report.bad_lines.sort_by_key(|bad| bad.line);
        Ok((self.report, completed))
    }
}

/// Counts the bytes that pass.
struct Counted<R> {
    inner: R,
    read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.set(self.read.get() + count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
