//! The MLP with SwiGLU (Shazeer, "GLU Variants Improve Transformer", 2020), and the norm before it.

use super::attention::Step;
use super::linear::Linear;
use super::norm::RmsNorm;
use super::room::{Kept, Room};
use crate::backend::{Backend, BackendError};

/// The second half of a block.
#[derive(Debug)]
pub struct Mlp<B: Backend> {
    /// Before it.
    pub norm: RmsNorm<B>,
    /// Gate and up in one product.
    pub gate_up: Linear<B>,
    /// Down.
    pub down: Linear<B>,
}

impl<B: Backend> Mlp<B> {
    fn width(&self) -> usize {
        self.down.weight.columns
    }

    /// Gate and up of `room.normed`, into `kept`.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn enter(
        &self,
        backend: &mut B,
        kept: &mut Kept<B>,
        room: &mut Room<B>,
        step: &Step<'_, B>,
    ) -> Result<(), BackendError> {
        let out = &mut kept.gate_up;
        self.gate_up.forward(backend, out, &room.normed, step.tokens, &mut room.low, step.dropping.of(3))
    }

    /// What it adds to the residual stream, into `room.delta`.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn leave(
        &self,
        backend: &mut B,
        kept: &Kept<B>,
        room: &mut Room<B>,
        step: &Step<'_, B>,
    ) -> Result<(), BackendError> {
        let Room { gated, delta, low, .. } = room;
        backend.swiglu(gated, &kept.gate_up, step.tokens, self.width())?;
        self.down.forward(backend, delta, gated, step.tokens, low, step.dropping.of(4))
    }

    /// `room.d_stream` is the gradient of what it adds, and becomes the one of its input where that is wanted. `kept.gate_up` is lost.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn backward(
        &mut self,
        backend: &mut B,
        kept: &mut Kept<B>,
        room: &mut Room<B>,
        step: &Step<'_, B>,
        wanted: bool,
    ) -> Result<(), BackendError> {
        let (tokens, width) = (step.tokens, self.width());
        let Room { normed, gated, d_stream, d_normed, d_inner, low, .. } = room;
        let Kept { middle, inverse, gate_up, .. } = kept;
        let below = wanted || self.gate_up.learns() || self.norm.weight.learning.is_some();
        if below && self.down.lora.is_none() {
            // In one pass over gate and up, which are far too many for caches.
            self.down.backward_input(backend, d_inner, d_stream, tokens)?;
            let again = self.down.learns().then_some(&mut *gated);
            backend.swiglu_backward(gate_up, again, d_inner, tokens, width)?;
            self.down.backward_weights(backend, d_stream, gated, tokens)?;
        } else {
            if self.down.learns() {
                backend.swiglu(gated, gate_up, tokens, width)?;
            }
            let d_gated = below.then_some(&mut *d_inner);
            self.down.backward(backend, d_gated, d_stream, gated, tokens, low, step.dropping.of(4))?;
            if !below {
                return Ok(());
            }
            backend.swiglu_backward(gate_up, None, d_inner, tokens, width)?;
        }
        if self.gate_up.learns() {
            self.norm.forward(backend, normed, inverse, middle, tokens)?;
        }
        let further = wanted || self.norm.weight.learning.is_some();
        let d_input = further.then_some(&mut *d_normed);
        self.gate_up.backward(backend, d_input, gate_up, normed, tokens, low, step.dropping.of(3))?;
        if further {
            self.norm.backward(backend, d_stream, d_normed, middle, inverse, tokens)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::backend::Backend;
    use crate::layer::check::{Case, buffer, read};

    #[test]
    fn gradients_are_those_of_finite_differences() {
        for (rows, width) in [(1, 1), (13, 7), (3, 50)] {
            Case::new(&[("gate and up", 2 * rows * width)], rows * width).check(|backend, inputs, probe| {
                let gate_up = buffer(backend, &inputs[0])?;
                let (mut out, d_out) = (buffer(backend, probe)?, buffer(backend, probe)?);
                backend.swiglu(&mut out, &gate_up, rows, width)?;
                let mut gradient = buffer(backend, &inputs[0])?;
                let mut again = buffer(backend, probe)?;
                backend.swiglu_backward(&mut gradient, Some(&mut again), &d_out, rows, width)?;
                assert_eq!(read(backend, &out)?, read(backend, &again)?);
                let mut alone = buffer(backend, &inputs[0])?;
                backend.swiglu_backward(&mut alone, None, &d_out, rows, width)?;
                assert_eq!(read(backend, &alone)?, read(backend, &gradient)?);
                Ok((read(backend, &out)?, vec![read(backend, &gradient)?]))
            });
        }
    }
}
