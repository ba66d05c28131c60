//! The draw. In: candidates and settings. Out: one of those that top-k, min-p and top-p leave. Must not know: masks, penalties.

use std::cmp::Ordering;

use loquat_contract::Sampling;
use rand_chacha::rand_core::Rng;

use super::weights::{find, sum, weigh};

/// How many of the likeliest tokens are sorted at first; the nucleus seldom has more.
const FIRST_SORTED: usize = 64;

/// Draws one of `candidates`, ids with their logits, of which `highest` has the highest. `pool` is room to work in.
pub(super) fn draw(
    sampling: &Sampling,
    random: &mut impl Rng,
    pool: &mut Vec<(u32, f32)>,
    candidates: impl Iterator<Item = (u32, f32)>,
    (best, highest): (u32, f32),
) -> u32 {
    let Sampling { temperature, top_p, top_k, min_p, .. } = *sampling;
    let least = if min_p > 0.0 { highest + temperature * min_p.ln() } else { f32::NEG_INFINITY };
    if top_k > 0 {
        likeliest(pool, candidates, least, top_k);
    } else {
        gather(pool, candidates, least);
    }
    let mut total = weigh(pool, highest, temperature);
    if top_p < 1.0 {
        let wanted = f64::from(top_p) * total;
        let least = outside(wanted, total, pool.len());
        pool.retain(|&(_, weight)| f64::from(weight) >= least);
        total = nucleus(pool, wanted);
    }
    take(pool, uniform(random) * total).unwrap_or(best)
}

/// [`draw`], of all logits: where neither top-k nor min-p cuts, without putting all of them into the pool.
pub(super) fn draw_any(
    sampling: &Sampling,
    random: &mut impl Rng,
    pool: &mut Vec<(u32, f32)>,
    logits: &[f32],
    highest: (u32, f32),
) -> u32 {
    let Sampling { temperature, top_p, top_k, min_p, .. } = *sampling;
    let candidates = || (0..).zip(logits.iter().copied());
    if top_k > 0 || min_p > 0.0 {
        return draw(sampling, random, pool, candidates(), highest);
    }
    let (best, highest) = highest;
    let total = sum(logits, highest, temperature);
    if top_p >= 1.0 {
        let left = uniform(random) * total;
        return find(logits, highest, temperature, left).unwrap_or(best);
    }
    let wanted = f64::from(top_p) * total;
    let least = outside(wanted, total, logits.len()).ln() as f32;
    gather(pool, candidates(), highest + temperature * least);
    weigh(pool, highest, temperature);
    let total = nucleus(pool, wanted);
    take(pool, uniform(random) * total).unwrap_or(best)
}

/// The first in whose weight `left` ends.
fn take(pool: &[(u32, f32)], mut left: f64) -> Option<u32> {
    let within = |&&(_, weight): &&(u32, f32)| {
        left -= f64::from(weight);
        left < 0.0
    };
    pool.iter().find(within).or(pool.last()).map(|&(id, _)| id)
}

fn gather(pool: &mut Vec<(u32, f32)>, candidates: impl Iterator<Item = (u32, f32)>, least: f32) {
    pool.clear();
    pool.extend(candidates.filter(|&(_, logit)| logit >= least && logit > f32::NEG_INFINITY));
}

/// A weight below which all of `count` have less than the rest behind `wanted` together, so that they are outside the nucleus; half
/// of it, for rounding.
fn outside(wanted: f64, total: f64, count: usize) -> f64 {
    0.5 * (total - wanted) / count.max(1) as f64
}

/// Leaves in `pool` the `count` likeliest of `candidates` that reach `least`, the likeliest first, of equals the lower id first.
pub(super) fn likeliest(
    pool: &mut Vec<(u32, f32)>,
    candidates: impl Iterator<Item = (u32, f32)>,
    mut least: f32,
    count: usize,
) {
    pool.clear();
    if count == 0 {
        return;
    }
    // Half of what is gathered goes whenever the room is full, and what does not reach the rest is not gathered any more.
    let room = count.saturating_mul(2).max(FIRST_SORTED);
    for candidate in candidates.filter(|&(_, logit)| logit > f32::NEG_INFINITY) {
        if candidate.1 >= least {
            pool.push(candidate);
            if pool.len() == room {
                pool.select_nth_unstable_by(count - 1, likelier);
                pool.truncate(count);
                least = least.max(pool[count - 1].1);
            }
        }
    }
    pool.sort_unstable_by(likelier);
    pool.truncate(count);
}

/// Leaves in `pool` the likeliest that together weigh `wanted`; gives their sum.
fn nucleus(pool: &mut Vec<(u32, f32)>, wanted: f64) -> f64 {
    let mut sorted = FIRST_SORTED.min(pool.len());
    loop {
        if sorted < pool.len() {
            pool.select_nth_unstable_by(sorted, likelier);
        }
        pool[..sorted].sort_unstable_by(likelier);
        let mut reached = 0.0;
        let end = pool[..sorted].iter().position(|&(_, weight)| {
            reached += f64::from(weight);
            reached >= wanted
        });
        if let Some(end) = end {
            pool.truncate(end + 1);
            return reached;
        }
        if sorted == pool.len() {
            return reached;
        }
        sorted = (sorted * 8).min(pool.len());
    }
}

fn likelier(a: &(u32, f32), b: &(u32, f32)) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// In [0, 1), from the upper 53 bits.
fn uniform(random: &mut impl Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}
