//! Names that mean several things. In: an answer, and the other things that its names may mean. Out: what to ask back, where another
//! meaning is about as likely, has what is asked too, and the answer would be another.

use std::collections::HashSet;
use std::sync::Arc;

use loquat_contract::{Candidate, Entity, EntityId, Fact, Language, Predicate, Value, best_label};

use super::Grounds;
use super::choose::related;
use super::topic::{Topic, is_object};
use crate::session::Session;
use crate::understand::Understood;

/// A meaning as likely as this needs no asking.
const CLEAR: f32 = 0.8;
/// How likely another meaning has to be, beside the likeliest.
const CLOSE: f32 = 0.5;
/// Meanings that are offered.
const OFFERED: usize = 6;

/// A name that may mean several things.
#[derive(Clone, Debug)]
pub(crate) struct Ambiguity {
    /// The name, as typed.
    pub(crate) name: String,
    /// What it may mean, the likeliest first, with a few words that tell them apart.
    pub(crate) meanings: Vec<Meaning>,
}

/// One of the things that a name may mean.
#[derive(Clone, Debug)]
pub(crate) struct Meaning {
    /// The thing.
    pub(crate) candidate: Candidate,
    /// What it is, in a few words.
    pub(crate) description: Option<String>,
}

/// The first name of the question that has to be asked about.
pub(super) fn ambiguity(
    grounds: &Grounds,
    understood: &Understood,
    session: &Session,
    by_mention: &[Vec<Topic>],
    language: &Language,
) -> Option<Ambiguity> {
    let is_known = |id: &EntityId| session.focus.iter().any(|entity| entity.id == *id);
    grounds.chosen.iter().find_map(|(place, chosen)| {
        let topics = by_mention.get(*place)?;
        let own = topics.iter().find(|topic| topic.entity.id == chosen.id)?;
        if own.score >= CLEAR || is_known(&chosen.id) || understood.within_relation.get(*place) == Some(&true)
        {
            return None;
        }
        let asked = asked_of(grounds, own);
        let answer = found(own, &asked)?;
        let others = topics.iter().filter(|topic| topic.entity.id != own.entity.id);
        let others: Vec<&Topic> = others
            .filter(|topic| topic.score >= CLOSE * own.score)
            .filter(|topic| found(topic, &asked).is_some_and(|other| other != answer))
            .collect();
        if others.is_empty() {
            return None;
        }
        let mention = understood.mentions.get(*place)?;
        let meant: Vec<&Topic> = std::iter::once(own).chain(others).take(OFFERED).collect();
        let meanings = meant
            .iter()
            .map(|topic| Meaning {
                candidate: Candidate { entity: topic.entity.clone(), score: 1.0 },
                description: description(topic, &meant, language),
            })
            .collect();
        Some(Ambiguity { name: mention.text.clone(), meanings })
    })
}

/// Relations that the answer takes from a topic, in either direction; none where the topic is told about in general.
fn asked_of(grounds: &Grounds, topic: &Topic) -> Vec<Arc<Predicate>> {
    if grounds.relations.is_empty() {
        return Vec::new();
    }
    let mut seen = HashSet::new();
    let touches = |fact: &&Fact| fact.subject.id == topic.entity.id || is_object(fact, &topic.entity);
    let of_topic = grounds.facts.iter().filter(touches).map(|fact| fact.predicate.clone());
    of_topic.filter(|predicate| seen.insert(predicate.id.clone())).collect()
}

/// What the topic has of these relations, so that it can be compared; `None` where it has nothing.
fn found(topic: &Topic, asked: &[Arc<Predicate>]) -> Option<HashSet<String>> {
    if asked.is_empty() {
        return (!topic.facts.is_empty()).then(|| HashSet::from([topic.entity.id.to_string()]));
    }
    let grounds = related(&[topic], &[asked.to_vec()], false)?;
    let english = Language::english();
    let end = |fact: &Fact| match &fact.object {
        Value::Entity(object) if object.id == topic.entity.id => fact.subject.id.to_string(),
        Value::Entity(object) => object.id.to_string(),
        value => value.text(&english),
    };
    Some(grounds.facts.iter().map(end).collect())
}

/// What tells a meaning from the others: its description, else nothing where its name does, else a fact of its own.
fn description(topic: &Topic, all: &[&Topic], language: &Language) -> Option<String> {
    let label = topic.entity.label(language);
    if let Some(described) = best_label(&topic.entity.descriptions, language) {
        return Some(described.to_owned());
    }
    let namesakes = all.iter().filter(|other| other.entity.label(language) == label).count();
    if namesakes < 2 {
        return None;
    }
    let own = topic.facts.iter().filter(|fact| fact.subject.id == topic.entity.id);
    let mut plain =
        own.filter(|fact| matches!(fact.object, Value::Entity(_) | Value::Date(_) | Value::Number { .. }));
    plain.next().map(|fact| format!("{}: {}", fact.predicate.label(language), fact.object.text(language)))
}

impl Ambiguity {
    /// The lines that a person may choose from.
    pub(crate) fn labels(&self, language: &Language) -> Vec<String> {
        self.meanings.iter().map(|meaning| meaning.label(language)).collect()
    }
}

impl Meaning {
    /// "Georgia — country in the Caucasus".
    pub(crate) fn label(&self, language: &Language) -> String {
        let name = self.entity().label(language);
        match &self.description {
            Some(description) => format!("{name} — {description}"),
            None => name.to_owned(),
        }
    }

    pub(crate) fn entity(&self) -> &Arc<Entity> {
        &self.candidate.entity
    }
}
