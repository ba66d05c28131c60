//! Accounts for each word of a sentence. In: a sentence and the evidence. Out: which names, predicates and measures stand
//! where, and what nothing accounts for.

use std::ops::Range;

use loquat_contract::{Label, Value};

use super::Evidence;
use super::attribution::{self, Link};
use crate::lexicon::WordKind;
use crate::phrases::Found;
use crate::quantity::Measure;
use crate::words::{Word, has_han, words};

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
    /// Where it stands in the sentence, in bytes.
    pub(crate) bytes: Range<usize>,
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

    /// Whether it names a subject or an object.
    pub(crate) fn is_name(&self) -> bool {
        !self.is_measure && self.predicate_of.is_empty()
    }
}

/// A number or date that no fact has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unmatched {
    pub(crate) measure: Measure,
    pub(crate) words: Range<usize>,
    pub(crate) written: String,
}

/// A sentence, accounted for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cover {
    /// The sentence's words.
    pub(crate) words: Vec<Word>,
    /// In the order of the sentence.
    pub(crate) occurrences: Vec<Occurrence>,
    /// Places of words that deny.
    pub(crate) denials: Vec<usize>,
    /// Places of words that set the sentence in the past.
    pub(crate) past: Vec<usize>,
    /// Places of words that stand for what was talked about.
    pub(crate) pronouns: Vec<usize>,
    /// Whether it is a question.
    pub(crate) asks: bool,
    /// Pairs of a predicate's and a name's occurrence that read "P of X" or "X's P".
    pub(crate) attributions: Vec<(usize, usize, Link)>,
    /// Places of words that nothing accounts for.
    pub(crate) unaccounted: Vec<usize>,
    /// A sign or picture that nothing accounts for.
    pub(crate) sign: Option<char>,
    pub(crate) unmatched: Vec<Unmatched>,
}

impl Cover {
    pub(crate) fn has(&self, role: Role, fact: usize) -> bool {
        self.occurrences.iter().any(|occurrence| occurrence.facts(role).contains(&fact))
    }

    /// The word at a place, as it is compared with lists; nothing where there is none.
    pub(crate) fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |word| word.folded.as_str())
    }

    /// The word before a place.
    pub(crate) fn before(&self, at: usize) -> &str {
        at.checked_sub(1).map_or("", |before| self.word(before))
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
            cover: Cover { words, asks: sentence.contains(['?', '\u{FF1F}']), ..Cover::default() },
        };
        covering.literals();
        covering.signs();
        covering.names();
        covering.measures();
        covering.predicates_and_plain_words();
        covering.cover.occurrences.sort_by_key(|occurrence| (occurrence.words.start, occurrence.words.end));
        let attributions = attribution::find(&covering.cover, sentence, self.lexicon);
        Cover { attributions, ..covering.cover }
    }
}

