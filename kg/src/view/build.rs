//! Builds a view. In: statements, run by run. Out: entities with their names, facts between them, the index of names.

use std::sync::Arc;

use loquat_contract::{Entity, Generation, Label, Language, Schema, Value};
use loquat_terms::describe::Described;
use loquat_terms::names::is_iri;
use loquat_terms::statement::Statement;
use loquat_terms::vocabulary::RDF_TYPE;
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::FxHashMap;

use super::{Edge, Literal, View};
use crate::GraphError;
use crate::link::Index;

struct RawFact {
    digest: u128,
    subject: u32,
    predicate: u32,
    object: RawObject,
    source: u32,
}

enum RawObject {
    Term(u32),
    Value(Value),
}

/// How many subjects a predicate has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subjects {
    None,
    One(NodeIndex),
    Many,
}

impl Subjects {
    fn add(&mut self, subject: NodeIndex) {
        *self = match *self {
            Self::None => Self::One(subject),
            Self::One(known) if known == subject => return,
            Self::One(_) | Self::Many => Self::Many,
        };
    }
}

/// Gathers statements.
#[derive(Default)]
pub(crate) struct Builder {
    ids: FxHashMap<Arc<str>, u32>,
    terms: Vec<Arc<str>>,
    described: FxHashMap<u32, Described>,
    facts: Vec<RawFact>,
    sources: Vec<Arc<str>>,
}

impl Builder {
    /// The facts that follow come from here.
    pub(crate) fn source(&mut self, source: &str) {
        self.sources.push(source.into());
    }

    pub(crate) fn add(&mut self, statement: Statement) {
        let digest = statement.digest();
        match statement {
            Statement::Fact { subject, predicate, object, .. } => {
                let subject = self.term(&subject);
                let predicate = self.term(&predicate);
                let object = match object.value() {
                    Ok(value) => RawObject::Value(value),
                    Err(id) => RawObject::Term(self.term(&id)),
                };
                let source = self.sources.len().saturating_sub(1) as u32;
                self.facts.push(RawFact { digest, subject, predicate, object, source });
            }
            Statement::Description { about, what, text, language } => {
                let about = self.term(&about);
                let label = Label { text, language: language.map(Language::new) };
                self.described.entry(about).or_default().add(what, label);
            }
        }
    }

    fn term(&mut self, id: &str) -> u32 {
        if let Some(term) = self.ids.get(id) {
            return *term;
        }
        let term = self.terms.len() as u32;
        let id: Arc<str> = id.into();
        self.terms.push(id.clone());
        self.ids.insert(id, term);
        term
    }

    /// The view of everything added.
    pub(crate) fn build(mut self, generation: Generation) -> Result<View, GraphError> {
        self.drop_what_is_no_fact();
        let used = self.number_predicates();
        let (mut graph, nodes) = self.entities(&used);
        let mut literals = Vec::new();
        let mut subjects = vec![Subjects::None; used.len()];
        let order_of = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        // Reverse, for the order in which petgraph walks edges; see `View::graph`.
        for (index, fact) in self.facts.into_iter().enumerate().rev() {
            let (Some(&predicate), Some(&subject)) = (used.get(&fact.predicate), nodes.get(&fact.subject))
            else {
                continue;
            };
            subjects[predicate as usize].add(subject);
            let edge = Edge { digest: fact.digest, predicate, source: fact.source, order: order_of(index) };
            let value = match fact.object {
                RawObject::Term(term) => match nodes.get(&term) {
                    Some(object) => {
                        graph.add_edge(subject, *object, edge);
                        continue;
                    }
                    None => Value::Url(self.terms[term as usize].to_string()),
                },
                RawObject::Value(value) => value,
            };
            literals.push(Literal { subject: subject.index() as u32, edge, value });
        }
        literals.sort_unstable_by_key(|literal| (literal.subject, literal.edge.order));
        let mut literal_starts = vec![0; graph.node_count() + 1];
        for literal in &literals {
            literal_starts[literal.subject as usize + 1] += 1;
        }
        for index in 1..literal_starts.len() {
            literal_starts[index] += literal_starts[index - 1];
        }

        let mut in_order: Vec<(u32, u32)> = used.into_iter().map(|(term, place)| (place, term)).collect();
        in_order.sort_unstable();
        let mut predicates = Vec::with_capacity(in_order.len());
        for (_, term) in in_order {
            let described = self.described.remove(&term).unwrap_or_default();
            predicates.push(Arc::new(described.predicate(&self.terms[term as usize])));
        }
        let degree = |node: NodeIndex| {
            let literals = literal_starts[node.index() + 1] - literal_starts[node.index()];
            graph.neighbors_undirected(node).take(1000).count() + literals as usize
        };
        let named =
            graph.node_indices().map(|node| (node.index() as u32, graph[node].as_ref(), degree(node)));
        let index = Index::build(named, &predicates)?;
        let sole_subjects = predicates
            .iter()
            .zip(&subjects)
            .filter_map(|(predicate, subjects)| match subjects {
                Subjects::One(node) => Some((predicate.id.clone(), graph[*node].clone())),
                Subjects::None | Subjects::Many => None,
            })
            .collect();
        let by_id = graph.node_indices().map(|node| (graph[node].id.clone(), node)).collect();
        let schema = Arc::new(Schema { generation, predicates: predicates.clone(), sole_subjects });
        Ok(View { graph, literals, literal_starts, predicates, sources: self.sources, by_id, schema, index })
    }

