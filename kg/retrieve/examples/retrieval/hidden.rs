//! A graph of which some facts are hidden. In: the graph, the ids of facts. Out: the same graph without them.

use std::sync::{Arc, Mutex, PoisonError};

use loquat_contract::{BoxFuture, EntityId, Fact, FactId, Knowledge, KnowledgeError, Mention, Schema};
use rustc_hash::FxHashSet;

/// Reads the graph as if the hidden facts were not in it.
pub(crate) struct Hidden {
    graph: Arc<dyn Knowledge>,
    facts: Mutex<FxHashSet<FactId>>,
}

impl Hidden {
    pub(crate) fn new(graph: Arc<dyn Knowledge>) -> Self {
        Self { graph, facts: Mutex::default() }
    }

    pub(crate) fn hide(&self, facts: impl IntoIterator<Item = FactId>) {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner).extend(facts);
    }

    pub(crate) fn show_all(&self) {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Knowledge for Hidden {
    fn link<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<Vec<Mention>, KnowledgeError>> {
        self.graph.link(text)
    }

    fn link_in<'a>(
        &'a self,
        text: &'a str,
        about: &'a [EntityId],
    ) -> BoxFuture<'a, Result<Vec<Mention>, KnowledgeError>> {
        self.graph.link_in(text, about)
    }

    fn facts<'a>(
        &'a self,
        entity: &'a EntityId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Fact>, KnowledgeError>> {
        Box::pin(async move {
            let mut facts = self.graph.facts(entity, limit).await?;
            let hidden = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
            facts.retain(|fact| !hidden.contains(&fact.id));
            Ok(facts)
        })
    }

    fn schema(&self) -> Arc<Schema> {
        self.graph.schema()
    }
}
