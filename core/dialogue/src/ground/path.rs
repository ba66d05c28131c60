//! The second way: relations in other words, and over several steps. In: a question that the first way does not answer. Out:
//! [`Grounds`] of what the retriever finds surely enough, or none. What restricts the question beside the path refuses it.

use std::sync::Arc;

use loquat_contract::{Entity, EntityId, Fact, Predicate, Value};
use loquat_retrieve::{Asked, Computed, Group as Path, Outcome, Retrieval, RetrieveError, SURE, Shape, Step};

use super::polar::Polar;
use super::topic::{Topic, is_object};
use super::{Grounds, Sources, computed};
use crate::EngineError;
use crate::conclusion::{Conclusion, Walk};
use crate::session::Session;
use crate::understand::Understood;
use crate::words::keys;

/// The same as [`SURE`] where words are compared character by character: 国王 and 国旗 share one.
const SURE_OF_CHARACTERS: f32 = 0.8;
/// A name has to be linked this surely to restrict a question.
const NAMED: f32 = 0.5;
/// Facts of one entity that are read where a list of them has to be whole.
const WHOLE: usize = 65_536;

pub(super) async fn retrieved(
    text: &str,
    understood: &Understood,
    session: &Session,
    by_mention: &[Vec<Topic>],
    sources: Sources<'_>,
) -> Result<Option<Grounds>, EngineError> {
    let is_about_nothing = understood.mentions.is_empty() && !understood.foreign_names.is_empty();
    if !understood.is_computable || is_about_nothing {
        return Ok(None);
    }
    let about: Vec<EntityId> = if understood.points_back || understood.mentions.is_empty() {
        session.focus.iter().map(|entity| entity.id.clone()).collect()
    } else {
        Vec::new()
    };
    let asked = Asked { text, about: &about, mentions: Some(&understood.mentions) };
    let found = match sources.retriever.retrieve(asked).await {
        Ok(found) => found,
        Err(RetrieveError::Knowledge(error)) => return Err(error.into()),
        Err(error) => {
            tracing::error!(%error, "a question is answered without retrieval");
            return Ok(None);
        }
    };
    let question = Question { text, understood, by_mention, sources };
    question.grounds(&found).await
}

/// What was asked, and what it may be answered from.
struct Question<'a> {
    text: &'a str,
    understood: &'a Understood,
    by_mention: &'a [Vec<Topic>],
    sources: Sources<'a>,
}

