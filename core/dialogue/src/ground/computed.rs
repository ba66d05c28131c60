//! What is computed of facts: how many, yes or no, the greatest. In: facts of the first way, or what the retriever computed. Out:
//! [`Grounds`] with a [`Conclusion`]. Nothing is concluded from a list that was cut.

use std::sync::Arc;

use loquat_contract::{Entity, Fact, Value};
use loquat_retrieve::{Computed, Outcome, Retrieval, Step};

use super::path::focus;
use super::polar::Polar;
use super::topic::{Topic, is_object};
use super::{Grounds, Group};
use crate::conclusion::{Conclusion, Walk};

/// What follows of the facts for a question that counts, or wants a yes or no; the facts as they are for any other. `None` where it
/// counts and they are nothing that can be counted.
pub(super) fn concluded(grounds: Grounds, polar: &Polar<'_>, by_mention: &[Vec<Topic>]) -> Option<Grounds> {
    let understood = polar.understood;
    let predicate = |group: &Group| Some(&grounds.facts.get(*group.facts.first()?)?.predicate.id);
    let conclusion = match grounds.groups.as_slice() {
        [only] if understood.counts => counted(&grounds, only),
        // Of two names that have a list each, the first is asked whether it leads to the second.
        [first, rest @ ..] if understood.is_polar => {
            let is_one = rest.iter().all(|other| predicate(other) == predicate(first));
            let decided = if is_one { decided(&grounds, first, by_mention) } else { None };
            decided.filter(|(conclusion, facts)| {
                let facts: Vec<Fact> = facts.iter().map(|index| grounds.facts[*index].clone()).collect();
                polar.allows(*conclusion == Conclusion::YesNo(true), &facts)
            })
        }
        _ => None,
    };
    let Some((conclusion, facts)) = conclusion else { return Some(grounds) };
    let facts: Vec<Fact> = facts.into_iter().map(|index| grounds.facts[index].clone()).collect();
    let (focus, relations, chosen) = (grounds.focus, grounds.relations, grounds.chosen);
    let is_complete = grounds.is_complete;
    let concluded = Grounds::concluded(conclusion, facts.iter(), focus);
    Some(Grounds { relations, chosen, is_complete, ..concluded })
}

/// How many a list has; `None` for what is a number itself.
fn counted(grounds: &Grounds, group: &Group) -> Option<(Conclusion, Vec<usize>)> {
    let first = grounds.facts.get(*group.facts.first()?)?;
    let (topic, inverse) = match (&first.object, group.lists_subjects) {
        (Value::Entity(object), true) => (object, true),
        (object, false) if !is_amount(group.facts.len(), object) => (&first.subject, false),
        _ => return None,
    };
    let walk =
        Walk { topic: topic.clone(), steps: vec![Step { predicate: first.predicate.clone(), inverse }] };
    Some((Conclusion::Count { walk, count: group.facts.len() }, group.facts.clone()))
}

/// Whether the values of a list are an amount by themselves rather than to be counted: one "7200 rpm" is not one speed.
pub(super) fn is_amount(values: usize, first: &Value) -> bool {
    match first {
        Value::Entity(entity) => values < 2 && entity.names().any(|name| name.contains(char::is_numeric)),
        Value::Text(label) => values < 2 && label.text.contains(char::is_numeric),
        _ => true,
    }
}

