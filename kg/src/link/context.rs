//! Which of its candidates a mention means here. In: mentions with their claims, the message, the graph around them, and what the
//! conversation is about. Out: the candidates' weights.
//!
//! A log-linear model: to the logarithm of a claim's prior weight are added how the name is written, whether the entity has
//! facts of the predicates that the message asks for, whether its description shares words with it, and coherence: whether
//! it is near in the graph to what else is mentioned or talked about (Milne and Witten 2008; shared neighbours weighed as by
//! Adamic and Adar 2003). The weights were set on pairs of subjects of EntityQuestions' training questions that were given
//! one name (`--example linking -- namesakes`); no message may read more of the graph than [`READS`].

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::relations::{Relations, Stems};
use super::scan::Reading;
use super::score::weight;
use super::surroundings::Surroundings;

/// Added where the name is written as in the text, case and all.
const WRITTEN: f32 = 1.2;
/// Added where the entity has a fact of a predicate whose whole name stands in the message.
const ASKED: f32 = 2.0;
/// Added for each word that the description shares with the message, up to three.
const DESCRIBED: f32 = 0.5;
/// Added for a neighbour of what else is meant.
const COHERENT: f32 = 3.0;

/// Neighbours and facts of one entity that are read. One with more neighbours is a hub, and to share it means nothing.
const AROUND: usize = 64;
/// Neighbours and facts that may be read for one message.
const READS: usize = 12_000;
/// Candidates of a mention that are compared with the candidates of the others, and candidates of the others.
const COMPARED: usize = 24;
const OTHERS: usize = 4;
/// Other mentions, and entities that the conversation is about.
const MENTIONS: usize = 6;

/// The weighed candidates of a mention, and how near its candidates are to what else is meant.
pub(super) struct Weighed {
    pub(super) candidates: Vec<(u32, f32)>,
    /// From 0 to 1: to what the conversation is about.
    pub(super) to_about: f32,
    /// From 0 to 1: to the mentions beside it.
    pub(super) to_others: f32,
}

pub(super) fn weigh(
    mentions: &[Reading],
    text: &str,
    relations: &Relations,
    around: Option<&dyn Surroundings>,
    about: &[u32],
) -> Vec<Weighed> {
    let prior = |mention: &Reading| -> Vec<(u32, f32)> {
        mention.claims.iter().map(|(posting, fit)| (posting.node, weight(posting) * fit)).collect()
    };
    let mut weighed: Vec<Vec<(u32, f32)>> = mentions.iter().map(prior).collect();
    let Some(graph) = around else {
        let alone = |candidates| Weighed { candidates, to_about: 0.0, to_others: 0.0 };
        return weighed.into_iter().map(alone).collect();
    };
    let mut near = Near { graph, reads: READS, known: FxHashMap::default() };
    if weighed.iter().any(|candidates| candidates.len() > 1) {
        let stems = Stems::of(text);
        for (mention, candidates) in mentions.iter().zip(&mut weighed).filter(|(_, c)| c.len() > 1) {
            let asked = relations.asked(&stems, &mention.range);
            let written = &text[mention.range.clone()];
            for (node, weight) in candidates.iter_mut() {
                let mut bonus = if graph.is_named(*node, written) { WRITTEN } else { 0.0 };
                bonus += ASKED * near.asked(*node, &asked);
                let mut shared = 0;
                graph
                    .descriptions(*node, &mut |text| shared = shared.max(stems.shared(text, &mention.range)));
                bonus += DESCRIBED * shared.min(3) as f32;
                *weight *= bonus.exp();
            }
        }
    }
    let alone: Vec<Vec<(u32, f32)>> = weighed.iter().map(|candidates| shares(candidates)).collect();
    let mut lifted = Vec::with_capacity(weighed.len());
    for (place, mut candidates) in weighed.into_iter().enumerate() {
        let (mut most_about, mut most_others) = (0.0_f32, 0.0_f32);
        let beside = |other: usize| {
            let (first, second) = (place.min(other), place.max(other));
            other != place && is_beside(text, &mentions[first], &mentions[second])
        };
        let others: Vec<usize> = match candidates.len() {
            // Nothing to choose, and only what stands beside it tells whether it is meant at all.
            1 => (place.saturating_sub(1)..mentions.len().min(place + 2)).filter(|at| beside(*at)).collect(),
            _ => (0..mentions.len()).filter(|other| *other != place).take(MENTIONS).collect(),
        };
        if !others.is_empty() || !about.is_empty() {
            candidates.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            for (node, weight) in candidates.iter_mut().take(COMPARED) {
                let to_about = about
                    .iter()
                    .take(MENTIONS)
                    .map(|other| near.relatedness(*node, *other))
                    .fold(0.0, f32::max);
                let (mut to_others, mut to_beside) = (0.0_f32, 0.0_f32);
                for at in &others {
                    for (other, share) in alone[*at].iter().take(OTHERS) {
                        let relatedness = near.relatedness(*node, *other);
                        to_others = to_others.max(share * relatedness);
                        if beside(*at) {
                            to_beside = to_beside.max(relatedness);
                        }
                    }
                }
                most_about = most_about.max(to_about);
                most_others = most_others.max(to_beside);
                *weight *= (COHERENT * to_about.max(to_others)).exp();
            }
        }
        lifted.push(Weighed { candidates, to_about: most_about, to_others: most_others });
    }
    lifted
}

