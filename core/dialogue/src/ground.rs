//! Which facts answer. In: [`Understood`] and the conversation's memory. Out: a [`Plan`]: facts in groups that are said together, what
//! follows from several, what has to be asked back, that the graph does not say, or small talk. Writes no words.
//!
//! There are two ways. The first (`named`) answers where the question's words are all accounted for: names, names of relations and
//! words that change nothing. It is precise, and refuses all else. The second (`path`) has a [`Retriever`] find the relations by
//! other words, over several steps, and compute with them (`computed`); it answers where that is sure enough. What either leaves open
//! is asked back (`clarify`), or not answered.

mod choose;
mod clarify;
mod computed;
mod named;
mod path;
mod polar;
mod topic;

use std::sync::Arc;

use loquat_contract::{Entity, Fact, Knowledge, Language, Predicate};
use loquat_retrieve::{Retriever, Step};

use crate::EngineError;
use crate::conclusion::{Conclusion, Walk};
use crate::lexicon::{Lexicon, Smalltalk};
use crate::session::Session;
use crate::understand::Understood;
use polar::Polar;
use topic::{Reader, Topic, is_object};

pub(crate) use clarify::Ambiguity;

/// A list longer than this is cut, and says so.
const LIST: usize = 40;

/// How many of a list are said.
fn kept(length: usize) -> usize {
    if length > LIST { LIST - 2 } else { length }
}

/// What the reply will rest on.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    /// These facts answer.
    Facts(Grounds),
    /// A name means several things, each of which has what is asked.
    Clarify(Ambiguity),
    /// The graph does not say.
    Unknown(Unknown),
    /// Nothing was asked that facts could answer.
    Smalltalk(Smalltalk),
}

impl Plan {
    /// Its name for those who trace it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Facts(_) => "facts",
            Self::Clarify(_) => "clarify",
            Self::Unknown(_) => "unknown",
            Self::Smalltalk(_) => "smalltalk",
        }
    }
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
    /// How many of the groups, from the first, say what was asked for; the others say why. `None`: all.
    pub(crate) asked_for: Option<usize>,
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

/// What facts are read from.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a> {
    /// The graph.
    pub(crate) knowledge: &'a dyn Knowledge,
    /// What finds paths in it.
    pub(crate) retriever: &'a Retriever,
    /// The language of the answer.
    pub(crate) language: &'a Language,
    /// Its words.
    pub(crate) lexicon: &'a Lexicon,
}

/// Chooses the facts that answer.
pub(crate) async fn ground(
    text: &str,
    understood: &Understood,
    session: &Session,
    sources: Sources<'_>,
) -> Result<Plan, EngineError> {
    if let Some(kind) = understood.smalltalk {
        return Ok(Plan::Smalltalk(kind));
    }
    let reader = &Reader { knowledge: sources.knowledge, language: sources.language };
    let by_mention = reader.mentioned(understood).await?;
    let named = match named::named(understood, session, &by_mention, reader).await? {
        Some(grounds) => {
            let polar = Polar { text, understood, lexicon: sources.lexicon };
            computed::concluded(grounds, &polar, &by_mention)
        }
        None => None,
    };
    let is_chained = understood.is_chained && !understood.is_nested;
    let is_settled = named.as_ref().is_some_and(|grounds| grounds.is_complete && !is_chained);
    let found = match named {
        Some(grounds) if is_settled => Some(grounds),
        named => {
            let retrieved = path::retrieved(text, understood, session, &by_mention, sources).await?;
            // Where the words are all accounted for, only a path of the same relations is a better reading of them.
            let is_asked = |step: &Step| {
                understood.relations.iter().flatten().any(|asked| asked.id == step.predicate.id)
            };
            let follows = |grounds: &Grounds| grounds.walks().any(|walk| walk.steps.iter().all(is_asked));
            // What the name has itself is nearer than the same of something that leads to it: of shipping to a country, the cost there.
            let has_itself = |walk: &Walk| {
                let leads_to_it = walk.steps.first().is_some_and(|first| first.inverse);
                let own = named.iter().filter(|_| leads_to_it).flat_map(|grounds| &grounds.facts);
                own.filter(|fact| fact.subject.id == walk.topic.id)
                    .any(|fact| walk.steps.last().is_some_and(|last| last.predicate.id == fact.predicate.id))
            };
            let is_better = |grounds: &Grounds| follows(grounds) && !grounds.walks().any(has_itself);
            retrieved.filter(|grounds| named.is_none() || is_better(grounds)).or(named)
        }
    };
    let Some(grounds) = found else { return Ok(Plan::Unknown(unknown(understood, &by_mention))) };
    Ok(match clarify::ambiguity(&grounds, understood, session, &by_mention, sources.language) {
        Some(ambiguity) => Plan::Clarify(ambiguity),
        None => Plan::Facts(grounds.cut()),
    })
}

fn unknown(understood: &Understood, by_mention: &[Vec<Topic>]) -> Unknown {
    let named = by_mention.iter().zip(&understood.within_relation).filter(|(_, is_word)| !**is_word);
    match (named.flat_map(|(topics, _)| topics).next(), &understood.unknown_name) {
        (Some(topic), _) => Unknown::Relation(topic.entity.clone()),
        (None, Some(name)) if !understood.relations.is_empty() && !understood.has_operator => {
            Unknown::Name(name.clone())
        }
        _ => Unknown::Everything,
    }
}

impl Default for Grounds {
    fn default() -> Self {
        Self {
            facts: Vec::new(),
            groups: Vec::new(),
            focus: Vec::new(),
            relations: Vec::new(),
            chosen: Vec::new(),
            asked_for: None,
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
        let first = self.facts.len();
        let facts = (first..first + fresh.len()).collect();
        self.facts.extend(fresh.into_iter().cloned());
        self.groups.push(Group { facts, lists_subjects, more: 0, conclusion: None });
    }

    /// The relations that what is concluded was walked along.
    fn walks(&self) -> impl Iterator<Item = &Walk> {
        self.groups.iter().filter_map(|group| match group.conclusion.as_ref()? {
            Conclusion::Values { walk, .. } | Conclusion::Count { walk, .. } => Some(walk),
            Conclusion::Extreme { among, .. } => among.as_ref(),
            Conclusion::YesNo(_) => None,
        })
    }

    /// One thing that follows from these facts.
    fn concluded<'a>(
        conclusion: Conclusion,
        facts: impl Iterator<Item = &'a Fact>,
        focus: Vec<Arc<Entity>>,
    ) -> Self {
        let mut grounds = Grounds { focus, ..Grounds::default() };
        grounds.add_group(facts.collect(), false);
        grounds.groups.truncate(1);
        grounds.groups.iter_mut().for_each(|group| group.conclusion = Some(conclusion.clone()));
        grounds
    }

    /// Cuts lists that are too long to be said, and notes how much is missing.
    fn cut(self) -> Self {
        let mut facts = Vec::new();
        let cut = |group: &Group| {
            let kept = if group.conclusion.is_some() { group.facts.len() } else { kept(group.facts.len()) };
            let first = facts.len();
            facts.extend(group.facts[..kept].iter().map(|index| self.facts[*index].clone()));
            let more = group.more + group.facts.len() - kept;
            Group { facts: (first..first + kept).collect(), more, ..group.clone() }
        };
        let groups = self.groups.iter().map(cut).collect();
        Self { facts, groups, ..self }
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
