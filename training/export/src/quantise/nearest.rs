//! The grid of sixteen steps that comes nearest to a block of floats. In: weights. Out: codes, a scale and an offset, as Q4_1 has them.
//!
//! The search is that of ggml's `make_qkx2_quants`: some widths of a step, for each the codes, and for the codes the scale and the offset of
//! least squares; the best of them goes on until its codes stay as they are. Weights that were on a grid once and have moved a little, as
//! those of a quantised model that was trained on, come back to it.

use super::BLOCK;
use crate::gguf::GridBlock;

/// The largest code.
const LARGEST: f32 = 15.0;
/// The steps that a block's range is divided into, from first to last.
const STEPS: [f32; 9] = [14.0, 14.25, 14.5, 14.75, 15.0, 15.25, 15.5, 15.75, 16.25];
/// How often codes are chosen anew.
const ROUNDS: usize = 6;

/// The nearest grid, by the sum of squared errors. `weights` are 32 at most.
pub(super) fn nearest(weights: &[f32]) -> GridBlock {
    // With zero in the range, an integer zero point is never far.
    let (low, high) = weights.iter().fold((0.0f32, 0.0f32), |(low, high), &w| (low.min(w), high.max(w)));
    if high <= low {
        return GridBlock { codes: [0; BLOCK], scale: 0.0, offset: 0.0 };
    }
    let scale = (high - low) / LARGEST;
    let centred = Grid { scale, offset: (low / scale).round_ties_even() * scale };
    let mut best = Grid { scale, offset: low };
    let mut least = best.error(weights);
    let candidates = STEPS.map(|steps| Grid { scale: (high - low) / steps, offset: low }.refined(weights));
    for refined in candidates.into_iter().chain([centred, centred.refined(weights)]) {
        let error = refined.error(weights);
        if error < least {
            (best, least) = (refined, error);
        }
    }
    for _ in 0..ROUNDS {
        let refined = best.refined(weights);
        let error = refined.error(weights);
        if error >= least {
            break;
        }
        (best, least) = (refined, error);
    }
    let mut codes = [0; BLOCK];
    codes.iter_mut().zip(weights).for_each(|(code, &weight)| *code = best.code(weight) as u8);
    GridBlock { codes, scale: best.scale, offset: best.offset }
}

#[derive(Debug, Clone, Copy)]
struct Grid {
    scale: f32,
    offset: f32,
}

impl Grid {
    fn code(self, weight: f32) -> f32 {
        ((weight - self.offset) / self.scale).round_ties_even().clamp(0.0, LARGEST)
    }

    fn error(self, weights: &[f32]) -> f32 {
        let off = |&weight: &f32| (self.code(weight) * self.scale + self.offset - weight).powi(2);
        weights.iter().map(off).sum()
    }

    /// The scale and the offset of least squares, for the codes that these ones give.
    fn refined(self, weights: &[f32]) -> Self {
        let count = weights.len() as f32;
        let (mut code, mut square, mut weight, mut product) = (0.0, 0.0, 0.0, 0.0);
        for &w in weights {
            let q = self.code(w);
            code += q;
            square += q * q;
            weight += w;
            product += q * w;
        }
        let determinant = count * square - code * code;
        let scale = (count * product - code * weight) / determinant;
        match determinant > 0.0 && scale > 0.0 {
            true => Self { scale, offset: (weight - scale * code) / count },
            false => self,
        }
    }
}
