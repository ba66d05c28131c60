//! What an import adds up to. In: what was found in one stretch after another, in the order of the file. Out: appended blocks,
//! checkpoints, the report.

use std::collections::hash_map::Entry;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::distinct::Distinct;
use super::gather::{Found, Survey};
use super::quarantine::Quarantine;
use super::{BadLine, ImportReport};
use crate::GraphError;
use crate::store::{Checkpoint, Completed, Writer};

/// Bad lines that a report lists; more are only counted.
const LISTED: usize = 1000;

/// Subjects whose `dct:source` or `dct:license` is remembered while looking for the graph's own.
const SOURCES: usize = 1000;

/// Unpacked bytes between two checkpoints.
const CHECKPOINT: u64 = if cfg!(test) { 2 << 20 } else { 64 << 20 };

/// What is known of the part of the file that is read; kept with each checkpoint.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    facts: u64,
    descriptions: u64,
    left_out: u64,
    entities: Distinct,
    predicates: Distinct,
    /// Subjects that are the graph itself; nothing said of them is a fact.
    graphs: FxHashSet<String>,
    /// Source and licence, by who they are said of.
    origins: FxHashMap<String, (Vec<String>, Vec<String>)>,
    bad_lines: Vec<BadLine>,
    /// Lengths of the files of the quarantine.
    quarantined: (u64, u64),
}

/// Where an import goes.
pub(super) struct Tally<'a> {
    /// `None` where nothing is to be written.
    writer: Option<Writer<'a>>,
    quarantine: Option<Quarantine>,
    state: State,
    pub(super) survey: Survey,
    lines: u64,
    bad: u64,
    /// Bytes of the unpacked file up to here, and their digest.
    bytes: u64,
    digest: u64,
    resumed_at: u64,
    last_checkpoint: u64,
}

impl<'a> Tally<'a> {
    /// Adds up nothing but what a survey finds, or what there is to count.
    pub(super) fn of_nothing() -> Self {
        Self {
            writer: None,
            quarantine: None,
            state: State::default(),
            survey: Survey::default(),
            lines: 0,
            bad: 0,
            bytes: 0,
            digest: 0,
            resumed_at: 0,
            last_checkpoint: 0,
        }
    }

    pub(super) fn new(writer: Writer<'a>, quarantine: Quarantine) -> Self {
        Self { writer: Some(writer), quarantine: Some(quarantine), ..Self::of_nothing() }
    }

    /// Goes on from a checkpoint; `quarantine` is opened with what it kept.
    pub(super) fn resumed(
        writer: Writer<'a>,
        checkpoint: &Checkpoint,
        quarantine: impl FnOnce((u64, u64)) -> Result<Quarantine, GraphError>,
    ) -> Result<Self, GraphError> {
        // A state that cannot be read is one of another version, whose counts are lost and whose facts are not.
        let state: State = postcard::from_bytes(&checkpoint.state).unwrap_or_default();
        let quarantine = quarantine(state.quarantined)?;
        Ok(Self {
            state,
            lines: checkpoint.lines,
            bad: checkpoint.bad,
            bytes: checkpoint.bytes,
            digest: checkpoint.digest,
            resumed_at: checkpoint.bytes,
            last_checkpoint: checkpoint.bytes,
            ..Self::new(writer, quarantine)
        })
    }

    /// The subjects so far that are the graph itself.
    pub(super) fn graphs(&self) -> FxHashSet<String> {
        self.state.graphs.clone()
    }