impl Question<'_> {
    async fn grounds(&self, found: &Retrieval) -> Result<Option<Grounds>, EngineError> {
        let first =
            found.groups.first().and_then(|best| Some((best.answers.len(), &best.answers.first()?.value)));
        let is_amount = first.is_some_and(|(values, first)| computed::is_amount(values, first));
        if let Some(computed) = &found.computed
            && self.wants(computed, is_amount)
            && (found.shape != Shape::Value || matches!(computed.outcome, Outcome::Within(_)))
        {
            let is_free = computed.certainty >= SURE
                && self.allows(&computed::matched(computed, found), self.bounds(&computed.outcome))
                && self.says_all(
                    &computed::matched(computed, found),
                    &computed.path,
                    computed.attribute.as_deref(),
                )
                && !self.is_restricted(&computed.facts, computed.topic.as_deref());
            let grounds = if is_free { computed::grounds(computed, found) } else { None };
            return Ok(grounds.map(|grounds| self.noted(grounds, &computed.facts)));
        }
        tracing::debug!(
            path = found.groups.first().map(|group| group.reason(self.sources.language)),
            certainty = found.groups.first().map(|group| group.certainty),
            "retrieved"
        );
        let sure = if self.sources.language.is_unspaced() { SURE_OF_CHARACTERS } else { SURE };
        let Some(best) = found.groups.first().filter(|best| best.certainty >= sure) else { return Ok(None) };
        // "the highest point" compares nothing where a relation is called so.
        let is_compared = self.understood.comparing.as_ref().is_some_and(|range| {
            let matched = said(&best.matched, self.sources);
            let compared = keys(&self.text[range.clone()], self.sources.language);
            !compared.iter().all(|word| matched.contains(word))
        });
        let counts = self.understood.counts || found.shape == Shape::Count;
        let is_counted = counts && !is_amount;
        let says_all = self.says_all(&best.matched, &best.path, None);
        if is_compared || is_counted || !says_all || !self.allows(&best.matched, false) {
            return Ok(None);
        }
        let facts: Vec<Fact> = best.answers.iter().flat_map(|answer| answer.facts.iter().cloned()).collect();
        if self.is_restricted(&facts, Some(&best.topic)) {
            return Ok(None);
        }
        let grounds = match best.path.as_slice() {
            [_] => self.one_step(best).await?,
            _ => values(best),
        };
        Ok(grounds.map(|grounds| self.noted(grounds, &facts)))
    }

    /// Whether the question asks for what was computed. A yes or no has to be that of the question as it is put; of several steps
    /// nobody can tell.
    fn wants(&self, computed: &Computed, is_amount: bool) -> bool {
        match computed.outcome {
            Outcome::Count { .. } => !is_amount,
            Outcome::YesNo(_) if !self.understood.is_polar => false,
            Outcome::YesNo(_) if computed.attribute.is_some() => true,
            Outcome::YesNo(holds) => {
                let Sources { lexicon, .. } = self.sources;
                let polar = Polar { text: self.text, understood: self.understood, lexicon };
                computed.path.len() == 1 && polar.allows(holds, &computed.facts)
            }
            Outcome::Extreme { .. } | Outcome::Within(_) => true,
        }
    }

    /// Whether the way says all that the question does: each relation that it names outright, by this or another of its words, and
    /// no word is left that neither the relations nor plain talk account for. Where words have no spaces between them, what is left
    /// is told too roughly to refuse for it; there, the path's certainty has to do.
    fn says_all(&self, matched: &[Option<String>], steps: &[Step], attribute: Option<&Predicate>) -> bool {
        let walked = || steps.iter().map(|step| &*step.predicate).chain(attribute);
        let Sources { retriever, language, .. } = self.sources;
        let matched = said(matched, self.sources);
        let says = |name: &str| keys(name, language).iter().any(|key| matched.contains(key));
        let is_said = |relation: &Vec<Arc<Predicate>>| {
            relation.iter().any(|asked| walked().any(|step| step.id == asked.id) || asked.names().any(says))
        };
        // What compares is accounted for by what was computed, or refused before.
        let compared = self.understood.comparing.as_ref().map_or("", |range| &self.text[range.clone()]);
        let is_accounted = |word: &str| {
            compared.split_whitespace().any(|compares| compares == word)
                || keys(word, language).iter().all(|key| matched.contains(key))
                || retriever.is_plain(word, language)
        };
        let left = self.understood.unexplained.iter().flat_map(|stretch| stretch.split_whitespace());
        let says_words = language.is_unspaced() || left.into_iter().all(is_accounted);
        self.understood.relations.iter().all(is_said) && says_words
    }

    /// Whether names and numbers that the graph does not have are part of what was matched; years may bound a computed result.
    fn allows(&self, matched: &[Option<String>], has_bounds: bool) -> bool {
        let matched = said(matched, self.sources);
        let language = self.sources.language;
        let is_matched = |name: &String| keys(name, language).iter().all(|word| matched.contains(word));
        let Understood { foreign_names, compounds, has_number, .. } = self.understood;
        (has_bounds || !has_number) && foreign_names.iter().chain(compounds).all(is_matched)
    }

    /// Whether the outcome takes account of years in the question.
    fn bounds(&self, outcome: &Outcome) -> bool {
        !matches!(outcome, Outcome::Extreme { .. })
    }

    /// Whether the question has another name that nothing on the way leads to: "which films with Ann Lee did Bo Chen direct" is no
    /// question for all of his films.
    fn is_restricted(&self, facts: &[Fact], topic: Option<&Entity>) -> bool {
        let leads_to = |entity: &Entity| {
            topic.is_some_and(|topic| topic.id == entity.id)
                || facts.iter().any(|fact| fact.subject.id == entity.id || is_object(fact, entity))
        };
        self.by_mention.iter().enumerate().any(|(place, topics)| {
            let is_sure = topics.first().is_some_and(|topic| topic.score >= NAMED);
            let is_name = self.understood.within_relation.get(place) != Some(&true);
            is_name && is_sure && !topics.iter().any(|topic| leads_to(&topic.entity))
        })
    }

    /// The facts of one relation, as the first way gives them. A list is whole, or not given.
    async fn one_step(&self, path: &Path) -> Result<Option<Grounds>, EngineError> {
        let [step] = path.path.as_slice() else { return Ok(None) };
        let mut facts: Vec<Fact> =
            path.answers.iter().filter_map(|answer| answer.facts.last().cloned()).collect();
        if path.truncated {
            let all = self.sources.knowledge.facts(&path.topic.id, WHOLE).await?;
            if all.len() >= WHOLE {
                return Ok(None);
            }
            let is_asked = |fact: &Fact| {
                fact.predicate.id == step.predicate.id
                    && if step.inverse {
                        is_object(fact, &path.topic)
                    } else {
                        fact.subject.id == path.topic.id
                    }
            };
            facts = all.into_iter().filter(is_asked).collect();
        }
        let mut grounds = Grounds { relations: vec![vec![step.predicate.clone()]], ..Grounds::default() };
        grounds.add_group(facts.iter().collect(), step.inverse);
        grounds.focus = match facts.as_slice() {
            [only] if step.inverse => vec![only.subject.clone()],
            _ => vec![path.topic.clone()],
        };
        Ok((!grounds.facts.is_empty()).then_some(grounds))
    }

    /// Notes which of a name's candidates was meant.
    fn noted(&self, mut grounds: Grounds, facts: &[Fact]) -> Grounds {
        let is_met = |topic: &&Topic| {
            grounds.focus.iter().any(|entity| entity.id == topic.entity.id)
                || facts
                    .iter()
                    .any(|fact| fact.subject.id == topic.entity.id || is_object(fact, &topic.entity))
        };
        let of_mention = |(place, topics): (usize, &Vec<Topic>)| {
            let met = topics.iter().find(is_met).or(topics.first())?;
            Some((place, met.entity.clone()))
        };
        grounds.chosen = self.by_mention.iter().enumerate().filter_map(of_mention).collect();
        grounds
    }
}

/// The words of what was matched.
fn said(matched: &[Option<String>], sources: Sources<'_>) -> Vec<String> {
    matched.iter().flatten().flat_map(|phrase| keys(phrase, sources.language)).collect()
}

/// What lies at the end of several steps.
fn values(path: &Path) -> Option<Grounds> {
    if path.truncated || path.answers.is_empty() {
        return None;
    }
    let kept = super::kept(path.answers.len());
    let answers = &path.answers[..kept];
    let values: Vec<Value> = answers.iter().map(|answer| answer.value.clone()).collect();
    let walk = Walk { topic: path.topic.clone(), steps: path.path.clone() };
    let more = path.answers.len() - kept;
    let facts = answers.iter().flat_map(|answer| &answer.facts);
    let focus = focus(&values, &path.topic);
    Some(Grounds::concluded(Conclusion::Values { walk, values, more }, facts, focus))
}

/// What a follow-up points at: the one thing found, else what was asked about.
pub(super) fn focus(values: &[Value], topic: &Arc<Entity>) -> Vec<Arc<Entity>> {
    match values {
        [Value::Entity(only)] => vec![only.clone()],
        _ => vec![topic.clone()],
    }
}
