//! Changing the graph. In: files, statements to add or take away. Out: a new state, durable and seen by the next call.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use loquat_contract::{EntityId, Fact, FactId, Generation, Label, Language};
use rayon::prelude::*;
use rustc_hash::FxHashSet;

use super::Graph;
use crate::GraphError;
use crate::import::{ImportOptions, ImportReport, IntoFlow, Progress, import};
use crate::statement::{Describes, Object, Statement, fact_id};
use crate::store::{Change, Completed, Edit};
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
    /// Most edits lie beside the snapshot and cost nothing. What changes how other statements are read (a redirect, words or a
    /// property for a predicate, a popularity, a description that goes) makes a new snapshot, as an import does.
    ///
    /// # Errors
    /// A statement has an empty or overlong id, or the store cannot be written; then nothing has changed.
    pub fn add(&self, statements: Vec<Statement>, source: &str) -> Result<Generation, GraphError> {
        let new = |view: &View, statement: &Statement| !holds(view, statement, true);
        self.edit(Change::Add, statements, source, new)
    }

    /// Takes statements away, all or none, whatever source states them, until one is added again. Durable, and seen by the next
    /// call, when this returns. Statements that the graph has not are passed over.
    ///
    /// # Errors
    /// As for [`add`](Graph::add).
    pub fn remove(&self, statements: Vec<Statement>) -> Result<Generation, GraphError> {
        self.edit(Change::Remove, statements, "", |view, statement| holds(view, statement, false))
    }

    /// Whether adding a statement would change nothing.
    pub fn says(&self, statement: &Statement) -> bool {
        self.read(|view| holds(view, statement, true))
    }

    /// Makes every edit of another graph an edit of this one: where a graph takes another one's place, made anew from its sources.
    ///
    /// # Errors
    /// Either store cannot be read or written.
    pub fn adopt_edits(&self, former: &Self) -> Result<(), GraphError> {
        let edits = {
            let mut store = former.inner.store();
            if store.is_new() { Vec::new() } else { store.edits_after(0)? }
        };
        let alike = |a: &(u64, Edit), b: &(u64, Edit)| (a.1.change, &a.1.source) == (b.1.change, &b.1.source);
        for group in edits.chunk_by(alike) {
            let [(_, first), ..] = group else { continue };
            let statements = group.iter().map(|(_, edit)| edit.statement.clone()).collect();
            // Also what changes nothing now: a source may state it later.
            self.edit(first.change, statements, &first.source, |_, _| true)?;
        }
        Ok(())
    }

    fn edit(
        &self,
        change: Change,
        statements: Vec<Statement>,
        source: &str,
        matters: impl Fn(&View, &Statement) -> bool,
    ) -> Result<Generation, GraphError> {
        statements.iter().try_for_each(check)?;
        let mut store = self.inner.store();
        let view = self.view();
        // Of what comes twice the last counts, as in the store.
        let mut seen = FxHashSet::default();
        let mut changes = Vec::new();
        for statement in statements.into_iter().rev() {
            let identity = view.identity(&statement);
            if !seen.insert(identity) || !matters(&view, &statement) {
                continue;
            }
            if change == Change::Remove {
                // Sources may word it otherwise, and stay taken away also where ids are merged later.
                let others = statement.wordings().into_iter().filter(|other| *other != statement);
                changes.extend(
                    others.filter(|other| view.identity(other) == identity).map(|other| (change, other)),
                );
            }
            changes.push((change, statement));
        }
        changes.reverse();
        if changes.is_empty() {
            return Ok(view.generation());
        }
        let (generation, edits) = store.edit(changes, source)?;
        let mut overlay = view.overlay().clone();
        if !overlay.apply(view.snapshot(), edits.iter().map(|(_, edit)| edit)) {
            self.inner.renew(&mut store, None)?;
            return Ok(generation);
        }
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

/// Bytes of an id at most.
const LONGEST_ID: usize = 1 << 16;

/// Whether a graph can hold a statement.
fn check(statement: &Statement) -> Result<(), GraphError> {
    let id = |id: &str| match id {
        _ if id.trim().is_empty() => Err(GraphError::BadStatement("a statement has an empty id")),
        _ if id.len() > LONGEST_ID => {
            Err(GraphError::BadStatement("a statement has an id of more than 65,536 bytes"))
        }
        _ if id.contains('\0') => Err(GraphError::BadStatement("a statement has an id with a NUL character")),
        _ => Ok(()),
    };
    let value = |object: &Object| match object {
        Object::Entity(own) | Object::Number { unit: Some(own), .. } => id(own),
        _ => Ok(()),
    };
    match statement {
        Statement::Fact { subject, predicate, object, qualifiers, .. } => {
            id(subject)?;
            id(predicate)?;
            value(object)?;
            qualifiers.iter().try_for_each(|(predicate, own)| id(predicate).and_then(|()| value(own)))
        }
        Statement::Description { about, what, text, .. } => {
            id(about)?;
            match what {
                Describes::Redirect => id(text),
                Describes::Label | Describes::Alias | Describes::InverseLabel if text.trim().is_empty() => {
                    Err(GraphError::BadStatement("a statement gives an empty name"))
                }
                _ => Ok(()),
            }
        }
    }
}

/// Whether the graph has a statement; `as_ranked` asks for the same rank too.
fn holds(view: &View, statement: &Statement, as_ranked: bool) -> bool {
    match statement {
        Statement::Fact { subject, rank: wanted, .. } => {
            let Some(node) = view.node(&EntityId::from(subject.as_str())) else { return false };
            view.matching(node, statement)
                .filter_map(|fact| view.statement(fact))
                .any(|found| !as_ranked || matches!(&found, Statement::Fact { rank, .. } if rank == wanted))
        }
        Statement::Description { about, what, text, language } => {
            let label = Label { text: text.clone(), language: language.as_deref().map(Language::new) };
            // The others leave no words by which to tell.
            let told = !matches!(
                what,
                Describes::Redirect | Describes::Property | Describes::Popularity | Describes::Unit
            );
            if told { view.says(about, *what, &label) } else { !as_ranked }
        }
    }
}
