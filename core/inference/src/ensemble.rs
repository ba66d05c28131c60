//! Several models as one. In: token ids. Out: the weighted average of the models' log-probabilities. Must not know: text, sampling,
//! requests.
//!
//! The models share a tokenizer; each keeps keys and values of its own, and all of them run each token. The average is that of
//! logarithms, so the outcome is the product of experts (Hinton 2002, equation 1), each raised to its weight.

use std::ops::Range;

use crate::InferenceError;
use crate::decoder::{Block, Decode, Decoder, Logits};

/// Models that write together.
pub(crate) struct Ensemble {
    /// Each with its weight; the weights add up to 1.
    members: Vec<(Decoder, f32)>,
}

impl Ensemble {
    /// Models with their weights, of which only the proportions count.
    pub(crate) fn new(mut members: Vec<(Decoder, f32)>) -> Self {
        let sum: f32 = members.iter().map(|(_, weight)| weight).sum();
        members.iter_mut().for_each(|(_, weight)| *weight /= sum);
        Self { members }
    }

    fn each<T>(
        &mut self,
        mut call: impl FnMut(&mut Decoder) -> Result<T, InferenceError>,
    ) -> Result<Vec<T>, InferenceError> {
        self.members.iter_mut().map(|(member, _)| call(member)).collect()
    }

    fn combine(&self, logits: &[Logits]) -> Result<Logits, InferenceError> {
        let mut sum: Vec<f32> = Vec::new();
        let mut width = 0;
        for (logits, (_, weight)) in logits.iter().zip(&self.members) {
            for at in 0..logits.rows() {
                let row = logits.row(at)?;
                width = if width == 0 { row.len() } else { width.min(row.len()) };
                sum.resize(sum.len().max((at + 1) * width), 0.0);
                let normaliser = log_sum_exp(row);
                let into = &mut sum[at * width..(at + 1) * width];
                into.iter_mut().zip(row).for_each(|(sum, logit)| *sum += weight * (logit - normaliser));
            }
        }
        Ok(Logits::new(sum, width))
    }
}

/// The logarithm of the sum of the exponentials.
fn log_sum_exp(logits: &[f32]) -> f32 {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from((logit - highest).exp())).sum();
    highest + sum.ln() as f32
}

impl Decode for Ensemble {
    fn context(&self) -> usize {
        self.members.iter().map(|(member, _)| member.context()).min().unwrap_or(0)
    }

    fn vocabulary(&self) -> Option<usize> {
        self.members.iter().filter_map(|(member, _)| member.vocabulary()).min()
    }

    fn is_shared(&self) -> bool {
        self.members.iter().all(|(member, _)| member.is_shared())
    }

    fn push(&mut self, lane: usize) -> Result<(), InferenceError> {
        self.each(|member| member.push(lane)).map(drop)
    }

    fn remove(&mut self, lane: usize, row: usize, last: usize) -> Result<(), InferenceError> {
        self.each(|member| member.remove(lane, row, last)).map(drop)
    }

    fn clear(&mut self, lane: usize) {
        self.members.iter_mut().for_each(|(member, _)| member.clear(lane));
    }

    fn swap(&mut self, lane: usize, a: usize, b: usize) -> Result<(), InferenceError> {
        self.each(|member| member.swap(lane, a, b)).map(drop)
    }

    fn extend(
        &mut self,
        lane: usize,
        row: usize,
        tokens: &[u32],
        keep: usize,
    ) -> Result<Logits, InferenceError> {
        let logits = self.each(|member| member.extend(lane, row, tokens, keep))?;
        self.combine(&logits)
    }

    fn step(&mut self, lane: usize, tokens: &[u32]) -> Result<Logits, InferenceError> {
        let logits = self.each(|member| member.step(lane, tokens))?;
        self.combine(&logits)
    }

    fn truncate(&mut self, lane: usize, row: usize, length: usize) -> Result<(), InferenceError> {
        self.each(|member| member.truncate(lane, row, length)).map(drop)
    }

    fn read(&self, lane: usize, row: usize, positions: Range<usize>) -> Option<Block> {
        let parts = self.members.iter().map(|(member, _)| member.read(lane, row, positions.clone()));
        Some(parts.collect::<Option<Vec<Block>>>()?.concat())
    }

    fn write(
        &mut self,
        lane: usize,
        row: usize,
        positions: usize,
        blocks: &[Block],
    ) -> Result<(), InferenceError> {
        for (at, (member, _)) in self.members.iter_mut().enumerate() {
            let own: Vec<Block> = blocks.iter().map(|block| vec![block[at].clone()]).collect();
            member.write(lane, row, positions, &own)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::log_sum_exp;

    #[test]
    fn normaliser_makes_probabilities() {
        let logits = [1.0_f32, 2.0, 3.0, 500.0];
        let normaliser = log_sum_exp(&logits);
        let sum: f32 = logits.iter().map(|logit| (logit - normaliser).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-6);
        assert!((log_sum_exp(&[0.0, 0.0]) - 2_f32.ln()).abs() < 1e-6);
    }
}
