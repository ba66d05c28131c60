//! The facts around an entity. In: its id. Out: facts both ways, in the order of predicates and then values, remembered for a while.

use std::collections::HashSet;
use std::sync::Arc;

use loquat_contract::{EntityId, Fact, Rank, Value};
use loquat_terms::names::is_address;
use loquat_terms::statement::{Object, Statement};
use loquat_terms::triple::{Meaning, Parts, understand};
use loquat_terms::vocabulary::FACT;
use oxrdf::{NamedNode, Term, Triple};

use crate::SparqlError;
use crate::graph::Inner;

/// Rows asked for beyond the limit, for triples that turn out to be no facts.
const SPARE: usize = 16;

impl Inner {
    pub(crate) fn facts(&self, entity: &EntityId, limit: usize) -> Result<Arc<Vec<Fact>>, SparqlError> {
        let key = (entity.clone(), limit);
        if let Some(facts) = self.facts.get(&key) {
            return Ok(facts);
        }
        let facts = Arc::new(self.read_facts(entity, limit)?);
        self.facts.insert(key, facts.clone());
        Ok(facts)
    }

    fn read_facts(&self, entity: &EntityId, limit: usize) -> Result<Vec<Fact>, SparqlError> {
        let Ok(node) = NamedNode::new(entity.as_str()) else { return Ok(Vec::new()) };
        let own = self.describe([node.as_str().to_owned()])?;
        let Some(own) = own.get(node.as_str()).filter(|own| own.is_entity(node.as_str())) else {
            return Ok(Vec::new());
        };
        let most = limit.saturating_add(SPARE).min(self.max_rows);
        let outgoing =
            self.endpoint.select(&self.queries.outgoing(&node, most), |row| match row.get("p") {
                Some(Term::NamedNode(p)) => Some(Triple::new(node.clone(), p.clone(), row.get("o")?.clone())),
                _ => None,
            })?;
        let incoming = self.endpoint.select(&self.queries.incoming(&node, most), |row| {
            match (row.get("s"), row.get("p")) {
                (Some(Term::NamedNode(s)), Some(Term::NamedNode(p))) => {
                    Some(Triple::new(s.clone(), p.clone(), node.clone()))
                }
                _ => None,
            }
        })?;
        let mut facts = self.understood(outgoing, limit);
        // A class without a name is of no use in a sentence.
        let useful = |statement: &Read| own.has_label() || !statement.is_type();
        facts.extend(self.understood(incoming, usize::MAX).into_iter().filter(useful).take(limit));

        let ids: HashSet<String> = facts.iter().flat_map(Read::ids).map(str::to_owned).collect();
        let known = self.describe(ids)?;
        let source: Arc<str> = self.endpoint.shown().into();
        let fact = |read: Read| {
            let subject = known.get(&read.subject)?.entity(&read.subject);
            let predicate = known.get(&read.predicate)?.predicate(&read.predicate);
            let unit = match &read.object {
                Object::Number { unit: Some(unit), .. } => {
                    known.get(unit).map(|known| Arc::new(known.unit()))
                }
                _ => None,
            };
            let entity = match &read.object {
                Object::Entity(id) => known.get(id).filter(|own| own.is_entity(id)).map(|own| own.entity(id)),
                _ => None,
            };
            // What is no entity is just an address, and cited as one.
            let stated = match read.object.as_ref() {
                Object::Entity(id) if entity.is_none() && is_address(id) => Object::Url(id),
                object => object,
            };
            let statement = Statement::Fact {
                subject: read.subject.as_str(),
                predicate: &read.predicate,
                object: stated,
                rank: Rank::Normal,
                qualifiers: Vec::new(),
            };
            let id = statement.id();
            let object = match (entity, read.object.value()) {
                (Some(entity), _) => Value::Entity(entity),
                (None, Ok(Value::Number { lexical, value, .. })) => Value::Number { lexical, value, unit },
                (None, Ok(value)) => value,
                (None, Err(id)) => Value::Url(id),
            };
            Some(Fact::new(id, subject, predicate, object, source.clone()))
        };
        Ok(facts.into_iter().filter_map(fact).collect())
    }

    /// The facts among triples, as the embedded graph's import would take them.
    fn understood(&self, triples: Vec<Triple>, limit: usize) -> Vec<Read> {
        let read = |triple: Triple| match understand(Parts::from(triple.as_ref())).ok()? {
            // What is said of a fact is none itself.
            Meaning::Statement(Statement::Fact { subject, predicate, object, .. })
                if !subject.starts_with(FACT) =>
            {
                Some(Read { subject, predicate, object })
            }
            _ => None,
        };
        triples.into_iter().filter_map(read).take(limit).collect()
    }
}

/// A fact before its parts have names.
struct Read {
    subject: String,
    predicate: String,
    object: Object,
}

impl Read {
    fn is_type(&self) -> bool {
        self.predicate == loquat_terms::vocabulary::RDF_TYPE
    }

    fn ids(&self) -> impl Iterator<Item = &str> {
        let object = match &self.object {
            Object::Entity(id) | Object::Number { unit: Some(id), .. } => Some(id.as_str()),
            _ => None,
        };
        [self.subject.as_str(), self.predicate.as_str()].into_iter().chain(object)
    }
}
