//! Exponentials of logits. In: logits and the highest of them. Out: their weights, and sums of these. Must not know: settings.
//!
//! A draw takes one for each token of the vocabulary, and the standard library's are computed one by one: those here, which the
//! compiler computes several at once, take a third of the time.

use std::f32::consts::LOG2_E;

/// Exponentials that are computed at once.
const LANES: usize = 16;
/// The lowest temperature that has an inverse to count with.
const COLDEST: f32 = 1e-30;

/// Makes weights of the logits in `pool`, 1 for `highest`; gives their sum.
pub(super) fn weigh(pool: &mut [(u32, f32)], highest: f32, temperature: f32) -> f64 {
    let mut total = 0.0;
    for block in pool.chunks_mut(LANES) {
        let mut logits = [f32::NEG_INFINITY; LANES];
        logits.iter_mut().zip(&*block).for_each(|(lane, (_, logit))| *lane = *logit);
        let weights = weights(&logits, highest, 1.0 / temperature.max(COLDEST));
        block.iter_mut().zip(weights).for_each(|((_, weight), lane)| *weight = lane);
        total += f64::from(weights.iter().sum::<f32>());
    }
    total
}

/// The sum of the weights of `logits`.
pub(super) fn sum(logits: &[f32], highest: f32, temperature: f32) -> f64 {
    let scale = 1.0 / temperature.max(COLDEST);
    let (blocks, rest) = logits.as_chunks::<LANES>();
    let mut sums = [0.0_f64; LANES];
    // Few enough additions in single precision that their rounding does not show.
    for blocks in blocks.chunks(LANES) {
        let mut lanes = [0.0; LANES];
        for block in blocks {
            let weights = weights(block, highest, scale);
            lanes.iter_mut().zip(weights).for_each(|(lane, weight)| *lane += weight);
        }
        sums.iter_mut().zip(lanes).for_each(|(sum, lane)| *sum += f64::from(lane));
    }
    let rest = weights(&padded(rest), highest, scale);
    sums.iter().sum::<f64>() + f64::from(rest.iter().sum::<f32>())
}

/// The id of the first in whose weight `left` ends.
pub(super) fn find(logits: &[f32], highest: f32, temperature: f32, mut left: f64) -> Option<u32> {
    let scale = 1.0 / temperature.max(COLDEST);
    let (blocks, rest) = logits.as_chunks::<LANES>();
    for (at, block) in (0..).step_by(LANES).zip(blocks.iter().chain([&padded(rest)])) {
        let weights = weights(block, highest, scale);
        let sum = f64::from(weights.iter().sum::<f32>());
        if left < sum {
            let within = weights.iter().position(|&weight| {
                left -= f64::from(weight);
                left < 0.0
            });
            return Some(at + within.unwrap_or_default() as u32);
        }
        left -= sum;
    }
    None
}

fn padded(rest: &[f32]) -> [f32; LANES] {
    let mut block = [f32::NEG_INFINITY; LANES];
    block[..rest.len()].copy_from_slice(rest);
    block
}

#[inline]
fn weights(logits: &[f32; LANES], highest: f32, scale: f32) -> [f32; LANES] {
    let mut weights = [0.0; LANES];
    weights.iter_mut().zip(logits).for_each(|(weight, logit)| *weight = exp((logit - highest) * scale));
    weights
}

/// The exponential of a number that is not above 0, within three units in the last place; below -87 that of -87, 1e-38.
///
/// 2 to the nearest whole power, times the Taylor series of the rest, which is within half of ln 2 (Cody and Waite 1980, chapter 6).
#[inline]
fn exp(x: f32) -> f32 {
    /// Added to a small number, it leaves the nearest whole one in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 in two parts, of which the first has few bits, so that its products are exact.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let x = if x > -87.0 { x } else { -87.0 };
    let rounded = x * LOG2_E + ROUND;
    let power = rounded - ROUND;
    let rest = x - power * LN_2[0] - power * LN_2[1];
    let series = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let series = series.into_iter().fold(0.0, |sum, factor| sum * rest + factor);
    series * f32::from_bits((rounded.to_bits() << 23).wrapping_add(1.0_f32.to_bits()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{exp, find, sum, weigh};

    proptest! {
        #[test]
        fn exponentials_are_those_of_the_library(x in -87.0_f32..=0.0) {
            let error = (exp(x) / x.exp() - 1.0).abs();
            prop_assert!(error <= 3.0 * f32::EPSILON, "{error}");
        }

        #[test]
        fn sums_are_those_of_one_by_one(logits in prop::collection::vec(-90.0_f32..20.0, 1..100), temperature in 0.1_f32..3.0) {
            let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let weights = logits.iter().map(|&logit| (f64::from(logit - highest) / f64::from(temperature)).exp());
            let expected: f64 = weights.sum();
            prop_assert!((sum(&logits, highest, temperature) / expected - 1.0).abs() < 1e-5);
            let mut pool: Vec<(u32, f32)> = (0..).zip(logits).collect();
            prop_assert!((weigh(&mut pool, highest, temperature) / expected - 1.0).abs() < 1e-5);
        }

        #[test]
        fn the_weight_that_is_looked_for_is_found(logits in prop::collection::vec(-5.0_f32..5.0, 1..100), at: prop::sample::Index) {
            let at = at.index(logits.len());
            let before = sum(&logits[..at], 5.0, 1.0);
            let middle = before + 0.5 * f64::from(exp(logits[at] - 5.0));
            prop_assert_eq!(find(&logits, 5.0, 1.0, middle), Some(at as u32));
            prop_assert_eq!(find(&logits, 5.0, 1.0, 1e9), None);
        }
    }

    #[test]
    fn far_ones_count_for_nothing() {
        assert!(exp(f32::NEG_INFINITY) < 1e-37 && exp(-1e30) < 1e-37);
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(sum(&[3.0, f32::NEG_INFINITY], 3.0, 1.0), 1.0);
    }
}
