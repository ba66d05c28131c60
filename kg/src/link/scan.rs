//! Finds names in a message: leftmost, longest, at the borders of words. In: a message. Out: ranges and who they may mean.

use std::ops::Range;

use fst::raw::Output;

use super::THRESHOLD;
use super::borders::borders;
use super::case::{Message, Stretch, is_lone_character};
use super::fold::{Folded, fold, loosen};
use super::index::{Index, Posting, Table};
use super::score::share;
use crate::snapshot::names::OpenShard;

/// Factor for a name found without its diacritics or punctuation.
const LOOSE: f32 = 0.95;

/// Factor for a name found in the plural.
const PLURAL: f32 = 0.85;

/// A stretch of the message and the nodes that it may mean, best first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) range: Range<usize>,
    pub(crate) candidates: Vec<(u32, f32)>,
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
    /// For each byte offset, whether a name may begin or end there.
    borders: Vec<bool>,
    pub(super) message: Message,
}

impl Index<'_> {
    /// The names in a message, in its order, not overlapping.
    pub(crate) fn link(&self, text: &str) -> Vec<Found> {
        let text = Text::new(text);
        let mut found: Vec<Found> = Vec::new();
        let mut free_from = 0;
        let mut loose_at = 0;
        for at in 0..text.exact.len() {
            let Folded { c, start, .. } = text.exact[at];
            let start = start as usize;
            if start < free_from || c == ' ' || !text.borders[start] || text.is_inside(at) {
                continue;
            }
            while text.loose.get(loose_at).is_some_and(|folded| (folded.start as usize) < start) {
                loose_at += 1;
            }
            if let Some(mention) = self.longest(&text, at, loose_at) {
                free_from = mention.range.end;
                found.push(mention);
            }
        }
        self.link_misspelt(&text, &mut found);
        found
    }

    /// The longest stretch from here that may mean something.
    fn longest(&self, text: &Text<'_>, at: usize, loose_at: usize) -> Option<Found> {
        let start = text.exact[at].start as usize;
        let mut matches = Vec::new();
        walk(&self.exact, text, &text.exact[at..], 1.0, &mut matches);
        if text.loose.get(loose_at).is_some_and(|folded| folded.start as usize == start) {
            for table in [&self.exact, &self.loose] {
                walk(table, text, &text.loose[loose_at..], LOOSE, &mut matches);
            }
        }
        matches.sort_by_key(|found| std::cmp::Reverse(found.end));
        for same_end in matches.chunk_by(|a, b| a.end == b.end) {
            let range = start..same_end[0].end;
            let stretch = Stretch::of(text.text, range.clone());
            if stretch.is_grammar(text.message) || is_lone_character(text.text, &range) {
                continue;
            }
            let mut claims = Vec::new();
            for found in same_end {
                for posting in &found.postings {
                    if let Some(fit) =
                        stretch.fit(posting.spelling(), |key| self.predicates.names.contains(key))
                    {
                        claims.push((*posting, fit * found.factor));
                    }
                }
            }
            let candidates = share(&claims);
            if claims.iter().any(|(_, fit)| *fit >= THRESHOLD) {
                return Some(Found { range, candidates });
            }
        }
        None
    }
}

impl<'a> Text<'a> {
    fn new(text: &'a str) -> Self {
        let exact = fold(text);
        let loose = loosen(&exact);
        Self { text, loose, exact, borders: borders(text), message: Message::of(text) }
    }

    /// Whether the folded character is not the first of its cluster.
    fn is_inside(&self, at: usize) -> bool {
        at > 0 && self.exact[at - 1].start == self.exact[at].start
    }

    /// Where a name of as many characters ends in the message; `None` where it would end within a word.
    fn end(&self, characters: &[Folded], length: usize) -> Option<usize> {
        let last = characters[length - 1];
        let whole = characters.get(length).is_none_or(|next| next.start != last.start);
        (whole && self.borders[last.end as usize]).then_some(last.end as usize)
    }
}

/// Every name of the table that the characters begin with and that ends at a border, also as an English plural.
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
    let mut address = fst.root().addr();
    let mut output = Output::zero();
    let mut found = |end: usize, factor: f32, value: Output| {
        matches.push(Match { end, factor, postings: table.postings(shard, value.value()) });
    };
    let mut bytes = [0; 4];
    for (at, folded) in characters.iter().enumerate() {
        let before = (address, output);
        // "countries": the name continues with a y where the text has "ies".
        if at >= 3
            && folded.c == 'i'
            && is_suffix(characters, at, "ies")
            && let Some(end) = text.end(characters, at + 3)
        {
            let y = fst.node(before.0);
            if let Some(transition) = y.find_input(b'y').map(|index| y.transition(index)) {
                let node = fst.node(transition.addr);
                if node.is_final() {
                    found(end, factor * PLURAL, before.1.cat(transition.out).cat(node.final_output()));
                }
            }
        }
        for byte in folded.c.encode_utf8(&mut bytes).bytes() {
            let node = fst.node(address);
            let Some(index) = node.find_input(byte) else { return };
            let transition = node.transition(index);
            output = output.cat(transition.out);
            address = transition.addr;
        }
        let node = fst.node(address);
        if !node.is_final() {
            continue;
        }
        let value = output.cat(node.final_output());
        let length = at + 1;
        if let Some(end) = text.end(characters, length) {
            found(end, factor, value);
        }
        if length >= 4 && folded.c.is_ascii_lowercase() && folded.c != 's' {
            for suffix in ["s", "es"] {
                if is_suffix(characters, length, suffix)
                    && let Some(end) = text.end(characters, length + suffix.len())
                {
                    found(end, factor * PLURAL, value);
                }
            }
        }
    }
}

/// Whether the characters from `at` begin with `suffix`, with nothing between (the loose form drops apostrophes).
fn is_suffix(characters: &[Folded], at: usize, suffix: &str) -> bool {
    let rest = characters.get(at..).unwrap_or_default();
    let joined = at > 0 && rest.first().is_some_and(|next| next.start == characters[at - 1].end);
    joined && rest.len() >= suffix.len() && rest.iter().zip(suffix.chars()).all(|(folded, c)| folded.c == c)
}
