//! Accounts for each word of a sentence. In: a sentence and the evidence. Out: which names, predicates and measures stand
//! where, and the first word that nothing accounts for.

use std::ops::Range;

use loquat_contract::{Label, Value};

use super::Evidence;
use crate::lexicon::WordKind;
use crate::words::{Word, words};

/// The part that a name plays in a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Subject,
    Predicate,
    Object,
}

/// A stretch of the sentence that stands for parts of facts, given by their index.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Occurrence {
    /// Positions of its words; empty for a literal without words, such as a flag.
    pub(crate) words: Range<usize>,
    pub(crate) subject_of: Vec<usize>,
    pub(crate) predicate_of: Vec<usize>,
    pub(crate) object_of: Vec<usize>,
    /// Whether it is a number or a date.
    pub(crate) is_measure: bool,
}

impl Occurrence {
    pub(crate) fn facts(&self, role: Role) -> &[usize] {
        match role {
            Role::Subject => &self.subject_of,
            Role::Predicate => &self.predicate_of,
            Role::Object => &self.object_of,
        }
    }

    /// Whether it stands for any part of `fact`.
    pub(crate) fn concerns(&self, fact: usize) -> bool {
        [Role::Subject, Role::Predicate, Role::Object].iter().any(|role| self.facts(*role).contains(&fact))
    }
}

/// A sentence, accounted for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cover {
    /// In the order of the sentence.
    pub(crate) occurrences: Vec<Occurrence>,
    /// How many words deny.
    pub(crate) denials: usize,
    /// Whether a word stands for what was talked about.
    pub(crate) has_pronoun: bool,
    /// Whether it is a question.
    pub(crate) asks: bool,
    /// Pairs of a predicate's and a name's occurrence that read "P of X" or "X's P".
    pub(crate) attributions: Vec<(usize, usize)>,
    pub(crate) unaccounted: Option<String>,
    pub(crate) unmatched_measure: Option<String>,
}

impl Cover {
    pub(crate) fn has(&self, role: Role, fact: usize) -> bool {
        self.occurrences.iter().any(|occurrence| occurrence.facts(role).contains(&fact))
    }

    /// Whether `second` of the fact stands in the sentence apart from the word that serves as `first`; a capital that is called
    /// as its country has to be named twice, unless the country is not named at all.
    pub(crate) fn distinct(&self, first: Role, second: Role, fact: usize) -> bool {
        let plays =
            |role| self.occurrences.iter().filter(move |occurrence| occurrence.facts(role).contains(&fact));
        let both = plays(first).filter(|occurrence| occurrence.facts(second).contains(&fact)).count();
        let seconds = plays(second).count();
        seconds > 0 && (both == 0 || seconds > 1 || plays(first).count() > both)
    }

    /// Whether a name that is an object, and no subject, stands twice.
    pub(crate) fn repeats_an_object(&self) -> bool {
        let objects = self.occurrences.iter().filter(|occurrence| occurrence.subject_of.is_empty());
        let mut facts: Vec<usize> = objects.filter_map(|object| object.object_of.first().copied()).collect();
        facts.sort_unstable();
        facts.windows(2).any(|pair| pair[0] == pair[1])
    }
}

impl Evidence<'_> {
    pub(super) fn cover(&self, sentence: &str) -> Cover {
        let words = words(sentence, &self.lexicon.language);
        let mut covering = Covering {
            evidence: self,
            sentence,
            taken: vec![false; words.len()],
            words,
            cover: Cover::default(),
        };
        covering.cover.asks = sentence.trim_end().ends_with(['?', '\u{FF1F}']);
        covering.literals();
        covering.symbols();
        covering.names();
        covering.measures();
        covering.predicates_and_plain_words();
        covering.cover.occurrences.sort_by_key(|occurrence| occurrence.words.start);
        covering.attributions();
        covering.cover
    }
}

struct Covering<'a> {
    evidence: &'a Evidence<'a>,
    sentence: &'a str,
    words: Vec<Word>,
    taken: Vec<bool>,
    cover: Cover,
}

