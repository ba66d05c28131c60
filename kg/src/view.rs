//! The graph at one moment: a snapshot, and the edits since. In: numbers, ids. Out: entities and facts.
//!
//! A view never changes. An edit makes a new one that shares all but what differs, so readers go on with the old one until
//! they are done, and nobody waits.

mod overlay;
mod reach;
mod walk;

use std::sync::{Arc, OnceLock};

use loquat_contract::{Entity, EntityId, Fact, Generation, Predicate, Qualifier, Rank, Schema, Unit, Value};
use petgraph::graph::DiGraph;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::link::{PredicateNames, Surroundings};
use crate::names::entity_name;
use crate::snapshot::{self, Snapshot};
use crate::statement::{self, Statement, fact_id};
pub(crate) use overlay::Overlay;
pub use walk::{Edge, FactIndex, Walk};

/// One state of the graph.
pub(crate) struct View {
    snapshot: Arc<Snapshot>,
    overlay: Overlay,
    /// Shared by views with the same predicates: it takes long to make.
    predicate_names: Arc<OnceLock<PredicateNames>>,
}

/// A fact's object, or a qualifier's value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Object {
    Node(u32),
    /// The number of a literal in the snapshot.
    Literal(snapshot::Object),
    /// A value of an edit.
    Value(statement::Object),
}

/// A fact by numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ends {
    pub(crate) subject: u32,
    pub(crate) predicate: u32,
    pub(crate) object: Object,
}

impl View {
    pub(crate) fn new(snapshot: Arc<Snapshot>, overlay: Overlay) -> Self {
        Self { snapshot, overlay, predicate_names: Arc::default() }
    }

    /// The same snapshot under other edits.
    pub(crate) fn with(&self, overlay: Overlay) -> Self {
        let same = overlay.new_predicates() == self.overlay.new_predicates();
        let predicate_names = if same { self.predicate_names.clone() } else { Arc::default() };
        Self { snapshot: self.snapshot.clone(), overlay, predicate_names }
    }

    pub(crate) fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    pub(crate) fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    pub(crate) fn schema(&self) -> &Arc<Schema> {
        self.overlay.schema().unwrap_or_else(|| self.snapshot.schema())
    }

    pub(crate) fn generation(&self) -> Generation {
        self.overlay.schema().map_or(self.snapshot.meta.generation, |schema| schema.generation)
    }

    /// The names of the predicates, folded.
    pub(crate) fn predicate_names(&self) -> &PredicateNames {
        self.predicate_names.get_or_init(|| PredicateNames::new(&self.schema().predicates))
    }

    /// The entity with an id.
    pub(crate) fn node(&self, id: &EntityId) -> Option<u32> {
        self.overlay.node(&self.snapshot, id.as_str()).filter(|node| self.is_anybody(*node))
    }

    pub(crate) fn entity(&self, node: u32) -> Option<Arc<Entity>> {
        self.overlay.entity(node).cloned().or_else(|| self.snapshot.entity(node))
    }

    pub(crate) fn id(&self, node: u32) -> Option<String> {
        self.overlay.id(&self.snapshot, node)
    }

    pub(crate) fn predicate(&self, predicate: u32) -> Option<&Arc<Predicate>> {
        self.overlay.predicate(&self.snapshot, predicate)
    }

    /// How many entities there are, also such that edits took everything from.
    pub(crate) fn entities(&self) -> u32 {
        self.snapshot.entities() + self.overlay.new_entities()
    }

    /// How many entities something is said of.
    pub(crate) fn entity_count(&self) -> usize {
        self.entities() as usize - self.overlay.gone()
    }

    pub(crate) fn fact_count(&self) -> usize {
        self.snapshot.facts() as usize + self.overlay.added_facts() - self.overlay.removed_facts()
    }

    /// One more than the highest number of a fact.
    pub(crate) fn fact_bound(&self) -> u32 {
        self.snapshot.facts() + self.overlay.fact_bound()
    }

    /// Whether anything is said of an entity: edits can leave one without.
    pub(crate) fn is_anybody(&self, node: u32) -> bool {
        !self.overlay.is_gone(node)
    }

