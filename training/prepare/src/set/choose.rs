//! Which cases are taken. In: all that were found. Out: those that are not said twice, of each kind as many as its share, and of each kind
//! as evenly over relations as can be.

use std::collections::BTreeMap;

use crate::case::Case;
use crate::duplicates::{Removed, Text, unique};
use crate::example::Kind;
use crate::question::balanced;
use crate::settings::{Graph, Settings};
use crate::split::Part;

/// Cases whose question and facts are not another's of the same subject.
pub(super) fn distinct(cases: Vec<Case>, similarity: f64) -> (Vec<Case>, Removed) {
    let text = |case: &Case| Text {
        scope: format!("{:?} {:?}", case.kind, case.topics),
        text: format!("{} {}", case.prompt.facts.join(" "), case.prompt.question),
    };
    let (kept, removed) = unique(&cases.iter().map(text).collect::<Vec<_>>(), similarity);
    (cases.into_iter().zip(kept).filter_map(|(case, kept)| kept.then_some(case)).collect(), removed)
}

/// Of each kind as many as its share of the recipe's `examples`; what one falls short of is shared among the others.
pub(super) fn by_share(cases: Vec<Case>, settings: &Settings, graph: &Graph, seed: u64) -> Vec<Case> {
    let mut kinds: BTreeMap<Kind, Vec<Case>> = BTreeMap::new();
    for case in cases {
        if graph.shares.of(case.kind) > 0.0 {
            kinds.entry(case.kind).or_default().push(case);
        }
    }
    let wanted = wanted(&kinds, settings, graph);
    let mut chosen = Vec::new();
    for (kind, cases) in kinds {
        let count = wanted.get(&kind).copied().unwrap_or_default();
        if count > 0 {
            chosen.extend(balanced(cases, count, seed, |case| (case.group.clone(), case.key())));
        }
    }
    chosen
}

/// How many of each kind.
fn wanted(kinds: &BTreeMap<Kind, Vec<Case>>, settings: &Settings, graph: &Graph) -> BTreeMap<Kind, usize> {
    let available: usize = kinds.values().map(Vec::len).sum();
    let total = match settings.examples {
        0 => available,
        examples => {
            let shares: f64 = Kind::ALL.into_iter().map(|kind| graph.shares.of(kind)).sum();
            (examples as f64 * (1.0 - graph.shares.missing / shares)).round() as usize
        }
    };
    let mut wanted: BTreeMap<Kind, usize> = BTreeMap::new();
    let mut left = total.min(available);
    while left > 0 {
        let open: Vec<Kind> = kinds
            .iter()
            .filter(|(kind, cases)| wanted.get(kind).copied().unwrap_or_default() < cases.len())
            .map(|(kind, _)| *kind)
            .collect();
        let shares: f64 = open.iter().map(|kind| graph.shares.of(*kind)).sum();
        let round = left;
        for kind in open {
            let part = (round as f64 * graph.shares.of(kind) / shares).ceil() as usize;
            let has = wanted.entry(kind).or_default();
            let more = part.min(kinds[&kind].len() - *has).min(left);
            *has += more;
            left -= more;
        }
    }
    wanted
}

/// How many examples of missing facts stand beside so many others. In the test part at least as many: refusing is measured on all of them.
pub(super) fn missing(others: usize, part: Part, graph: &Graph) -> usize {
    let shares: f64 = Kind::ALL.into_iter().map(|kind| graph.shares.of(kind)).sum();
    let share = graph.shares.missing / shares;
    let count = (others as f64 * share / (1.0 - share)).round() as usize;
    if part == Part::Test && share > 0.0 { count.max(others) } else { count }
}
