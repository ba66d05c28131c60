//! The crate's front. In: files to import, names and text to look up. Out: what [`Knowledge`] promises, and more for a
//! command line.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use loquat_contract::{
    BoxFuture, Entity, EntityId, Fact, Generation, Knowledge, KnowledgeError, Mention, Schema,
};
use petgraph::graph::{DiGraph, NodeIndex};

use crate::GraphError;
use crate::import::{ImportOptions, ImportReport, Progress, import};
use crate::store::Store;
use crate::view::{Builder, View};

/// A knowledge graph in a folder.
///
/// Reading never waits: every call works on the state that was current when it began, and an import swaps in the next one.
/// Imports run one after another. They use the processor and the disk for long, so an async program calls
/// [`import`](Graph::import) on a thread for blocking work.
pub struct Graph {
    path: PathBuf,
    store: Mutex<Store>,
    pub(crate) view: ArcSwap<View>,
}

/// What a graph holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// The state that this describes.
    pub generation: Generation,
    /// Things that have a name or facts.
    pub entities: usize,
    /// Facts.
    pub facts: usize,
    /// Predicates that a fact uses.
    pub predicates: usize,
    /// Complete imports, oldest first.
    pub sources: Vec<Source>,
    /// Files whose import was interrupted; nothing of them is used, and they have to be imported again.
    pub interrupted: Vec<String>,
    /// Bytes on disk.
    pub bytes: u64,
}

/// One import that added something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file's name.
    pub file: String,
    /// What its facts cite.
    pub name: String,
    /// Facts that it added.
    pub facts: u64,
}

/// An entity and what the graph says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The entity.
    pub entity: Arc<Entity>,
    /// Facts with it as subject.
    pub facts: Vec<Fact>,
    /// Facts with it as object.
    pub incoming: Vec<Fact>,
}

impl Graph {
    /// Opens the graph in a folder, or makes an empty one in a new or empty folder. The folder is this process's until the
    /// graph is dropped.
    ///
    /// # Errors
    /// The folder is in use, holds something else or another format, or cannot be read or written.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, GraphError> {
        let path = path.as_ref();
        let store = Store::open(path)?;
        let view = view_of(&store)?;
        let interrupted = interrupted(&store)?;
        if !interrupted.is_empty() {
            tracing::warn!(files = ?interrupted, "imports were interrupted and are not used; import these files again");
        }
        Ok(Self { path: path.to_owned(), store: Mutex::new(store), view: ArcSwap::from_pointee(view) })
    }

    /// Whether the folder holds a graph, of whatever format.
    pub fn exists(path: impl AsRef<Path>) -> bool {
        path.as_ref().join("format").is_file()
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a file's facts. When this returns they are durable and seen by the next call; where it fails, or the process
    /// stops in between, nothing of the file is ever used. Importing a file again adds nothing.
    ///
    /// # Errors
    /// The file cannot be read or its format is not known, or the store cannot be written. Bad lines are no error: the report
    /// lists them.
    pub fn import(
        &self,
        path: impl AsRef<Path>,
        options: &ImportOptions,
        mut progress: impl FnMut(Progress),
    ) -> Result<ImportReport, GraphError> {
        let store = self.store();
        let report = import(&store, path.as_ref(), options, &mut progress)?;
        if report.generation != self.view.load().generation() {
            self.view.store(Arc::new(view_of(&store)?));
        }
        Ok(report)
    }

    /// What the graph holds. Waits for an import that is running.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn stats(&self) -> Result<Stats, GraphError> {
        let store = self.store();
        let view = self.view.load_full();
        let complete = store.runs()?.into_iter().filter(|(_, run)| run.generation.is_some());
        Ok(Stats {
            generation: view.generation(),
            entities: view.entities(),
            facts: view.fact_count(),
            predicates: view.schema().predicates.len(),
            sources: complete
                .map(|(_, run)| Source { file: run.file, name: run.source, facts: run.facts })
                .collect(),
            interrupted: interrupted(&store)?,
            bytes: store.bytes_on_disk()?,
        })
    }

    /// The entities with this id or, where there is none, this name (case, width and script aside), those with it as
    /// preferred name first; with at most `limit` facts either way.
    pub fn show(&self, name_or_id: &str, limit: usize) -> Vec<Shown> {
        let view = self.view.load_full();
        let nodes = match view.node(&EntityId::from(name_or_id)) {
            Some(node) => vec![node],
            None => view.index().named(name_or_id).into_iter().map(node_index).collect(),
        };
        nodes
            .into_iter()
            .filter_map(|node| {
                let entity = view.entity(node)?.clone();
                Some(Shown {
                    entity,
                    facts: view.outgoing(node, limit),
                    incoming: view.incoming(node, limit),
                })
            })
            .collect()
    }

    /// The entities within `hops` facts of this one, nearest first and at most `limit`, and every fact between them, as an
    /// ordinary petgraph graph. Empty where the graph has no such entity.
    pub fn neighbourhood(&self, entity: &EntityId, hops: usize, limit: usize) -> DiGraph<Arc<Entity>, Fact> {
        let view = self.view.load_full();
        view.node(entity).map(|node| view.neighbourhood(node, hops, limit)).unwrap_or_default()
    }

    /// The store is never left in between states, so a panic elsewhere does not spoil it.
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Knowledge for Graph {
    fn link<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<Vec<Mention>, KnowledgeError>> {
        Box::pin(async move { Ok(self.mentions(text)) })
    }

    fn link_in<'a>(
        &'a self,
        text: &'a str,
        about: &'a [EntityId],
    ) -> BoxFuture<'a, Result<Vec<Mention>, KnowledgeError>> {
        Box::pin(async move { Ok(self.linked(text, about).mentions) })
    }

    fn facts<'a>(
        &'a self,
        entity: &'a EntityId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Fact>, KnowledgeError>> {
        Box::pin(async move {
            let view = self.view.load_full();
            let Some(node) = view.node(entity) else { return Ok(Vec::new()) };
            let mut facts = view.outgoing(node, limit);
            facts.extend(view.incoming(node, limit));
            Ok(facts)
        })
    }

    fn schema(&self) -> Arc<Schema> {
        self.view.load().schema().clone()
    }
}

/// The view of every complete run.
fn view_of(store: &Store) -> Result<View, GraphError> {
    let mut builder = Builder::default();
    let mut generation = 0;
    for (number, run) in store.runs()? {
        let Some(made) = run.generation else { continue };
        generation = generation.max(made);
        builder.source(&run.source);
        for statement in store.statements(number) {
            builder.add(statement?);
        }
    }
    builder.build(Generation(generation))
}

fn interrupted(store: &Store) -> Result<Vec<String>, GraphError> {
    let runs = store.runs()?.into_iter();
    Ok(runs.filter(|(_, run)| run.generation.is_none()).map(|(_, run)| run.file).collect())
}

fn node_index(node: u32) -> NodeIndex {
    NodeIndex::new(node as usize)
}