    /// Whether an entity was given a name, and so has none made from its id.
    pub(crate) fn was_named(&self, node: u32) -> bool {
        self.overlay.is_named(&self.snapshot, node)
    }

    /// The symbol of an entity that is a unit.
    pub(crate) fn symbol(&self, node: u32) -> Option<String> {
        let known = node < self.snapshot.entities();
        known.then(|| self.snapshot.as_unit(node).symbol).filter(|symbol| !symbol.is_empty())
    }

    /// A popularity that gives the entity its prior again, where that does not come from its facts.
    pub(crate) fn given_popularity(&self, node: u32) -> Option<f64> {
        let prior = self.prior(node);
        let degree = self.outgoing(node).count() + self.incoming(node).count();
        let given = node < self.snapshot.entities() && prior != crate::build::prior(degree as f64);
        given.then(|| ((f64::from(prior) + 0.5) / 8.0).exp2() - 1.0)
    }

    /// How well known an entity is; see [`Snapshot::prior`].
    pub(crate) fn prior(&self, node: u32) -> u8 {
        if node < self.snapshot.entities() {
            return self.snapshot.prior(node);
        }
        let degree = self.outgoing(node).count() + self.incoming(node).count();
        crate::build::prior(degree as f64)
    }

    /// The numbers of the facts with `node` as subject, in the order of import.
    pub(crate) fn outgoing(&self, node: u32) -> impl Iterator<Item = u32> {
        let known = node < self.snapshot.entities();
        let base = if known { self.snapshot.outgoing(node) } else { 0..0 };
        base.filter(|fact| !self.overlay.is_removed(*fact)).chain(self.overlay.outgoing(&self.snapshot, node))
    }

    /// The numbers of the facts with `node` as object, in the order of import.
    pub(crate) fn incoming(&self, node: u32) -> impl Iterator<Item = u32> {
        let known = node < self.snapshot.entities();
        let base = if known { self.snapshot.incoming(node) } else { &[] };
        let base = base.iter().map(|fact| fact.get()).filter(|fact| !self.overlay.is_removed(*fact));
        base.chain(self.overlay.incoming(&self.snapshot, node))
    }

    /// A fact by numbers; its subject is looked up where it is not known.
    pub(crate) fn ends(&self, fact: u32, subject: Option<u32>) -> Option<Ends> {
        if let Some(added) = self.overlay.added(&self.snapshot, fact) {
            return Some(added.ends.clone());
        }
        let numbers = self.snapshot.numbers(fact)?;
        let subject = subject.or_else(|| self.snapshot.subject(fact))?;
        Some(Ends { subject, predicate: numbers.predicate, object: object(numbers.object) })
    }

    fn predicate_number(&self, fact: u32) -> Option<u32> {
        match self.overlay.added(&self.snapshot, fact) {
            Some(added) => Some(added.ends.predicate),
            None => self.snapshot.numbers(fact).map(|numbers| numbers.predicate),
        }
    }

    /// A fact as others see it.
    pub(crate) fn fact(&self, fact: u32, subject: Option<u32>) -> Option<Fact> {
        let ends = self.ends(fact, subject)?;
        let (subject, object) = (self.entity(ends.subject)?, self.value(&ends.object)?);
        self.fact_between(fact, &ends, subject, object)
    }

    /// A fact whose subject and object were read already.
    fn fact_between(&self, fact: u32, ends: &Ends, subject: Arc<Entity>, object: Value) -> Option<Fact> {
        let (rank, qualifiers, source, generation) = match self.overlay.added(&self.snapshot, fact) {
            Some(added) => {
                (added.rank, added.qualifiers.clone(), added.source.clone(), Generation(added.generation))
            }
            None => {
                let (rank, qualifiers) = self.special(fact)?;
                let origin = self.snapshot.origin(fact)?;
                (rank, qualifiers, origin.source.clone(), origin.generation)
            }
        };
        let predicate = self.predicate(ends.predicate)?.clone();
        let stated = match &object {
            Value::Entity(_) => None,
            _ => Some(self.as_stated(&ends.object)?),
        };
        let of_qualifier = |(predicate, value): &(u32, Object)| {
            Some((self.predicate(*predicate)?.clone(), self.as_stated(value)?, self.value(value)?))
        };
        let qualifiers: Vec<_> = qualifiers.iter().map(of_qualifier).collect::<Option<_>>()?;
        let statement = Statement::Fact {
            subject: subject.id.as_str(),
            predicate: predicate.id.as_str(),
            object: match (&stated, &object) {
                (Some(stated), _) => stated.as_ref(),
                (None, Value::Entity(entity)) => statement::Object::Entity(entity.id.as_str()),
                (None, _) => return None,
            },
            rank,
            qualifiers: qualifiers.iter().map(|(p, stated, _)| (p.id.as_str(), stated.as_ref())).collect(),
        };
        let id = fact_id(statement.digest());
        let qualifier = |(predicate, _, value)| Qualifier { predicate, value };
        let qualifiers = qualifiers.into_iter().map(qualifier).collect();
        Some(Fact { id, subject, predicate, object, source, rank, qualifiers, generation })
    }

