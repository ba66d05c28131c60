//! Documents that begin alike. In: documents. Out: groups with a shared beginning each, such as a bot's system prompt with its examples.

use std::ops::Range;

use super::document::Document;

/// Documents that share their beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// How many tokens they share.
    pub(super) prefix: usize,
}

/// The part of a range's tokens that a group of its own has to save: rows of one group are more alike than rows of any, and little is no
/// reason for that.
const WORTH: f64 = 0.1;

/// Groups, and the one of each document.
///
/// Documents in the order of their tokens form a tree of common beginnings. From the top, a branch becomes a group where its longer
/// beginning, read once a row, saves enough over the beginning of the group that it is in.
pub(super) fn find(documents: &[Document], row_tokens: usize) -> (Vec<Group>, Vec<usize>) {
    let beginning = |document: usize| {
        let document: &Document = &documents[document];
        &document.tokens[..document.shareable()]
    };
    let mut sorted: Vec<usize> = (0..documents.len()).collect();
    sorted.sort_by(|&a, &b| beginning(a).cmp(beginning(b)));
    let tree = Tree {
        // Of each document with the one before it.
        common: sorted
            .iter()
            .enumerate()
            .map(|(at, &document)| match at {
                0 => 0,
                _ => common(beginning(sorted[at - 1]), beginning(document)),
            })
            .collect(),
        shareable: sorted.iter().map(|&document| documents[document].shareable()).collect(),
        lengths: sorted.iter().map(|&document| documents[document].len()).collect(),
        row_tokens,
    };
    let place = tree.assign();

    // What was left to a group may share more than all of its branch does.
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); place.iter().max().map_or(0, |last| last + 1)];
    place.iter().zip(&sorted).for_each(|(&group, &document)| members[group].push(document));
    members.retain(|members| !members.is_empty());
    let mut group_of = vec![0; documents.len()];
    let groups = members.iter().enumerate().map(|(group, members)| {
        members.iter().for_each(|&document| group_of[document] = group);
        // In sorted order, what the first and the last share, all share.
        let (first, last) = (beginning(members[0]), beginning(members[members.len() - 1]));
        Group { prefix: common(first, last) }
    });
    (groups.collect(), group_of)
}

/// The documents in the order of their beginnings.
struct Tree {
    common: Vec<usize>,
    shareable: Vec<usize>,
    lengths: Vec<usize>,
    row_tokens: usize,
}

impl Tree {
    /// The group of each document; 0 is that of what shares nothing more.
    fn assign(&self) -> Vec<usize> {
        let mut place = vec![0; self.lengths.len()];
        let mut groups = 1;
        let mut open = vec![(0..self.lengths.len(), 0, 0)];
        while let Some((range, mut group, mut base)) = open.pop() {
            let shared = self.shared(&range);
            if range.len() < 2 {
                continue;
            }
            if self.saves(&range, shared, base) {
                group = groups;
                groups += 1;
                base = shared;
                place[range.clone()].fill(group);
            }
            let mut begin = range.start;
            for at in range.start + 1..=range.end {
                if at == range.end || self.common[at] == shared {
                    open.push((begin..at, group, base));
                    begin = at;
                }
            }
        }
        place
    }

    fn shared(&self, range: &Range<usize>) -> usize {
        let between = self.common[range.start + 1..range.end].iter().min();
        between.copied().unwrap_or(self.shareable[range.start])
    }

    fn saves(&self, range: &Range<usize>, shared: usize, base: usize) -> bool {
        let lengths = &self.lengths[range.clone()];
        let own: usize = lengths.iter().map(|length| length - shared).sum();
        let rows = own.div_ceil((self.row_tokens - shared).max(1));
        let before: usize = lengths.iter().map(|length| length - base).sum();
        (before as f64) - (own + rows * shared) as f64 >= WORTH * before as f64
    }
}

fn common(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
