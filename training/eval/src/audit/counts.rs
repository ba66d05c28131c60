//! Counts, done again. In: a number that stands in no fact, the facts beside it, and the graph. Out: whether it counts what the graph
//! has of the like.

use std::collections::HashSet;

use loquat_contract::{Fact, Knowledge, KnowledgeError, Reply, Value};

use crate::quantity::{Found, Quantity, agrees};

/// Facts of an entity that are counted.
const LIMIT: usize = 1_000_000;
/// Entities whose facts are counted; a list's members are alike.
const ENTITIES: usize = 4;

/// Whether a number is how many cited facts there are, how many facts of their kind their subject or object has, or how many of
/// those the sentence leaves out.
pub(super) async fn recomputes(
    graph: &dyn Knowledge,
    number: &Found,
    facts: &[Fact],
    reply: &Reply,
) -> Result<bool, KnowledgeError> {
    let Quantity::Number(value) = number.value else { return Ok(false) };
    if value.fract() != 0.0 || value < 0.0 {
        return Ok(false);
    }
    let mut counts: HashSet<usize> = HashSet::from([facts.len(), reply.values.len()]);
    let distinct = |names: HashSet<String>| names.len();
    counts.insert(distinct(facts.iter().map(|fact| fact.subject.id.to_string()).collect()));
    counts.insert(distinct(facts.iter().map(|fact| format!("{:?}", fact.object)).collect()));
    let found =
        |counts: &HashSet<usize>| counts.iter().any(|count| agrees(number, Quantity::Number(*count as f64)));
    if found(&counts) && !facts.is_empty() {
        return Ok(true);
    }
    let mut seen = HashSet::new();
    for fact in facts {
        let object = match &fact.object {
            Value::Entity(entity) => Some(&entity.id),
            _ => None,
        };
        for entity in std::iter::once(&fact.subject.id).chain(object) {
            if seen.len() == ENTITIES || !seen.insert((entity.clone(), fact.predicate.id.clone())) {
                continue;
            }
            let all = graph.facts(entity, LIMIT).await?;
            let alike = all.iter().filter(|other| other.predicate.id == fact.predicate.id);
            let (from, to): (Vec<&Fact>, Vec<&Fact>) = alike.partition(|other| other.subject.id == *entity);
            for total in [from.len(), to.len()].into_iter().filter(|total| *total > 0) {
                counts.insert(total);
                // “… and 12 more”.
                counts.extend(total.checked_sub(facts.len()));
            }
        }
    }
    Ok(!facts.is_empty() && found(&counts))
}
