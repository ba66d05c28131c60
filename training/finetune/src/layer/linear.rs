//! A linear layer, and LoRA on it. Weights are as PyTorch has them: `out × in`.

use super::lora::{Dropping, Lora};
use super::parameter::Parameter;
use super::room::LowRank;
use crate::backend::{Backend, BackendError, View, ViewMut};

/// `out = x · weightᵀ + bias`.
#[derive(Debug)]
pub struct Linear<B: Backend> {
    /// `out × in`.
    pub weight: Parameter<B>,
    /// `out`.
    pub bias: Option<Parameter<B>>,
    /// What is learnt beside the weight.
    pub lora: Option<Lora<B>>,
}

impl<B: Backend> Linear<B> {
    /// Whether anything in it learns.
    pub fn learns(&self) -> bool {
        self.weight.learning.is_some() || self.lora.is_some()
    }

    /// Writes `out` (`tokens × out`) of `x` (`tokens × in`).
    ///
    /// # Errors
    /// When the backend fails.
    pub fn forward(
        &self,
        backend: &mut B,
        out: &mut B::Buffer,
        x: &B::Buffer,
        tokens: usize,
        low: &mut LowRank<B>,
        dropping: Dropping,
    ) -> Result<(), BackendError> {
        let (rows, columns) = (self.weight.rows, self.weight.columns);
        let (x_rows, weight) =
            (|| View::of(x, tokens, columns), || View::of(&self.weight.value, rows, columns));
        match self.lora.as_ref().filter(|_| dropping != Dropping::Adapters) {
            None => {
                backend.product(ViewMut::of(out, tokens, rows), 0.0, 1.0, x_rows(), weight().transpose())?
            }
            Some(lora) => {
                lora.lower(backend, x, tokens, low, dropping)?;
                for (first, count, up) in lora.ranges(rows) {
                    let out = ViewMut::of(out, tokens, rows).columns(first, count);
                    let weight = weight().rows(first, count).transpose();
                    match up {
                        None => backend.product(out, 0.0, 1.0, x_rows(), weight)?,
                        Some(up) => {
                            backend.product_beside(
                                out,
                                0.0,
                                (x_rows(), weight),
                                lora.up_factors(up, low, tokens),
                            )?;
                        }
                    }
                }
            }
        }
        self.bias.as_ref().map_or(Ok(()), |bias| backend.add_bias(out, &bias.value, tokens, rows))
    }

    /// The first half of [`backward`](Self::backward), where there is no LoRA: writes `d_x`.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn backward_input(
        &self,
        backend: &mut B,
        d_x: &mut B::Buffer,
        d_out: &B::Buffer,
        tokens: usize,
    ) -> Result<(), BackendError> {
        let (rows, columns) = (self.weight.rows, self.weight.columns);
        let weight = View::of(&self.weight.value, rows, columns);
        backend.product(ViewMut::of(d_x, tokens, columns), 0.0, 1.0, View::of(d_out, tokens, rows), weight)
    }

    /// The second half, where there is no LoRA: adds to the gradients of what learns.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn backward_weights(
        &mut self,
        backend: &mut B,
        d_out: &B::Buffer,
        x: &B::Buffer,
        tokens: usize,
    ) -> Result<(), BackendError> {
        let (rows, columns) = (self.weight.rows, self.weight.columns);
        if let Some(gradient) = self.weight.gradient() {
            let left = View::of(d_out, tokens, rows).transpose();
            let out = ViewMut::of(gradient, rows, columns);
            backend.product(out, 1.0, 1.0, left, View::of(x, tokens, columns))?;
        }
        let gradient = self.bias.as_mut().and_then(Parameter::gradient);
        gradient.map_or(Ok(()), |gradient| backend.bias_backward(gradient, d_out, tokens, rows))
    }

    /// Writes `d_x` where it is wanted; adds to the gradients of what learns. `x` is the input again: it is read where something learns.
    ///
    /// # Errors
    /// When the backend fails.
    #[expect(clippy::too_many_arguments, reason = "what is written, then what is read")]
    pub fn backward(
        &mut self,
        backend: &mut B,
        d_x: Option<&mut B::Buffer>,
        d_out: &B::Buffer,
        x: &B::Buffer,
        tokens: usize,
        low: &mut LowRank<B>,
        dropping: Dropping,
    ) -> Result<(), BackendError> {
        self.backward_weights(backend, d_out, x, tokens)?;
        let (rows, columns) = (self.weight.rows, self.weight.columns);
        if let Some(lora) = &mut self.lora {
            lora.backward(backend, d_out, rows, x, tokens, low, dropping)?;
        }
        let Some(d_x) = d_x else { return Ok(()) };
        match &self.lora {
            None => self.backward_input(backend, d_x, d_out, tokens),
            Some(lora) if lora.drops(dropping) => {
                self.backward_input(backend, d_x, d_out, tokens)?;
                lora.backward_dropped(backend, d_x, tokens, low, dropping)
            }
            Some(lora) => {
                let weight = View::of(&self.weight.value, rows, columns);
                let large = (View::of(d_out, tokens, rows), weight);
                backend.product_beside(
                    ViewMut::of(d_x, tokens, columns),
                    0.0,
                    large,
                    lora.down_factors(low, tokens),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::check::{Case, buffer, read};
    use crate::layer::parameter::Part;

    #[test]
    fn gradients_are_those_of_finite_differences() {
        for (tokens, columns, parts) in [(1, 1, vec![1]), (7, 13, vec![5, 6]), (19, 5, vec![3])] {
            let rows: usize = parts.iter().sum();
            let case = Case::new(
                &[("x", tokens * columns), ("weight", rows * columns), ("bias", rows)],
                tokens * rows,
            );
            case.check(|backend, inputs, probe| {
                let named = parts.iter().map(|&rows| Part { name: rows.to_string(), rows }).collect();
                let mut linear = Linear {
                    weight: Parameter::matrix(backend, named, columns, true)?,
                    bias: Some(Parameter::vector(backend, vec![("b".into(), rows)], true)?),
                    lora: None,
                };
                backend.upload(&mut linear.weight.value, 0, &inputs[1])?;
                backend.upload(&mut linear.bias.as_mut().unwrap().value, 0, &inputs[2])?;
                let x = buffer(backend, &inputs[0])?;
                let mut low = LowRank {
                    low: buffer(backend, &[])?,
                    d_low: buffer(backend, &[])?,
                    dropped: buffer(backend, &[])?,
                };
                let mut out = buffer(backend, probe)?;
                linear.forward(backend, &mut out, &x, tokens, &mut low, Dropping::Nothing)?;
                let (mut d_x, d_out) = (buffer(backend, &inputs[0])?, buffer(backend, probe)?);
                linear.backward(backend, Some(&mut d_x), &d_out, &x, tokens, &mut low, Dropping::Nothing)?;
                let d_weight = read(backend, linear.weight.gradient().unwrap())?;
                let d_bias = read(backend, linear.bias.as_mut().unwrap().gradient().unwrap())?;
                Ok((read(backend, &out)?, vec![read(backend, &d_x)?, d_weight, d_bias]))
            });
        }
    }
}
