//! What a command line asks. In: names, ids. Out: entities with their facts, and numbers.

use std::sync::Arc;

use loquat_contract::{Entity, EntityId, Fact, Generation, Predicate};

use super::Graph;
use crate::GraphError;
use crate::link::{Index, fold_text};
use crate::store::RunState;

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
    /// Edits that are not in the snapshot yet.
    pub edits: usize,
    /// Bytes on disk: of the store, and of the snapshot.
    pub bytes: u64,
    /// Bytes of the snapshot alone, which is what reading maps.
    pub snapshot_bytes: u64,
}

/// One import that added something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file's name.
    pub file: String,
    /// What its facts cite.
    pub name: String,
    /// Facts that it states.
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
    /// What the graph holds. Waits for an import that is running.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn stats(&self) -> Result<Stats, GraphError> {
        let mut store = self.inner.store();
        let view = self.view();
        let runs = if store.is_new() { Vec::new() } else { store.runs()? };
        let complete = runs.iter().filter(|(_, run)| run.generation().is_some());
        let snapshot_bytes = view.snapshot().bytes();
        Ok(Stats {
            generation: view.generation(),
            entities: view.entity_count(),
            facts: view.fact_count(),
            predicates: view.schema().predicates.len(),
            sources: complete
                .map(|(_, run)| Source { file: run.file.clone(), name: run.source.clone(), facts: run.facts })
                .collect(),
            interrupted: runs
                .iter()
                .filter(|(_, run)| matches!(run.state, RunState::Begun(_)))
                .map(|(_, run)| run.file.clone())
                .collect(),
            edits: view.overlay().edits(),
            bytes: store.bytes_on_disk()? + snapshot_bytes,
            snapshot_bytes,
        })
    }

    /// The predicates with this id or, where there is none, this name (case, width and script aside).
    pub fn predicates_named(&self, name_or_id: &str) -> Vec<Arc<Predicate>> {
        let schema = self.read(|view| view.schema().clone());
        let chosen = |wanted: &dyn Fn(&Predicate) -> bool| -> Vec<Arc<Predicate>> {
            schema.predicates.iter().filter(|predicate| wanted(predicate)).cloned().collect()
        };
        let by_id = chosen(&|predicate| predicate.id.as_str() == name_or_id);
        if !by_id.is_empty() {
            return by_id;
        }
        let name = fold_text(name_or_id);
        chosen(&|predicate| predicate.names().any(|own| fold_text(own) == name))
    }

    /// What the snapshot's parts take, in bytes.
    pub fn sections(&self) -> Vec<(&'static str, u64)> {
        self.view().snapshot().parts()
    }

    /// The entities with this id or, where there is none, this name (case, width and script aside), those with it as
    /// preferred name first; with at most `limit` facts either way.
    pub fn show(&self, name_or_id: &str, limit: usize) -> Vec<Shown> {
        self.read(|view| {
            let nodes = match view.node(&EntityId::from(name_or_id)) {
                Some(node) => vec![node],
                None => Index::new(view).named(name_or_id),
            };
            let shown = |node: u32| {
                let entity = view.entity(node)?;
                Some(Shown {
                    entity,
                    facts: view.facts_from(node, limit),
                    incoming: view.facts_to(node, limit),
                })
            };
            nodes.into_iter().filter_map(shown).collect()
        })
    }
}
