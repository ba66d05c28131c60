//! Changing the graph. In: files, statements to add or take away. Out: a new state, durable and seen by the next call.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use loquat_contract::{EntityId, Fact, FactId, Generation, Label, Language};
use rayon::prelude::*;

use super::Graph;
use crate::GraphError;
use crate::import::{ImportOptions, ImportReport, IntoFlow, Progress, import};
use crate::statement::{Describes, Statement, fact_id};
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
        Statement::Description { about, what, text, language } => {
            let label = Label { text: text.clone(), language: language.as_deref().map(Language::new) };
            let lists = described(view, about, *what, as_ranked);
            // Whether another description would change anything is for the overlay to see.
            let Some(lists) = lists else { return !as_ranked };
            if as_ranked {
                !lists.is_empty() && lists.iter().all(|list| list.contains(&label))
            } else {
                lists.iter().any(|list| list.contains(&label))
            }
        }
    }
}

/// What is said of an entity or predicate in this way, `exactly` or with what a second preferred name became; `None` where that is not
/// kept as it was said.
fn described(view: &View, about: &str, what: Describes, exactly: bool) -> Option<Vec<Vec<Label>>> {
    let mut lists = Vec::new();
    if let Some(predicate) = view.schema().predicates.iter().find(|predicate| predicate.id.as_str() == about)
    {
        let templates = &predicate.templates;
        lists.push(match what {
            Describes::Label if exactly => predicate.labels.clone(),
            Describes::Label => [&*predicate.labels, &*predicate.aliases].concat(),
            Describes::Alias | Describes::InverseLabel => predicate.aliases.clone(),
            Describes::Template => templates.single.clone(),
            Describes::PluralTemplate => templates.plural.clone(),
            Describes::InverseTemplate => templates.inverse.clone(),
            Describes::TrueTemplate => templates.when_true.clone(),
            Describes::FalseTemplate => templates.when_false.clone(),
            _ => return None,
        });
    }
    if let Some(node) = view.node(&EntityId::from(about))
        && let Some(entity) = view.entity(node)
    {
        lists.push(match what {
            // A name that was made from the id is none that was said.
            Describes::Label if !view.is_described(node) => Vec::new(),
            Describes::Label if exactly => entity.labels.clone(),
            Describes::Label => [&*entity.labels, &*entity.aliases].concat(),
            Describes::Alias => entity.aliases.clone(),
            Describes::Article => entity.articles.clone(),
            Describes::Description => entity.descriptions.clone(),
            _ => return None,
        });
    }
    Some(lists)
}
