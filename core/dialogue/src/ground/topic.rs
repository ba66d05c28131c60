//! What a question may be about. In: mentions, or what the conversation was about. Out: [`Topic`]s, read from the graph for an answer in
//! one language.

use std::collections::HashSet;
use std::sync::Arc;

use loquat_contract::{Entity, Fact, Knowledge, Label, Language, Predicate, Value};

use super::Grounds;
use super::choose::related;
use crate::EngineError;
use crate::session::Session;
use crate::understand::Understood;

/// At most this many facts of an entity are looked at, either way.
pub(super) const NEIGHBOURHOOD: usize = 512;
/// How many candidates of a mention are looked at.
const CANDIDATES: usize = 4;

/// An entity that the question may be about, with the facts around it.
pub(super) struct Topic {
    /// The mention's place; `None` for what the conversation was about.
    pub(super) mention: Option<usize>,
    pub(super) entity: Arc<Entity>,
    pub(super) score: f32,
    /// Whether it owns what is asked for: "Ann's child" is not whose child Ann is.
    pub(super) is_owner: bool,
    pub(super) facts: Vec<Fact>,
}

impl Topic {
    pub(super) fn outgoing<'a>(&'a self, relation: &'a [Arc<Predicate>]) -> impl Iterator<Item = &'a Fact> {
        self.facts.iter().filter(|fact| fact.subject.id == self.entity.id && asks(relation, fact))
    }

    pub(super) fn incoming<'a>(&'a self, relation: &'a [Arc<Predicate>]) -> impl Iterator<Item = &'a Fact> {
        self.facts.iter().filter(|fact| is_object(fact, &self.entity) && asks(relation, fact))
    }

    pub(super) fn has_any(&self, relations: &[Vec<Arc<Predicate>>]) -> (bool, bool) {
        (
            relations.iter().any(|relation| self.outgoing(relation).next().is_some()),
            relations.iter().any(|relation| self.incoming(relation).next().is_some()),
        )
    }
}

pub(super) fn asks(relation: &[Arc<Predicate>], fact: &Fact) -> bool {
    relation.iter().any(|predicate| predicate.id == fact.predicate.id)
}

pub(super) fn is_object(fact: &Fact, entity: &Entity) -> bool {
    matches!(&fact.object, Value::Entity(object) if object.id == entity.id)
}

/// The graph, read for an answer in one language.
pub(super) struct Reader<'a> {
    pub(super) knowledge: &'a dyn Knowledge,
    pub(super) language: &'a Language,
}

impl Reader<'_> {
    /// The candidates of each mention, with their facts.
    pub(super) async fn mentioned(&self, understood: &Understood) -> Result<Vec<Vec<Topic>>, EngineError> {
        let mut by_mention = Vec::new();
        for (place, mention) in understood.mentions.iter().enumerate() {
            let mut topics = Vec::new();
            for candidate in mention.candidates.iter().take(CANDIDATES) {
                let topic = self.topic(Some(place), &candidate.entity, candidate.score).await?;
                let is_owner = understood.is_owner.get(place) == Some(&true);
                topics.push(Topic { is_owner, ..topic });
            }
            by_mention.push(topics);
        }
        Ok(by_mention)
    }

    /// The facts that answer without a name: of what was talked about, else of the only entity that has what is asked.
    pub(super) async fn of_conversation(
        &self,
        session: &Session,
        relations: &[Vec<Arc<Predicate>>],
    ) -> Result<Option<Grounds>, EngineError> {
        match related(&self.remembered(session).await?, relations, false) {
            None => Ok(related(&self.sole_subjects(relations).await?, relations, false)),
            grounds => Ok(grounds),
        }
    }

    /// What the conversation was about.
    pub(super) async fn remembered(&self, session: &Session) -> Result<Vec<Topic>, EngineError> {
        self.topics(&session.focus).await
    }

    /// The entities that alone have what is asked; none where the words may also mean a predicate of many.
    async fn sole_subjects(&self, relations: &[Vec<Arc<Predicate>>]) -> Result<Vec<Topic>, EngineError> {
        let schema = self.knowledge.schema();
        let subjects =
            relations.iter().flatten().map(|predicate| schema.sole_subjects.get(&predicate.id).cloned());
        let subjects: Option<Vec<Arc<Entity>>> = subjects.collect();
        self.topics(&subjects.unwrap_or_default()).await
    }

    pub(super) async fn topics(&self, entities: &[Arc<Entity>]) -> Result<Vec<Topic>, EngineError> {
        let mut topics = Vec::new();
        for entity in entities {
            topics.push(self.topic(None, entity, 1.0).await?);
        }
        Ok(topics)
    }

    async fn topic(
        &self,
        mention: Option<usize>,
        entity: &Arc<Entity>,
        score: f32,
    ) -> Result<Topic, EngineError> {
        let mut facts = self.in_language(self.knowledge.facts(&entity.id, NEIGHBOURHOOD).await?);
        // A city that is its own capital is met from both ends.
        let mut seen = HashSet::new();
        facts.retain(|fact| seen.insert(fact.id.clone()));
        Ok(Topic { mention, entity: entity.clone(), score, is_owner: false, facts })
    }

    /// Texts in several languages are one fact: those of this language, where there are any.
    fn in_language(&self, facts: Vec<Fact>) -> Vec<Fact> {
        let is_own = |fact: &Fact| match &fact.object {
            Value::Text(Label { language: Some(language), .. }) => language.matches(self.language),
            _ => true,
        };
        let has_own = |other: &Fact| {
            let same =
                |fact: &&Fact| fact.subject.id == other.subject.id && fact.predicate.id == other.predicate.id;
            facts.iter().filter(same).any(is_own)
        };
        let keep: Vec<bool> = facts.iter().map(|fact| is_own(fact) || !has_own(fact)).collect();
        facts.into_iter().zip(keep).filter_map(|(fact, keep)| keep.then_some(fact)).collect()
    }
}
