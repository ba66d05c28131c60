//! Cross-entropy in chunks of tokens: the logits of a chunk are made, read, and turned into their own gradient in place.

use rayon::prelude::*;

use super::memory::Memory;
use super::product::{Grid, GridMut, Means, parallel};
use super::vector::{exp, largest, same, sum, widest};
use crate::backend::CrossEntropy;

/// Logits that are kept at once, at most (64 MiB), where a token's alone are not more.
const ROOM: usize = 16 << 20;

/// Tokens in a chunk.
pub(super) fn chunk(tokens: usize, vocabulary: usize) -> usize {
    let most = (ROOM / vocabulary.max(1)).max(1);
    tokens.div_ceil(tokens.div_ceil(most).max(1))
}

pub(super) fn cross_entropy(
    of: &CrossEntropy<'_, Memory, Vec<u32>>,
    mut gradients: Option<(&mut Memory, Option<&mut Memory>)>,
    logits: &mut [f32],
    means: Means,
) -> f64 {
    let (width, vocabulary) = (of.width, of.vocabulary);
    let size = chunk(of.tokens, vocabulary).max(1);
    let weight = Grid::new(of.weight, vocabulary, width, width);
    let mut loss = 0.0;
    for start in (0..of.tokens).step_by(size) {
        let count = size.min(of.tokens - start);
        let logits = &mut logits[..count * vocabulary];
        let hidden = Grid::new(&of.hidden[start * width..], count, width, width);
        let out = GridMut::new(logits, count, vocabulary, vocabulary);
        parallel(out, 0.0, 1.0, hidden, weight.transpose(), means);
        let wanted = gradients.is_some();
        let rows = of.targets[start..start + count].par_iter().zip(&of.weights[start..start + count]);
        let losses: Vec<f64> = logits
            .par_chunks_exact_mut(vocabulary)
            .zip(rows)
            .map(|(logits, (&target, &weight))| {
                widest(
                    #[inline(always)]
                    || token(logits, target as usize, weight, wanted),
                )
            })
            .collect();
        loss += losses.iter().sum::<f64>();
        if let Some((d_hidden, d_weight)) = &mut gradients {
            let d_logits = Grid::new(logits, count, vocabulary, vocabulary);
            let out = GridMut::new(&mut d_hidden[start * width..], count, width, width);
            parallel(out, 0.0, 1.0, d_logits, weight, means);
            if let Some(d_weight) = d_weight {
                let out = GridMut::new(d_weight, vocabulary, width, width);
                parallel(out, 1.0, 1.0, d_logits.transpose(), hidden, means);
            }
        }
    }
    loss
}

/// A token's weighted loss; its logits become their gradient where that is wanted.
#[inline(always)]
fn token(logits: &mut [f32], target: usize, weight: f32, gradient: bool) -> f64 {
    let most = largest(logits);
    let wanted = logits[target];
    let total = if gradient {
        for logit in logits.iter_mut() {
            *logit = exp(*logit - most);
        }
        let total = sum(logits, same);
        let scale = weight / total;
        for logit in logits.iter_mut() {
            *logit *= scale;
        }
        logits[target] -= weight;
        total
    } else {
        sum(
            logits,
            #[inline(always)]
            |logit| exp(logit - most),
        )
    };
    f64::from(weight) * (f64::from(total).ln() + f64::from(most) - f64::from(wanted))
}
