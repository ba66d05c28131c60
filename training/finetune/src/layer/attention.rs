//! Grouped-query attention (Ainslie et al., "GQA", 2023) with rotary positions, and the norm before it.

use super::linear::Linear;
use super::lora::Dropping;
use super::norm::RmsNorm;
use super::room::{Input, Kept, Room};
use super::rotary::Rotary;
use crate::backend::{Backend, BackendError, Heads, Turn};

/// What all layers of a step read.
#[derive(Debug)]
pub struct Step<'a, B: Backend> {
    /// Where tokens stand and what they see.
    pub placement: &'a B::Placement,
    /// How many they are.
    pub tokens: usize,
    /// What is dropped.
    pub dropping: Dropping,
}

/// The first half of a block.
#[derive(Debug)]
pub struct Attention<B: Backend> {
    /// Before it.
    pub norm: RmsNorm<B>,
    /// Queries, keys and values in one product.
    pub qkv: Linear<B>,
    /// What comes of the heads.
    pub out: Linear<B>,
    /// The heads.
    pub heads: Heads,
}

impl<B: Backend> Attention<B> {
    /// Of `room.normed`: fills `kept`'s part, and writes what it adds to the residual stream into `room.delta`.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn forward(
        &self,
        backend: &mut B,
        rotary: &Rotary<B>,
        kept: &mut Kept<B>,
        room: &mut Room<B>,
        step: &Step<'_, B>,
    ) -> Result<(), BackendError> {
        let Kept { qkv, attended, logsumexp, .. } = kept;
        self.qkv.forward(backend, qkv, &room.normed, step.tokens, &mut room.low, step.dropping.of(1))?;
        rotary.turn(backend, qkv, step.placement, self.heads, Turn::Forward)?;
        backend.attend(attended, logsumexp, qkv, step.placement, self.heads)?;
        self.out.forward(backend, &mut room.delta, attended, step.tokens, &mut room.low, step.dropping.of(2))
    }

    /// `room.d_stream` is the gradient of what it adds, and becomes the one of its input where that is wanted.
    ///
    /// # Errors
    /// When the backend fails.
    #[expect(clippy::too_many_arguments, reason = "what the forward pass had, and left")]
    pub fn backward(
        &mut self,
        backend: &mut B,
        rotary: &Rotary<B>,
        input: &mut Input<B>,
        kept: &Kept<B>,
        room: &mut Room<B>,
        step: &Step<'_, B>,
        wanted: bool,
    ) -> Result<(), BackendError> {
        let Room { normed, d_stream, d_normed, d_qkv, d_inner, low, .. } = room;
        let Kept { qkv, attended, logsumexp, .. } = kept;
        let tokens = step.tokens;
        let below = wanted || self.qkv.learns() || self.norm.weight.learning.is_some();
        let d_attended = below.then_some(&mut *d_inner);
        self.out.backward(backend, d_attended, d_stream, attended, tokens, low, step.dropping.of(2))?;
        if !below {
            return Ok(());
        }
        backend.attend_backward(d_qkv, d_inner, attended, logsumexp, qkv, step.placement, self.heads)?;
        rotary.turn(backend, d_qkv, step.placement, self.heads, Turn::Backward)?;
        if self.qkv.learns() {
            self.norm.forward(backend, normed, &mut input.inverse, &input.x, tokens)?;
        }
        let further = wanted || self.norm.weight.learning.is_some();
        let d_input = further.then_some(&mut *d_normed);
        self.qkv.backward(backend, d_input, d_qkv, normed, tokens, low, step.dropping.of(1))?;
        if further {
            self.norm.backward(backend, d_stream, d_normed, &input.x, &input.inverse, tokens)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::backend::{Backend, Cpu, Heads, Layout};
    use crate::batch::{Batch, Row};
    use crate::layer::check::{Case, buffer, read, values};

    fn row(length: usize, prefix: usize, documents: &[usize]) -> Row {
        Row {
            tokens: vec![0; length],
            targets: vec![0; length],
            weights: vec![1.0; length],
            prefix,
            documents: documents.to_vec(),
            ..Row::default()
        }
    }

    fn layout(rows: Vec<Row>) -> Layout {
        Layout::new(&Batch { rows }, 1000, 1).unwrap()
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let layout = layout(vec![row(5, 0, &[0]), row(9, 2, &[2, 5, 6]), row(3, 3, &[])]);
        for heads in [
            Heads { query: 4, key: 2, dimension: 6 },
            Heads { query: 3, key: 1, dimension: 2 },
            Heads { query: 2, key: 2, dimension: 4 },
        ] {
            let tokens = layout.tokens();
            let case = Case::new(&[("qkv", tokens * heads.fused())], tokens * heads.output());
            case.check(|backend, inputs, probe| {
                let placement = backend.place(&layout)?;
                let (qkv, d_out) = (buffer(backend, &inputs[0])?, buffer(backend, probe)?);
                let mut out = buffer(backend, probe)?;
                let mut logsumexp = buffer(backend, &vec![0.0; tokens * heads.query])?;
                backend.attend(&mut out, &mut logsumexp, &qkv, &placement, heads)?;
                let mut d_qkv = buffer(backend, &inputs[0])?;
                backend.attend_backward(&mut d_qkv, &d_out, &out, &logsumexp, &qkv, &placement, heads)?;
                Ok((read(backend, &out)?, vec![read(backend, &d_qkv)?]))
            });
        }
    }

    /// Against the formula, token by token, in double precision; over more queries than a block has.
    #[test]
    fn tokens_see_their_prefix_and_their_own_document() {
        let heads = Heads { query: 4, key: 2, dimension: 8 };
        let rows = vec![row(150, 70, &[70, 75, 149]), row(130, 0, &[0, 64])];
        let layout = layout(rows.clone());
        let tokens = layout.tokens();
        let numbers = values(3, tokens * heads.fused());
        let mut backend = Cpu::new(2).unwrap();
        let qkv = buffer(&mut backend, &numbers).unwrap();
        let mut out = buffer(&mut backend, &vec![9.0; tokens * heads.output()]).unwrap();
        let mut logsumexp = buffer(&mut backend, &vec![0.0; tokens * heads.query]).unwrap();
        backend.attend(&mut out, &mut logsumexp, &qkv, &layout, heads).unwrap();
        let (out, logsumexp) = (read(&mut backend, &out).unwrap(), read(&mut backend, &logsumexp).unwrap());
        let at = |token: usize, head: usize| &numbers[token * heads.fused() + head * 8..][..8];
        let mut start = 0;
        for row in rows {
            for token in 0..row.tokens.len() {
                let own = row.documents.iter().copied().rfind(|first| *first <= token).unwrap_or(0);
                let seen: Vec<usize> =
                    (0..=token).filter(|other| *other < row.prefix || *other >= own).collect();
                for head in 0..heads.query {
                    let score = |other: usize| -> f64 {
                        let pairs = at(start + token, head).iter().zip(at(start + other, 4 + head / 2));
                        pairs.map(|(q, k)| f64::from(*q) * f64::from(*k)).sum::<f64>() / 8f64.sqrt()
                    };
                    let total: f64 = seen.iter().map(|other| score(*other).exp()).sum();
                    let found = logsumexp[(start + token) * heads.query + head];
                    assert!((f64::from(found) - total.ln()).abs() < 1e-5, "token {token}, head {head}");
                    for index in 0..8 {
                        let value = |other: usize| f64::from(at(start + other, 6 + head / 2)[index]);
                        let expected: f64 =
                            seen.iter().map(|other| score(*other).exp() / total * value(*other)).sum();
                        let found = out[(start + token) * heads.output() + head * 8 + index];
                        assert!((f64::from(found) - expected).abs() < 1e-5, "token {token}, head {head}");
                    }
                }
            }
            start += row.tokens.len();
        }
    }
}
