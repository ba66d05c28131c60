//! Finds names in a message, at the borders of words. In: a message. Out: every stretch that reads as a name, also where they
//! overlap, with who may be meant. Which of them stand is for [`cover`](super::cover) to say.

use std::ops::Range;

use fst::raw::{Fst, Output};

use super::LEAST_EVIDENCE;
use super::borders::borders;
use super::case::{Message, Stretch, begins_sentence, is_common};
use super::fold::{Folded, fold, is_unspaced, loosen, without_and};
use super::function_words::{Side, is_grammar, parts_words, splits_word};
use super::index::{Index, Posting, Table};
use super::inflect::endings;
use super::score::strongest;
use crate::snapshot::names::OpenShard;

/// Factor for a name found without its diacritics or punctuation.
const LOOSE: f32 = 0.95;

/// Factor for a name found in the plural.
const PLURAL: f32 = 0.85;

/// Factors for a short name within a longer run of Chinese, by how many of its sides no word of grammar parts from the rest.
const SHORT_IN_RUN: [f32; 3] = [1.0, 0.75, 0.5];

/// A stretch of the message read as a name.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) range: Range<usize>,
    /// How well the best claim fits, from 0 to 1.
    pub(super) evidence: f32,
    /// Who has the name, each with how well it fits.
    pub(super) claims: Vec<(Posting, f32)>,
    /// How much of the text it explains: letters and figures, those of grammar aside.
    pub(super) letters: usize,
}

/// A name that ends here.
struct Match {
    end: usize,
    factor: f32,
    postings: Vec<Posting>,
}

/// A message, folded, with the borders of its words.
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    pub(super) loose: Vec<Folded>,
    exact: Vec<Folded>,
    /// The loose form without "and" and "und", where it has one.
    plain: Option<Vec<Folded>>,
    /// For each byte offset, whether a name may begin or end there.
    borders: Vec<bool>,
    pub(super) message: Message,
}

impl Index<'_> {
    /// Every stretch that some name matches as it is spelt, by start, the longest first.
    pub(super) fn readings(&self, text: &Text<'_>) -> Vec<Reading> {
        let mut readings = Vec::new();
        let (mut loose_at, mut plain_at) = (0, 0);
        for at in 0..text.exact.len() {
            let Folded { c, start, .. } = text.exact[at];
            if c == ' ' || !text.borders[start as usize] || text.is_inside(at) {
                continue;
            }
            let mut matches = Vec::new();
            walk(&self.exact, text, &text.exact[at..], 1.0, &mut matches);
            let plain = text.plain.as_deref().unwrap_or_default();
            for (form, place) in [(text.loose.as_slice(), &mut loose_at), (plain, &mut plain_at)] {
                while form.get(*place).is_some_and(|folded| folded.start < start) {
                    *place += 1;
                }
                if form.get(*place).is_some_and(|folded| folded.start == start) {
                    for table in [&self.exact, &self.loose] {
                        walk(table, text, &form[*place..], LOOSE, &mut matches);
                    }
                }
            }
            matches.sort_by_key(|found| std::cmp::Reverse(found.end));
            for same_end in matches.chunk_by(|a, b| a.end == b.end) {
                readings.extend(self.reading(text, start as usize..same_end[0].end, same_end));
            }
        }
        readings
    }

    fn reading(&self, text: &Text<'_>, range: Range<usize>, matches: &[Match]) -> Option<Reading> {
        if text.is_lone_character(&range) || splits_word(text.text, &range) {
            return None;
        }
        let stretch = text.stretch(range.clone());
        if stretch.is_grammar(text.message) {
            return None;
        }
        let place = text.place(&range);
        let mut claims = Vec::new();
        for found in matches {
            for posting in &found.postings {
                claims.extend(self.fit(&stretch, posting).map(|fit| (*posting, fit * found.factor * place)));
            }
        }
        Reading::new(text, range, claims)
    }
}

impl Reading {
    /// `None` where no claim is good enough.
    pub(super) fn new(text: &Text<'_>, range: Range<usize>, claims: Vec<(Posting, f32)>) -> Option<Self> {
        let evidence = claims.iter().map(|(_, fit)| *fit).fold(0.0, f32::max);
        let letters = letters(&text.text[range.clone()]);
        (evidence >= LEAST_EVIDENCE).then(|| Self { range, evidence, claims: strongest(claims), letters })
    }
}

/// Letters and figures, words of grammar in lower case at the beginning aside; a character of a script without spaces counts
/// for three.
fn letters(text: &str) -> usize {
    let size = |c: char| if is_unspaced(c) { 3 } else { usize::from(c.is_alphanumeric()) };
    let words = text.split_whitespace().skip_while(|word| is_common(word));
    words.flat_map(str::chars).map(size).sum::<usize>().max(1)
}

