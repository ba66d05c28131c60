//! Which facts answer. In: [`Understood`] and the conversation's memory. Out: a [`Plan`]: facts in groups that are said together,
//! or that the graph does not say, or small talk. Writes no words.

mod choose;
mod topic;

use std::sync::Arc;

use loquat_contract::{Entity, Fact, Knowledge, Language, Predicate};

use crate::EngineError;
use crate::conclusion::Conclusion;
use crate::lexicon::Smalltalk;
use crate::session::Session;
use crate::understand::Understood;
use choose::{choose, connected, is_restricted, nested, overview, related};
use topic::{Reader, Topic, is_object};

/// A list longer than this is cut, and says so.
const LIST: usize = 40;
/// A name that comes without a relation has to be linked this surely: "hungry" is not Hungary.
const SURE: f32 = 0.7;

/// What the reply will rest on.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    /// These facts answer.
    Facts(Grounds),
    /// The graph does not say.
    Unknown(Unknown),
    /// Nothing was asked that facts could answer.
    Smalltalk(Smalltalk),
}

/// Why the graph does not say.
#[derive(Clone, Debug)]
pub(crate) enum Unknown {
    /// Nothing in the question is in the graph.
    Everything,
    /// This name is not in the graph.
    Name(String),
    /// This entity is, but nothing of what was asked of it.
    Relation(Arc<Entity>),
}

/// Facts that answer.
#[derive(Clone, Debug)]
pub(crate) struct Grounds {
    pub(crate) facts: Vec<Fact>,
    /// Which facts make one sentence together.
    pub(crate) groups: Vec<Group>,
    /// What the answer is about.
    pub(crate) focus: Vec<Arc<Entity>>,
    /// What was asked.
    pub(crate) relations: Vec<Vec<Arc<Predicate>>>,
    /// Whether every relation that was asked for has a fact.
    pub(crate) is_complete: bool,
    /// The linked mentions' chosen entities, by the mention's place.
    pub(crate) chosen: Vec<(usize, Arc<Entity>)>,
}

/// Facts that make one sentence.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    /// Indices into [`Grounds::facts`].
    pub(crate) facts: Vec<usize>,
    /// Whether they share the object and list subjects, rather than the other way.
    pub(crate) lists_subjects: bool,
    /// How many more there are than the group has.
    pub(crate) more: usize,
    /// What is said of them in place of the facts themselves.
    pub(crate) conclusion: Option<Conclusion>,
}

/// Chooses the facts that answer.
pub(crate) async fn ground(
    understood: &Understood,
    session: &Session,
    language: &Language,
    knowledge: &dyn Knowledge,
) -> Result<Plan, EngineError> {
    let knowledge = &Reader { knowledge, language };
    if let Some(kind) = understood.smalltalk {
        return Ok(Plan::Smalltalk(kind));
    }
    let by_mention = knowledge.mentioned(understood).await?;
    let unknown = || {
        Plan::Unknown(match (by_mention.iter().flatten().next(), &understood.unknown_name) {
            (Some(topic), _) => Unknown::Relation(topic.entity.clone()),
            (None, Some(name)) if !understood.relations.is_empty() && !understood.has_operator => {
                Unknown::Name(name.clone())
            }
            _ => Unknown::Everything,
        })
    };
    if understood.has_operator {
        return Ok(unknown());
    }
    let relations = &understood.relations;
    let is_plain = understood.unexplained.is_empty();
    let grounds = match (relations.is_empty(), by_mention.is_empty()) {
        (false, false) if !understood.is_answerable => None,
        (false, false) if understood.is_nested => {
            nested(&choose(&by_mention, relations), relations, knowledge).await?
        }
        (false, false) => {
            let topics = choose(&by_mention, relations);
            match related(&topics, relations) {
                None if understood.points_back => knowledge.of_conversation(session, relations).await?,
                Some(_) if is_restricted(&topics, relations, &understood.within_relation) => None,
                grounds => grounds,
            }
        }
        (false, true) if is_plain => knowledge.of_conversation(session, relations).await?,
        (true, false) if is_plain => {
            let topics = choose(&by_mention, &session.relations);
            let again = if understood.points_back { related(&topics, &session.relations) } else { None };
            match topics.as_slice() {
                _ if again.is_some() => again,
                [only] if only.score >= SURE => overview(&topics, language),
                [_] => None,
                _ => connected(&topics),
            }
        }
        (true, true) if is_plain && understood.points_back => {
            overview(&knowledge.remembered(session).await?, language)
        }
        _ => None,
    };
    Ok(grounds.map_or_else(unknown, Plan::Facts))
}

impl Default for Grounds {
    fn default() -> Self {
        Self {
            facts: Vec::new(),
            groups: Vec::new(),
            focus: Vec::new(),
            relations: Vec::new(),
            chosen: Vec::new(),
            is_complete: true,
        }
    }
}

impl Grounds {
    /// Adds facts as one group a predicate.
    fn add_by_predicate<'a>(
        &mut self,
        facts: impl Iterator<Item = &'a Fact>,
        predicates: &[Arc<Predicate>],
        lists_subjects: bool,
    ) {
        let facts: Vec<&Fact> = facts.collect();
        for predicate in predicates {
            let own = facts.iter().copied().filter(|fact| fact.predicate.id == predicate.id);
            self.add_group(own.collect(), lists_subjects);
        }
    }

    fn add_group(&mut self, facts: Vec<&Fact>, lists_subjects: bool) {
        let fresh: Vec<&Fact> =
            facts.into_iter().filter(|fact| !self.facts.iter().any(|known| known.id == fact.id)).collect();
        if fresh.is_empty() {
            return;
        }
        let kept = if fresh.len() > LIST { LIST - 2 } else { fresh.len() };
        let first = self.facts.len();
        self.facts.extend(fresh.iter().take(kept).map(|fact| (*fact).clone()));
        let more = fresh.len() - kept;
        let facts = (first..first + kept).collect();
        self.groups.push(Group { facts, lists_subjects, more, conclusion: None });
    }

    /// Notes what the answer is about; `None` without facts.
    fn finish(mut self, topics: &[&Topic]) -> Option<Self> {
        let concerns = |topic: &&&Topic| {
            self.facts.iter().any(|fact| fact.subject.id == topic.entity.id || is_object(fact, &topic.entity))
        };
        let used: Vec<&&Topic> = topics.iter().filter(concerns).collect();
        let as_subject: Vec<Arc<Entity>> = used
            .iter()
            .filter(|topic| self.facts.iter().any(|fact| fact.subject.id == topic.entity.id))
            .map(|topic| topic.entity.clone())
            .collect();
        let found_subjects = || match self.facts.as_slice() {
            [only] => vec![only.subject.clone()],
            _ => used.iter().map(|topic| topic.entity.clone()).collect(),
        };
        let focus = if as_subject.is_empty() { found_subjects() } else { as_subject };
        self.chosen =
            topics.iter().filter_map(|topic| Some((topic.mention?, topic.entity.clone()))).collect();
        self.focus = focus;
        (!self.facts.is_empty()).then_some(self)
    }
}
