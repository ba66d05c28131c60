//! The output layer with its cross-entropy, over the tokens that are learnt alone.

use super::embedding::Embedding;
use super::parameter::Parameter;
use crate::backend::{Backend, BackendError, CrossEntropy, Role, Targets, View, ViewMut};
use crate::batch::Batch;

/// Which tokens are learnt, and what they should be followed by.
#[derive(Debug)]
pub struct Learnt<B: Backend> {
    parts: Vec<Part<B>>,
}

/// Tokens that are learnt in one manner.
#[derive(Debug)]
struct Part<B: Backend> {
    tokens: usize,
    /// Where they are not all.
    rows: Option<B::Indices>,
    aim: Aim<B>,
    weights: B::Buffer,
}

/// What should follow them.
#[derive(Debug)]
enum Aim<B: Backend> {
    Tokens(B::Indices),
    /// What these states of the base foretell.
    States(B::Buffer),
}

/// Where a batch has tokens that are learnt in one manner.
fn places(batch: &Batch, distilled: bool) -> Vec<(usize, u32, f32)> {
    let tokens = batch.rows.iter().flat_map(|row| {
        let tokens = row.targets.iter().zip(&row.weights).enumerate();
        tokens.map(|(at, (target, weight))| (row.is_distilled(at), *target, *weight))
    });
    let tokens = tokens.enumerate().filter(|(_, (is, _, weight))| *is == distilled && *weight > 0.0);
    tokens.map(|(row, (_, target, weight))| (row, target, weight)).collect()
}

impl<B: Backend> Learnt<B> {
    /// Of a batch. `hidden` are the base's hidden states of its [distilled](Batch::distilled) rows; without them, nothing is learnt from what it foretells.
    ///
    /// # Errors
    /// When the backend has no room.
    pub fn new(
        backend: &mut B,
        batch: &Batch,
        width: usize,
        hidden: Option<&B::Buffer>,
    ) -> Result<Self, BackendError> {
        let mut parts = Vec::new();
        let learnt = places(batch, false);
        if !learnt.is_empty() {
            let targets: Vec<u32> = learnt.iter().map(|(_, target, _)| *target).collect();
            let aim = Aim::Tokens(backend.indices(&targets)?);
            parts.push(Part::new(backend, batch, &learnt, aim)?);
        }
        if let Some(hidden) = hidden {
            let rows: Vec<u32> =
                places(&batch.distilled(), true).iter().map(|(row, ..)| *row as u32).collect();
            let rows_there = backend.indices(&rows)?;
            let mut states = backend.allocate(Role::Activation, rows.len() * width)?;
            backend.gather(&mut states, hidden, &rows_there, width)?;
            parts.push(Part::new(backend, batch, &places(batch, true), Aim::States(states))?);
        }
        Ok(Self { parts })
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

impl<B: Backend> Part<B> {
    fn new(
        backend: &mut B,
        batch: &Batch,
        learnt: &[(usize, u32, f32)],
        aim: Aim<B>,
    ) -> Result<Self, BackendError> {
        let rows: Vec<u32> = learnt.iter().map(|(row, ..)| *row as u32).collect();
        let numbers: Vec<f32> = learnt.iter().map(|(.., weight)| *weight).collect();
        let rows = if rows.len() == batch.tokens() { None } else { Some(backend.indices(&rows)?) };
        let mut weights = backend.allocate(Role::State, numbers.len())?;
        backend.upload(&mut weights, 0, &numbers)?;
        Ok(Self { tokens: numbers.len(), rows, aim, weights })
    }

    /// Under an output layer, `vocabulary × width`.
    fn loss<'a>(
        &'a self,
        hidden: &'a B::Buffer,
        weight: &'a B::Buffer,
        (vocabulary, width): (usize, usize),
    ) -> CrossEntropy<'a, B::Buffer, B::Indices> {
        let targets = match &self.aim {
            Aim::Tokens(targets) => Targets::Tokens(targets),
            Aim::States(states) => Targets::States(states),
        };
        CrossEntropy {
            tokens: self.tokens,
            width,
            vocabulary,
            hidden,
            weight,
            targets,
            weights: &self.weights,
        }
    }
}

