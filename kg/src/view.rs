//! The graph in memory. In: the store's statements. Out: entities as petgraph nodes, facts as edges, literals beside them.
//!
//! A view never changes: an import builds a new one and swaps it in, so readers go on with the old one until they are done.
//! It is the seam at which a memory-mapped snapshot can take the place of these structures.

mod build;

use std::sync::Arc;

use loquat_contract::{Entity, EntityId, Fact, Generation, Predicate, Schema, Value};
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::link::Index;
pub(crate) use build::Builder;
use loquat_terms::statement::fact_id;

/// What a fact has besides its subject and object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    digest: u128,
    predicate: u32,
    source: u32,
    /// Its place among all facts, in the order of their import.
    order: u32,
}

/// A fact whose object is no entity.
#[derive(Clone, Debug)]
struct Literal {
    subject: u32,
    edge: Edge,
    value: Value,
}

/// One state of the graph.
#[derive(Default)]
pub(crate) struct View {
    /// Edges lie in reverse order of import: petgraph walks a node's edges from the last added to the first, so they come
    /// out in the order of import, and a limit cuts the walk short.
    graph: DiGraph<Arc<Entity>, Edge>,
    /// By subject, then order.
    literals: Vec<Literal>,
    /// Where a node's literals begin; one more than there are nodes.
    literal_starts: Vec<u32>,
    predicates: Vec<Arc<Predicate>>,
    sources: Vec<Arc<str>>,
    by_id: FxHashMap<EntityId, NodeIndex>,
    schema: Arc<Schema>,
    index: Index,
}

impl View {
    pub(crate) fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    pub(crate) fn generation(&self) -> Generation {
        self.schema.generation
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    pub(crate) fn node(&self, id: &EntityId) -> Option<NodeIndex> {
        self.by_id.get(id).copied()
    }

    pub(crate) fn entity(&self, node: NodeIndex) -> Option<&Arc<Entity>> {
        self.graph.node_weight(node)
    }

    pub(crate) fn entities(&self) -> usize {
        self.graph.node_count()
    }

    pub(crate) fn fact_count(&self) -> usize {
        self.graph.edge_count() + self.literals.len()
    }

    /// The facts with `node` as subject, in the order of import, at most `limit`.
    pub(crate) fn outgoing(&self, node: NodeIndex, limit: usize) -> Vec<Fact> {
        let mut edges = self.graph.edges_directed(node, Direction::Outgoing).peekable();
        let mut literals = self.literals_of(node).iter().peekable();
        let mut facts = Vec::new();
        while facts.len() < limit {
            let next_edge = edges.peek().map(|edge| edge.weight().order);
            let next_literal = literals.peek().map(|literal| literal.edge.order);
            let literal_first = match (next_edge, next_literal) {
                (None, None) => break,
                (Some(edge), Some(literal)) => literal < edge,
                (edge, _) => edge.is_none(),
            };
            let fact = if literal_first {
                literals.next().and_then(|literal| self.fact(node, &literal.edge, literal.value.clone()))
            } else {
                edges.next().and_then(|edge| {
                    let object = self.entity(edge.target())?.clone();
                    self.fact(node, edge.weight(), Value::Entity(object))
                })
            };
            facts.extend(fact);
        }
        facts
    }

    /// The facts with `node` as object, in the order of import, at most `limit`.
    pub(crate) fn incoming(&self, node: NodeIndex, limit: usize) -> Vec<Fact> {
        let fact = |edge: petgraph::graph::EdgeReference<'_, Edge>| {
            let object = self.entity(node)?.clone();
            self.fact(edge.source(), edge.weight(), Value::Entity(object))
        };
        self.graph.edges_directed(node, Direction::Incoming).filter_map(fact).take(limit).collect()
    }

    /// The nodes within `hops` of `start`, nearest first and at most `limit`, with every fact between them.
    pub(crate) fn neighbourhood(
        &self,
        start: NodeIndex,
        hops: usize,
        limit: usize,
    ) -> DiGraph<Arc<Entity>, Fact> {
        let mut found = vec![start];
        let mut seen = FxHashSet::from_iter([start]);
        let mut ring = 0..1;
        for _ in 0..hops {
            for at in ring.clone() {
                for neighbour in self.graph.neighbors_undirected(found[at]) {
                    if found.len() < limit && seen.insert(neighbour) {
                        found.push(neighbour);
                    }
                }
            }
            ring = ring.end..found.len();
        }
        let mut part = DiGraph::with_capacity(found.len(), found.len());
        let mut places = FxHashMap::default();
        for node in &found {
            if let Some(entity) = self.entity(*node) {
                places.insert(*node, part.add_node(entity.clone()));
            }
        }
        for (from, place) in found.iter().filter_map(|node| Some((*node, *places.get(node)?))) {
            for edge in self.graph.edges(from) {
                let Some((target, object)) = places.get(&edge.target()).zip(self.entity(edge.target()))
                else {
                    continue;
                };
                if let Some(fact) = self.fact(from, edge.weight(), Value::Entity(object.clone())) {
                    part.add_edge(place, *target, fact);
                }
            }
        }
        part
    }

    fn literals_of(&self, node: NodeIndex) -> &[Literal] {
        let bounds = self.literal_starts.get(node.index()).zip(self.literal_starts.get(node.index() + 1));
        bounds.and_then(|(start, end)| self.literals.get(*start as usize..*end as usize)).unwrap_or_default()
    }

    fn fact(&self, subject: NodeIndex, edge: &Edge, object: Value) -> Option<Fact> {
        Some(Fact::new(
            fact_id(edge.digest),
            self.entity(subject)?.clone(),
            self.predicates.get(edge.predicate as usize)?.clone(),
            object,
            self.sources.get(edge.source as usize)?.clone(),
        ))
    }
}
