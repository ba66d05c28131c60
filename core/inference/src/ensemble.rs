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
        average(logits.iter().zip(self.members.iter().map(|(_, weight)| *weight)))
    }
}

/// The weighted sum of the log-probabilities, for each row; as wide as the narrowest: a vocabulary may be rounded up.
fn average<'a>(members: impl Iterator<Item = (&'a Logits, f32)> + Clone) -> Result<Logits, InferenceError> {
    let width = members.clone().map(|(logits, _)| logits.width()).min().unwrap_or(0);
    let rows = members.clone().map(|(logits, _)| logits.rows()).min().unwrap_or(0);
    let mut sum = vec![0.0; rows * width];
    for (logits, weight) in members {
        for (at, into) in sum.chunks_exact_mut(width.max(1)).enumerate() {
            let row = logits.row(at)?;
            let normaliser = log_sum_exp(row);
            into.iter_mut().zip(row).for_each(|(sum, logit)| *sum += weight * (logit - normaliser));
        }
    }
    Ok(Logits::new(sum, width))
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
        for at in 0..self.members.len() {
            if let Err(error) = self.members[at].0.push(lane) {
                // All have the same rows, or the next ones would be off by one.
                for (member, _) in &mut self.members[..at] {
                    let row = member.rows(lane) - 1;
                    member.remove(lane, row, row)?;
                }
                return Err(error);
            }
        }
        Ok(())
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
    use super::{average, log_sum_exp};
    use crate::decoder::Logits;

    #[test]
    fn each_row_is_the_average_of_its_own_logarithms() {
        // Two rows each; the second model's vocabulary is rounded up.
        let first = Logits::new(
            [[0.7_f32, 0.2, 0.1], [0.1, 0.1, 0.8]].concat().into_iter().map(f32::ln).collect(),
            3,
        );
        let second = Logits::new(
            [[0.5_f32, 0.25, 0.15, 0.1], [0.2, 0.4, 0.3, 0.1]].concat().into_iter().map(f32::ln).collect(),
            4,
        );
        let pairs = [(&first, 0.75), (&second, 0.25)];
        let joined = average(pairs.into_iter()).unwrap();
        assert_eq!(joined.rows(), 2);
        for (at, expected) in [[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]].iter().enumerate() {
            let row = joined.row(at).unwrap();
            assert_eq!(row.len(), 3);
            for (id, &one) in expected.iter().enumerate() {
                let other = second.row(at).unwrap()[id];
                let wanted = 0.75 * f32::ln(one) + 0.25 * other;
                assert!((row[id] - wanted).abs() < 1e-5, "{at} {id}: {} {wanted}", row[id]);
            }
        }
    }

    #[test]
    fn normaliser_makes_probabilities() {
        let logits = [1.0_f32, 2.0, 3.0, 500.0];
        let normaliser = log_sum_exp(&logits);
        let sum: f32 = logits.iter().map(|logit| (logit - normaliser).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-6);
        assert!((log_sum_exp(&[0.0, 0.0]) - 2_f32.ln()).abs() < 1e-6);
    }
}
