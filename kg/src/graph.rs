//! The crate's front. In: files to import, edits, names and text to look up. Out: what [`Knowledge`] promises, and more for a
//! command line.

mod edit;
mod maintain;
mod show;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use loquat_contract::{
    BoxFuture, Entity, EntityId, Fact, Generation, Knowledge, KnowledgeError, Mention, Schema,
};
use petgraph::graph::DiGraph;

use crate::GraphError;
use crate::store::Store;
use crate::view::{View, Walk};
pub use show::{Shown, Source, Stats};

/// A knowledge graph in a folder.
///
/// Reading never waits: every call works on the state that was current when it began; an edit or an import puts the next one in its
/// place. Writing goes one after the other. Imports use the processor and the disk for long, so an async program calls
/// [`import`](Graph::import) on a thread for blocking work.
pub struct Graph {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    store: Mutex<Store>,
    view: ArcSwap<View>,
    /// Held while edits are put into a snapshot: one at a time. Taken before the store, never while it is held.
    building: Mutex<()>,
    /// Makes a snapshot in the background.
    worker: Mutex<Option<JoinHandle<()>>>,
    /// The graph is closed.
    stop: AtomicBool,
}

impl Graph {
    /// Opens the graph in a folder, or makes an empty one in a new or empty folder. The folder is this process's until the
    /// graph is dropped.
    ///
    /// This maps the snapshot, which takes well below a millisecond however large it is. Only where the store holds more than
    /// the snapshot (edits, or an import that was cut short), or the snapshot is missing or damaged, is the store
    /// read, and the snapshot made anew if need be.
    ///
    /// # Errors
    /// The folder is in use, holds something else or another format, or cannot be read or written.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, GraphError> {
        let path = path.as_ref();
        let mut store = Store::open(path)?;
        let view = maintain::open(&mut store)?;
        Ok(Self::of(path, store, view))
    }

    /// Opens the graph in a folder that another process has, to be read alone, as it is now. Whatever would write is refused.
    ///
    /// # Errors
    /// The folder cannot be read, or that process has edits that are not in the snapshot yet: [`GraphError::Locked`].
    pub fn open_beside(path: impl AsRef<Path>) -> Result<Self, GraphError> {
        let path = path.as_ref();
        let store = Store::beside(path)?;
        let view = maintain::open_beside(&store)?;
        Ok(Self::of(path, store, view))
    }

    fn of(path: &Path, store: Store, view: View) -> Self {
        let inner = Inner {
            path: path.to_owned(),
            store: Mutex::new(store),
            view: ArcSwap::from_pointee(view),
            building: Mutex::new(()),
            worker: Mutex::new(None),
            stop: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Whether the folder holds a graph, of whatever format.
    pub fn exists(path: impl AsRef<Path>) -> bool {
        path.as_ref().join("format").is_file()
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The graph as it is now, for petgraph's algorithms: `&Walk` implements its visit traits.
    pub fn walk(&self) -> Walk {
        Walk::new(self.view())
    }

    /// The entities within `hops` facts of this one, nearest first and at most `limit`, and every fact between them, as an
    /// ordinary petgraph graph. Empty where the graph has no such entity.
    pub fn neighbourhood(&self, entity: &EntityId, hops: usize, limit: usize) -> DiGraph<Arc<Entity>, Fact> {
        self.read(|view| {
            view.node(entity).map(|node| view.neighbourhood(node, hops, limit)).unwrap_or_default()
        })
    }

    /// The state that is read now.
    pub fn generation(&self) -> Generation {
        self.view().generation()
    }

    fn view(&self) -> Arc<View> {
        self.inner.view.load_full()
    }

    /// Reads from the present view. Where the snapshot turns out to be damaged it is made anew, and what was read is read again:
    /// damage is never answered from.
    pub(crate) fn read<T>(&self, read: impl Fn(&View) -> T) -> T {
        let view = self.inner.view.load();
        let found = read(&view);
        if !view.snapshot().is_damaged() {
            return found;
        }
        drop((found, view));
        self.inner.mend();
        read(&self.inner.view.load())
    }
}

impl Inner {
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
            Ok(self.read(|view| {
                let Some(node) = view.node(entity) else { return Vec::new() };
                let mut facts = view.facts_from(node, limit);
                facts.extend(view.facts_to(node, limit));
                facts
            }))
        })
    }

    fn schema(&self) -> Arc<Schema> {
        self.read(|view| view.schema().clone())
    }
}
