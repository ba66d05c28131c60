//! What is asked of the things that a message names. In: its words and the names of the graph's predicates. Out: where they stand.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use loquat_contract::{Generation, Language, Schema};

use crate::lexicon::{Lexicon, WordKind};
use crate::phrases::{Found, Phrasebook};
use crate::words::{Word, keys};

/// The words that ask for each predicate of a schema, by its place there; made once for a language and a state of the graph.
#[derive(Debug, Default)]
pub(crate) struct RelationWords {
    by_language: Mutex<HashMap<Language, Made>>,
}

#[derive(Debug)]
struct Made {
    generation: Generation,
    words: Arc<Phrasebook<usize>>,
}

impl RelationWords {
    /// The words for a language.
    pub(crate) fn of(&self, schema: &Schema, language: &Language) -> Arc<Phrasebook<usize>> {
        let mut by_language = self.by_language.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = by_language.get(language).filter(|made| made.generation == schema.generation) {
            return made.words.clone();
        }
        let mut words = Phrasebook::default();
        for (index, predicate) in schema.predicates.iter().enumerate() {
            predicate.names().for_each(|name| words.insert(keys(name, language), index));
        }
        let words = Arc::new(words);
        by_language.insert(language.clone(), Made { generation: schema.generation, words: words.clone() });
        words
    }
}

/// A stretch of the message that asks for predicates.
pub(super) struct AskedRelation {
    /// The places of its words.
    pub(super) words: Range<usize>,
    /// The places in the schema of the predicates that have this name.
    pub(super) predicates: Vec<usize>,
    /// A word that is mostly filler ("call", "located") asks only when nothing else does.
    pub(super) is_weak: bool,
}

/// The phrases that ask for a predicate. Where they overlap, those are taken that leave the fewest words unexplained, then those that
/// cover the most: "多少人口" is "多少" and "人口", not "多少人" and a character that nothing explains.
pub(super) fn find_relations(
    words: &[Word],
    kinds: &[Vec<WordKind>],
    relation_words: &Phrasebook<usize>,
    in_mention: impl Fn(usize) -> Option<usize>,
) -> Vec<AskedRelation> {
    let is_inside_mention =
        |at: usize, length: usize| in_mention(at).is_some() && in_mention(at) == in_mention(at + length - 1);
    // From the end: the cost of the rest of the text, and the phrase that is taken at this word.
    let mut costs: Vec<(usize, usize)> = vec![(0, 0); words.len() + 1];
    let mut taken: Vec<Option<Found<usize>>> = vec![None; words.len()];
    for at in (0..words.len()).rev() {
        let is_unexplained = kinds[at].is_empty() && in_mention(at).is_none();
        let (unexplained, uncovered) = costs[at + 1];
        costs[at] = (unexplained + usize::from(is_unexplained), uncovered + 1);
        for phrase in relation_words.all_at(words, at) {
            let cost = costs[at + phrase.length];
            if cost < costs[at] && !is_inside_mention(at, phrase.length) {
                costs[at] = cost;
                taken[at] = Some(phrase);
            }
        }
    }
    let mut asked = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let Some(phrase) = taken[at].take() else {
            at += 1;
            continue;
        };
        let words = at..at + phrase.length;
        let plain = [WordKind::Filler, WordKind::Function, WordKind::Question];
        let is_weak = words.clone().all(|at| kinds[at].iter().any(|kind| plain.contains(kind)));
        at = words.end;
        asked.push(AskedRelation { words, predicates: phrase.tags, is_weak });
    }
    asked
}

/// Whether the relation's word is only the first part of a compound that means something else: "population density".
pub(super) fn is_compounded(
    text: &str,
    words: &[Word],
    relation: &AskedRelation,
    is_unexplained: impl Fn(usize) -> bool,
    lexicon: &Lexicon,
) -> bool {
    let next = relation.words.end;
    if lexicon.language.is_unspaced() || !is_unexplained(next) {
        return false;
    }
    text[words[next - 1].range.end..words[next].range.start].chars().all(char::is_whitespace)
}
