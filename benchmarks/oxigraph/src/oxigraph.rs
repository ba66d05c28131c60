//! Oxigraph: its bulk loader, its access by pattern, and its SPARQL with queries that are parsed once.

use std::path::Path;

use anyhow::Context;
use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::model::{Literal, NamedNode, NamedNodeRef, NamedOrBlankNode, Term, Variable};
use oxigraph::sparql::{PreparedSparqlQuery, QueryResults, SparqlEvaluator};
use oxigraph::store::Store;

use crate::data::{Asked, LABEL, OWNER};
use crate::engine::Engine;

pub(crate) struct Oxigraph {
    store: Store,
    lookup: PreparedSparqlQuery,
    hops: PreparedSparqlQuery,
    hops_limited: PreparedSparqlQuery,
}

const LABEL_NODE: NamedNodeRef<'_> = NamedNodeRef::new_unchecked(LABEL);
const OWNER_NODE: NamedNodeRef<'_> = NamedNodeRef::new_unchecked(OWNER);

impl Engine for Oxigraph {
    const NAME: &'static str = "oxigraph";

    fn open(folder: &Path) -> anyhow::Result<Self> {
        let hops = format!(
            "SELECT ?package ?owner ?other ?label WHERE {{ ?package <{OWNER}> ?owner . ?other <{OWNER}> ?owner . \
             ?other <{LABEL}> ?label }}"
        );
        let lookup = format!(
            "SELECT ?name ?s ?p ?o ?q ?i WHERE {{ ?s <{LABEL}> ?name . {{ ?s ?p ?o }} UNION {{ ?i ?q ?s }} }}"
        );
        let parse = |query: &str| SparqlEvaluator::new().parse_query(query);
        Ok(Self {
            store: open(folder)?,
            lookup: parse(&lookup)?,
            hops: parse(&hops)?,
            hops_limited: parse(&format!("{hops} LIMIT 100"))?,
        })
    }

    fn load(&self, file: &Path) -> anyhow::Result<()> {
        let mut loader = self.store.bulk_loader();
        // The loader's own advice for speed.
        loader.parallel_load_from_file(RdfParser::from_format(RdfFormat::NTriples).lenient(), file)?;
        loader.commit()?;
        #[cfg(feature = "rocksdb")]
        self.store.flush()?;
        Ok(())
    }

    #[cfg(feature = "rocksdb")]
    fn compact(&self) -> anyhow::Result<bool> {
        self.store.optimize()?;
        Ok(true)
    }

    fn lookup(&self, asked: &Asked) -> anyhow::Result<usize> {
        let name = Literal::new_simple_literal(&asked.name);
        let mut entities = 0;
        for quad in self.store.quads_for_pattern(None, Some(LABEL_NODE), Some((&name).into()), None) {
            let entity = quad?.subject;
            entities += 1;
            for fact in self.store.quads_for_pattern(Some(entity.as_ref()), None, None, None) {
                std::hint::black_box(fact?);
            }
            for fact in self.store.quads_for_pattern(None, None, Some(entity.as_ref().into()), None) {
                std::hint::black_box(fact?);
            }
        }
        Ok(entities)
    }

    fn two_hops(&self, asked: &Asked, limit: usize) -> anyhow::Result<usize> {
        let package = NamedNode::new(&asked.iri)?;
        let mut packages = 0;
        for owner in self.store.quads_for_pattern(Some((&package).into()), Some(OWNER_NODE), None, None) {
            let owner = owner?.object;
            for other in self.store.quads_for_pattern(None, Some(OWNER_NODE), Some(owner.as_ref()), None) {
                let other: NamedOrBlankNode = other?.subject;
                let labels = self.store.quads_for_pattern(Some(other.as_ref()), Some(LABEL_NODE), None, None);
                for label in labels {
                    std::hint::black_box(label?);
                    packages += 1;
                }
                if packages >= limit {
                    return Ok(packages);
                }
            }
        }
        Ok(packages)
    }

    fn lookup_at_once(&self, asked: &Asked) -> anyhow::Result<usize> {
        self.solutions(&self.lookup, "name", Literal::new_simple_literal(&asked.name).into())
    }

    fn two_hops_at_once(&self, asked: &Asked, limit: usize) -> anyhow::Result<usize> {
        let query = if limit == usize::MAX { &self.hops } else { &self.hops_limited };
        self.solutions(query, "package", NamedNode::new(&asked.iri)?.into())
    }
}

#[cfg(feature = "rocksdb")]
fn open(folder: &Path) -> anyhow::Result<Store> {
    Ok(Store::open(folder)?)
}

/// In memory; opened again, it loads again.
#[cfg(not(feature = "rocksdb"))]
fn open(folder: &Path) -> anyhow::Result<Store> {
    let store = Store::new()?;
    if folder.exists() {
        let file = std::fs::File::open(folder.with_file_name(crate::data::TRIPLES))?;
        let mut loader = store.bulk_loader();
        loader.load_from_reader(RdfFormat::NTriples, file)?;
        loader.commit()?;
    }
    std::fs::create_dir_all(folder)?;
    Ok(store)
}

impl Oxigraph {
    fn solutions(&self, query: &PreparedSparqlQuery, variable: &str, value: Term) -> anyhow::Result<usize> {
        let query = query.clone().substitute_variable(Variable::new(variable)?, value);
        let QueryResults::Solutions(solutions) = query.on_store(&self.store).execute()? else {
            anyhow::bail!("not a SELECT");
        };
        let mut count = 0;
        for solution in solutions {
            let solution = solution.context("a solution")?;
            for (_, term) in solution.iter() {
                std::hint::black_box(term);
            }
            count += 1;
        }
        Ok(count)
    }
}