impl Covering<'_> {
    fn take(&mut self, occurrence: Occurrence) {
        self.taken[occurrence.words.clone()].fill(true);
        self.cover.occurrences.push(occurrence);
    }

    fn is_free(&self, range: Range<usize>) -> bool {
        self.taken.get(range).is_some_and(|taken| taken.iter().all(|taken| !taken))
    }

    /// Addresses and texts that stand in the sentence letter by letter.
    fn literals(&mut self) {
        for (index, fact) in self.evidence.facts.iter().enumerate() {
            let (Value::Url(text) | Value::Text(Label { text, .. })) = &fact.object else {
                continue;
            };
            let Some(start) = self.sentence.find(text.as_str()).filter(|_| !text.is_empty()) else {
                continue;
            };
            let range = start..start + text.len();
            let within = |word: &Word| word.range.start >= range.start && word.range.end <= range.end;
            let first = self.words.iter().position(within).unwrap_or(0);
            let length = self.words.iter().filter(|word| within(word)).count();
            if self.is_free(first..first + length) {
                let words = first..first + length;
                self.take(Occurrence { words, object_of: vec![index], ..Occurrence::default() });
            }
        }
    }

    /// A flag, a comparison or a currency sign says something too; one that no fact has is unaccounted for.
    fn symbols(&mut self) {
        let is_literal = |symbol: char| {
            let objects = self.evidence.facts.iter().map(|fact| &fact.object);
            objects
                .filter_map(|object| match object {
                    Value::Text(Label { text, .. }) | Value::Url(text) => Some(text),
                    _ => None,
                })
                .any(|text| text.contains(symbol) && self.sentence.contains(text.as_str()))
        };
        let says_something = |c: char| match c {
            '\u{2190}'..='\u{2BFF}' | '\u{1F000}'..='\u{1FAFF}' | '<' | '>' | '+' | '~' | '±' => true,
            '$' | '€' | '£' | '¥' | '%' => !self.evidence.units.has_symbol(c),
            _ => false,
        };
        let found = self.sentence.chars().find(|c| says_something(*c) && !is_literal(*c));
        if let (Some(picture), false) = (found, self.evidence.facts.is_empty()) {
            self.cover.unaccounted = Some(picture.to_string());
        }
    }

    fn names(&mut self) {
        let mut at = 0;
        while at < self.words.len() {
            let found = self.evidence.names.longest_at(&self.words, at);
            let Some(found) = found.filter(|found| self.is_free(at..at + found.length)) else {
                at += 1;
                continue;
            };
            let facts = |wanted: Role| {
                let of_role = found.tags.iter().filter(|(role, _)| *role == wanted);
                of_role.map(|(_, fact)| *fact).collect()
            };
            let (subject_of, object_of) = (facts(Role::Subject), facts(Role::Object));
            self.take(Occurrence {
                words: at..at + found.length,
                subject_of,
                object_of,
                ..Occurrence::default()
            });
            at += found.length;
        }
    }

    fn measures(&mut self) {
        let mut at = 0;
        while at < self.words.len() {
            let measure = self.evidence.units.measure_at(self.sentence, &self.words, at);
            let Some((measure, length)) = measure.filter(|_| !self.taken[at]) else {
                at += 1;
                continue;
            };
            let known = self.evidence.measures.iter().enumerate();
            let agrees =
                known.filter(|(_, known)| known.as_ref().is_some_and(|known| measure.agrees_with(known)));
            let object_of: Vec<usize> = agrees.map(|(fact, _)| fact).collect();
            let words = at..at + length;
            if object_of.is_empty() {
                let (first, last) = (&self.words[words.start], &self.words[words.end - 1]);
                let written = self.sentence[first.range.start..last.range.end].to_owned();
                self.cover.unmatched_measure.get_or_insert(written);
                self.taken[words].fill(true);
            } else {
                self.take(Occurrence { words, object_of, is_measure: true, ..Occurrence::default() });
            }
            at += length;
        }
    }

    fn predicates_and_plain_words(&mut self) {
        let mut at = 0;
        while at < self.words.len() {
            if self.taken[at] {
                at += 1;
                continue;
            }
            let free = |length: usize| self.is_free(at..at + length);
            let predicate =
                self.evidence.predicates.longest_at(&self.words, at).filter(|found| free(found.length));
            let lexicon = self.evidence.lexicon;
            let statement = lexicon.statement.longest_at(&self.words, at).filter(|found| free(found.length));
            let plain_length = statement.as_ref().map_or(0, |found| found.length);
            if let Some(found) = predicate.filter(|found| found.length >= plain_length) {
                let words = at..at + found.length;
                at = words.end;
                self.take(Occurrence { words, predicate_of: found.tags, ..Occurrence::default() });
                continue;
            }
            let kinds = lexicon.kinds.longest_at(&self.words, at).filter(|found| free(found.length));
            let is = |kind: WordKind| kinds.as_ref().is_some_and(|found| found.tags.contains(&kind));
            let length = kinds.as_ref().map_or(1, |found| found.length);
            self.cover.has_pronoun |= is(WordKind::Pronoun);
            let before_measure = |at: usize| {
                self.cover
                    .occurrences
                    .iter()
                    .any(|occurrence| occurrence.is_measure && occurrence.words.start == at)
            };
            at += if let Some(courtesy) = &self.evidence.courtesy {
                let found = [&lexicon.courtesy, courtesy].map(|book| book.longest_at(&self.words, at));
                let longest = found.into_iter().flatten().map(|found| found.length).max();
                let personal = is(WordKind::Personal).then_some(length);
                longest.or(personal).unwrap_or_else(|| self.unaccounted(at))
            } else if is(WordKind::Negation) {
                self.cover.denials += 1;
                length
            } else if plain_length > 0 {
                plain_length
            } else if is(WordKind::Approximately) && before_measure(at + length) {
                length
            } else {
                self.unaccounted(at)
            };
        }
    }

    /// Notes a word that nothing accounts for, and passes over it.
    fn unaccounted(&mut self, at: usize) -> usize {
        let word = self.sentence[self.words[at].range.clone()].to_owned();
        self.cover.unaccounted.get_or_insert(word);
        1
    }

    /// Finds "P of X" and "X's P" between neighbouring occurrences.
    fn attributions(&mut self) {
        let occurrences = &self.cover.occurrences;
        let mut attributions = Vec::new();
        for (index, pair) in occurrences.windows(2).enumerate() {
            let between: Vec<&str> =
                (pair[0].words.end..pair[1].words.start).map(|at| self.words[at].folded.as_str()).collect();
            let is_name =
                |occurrence: &Occurrence| !occurrence.is_measure && occurrence.predicate_of.is_empty();
            let is_predicate = |occurrence: &Occurrence| !occurrence.predicate_of.is_empty();
            let of = matches!(between.as_slice(), ["of" | "for"] | ["of" | "for", "the"]);
            let possessive = matches!(between.as_slice(), ["'s" | "的", ..]) && between.len() <= 3;
            if is_predicate(&pair[0]) && is_name(&pair[1]) && of {
                attributions.push((index, index + 1));
            }
            if is_name(&pair[0]) && is_predicate(&pair[1]) && possessive {
                attributions.push((index + 1, index));
            }
        }
        self.cover.attributions = attributions;
    }
}
