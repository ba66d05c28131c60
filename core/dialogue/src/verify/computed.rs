//! Sentences that count, compare, or answer yes or no. In: a covered sentence and the evidence. Out: whether what it says follows from
//! the facts, and from which; nothing where it is no such sentence, or where the facts do not settle it.
//!
//! What is counted is counted again, what is compared is compared again. The forms of such sentences are patterns of the lexicon
//! (`pattern`), which have to fit the whole sentence.

use std::collections::HashSet;

use loquat_contract::Verdict;

use super::cover::{Cover, Occurrence};
use super::pattern::{Fit, Order, Pattern};
use super::sayings::Place;
use super::{Evidence, Finding, Reason};
use crate::conclusion::Conclusion;
use crate::ground::Group;
use crate::quantity::Measure;

/// Facts that are all there are of a subject and a predicate, or of a predicate and an object.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    pub(super) facts: Vec<usize>,
    pub(super) lists_subjects: bool,
}

/// A form of such a sentence, as the lexicon has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// "Bhutan borders two countries"
    CountOfVerb,
    /// "Two countries border Bhutan"
    CountBeforeVerb,
    /// "Bhutan has two neighbours"
    CountOfNoun,
    /// "Nepal is larger than Bhutan"
    Comparison,
    /// "Of Nepal and Bhutan, Nepal is the largest"
    Extreme,
}

