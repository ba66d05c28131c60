//! Element by element.

use rayon::prelude::*;

use super::vector::widest;
use crate::backend::Mask;

/// Elements that one task takes.
const BLOCK: usize = 1 << 14;

pub(super) fn clear(out: &mut [f32]) {
    out.par_chunks_mut(BLOCK).for_each(|out| out.fill(0.0));
}

pub(super) fn add(out: &mut [f32], x: &[f32]) {
    out.par_chunks_mut(BLOCK).zip(x.par_chunks(BLOCK)).for_each(|(out, x)| {
        widest(
            #[inline(always)]
            || {
                for (out, x) in out.iter_mut().zip(x) {
                    *out += x;
                }
            },
        );
    });
}

pub(super) fn dropout(out: &mut [f32], keep: f32, x: &[f32], mask: Mask) {
    let scale = 1.0 / (1.0 - mask.probability);
    out.par_chunks_mut(BLOCK).zip(x.par_chunks(BLOCK)).enumerate().for_each(|(block, (out, x))| {
        widest(
            #[inline(always)]
            || {
                for (index, (out, x)) in out.iter_mut().zip(x).enumerate() {
                    let kept = if mask.keeps(block * BLOCK + index) { x * scale } else { 0.0 };
                    *out = if keep == 0.0 { kept } else { *out + kept };
                }
            },
        );
    });
}

/// Lanes of doubles in each block, blocks in their order.
pub(super) fn sum_of_squares(x: &[f32]) -> f64 {
    let sums: Vec<f64> = x
        .par_chunks(BLOCK)
        .map(|x| {
            widest(
                #[inline(always)]
                || {
                    let mut lanes = [0.0f64; 16];
                    let chunks = x.chunks_exact(16);
                    let rest: f64 = chunks.remainder().iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
                    for chunk in chunks {
                        for (sum, x) in lanes.iter_mut().zip(chunk) {
                            *sum += f64::from(*x) * f64::from(*x);
                        }
                    }
                    lanes.iter().sum::<f64>() + rest
                },
            )
        })
        .collect();
    sums.iter().sum()
}
