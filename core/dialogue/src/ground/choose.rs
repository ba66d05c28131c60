//! Which facts of the topics answer. In: topics, and the relations asked for. Out: [`Grounds`], or none.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::sync::Arc;

use loquat_contract::{Entity, EntityId, Fact, Label, Language, Predicate};

use super::Grounds;
use super::topic::{Reader, Topic, is_object};
use crate::EngineError;

/// How many facts of one predicate an overview tells.
const OVERVIEW_LIST: usize = 8;
/// How many predicates an overview tells.
const OVERVIEW: usize = 4;

/// One candidate for each mention: one that has what is asked, else the likeliest.
pub(super) fn choose<'a>(by_mention: &'a [Vec<Topic>], relations: &[Vec<Arc<Predicate>>]) -> Vec<&'a Topic> {
    let fitness = |topic: &Topic| match topic.has_any(relations) {
        (true, _) => topic.score + 2.0,
        (false, true) => topic.score + 1.0,
        (false, false) => topic.score,
    };
    by_mention
        .iter()
        .filter_map(|topics| {
            topics.iter().max_by(|a, b| fitness(a).total_cmp(&fitness(b)).then(b.entity.id.cmp(&a.entity.id)))
        })
        .collect()
}

/// The facts that the relations ask for of the topics: with a topic as subject, else with one as object. A list is always taken whole,
/// also where only one of its objects was named. With `of_each`, the topics are listed, and what is asked is asked of each.
pub(super) fn related<T: Borrow<Topic>>(
    topics: &[T],
    relations: &[Vec<Arc<Predicate>>],
    of_each: bool,
) -> Option<Grounds> {
    let topics: Vec<&Topic> = topics.iter().map(Borrow::borrow).collect();
    let mut grounds = Grounds { relations: relations.to_vec(), ..Grounds::default() };
    for relation in relations {
        let before = grounds.facts.len();
        let outgoing: Vec<&Topic> =
            topics.iter().copied().filter(|topic| topic.outgoing(relation).next().is_some()).collect();
        let leading = if of_each { Vec::new() } else { leading_to_another(&outgoing, &topics, relation) };
        for topic in if leading.is_empty() { &outgoing } else { &leading } {
            grounds.add_by_predicate(topic.outgoing(relation), relation, false);
        }
        if outgoing.is_empty() {
            // Of several relations, it owns the nearest only.
            for topic in topics.iter().filter(|topic| !topic.is_owner || relations.len() > 1) {
                grounds.add_by_predicate(topic.incoming(relation), relation, true);
            }
        }
        grounds.is_complete &= grounds.facts.len() > before;
    }
    grounds.finish(&topics)
}

/// Whether a name restricts the question to something that the relations say nothing of: "green" in "is it available in green?", where
/// no stock is green. One that they lead to elsewhere only asks whether ("does it work with Linux?").
pub(super) fn is_restricted(
    topics: &[&Topic],
    relations: &[Vec<Arc<Predicate>>],
    within_relation: &[bool],
) -> bool {
    let is_name = |topic: &Topic| topic.mention.is_none_or(|place| within_relation.get(place) != Some(&true));
    topics.iter().any(|topic| is_name(topic) && topic.has_any(relations) == (false, false))
}

/// Of the subjects, those with a fact that leads to another topic: of "do the headphones work with iPhone?" the headphones. Where two
/// lead to each other, the first.
fn leading_to_another<'a>(
    subjects: &[&'a Topic],
    topics: &[&Topic],
    relation: &[Arc<Predicate>],
) -> Vec<&'a Topic> {
    let leads = |from: &Topic, to: &Topic| {
        from.entity.id != to.entity.id && from.outgoing(relation).any(|fact| is_object(fact, &to.entity))
    };
    let mut leading: Vec<&Topic> = Vec::new();
    for subject in subjects {
        let is_new = !leading.iter().any(|known| leads(known, subject));
        if is_new && topics.iter().any(|other| leads(subject, other)) {
            leading.push(subject);
        }
    }
    leading
}

