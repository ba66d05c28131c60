//! Walks a transducer for names near the beginning of a query. In: folded characters, and how many of them a name may take. Out: numbers of names.
//!
//! One row of the distance table is kept a character, of which only the band around the diagonal is computed (Ukkonen 1985);
//! a branch ends where the whole row is too far (as in Schulz and Mihov 2002). With two edits at most one may lie in the first
//! [`HEAD`] characters, which keeps the walk out of most of the transducer. What a message may cost in all is bounded.

use fst::raw::{Fst, Output};

use super::index::Table;
use crate::snapshot::names::OpenShard;

/// Characters of a query that are looked at.
pub(super) const LONGEST: usize = 46;

/// Transitions that the searches of one message may follow together, and one of them alone.
const TRANSITIONS: usize = 9_000;
const EACH: usize = 2_500;

/// Characters in which only one of two edits may lie.
const HEAD: usize = 4;

const FAR: u8 = 100;

type Row = [u8; LONGEST + 1];

/// What is left of a message's allowance.
pub(super) struct Work(usize);

impl Default for Work {
    fn default() -> Self {
        Self(TRANSITIONS)
    }
}

/// A name near the first `length` characters of the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) length: usize,
    pub(super) edits: usize,
    pub(super) name: u64,
}

struct Search<'a> {
    fst: &'a Fst<&'a [u8]>,
    query: &'a [char],
    lengths: &'a [usize],
    edits: usize,
    left: usize,
    /// The characters from the root to the node that is visited.
    name: Vec<char>,
    hits: Vec<Hit>,
}

/// Where a walk is within the bytes of a character.
#[derive(Clone, Copy)]
struct Place {
    address: usize,
    output: Output,
    bytes: [u8; 4],
    length: usize,
}

/// Names of a table within `edits` of the query's first characters, as many as one of `lengths` says; each with its shard.
pub(super) fn search<'v>(
    table: &Table<'v>,
    query: &[char],
    lengths: &[usize],
    edits: usize,
    work: &mut Work,
) -> Vec<(OpenShard<'v>, Hit)> {
    let mut hits = Vec::new();
    let mut left = work.0.min(EACH);
    let given = left;
    for shard in shards(table, query, edits) {
        let Some(fst) = shard.transducer() else { continue };
        let search = Search { fst: &fst, query, lengths, edits, left, name: Vec::new(), hits: Vec::new() };
        let found;
        (found, left) = search.run();
        hits.extend(found.into_iter().map(|hit| (shard, hit)));
        if left == 0 {
            break;
        }
    }
    work.0 -= given - left;
    hits
}

/// The shards that can hold such names, the likeliest first: that of the query's own beginning, those with another second
/// character, and where the first may be wrong those with another first.
fn shards<'v>(table: &Table<'v>, query: &[char], edits: usize) -> Vec<OpenShard<'v>> {
    let mut bytes = [0; 4];
    let Some(first) = query.first().map(|c| c.encode_utf8(&mut bytes).as_bytes()[0]) else {
        return Vec::new();
    };
    let second = query.get(1).map(|c| c.encode_utf8(&mut bytes).as_bytes()[0]).unwrap_or_default();
    let mut shards: Vec<OpenShard<'v>> = table.shards_of(first).collect();
    shards.sort_by_key(|shard| shard.second() != second);
    if may_begin_wrong(query, edits) && first.is_ascii() {
        // Replaced, left out, swapped, or one too many.
        let third = query.get(2).map(|c| c.encode_utf8(&mut bytes).as_bytes()[0]).unwrap_or_default();
        let others = (0..=u8::MAX).filter(|other| *other != first);
        let wrong = others.flat_map(|other| [(other, second), (other, first)]);
        let wrong = wrong.chain((third != second && second != first).then_some((second, third)));
        shards.extend(wrong.filter_map(|(one, two)| table.shard(one, two)));
    }
    shards
}

fn may_begin_wrong(query: &[char], edits: usize) -> bool {
    edits == 1 && query.len() >= 8
}

