//! Forms of sentences that count and compare. In: a pattern such as `{name} {predicate} {number} {kind}`, and a covered sentence. Out:
//! what of the sentence each slot holds, if the pattern fits all of it. Knows no fact.

use std::ops::Range;

use super::cover::{Cover, Occurrence};
use crate::lexicon::Lexicon;

/// One part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Slot {
    Name,
    Other,
    /// Names in a list.
    Others,
    Predicate,
    Number,
    /// A noun for what is counted.
    Kind,
    /// "larger", or "largest".
    More,
    Most,
    /// A word, which may be missing.
    Word {
        word: String,
        is_optional: bool,
    },
}

/// A form of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Slot>);

/// A word that compares, one of the lexicon's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// The adjective, which says by what is compared; `None` for words such as "greater", which leave that to a noun.
    pub(crate) adjective: Option<usize>,
    /// Whether it asks for more rather than less.
    pub(crate) greater: bool,
}

/// What the slots hold: places of occurrences, and values.
#[derive(Clone, Debug, Default)]
pub(super) struct Fit {
    name: Option<usize>,
    pub(super) other: Option<usize>,
    pub(super) others: Vec<usize>,
    pub(super) predicates: Vec<usize>,
    pub(super) number: Option<u64>,
    pub(super) kind: Option<Range<usize>>,
    pub(super) orders: Vec<Order>,
}

impl Fit {
    pub(super) fn name<'c>(&self, cover: &'c Cover) -> Option<&'c Occurrence> {
        cover.occurrences.get(self.name?)
    }

    pub(super) fn predicate<'c>(&self, cover: &'c Cover) -> Option<&'c Occurrence> {
        cover.occurrences.get(*self.predicates.first()?)
    }
}

impl Pattern {
    /// Reads a pattern: slots in braces and words, those with a question mark optional.
    pub(crate) fn parse(text: &str) -> Self {
        let slot = |part: &str| match part {
            "{name}" => Slot::Name,
            "{other}" => Slot::Other,
            "{others}" => Slot::Others,
            "{predicate}" => Slot::Predicate,
            "{number}" => Slot::Number,
            "{kind}" => Slot::Kind,
            "{more}" => Slot::More,
            "{most}" => Slot::Most,
            word => {
                Slot::Word { word: word.trim_end_matches('?').to_owned(), is_optional: word.ends_with('?') }
            }
        };
        Self(text.split_whitespace().map(slot).collect())
    }

    pub(super) fn fit(
        &self,
        sentence: &str,
        cover: &Cover,
        lexicon: &Lexicon,
        kind_at: &dyn Fn(usize) -> Option<usize>,
        count_at: &dyn Fn(usize) -> Option<(u64, usize)>,
    ) -> Option<Fit> {
        let reader = Reader { sentence, cover, lexicon, kind_at, count_at };
        reader.read(&self.0, 0, Fit::default())
    }
}

struct Reader<'a> {
    sentence: &'a str,
    cover: &'a Cover,
    lexicon: &'a Lexicon,
    kind_at: &'a dyn Fn(usize) -> Option<usize>,
    count_at: &'a dyn Fn(usize) -> Option<(u64, usize)>,
}

impl Reader<'_> {
    fn read(&self, slots: &[Slot], at: usize, fit: Fit) -> Option<Fit> {
        let Some((slot, rest)) = slots.split_first() else { return self.ends_at(at).then_some(fit) };
        if !self.begins_plainly(at) {
            return None;
        }
        match slot {
            Slot::Word { word, is_optional } => {
                let is_here = self.cover.word(at) == word && self.occurrence(at).is_none();
                let taken = if is_here { self.read(rest, at + 1, fit.clone()) } else { None };
                taken.or_else(|| if *is_optional { self.read(rest, at, fit) } else { None })
            }
            Slot::Name | Slot::Other => {
                let (place, end) = self.name(at)?;
                let mut fit = fit;
                if *slot == Slot::Name {
                    fit.name = Some(place)
                } else {
                    fit.other = Some(place)
                }
                self.read(rest, end, fit)
            }
            Slot::Others => self.others(rest, at, fit),
            Slot::Predicate => {
                let (place, found) = self.occurrence(at)?;
                if found.predicate_of.is_empty() || found.is_measure {
                    return None;
                }
                let mut fit = fit;
                fit.predicates.push(place);
                self.read(rest, found.words.end, fit)
            }
            Slot::Number => {
                let (number, length) = (self.count_at)(at)?;
                self.read(rest, at + length, Fit { number: Some(number), ..fit })
            }
            Slot::Kind => {
                let length = (self.kind_at)(at)?;
                self.read(rest, at + length, Fit { kind: Some(at..at + length), ..fit })
            }
            Slot::More | Slot::Most => {
                let computed = &self.lexicon.computed;
                let book = if *slot == Slot::More { &computed.more } else { &computed.most };
                let found = book.longest_at(&self.cover.words, at)?;
                self.read(rest, at + found.length, Fit { orders: found.tags, ..fit })
            }
        }
    }

    /// Names one after the other, with commas and "and" between.
    fn others(&self, rest: &[Slot], at: usize, fit: Fit) -> Option<Fit> {
        let (place, end) = self.name(at)?;
        let mut fit = fit;
        fit.others.push(place);
        let joins = |at: usize| self.lexicon.computed.join.iter().any(|join| join == self.cover.word(at));
        let next = if joins(end) { end + 1 } else { end };
        let is_joined = next > end || self.gap(end).contains([',', '，', '、']);
        let longer =
            if is_joined && self.begins_plainly(next) { self.others(rest, next, fit.clone()) } else { None };
        longer.or_else(|| self.read(rest, end, fit))
    }

    /// The name at a place, behind an article perhaps, and where it ends.
    fn name(&self, at: usize) -> Option<(usize, usize)> {
        let is_article = self.lexicon.grammar.articles.iter().any(|article| article == self.cover.word(at));
        let at = if is_article && self.occurrence(at).is_none() { at + 1 } else { at };
        let (place, found) = self.occurrence(at)?;
        (found.is_name() && !found.words.is_empty()).then_some((place, found.words.end))
    }

    fn occurrence(&self, at: usize) -> Option<(usize, &Occurrence)> {
        self.cover.occurrences.iter().enumerate().find(|(_, found)| found.words.contains(&at))
    }

    /// What stands before the word at a place.
    fn gap(&self, at: usize) -> &str {
        let start = at.checked_sub(1).and_then(|before| self.cover.words.get(before));
        let start = start.map_or(0, |word| word.range.end);
        let end = self.cover.words.get(at).map_or(self.sentence.len(), |word| word.range.start);
        self.sentence.get(start..end).unwrap_or_default()
    }

    fn begins_plainly(&self, at: usize) -> bool {
        self.gap(at).chars().all(|c| c.is_whitespace() || matches!(c, ',' | '，' | '、' | '*'))
    }

    fn ends_at(&self, at: usize) -> bool {
        let plain = |c: char| c.is_whitespace() || matches!(c, '.' | '。' | '!' | '！' | '*');
        at == self.cover.words.len() && self.gap(at).chars().all(plain)
    }
}
