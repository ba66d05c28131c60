//! The draw. In: candidates and settings. Out: one of those that top-k, min-p and top-p leave. Must not know: masks, penalties.

use std::cmp::Ordering;

use loquat_contract::Sampling;
use rand_chacha::rand_core::Rng;

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
        pool.clear();
        pool.extend(candidates.filter(|&(_, logit)| logit >= least && logit > f32::NEG_INFINITY));
    }
    let mut total = 0.0;
    for (_, weight) in pool.iter_mut() {
        *weight = ((*weight - highest) / temperature).exp();
        total += f64::from(*weight);
    }
    let mut left = uniform(random);
    if top_p < 1.0 {
        left *= nucleus(pool, top_p, total);
    } else {
        left *= total;
    }
    for &(id, weight) in pool.iter() {
        left -= f64::from(weight);
        if left < 0.0 {
            return id;
        }
    }
    pool.last().map_or(best, |&(id, _)| id)
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

/// Leaves in `pool` the likeliest that together reach the share `top_p` of `total`; gives their sum.
fn nucleus(pool: &mut Vec<(u32, f32)>, top_p: f32, total: f64) -> f64 {
    let wanted = f64::from(top_p) * total;
    // Those below this weight have less than the rest together, so they are behind the nucleus; half of it, for rounding.
    let least = 0.5 * (total - wanted) / pool.len().max(1) as f64;
    pool.retain(|&(_, weight)| f64::from(weight) >= least);
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
