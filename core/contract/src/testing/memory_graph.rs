//! A graph in memory. In: facts. Out: what [`Knowledge`] promises, by plain search. Small graphs only.

use std::collections::HashMap;
use std::sync::Arc;

use crate::{
    BoxFuture, Candidate, Entity, EntityId, Fact, Generation, Knowledge, KnowledgeError, Mention, Predicate,
    PredicateId, Schema, Value,
};

/// The facts of a test, searched one by one; names are compared without regard to case.
#[derive(Debug, Default)]
pub struct MemoryGraph {
    facts: Vec<Fact>,
    schema: Arc<Schema>,
}

impl MemoryGraph {
    /// A graph of these facts.
    pub fn new(facts: Vec<Fact>) -> Self {
        let mut predicates: Vec<Arc<Predicate>> = facts.iter().map(|fact| fact.predicate.clone()).collect();
        predicates.sort_by(|a, b| a.id.cmp(&b.id));
        predicates.dedup_by(|a, b| a.id == b.id);
        let mut sole_subjects: HashMap<PredicateId, Arc<Entity>> = HashMap::new();
        for predicate in &predicates {
            let mut subjects =
                facts.iter().filter(|fact| fact.predicate.id == predicate.id).map(|fact| &fact.subject);
            if let Some(first) = subjects.next()
                && subjects.all(|subject| subject.id == first.id)
            {
                sole_subjects.insert(predicate.id.clone(), first.clone());
            }
        }
        let schema = Arc::new(Schema { generation: Generation(1), predicates, sole_subjects });
        Self { facts, schema }
    }

    fn entities(&self) -> impl Iterator<Item = &Arc<Entity>> {
        self.facts.iter().flat_map(|fact| {
            let object = match &fact.object {
                Value::Entity(entity) => Some(entity),
                _ => None,
            };
            std::iter::once(&fact.subject).chain(object)
        })
    }

    /// The longest name at `start`, and every entity that has it.
    fn longest_at(&self, text: &str, start: usize) -> Option<Mention> {
        let rest = &text[start..];
        let mut best: Option<(usize, Vec<Arc<Entity>>)> = None;
        for entity in self.entities() {
            for name in entity.names() {
                let Some(head) = rest.get(..name.len()) else { continue };
                let next = rest[name.len()..].chars().next();
                let ends = next.is_none_or(|c| !c.is_ascii_alphanumeric()) || !head.is_ascii();
                if !ends || head.to_lowercase() != name.to_lowercase() {
                    continue;
                }
                match &mut best {
                    Some((length, found)) if *length == name.len() => {
                        if !found.iter().any(|e| e.id == entity.id) {
                            found.push(entity.clone());
                        }
                    }
                    Some((length, _)) if *length > name.len() => {}
                    _ => best = Some((name.len(), vec![entity.clone()])),
                }
            }
        }
        let (length, entities) = best?;
        let score = 1.0 / entities.len() as f32;
        let candidates = entities.into_iter().map(|entity| Candidate { entity, score }).collect();
        Some(Mention { range: start..start + length, text: rest[..length].to_owned(), candidates })
    }
}

impl Knowledge for MemoryGraph {
    fn link<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<Vec<Mention>, KnowledgeError>> {
        Box::pin(async move {
            let mut mentions: Vec<Mention> = Vec::new();
            let mut previous = ' ';
            for (start, c) in text.char_indices() {
                let inside = mentions.last().is_some_and(|mention| start < mention.range.end);
                let starts = !previous.is_ascii_alphanumeric() || !c.is_ascii();
                if starts && !inside {
                    mentions.extend(self.longest_at(text, start));
                }
                previous = c;
            }
            Ok(mentions)
        })
    }

    fn facts<'a>(
        &'a self,
        entity: &'a EntityId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Fact>, KnowledgeError>> {
        Box::pin(async move {
            let outgoing = self.facts.iter().filter(|fact| fact.subject.id == *entity).take(limit);
            let is_object =
                |fact: &&Fact| matches!(&fact.object, Value::Entity(object) if object.id == *entity);
            let incoming = self.facts.iter().filter(is_object).take(limit);
            Ok(outgoing.chain(incoming).cloned().collect())
        })
    }

    fn schema(&self) -> Arc<Schema> {
        self.schema.clone()
    }
}
