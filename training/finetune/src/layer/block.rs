//! A decoder's block: attention, then MLP, each added to the residual stream.

use super::attention::{Attention, Step};
use super::mlp::Mlp;
use super::parameter::Parameter;
use super::room::{Input, Kept, Room};
use super::rotary::Rotary;
use crate::backend::{Backend, BackendError};

/// Attention and MLP.
#[derive(Debug)]
pub struct Block<B: Backend> {
    /// The first half.
    pub attention: Attention<B>,
    /// The second half.
    pub mlp: Mlp<B>,
}

impl<B: Backend> Block<B> {
    /// Whether anything in it learns.
    pub fn learns(&self) -> bool {
        let norms = [&self.attention.norm, &self.mlp.norm];
        let linears = [&self.attention.qkv, &self.attention.out, &self.mlp.gate_up, &self.mlp.down];
        norms.iter().any(|norm| norm.weight.learning.is_some())
            || linears.iter().any(|linear| linear.learns())
    }

    /// Everything up to gate and up, of `input` and its norm in `room.normed`: all that the way back needs.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn enter(
        &self,
        backend: &mut B,
        rotary: &Rotary<B>,
        input: &Input<B>,
        kept: &mut Kept<B>,
        room: &mut Room<B>,
        step: &Step<'_, B>,
    ) -> Result<(), BackendError> {
        self.attention.forward(backend, rotary, kept, room, step)?;
        let Kept { middle, inverse, .. } = kept;
        let Room { normed, delta, .. } = room;
        self.mlp.norm.add_forward(backend, normed, inverse, middle, &input.x, delta, step.tokens)?;
        self.mlp.enter(backend, kept, room, step)
    }

    /// The rest: what is to be added to `kept.middle`, into `room.delta`.
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
        self.mlp.leave(backend, kept, room, step)
    }

    /// [`enter`](Self::enter) again, of the input alone, where nothing was kept.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn again(
        &self,
        backend: &mut B,
        rotary: &Rotary<B>,
        input: &mut Input<B>,
        kept: &mut Kept<B>,
        room: &mut Room<B>,
        step: &Step<'_, B>,
    ) -> Result<(), BackendError> {
        self.attention.norm.forward(backend, &mut room.normed, &mut input.inverse, &input.x, step.tokens)?;
        self.enter(backend, rotary, input, kept, room, step)
    }

    /// `room.d_stream`, the gradient of its output, becomes its input's where that is wanted. `kept.gate_up` is lost.
    ///
    /// # Errors
    /// When the backend fails.
    #[expect(clippy::too_many_arguments, reason = "what the forward pass had, and left")]
    pub fn backward(
        &mut self,
        backend: &mut B,
        rotary: &Rotary<B>,
        input: &mut Input<B>,
        kept: &mut Kept<B>,
        room: &mut Room<B>,
        step: &Step<'_, B>,
        wanted: bool,
    ) -> Result<(), BackendError> {
        let attention = &self.attention;
        let above =
            attention.qkv.learns() || attention.out.learns() || attention.norm.weight.learning.is_some();
        self.mlp.backward(backend, kept, room, step, wanted || above)?;
        if wanted || above {
            self.attention.backward(backend, rotary, input, kept, room, step, wanted)?;
        }
        Ok(())
    }

    /// All its parameters, always in this order.
    pub fn parameters(&mut self) -> Vec<&mut Parameter<B>> {
        let mut all = Vec::new();
        for (norm, linears) in [
            (&mut self.attention.norm, [&mut self.attention.qkv, &mut self.attention.out]),
            (&mut self.mlp.norm, [&mut self.mlp.gate_up, &mut self.mlp.down]),
        ] {
            all.push(&mut norm.weight);
            for linear in linears {
                all.push(&mut linear.weight);
                all.extend(&mut linear.bias);
                if let Some(lora) = &mut linear.lora {
                    all.push(&mut lora.down);
                    all.extend(lora.ups.iter_mut().map(|up| &mut up.weight));
                }
            }
        }
        all
    }
}
