//! The crate's front. In: a config. Out: what [`Knowledge`] promises, from an endpoint.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use loquat_contract::{BoxFuture, EntityId, Fact, Knowledge, KnowledgeError, Mention, Schema};
use moka::sync::Cache;
use oxrdf::Term;

use crate::describe::{Known, Roles};
use crate::endpoint::Endpoint;
use crate::link::Named;
use crate::query::Queries;
use crate::schema::State;
use crate::{Config, SparqlError};

/// A knowledge graph behind a SPARQL 1.1 endpoint. It is read and never written.
///
/// Calls of [`Knowledge`] wait on threads for blocking work, within a tokio runtime. Cloning is cheap and shares what is remembered.
#[derive(Clone)]
pub struct SparqlGraph(Arc<Inner>);

/// What the parts of this crate share.
pub(crate) struct Inner {
    pub(crate) endpoint: Endpoint,
    pub(crate) queries: Queries,
    pub(crate) roles: Roles,
    pub(crate) languages: Vec<String>,
    pub(crate) max_rows: usize,
    /// What ids are called.
    pub(crate) known: Cache<String, Arc<Known>>,
    /// Who has a name, spelt just so.
    pub(crate) named: Cache<String, Arc<Vec<Named>>>,
    /// The facts around an entity.
    pub(crate) facts: Cache<(EntityId, usize), Arc<Vec<Fact>>>,
    pub(crate) state: ArcSwap<State>,
    read: Mutex<Instant>,
    reading: AtomicBool,
    schema_every: Duration,
}

impl std::fmt::Debug for SparqlGraph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SparqlGraph").field(&self.0.endpoint.shown()).finish()
    }
}

impl SparqlGraph {
    /// Connects, and reads which predicates there are. Blocks; an async program calls it on a thread for blocking work.
    ///
    /// # Errors
    /// The config cannot be used, or the endpoint does not answer.
    pub fn connect(config: &Config) -> Result<Self, SparqlError> {
        let inner = Inner::new(config)?;
        inner.state.store(Arc::new(inner.read_schema()?));
        Ok(Self(Arc::new(inner)))
    }

    /// Asks for one triple, to see that the endpoint answers. Gives the address as it may be shown. Blocks.
    ///
    /// # Errors
    /// The config cannot be used, or the endpoint does not answer.
    pub fn probe(config: &Config) -> Result<String, SparqlError> {
        let inner = Inner::new(config)?;
        inner.endpoint.select(&inner.queries.probe(), |_| Some(()))?;
        Ok(inner.endpoint.shown().to_owned())
    }

    /// The endpoint's address, without what could be secret.
    pub fn endpoint(&self) -> &str {
        self.0.endpoint.shown()
    }

    /// How many triples the graph has, names and all. Blocks.
    ///
    /// # Errors
    /// The endpoint does not answer.
    pub fn triples(&self) -> Result<u64, SparqlError> {
        let count = self.0.endpoint.select(&self.0.queries.count(), |row| number(row.get("n")))?;
        Ok(count.first().copied().unwrap_or_default())
    }

    /// Does blocking work on a thread for it.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, SparqlError> + Send + 'static,
    ) -> Result<T, KnowledgeError> {
        let inner = self.0.clone();
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        Ok(done.unwrap_or(Err(SparqlError::Stopped))?)
    }
}

/// A count among the answers.
pub(crate) fn number(term: Option<&Term>) -> Option<u64> {
    match term {
        Some(Term::Literal(literal)) => literal.value().parse().ok(),
        _ => None,
    }
}

impl Inner {
    fn new(config: &Config) -> Result<Self, SparqlError> {
        let keep = Duration::from_secs(config.cache_s);
        Ok(Self {
            endpoint: Endpoint::new(config)?,
            queries: Queries::new(config)?,
            roles: Roles::new(config),
            languages: config.languages.clone(),
            max_rows: config.max_rows.max(1),
            known: Cache::builder().max_capacity(config.cache_entries).time_to_live(keep).build(),
            named: Cache::builder().max_capacity(config.cache_entries).time_to_live(keep).build(),
            facts: Cache::builder().max_capacity(config.cache_entries).time_to_live(keep).build(),
            state: ArcSwap::default(),
            read: Mutex::new(Instant::now()),
            reading: AtomicBool::new(false),
            schema_every: Duration::from_secs(config.schema_s.max(1)),
        })
    }

    /// Reads the schema anew. Where it has changed, what is remembered is forgotten; where it cannot be read, the old one stays.
    fn refresh(&self) {
        match self.read_schema() {
            Ok(state) => {
                if state.schema.generation != self.state.load().schema.generation {
                    self.known.invalidate_all();
                    self.named.invalidate_all();
                    self.facts.invalidate_all();
                }
                self.state.store(Arc::new(state));
            }
            Err(error) => tracing::warn!(%error, "the predicates could not be read anew"),
        }
    }
}

impl Knowledge for SparqlGraph {
    fn link<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<Vec<Mention>, KnowledgeError>> {
        let text = text.to_owned();
        Box::pin(self.blocking(move |inner| inner.link(&text)))
    }

    fn facts<'a>(
        &'a self,
        entity: &'a EntityId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Fact>, KnowledgeError>> {
        let entity = entity.clone();
        Box::pin(self.blocking(move |inner| Ok(inner.facts(&entity, limit)?.to_vec())))
    }

    fn schema(&self) -> Arc<Schema> {
        let inner = &self.0;
        let mut read = inner.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.elapsed() >= inner.schema_every && !inner.reading.swap(true, Ordering::AcqRel) {
            *read = Instant::now();
            let background = inner.clone();
            let started = std::thread::Builder::new().name("sparql schema".to_owned()).spawn(move || {
                background.refresh();
                background.reading.store(false, Ordering::Release);
            });
            if started.is_err() {
                inner.reading.store(false, Ordering::Release);
            }
        }
        inner.state.load().schema.clone()
    }
}
