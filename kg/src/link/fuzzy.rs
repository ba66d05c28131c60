//! Names with a spelling mistake. In: words that no name covers. Out: names at a small distance.
//!
//! The distance is optimal string alignment (Damerau 1964, without edits of an edited pair): one for a letter inserted, left
//! out, replaced, or swapped with its neighbour; a letter that has moved further ("Buthan") counts as one too. The transducer is walked with one row of the distance table a character,
//! and a branch ends where the whole row is too far (as in Schulz and Mihov 2002). To keep "Atlantis" from
//! becoming "Atlantic" or "iPhone 14" "iPhone 15": one edit in 5 to 8 characters (6 to 8 in lower case) and two from 9 on; the first character must
//! be right, the last may be missing or swapped but not replaced, and figures must agree.

use fst::raw::{Fst, Output};

use super::THRESHOLD;
use super::case::{Stretch, is_common};
use super::fold::is_unspaced;
use super::index::{Index, Posting};
use super::scan::{Found, Text};
use super::score::share;

/// Words that one misspelt name may have.
const WORDS: usize = 4;

/// Stretches of one message that are tried.
const TRIES: usize = 48;

/// Nodes of the transducer that one try may visit.
const VISITS: usize = 60_000;

/// A word of the message: its place among the loose characters.
struct Word {
    first: usize,
    last: usize,
    /// It has a capital.
    capital: bool,
    /// It may begin or end a name.
    able: bool,
}

impl Index<'_> {
    /// Adds the misspelt names among the words that are not covered yet. Words in lower case are tried only where nothing
    /// else was found.
    pub(super) fn link_misspelt(&self, text: &Text<'_>, found: &mut Vec<Found>) {
        let lower_too = found.is_empty();
        let words = self.words(text, found);
        let mut tries = 0;
        let mut at = 0;
        while at < words.len() {
            let mut next = at + 1;
            for count in (1..=WORDS).rev() {
                let Some(window) = words.get(at..at + count) else { continue };
                let adjacent = window.windows(2).all(|pair| pair[1].first == pair[0].last + 2);
                let able = |word: &Word| word.able && (lower_too || word.capital);
                let whole = window.first().is_some_and(able) && window.last().is_some_and(able);
                if !adjacent || !whole || tries >= TRIES {
                    continue;
                }
                tries += 1;
                if let Some(mention) = self.misspelt(text, window) {
                    found.push(mention);
                    next = at + count;
                    break;
                }
            }
            at = next;
        }
        found.sort_by_key(|mention| mention.range.start);
    }

    /// The words that no mention covers.
    fn words(&self, text: &Text<'_>, found: &[Found]) -> Vec<Word> {
        let mut words = Vec::new();
        let mut first = 0;
        for run in text.loose.split_inclusive(|folded| folded.c == ' ') {
            let end = first + run.len();
            let last = end - usize::from(run.last().is_some_and(|folded| folded.c == ' '));
            if last > first {
                let range = text.loose[first].start as usize..text.loose[last - 1].end as usize;
                let covered = found.iter().any(|f| f.range.start < range.end && range.start < f.range.end);
                let key: String = text.loose[first..last].iter().map(|folded| folded.c).collect();
                let spaced = !key.contains(is_unspaced);
                if !covered && spaced {
                    let able = !is_common(&key) && !self.predicates.words.contains(&key);
                    let capital = text.text[range].chars().any(char::is_uppercase);
                    words.push(Word { first, last: last - 1, capital, able });
                }
            }
            first = end;
        }
        words
    }

    fn misspelt(&self, text: &Text<'_>, window: &[Word]) -> Option<Found> {
        let characters = text.loose.get(window.first()?.first..=window.last()?.last)?;
        let mut range = characters.first()?.start as usize..characters.last()?.end as usize;
        let mut query: Vec<char> = characters.iter().map(|folded| folded.c).collect();
        // The loose form has lost the apostrophe of a possessive.
        if let Some(bare) = text.text[range.clone()]
            .strip_suffix("'s")
            .or_else(|| text.text[range.clone()].strip_suffix("’s"))
        {
            range.end = range.start + bare.len();
            query.pop();
        }
        let stretch = Stretch::of(text.text, range.clone());
        // An ordinary word is in lower case, and short ones are near to some name too easily.
        let shortest = if window.iter().any(|word| word.capital) { 5 } else { 6 };
        if query.len() < shortest {
            return None;
        }
        let mut first = [0; 4];
        let first = query.first()?.encode_utf8(&mut first).as_bytes()[0];
        let mut near: Vec<(usize, Vec<Posting>)> = Vec::new();
        for table in [&self.exact, &self.loose] {
            let mut visits = 0;
            for shard in table.shards_of(first) {
                let Some(fst) = shard.transducer() else { continue };
                let mut search = Search {
                    fst: &fst,
                    query: &query,
                    edits: if query.len() < 6 { 1 } else { 2 },
                    visits,
                    name: Vec::new(),
                    found: Vec::new(),
                };
                search.begin();
                visits = search.visits;
                let found = search.found;
                near.extend(
                    found.into_iter().map(|(value, distance)| (distance, table.postings(&shard, value))),
                );
            }
        }
        let least = near.iter().map(|(distance, _)| *distance).min()?;
        let certainty = 0.85 * (1.0 - least as f32 / query.len() as f32);
        let claims: Vec<_> = near
            .iter()
            .filter(|(distance, _)| *distance == least)
            .flat_map(|(_, postings)| postings)
            .filter(|posting| !posting.acronym)
            .filter_map(|posting| {
                Some((
                    *posting,
                    certainty * stretch.fit(posting.spelling(), |key| self.predicates.names.contains(key))?,
                ))
            })
            .filter(|(_, fit)| *fit >= THRESHOLD)
            .collect();
        (!claims.is_empty()).then(|| Found { range, candidates: share(&claims) })
    }
}