struct Covering<'a> {
    evidence: &'a Evidence<'a>,
    sentence: &'a str,
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

    fn bytes(&self, words: &Range<usize>) -> Range<usize> {
        match (self.cover.words.get(words.start), self.cover.words.get(words.end.saturating_sub(1))) {
            (Some(first), Some(last)) => first.range.start..last.range.end.max(first.range.start),
            _ => 0..0,
        }
    }

    /// Addresses and texts that stand in the sentence letter by letter, the longest first.
    fn literals(&mut self) {
        let texts = self.evidence.facts.iter().enumerate().filter_map(|(index, fact)| match &fact.object {
            Value::Url(text) | Value::Text(Label { text, .. }) if !text.is_empty() => Some((index, text)),
            _ => None,
        });
        let mut texts: Vec<(usize, &String)> = texts.collect();
        texts.sort_by_key(|(_, text)| std::cmp::Reverse(text.len()));
        let mut placed: Vec<(&String, Range<usize>, usize)> = Vec::new();
        for (index, text) in texts {
            // Facts with the same text share its place.
            if let Some((_, _, place)) = placed.iter().find(|(other, _, _)| *other == text) {
                self.cover.occurrences[*place].object_of.push(index);
                continue;
            }
            let Some(start) = self.sentence.find(text.as_str()) else { continue };
            let range = start..start + text.len();
            let cuts_a_word = |word: &Word| {
                word.range.start < range.start && range.start < word.range.end
                    || word.range.start < range.end && range.end < word.range.end
            };
            let overlaps =
                placed.iter().any(|(_, other, _)| other.start < range.end && range.start < other.end);
            if overlaps || self.cover.words.iter().any(cuts_a_word) {
                continue;
            }
            let within = |word: &Word| word.range.start >= range.start && word.range.end <= range.end;
            let first = self.cover.words.iter().position(within);
            let first = first.unwrap_or_else(|| {
                self.cover.words.iter().filter(|word| word.range.end <= range.start).count()
            });
            let length = self.cover.words.iter().filter(|word| within(word)).count();
            placed.push((text, range.clone(), self.cover.occurrences.len()));
            let words = first..first + length;
            self.take(Occurrence { words, bytes: range, object_of: vec![index], ..Occurrence::default() });
        }
    }

    /// A flag, a comparison or a currency sign says something too, and a character that nobody sees may hide something. What no
    /// fact has is unaccounted for.
    fn signs(&mut self) {
        let literals: Vec<Range<usize>> =
            self.cover.occurrences.iter().map(|occurrence| occurrence.bytes.clone()).collect();
        let names = self.evidence.facts.iter().flat_map(|fact| {
            let object = match &fact.object {
                Value::Entity(entity) => Some(entity),
                _ => None,
            };
            std::iter::once(&fact.subject).chain(object).flat_map(|entity| entity.names())
        });
        let in_names: String = names.flat_map(str::chars).filter(|c| !is_plain(*c)).collect();
        let is_said = |at: usize, c: char| {
            literals.iter().any(|range| range.contains(&at))
                || match c {
                    '$' | '€' | '£' | '¥' | '￥' | '%' | '％' | '°' | '℃' | '℉' => {
                        self.evidence.units.has_symbol(c)
                    }
                    _ => in_names.contains(c),
                }
        };
        let found = self.sentence.char_indices().find(|(at, c)| !is_plain(*c) && !is_said(*at, *c));
        let trails_off = self.sentence.contains("...") && literals.is_empty();
        if !self.evidence.facts.is_empty() {
            self.cover.sign = found.map(|(_, c)| c).or(trails_off.then_some('…'));
        }
    }

    fn names(&mut self) {
        let mut at = 0;
        while at < self.cover.words.len() {
            let words = &self.cover.words;
            let label = self
                .evidence
                .names
                .labels
                .longest_folded_at(words, at)
                .filter(|found| self.is_free(at..at + found.length));
            let alias = self.evidence.names.aliases.longest_folded_at(words, at).filter(|found| {
                self.is_free(at..at + found.length)
                    && label.as_ref().is_none_or(|label| label.length < found.length)
                    && !self.stands_beside_a_name(at, found.length)
            });
            let adjective = || {
                let found = self.evidence.names.adjectives.longest_folded_at(words, at)?;
                let end = at + found.length;
                let predicate = self.evidence.predicates.longest_at(words, end)?;
                let own = |(_, fact): &&(Role, usize)| predicate.tags.contains(fact);
                let tags: Vec<(Role, usize)> = found.tags.iter().filter(own).copied().collect();
                let is_one = label.is_none() && self.is_free(at..end) && !tags.is_empty();
                is_one.then_some(Found { length: found.length, tags })
            };
            let Some(found) = alias.or_else(|| label.clone()).or_else(adjective) else {
                at += 1;
                continue;
            };
            let facts = |wanted: Role| {
                let of_role = found.tags.iter().filter(|(role, _)| *role == wanted);
                of_role.map(|(_, fact)| *fact).collect()
            };
            let (subject_of, object_of) = (facts(Role::Subject), facts(Role::Object));
            let words = at..at + found.length;
            let bytes = self.bytes(&words);
            self.take(Occurrence { words, bytes, subject_of, object_of, ..Occurrence::default() });
            at += found.length;
        }
    }

    /// Whether another name stands right beside: "Swiss German" is not the German of "Swiss".
    fn stands_beside_a_name(&self, at: usize, length: usize) -> bool {
        if self.evidence.lexicon.language.is_unspaced() {
            return false;
        }
        let words = &self.cover.words;
        let touches = |left: usize, right: usize| match (words.get(left), words.get(right)) {
            (Some(left), Some(right)) => self.sentence[left.range.end..right.range.start]
                .chars()
                .all(|c| c.is_whitespace() || c == '-'),
            _ => false,
        };
        let follows = at.checked_sub(1).is_some_and(|before| {
            let ends_here = |name: &Occurrence| name.is_name() && name.words.end == at;
            touches(before, at) && self.cover.occurrences.iter().any(ends_here)
        });
        let end = at + length;
        let precedes = touches(end - 1, end)
            && (self.evidence.names.labels.longest_folded_at(words, end).is_some()
                || self.evidence.names.aliases.longest_folded_at(words, end).is_some());
        follows || precedes
    }

    fn measures(&mut self) {
        let mut at = 0;
        while at < self.cover.words.len() {
            let measure = self.evidence.units.measure_at(self.sentence, &self.cover.words, at);
            let Some((measure, length)) = measure.filter(|(_, length)| self.is_free(at..at + length)) else {
                at += 1;
                continue;
            };
            let known = self.evidence.measures.iter().enumerate();
            let agrees =
                known.filter(|(_, known)| known.as_ref().is_some_and(|known| measure.agrees_with(known)));
            let object_of: Vec<usize> = agrees.map(|(fact, _)| fact).collect();
            let words = at..at + length;
            let bytes = self.bytes(&words);
            if object_of.is_empty() {
                let written = self.sentence[bytes].to_owned();
                self.taken[words.clone()].fill(true);
                self.cover.unmatched.push(Unmatched { measure, words, written });
            } else {
                self.take(Occurrence { words, bytes, object_of, is_measure: true, ..Occurrence::default() });
            }
            at += length;
        }
    }

    fn predicates_and_plain_words(&mut self) {
        let mut at = 0;
        while at < self.cover.words.len() {
            if self.taken[at] {
                at += 1;
                continue;
            }
            let free = |length: usize| self.is_free(at..at + length);
            let words = &self.cover.words;
            let predicate = self.predicate_at(at);
            let lexicon = self.evidence.lexicon;
            let statement = lexicon.statement.longest_where(words, at, free);
            let plain_length = statement.as_ref().map_or(0, |found| found.length);
            if let Some(found) = predicate.filter(|found| found.length >= plain_length) {
                let words = at..at + found.length;
                let bytes = self.bytes(&words);
                let past = words.clone().filter(|at| lexicon.is_past(self.cover.word(*at)));
                let past: Vec<usize> = past.collect();
                self.cover.past.extend(past);
                at = words.end;
                self.take(Occurrence { words, bytes, predicate_of: found.tags, ..Occurrence::default() });
                continue;
            }
            let kinds = lexicon.kinds.longest_where(words, at, free);
            let is = |kind: WordKind| kinds.as_ref().is_some_and(|found| found.tags.contains(&kind));
            let length = kinds.as_ref().map_or(1, |found| found.length);
            let (denies, points, personal, approximates) = (
                is(WordKind::Negation),
                is(WordKind::Pronoun),
                is(WordKind::Personal),
                is(WordKind::Approximately),
            );
            if points && !denies {
                self.cover.pronouns.push(at);
            }
            at += if let Some(courtesy) = &self.evidence.courtesy {
                let found = [&lexicon.courtesy, courtesy].map(|book| book.longest_at(&self.cover.words, at));
                let longest = found.into_iter().flatten().map(|found| found.length).max();
                let personal = personal.then_some(length);
                longest.or(personal).unwrap_or_else(|| self.unaccounted(at))
            } else if denies {
                self.cover.denials.push(at);
                length
            } else if lexicon.is_past(self.cover.word(at)) {
                self.cover.past.push(at);
                1
            } else if plain_length > 0 {
                plain_length
            } else if approximates && self.introduces_a_measure(at, length) {
                length
            } else {
                self.unaccounted(at)
            };
        }
    }

    /// The facts whose predicate is named by the words at a place, in a form that it may be written in.
    fn predicate_at(&self, at: usize) -> Option<Found<usize>> {
        let words = &self.cover.words;
        let free = |length: usize| self.is_free(at..at + length);
        let found = self.evidence.predicates.longest_where(words, at, free)?;
        let is_written = |fact: &usize| {
            let sayings = &self.evidence.sayings[*fact];
            words[at..at + found.length].iter().all(|word| sayings.may_be_written(&word.folded))
        };
        let tags: Vec<usize> = found.tags.iter().copied().filter(is_written).collect();
        (!tags.is_empty()).then_some(Found { length: found.length, tags })
    }

    /// Whether a measure begins after the words at `at`, or ends before them where a language says "左右" behind the number.
    fn introduces_a_measure(&self, at: usize, length: usize) -> bool {
        let spoken = self.cover.word(at);
        let follows = has_han(spoken) && at > 0;
        let measures = self.cover.occurrences.iter().filter(|occurrence| occurrence.is_measure);
        let mut places = measures
            .map(|occurrence| occurrence.words.clone())
            .chain(self.cover.unmatched.iter().map(|unmatched| unmatched.words.clone()));
        places.any(|place| place.start == at + length || follows && place.end == at)
    }

    /// Notes a word that nothing accounts for, and passes over it.
    fn unaccounted(&mut self, at: usize) -> usize {
        self.cover.unaccounted.push(at);
        1
    }
}

/// Whether a character is a letter, a digit, white space or a sign that claims nothing by itself.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric()
        || c == ' '
        || c == '\n'
        || c == '\t'
        || matches!(c, '\u{A0}' | '\u{2009}' | '\u{202F}' | '\u{3000}')
        || matches!(
            c,
            '.' | ','
                | ':'
                | ';'
                | '!'
                | '?'
                | '\''
                | '"'
                | '’'
                | '‘'
                | '“'
                | '”'
                | '«'
                | '»'
                | '('
                | ')'
                | '-'
                | '‐'
                | '‑'
                | '–'
                | '—'
                | '−'
                | '*'
                | '_'
                | '&'
                | '/'
                | '='
                | '、'
                | '。'
                | '，'
                | '：'
                | '；'
                | '！'
                | '？'
                | '（'
                | '）'
                | '《'
                | '》'
                | '「'
                | '」'
                | '『'
                | '』'
                | '·'
                | '²'
                | '³'
        )
}
