//! RMS norm: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.

use super::parameter::Parameter;
use crate::backend::{Backend, BackendError};

/// Each row by its root mean square, times a weight for each column.
#[derive(Debug)]
pub struct RmsNorm<B: Backend> {
    /// One weight a column.
    pub weight: Parameter<B>,
    /// What is added to the mean square.
    pub epsilon: f32,
}

impl<B: Backend> RmsNorm<B> {
    /// `out` is the norm of `x`; `inverse` is for the way back.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn forward(
        &self,
        backend: &mut B,
        out: &mut B::Buffer,
        inverse: &mut B::Buffer,
        x: &B::Buffer,
        tokens: usize,
    ) -> Result<(), BackendError> {
        backend.norm(out, inverse, x, &self.weight.value, tokens, self.weight.rows, self.epsilon)
    }

    /// The same of `sum = x + delta`.
    ///
    /// # Errors
    /// When the backend fails.
    #[expect(clippy::too_many_arguments, reason = "what is written, then what is read")]
    pub fn add_forward(
        &self,
        backend: &mut B,
        out: &mut B::Buffer,
        inverse: &mut B::Buffer,
        sum: &mut B::Buffer,
        x: &B::Buffer,
        delta: &B::Buffer,
        tokens: usize,
    ) -> Result<(), BackendError> {
        let weight = &self.weight;
        backend.add_norm(out, inverse, sum, x, delta, &weight.value, tokens, weight.rows, self.epsilon)
    }

    /// Adds to `d_x`, and to the weight's gradient where it learns.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn backward(
        &mut self,
        backend: &mut B,
        d_x: &mut B::Buffer,
        d_out: &B::Buffer,
        x: &B::Buffer,
        inverse: &B::Buffer,
        tokens: usize,
    ) -> Result<(), BackendError> {
        let width = self.weight.rows;
        let Parameter { value, learning, .. } = &mut self.weight;
        let gradient = learning.as_mut().map(|learning| &mut learning.gradient);
        backend.norm_backward(d_x, gradient, d_out, x, inverse, value, tokens, width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::check::{Case, buffer, read, values};

    #[test]
    fn gradients_are_those_of_finite_differences() {
        for (tokens, width) in [(1, 3), (5, 37), (35, 9)] {
            let case = Case::new(
                &[("x", tokens * width), ("weight", width), ("delta", tokens * width)],
                tokens * width,
            );
            case.check(|backend, inputs, probe| {
                let mut norm = RmsNorm {
                    weight: Parameter::vector(backend, vec![("w".into(), width)], true)?,
                    epsilon: 1e-5,
                };
                backend.upload(&mut norm.weight.value, 0, &inputs[1])?;
                let (x, delta) = (buffer(backend, &inputs[0])?, buffer(backend, &inputs[2])?);
                let (mut out, mut sum) = (buffer(backend, probe)?, buffer(backend, probe)?);
                let mut inverse = buffer(backend, &vec![0.0; tokens])?;
                norm.add_forward(backend, &mut out, &mut inverse, &mut sum, &x, &delta, tokens)?;
                let mut alone = buffer(backend, probe)?;
                norm.forward(backend, &mut alone, &mut inverse, &sum, tokens)?;
                assert_eq!(read(backend, &out)?, read(backend, &alone)?);
                // What is there is added to.
                let mut d_x = buffer(backend, &values(7, tokens * width))?;
                let d_out = buffer(backend, probe)?;
                norm.backward(backend, &mut d_x, &d_out, &sum, &inverse, tokens)?;
                let d_x = read(backend, &d_x)?
                    .iter()
                    .zip(values(7, tokens * width))
                    .map(|(d_x, before)| d_x - before)
                    .collect::<Vec<_>>();
                let d_weight = read(backend, norm.weight.gradient().unwrap())?;
                Ok((read(backend, &out)?, vec![d_x.clone(), d_weight, d_x]))
            });
        }
    }
}
