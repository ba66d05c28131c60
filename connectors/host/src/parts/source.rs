//! Where the facts are. In: the config. Out: the local graph, or the endpoint that takes its place.

use std::sync::Arc;

use loquat_contract::Knowledge;
use loquat_kg::{Graph, GraphError};
use loquat_sparql::SparqlGraph;

use super::{Places, graph};
use crate::config::Loaded;
use crate::progress::Screen;

/// Where a bot's facts are.
#[derive(Clone)]
pub enum GraphSource {
    /// In a store on this machine.
    Local(Arc<Graph>),
    /// Behind a SPARQL endpoint.
    Endpoint(SparqlGraph),
}

impl GraphSource {
    /// Connects to the endpoint, where the config names one; else opens the local graph, or builds it. Blocks.
    ///
    /// # Errors
    /// As [`graph`], or when the endpoint does not answer.
    pub fn open(loaded: &Loaded, places: &Places, screen: &Screen) -> anyhow::Result<Self> {
        let sparql = &loaded.config.graph.sparql;
        Ok(match sparql.endpoint {
            Some(_) => Self::Endpoint(SparqlGraph::connect(sparql)?),
            None => Self::Local(Arc::new(graph(loaded, places, screen)?)),
        })
    }

    /// The same to read alone: where a bot has the local graph, beside it.
    ///
    /// # Errors
    /// As [`open`](Self::open), or when that bot has edits that its snapshot does not have yet.
    pub fn open_to_read(loaded: &Loaded, places: &Places, screen: &Screen) -> anyhow::Result<Self> {
        let opened = Self::open(loaded, places, screen);
        let is_locked = |error: &anyhow::Error| {
            error.chain().any(|cause| matches!(cause.downcast_ref(), Some(GraphError::Locked { .. })))
        };
        match opened {
            Err(error) if is_locked(&error) => Ok(Self::Local(Arc::new(Graph::open_beside(&places.graph)?))),
            opened => opened,
        }
    }

    /// The local graph, where it is that.
    pub fn local(&self) -> Option<&Graph> {
        match self {
            Self::Local(graph) => Some(graph),
            Self::Endpoint(_) => None,
        }
    }

    /// What the engine asks.
    pub fn knowledge(&self) -> Arc<dyn Knowledge> {
        match self {
            Self::Local(graph) => graph.clone(),
            Self::Endpoint(graph) => Arc::new(graph.clone()),
        }
    }

    /// What there is, in a line.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn summary(&self) -> anyhow::Result<String> {
        Ok(match self {
            Self::Local(graph) => {
                let stats = graph.stats()?;
                format!("{} facts about {} entities", stats.facts, stats.entities)
            }
            Self::Endpoint(graph) => {
                format!("{} predicates at {}", graph.schema().predicates.len(), graph.endpoint())
            }
        })
    }
}
