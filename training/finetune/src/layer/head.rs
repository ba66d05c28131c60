//! The output layer with its cross-entropy, over the tokens that are learnt alone.

use super::embedding::Embedding;
use super::parameter::Parameter;
use crate::backend::{Backend, BackendError, CrossEntropy, Role, View, ViewMut};
use crate::batch::Batch;

/// Which tokens are learnt, and what they should be followed by.
#[derive(Debug)]
pub struct Learnt<B: Backend> {
    tokens: usize,
    /// Where not all are.
    rows: Option<B::Indices>,
    targets: B::Indices,
    weights: B::Buffer,
}

impl<B: Backend> Learnt<B> {
    /// Of a batch; `None` where nothing is.
    ///
    /// # Errors
    /// When the backend has no room.
    pub fn new(backend: &mut B, batch: &Batch) -> Result<Option<Self>, BackendError> {
        let all = batch.rows.iter().flat_map(|row| row.targets.iter().zip(&row.weights)).enumerate();
        let learnt: Vec<_> = all.filter(|(_, (_, weight))| **weight > 0.0).collect();
        if learnt.is_empty() {
            return Ok(None);
        }
        let rows: Vec<u32> = learnt.iter().map(|(row, _)| *row as u32).collect();
        let targets: Vec<u32> = learnt.iter().map(|(_, (target, _))| **target).collect();
        let numbers: Vec<f32> = learnt.iter().map(|(_, (_, weight))| **weight).collect();
        let rows = if rows.len() == batch.tokens() { None } else { Some(backend.indices(&rows)?) };
        let mut weights = backend.allocate(Role::State, numbers.len())?;
        backend.upload(&mut weights, 0, &numbers)?;
        Ok(Some(Self { tokens: numbers.len(), rows, targets: backend.indices(&targets)?, weights }))
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

    /// The sum of weighted losses of `hidden` (`tokens × hidden`). Where `d_hidden` is given, it is written, and gradients of what learns
    /// are added.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn loss(
        &mut self,
        backend: &mut B,
        embedding: &mut Embedding<B>,
        learnt: &Learnt<B>,
        hidden: &B::Buffer,
        d_hidden: Option<&mut B::Buffer>,
        tokens: usize,
    ) -> Result<f64, BackendError> {
        let Parameter { value, learning, rows, columns, .. } =
            self.weight.as_mut().unwrap_or(&mut embedding.table);
        let d_weight = learning.as_mut().map(|learning| &mut learning.gradient);
        let (vocabulary, width) = (*rows, *columns);
        let of = |hidden| CrossEntropy {
            tokens: learnt.tokens,
            width,
            vocabulary,
            hidden,
            weight: &*value,
            targets: &learnt.targets,
            weights: &learnt.weights,
        };
        let Some(rows) = &learnt.rows else {
            return backend.cross_entropy(of(hidden), d_hidden.map(|d_hidden| (d_hidden, d_weight)));
        };
        if self.room.as_ref().is_none_or(|(tokens, ..)| *tokens < learnt.tokens) {
            self.room = None;
            let mut activation = || backend.allocate(Role::Activation, learnt.tokens * width);
            self.room = Some((learnt.tokens, activation()?, activation()?));
        }
        let Some((_, taken, d_taken)) = &mut self.room else { return Ok(0.0) };
        backend.gather(taken, hidden, rows, width)?;
        let Some(d_hidden) = d_hidden else { return backend.cross_entropy(of(taken), None) };
        let loss = backend.cross_entropy(of(taken), Some((&mut *d_taken, d_weight)))?;
        backend.clear(d_hidden, tokens * width)?;
        backend.scatter_add(d_hidden, d_taken, rows, width)?;
        Ok(loss)
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
    use crate::layer::check::{Case, buffer, read};
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
                let learnt = Learnt::new(backend, &batch(&weights))?.unwrap();
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
            targets: &targets,
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
    }
}