/// A walk over a transducer for names near `query`.
struct Search<'a> {
    fst: &'a Fst<&'a [u8]>,
    query: &'a [char],
    edits: usize,
    visits: usize,
    /// The characters from the root to the node that is visited.
    name: Vec<char>,
    /// Numbers of names, with their distances.
    found: Vec<(u64, usize)>,
}

/// Where a walk is within the bytes of a character.
#[derive(Clone, Copy)]
struct Place {
    address: usize,
    output: Output,
    bytes: [u8; 4],
    length: usize,
}

impl Search<'_> {
    fn begin(&mut self) {
        let row: Vec<usize> = (0..=self.query.len()).collect();
        let place =
            Place { address: self.fst.root().addr(), output: Output::zero(), bytes: [0; 4], length: 0 };
        self.visit(place, &[], &row);
    }

    /// Visits every continuation. `row` is the distance of the name so far from each beginning of the query, `before` the row
    /// of the name without its last character.
    fn visit(&mut self, place: Place, before: &[usize], row: &[usize]) {
        self.visits += 1;
        if self.visits > VISITS {
            return;
        }
        let node = self.fst.node(place.address);
        for transition in node.transitions() {
            let mut next = place;
            next.address = transition.addr;
            next.output = place.output.cat(transition.out);
            next.bytes[place.length] = transition.inp;
            next.length += 1;
            let character =
                std::str::from_utf8(&next.bytes[..next.length]).ok().and_then(|text| text.chars().next());
            let Some(c) = character else {
                if next.length < 4 {
                    self.visit(next, before, row);
                }
                continue;
            };
            if self.name.is_empty() && c != self.query[0] {
                continue;
            }
            next.length = 0;
            let longer = self.row(c, before, row);
            if longer.iter().all(|distance| *distance > self.edits) {
                continue;
            }
            self.name.push(c);
            let distance = longer[self.query.len()];
            let node = self.fst.node(next.address);
            if node.is_final() && distance <= self.edits && self.name.len() >= 5 && self.is_likely() {
                let edits = if self.is_moved() { 1 } else { distance };
                if edits == 1 || self.query.len() >= 9 {
                    self.found.push((next.output.cat(node.final_output()).value(), edits));
                }
            }
            self.visit(next, row, &longer);
            self.name.pop();
        }
    }

    /// The row for the name with one more character.
    fn row(&self, c: char, before: &[usize], row: &[usize]) -> Vec<usize> {
        let mut longer = Vec::with_capacity(row.len());
        longer.push(row[0] + 1);
        for at in 1..row.len() {
            let replaced = row[at - 1] + usize::from(self.query[at - 1] != c);
            let mut least = replaced.min(row[at] + 1).min(longer[at - 1] + 1);
            let swapped = at > 1 && self.query[at - 2] == c && self.name.last() == Some(&self.query[at - 1]);
            if let Some(earlier) = before.get(at.wrapping_sub(2)).filter(|_| swapped) {
                least = least.min(earlier + 1);
            }
            longer.push(least);
        }
        longer
    }

    /// Whether the difference looks like a slip: see the top of the file.
    fn is_likely(&self) -> bool {
        let figures = |text: &[char]| text.iter().copied().filter(char::is_ascii_digit).collect::<String>();
        if figures(self.query) != figures(&self.name) {
            return false;
        }
        match (self.query, self.name.as_slice()) {
            ([.., a, b], [.., x, y]) => self.query.len() != self.name.len() || b == y || (a == y && b == x),
            _ => false,
        }
    }

    /// Whether the name has the same characters in another order.
    fn is_moved(&self) -> bool {
        let sorted = |text: &[char]| {
            let mut text = text.to_vec();
            text.sort_unstable();
            text
        };
        self.query.len() == self.name.len() && sorted(self.query) == sorted(&self.name)
    }
}