impl<'a> Text<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let exact = fold(text);
        let loose = loosen(&exact);
        let plain = without_and(&loose);
        Self { text, loose, exact, plain, borders: borders(text), message: Message::of(text) }
    }

    /// Whether the folded character is not the first of its cluster.
    fn is_inside(&self, at: usize) -> bool {
        at > 0 && self.exact[at - 1].start == self.exact[at].start
    }

    /// Whether the message says nothing else.
    pub(super) fn is_alone(&self, range: &Range<usize>) -> bool {
        let rest = [&self.text[..range.start], &self.text[range.end..]];
        rest.iter().all(|rest| !rest.chars().any(char::is_alphanumeric))
    }

    /// Whether a sentence begins at this byte.
    pub(super) fn begins_sentence(&self, at: usize) -> bool {
        begins_sentence(self.text, at)
    }

    pub(super) fn stretch(&self, range: Range<usize>) -> Stretch<'a> {
        Stretch::of(self.text, range)
    }

    /// Where a name of as many characters ends in the message; `None` where it would end within a word.
    fn end(&self, characters: &[Folded], length: usize) -> Option<usize> {
        let last = characters[length - 1];
        let whole = characters.get(length).is_none_or(|next| next.start != last.start);
        (whole && self.borders[last.end as usize]).then_some(last.end as usize)
    }

    /// How many sides of the range run on in a script without spaces, with no word of grammar there to part them.
    fn running_sides(&self, range: &Range<usize>) -> usize {
        let before = self.text[..range.start].chars().next_back().is_some_and(is_unspaced);
        let after = self.text[range.end..].chars().next().is_some_and(is_unspaced);
        usize::from(before && !parts_words(self.text, range.start, Side::Before))
            + usize::from(after && !parts_words(self.text, range.end, Side::After))
    }

    /// A single character of an unspaced script within a longer run of it: part of a word, not a name.
    fn is_lone_character(&self, range: &Range<usize>) -> bool {
        let mut characters = self.text[range.clone()].chars();
        let alone = characters.next().is_some_and(is_unspaced) && characters.next().is_none();
        let grammar = is_grammar(&self.text[range.clone()]) && !self.is_alone(range);
        alone && (grammar || self.running_sides(range) > 0)
    }

    /// The factor for a short name by what stands beside it.
    fn place(&self, range: &Range<usize>) -> f32 {
        let text = &self.text[range.clone()];
        let short = text.chars().all(is_unspaced) && text.chars().count() <= 3;
        if short { SHORT_IN_RUN[self.running_sides(range)] } else { 1.0 }
    }
}

/// The node that a byte leads to.
fn step(fst: &Fst<&[u8]>, (address, output): (usize, Output), byte: u8) -> Option<(usize, Output)> {
    let node = fst.node(address);
    let transition = node.transition(node.find_input(byte)?);
    Some((transition.addr, output.cat(transition.out)))
}

/// Every name of the table that the characters begin with and that ends at a border, also in the plural.
fn walk(table: &Table<'_>, text: &Text<'_>, characters: &[Folded], factor: f32, matches: &mut Vec<Match>) {
    let mut bytes = [0; 8];
    let mut length = 0;
    for folded in characters.iter().take(2) {
        length += folded.c.encode_utf8(&mut bytes[length..]).len();
    }
    let [first, rest @ ..] = &bytes[..length] else { return };
    for shard in table.shards(*first, rest.first().copied()) {
        walk_shard(table, &shard, text, characters, factor, matches);
    }
    // "geese" is looked up as "goose", among other keys.
    for (length, singular) in endings(characters, 1, text.message.german) {
        let other = singular.as_bytes().first().filter(|other| rest.first() != Some(*other));
        let Some((shard, end)) =
            other.and_then(|other| table.shard(*first, *other)).zip(text.end(characters, 1 + length))
        else {
            continue;
        };
        let name = format!("{}{singular}", characters[0].c);
        if let Some(value) = shard.transducer().and_then(|transducer| transducer.get(name)) {
            let postings = table.postings(&shard, value.value());
            matches.push(Match { end, factor: factor * PLURAL, postings });
        }
    }
    if table.has_more() {
        let mut key = String::new();
        for (at, folded) in characters.iter().enumerate() {
            key.push(folded.c);
            if let Some(end) = text.end(characters, at + 1) {
                let postings = table.more(&key);
                if !postings.is_empty() {
                    matches.push(Match { end, factor, postings });
                }
            }
        }
    }
}

fn walk_shard(
    table: &Table<'_>,
    shard: &OpenShard<'_>,
    text: &Text<'_>,
    characters: &[Folded],
    factor: f32,
    matches: &mut Vec<Match>,
) {
    let Some(fst) = shard.transducer() else { return };
    let mut place = (fst.root().addr(), Output::zero());
    let named = |(address, output): (usize, Output)| {
        let node = fst.node(address);
        node.is_final().then(|| table.postings(shard, output.cat(node.final_output()).value()))
    };
    let mut bytes = [0; 4];
    for at in 0..=characters.len() {
        if at > 0
            && let Some(end) = text.end(characters, at)
            && let Some(postings) = named(place)
        {
            matches.push(Match { end, factor, postings });
        }
        let Some(folded) = characters.get(at) else { return };
        for (length, singular) in endings(characters, at, text.message.german) {
            let Some(end) = text.end(characters, at + length) else { continue };
            let last = singular.bytes().try_fold(place, |place, byte| step(&fst, place, byte));
            if let Some(postings) = last.and_then(named) {
                matches.push(Match { end, factor: factor * PLURAL, postings });
            }
        }
        for byte in folded.c.encode_utf8(&mut bytes).bytes() {
            let Some(next) = step(&fst, place, byte) else { return };
            place = next;
        }
    }
}