/// The output layer. Where it is tied, its weights are the embedding's.
#[derive(Debug)]
pub struct Head<B: Backend> {
    /// `vocabulary × hidden`, where it is not tied.
    pub weight: Option<Parameter<B>>,
    /// The hidden states of learnt tokens, and their gradients.
    room: Option<(usize, B::Buffer, B::Buffer)>,
}

impl<B: Backend> Head<B> {
    /// Tied where there is no weight.
    pub fn new(weight: Option<Parameter<B>>) -> Self {
        Self { weight, room: None }
    }

    /// The sum of weighted losses (see [`Backend::cross_entropy`]) of `hidden` (`tokens × hidden`). Where `d_hidden` is given, it is written, and
    /// gradients of what learns are added.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn loss(
        &mut self,
        backend: &mut B,
        embedding: &mut Embedding<B>,
        learnt: &Learnt<B>,
        hidden: &B::Buffer,
        mut d_hidden: Option<&mut B::Buffer>,
        tokens: usize,
    ) -> Result<f64, BackendError> {
        let Parameter { value, learning, rows: vocabulary, columns: width, .. } =
            self.weight.as_mut().unwrap_or(&mut embedding.table);
        let mut d_weight = learning.as_mut().map(|learning| &mut learning.gradient);
        let (vocabulary, width) = (*vocabulary, *width);
        let size = (vocabulary, width);
        if let [part] = learnt.parts.as_slice()
            && part.rows.is_none()
        {
            let gradients = d_hidden.map(|d_hidden| (d_hidden, d_weight));
            return backend.cross_entropy(part.loss(hidden, value, size), gradients);
        }
        let most = learnt.parts.iter().map(|part| part.tokens).max().unwrap_or(0);
        if self.room.as_ref().is_none_or(|(tokens, ..)| *tokens < most) {
            self.room = None;
            let mut activation = || backend.allocate(Role::Activation, most * width);
            self.room = Some((most, activation()?, activation()?));
        }
        let Some((_, taken, d_taken)) = &mut self.room else { return Ok(0.0) };
        if let Some(d_hidden) = d_hidden.as_deref_mut() {
            backend.clear(d_hidden, tokens * width)?;
        }
        let mut sum = 0.0;
        for part in &learnt.parts {
            // Of several parts, none has all tokens.
            let Some(rows) = &part.rows else { continue };
            backend.gather(taken, hidden, rows, width)?;
            let gradients = d_hidden.is_some().then_some((&mut *d_taken, d_weight.as_deref_mut()));
            sum += backend.cross_entropy(part.loss(taken, value, size), gradients)?;
            if let Some(d_hidden) = d_hidden.as_deref_mut() {
                backend.scatter_add(d_hidden, d_taken, rows, width)?;
            }
        }
        Ok(sum)
    }

    /// The logits of some rows of `hidden`, one vocabulary after another.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn logits(
        &self,
        backend: &mut B,
        embedding: &Embedding<B>,
        hidden: &B::Buffer,
        rows: &[u32],
    ) -> Result<Vec<f32>, BackendError> {
        let weight = self.weight.as_ref().unwrap_or(&embedding.table);
        let (vocabulary, width) = (weight.rows, weight.columns);
        let mut taken = backend.allocate(Role::Activation, rows.len() * width)?;
        let indices = backend.indices(rows)?;
        backend.gather(&mut taken, hidden, &indices, width)?;
        let mut logits = backend.allocate(Role::State, rows.len() * vocabulary)?;
        let right = View::of(&weight.value, vocabulary, width).transpose();
        let out = ViewMut::of(&mut logits, rows.len(), vocabulary);
        backend.product(out, 0.0, 1.0, View::of(&taken, rows.len(), width), right)?;
        let mut values = vec![0.0; rows.len() * vocabulary];
        backend.download(&logits, 0, &mut values)?;
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Cpu;
    use crate::batch::Row;
    use crate::layer::check::{Case, buffer, read, values};
    use crate::layer::parameter::Part;

    const WIDTH: usize = 7;
    const VOCABULARY: usize = 13;

    fn batch(weights: &[f32]) -> Batch {
        let targets = (0..weights.len() as u32).map(|token| token * 5 % 13).collect();
        let row = Row {
            tokens: vec![0; weights.len()],
            targets,
            weights: weights.to_vec(),
            prefix: 0,
            documents: vec![0],
            ..Row::default()
        };
        Batch { rows: vec![row] }
    }

    fn parameter(backend: &mut Cpu, name: &str, values: &[f32]) -> Result<Parameter<Cpu>, BackendError> {
        let part = vec![Part { name: name.to_owned(), rows: VOCABULARY }];
        let mut parameter = Parameter::matrix(backend, part, WIDTH, true)?;
        backend.upload(&mut parameter.value, 0, values)?;
        Ok(parameter)
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        for (weights, tied) in
            [(vec![1.0, 0.5, 2.0], true), (vec![0.0, 1.0, 0.0, 0.25, 1.0], true), (vec![0.0, 1.0], false)]
        {
            let tokens = weights.len();
            let mut case = Case::new(&[("hidden", tokens * WIDTH), ("weight", VOCABULARY * WIDTH)], 1);
            case.probe_with(1.0);
            case.check(|backend, inputs, _| {
                let table = parameter(backend, "e", &inputs[1])?;
                let weight = if tied { None } else { Some(parameter(backend, "h", &inputs[1])?) };
                let (mut embedding, mut head) = (Embedding { table }, Head::new(weight));
                let learnt = Learnt::new(backend, &batch(&weights), WIDTH, None)?;
                let hidden = buffer(backend, &inputs[0])?;
                let mut d_hidden = buffer(backend, &inputs[0])?;
                let loss =
                    head.loss(backend, &mut embedding, &learnt, &hidden, Some(&mut d_hidden), tokens)?;
                let alone = head.loss(backend, &mut embedding, &learnt, &hidden, None, tokens)?;
                assert!((loss - alone).abs() < 1e-6);
                let logits =
                    head.logits(backend, &embedding, &hidden, &(0..tokens as u32).collect::<Vec<_>>())?;
                let targets = &batch(&weights).rows[0].targets;
                let rows = logits.chunks(VOCABULARY).zip(targets).zip(&weights);
                let expected: f64 = rows
                    .map(|((row, target), weight)| {
                        let total: f64 = row.iter().map(|logit| f64::from(*logit).exp()).sum();
                        f64::from(*weight) * (total.ln() - f64::from(row[*target as usize]))
                    })
                    .sum();
                assert!((loss - expected).abs() < 1e-5, "{loss} instead of {expected}");
                let learning = head.weight.as_mut().unwrap_or(&mut embedding.table);
                let d_weight = read(backend, learning.gradient().unwrap())?;
                Ok((vec![loss as f32], vec![read(backend, &d_hidden)?, d_weight]))
            });
        }
    }

    #[test]
    fn gradients_of_what_is_distilled_are_those_of_finite_differences() {
        let weights = [1.0, 0.5, 0.0, 2.0, 1.0];
        for distilled in [[true; 5], [false, true, true, true, false]] {
            let tokens = weights.len();
            let mut case = Case::new(&[("hidden", tokens * WIDTH)], 1);
            case.probe_with(1.0);
            let (weight, states) = (values(7, VOCABULARY * WIDTH), values(8, tokens * WIDTH));
            case.check(|backend, inputs, _| {
                let mut embedding = Embedding { table: parameter(backend, "e", &weight)? };
                let mut head = Head::new(None);
                let mut batch = batch(&weights);
                batch.rows[0].distilled = distilled.to_vec();
                assert_eq!(batch.distilled(), batch);
                let base = buffer(backend, &states)?;
                let learnt = Learnt::new(backend, &batch, WIDTH, Some(&base))?;
                let hidden = buffer(backend, &inputs[0])?;
                let mut d_hidden = buffer(backend, &inputs[0])?;
                let loss =
                    head.loss(backend, &mut embedding, &learnt, &hidden, Some(&mut d_hidden), tokens)?;
                let rows: Vec<u32> = (0..tokens as u32).collect();
                let own = head.logits(backend, &embedding, &hidden, &rows)?;
                let wanted = head.logits(backend, &embedding, &base, &rows)?;
                let logarithms = |logits: &[f32]| -> Vec<f64> {
                    let total: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum();
                    logits.iter().map(|logit| f64::from(*logit) - total.ln()).collect()
                };
                let expected: f64 = (0..tokens)
                    .map(|token| {
                        let at = token * VOCABULARY..(token + 1) * VOCABULARY;
                        let (own, wanted) = (logarithms(&own[at.clone()]), logarithms(&wanted[at]));
                        let target = batch.rows[0].targets[token] as usize;
                        let loss = match distilled[token] {
                            true => own
                                .iter()
                                .zip(&wanted)
                                .map(|(own, wanted)| wanted.exp() * (wanted - own))
                                .sum(),
                            false => -own[target],
                        };
                        f64::from(weights[token]) * loss
                    })
                    .sum();
                assert!((loss - expected).abs() < 1e-5, "{loss} instead of {expected}");
                Ok((vec![loss as f32], vec![read(backend, &d_hidden)?]))
            });
        }
    }

    /// So many tokens of so large a vocabulary that they are taken in several chunks.
    #[test]
    fn chunks_give_the_sum_of_their_tokens() {
        let (tokens, vocabulary, width) = (5, 5_000_000, 1);
        let mut backend = Cpu::new(2).unwrap();
        let weight = buffer(&mut backend, &vec![0.0; vocabulary]).unwrap();
        let hidden = buffer(&mut backend, &vec![1.0; tokens]).unwrap();
        let weights = buffer(&mut backend, &[1.0, 2.0, 0.5, 1.0, 1.0]).unwrap();
        let targets = vec![0, 1, 2, 3, 4_999_999];
        let of = CrossEntropy {
            tokens,
            width,
            vocabulary,
            hidden: &hidden,
            weight: &weight,
            targets: Targets::Tokens(&targets),
            weights: &weights,
        };
        let mut d_hidden = buffer(&mut backend, &vec![9.0; tokens]).unwrap();
        let mut d_weight = buffer(&mut backend, &vec![0.0; vocabulary]).unwrap();
        let loss = backend.cross_entropy(of, Some((&mut d_hidden, Some(&mut d_weight)))).unwrap();
        assert!((loss - 5.5 * (vocabulary as f64).ln()).abs() < 1e-3, "{loss}");
        let d_weight = read(&mut backend, &d_weight).unwrap();
        for (index, weight) in [(0, 1.0), (1, 2.0), (2, 0.5), (3, 1.0), (4_999_999, 1.0)] {
            assert!((d_weight[index] + weight).abs() < 1e-4);
        }
        assert!((d_weight[9] - 5.5 / vocabulary as f32).abs() < 1e-9);
        // Of hidden states the same: what is no target's is as likely as it was.
        let numbers = values(3, vocabulary);
        let weight = buffer(&mut backend, &numbers).unwrap();
        let states = buffer(&mut backend, &[0.0, 0.25, 0.5, 1.0, 2.0]).unwrap();
        let of = |hidden| CrossEntropy {
            tokens,
            width,
            vocabulary,
            hidden,
            weight: &weight,
            targets: Targets::States(&states),
            weights: &weights,
        };
        let loss = backend.cross_entropy(of(&states), Some((&mut d_hidden, None))).unwrap();
        assert!(loss.abs() < 1e-4, "{loss}");
        assert!(read(&mut backend, &d_hidden).unwrap().iter().all(|number| number.abs() < 1e-5));
        let loss = backend.cross_entropy(of(&hidden), Some((&mut d_hidden, None))).unwrap();
        let number = |token: usize| -> f64 {
            let (wanted, own) = ([0.0_f64, 0.25, 0.5, 1.0, 2.0][token], 1.0);
            let total = |at: f64| numbers.iter().map(|x| (at * f64::from(*x)).exp()).sum::<f64>();
            let (all, all_own) = (total(wanted), total(own));
            let apart = numbers.iter().map(|x| {
                let x = f64::from(*x);
                (wanted * x).exp() / all * ((wanted - own) * x)
            });
            apart.sum::<f64>() + all_own.ln() - all.ln()
        };
        let expected: f64 =
            [1.0, 2.0, 0.5, 1.0, 1.0].iter().enumerate().map(|(token, weight)| weight * number(token)).sum();
        assert!((loss - expected).abs() < 1e-3, "{loss} instead of {expected}");
        // What is no number is a loss that is none.
        let broken = buffer(&mut backend, &[1.0, f32::NAN, 1.0, 1.0, 1.0]).unwrap();
        assert!(backend.cross_entropy(of(&broken), None).unwrap().is_nan());
    }
}