    /// A fact as a statement, to be told from others and for export.
    pub(crate) fn statement(&self, fact: u32) -> Option<Statement> {
        let ends = self.ends(fact, None)?;
        let (own_rank, qualifiers) = match self.overlay.added(&self.snapshot, fact) {
            Some(added) => (added.rank, added.qualifiers.clone()),
            None => self.special(fact)?,
        };
        let mut statement = self.statement_of(&ends, &qualifiers)?;
        if let Statement::Fact { rank, .. } = &mut statement {
            *rank = own_rank;
        }
        Some(statement)
    }

    fn special(&self, fact: u32) -> Option<(Rank, Vec<(u32, Object)>)> {
        let (rank, qualifiers) = self.snapshot.special(fact)?;
        Some((rank, qualifiers.into_iter().map(|(predicate, value)| (predicate, object(value))).collect()))
    }

    fn statement_of(&self, ends: &Ends, qualifiers: &[(u32, Object)]) -> Option<Statement> {
        let qualifier = |(predicate, value): &(u32, Object)| {
            Some((self.predicate(*predicate)?.id.to_string(), self.as_stated(value)?))
        };
        Some(Statement::Fact {
            subject: self.id(ends.subject)?,
            predicate: self.predicate(ends.predicate)?.id.to_string(),
            object: self.as_stated(&ends.object)?,
            rank: Rank::Normal,
            qualifiers: qualifiers.iter().map(qualifier).collect::<Option<_>>()?,
        })
    }

    /// An object as statements have it. A web address is an entity's id there, should it become one.
    pub(crate) fn as_stated(&self, object: &Object) -> Option<statement::Object> {
        match object {
            Object::Node(node) => self.id(*node).map(statement::Object::Entity),
            Object::Literal(literal) => self.snapshot.object(*literal),
            Object::Value(value) => Some(value.clone()),
        }
    }

    fn value(&self, object: &Object) -> Option<Value> {
        match object {
            Object::Node(node) => self.entity(*node).map(Value::Entity),
            // Edits can have renamed its unit, or taken away all that made it an entity.
            Object::Literal(literal) => match self.snapshot.value(*literal)? {
                Value::Number { unit: Some(_), .. }
                    if self.overlay.has_names() || self.overlay.gone() > 0 =>
                {
                    self.value(&Object::Value(self.snapshot.object(*literal)?))
                }
                value => Some(value),
            },
            Object::Value(stated) => {
                let unit = match stated {
                    statement::Object::Number { unit: Some(unit), .. } => Some(self.unit(unit)),
                    _ => None,
                };
                let mut value = snapshot::value_of(stated.as_ref().map(Into::into))?;
                if let Value::Number { unit: own, .. } = &mut value {
                    *own = unit.map(Arc::new);
                }
                Some(value)
            }
        }
    }

    fn unit(&self, id: &str) -> Unit {
        let Some(node) = self.node(&id.into()) else {
            return Unit { symbol: entity_name(id), labels: Vec::new() };
        };
        let known = node < self.snapshot.entities();
        let mut unit = if known { self.snapshot.as_unit(node) } else { Unit::default() };
        if let Some(entity) = self.overlay.entity(node) {
            unit.labels.clone_from(&entity.labels);
        }
        unit
    }

