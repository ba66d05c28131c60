//! What relations lead to, as a phrase. In: a walk and the facts on it. Out: "the genres of those that were directed by Ann Lee", and
//! whether it stands for several things.

use std::collections::HashSet;

use loquat_contract::{EntityId, Fact, Value};
use loquat_retrieve::Step;

use super::fill;
use super::phrasing::phrasing;
use crate::conclusion::Walk;
use crate::lexicon::Lexicon;

/// A phrase, and whether it is in the plural.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phrase {
    pub(super) text: String,
    pub(super) is_plural: bool,
}

/// What the first `steps` of the walk lead to. The last of them is in the plural where `is_plural` says so or the facts lead to several.
pub(super) fn phrase(
    walk: &Walk,
    steps: usize,
    is_plural: bool,
    facts: &[&Fact],
    lexicon: &Lexicon,
) -> Phrase {
    let start = Phrase { text: walk.topic.name_in_sentence(&lexicon.language), is_plural: false };
    let mut reached = HashSet::from([walk.topic.id.clone()]);
    walk.steps.iter().take(steps).enumerate().fold(start, |before, (place, step)| {
        let (count, next) = follow(step, &reached, facts);
        reached = next;
        let is_plural = count > 1 || is_plural && place + 1 == steps;
        Phrase { text: along(step, &before.text, is_plural, lexicon), is_plural }
    })
}

/// One step on: what `from` leads to.
fn along(step: &Step, from: &str, is_plural: bool, lexicon: &Lexicon) -> String {
    let said = phrasing(&step.predicate, false, lexicon);
    let (one, several) = if step.inverse { &said.described } else { &said.reached };
    let template = if is_plural { several } else { one };
    fill(template, &[("subject", from), ("object", from)])
}

/// Where a step leads from these entities: how many values, and those that are entities.
fn follow(step: &Step, from: &HashSet<EntityId>, facts: &[&Fact]) -> (usize, HashSet<EntityId>) {
    let own = facts.iter().filter(|fact| fact.predicate.id == step.predicate.id);
    let mut reached = HashSet::new();
    let mut values = HashSet::new();
    for fact in own {
        match (&fact.object, step.inverse) {
            (Value::Entity(object), true) if from.contains(&object.id) => {
                reached.insert(fact.subject.id.clone());
            }
            (Value::Entity(object), false) if from.contains(&fact.subject.id) => {
                reached.insert(object.id.clone());
            }
            (_, false) if from.contains(&fact.subject.id) => {
                values.insert(&fact.id);
            }
            _ => {}
        }
    }
    (reached.len() + values.len(), reached)
}
