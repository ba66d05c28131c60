//! From a file to statements. In: graph files of many formats, plain or packed. Out: statements in the store and a report with
//! the lines that were not understood. Knows nothing of the view.
//!
//! The way of a line: the file is **unpacked**, cut into **chunks**, and these are read on several threads; each *reader*
//! gives what it understands to **gather**, which filters and encodes it; the **tally** takes that in the order of the
//! file, appends it to the store and says now and then from where a later import can go on. What a bad line says goes to the
//! **quarantine**. Turtle, TriG, RDF/XML and JSON-LD are read on one thread, because what a line means depends on those
//! before it.

mod chunks;
mod distinct;
mod document;
mod facts;
mod format;
mod gather;
mod mapping;
mod ntriples;
mod options;
mod pipeline;
mod quarantine;
mod table;
mod tally;
mod turtle;
mod unpack;
mod wikidata;

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use loquat_contract::Generation;
use loquat_terms::triple;
use serde::{Deserialize, Serialize};

use crate::GraphError;
use crate::statement::Statement;
use crate::store::{Completed, Store};
use chunks::{Chunk, Chunks, each_line};
use document::Document;
pub use format::Format;
use gather::Gather;
pub use mapping::Mapping;
use options::Rules;
pub use options::{Filter, ImportOptions, Wikipedia};
use pipeline::Work;
use quarantine::Quarantine;
pub use table::triples::{names_columns, object_of_cell, statement_of_row};
use table::{Cells, Splitter, Table, mapped::Mapped, property_graph::PropertyGraph, triples::Triples};
use tally::Tally;
use unpack::{TooMuch, Unpacked};

/// How far an import is, in bytes of the file as it lies on disk; where a filter needs the file to be read twice, these
/// are counted twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read.
    pub read: u64,
    /// Bytes in all.
    pub total: u64,
}

/// What a caller says to a [`Progress`]: nothing, or whether to go on.
pub trait IntoFlow {
    /// Whether to go on.
    fn flow(self) -> ControlFlow<()>;
}

