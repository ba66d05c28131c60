//! Cross-entropy in chunks of tokens: the logits of a chunk are made, read, and turned into their own gradient in place. Where targets are
//! hidden states, their logits are made beside them.

use rayon::prelude::*;

use super::memory::Memory;
use super::product::{Grid, GridMut, Means, parallel};
use super::vector::{exp, largest, same, sum, sum_changing, widest};
use crate::backend::{CrossEntropy, Targets};

/// Numbers that are kept at once, at most (64 MiB), where a token's alone are not more.
const ROOM: usize = 16 << 20;

/// Numbers that are kept at once: logits, and those that targets are made of.
pub(super) fn room(of: &CrossEntropy<'_, Memory, Vec<u32>>) -> usize {
    chunk(of) * each(of)
}

/// Numbers that a token needs.
fn each(of: &CrossEntropy<'_, Memory, Vec<u32>>) -> usize {
    match of.targets {
        Targets::Tokens(_) => of.vocabulary,
        Targets::States(_) => 2 * of.vocabulary,
    }
}

/// Tokens in a chunk.
fn chunk(of: &CrossEntropy<'_, Memory, Vec<u32>>) -> usize {
    let most = (ROOM / each(of).max(1)).max(1);
    of.tokens.div_ceil(of.tokens.div_ceil(most).max(1)).max(1)
}

pub(super) fn cross_entropy(
    of: &CrossEntropy<'_, Memory, Vec<u32>>,
    mut gradients: Option<(&mut Memory, Option<&mut Memory>)>,
    room: &mut [f32],
    means: Means,
) -> f64 {
    let (width, vocabulary) = (of.width, of.vocabulary);
    let size = chunk(of);
    let (logits, wanted_logits) = room.split_at_mut(size * vocabulary);
    let weight = Grid::new(of.weight, vocabulary, width, width);
    let mut loss = 0.0;
    for start in (0..of.tokens).step_by(size) {
        let count = size.min(of.tokens - start);
        let logits = &mut logits[..count * vocabulary];
        let hidden = Grid::new(&of.hidden[start * width..], count, width, width);
        let out = GridMut::new(logits, count, vocabulary, vocabulary);
        parallel(out, 0.0, 1.0, hidden, weight.transpose(), means);
        let wanted = gradients.is_some();
        let rows = logits.par_chunks_exact_mut(vocabulary).zip(&of.weights[start..start + count]);
        let losses: Vec<f64> = match of.targets {
            Targets::Tokens(targets) => rows
                .zip(&targets[start..start + count])
                .map(|((logits, &weight), &target)| {
                    widest(
                        #[inline(always)]
                        || token(logits, target as usize, weight, wanted),
                    )
                })
                .collect(),
            Targets::States(states) => {
                let targets = &mut wanted_logits[..count * vocabulary];
                let states = Grid::new(&states[start * width..], count, width, width);
                let out = GridMut::new(targets, count, vocabulary, vocabulary);
                parallel(out, 0.0, 1.0, states, weight.transpose(), means);
                rows.zip(targets.par_chunks_exact(vocabulary))
                    .map(|((logits, &weight), targets)| {
                        widest(
                            #[inline(always)]
                            || distribution(logits, targets, weight, wanted),
                        )
                    })
                    .collect()
            }
        };
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

/// A token's weighted divergence from the softmax of `targets`; its logits become their gradient where that is wanted.
#[inline(always)]
fn distribution(logits: &mut [f32], targets: &[f32], weight: f32, gradient: bool) -> f64 {
    let (most, most_wanted) = (largest(logits), largest(targets));
    let [total, total_wanted] = [(&*logits, most), (targets, most_wanted)].map(|(logits, most)| {
        sum(
            logits,
            #[inline(always)]
            |logit| exp(logit - most),
        )
    });
    let (scale, scale_wanted) = (1.0 / total, 1.0 / total_wanted);
    let apart = sum_changing(
        logits,
        targets,
        #[inline(always)]
        |logit, target| {
            let (own, wanted) = (*logit - most, target - most_wanted);
            let share = exp(wanted) * scale_wanted;
            if gradient {
                *logit = weight * (exp(own) * scale - share);
            }
            share * (wanted - own)
        },
    );
    f64::from(weight) * (f64::from(apart) + f64::from(total).ln() - f64::from(total_wanted).ln())
}