/// What connects several names that come without a relation: "does Germany use the euro?"
pub(super) fn connected(topics: &[&Topic]) -> Option<Grounds> {
    let mut grounds = Grounds::default();
    for topic in topics {
        let leads = |fact: &&Fact| {
            topics.iter().any(|other| other.entity.id != topic.entity.id && is_object(fact, &other.entity))
        };
        let own = topic.facts.iter().filter(|fact| fact.subject.id == topic.entity.id);
        let predicates: Vec<Arc<Predicate>> = own.filter(leads).map(|fact| fact.predicate.clone()).collect();
        grounds.add_by_predicate(topic.outgoing(&predicates), &predicates, false);
    }
    grounds.finish(topics)
}

/// One relation asked of what another describes: "the currency of the country whose capital is Thimphu". The last relation leads from the
/// topics to the one thing described, and the others are asked of that; of several, `path` says what follows.
pub(super) async fn nested(
    topics: &[&Topic],
    relations: &[Vec<Arc<Predicate>>],
    knowledge: &Reader<'_>,
) -> Result<Option<Grounds>, EngineError> {
    let Some((inner, outer)) = relations.split_last() else { return Ok(None) };
    let mut described: Vec<Arc<Entity>> = Vec::new();
    let mut grounds = Grounds { relations: outer.to_vec(), ..Grounds::default() };
    for topic in topics {
        described.extend(topic.incoming(inner).map(|fact| fact.subject.clone()));
    }
    if described.len() != 1 {
        return Ok(None);
    }
    let described = knowledge.topics(&described).await?;
    for topic in &described {
        let found: Vec<&Fact> = outer.iter().flat_map(|relation| topic.outgoing(relation)).collect();
        if found.is_empty() {
            return Ok(None);
        }
        outer.iter().for_each(|relation| grounds.add_by_predicate(topic.outgoing(relation), relation, false));
    }
    grounds.asked_for = Some(grounds.groups.len());
    for topic in topics {
        grounds.add_by_predicate(topic.incoming(inner), inner, true);
    }
    Ok(grounds.finish(&described.iter().chain(topics.iter().copied()).collect::<Vec<_>>()))
}

/// What the graph says of the topics in general: a summary where it has one, else the first few predicates that are not too long
/// to tell; of an entity without facts of its own, those that lead to it.
pub(super) fn overview<T: Borrow<Topic>>(topics: &[T], language: &Language) -> Option<Grounds> {
    let topics: Vec<&Topic> = topics.iter().map(Borrow::borrow).collect();
    let mut grounds = Grounds::default();
    for topic in &topics {
        let own: Vec<&Fact> = topic.facts.iter().filter(|fact| fact.subject.id == topic.entity.id).collect();
        let summary: Vec<&Fact> =
            own.iter().copied().filter(|fact| is_summary(&fact.predicate, language)).collect();
        if !summary.is_empty() {
            // Each is a sentence by itself.
            summary.into_iter().for_each(|fact| grounds.add_group(vec![fact], false));
            continue;
        }
        let (facts, inverse) =
            if own.is_empty() { (topic.facts.iter().collect(), true) } else { (own, false) };
        let mut seen = HashSet::new();
        let predicates: Vec<&Arc<Predicate>> =
            facts.iter().map(|fact| &fact.predicate).filter(|predicate| seen.insert(&predicate.id)).collect();
        let groups = predicates.into_iter().map(|predicate| {
            facts.iter().copied().filter(|fact| fact.predicate.id == predicate.id).collect::<Vec<_>>()
        });
        let tellable = groups.filter(|group| group.len() <= OVERVIEW_LIST || inverse);
        let mut told: Vec<HashSet<&EntityId>> = Vec::new();
        for group in tellable.take(OVERVIEW) {
            // A part of the world and a continent of one name have the same countries.
            let subjects: HashSet<&EntityId> = group.iter().map(|fact| &fact.subject.id).collect();
            if !inverse || !told.iter().any(|known| subjects.is_subset(known)) {
                grounds.add_group(group, inverse);
                told.push(subjects);
            }
        }
    }
    grounds.finish(&topics)
}

/// Whether the predicate's text is a sentence by itself: its template is the object alone.
fn is_summary(predicate: &Predicate, language: &Language) -> bool {
    let own = |label: &&Label| label.language.as_ref().is_some_and(|own| own.matches(language));
    predicate.templates.single.iter().find(own).is_some_and(|template| template.text.trim() == "{object}")
}