/// Whether two mentions stand beside each other with nothing but space, a hyphen or an initial's full stop between.
pub(super) fn is_beside(text: &str, first: &Reading, second: &Reading) -> bool {
    let between = text.get(first.range.end..second.range.start);
    between.is_some_and(|between| !between.is_empty() && between.chars().all(|c| " -–.".contains(c)))
}

/// Candidates with weights that add up to one, best first.
fn shares(candidates: &[(u32, f32)]) -> Vec<(u32, f32)> {
    let total: f32 = candidates.iter().map(|(_, weight)| weight).sum();
    let mut shares: Vec<(u32, f32)> =
        candidates.iter().map(|(node, weight)| (*node, weight / total)).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    shares
}

/// What was read of the graph for this message, and what may still be.
struct Near<'a> {
    graph: &'a dyn Surroundings,
    reads: usize,
    /// Each node's neighbours in order.
    known: FxHashMap<u32, Rc<[u32]>>,
}

impl Near<'_> {
    /// The largest share of a predicate's name that is asked for and that the node has a fact of.
    fn asked(&mut self, node: u32, asked: &FxHashMap<u32, f32>) -> f32 {
        let mut most = 0.0_f32;
        let limit = self.reads.min(AROUND);
        if !asked.is_empty() {
            let reads = &mut self.reads;
            self.graph.predicates(node, limit, &mut |predicate| {
                *reads = reads.saturating_sub(1);
                most = most.max(asked.get(&predicate).copied().unwrap_or_default());
            });
        }
        most
    }

    fn neighbours(&mut self, node: u32) -> Rc<[u32]> {
        if let Some(known) = self.known.get(&node) {
            return known.clone();
        }
        let mut neighbours = Vec::new();
        let limit = self.reads.min(AROUND + 1);
        self.graph.neighbours(node, limit, &mut |neighbour| neighbours.push(neighbour));
        self.reads -= neighbours.len().min(self.reads);
        neighbours.sort_unstable();
        let neighbours: Rc<[u32]> = neighbours.into();
        self.known.insert(node, neighbours.clone());
        neighbours
    }

    /// From 0 to 1: 1 for neighbours and for the same node, up to a half for nodes with neighbours in common.
    fn relatedness(&mut self, one: u32, other: u32) -> f32 {
        if one == other {
            return 1.0;
        }
        let of_one = self.neighbours(one);
        let of_other = self.neighbours(other);
        if of_one.binary_search(&other).is_ok() || of_other.binary_search(&one).is_ok() {
            return 1.0;
        }
        let mut sum = 0.0;
        for &node in of_one.iter().filter(|node| of_other.binary_search(node).is_ok()).take(4) {
            let degree = self.neighbours(node).len();
            if degree <= AROUND {
                sum += 1.0 / (degree.max(2) as f32).ln_1p();
            }
        }
        (0.5 * sum).min(0.5)
    }
}
