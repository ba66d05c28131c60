//! What ids are called. In: ids. Out: what the endpoint says of them, in few queries, remembered for a while.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use loquat_contract::{Entity, Label, Language, Predicate, Unit};
use loquat_terms::names::is_address;
use loquat_terms::statement::{Describes, Statement};
use loquat_terms::triple::{Meaning, Parts, understand};
use loquat_terms::vocabulary::RDF_TYPE;
use oxrdf::{NamedNode, NamedOrBlankNode, Term, Triple};

use crate::described::Described;
use crate::graph::Inner;
use crate::query::IS_KNOWN;
use crate::{Config, SparqlError};

/// Ids of one query.
const BATCH: usize = 100;

/// What the config says of predicates, beside what Loquat's vocabulary says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roles(HashMap<String, (Describes, usize)>);

impl Roles {
    pub(crate) fn new(config: &Config) -> Self {
        let lists = [
            (&config.label_predicates, Describes::Label),
            (&config.alias_predicates, Describes::Alias),
            (&config.description_predicates, Describes::Description),
        ];
        let roles =
            lists.into_iter().flat_map(|(list, role)| list.iter().map(move |iri| (iri.clone(), role)));
        Self(roles.enumerate().map(|(rank, (iri, role))| (iri, (role, rank))).collect())
    }

    /// Whether names with this predicate are preferred ones.
    pub(crate) fn is_label(&self, predicate: &str) -> bool {
        matches!(self.0.get(predicate), Some((Describes::Label, _)))
    }

    /// Which predicate's texts come first.
    fn rank(&self, predicate: &str) -> usize {
        self.0.get(predicate).map_or(usize::MAX, |(_, rank)| *rank)
    }

    /// What a triple says of its subject, if it describes it.
    fn read(&self, triple: Triple) -> Option<(Describes, Label)> {
        if let (Some((role, _)), Term::Literal(literal)) =
            (self.0.get(triple.predicate.as_str()), &triple.object)
        {
            let language = literal.language().map(Language::new);
            return Some((*role, Label { text: literal.value().to_owned(), language }));
        }
        match understand(Parts::from(triple.as_ref())).ok()? {
            Meaning::Statement(Statement::Description { what, text, language, .. }) => {
                Some((what, Label { text, language: language.map(Language::new) }))
            }
            _ => None,
        }
    }
}

/// What the endpoint says of an id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    described: Described,
    /// A fact has it as subject, or it has a name, be it in no language that is spoken here.
    is_known: bool,
}

impl Known {
    /// Whether it is an entity, and not a predicate or only a web address.
    pub(crate) fn is_entity(&self, id: &str) -> bool {
        let named = !self.described.words.labels.is_empty() || !self.described.words.aliases.is_empty();
        !self.described.property && (named || self.is_known || !is_address(id))
    }

    pub(crate) fn has_label(&self) -> bool {
        !self.described.words.labels.is_empty()
    }

    pub(crate) fn entity(&self, id: &str) -> Arc<Entity> {
        Arc::new(self.described.clone().entity(&id.into()))
    }

    /// The unit that it is of numbers.
    pub(crate) fn unit(&self) -> Unit {
        let Predicate { labels, unit, .. } = &self.described.words;
        let symbol = unit.as_ref().map(|unit| unit.symbol.clone()).unwrap_or_default();
        Unit { symbol, labels: labels.clone() }
    }

    pub(crate) fn predicate(&self, id: &str) -> Arc<Predicate> {
        Arc::new(self.described.clone().predicate(&id.into()))
    }
}

impl Inner {
    /// What the endpoint says of each of these; ids that are no IRIs are left out.
    pub(crate) fn describe(
        &self,
        ids: impl IntoIterator<Item = String>,
    ) -> Result<HashMap<String, Arc<Known>>, SparqlError> {
        let mut known = HashMap::new();
        let mut missing: Vec<NamedNode> = Vec::new();
        for id in ids.into_iter().collect::<HashSet<_>>() {
            match self.known.get(&id) {
                Some(found) => drop(known.insert(id, found)),
                None => missing.extend(NamedNode::new(id)),
            }
        }
        missing.sort();
        for batch in missing.chunks(BATCH) {
            for (id, found) in self.ask_about(batch)? {
                let found = Arc::new(found);
                self.known.insert(id.clone(), found.clone());
                known.insert(id, found);
            }
        }
        Ok(known)
    }

    fn ask_about(&self, ids: &[NamedNode]) -> Result<HashMap<String, Known>, SparqlError> {
        let mut triples = self.endpoint.select(&self.queries.describe(ids), |row| {
            let (Some(Term::NamedNode(subject)), Some(Term::NamedNode(predicate)), Some(object)) =
                (row.get("s"), row.get("p"), row.get("o"))
            else {
                return None;
            };
            Some(Triple::new(subject.clone(), predicate.clone(), object.clone()))
        })?;
        // An endpoint gives its rows in any order; the first label of a language is the preferred one.
        triples.sort_by_cached_key(|triple| {
            let rank = self.roles.rank(triple.predicate.as_str());
            (rank, triple.predicate.as_str().to_owned(), triple.object.to_string())
        });
        let mut known: HashMap<String, Known> =
            ids.iter().map(|id| (id.as_str().to_owned(), Known::default())).collect();
        for triple in triples {
            let NamedOrBlankNode::NamedNode(subject) = &triple.subject else { continue };
            let Some(known) = known.get_mut(subject.as_str()) else { continue };
            if triple.predicate.as_str() == IS_KNOWN {
                known.is_known = true;
            } else if triple.predicate.as_str() == RDF_TYPE {
                known.described.property = true;
            } else if let Some((what, label)) = self.roles.read(triple) {
                known.described.add(what, label);
            }
        }
        Ok(known)
    }
}
