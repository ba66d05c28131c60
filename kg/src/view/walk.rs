//! petgraph's way to walk. In: a view. Out: the traits of [`petgraph::visit`], over the mapping and without a copy, so that petgraph's
//! algorithms run on the whole graph.

use std::sync::Arc;

use fixedbitset::FixedBitSet;
use loquat_contract::{Entity, Fact, Predicate};
use petgraph::graph::NodeIndex;
use petgraph::visit::{
    Data, EdgeRef, GraphBase, GraphProp, IntoEdgeReferences, IntoEdges, IntoEdgesDirected, IntoNeighbors,
    IntoNeighborsDirected, IntoNodeIdentifiers, NodeCompactIndexable, NodeCount, NodeIndexable, Visitable,
};
use petgraph::{Directed, Direction};

use super::{Object, View};
use crate::link::Index;

/// The number of a fact, for as long as its [`Walk`] lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactIndex(u32);

/// The graph as it is now, to be walked: `&Walk` implements petgraph's visit traits. Nodes are entities, edges the facts between
/// them; facts with a value as object are no edges.
#[derive(Clone)]
pub struct Walk(Arc<View>);

impl std::fmt::Debug for Walk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Walk").field("entities", &self.0.entities()).finish_non_exhaustive()
    }
}

impl Walk {
    pub(crate) fn new(view: Arc<View>) -> Self {
        Self(view)
    }

    pub(crate) fn view(&self) -> &View {
        &self.0
    }

    /// The node of an entity.
    pub fn node(&self, id: &loquat_contract::EntityId) -> Option<NodeIndex> {
        self.0.node(id).map(index)
    }

    /// The nodes with a name (case, width and script aside), those with it as preferred name first.
    pub fn named(&self, name: &str) -> Vec<NodeIndex> {
        Index::new(&self.0).named(name).into_iter().map(index).collect()
    }

    /// The entity at a node.
    pub fn entity(&self, node: NodeIndex) -> Option<Arc<Entity>> {
        self.0.entity(number(node))
    }

    /// The fact of an edge.
    pub fn fact(&self, fact: FactIndex) -> Option<Fact> {
        self.0.fact(fact.0, None)
    }

    /// The predicate with a number, as edges have it for weight.
    pub fn predicate(&self, predicate: u32) -> Option<&Arc<Predicate>> {
        self.0.predicate(predicate)
    }

    fn edge(&self, fact: u32, subject: Option<u32>) -> Option<Edge> {
        let ends = self.0.ends(fact, subject)?;
        let Object::Node(object) = ends.object else { return None };
        Some(Edge {
            fact: FactIndex(fact),
            source: index(ends.subject),
            target: index(object),
            predicate: ends.predicate,
        })
    }
}

fn index(node: u32) -> NodeIndex {
    NodeIndex::new(node as usize)
}

fn number(node: NodeIndex) -> u32 {
    node.index() as u32
}

/// A fact between two entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    fact: FactIndex,
    source: NodeIndex,
    target: NodeIndex,
    predicate: u32,
}

impl EdgeRef for Edge {
    type NodeId = NodeIndex;
    type EdgeId = FactIndex;
    type Weight = u32;

    fn source(&self) -> NodeIndex {
        self.source
    }

    fn target(&self) -> NodeIndex {
        self.target
    }

    fn weight(&self) -> &u32 {
        &self.predicate
    }

    fn id(&self) -> FactIndex {
        self.fact
    }
}

type Boxed<'a, T> = Box<dyn Iterator<Item = T> + 'a>;

impl GraphBase for Walk {
    type EdgeId = FactIndex;
    type NodeId = NodeIndex;
}

impl Data for Walk {
    type NodeWeight = ();
    /// The number of the predicate.
    type EdgeWeight = u32;
}

impl GraphProp for Walk {
    type EdgeType = Directed;
}

impl<'a> IntoNeighbors for &'a Walk {
    type Neighbors = Boxed<'a, NodeIndex>;

    fn neighbors(self, node: NodeIndex) -> Self::Neighbors {
        self.neighbors_directed(node, Direction::Outgoing)
    }
}

impl<'a> IntoNeighborsDirected for &'a Walk {
    type NeighborsDirected = Boxed<'a, NodeIndex>;

    fn neighbors_directed(self, node: NodeIndex, direction: Direction) -> Self::NeighborsDirected {
        let other =
            move |edge: Edge| if direction == Direction::Outgoing { edge.target } else { edge.source };
        Box::new(self.edges_directed_of(node, direction).map(other))
    }
}

impl Walk {
    fn edges_directed_of(&self, node: NodeIndex, direction: Direction) -> Boxed<'_, Edge> {
        let node = number(node);
        match direction {
            Direction::Outgoing => {
                Box::new(self.0.outgoing(node).filter_map(move |fact| self.edge(fact, Some(node))))
            }
            Direction::Incoming => Box::new(self.0.incoming(node).filter_map(|fact| self.edge(fact, None))),
        }
    }
}

impl<'a> IntoEdgeReferences for &'a Walk {
    type EdgeRef = Edge;
    type EdgeReferences = Boxed<'a, Edge>;

    fn edge_references(self) -> Self::EdgeReferences {
        Box::new(self.node_identifiers().flat_map(|node| self.edges(node)))
    }
}

impl<'a> IntoEdges for &'a Walk {
    type Edges = Boxed<'a, Edge>;

    fn edges(self, node: NodeIndex) -> Self::Edges {
        self.edges_directed_of(node, Direction::Outgoing)
    }
}

impl<'a> IntoEdgesDirected for &'a Walk {
    type EdgesDirected = Boxed<'a, Edge>;

    fn edges_directed(self, node: NodeIndex, direction: Direction) -> Self::EdgesDirected {
        self.edges_directed_of(node, direction)
    }
}

impl<'a> IntoNodeIdentifiers for &'a Walk {
    type NodeIdentifiers = Boxed<'a, NodeIndex>;

    fn node_identifiers(self) -> Self::NodeIdentifiers {
        Box::new((0..self.0.entities()).map(index))
    }
}

impl NodeCount for Walk {
    fn node_count(&self) -> usize {
        self.0.entities() as usize
    }
}

impl NodeIndexable for Walk {
    fn node_bound(&self) -> usize {
        self.node_count()
    }

    fn to_index(&self, node: NodeIndex) -> usize {
        node.index()
    }

    fn from_index(&self, index: usize) -> NodeIndex {
        NodeIndex::new(index)
    }
}

impl NodeCompactIndexable for Walk {}

impl petgraph::visit::EdgeCount for Walk {
    fn edge_count(&self) -> usize {
        self.edge_references().count()
    }
}

impl Visitable for Walk {
    type Map = FixedBitSet;

    fn visit_map(&self) -> FixedBitSet {
        FixedBitSet::with_capacity(self.node_bound())
    }

    fn reset_map(&self, map: &mut FixedBitSet) {
        map.clear();
        map.grow(self.node_bound());
    }
}
