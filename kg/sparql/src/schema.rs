//! What can be asked. In: the endpoint's predicates. Out: the schema, and a generation that is a digest of it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use loquat_contract::{Generation, Predicate, PredicateId, Schema};
use loquat_terms::fold::{fold, key, loosen};
use loquat_terms::vocabulary::{Term as Meaning, term};
use oxrdf::Term;
use xxhash_rust::xxh3::xxh3_64;

use crate::SparqlError;
use crate::graph::Inner;

/// Bits of a generation: as many as a JSON number keeps exactly.
const BITS: u32 = 53;

/// A state of the schema.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) schema: Arc<Schema>,
    /// Names of predicates, folded: in lower case they are words of their own.
    pub(crate) names: HashSet<String>,
}

impl Inner {
    /// Reads the schema.
    pub(crate) fn read_schema(&self) -> Result<State, SparqlError> {
        let used = match self.predicates_in_use() {
            Ok(used) => used,
            // A large graph is not read through for this; what it declares has to do, and nothing has a sole subject.
            Err(
                error
                @ (SparqlError::Slow { .. } | SparqlError::Failed { .. } | SparqlError::TooLarge { .. }),
            ) => {
                tracing::info!(%error, "the predicates in use cannot be listed; those that the graph declares are taken");
                self.predicates_declared()?.into_iter().map(|p| (p, None)).collect()
            }
            Err(error) => return Err(error),
        };
        let soles = used.iter().filter_map(|(_, sole)| sole.clone());
        let known = self.describe(used.iter().map(|(p, _)| p.clone()).chain(soles))?;
        let mut predicates = Vec::new();
        let mut sole_subjects = HashMap::new();
        for (id, sole) in &used {
            let Some(predicate) = known.get(id).map(|known| known.predicate(id)) else { continue };
            if let Some((sole, known)) = sole.as_ref().and_then(|sole| Some((sole, known.get(sole)?))) {
                sole_subjects.insert(PredicateId(id.as_str().into()), known.entity(sole));
            }
            predicates.push(predicate);
        }
        let names = predicates.iter().flat_map(|p| p.names()).map(|name| key(&loosen(&fold(name)))).collect();
        let generation = generation(&predicates, &used);
        Ok(State { schema: Arc::new(Schema { generation, predicates, sole_subjects }), names })
    }

    /// Predicates with their only subject, where there is one; by id.
    fn predicates_in_use(&self) -> Result<Vec<(String, Option<String>)>, SparqlError> {
        let mut used = self.endpoint.select(&self.queries.predicates_in_use(), |row| {
            let Some(Term::NamedNode(predicate)) = row.get("p") else { return None };
            let sole = match (row.get("first"), row.get("last")) {
                (Some(Term::Literal(first)), Some(Term::Literal(last))) if first == last => {
                    Some(first.value().to_owned())
                }
                _ => None,
            };
            Some((predicate.as_str().to_owned(), sole))
        })?;
        used.retain(|(predicate, _)| matches!(term(predicate), Meaning::Relation | Meaning::Type));
        used.sort();
        Ok(used)
    }

    fn predicates_declared(&self) -> Result<Vec<String>, SparqlError> {
        let mut declared =
            self.endpoint.select(&self.queries.predicates_declared(), |row| match row.get("p") {
                Some(Term::NamedNode(predicate)) => Some(predicate.as_str().to_owned()),
                _ => None,
            })?;
        declared.sort();
        Ok(declared)
    }
}

/// A digest of the predicates, their words and their sole subjects.
fn generation(predicates: &[Arc<Predicate>], used: &[(String, Option<String>)]) -> Generation {
    let text = format!("{predicates:?} {used:?}");
    Generation(xxh3_64(text.as_bytes()) >> (u64::BITS - BITS))
}