impl Evidence<'_> {
    /// The same evidence, with what the groups of a plan conclude. A group without a conclusion may be a part of a list, chosen by
    /// the question; nothing is counted in it.
    pub(crate) fn concluding(mut self, groups: &[Group]) -> Self {
        for group in groups {
            match &group.conclusion {
                Some(Conclusion::Count { walk, count }) if group.facts.len() == *count => {
                    if let [step] = walk.steps.as_slice() {
                        self.wholes.push(Whole { facts: group.facts.clone(), lists_subjects: step.inverse });
                    }
                }
                Some(Conclusion::YesNo(holds)) => self.decided.push((*holds, group.facts.clone())),
                _ => {}
            }
        }
        self
    }

    /// Whether a sentence that counts or compares says what follows from the facts, and from which; `None` where it does neither, or
    /// where they leave it open.
    pub(super) fn computed(&self, sentence: &str, cover: &Cover) -> Option<(bool, Vec<usize>)> {
        let is_plain =
            cover.sign.is_none() && !cover.asks && cover.denials.is_empty() && cover.past.is_empty();
        if !is_plain || self.facts.is_empty() {
            return None;
        }
        self.lexicon.computed.patterns.iter().find_map(|(claim, pattern)| {
            let fit = self.fit(pattern, sentence, cover)?;
            match claim {
                Claim::CountOfVerb | Claim::CountBeforeVerb | Claim::CountOfNoun => {
                    self.counted(cover, &fit, *claim)
                }
                Claim::Comparison => self.compared(cover, &fit),
                Claim::Extreme => self.foremost(cover, &fit),
            }
        })
    }

    fn fit(&self, pattern: &Pattern, sentence: &str, cover: &Cover) -> Option<Fit> {
        let is_kind = |at: usize| self.kinds.longest_at(&cover.words, at).map(|found| found.length);
        let count = |at: usize| self.units.count_at(sentence, &cover.words, at);
        pattern.fit(sentence, cover, self.lexicon, &is_kind, &count)
    }

    fn counted(&self, cover: &Cover, fit: &Fit, claim: Claim) -> Option<(bool, Vec<usize>)> {
        let (name, predicate) = (fit.name(cover)?, fit.predicate(cover)?);
        let number = fit.number?;
        let mut found = self.wholes.iter().filter(|whole| {
            let names = if whole.lists_subjects { &name.object_of } else { &name.subject_of };
            let is_own = |fact: &usize| names.contains(fact) && predicate.predicate_of.contains(fact);
            let is_directed = |fact: &usize| match claim {
                Claim::CountOfVerb => self.is_active(*fact, !whole.lists_subjects),
                Claim::CountBeforeVerb => self.is_active(*fact, whole.lists_subjects),
                _ => true,
            };
            let is_listed_by_noun = claim == Claim::CountOfNoun && whole.lists_subjects;
            let has_kind = fit.kind.as_ref().is_none_or(|range| {
                let tags = self.kinds.longest_at(&cover.words, range.start).map(|found| found.tags);
                whole.facts.iter().all(|fact| {
                    tags.iter()
                        .flatten()
                        .any(|(kind, of_subjects)| kind == fact && *of_subjects == whole.lists_subjects)
                })
            });
            !whole.facts.is_empty()
                && whole.facts.iter().all(|fact| is_own(fact) && is_directed(fact))
                && !is_listed_by_noun
                && has_kind
                && self.is_whole(whole)
        });
        let whole = found.next()?;
        if found.any(|other| other.facts != whole.facts) {
            return None;
        }
        Some((whole.facts.len() as u64 == number, whole.facts.clone()))
    }

    /// Whether a list has each thing once, and no fact beside it belongs to it.
    fn is_whole(&self, whole: &Whole) -> bool {
        let Some(first) = whole.facts.first().and_then(|fact| self.facts.get(*fact)) else { return false };
        let belongs = |index: &usize| {
            let fact = &self.facts[*index];
            let shares = if whole.lists_subjects {
                fact.object == first.object
            } else {
                fact.subject.id == first.subject.id
            };
            fact.predicate.id == first.predicate.id && shares
        };
        let all: Vec<usize> = (0..self.facts.len()).filter(belongs).collect();
        let language = &self.lexicon.language;
        let listed: HashSet<String> = whole
            .facts
            .iter()
            .map(|fact| match whole.lists_subjects {
                true => self.facts[*fact].subject.id.to_string(),
                false => self.facts[*fact].object.text(language).to_string(),
            })
            .collect();
        all.len() == whole.facts.len() && listed.len() == all.len() && self.measures[all[0]].is_none()
    }

    /// Whether the predicate is a verb that its subject (or its object) does: "S borders O".
    fn is_active(&self, fact: usize, subject_first: bool) -> bool {
        let sayings = &self.sayings[fact];
        let is_verb = self.lexicon.language.is_unspaced() || !sayings.is_noun;
        is_verb
            && sayings.shapes.iter().any(|shape| {
                let is_between = shape.places == [Place::Between]
                    || self.lexicon.language.is_unspaced() && shape.places == [Place::Between, Place::After];
                shape.subject_first == subject_first && is_between && !shape.by && !shape.has_copula
            })
    }

    fn compared(&self, cover: &Cover, fit: &Fit) -> Option<(bool, Vec<usize>)> {
        let [one, other] = [fit.name(cover)?, cover.occurrences.get(fit.other?)?];
        let (fact, value) = self.value_of(one, cover, fit)?;
        let (against, other_value) = self.value_of(other, cover, fit)?;
        let is_one = self.facts[fact].predicate.id == self.facts[against].predicate.id;
        if !is_one || self.facts[fact].subject.id == self.facts[against].subject.id {
            return None;
        }
        let holds = if self.order(fact, fit)? { value > other_value } else { value < other_value };
        Some((holds, vec![fact, against]))
    }

    fn foremost(&self, cover: &Cover, fit: &Fit) -> Option<(bool, Vec<usize>)> {
        let (fact, value) = self.value_of(fit.name(cover)?, cover, fit)?;
        let predicate = &self.facts[fact].predicate.id;
        let all: Vec<usize> = match fit.number {
            Some(number) => {
                let own = (0..self.facts.len()).filter(|at| self.facts[*at].predicate.id == *predicate);
                let own: Vec<usize> = own.collect();
                let subjects: HashSet<_> = own.iter().map(|at| &self.facts[*at].subject.id).collect();
                if own.len() as u64 != number || subjects.len() != own.len() {
                    return None;
                }
                own
            }
            None => {
                let names = fit.others.iter().filter_map(|at| cover.occurrences.get(*at));
                names.map(|name| self.value_of(name, cover, fit).map(|(at, _)| at)).collect::<Option<_>>()?
            }
        };
        let is_among = all.contains(&fact) && all.iter().all(|at| self.facts[*at].predicate.id == *predicate);
        if !is_among || all.len() < 2 {
            return None;
        }
        let greatest = self.order(fact, fit)?;
        let mut holds = true;
        for other in all.iter().filter(|other| **other != fact) {
            let other = self.value(*other)?;
            // Of equals, none is the largest, and which is said to be so is a matter of words.
            if other == value {
                return None;
            }
            holds &= if greatest { value > other } else { value < other };
        }
        Some((holds, all))
    }

    /// The one fact of what `name` stands for that the sentence compares by, and its value in the base unit.
    fn value_of(&self, name: &Occurrence, cover: &Cover, fit: &Fit) -> Option<(usize, f64)> {
        let is_compared = |fact: &&usize| match fit.predicate(cover) {
            Some(predicate) => predicate.predicate_of.contains(*fact),
            None => self.order(**fact, fit).is_some(),
        };
        let first = name.subject_of.first()?;
        let is_one_thing = |fact: &usize| self.facts[*fact].subject.id == self.facts[*first].subject.id;
        let own: Vec<&usize> = name.subject_of.iter().filter(is_compared).collect();
        match own.as_slice() {
            [fact] if name.subject_of.iter().all(is_one_thing) => Some((**fact, self.value(**fact)?)),
            _ => None,
        }
    }

    fn value(&self, fact: usize) -> Option<f64> {
        match self.measures[fact].as_ref()? {
            Measure::Quantity(quantity) => Some(quantity.value),
            Measure::Date(_) => None,
        }
    }

    /// Whether the sentence's comparison asks for the greater value of this fact's predicate; `None` where its words are no comparison
    /// by that.
    fn order(&self, fact: usize, fit: &Fit) -> Option<bool> {
        let names_predicate = !fit.predicates.is_empty();
        let labels = || self.facts[fact].predicate.labels.iter().map(|label| label.text.as_str());
        let fits = |order: &&Order| match order.adjective {
            None => names_predicate,
            Some(adjective) => {
                !names_predicate
                    && labels().any(|label| self.lexicon.computed.is_measured_by(adjective, label))
            }
        };
        fit.orders.iter().find(fits).map(|order| order.greater)
    }

    /// A sentence that answers yes or no, and goes on with the facts or does not.
    pub(super) fn decided(&self, sentence: &str) -> Option<Finding> {
        let [(holds, facts)] = self.decided.as_slice() else { return None };
        let (says, length) = self.lexicon.computed.answer(sentence)?;
        let cover = self.cover(sentence);
        if says != *holds {
            return Some(self.finding(Verdict::Contradicted, facts, Some(Reason::Negated)));
        }
        let rest = sentence.get(length..)?;
        if !rest.chars().any(char::is_alphanumeric) {
            return (!cover.asks).then(|| self.supported(facts, &cover));
        }
        let mut finding = self.check_plain(rest);
        for span in &mut finding.spans {
            span.start += length;
            span.end += length;
        }
        Some(finding)
    }
}