impl IntoFlow for () {
    fn flow(self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl IntoFlow for ControlFlow<()> {
    fn flow(self) -> ControlFlow<()> {
        self
    }
}

/// A line that was not understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadLine {
    /// Its number, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// What an import came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Facts that are new to the graph.
    pub facts: u64,
    /// Facts that the source stated before and does not any more, and that no other source states.
    pub retired: u64,
    /// Facts that the file states; one that it says twice counts twice.
    pub stated: u64,
    /// Labels and other descriptions of the file.
    pub descriptions: u64,
    /// Statements that the filter left out.
    pub left_out: u64,
    /// Entities that the file's facts are about or lead to: exact up to some tens of thousands, then within about 1 %.
    pub entities: u64,
    /// Predicates that the file's facts use.
    pub predicates: u64,
    /// The bad lines, at most a thousand, in the order of the file.
    pub bad_lines: Vec<BadLine>,
    /// How many bad lines there are.
    pub bad: u64,
    /// Where all bad lines are, as they stand, to be mended and imported; beside it, `.reasons.tsv` says what is wrong.
    pub quarantine: Option<PathBuf>,
    /// Bytes of the unpacked file that an import which was stopped had read before.
    pub resumed_at: u64,
    /// What the facts cite.
    pub source: String,
    /// The graph's generation after the import; it grows only when something is new.
    pub generation: Generation,
    /// From the beginning until all was read and durable.
    pub reading: Duration,
    /// From then on until it was part of what is read.
    pub indexing: Duration,
}

/// Reads a chunk without knowing those before it.
trait ChunkReader: Send + Sync {
    /// Reads a chunk; lines are numbered in it from 1.
    fn read(&self, chunk: &Chunk, gather: &mut Gather<'_>);

    /// Where a chunk may end; see [`Cut`](chunks::Cut).
    fn cut(&self, bytes: &[u8], is_last: bool) -> Option<usize>;

    /// What holds for the whole file.
    fn prelude(&self) -> Vec<Statement> {
        Vec::new()
    }
}

/// Reads a file line by line.
trait LineReader {
    fn line(&mut self, number: u64, line: &str, gather: &mut Gather<'_>);

    /// The file has ended.
    fn finish(&mut self, gather: &mut Gather<'_>);
}

/// How a file is read.
enum Plan {
    Chunks(Box<dyn ChunkReader>),
    Lines(Box<dyn LineReader>),
    Document(Document),
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

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

/// A file to import, and how.
struct Job<'a> {
    path: &'a Path,
    options: &'a ImportOptions,
    name: String,
    read: Arc<AtomicU64>,
    /// Bytes to read in all, over every reading.
    total: u64,
    progress: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
}

/// Reads a file into the store; everything of it is durable and part of the graph when this returns, or none of it is.
pub(crate) fn import(
    store: &mut Store,
    store_path: &Path,
    path: &Path,
    options: &ImportOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<(ImportReport, Option<Completed>), GraphError> {
    let mut job = Job::new(path, options, progress)?;
    let (mut chunks, mut plan, format) = job.open()?;
    let mut rules = Rules::new(&options.filter);
    if rules.need_survey() && format != Format::WikidataJson {
        let mut survey = Tally::of_nothing();
        job.total *= 2;
        let flow = job.pass(&mut chunks, &mut plan, &rules, true, &mut survey);
        job.stopped(flow)?;
        rules.kept = Some(survey.survey.kept(&rules));
        (chunks, plan, _) = job.open()?;
    }
    let key = match &options.key {
        Some(key) => key.clone(),
        None => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string(),
    };
    let digest = options.digest(format);
    let folder = options.quarantine.clone().unwrap_or_else(|| beside(store_path));
    let quarantine = |kept| Quarantine::open(&folder, &job.name, kept);

    let (mut writer, mut checkpoint) = store.begin(&job.name, &key, digest)?;
    if let Some(reached) = &checkpoint {
        let known = matches!(&plan, Plan::Chunks(_))
            && chunks.skip(reached.bytes, reached.digest).map_err(|error| job.failed(error))?;
        if !known {
            // The file is another one by now.
            writer.abandon();
            (writer, checkpoint) = store.begin(&job.name, &key, digest)?;
            (chunks, plan, _) = job.open()?;
        }
    }
    let mut tally = match checkpoint {
        Some(checkpoint) => Tally::resumed(writer, &checkpoint, quarantine)?,
        None => Tally::new(writer, quarantine((0, 0))?),
    };
    match job.pass(&mut chunks, &mut plan, &rules, false, &mut tally) {
        Ok(ControlFlow::Continue(())) => {
            let _ignored = (job.progress)(Progress { read: job.total, total: job.total });
            tally.complete(options.source.as_deref(), &job.name, chunks.digest())
        }
        Ok(ControlFlow::Break(())) => {
            match &plan {
                Plan::Chunks(_) => tally.checkpoint()?,
                Plan::Lines(_) | Plan::Document(_) => tally.abandon(),
            }
            Err(GraphError::Stopped { path: path.to_owned() })
        }
        Err(failure) => {
            tally.abandon();
            Err(job.error(failure))
        }
    }
}

/// Reads a file and keeps nothing: what it has, and which of its lines are bad. The filter's classes and pages are not
/// looked at.
///
/// # Errors
/// As [`Graph::import`](crate::Graph::import), the store's aside.
pub fn check<A: IntoFlow>(
    path: impl AsRef<Path>,
    options: &ImportOptions,
    mut progress: impl FnMut(Progress) -> A,
) -> Result<ImportReport, GraphError> {
    let mut progress = |at| progress(at).flow();
    let mut job = Job::new(path.as_ref(), options, &mut progress)?;
    let (mut chunks, mut plan, _) = job.open()?;
    let mut tally = Tally::of_nothing();
    let flow = job.pass(&mut chunks, &mut plan, &Rules::new(&options.filter), false, &mut tally);
    job.stopped(flow)?;
    Ok(tally.complete(options.source.as_deref(), &job.name, chunks.digest())?.0)
}

impl<'a> Job<'a> {
    fn new(
        path: &'a Path,
        options: &'a ImportOptions,
        progress: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Self, GraphError> {
        let metadata =
            path.metadata().map_err(|source| GraphError::Read { path: path.to_owned(), source })?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let name = format::unpacked_name(&name).to_owned();
        Ok(Self { path, options, name, read: Arc::default(), total: metadata.len(), progress })
    }

    /// Opens the file and looks at its beginning.
    fn open(&self) -> Result<(Chunks<Unpacked>, Plan, Format), GraphError> {
        let stated = self.options.format.or_else(|| Format::of(self.path));
        let stated = match (stated, &self.options.mapping) {
            (Some(format), _) => format,
            (None, Some(_)) => Format::Csv,
            (None, None) => return Err(GraphError::UnknownFileType { path: self.path.to_owned() }),
        };
        let unpacked = Unpacked::open(self.path, self.read.clone(), self.options.unpack_ratio)?;
        let mut chunks = Chunks::new(unpacked);
        let head = chunks.head().map_err(|error| self.failed(error))?;
        let format = if self.options.format.is_some() { stated } else { stated.sniffed(head) };
        let plan = match format {
            Format::Turtle => Plan::Lines(Box::new(turtle::Turtle::new(&self.name))),
            Format::TriG => Plan::Lines(Box::new(turtle::trig::TriG::new(&self.name))),
            Format::NTriples | Format::NQuads => {
                Plan::Chunks(Box::new(ntriples::NTriples { quads: format == Format::NQuads }))
            }
            Format::RdfXml => Plan::Document(Document::RdfXml),
            Format::JsonLd => Plan::Document(Document::JsonLd),
            Format::WikidataJson => Plan::Chunks(Box::new(wikidata::WikidataJson)),
            Format::Tsv => Plan::Chunks(Box::new(self.table(Cells::Tabs, head)?)),
            Format::Csv => Plan::Chunks(Box::new(self.table(Cells::Quoted(b','), head)?)),
        };
        if self.options.mapping.is_some() && !matches!(format, Format::Tsv | Format::Csv) {
            let problem =
                "a mapping is for TSV and CSV, and this is neither; leave it out, or state the format";
            return Err(self.misfit(problem.to_owned()));
        }
        Ok((chunks, plan, format))
    }

    /// How a table is read that begins like this.
    fn table(&self, mut cells: Cells, head: &[u8]) -> Result<Table, GraphError> {
        let mapping = self.options.mapping.as_deref();
        match mapping.and_then(|mapping| mapping.delimiter) {
            Some('\t') if cells == Cells::Tabs => {}
            Some(delimiter) => cells = Cells::Quoted(delimiter as u8),
            None => {}
        }
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches('\r');
        let mut splitter;
        let first: Vec<&str> = match cells {
            Cells::Tabs => line.split('\t').collect(),
            Cells::Quoted(delimiter) => {
                splitter = Splitter::new(delimiter);
                splitter.cells(line)
            }
        };
        let rows: Box<dyn table::Rows> = match (mapping, PropertyGraph::of_header(&first)) {
            (Some(mapping), _) => {
                Box::new(Mapped::new(mapping, &first).map_err(|problem| self.misfit(problem))?)
            }
            (None, Some(columns)) => Box::new(columns),
            (None, None) => Box::new(Triples),
        };
        Ok(Table { cells, rows })
    }

    /// Reads the file, or what is left of it, once.
    fn pass<R: Read + Send>(
        &mut self,
        chunks: &mut Chunks<R>,
        plan: &mut Plan,
        rules: &Rules,
        surveys: bool,
        tally: &mut Tally<'_>,
    ) -> Result<ControlFlow<()>, Failure> {
        let mut graphs = tally.graphs();
        match plan {
            Plan::Chunks(reader) => {
                let reader = reader.as_ref();
                let work = Work { reader, rules, graphs: &graphs, surveys };
                if let Some(first) = chunks.next(&|bytes, is_last| reader.cut(bytes, is_last))? {
                    if first.is_first {
                        let mut gather = Gather::new(rules, &graphs, surveys);
                        reader.prelude().into_iter().for_each(|statement| gather.statement(statement));
                        tally.add(gather.take(), 0)?;
                    }
                    // What the beginning says of the graph itself holds for all chunks.
                    let (found, end) = work.found(&first);
                    tally.add(found, end.lines)?;
                    tally.reached(end.bytes, end.digest)?;
                    if self.tick().is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                graphs = tally.graphs();
                let work = Work { reader, rules, graphs: &graphs, surveys };
                let threads =
                    self.options.threads.or_else(|| thread::available_parallelism().map(usize::from).ok());
                pipeline::read(chunks, &work, threads.unwrap_or(2), &mut |found, end| {
                    tally.add(found, end.lines)?;
                    tally.reached(end.bytes, end.digest)?;
                    Ok(self.tick())
                })
            }
            Plan::Lines(reader) => {
                let mut gather = Gather::new(rules, &graphs, surveys);
                let mut before = 0;
                while let Some(chunk) = chunks.next(&chunks::after_last_line)? {
                    each_line(&chunk, |number, line, raw| match line {
                        Ok(line) => reader.line(before + number, line, &mut gather),
                        Err(reason) => gather.bad(before + number, reason, raw),
                    });
                    before += chunks::lines(&chunk);
                    tally.add(gather.take(), 0)?;
                    if self.tick().is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                reader.finish(&mut gather);
                tally.add(gather.take(), 0)?;
                Ok(ControlFlow::Continue(()))
            }
            Plan::Document(document) => {
                let mut gather = Gather::new(rules, &graphs, surveys);
                let base = turtle::base(&self.name);
                document.read(&base, chunks, &mut gather, &mut |gather| {
                    tally.add(gather.take(), 0)?;
                    Ok::<_, Failure>(self.tick())
                })
            }
        }
    }

    fn tick(&mut self) -> ControlFlow<()> {
        let read = self.read.load(Ordering::Relaxed).min(self.total);
        (self.progress)(Progress { read, total: self.total })
    }

    fn stopped(&self, flow: Result<ControlFlow<()>, Failure>) -> Result<(), GraphError> {
        match flow {
            Ok(ControlFlow::Continue(())) => Ok(()),
            Ok(ControlFlow::Break(())) => Err(GraphError::Stopped { path: self.path.to_owned() }),
            Err(failure) => Err(self.error(failure)),
        }
    }

    fn error(&self, failure: Failure) -> GraphError {
        match failure {
            Failure::Graph(error) => error,
            Failure::Read(source) => self.failed(source),
        }
    }

    fn failed(&self, source: io::Error) -> GraphError {
        let path = self.path.to_owned();
        match source.get_ref().and_then(|inner| inner.downcast_ref::<TooMuch>()) {
            Some(TooMuch(ratio)) => GraphError::UnpacksTooMuch { path, ratio: *ratio },
            None => GraphError::Read { path, source },
        }
    }

    fn misfit(&self, problem: String) -> GraphError {
        GraphError::MappingMisfit { path: self.path.to_owned(), problem }
    }
}

/// Where bad lines go by default.
fn beside(store: &Path) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(".quarantine");
    store.with_file_name(name)
}

#[cfg(test)]
mod tests;
