//! Which terms are entities and predicates, and their numbers. In: terms and what is said of them. Out: a number for each, in the
//! order of their ids.

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Builder, Origin, RawFact, Standing};
use crate::names::{is_address, is_iri};
use crate::snapshot::LITERAL;
use crate::statement::Describes;
use crate::vocabulary::RDF_TYPE;

/// Redirects that are followed one after the other.
const LONGEST_CHAIN: usize = 16;

/// The number of what is no entity.
pub(super) const NOBODY: u32 = u32::MAX;

/// Numbers of terms.
pub(super) struct Numbering {
    /// Terms of predicates, in the order of their ids.
    pub(super) predicates: Vec<u32>,
    pub(super) predicate_of: FxHashMap<u32, u32>,
    /// Terms of entities, in the order of their ids.
    pub(super) entities: Vec<u32>,
    /// For each term its entity, or [`NOBODY`].
    pub(super) node_of: Vec<u32>,
    /// Terms that were merged into others, in the order of their ids, with the entity; [`NOBODY`] where those are none.
    pub(super) redirects: Vec<(u32, u32)>,
}

/// Whether a fact is one of the graph's: what only counted before makes no entity and no predicate.
fn counts(origins: &[(Origin, Standing)], fact: &RawFact) -> bool {
    let former = origins.get(fact.origin as usize).is_some_and(|(_, standing)| *standing == Standing::Former);
    fact.subject != NOBODY && !former
}

impl Builder {
    /// Numbers what was added. Facts that are none are marked: what is said of a predicate is no fact about the world, and a type
    /// that has no name is of no use in a sentence.
    pub(super) fn number(&mut self) -> Numbering {
        let redirects = self.redirects();
        self.follow(&redirects);
        if !self.edited.is_empty() {
            self.settle_edits(&redirects);
        }
        let mut properties = FxHashSet::default();
        let mut labelled = FxHashSet::default();
        let mut named = vec![false; self.terms.len()];
        let type_term =
            self.terms.iter().position(|term| term == RDF_TYPE.as_bytes()).map(|term| term as u32);
        let mut types = FxHashSet::default();
        if let Some(type_term) = type_term {
            types
                .extend(self.facts.iter().filter(|fact| fact.predicate == type_term).map(|fact| fact.object));
        }
        for word in &self.words {
            match word.what {
                Describes::Property => {
                    properties.insert(word.about);
                }
                Describes::Label | Describes::Alias => {
                    named[word.about as usize] = true;
                    if word.what == Describes::Label && types.contains(&word.about) {
                        labelled.insert(word.about);
                    }
                }
                _ => {}
            }
        }
        let terms = &self.terms;
        let is_fact = |fact: &RawFact| {
            let nameless_type = Some(fact.predicate) == type_term
                && fact.object & LITERAL == 0
                && is_iri(super::as_text(terms.get(fact.object)))
                && !labelled.contains(&fact.object);
            !nameless_type && !properties.contains(&fact.subject)
        };
        let mut used = FxHashSet::default();
        let mut last = NOBODY;
        for fact in &mut self.facts {
            if !is_fact(fact) {
                fact.subject = NOBODY;
            } else if counts(&self.origins, fact) && fact.predicate != last {
                last = fact.predicate;
                used.insert(last);
            }
        }
        for (fact, special) in &self.specials {
            if counts(&self.origins, &self.facts[*fact as usize]) {
                used.extend(special.qualifiers.iter().map(|(predicate, _)| *predicate));
            }
        }
        let mut predicates: Vec<u32> = used.into_iter().collect();
        predicates.sort_unstable_by_key(|term| self.terms.get(*term));
        let predicate_of: FxHashMap<u32, u32> = predicates.iter().copied().zip(0..).collect();

        let mut is_entity = named;
        for term in predicates.iter().chain(&properties) {
            is_entity[*term as usize] = false;
        }
        self.mark_entities(&mut is_entity);
        let mut entities: Vec<u32> =
            (0..self.terms.len() as u32).filter(|term| is_entity[*term as usize]).collect();
        entities.par_sort_unstable_by(|a, b| self.terms.get(*a).cmp(self.terms.get(*b)));
        let mut node_of = vec![NOBODY; self.terms.len()];
        for (term, node) in entities.iter().zip(0..) {
            node_of[*term as usize] = node;
        }
        let merged = redirects.into_iter().map(|(from, to)| (from, node_of[to as usize]));
        let mut redirects: Vec<(u32, u32)> =
            merged.filter(|(from, _)| node_of[*from as usize] == NOBODY).collect();
        redirects.sort_unstable_by_key(|(from, _)| self.terms.get(*from));
        Numbering { predicates, predicate_of, entities, node_of, redirects }
    }

    /// A subject is an entity, and an object that is not just a web address.
    fn mark_entities(&self, is_entity: &mut [bool]) {
        let mark_object = |is_entity: &mut [bool], object: u32| {
            if object & LITERAL == 0 && !is_entity[object as usize] {
                is_entity[object as usize] = !is_address(self.term(object));
            }
        };
        for fact in self.facts.iter().filter(|fact| counts(&self.origins, fact)) {
            is_entity[fact.subject as usize] = true;
            mark_object(is_entity, fact.object);
        }
        for (fact, special) in &self.specials {
            if counts(&self.origins, &self.facts[*fact as usize]) {
                special.qualifiers.iter().for_each(|(_, value)| mark_object(is_entity, *value));
            }
        }
    }

    /// What was merged into what, each to the end of its chain.
    fn redirects(&mut self) -> FxHashMap<u32, u32> {
        let words = self.words.iter().filter(|word| word.what == Describes::Redirect);
        let pairs: Vec<(u32, String)> = words.map(|word| (word.about, self.text(word).to_owned())).collect();
        let mut direct = FxHashMap::default();
        for (from, to) in pairs {
            if let Ok(to) = self.terms.intern(to.as_bytes()) {
                direct.insert(from, to);
            }
        }
        let end = |from: u32| {
            let mut at = from;
            for _ in 0..LONGEST_CHAIN {
                match direct.get(&at) {
                    Some(next) => at = *next,
                    None => return Some(at),
                }
            }
            // A circle leads nowhere.
            None
        };
        direct.keys().filter_map(|from| Some((*from, end(*from)?))).collect()
    }

    fn follow(&mut self, redirects: &FxHashMap<u32, u32>) {
        if redirects.is_empty() {
            return;
        }
        let to = |term: &mut u32| {
            if let Some(target) = redirects.get(term) {
                *term = *target;
            }
        };
        for fact in &mut self.facts {
            to(&mut fact.subject);
            to(&mut fact.object);
        }
        for special in self.specials.values_mut() {
            special.qualifiers.iter_mut().for_each(|(_, value)| to(value));
        }
        for word in self.words.iter_mut().filter(|word| word.what != Describes::Redirect) {
            to(&mut word.about);
        }
    }
}