/// Whether the relation leads from one name to the other.
fn decided(grounds: &Grounds, group: &Group, by_mention: &[Vec<Topic>]) -> Option<(Conclusion, Vec<usize>)> {
    let facts = || group.facts.iter().filter_map(|index| Some((*index, grounds.facts.get(*index)?)));
    let (_, first) = facts().next()?;
    let one = |fact: &Fact| match &fact.object {
        Value::Entity(object) if group.lists_subjects => Some(object.clone()),
        _ => Some(fact.subject.clone()),
    };
    let own = one(first)?;
    let is_own = |topics: &Vec<Topic>| topics.iter().any(|topic| topic.entity.id == own.id);
    let others: Vec<&Vec<Topic>> = by_mention.iter().filter(|topics| !is_own(topics)).collect();
    let [other] = others.as_slice() else { return None };
    let reaches = |fact: &Fact| {
        other.iter().any(|topic| {
            if group.lists_subjects {
                fact.subject.id == topic.entity.id
            } else {
                is_object(fact, &topic.entity)
            }
        })
    };
    let proofs: Vec<usize> = facts().filter(|(_, fact)| reaches(fact)).map(|(index, _)| index).collect();
    // A name that is no value of the relation anywhere asks for something else.
    let is_of_kind = |topic: &Topic| topic.facts.iter().any(|fact| fact.predicate.id == first.predicate.id);
    if proofs.is_empty() && !other.iter().any(is_of_kind) {
        return None;
    }
    Some(if proofs.is_empty() {
        (Conclusion::YesNo(false), group.facts.clone())
    } else {
        (Conclusion::YesNo(true), proofs)
    })
}

/// The names of relations that the question's words were matched with.
pub(super) fn matched(computed: &Computed, found: &Retrieval) -> Vec<Option<String>> {
    let own = found.groups.iter().find(|group| {
        group.path == computed.path && Some(&group.topic.id) == computed.topic.as_ref().map(|topic| &topic.id)
    });
    let attribute = computed.attribute.iter().flat_map(|predicate| predicate.names());
    let attribute = attribute.map(|name| Some(name.to_owned()));
    own.map(|group| group.matched.clone()).unwrap_or_default().into_iter().chain(attribute).collect()
}

/// What the retriever computed, as something to be said; `None` where a limit left facts out.
pub(super) fn grounds(computed: &Computed, found: &Retrieval) -> Option<Grounds> {
    let walk = || Some(Walk { topic: computed.topic.clone()?, steps: computed.path.clone() });
    // Of what the question narrows further, a conclusion could not say among what it holds.
    let is_listed = matches!(computed.outcome, Outcome::Within(_) | Outcome::YesNo(_));
    if computed.facts.is_empty() || found.truncated || computed.narrowed && !is_listed {
        return None;
    }
    let (conclusion, focus): (Conclusion, Vec<Arc<Entity>>) = match &computed.outcome {
        Outcome::Count { at_least: true, .. } => return None,
        Outcome::Count { count, .. } => {
            let walk = walk()?;
            let topic = walk.topic.clone();
            (Conclusion::Count { walk, count: *count }, vec![topic])
        }
        Outcome::YesNo(holds) => (Conclusion::YesNo(*holds), computed.topic.iter().cloned().collect()),
        Outcome::Extreme { most, entities } => {
            let among = walk().filter(|walk| !walk.steps.is_empty());
            let (entities, attribute) = (entities.clone(), computed.attribute.clone()?);
            let focus = entities.clone();
            (Conclusion::Extreme { most: *most, attribute, entities, among }, focus)
        }
        Outcome::Within(values) => {
            let walk = walk()?;
            let focus = focus(values, &walk.topic);
            if let [step] = walk.steps.as_slice() {
                return listed(computed, values, step, focus);
            }
            let kept = super::kept(values.len());
            let more = values.len() - kept;
            let conclusion = Conclusion::Values { walk, values: values[..kept].to_vec(), more };
            (conclusion, focus)
        }
    };
    Some(Grounds::concluded(conclusion, computed.facts.iter(), focus))
}

/// The facts of a plain list that have these values.
fn listed(computed: &Computed, values: &[Value], step: &Step, focus: Vec<Arc<Entity>>) -> Option<Grounds> {
    let has = |fact: &&Fact| {
        fact.predicate.id == step.predicate.id
            && values.iter().any(|value| match value {
                Value::Entity(entity) if step.inverse => fact.subject.id == entity.id,
                value => !step.inverse && fact.object == *value,
            })
    };
    let mut grounds = Grounds { focus, relations: vec![vec![step.predicate.clone()]], ..Grounds::default() };
    grounds.add_group(computed.facts.iter().filter(has).collect(), step.inverse);
    (!grounds.facts.is_empty()).then_some(grounds)
}
