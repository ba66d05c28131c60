//! Changing the graph. In: files, statements to add or take away. Out: a new state, durable and seen by the next call.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use loquat_contract::{EntityId, Fact, FactId, Generation};
use rayon::prelude::*;

use super::Graph;
use crate::GraphError;
use crate::import::{ImportOptions, ImportReport, IntoFlow, Progress, import};
use crate::statement::{Statement, fact_id};
use crate::store::{Change, Completed};
use crate::view::View;

impl Graph {
    /// Adds a file's facts. When this returns they are durable and seen by the next call; where it fails, or the process
    /// stops in between, nothing of the file is used. A file takes the place of what was imported under the same source
    /// before: what it does not say any more is retired.
    ///
    /// # Errors
    /// The file cannot be read or its format is not known, or the store cannot be written. Bad lines are no error: the report
    /// lists them.
    ///
    /// After a stop it goes on from where it was, where the format allows it. `progress` may answer with a
    /// [`ControlFlow`](std::ops::ControlFlow) to stop.
    pub fn import<A: IntoFlow>(
        &self,
        path: impl AsRef<Path>,
        options: &ImportOptions,
        mut progress: impl FnMut(Progress) -> A,
    ) -> Result<ImportReport, GraphError> {
        let mut store = self.inner.store();
        let start = Instant::now();
        let mut progress = |at| progress(at).flow();
        let (mut report, completed) =
            import(&mut store, &self.inner.path, path.as_ref(), options, &mut progress)?;
        report.reading = start.elapsed();
        if let Some(Completed { run: run @ Some(_), before, .. }) = completed {
            let difference = self.inner.renew(&mut store, Some((run, before)))?;
            report.facts = difference.new;
            report.retired = difference.retired;
        }
        report.indexing = start.elapsed() - report.reading;
        Ok(report)
    }

    /// Takes all that was imported under a source out of the graph; whether there was anything.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn retire(&self, source: &str) -> Result<bool, GraphError> {
        let mut store = self.inner.store();
        let found = store.retire(source)?;
        if found {
            self.inner.renew(&mut store, None)?;
        }
        Ok(found)
    }

    /// Adds statements, all or none, which cite `source`. Durable, and seen by the next call, when this returns. Statements that
    /// the graph has already are passed over; the generation grows where anything is new.
    ///
    /// # Errors
    /// The store cannot be written; then nothing has changed.
    pub fn add(&self, statements: Vec<Statement>, source: &str) -> Result<Generation, GraphError> {
        let new = |view: &View, statement: &Statement| !holds(view, statement, true);
        self.edit(Change::Add, statements, source, new)
    }

    /// Takes statements away, all or none, whatever source states them, until one is added again. Durable, and seen by the next
    /// call, when this returns. Statements that the graph has not are passed over.
    ///
    /// # Errors
    /// The store cannot be written; then nothing has changed.
    pub fn remove(&self, statements: Vec<Statement>) -> Result<Generation, GraphError> {
        self.edit(Change::Remove, statements, "", |view, statement| holds(view, statement, false))
    }

    fn edit(
        &self,
        change: Change,
        statements: Vec<Statement>,
        source: &str,
        matters: impl Fn(&View, &Statement) -> bool,
    ) -> Result<Generation, GraphError> {
        let mut store = self.inner.store();
        let view = self.view();
        let changes: Vec<_> = statements
            .into_iter()
            .filter(|statement| matters(&view, statement))
            .map(|s| (change, s))
            .collect();
        if changes.is_empty() {
            return Ok(view.generation());
        }
        let (generation, edits) = store.edit(changes, source)?;
        let mut overlay = view.overlay().clone();
        overlay.apply(view.snapshot(), edits.iter().map(|(_, edit)| edit));
        self.inner.view.store(Arc::new(view.with(overlay)));
        drop(store);
        self.compact_if_due();
        Ok(generation)
    }

    /// The fact with an id, and how it is stated. Looks at every fact: for a person at a command line.
    pub fn find(&self, id: &FactId) -> Option<(Fact, Statement)> {
        self.read(|view| {
            let fact = (0..view.fact_bound()).into_par_iter().find_any(|fact| {
                view.statement(*fact).is_some_and(|statement| fact_id(statement.digest()) == *id)
            })?;
            Some((view.fact(fact, None)?, view.statement(fact)?))
        })
    }
}

/// Whether the graph has a statement; `as_ranked` asks for the same rank too.
fn holds(view: &View, statement: &Statement, as_ranked: bool) -> bool {
    match statement {
        Statement::Fact { subject, rank: wanted, .. } => {
            let Some(node) = view.node(&EntityId::from(subject.as_str())) else { return false };
            let digest = statement.digest();
            view.outgoing(node).filter_map(|fact| view.statement(fact)).any(|found| {
                let same_rank = matches!(&found, Statement::Fact { rank, .. } if rank == wanted);
                found.digest() == digest && (same_rank || !as_ranked)
            })
        }
        // Whether a description would change anything is for the overlay to see.
        Statement::Description { .. } => !as_ranked,
    }
}
