//! Keeping the snapshot. In: the store. Out: a view of all it holds; a new snapshot when the old one is missing, damaged or stale.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use loquat_contract::Generation;
use rustc_hash::FxHashMap;

use super::{Graph, Inner};
use crate::GraphError;
use crate::build::{Builder, Building, Difference};
use crate::snapshot::Snapshot;
use crate::store::{Edit, Run, RunReader, RunState, Store};
use crate::view::{Overlay, View};

/// Edits from which on a new snapshot is made in the background: this many, and one for each so many facts.
const EDITS: usize = 10_000;
const FACTS_AN_EDIT: usize = 50;

/// The file's name in the store's folder.
const FILE: &str = "snapshot";

/// What a compaction makes beside it.
const COMPACTED: &str = "snapshot.compacted";

/// The state of an open store.
pub(super) fn open(store: &mut Store) -> Result<View, GraphError> {
    let opened = Snapshot::open(&store.path().join(FILE));
    let snapshot = match opened {
        Ok(snapshot) => Arc::new(snapshot),
        Err(error) => {
            if !store.is_new() {
                tracing::warn!(%error, "the graph's snapshot is made anew from its store");
            }
            return Ok(View::new(rebuild(store, None)?.0, Overlay::default()));
        }
    };
    if !store.is_pending() {
        return Ok(View::new(snapshot, Overlay::default()));
    }
    let runs = store.runs()?;
    let interrupted: Vec<&str> = runs
        .iter()
        .filter(|(_, run)| matches!(run.state, RunState::Begun(_)))
        .map(|(_, run)| &*run.file)
        .collect();
    if !interrupted.is_empty() {
        tracing::warn!(files = ?interrupted, "imports were interrupted and are not used; import these files again to go on");
    }
    if live(&runs) != snapshot.meta.runs {
        return Ok(View::new(rebuild(store, None)?.0, Overlay::default()));
    }
    let edits = store.edits_after(snapshot.meta.last_edit)?;
    if edits.is_empty() && interrupted.is_empty() {
        store.sweep()?;
        store.clear_pending()?;
    }
    let mut overlay = Overlay::default();
    if !overlay.apply(&snapshot, edits.iter().map(|(_, edit)| edit)) {
        return Ok(View::new(rebuild(store, None)?.0, Overlay::default()));
    }
    Ok(View::new(snapshot, overlay))
}

/// The state of a store that another process has: the snapshot, where that is all there is to know.
pub(super) fn open_beside(store: &Store) -> Result<View, GraphError> {
    if store.is_pending() {
        store.check_owned()?;
    }
    let snapshot = Snapshot::open(&store.path().join(FILE))?;
    Ok(View::new(Arc::new(snapshot), Overlay::default()))
}

fn live(runs: &[(u64, Run)]) -> Vec<u64> {
    runs.iter().filter(|(_, run)| run.generation().is_some()).map(|(number, _)| *number).collect()
}

/// What a snapshot is made from.
struct Material {
    reader: RunReader,
    runs: Vec<(u64, Run)>,
    edits: Vec<(u64, Edit)>,
    generation: Generation,
}

/// An import whose facts are to be told from those before: its run, and the run whose place it took.
pub(super) type Compared = (Option<u64>, Option<u64>);

impl Material {
    fn of(store: &mut Store) -> Result<Self, GraphError> {
        Ok(Self {
            reader: store.reader()?,
            runs: store.runs()?,
            edits: store.edits_after(0)?,
            generation: store.generation()?,
        })
    }

    /// The last edit of each statement, as it is worded.
    fn last_edits(&self) -> Vec<(u64, &Edit)> {
        let mut last = FxHashMap::default();
        for (number, edit) in &self.edits {
            last.insert(edit.statement.digest(), (*number, edit));
        }
        let mut last: Vec<_> = last.into_values().collect();
        last.sort_unstable_by_key(|(number, _)| *number);
        last
    }

    fn build(
        &self,
        file: &Path,
        compared: Option<Compared>,
        stop: &AtomicBool,
    ) -> Result<Difference, GraphError> {
        let mut builder = Builder::default();
        let edits: Vec<&Edit> = self.last_edits().into_iter().map(|(_, edit)| edit).collect();
        builder.pass_over(&edits);
        let (latest, former) = compared.unwrap_or_default();
        for (number, run) in &self.runs {
            match run.generation() {
                Some(generation) if Some(*number) == latest => builder.latest(&run.source, generation),
                Some(generation) => builder.live(&run.source, generation),
                None if Some(*number) == former => builder.former(),
                None => continue,
            }
            self.reader.statements((*number, run), |statement| {
                if stop.load(Ordering::Relaxed) {
                    return Err(GraphError::Closed);
                }
                builder.add(&statement)
            })?;
        }
        builder.add_edits(&edits)?;
        let last_edit = self.edits.last().map_or(0, |(number, _)| *number);
        let building = Building { generation: self.generation, last_edit, runs: live(&self.runs) };
        builder.write(file, building)
    }

    /// Edits that later ones have made void.
    fn void_edits(&self) -> Vec<u64> {
        let last: Vec<u64> = self.last_edits().into_iter().map(|(number, _)| number).collect();
        let numbers = self.edits.iter().map(|(number, _)| *number);
        numbers.filter(|number| last.binary_search(number).is_err()).collect()
    }