    /// Takes what was found in the next stretch. Its bad lines are numbered from its own beginning where `lines` says how
    /// many it has, and from the file's where that is 0.
    pub(super) fn add(&mut self, found: Found, lines: u64) -> Result<(), GraphError> {
        let Found { block, mut bad, quarantine, graphs, origins, entities, predicates, left_out, survey } =
            found;
        self.survey.merge(survey);
        let state = &mut self.state;
        state.facts += block.facts;
        state.descriptions += block.descriptions;
        state.left_out += left_out;
        state.entities.merge(&entities);
        state.predicates.merge(&predicates);
        state.graphs.extend(graphs);
        for (about, is_license, text) in origins {
            let full = state.origins.len() >= SOURCES;
            let origin = match state.origins.entry(about) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) if !full => entry.insert(Default::default()),
                Entry::Vacant(_) => continue,
            };
            if is_license { &mut origin.1 } else { &mut origin.0 }.push(text);
        }
        if lines > 0 {
            bad.iter_mut().for_each(|bad| bad.line += self.lines);
        }
        self.lines += lines;
        self.bad += bad.len() as u64;
        if let Some(files) = &mut self.quarantine {
            files.add(&quarantine, &bad)?;
        }
        let room = LISTED.saturating_sub(state.bad_lines.len());
        state.bad_lines.extend(bad.into_iter().take(room));
        match &mut self.writer {
            Some(writer) if !block.is_empty() => writer.append(&block),
            _ => Ok(()),
        }
    }

    /// Everything up to here is read; now and then the import can go on from here after a stop.
    pub(super) fn reached(&mut self, bytes: u64, digest: u64) -> Result<(), GraphError> {
        (self.bytes, self.digest) = (bytes, digest);
        if bytes - self.last_checkpoint >= CHECKPOINT { self.checkpoint() } else { Ok(()) }
    }

    /// The import can go on from here after a stop.
    pub(super) fn checkpoint(&mut self) -> Result<(), GraphError> {
        if self.writer.is_none() || self.bytes == self.last_checkpoint {
            return Ok(());
        }
        self.last_checkpoint = self.bytes;
        if let Some(quarantine) = &mut self.quarantine {
            self.state.quarantined = quarantine.sync()?;
        }
        let Ok(state) = postcard::to_stdvec(&self.state) else { return Ok(()) };
        let (bytes, lines, digest, bad) = (self.bytes, self.lines, self.digest, self.bad);
        match &mut self.writer {
            Some(writer) => writer.checkpoint(Checkpoint { bytes, lines, digest, bad, state }),
            None => Ok(()),
        }
    }

    /// Leaves nothing of what was written.
    pub(super) fn abandon(self) {
        if let Some(writer) = self.writer {
            writer.abandon();
        }
    }

    /// The file has been read to its end.
    pub(super) fn complete(
        mut self,
        stated: Option<&str>,
        name: &str,
        content: u64,
    ) -> Result<(ImportReport, Option<Completed>), GraphError> {
        let source = self.source(stated, name);
        if let Some(quarantine) = &mut self.quarantine {
            quarantine.sync()?;
        }
        let mut bad_lines = self.state.bad_lines;
        bad_lines.sort_by_key(|bad| bad.line);
        let completed = self.writer.map(|writer| writer.complete(source.clone(), content)).transpose()?;
        let report = ImportReport {
            facts: 0,
            retired: 0,
            stated: self.state.facts,
            descriptions: self.state.descriptions,
            left_out: self.state.left_out,
            entities: self.state.entities.count(),
            predicates: self.state.predicates.count(),
            bad_lines,
            bad: self.bad,
            quarantine: self.quarantine.and_then(|quarantine| quarantine.path()),
            resumed_at: self.resumed_at,
            source,
            reading: Duration::ZERO,
            indexing: Duration::ZERO,
            generation: completed.as_ref().map(|completed| completed.generation).unwrap_or_default(),
        };
        Ok((report, completed))
    }

    /// What the facts cite.
    fn source(&self, stated: Option<&str>, name: &str) -> String {
        let State { graphs, origins, .. } = &self.state;
        // The file's own subject is the one typed as a graph, or the only one that has a source.
        let graph = graphs.iter().filter_map(|graph| origins.get(graph)).next();
        let only = if origins.len() == 1 { origins.values().next() } else { None };
        match (stated.filter(|stated| !stated.is_empty()), graph.or(only)) {
            (Some(stated), _) => stated.to_owned(),
            (None, Some((sources, licences))) => match (sources.join("; "), licences.join("; ")) {
                (sources, licences) if licences.is_empty() => sources,
                (sources, licences) if sources.is_empty() => format!("{name} ({licences})"),
                (sources, licences) => format!("{sources} ({licences})"),
            },
            (None, None) => name.to_owned(),
        }
    }
}