    /// What is said of a predicate is no fact about the world, and a type that has no name is of no use in a sentence.
    fn drop_what_is_no_fact(&mut self) {
        let type_term = self.ids.get(RDF_TYPE).copied();
        let described = &self.described;
        let named = |term: &u32| described.get(term).is_some_and(|d| !d.words.labels.is_empty());
        let property = |term: &u32| described.get(term).is_some_and(|d| d.property);
        let terms = &self.terms;
        self.facts.retain(|fact| {
            let nameless_type = Some(fact.predicate) == type_term
                && matches!(&fact.object, RawObject::Term(class) if is_iri(&terms[*class as usize]) && !named(class));
            !nameless_type && !property(&fact.subject)
        });
    }

    /// The predicates that a fact uses, each with its place in the order of their ids.
    fn number_predicates(&self) -> FxHashMap<u32, u32> {
        let mut used: Vec<u32> = self.facts.iter().map(|fact| fact.predicate).collect();
        used.sort_unstable();
        used.dedup();
        used.sort_by_key(|term| &self.terms[*term as usize]);
        used.into_iter().zip(0..).collect()
    }

    /// A node for every id that is an entity: it is the subject of a fact, or it has a name and is no predicate, or it is
    /// an object that is not just a web address.
    fn entities(
        &mut self,
        predicates: &FxHashMap<u32, u32>,
    ) -> (DiGraph<Arc<Entity>, Edge>, FxHashMap<u32, NodeIndex>) {
        let mut is_entity = vec![false; self.terms.len()];
        for (term, described) in &self.described {
            let named = !described.words.labels.is_empty() || !described.words.aliases.is_empty();
            is_entity[*term as usize] = named && !described.property && !predicates.contains_key(term);
        }
        for fact in &self.facts {
            is_entity[fact.subject as usize] = true;
            if let RawObject::Term(object) = fact.object {
                let id = &self.terms[object as usize];
                let address = id.starts_with("http://") || id.starts_with("https://");
                is_entity[object as usize] |= !address;
            }
        }
        let mut graph = DiGraph::with_capacity(self.terms.len(), self.facts.len());
        let mut nodes = FxHashMap::default();
        for (term, id) in self.terms.iter().enumerate().filter(|(term, _)| is_entity[*term]) {
            let term = term as u32;
            // In a table a name can be an entity and a predicate; the description then serves both.
            let described = match predicates.contains_key(&term) {
                true => Described::default(),
                false => self.described.remove(&term).unwrap_or_default(),
            };
            nodes.insert(term, graph.add_node(Arc::new(described.entity(id))));
        }
        (graph, nodes)
    }
}
