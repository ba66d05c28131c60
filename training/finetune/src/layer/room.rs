//! Where activations are while a step is computed; kept between steps, so that no memory is asked for in one.

use crate::backend::{Backend, BackendError, Heads, Role};

/// The sizes that a decoder's activations have, for each token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Numbers in a hidden state.
    pub hidden: usize,
    /// The heads.
    pub heads: Heads,
    /// Numbers between the products of an MLP.
    pub intermediate: usize,
    /// The largest sum of ranks of a LoRA layer; 0 without LoRA.
    pub rank: usize,
}

impl Sizes {
    fn widest(self) -> usize {
        self.hidden.max(self.intermediate).max(self.heads.output())
    }
}

/// What a block's backward pass needs of its forward pass, beside its input.
#[derive(Debug)]
pub struct Kept<B: Backend> {
    /// Queries, keys and values, turned by their positions.
    pub qkv: B::Buffer,
    /// What attention gave.
    pub attended: B::Buffer,
    /// The logarithms of its denominators.
    pub logsumexp: B::Buffer,
    /// The residual stream between attention and MLP.
    pub middle: B::Buffer,
    /// The inverse root mean squares of `middle`.
    pub inverse: B::Buffer,
    /// The MLP's gate and up.
    pub gate_up: B::Buffer,
}

impl<B: Backend> Kept<B> {
    /// For `tokens`.
    ///
    /// # Errors
    /// When the backend has no room.
    pub fn new(backend: &mut B, sizes: Sizes, tokens: usize) -> Result<Self, BackendError> {
        let mut activation = |width: usize| backend.allocate(Role::Activation, tokens * width);
        let (qkv, attended) = (activation(sizes.heads.fused())?, activation(sizes.heads.output())?);
        let (middle, gate_up) = (activation(sizes.hidden)?, activation(2 * sizes.intermediate)?);
        let logsumexp = backend.allocate(Role::State, tokens * sizes.heads.query)?;
        let inverse = backend.allocate(Role::State, tokens)?;
        Ok(Self { qkv, attended, logsumexp, middle, inverse, gate_up })
    }
}

/// The input of a block, or of the norm after the last.
#[derive(Debug)]
pub struct Input<B: Backend> {
    /// The residual stream.
    pub x: B::Buffer,
    /// Its inverse root mean squares.
    pub inverse: B::Buffer,
}

impl<B: Backend> Input<B> {
    /// For `tokens`.
    ///
    /// # Errors
    /// When the backend has no room.
    pub fn new(backend: &mut B, sizes: Sizes, tokens: usize) -> Result<Self, BackendError> {
        let x = backend.allocate(Role::Activation, tokens * sizes.hidden)?;
        Ok(Self { x, inverse: backend.allocate(Role::State, tokens)? })
    }
}

/// What all blocks share.
#[derive(Debug)]
pub struct Room<B: Backend> {
    /// What a norm gave.
    pub normed: B::Buffer,
    /// What a block's half adds to the residual stream.
    pub delta: B::Buffer,
    /// What SwiGLU gave.
    pub gated: B::Buffer,
    /// The gradient of the residual stream.
    pub d_stream: B::Buffer,
    /// The gradient of `normed`.
    pub d_normed: B::Buffer,
    /// The gradient of queries, keys and values.
    pub d_qkv: B::Buffer,
    /// The gradient of what attention, or SwiGLU, gave.
    pub d_inner: B::Buffer,
    /// LoRA's.
    pub low: LowRank<B>,
}

/// What LoRA layers share.
#[derive(Debug)]
pub struct LowRank<B: Backend> {
    /// The input times the matrices A.
    pub low: B::Buffer,
    /// Its gradient.
    pub d_low: B::Buffer,
    /// The input after dropout.
    pub dropped: B::Buffer,
}

impl<B: Backend> Room<B> {
    /// For `tokens`.
    ///
    /// # Errors
    /// When the backend has no room.
    pub fn new(backend: &mut B, sizes: Sizes, tokens: usize) -> Result<Self, BackendError> {
        let mut activation = |width: usize| backend.allocate(Role::Activation, tokens * width);
        Ok(Self {
            normed: activation(sizes.hidden)?,
            delta: activation(sizes.hidden)?,
            gated: activation(sizes.intermediate)?,
            d_stream: activation(sizes.hidden)?,
            d_normed: activation(sizes.hidden)?,
            d_qkv: activation(sizes.heads.fused())?,
            d_inner: activation(sizes.intermediate.max(sizes.heads.output()))?,
            low: LowRank {
                low: activation(sizes.rank)?,
                d_low: activation(sizes.rank)?,
                dropped: activation(if sizes.rank > 0 { sizes.widest() } else { 0 })?,
            },
        })
    }
}