    /// The facts with `node` as subject, in the order of import, at most `limit`.
    pub(crate) fn facts_from(&self, node: u32, limit: usize) -> Vec<Fact> {
        let Some(subject) = self.entity(node) else { return Vec::new() };
        let fact = |fact| {
            let ends = self.ends(fact, Some(node))?;
            let object = self.value(&ends.object)?;
            self.fact_between(fact, &ends, subject.clone(), object)
        };
        self.outgoing(node).filter_map(fact).take(limit).collect()
    }

    /// The facts with `node` as object, in the order of import, at most `limit`.
    pub(crate) fn facts_to(&self, node: u32, limit: usize) -> Vec<Fact> {
        let Some(object) = self.entity(node) else { return Vec::new() };
        let fact = |fact| {
            let ends = self.ends(fact, None)?;
            let subject = self.entity(ends.subject)?;
            self.fact_between(fact, &ends, subject, Value::Entity(object.clone()))
        };
        self.incoming(node).filter_map(fact).take(limit).collect()
    }

    /// The entities that facts join to `node`, at most `limit`; one may come several times.
    pub(crate) fn neighbours(&self, node: u32, limit: usize) -> impl Iterator<Item = u32> {
        let objects = self.outgoing(node).filter_map(move |fact| match self.ends(fact, Some(node))?.object {
            Object::Node(object) => Some(object),
            Object::Literal(_) | Object::Value(_) => None,
        });
        let subjects = self.incoming(node).filter_map(|fact| Some(self.ends(fact, None)?.subject));
        objects.take(limit).chain(subjects.take(limit)).take(limit)
    }

    /// The nodes within `hops` of `start`, nearest first and at most `limit`, with every fact between them.
    pub(crate) fn neighbourhood(&self, start: u32, hops: usize, limit: usize) -> DiGraph<Arc<Entity>, Fact> {
        let mut found = vec![start];
        let mut seen = FxHashSet::from_iter([start]);
        let mut ring = 0..1;
        for _ in 0..hops {
            for at in ring.clone() {
                if found.len() >= limit {
                    break;
                }
                for neighbour in self.neighbours(found[at], usize::MAX) {
                    if found.len() >= limit {
                        break;
                    }
                    if seen.insert(neighbour) {
                        found.push(neighbour);
                    }
                }
            }
            ring = ring.end..found.len();
        }
        let mut part: DiGraph<Arc<Entity>, Fact> = DiGraph::with_capacity(found.len(), found.len());
        let mut places = FxHashMap::default();
        for node in found.iter().take(limit) {
            if let Some(entity) = self.entity(*node) {
                places.insert(*node, part.add_node(entity));
            }
        }
        for (from, place) in found.iter().filter_map(|node| Some((*node, *places.get(node)?))) {
            for fact in self.outgoing(from) {
                let Some(ends) = self.ends(fact, Some(from)) else { continue };
                let Object::Node(object) = ends.object else { continue };
                let Some(target) = places.get(&object).copied() else { continue };
                let (subject, object) = (part[place].clone(), Value::Entity(part[target].clone()));
                if let Some(fact) = self.fact_between(fact, &ends, subject, object) {
                    part.add_edge(place, target, fact);
                }
            }
        }
        part
    }
}

impl Surroundings for View {
    fn is_named(&self, node: u32, name: &str) -> bool {
        self.entity(node).is_some_and(|entity| entity.names().any(|own| own == name))
    }

    fn neighbours(&self, node: u32, limit: usize, each: &mut dyn FnMut(u32)) {
        View::neighbours(self, node, limit).for_each(each);
    }

    fn predicates(&self, node: u32, limit: usize, each: &mut dyn FnMut(u32)) {
        let facts = self.outgoing(node).take(2 * limit).chain(self.incoming(node).take(limit));
        facts.filter_map(|fact| self.predicate_number(fact)).for_each(each);
    }

    fn descriptions(&self, node: u32, each: &mut dyn FnMut(&str)) {
        let entity = self.entity(node);
        entity.iter().flat_map(|entity| &entity.descriptions).for_each(|label| each(&label.text));
    }
}

/// A snapshot's object.
fn object(object: snapshot::Object) -> Object {
    object.node().map_or(Object::Literal(object), Object::Node)
}
