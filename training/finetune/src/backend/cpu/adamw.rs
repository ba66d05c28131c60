//! AdamW in one pass over memory.

use rayon::prelude::*;

use super::vector::widest;
use crate::trainee::Update;

const BLOCK: usize = 1 << 14;

pub(super) fn adamw(
    parameter: &mut [f32],
    gradient: &mut [f32],
    first: &mut [f32],
    second: &mut [f32],
    update: &Update,
    decays: bool,
) {
    let step = i32::try_from(update.step).unwrap_or(i32::MAX);
    let (beta1, beta2) = update.betas;
    let first_unbias = (1.0 / (1.0 - f64::from(beta1).powi(step))) as f32;
    let second_unbias = (1.0 / (1.0 - f64::from(beta2).powi(step))) as f32;
    let shrink = if decays { 1.0 - update.rate * update.decay } else { 1.0 };
    let (rate, epsilon, scale) = (update.rate, update.epsilon, update.gradient_scale);
    let moments = first.par_chunks_mut(BLOCK).zip(second.par_chunks_mut(BLOCK));
    let blocks = parameter.par_chunks_mut(BLOCK).zip(gradient.par_chunks_mut(BLOCK)).zip(moments);
    blocks.for_each(|((parameter, gradient), (first, second))| {
        widest(
            #[inline(always)]
            || {
                let moments = first.iter_mut().zip(second);
                for ((parameter, gradient), (first, second)) in
                    parameter.iter_mut().zip(gradient).zip(moments)
                {
                    let g = *gradient * scale;
                    *gradient = 0.0;
                    *first = beta1 * *first + (1.0 - beta1) * g;
                    *second = beta2 * *second + (1.0 - beta2) * g * g;
                    let denominator = (*second * second_unbias).sqrt() + epsilon;
                    *parameter = *parameter * shrink - rate * (*first * first_unbias) / denominator;
                }
            },
        );
    });
}