    /// Tidies the store after a snapshot: what it holds twice goes, and the mark that it holds more.
    fn settle(&self, store: &mut Store) -> Result<(), GraphError> {
        store.forget_edits(&self.void_edits())?;
        store.sweep()?;
        let begun = self.runs.iter().any(|(_, run)| matches!(run.state, RunState::Begun(_)));
        let newer = !store.edits_after(self.edits.last().map_or(0, |(number, _)| *number))?.is_empty();
        if begun || newer { Ok(()) } else { store.clear_pending() }
    }
}

/// Makes a new snapshot of all that the store holds.
fn rebuild(store: &mut Store, compared: Option<Compared>) -> Result<(Arc<Snapshot>, Difference), GraphError> {
    let file = store.path().join(FILE);
    if store.is_new() && !store.is_pending() {
        Builder::default().write(&file, Building::default())?;
        return Ok((Arc::new(Snapshot::open(&file)?), Difference::default()));
    }
    let material = Material::of(store)?;
    let difference = material.build(&file, compared, &AtomicBool::new(false))?;
    let snapshot = Snapshot::open(&file)?;
    material.settle(store)?;
    Ok((Arc::new(snapshot), difference))
}

impl Inner {
    /// Makes a snapshot of everything, and puts it in place of the present view. Whoever has the store may: a compaction that
    /// goes on beside it sees that it is late.
    pub(super) fn renew(
        &self,
        store: &mut Store,
        compared: Option<Compared>,
    ) -> Result<Difference, GraphError> {
        let (snapshot, difference) = rebuild(store, compared)?;
        self.view.store(Arc::new(View::new(snapshot, Overlay::default())));
        Ok(difference)
    }

    /// Makes the snapshot anew where it is damaged.
    pub(super) fn mend(&self) {
        let mut store = self.store();
        if !self.view.load().snapshot().is_damaged() {
            // Another reader saw to it.
            return;
        }
        tracing::warn!("the graph's snapshot is damaged; it is made anew from the store");
        if let Err(error) = self.renew(&mut store, None) {
            tracing::error!(%error, "the snapshot could not be made anew");
        }
    }

    /// Makes a new snapshot beside what goes on. Edits that come meanwhile stay beside it.
    fn compact(&self) -> Result<(), GraphError> {
        let _one = self.building.lock().unwrap_or_else(PoisonError::into_inner);
        let material = Material::of(&mut self.store())?;
        let made = self.path.join(COMPACTED);
        material.build(&made, None, &self.stop)?;
        let mut store = self.store();
        let failed = |source| GraphError::store(&self.path, source);
        let overtaken = self.view.load().snapshot().meta.generation > material.generation;
        if overtaken || live(&store.runs()?) != live(&material.runs) {
            // A newer one was made in between, or is about to be.
            return fs::remove_file(&made).map_err(failed);
        }
        let file = self.path.join(FILE);
        fs::rename(&made, &file).map_err(failed)?;
        fs::File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(failed)?;
        let snapshot = Arc::new(Snapshot::open(&file)?);
        let mut overlay = Overlay::default();
        let later = store.edits_after(snapshot.meta.last_edit)?;
        if !overlay.apply(&snapshot, later.iter().map(|(_, edit)| edit)) {
            return self.renew(&mut store, None).map(|_| ());
        }
        self.view.store(Arc::new(View::new(snapshot, overlay)));
        material.settle(&mut store)
    }
}

impl Graph {
    /// Puts the edits into the snapshot now. They are in the graph either way: this makes reading them a little faster, and happens
    /// by itself from some ten thousand on.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub fn compact(&self) -> Result<(), GraphError> {
        self.inner.compact()
    }

    /// Checks the whole snapshot, and makes it anew if it is damaged; whether it was sound.
    pub fn check(&self) -> bool {
        let sound = self.view().snapshot().check_all();
        if !sound {
            self.inner.mend();
        }
        sound
    }

    /// Begins a compaction in the background where there are enough edits for one.
    pub(super) fn compact_if_due(&self) {
        let view = self.view();
        if view.overlay().edits() < EDITS.max(view.fact_count() / FACTS_AN_EDIT) {
            return;
        }
        let mut worker = self.inner.worker.lock().unwrap_or_else(PoisonError::into_inner);
        if worker.as_ref().is_some_and(|worker| !worker.is_finished()) {
            return;
        }
        let inner = self.inner.clone();
        let work = move || match inner.compact() {
            Ok(()) | Err(GraphError::Closed) => {}
            Err(error) => tracing::error!(%error, "the graph's edits could not be put into its snapshot"),
        };
        match std::thread::Builder::new().name("graph-compaction".into()).spawn(work) {
            Ok(thread) => *worker = Some(thread),
            Err(error) => tracing::warn!(%error, "no thread for the graph's compaction"),
        }
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        self.inner.stop.store(true, Ordering::Relaxed);
        let worker = self.inner.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if worker.is_some_and(|worker| worker.join().is_err()) {
            tracing::error!("the graph's compaction panicked");
        }
    }
}