impl Search<'_> {
    fn run(mut self) -> (Vec<Hit>, usize) {
        let mut row = [FAR; LONGEST + 1];
        (0..=self.edits).zip(&mut row).for_each(|(edits, cell)| *cell = edits as u8);
        let place =
            Place { address: self.fst.root().addr(), output: Output::zero(), bytes: [0; 4], length: 0 };
        self.visit(place, &[FAR; LONGEST + 1], &row);
        (self.hits, self.left)
    }

    /// Visits every continuation that may still be near enough. `row` is the distance of the name so far from each beginning of
    /// the query, `before` the row of the name without its last character, and `place` where a character begins.
    fn visit(&mut self, place: Place, before: &Row, row: &Row) {
        let depth = self.name.len();
        let allowed = self.allowed(depth + 1);
        let band = depth.saturating_sub(self.edits)..=(depth + self.edits).min(self.query.len());
        let free = band.clone().any(|at| row[at] < allowed)
            && (depth > 0 || may_begin_wrong(self.query, self.edits));
        if free {
            self.branch(place, before, row);
            return;
        }
        // No further edit is allowed: only characters of the query can follow.
        let mut tried: [char; 8] = ['\0'; 8];
        let mut count = 0;
        for at in band {
            let follows = self.query.get(at).filter(|_| row[at] <= allowed);
            let swaps = at > 1 && self.name.last() == self.query.get(at - 1) && before[at - 2] < allowed;
            let swapped = self.query.get(at.wrapping_sub(2)).filter(|_| swaps);
            for c in follows.into_iter().chain(swapped) {
                if !tried[..count].contains(c) && count < tried.len() {
                    tried[count] = *c;
                    count += 1;
                }
            }
        }
        for c in tried.into_iter().take(count) {
            let mut bytes = [0; 4];
            let mut next = place;
            let found = c.encode_utf8(&mut bytes).bytes().all(|byte| {
                let node = self.fst.node(next.address);
                let transition = node.find_input(byte).map(|index| node.transition(index));
                if let Some(transition) = transition {
                    next.address = transition.addr;
                    next.output = next.output.cat(transition.out);
                }
                transition.is_some()
            });
            if self.left == 0 {
                return;
            }
            self.left -= 1;
            if found {
                self.enter(next, c, before, row);
            }
        }
    }

    /// Follows every transition.
    fn branch(&mut self, place: Place, before: &Row, row: &Row) {
        let node = self.fst.node(place.address);
        for transition in node.transitions() {
            if self.left == 0 {
                return;
            }
            self.left -= 1;
            let mut next = place;
            next.address = transition.addr;
            next.output = place.output.cat(transition.out);
            next.bytes[place.length] = transition.inp;
            next.length += 1;
            let character =
                std::str::from_utf8(&next.bytes[..next.length]).ok().and_then(|text| text.chars().next());
            match character {
                Some(c) => {
                    next.length = 0;
                    self.enter(next, c, before, row);
                }
                None if next.length < 4 => self.branch(next, before, row),
                None => {}
            }
        }
    }

    /// Adds a character to the name, and goes on where it is near enough.
    fn enter(&mut self, place: Place, c: char, before: &Row, row: &Row) {
        let (longer, least) = self.row(c, before, row);
        if least > self.allowed(self.name.len() + 1) {
            return;
        }
        self.name.push(c);
        let node = self.fst.node(place.address);
        if node.is_final() && self.name.len() >= 5 {
            let name = place.output.cat(node.final_output()).value();
            self.accept(name, &longer);
        }
        self.visit(place, row, &longer);
        self.name.pop();
    }

    /// Edits that the beginnings of names may have.
    fn allowed(&self, depth: usize) -> u8 {
        if self.edits == 2 && depth <= HEAD { 1 } else { self.edits as u8 }
    }

    /// The row for the name with one more character, and its least cell.
    fn row(&self, c: char, before: &Row, row: &Row) -> (Row, u8) {
        let mut longer = [FAR; LONGEST + 1];
        let depth = self.name.len() + 1;
        let from = depth.saturating_sub(self.edits);
        let to = (depth + self.edits).min(self.query.len());
        let mut least = FAR;
        for at in from..=to {
            let mut cell = row[at].saturating_add(1);
            if at > 0 {
                cell = cell.min(row[at - 1] + u8::from(self.query[at - 1] != c)).min(longer[at - 1] + 1);
            }
            if at > 1 && self.query[at - 2] == c && self.name.last() == Some(&self.query[at - 1]) {
                cell = cell.min(before[at - 2] + 1);
            }
            longer[at] = cell;
            least = least.min(cell);
        }
        (longer, least)
    }

    /// Keeps a name for each length that it is near to.
    fn accept(&mut self, name: u64, row: &Row) {
        for &length in self.lengths {
            let distance = usize::from(row[length]);
            if distance == 0 || distance > self.edits {
                continue;
            }
            let query = &self.query[..length];
            let edits = if distance == 2 && is_moved(query, &self.name) { 1 } else { distance };
            if (edits == 1 || length >= 9) && is_likely(query, &self.name) {
                self.hits.push(Hit { length, edits, name });
            }
        }
    }
}

/// Whether the difference looks like a slip: see the top of [`fuzzy`](super::fuzzy).
fn is_likely(query: &[char], name: &[char]) -> bool {
    let figures = |text: &[char]| text.iter().copied().filter(char::is_ascii_digit).collect::<String>();
    let ([a, b, ..], [x, y, ..]) = (query, name) else { return false };
    if query.len() < 8 && a != x && !(a == y && b == x) || figures(query) != figures(name) {
        return false;
    }
    match (query, name) {
        ([.., a, b], [.., x, y]) => {
            let long = query.len() >= 12 || query.len() >= 9 && query.contains(&' ');
            long || query.len() != name.len() || b == y || (a == y && b == x)
        }
        _ => false,
    }
}

/// Whether the name has the same characters in another order.
fn is_moved(query: &[char], name: &[char]) -> bool {
    let sorted = |text: &[char]| {
        let mut text = text.to_vec();
        text.sort_unstable();
        text
    };
    query.len() >= 6 && query.len() == name.len() && sorted(query) == sorted(name)
}
