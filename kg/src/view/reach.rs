//! What an overlay can take. In: a statement. Out: whether it can lie beside the snapshot and be read as if it were in it.
//!
//! Most edits only add to what they are about. Some change how other statements are read: an address becomes an entity for
//! every fact that names it, a word for a predicate replaces the name made from its id, a redirect moves facts. Those are *out of
//! reach*, and make a new snapshot. Only these are told otherwise until the next one: how well known an entity is, of which just
//! the order of what is found depends, and a predicate that lost all subjects but one
//! ([`Schema::sole_subjects`](loquat_contract::Schema)).

use std::sync::Arc;

use loquat_contract::Label;

use super::{Overlay, View};
use crate::names::{is_address, is_iri};
use crate::snapshot::Snapshot;
use crate::statement::{Describes, Object, Statement};
use crate::vocabulary::RDF_TYPE;

impl Overlay {
    /// Whether a statement can be added beside the snapshot.
    pub(super) fn reaches(&self, snapshot: &Arc<Snapshot>, statement: &Statement) -> bool {
        match statement {
            Statement::Fact { subject, predicate, object, qualifiers, .. } => {
                let types = predicate == RDF_TYPE
                    && matches!(object, Object::Entity(id) if is_iri(id) && !self.is_labelled(snapshot, id));
                let says = |predicate: &str, value: &Object| {
                    self.reaches_predicate(snapshot, predicate) && self.reaches_object(snapshot, value)
                };
                !types
                    && self.reaches_entity(snapshot, subject)
                    && says(predicate, object)
                    && qualifiers.iter().all(|(predicate, value)| says(predicate, value))
            }
            Statement::Description { about, what, .. } => {
                let name = matches!(what, Describes::Label | Describes::Alias);
                let word = name || matches!(what, Describes::Article | Describes::Description);
                let known = self.node(snapshot, about).is_some_and(|node| !self.is_gone(node));
                word && (name || known)
                    && self.find_predicate(snapshot, about).is_none()
                    && self.reaches_entity(snapshot, about)
            }
        }
    }

    fn reaches_entity(&self, snapshot: &Snapshot, id: &str) -> bool {
        !snapshot.is_latent(id) && !self.is_link(id)
    }

    fn reaches_object(&self, snapshot: &Snapshot, object: &Object) -> bool {
        let Object::Entity(id) = object else { return true };
        !snapshot.is_latent(id)
            || is_address(id) && self.node(snapshot, id).is_none() && !snapshot.is_merged(id)
    }

    fn reaches_predicate(&self, snapshot: &Snapshot, id: &str) -> bool {
        let new = || self.node(snapshot, id).is_none() && self.reaches_entity(snapshot, id);
        self.find_predicate(snapshot, id).is_some() || new()
    }

    fn is_labelled(&self, snapshot: &Snapshot, id: &str) -> bool {
        self.node(snapshot, id).is_some_and(|node| {
            let entity = self.entity(node).cloned().or_else(|| snapshot.entity(node));
            self.is_named(snapshot, node) && entity.is_some_and(|entity| !entity.labels.is_empty())
        })
    }
}

impl View {
    /// By which one statement is told from another here, where ids may have been merged.
    pub(crate) fn identity(&self, statement: &Statement) -> u128 {
        let target = |id: &str| {
            let found = self.id(self.node(&id.into())?)?;
            (found != id).then_some(found)
        };
        statement.clone().merged(target).identity()
    }

    /// The facts of a subject that a statement makes.
    pub(crate) fn matching(&self, node: u32, statement: &Statement) -> impl Iterator<Item = u32> {
        let own = self.identity(statement);
        self.outgoing(node)
            .filter(move |fact| self.statement(*fact).is_some_and(|found| found.identity() == own))
    }

    /// Whether a description says what is said already.
    pub(crate) fn says(&self, about: &str, what: Describes, label: &Label) -> bool {
        if let Some(number) = self.overlay.find_predicate(&self.snapshot, about) {
            return self.predicate(number).is_some_and(|predicate| {
                let templates = &predicate.templates;
                match what {
                    Describes::Label | Describes::Alias | Describes::InverseLabel => {
                        predicate.labels.contains(label) || predicate.aliases.contains(label)
                    }
                    Describes::Template => templates.single.contains(label),
                    Describes::PluralTemplate => templates.plural.contains(label),
                    Describes::InverseTemplate => templates.inverse.contains(label),
                    Describes::TrueTemplate => templates.when_true.contains(label),
                    Describes::FalseTemplate => templates.when_false.contains(label),
                    // What is said besides is not kept as it was said.
                    _ => false,
                }
            });
        }
        let Some(node) = self.node(&about.into()) else { return false };
        let Some(entity) = self.entity(node) else { return false };
        match what {
            Describes::Label | Describes::Alias => {
                let known = entity.labels.contains(label) || entity.aliases.contains(label);
                known && self.overlay.is_named(&self.snapshot, node)
            }
            Describes::Article => entity.articles.contains(label),
            Describes::Description => entity.descriptions.contains(label),
            _ => false,
        }
    }
}
