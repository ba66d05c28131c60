//! What computes. In: buffers, sizes. Out: buffers. It must not know layers, architectures, files or text.
//!
//! One narrow trait, of operations that each are one kernel or one product of a vendor's library. Matrices are row-major. Who implements
//! it chooses the precision by a buffer's [`Role`]; the layers above see lengths in numbers, never bytes.

pub mod cpu;
pub mod cuda;
pub mod layout;

use std::error::Error as Cause;
use std::fmt::Debug;

pub use cpu::Cpu;
pub use cuda::Cuda;
pub use layout::{Layout, LayoutError, Span};

use crate::trainee::Update;

/// What a backend can fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// No memory is left.
    #[error(
        "{device} has no room for {bytes} bytes more: take a smaller batch, `checkpointing = true`, LoRA, or a smaller model"
    )]
    Memory {
        /// Where there is no room.
        device: String,
        /// How much was asked for.
        bytes: usize,
    },
    /// The device cannot be used, or failed.
    #[error("{device}: {what}")]
    Device {
        /// Which device.
        device: String,
        /// What happened, and what can be done.
        what: String,
        /// What the driver said.
        #[source]
        source: Option<Box<dyn Cause + Send + Sync>>,
    },
}

/// What a buffer is for: a backend of mixed precision keeps each in what suits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Weights that learn: full precision, and what products read beside it where they want another.
    Parameter,
    /// Weights that do not learn: what products read is enough.
    Frozen,
    /// What layers hand to each other, and its gradients: the precision that products read and write.
    Activation,
    /// Gradients of weights, moments, statistics of rows, results that are downloaded: full precision always.
    State,
}

/// A matrix in a buffer, row-major.
#[derive(Debug)]
pub struct View<'a, Buffer> {
    /// Where it is.
    pub buffer: &'a Buffer,
    /// Its first element.
    pub offset: usize,
    /// How many rows are stored.
    pub rows: usize,
    /// How many columns are stored.
    pub columns: usize,
    /// From one row to the next, in elements.
    pub stride: usize,
    /// Whether the product reads its transpose.
    pub transposed: bool,
}

impl<'a, Buffer> View<'a, Buffer> {
    /// The matrix at a buffer's beginning, without gaps.
    pub fn of(buffer: &'a Buffer, rows: usize, columns: usize) -> Self {
        Self { buffer, offset: 0, rows, columns, stride: columns, transposed: false }
    }

    /// Its transpose.
    #[must_use]
    pub fn transpose(mut self) -> Self {
        self.transposed = !self.transposed;
        self
    }

    /// Some of its stored columns.
    #[must_use]
    pub fn columns(mut self, first: usize, count: usize) -> Self {
        self.offset += first;
        self.columns = count;
        self
    }

    /// Some of its stored rows.
    #[must_use]
    pub fn rows(mut self, first: usize, count: usize) -> Self {
        self.offset += first * self.stride;
        self.rows = count;
        self
    }

    /// Rows and columns as the product reads them.
    pub fn shape(&self) -> (usize, usize) {
        if self.transposed { (self.columns, self.rows) } else { (self.rows, self.columns) }
    }
}

/// A matrix in a buffer that is written.
#[derive(Debug)]
pub struct ViewMut<'a, Buffer> {
    /// Where it is.
    pub buffer: &'a mut Buffer,
    /// Its first element.
    pub offset: usize,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// From one row to the next, in elements.
    pub stride: usize,
}

impl<'a, Buffer> ViewMut<'a, Buffer> {
    /// The matrix at a buffer's beginning, without gaps.
    pub fn of(buffer: &'a mut Buffer, rows: usize, columns: usize) -> Self {
        Self { buffer, offset: 0, rows, columns, stride: columns }
    }

    /// The same, borrowed once more.
    pub fn again(&mut self) -> ViewMut<'_, Buffer> {
        ViewMut { buffer: self.buffer, ..*self }
    }

    /// Some of its columns.
    #[must_use]
    pub fn columns(mut self, first: usize, count: usize) -> Self {
        self.offset += first;
        self.columns = count;
        self
    }

    /// Some of its rows.
    #[must_use]
    pub fn rows(mut self, first: usize, count: usize) -> Self {
        self.offset += first * self.stride;
        self.rows = count;
        self
    }
}

/// The heads of grouped-query attention. A row of `qkv` holds all queries, then all keys, then all values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// Heads of queries.
    pub query: usize,
    /// Heads of keys, and of values: `query / key` heads of queries read each.
    pub key: usize,
    /// Numbers in a head.
    pub dimension: usize,
}

impl Heads {
    /// Numbers in a row of `qkv`.
    pub fn fused(self) -> usize {
        (self.query + 2 * self.key) * self.dimension
    }

    /// Numbers in a row of the output.
    pub fn output(self) -> usize {
        self.query * self.dimension
    }
}

/// Which way positions turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// As the forward pass does.
    Forward,
    /// Back: a rotation's transpose, which is what gradients pass.
    Backward,
}

/// Which elements a dropout drops: element `i` stays where the upper 32 bits of `mix(seed + (i + 1) · 0x9E3779B97F4A7C15)` are at least
/// `probability · 2³²`; `mix` is SplitMix64's finaliser (Steele, Lea and Flood 2014). What stays is divided by `1 - probability`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mask {
    /// What is dropped, on average.
    pub probability: f32,
    /// Chooses the elements.
    pub seed: u64,
}

impl Mask {
    /// The least upper half of the hash that stays.
    pub fn threshold(self) -> u32 {
        (f64::from(self.probability) * 4_294_967_296.0) as u32
    }

    /// Whether an element stays.
    pub fn keeps(self, index: usize) -> bool {
        let mut hash = self.seed.wrapping_add((index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        hash ^= hash >> 31;
        (hash >> 32) as u32 >= self.threshold()
    }
}

/// What should follow tokens.
#[derive(Debug)]
pub enum Targets<'a, Buffer, Indices> {
    /// One token each.
    Tokens(&'a Indices),
    /// Any token, as likely as these hidden states (an activation, `tokens × width`) make it under the same output layer.
    States(&'a Buffer),
}

/// Cross-entropy of tokens under an output layer.
#[derive(Debug)]
pub struct CrossEntropy<'a, Buffer, Indices> {
    /// How many tokens.
    pub tokens: usize,
    /// Numbers in a token's hidden state.
    pub width: usize,
    /// Rows of the output layer.
    pub vocabulary: usize,
    /// `tokens × width`, an activation.
    pub hidden: &'a Buffer,
    /// `vocabulary × width`, a parameter or frozen.
    pub weight: &'a Buffer,
    /// What should follow each token.
    pub targets: Targets<'a, Buffer, Indices>,
    /// What each token counts; a state.
    pub weights: &'a Buffer,
}

/// Computes. All lengths are in elements; buffers may be longer than what an operation reads or writes of them.
pub trait Backend {
    /// Numbers in the device's memory.
    type Buffer: Debug;
    /// Tokens or rows in the device's memory.
    type Indices: Debug;
    /// A [`Layout`] in the device's memory.
    type Placement: Debug;

    /// The device and the precision, for people.
    fn describe(&self) -> String;

    /// A buffer of zeros.
    fn allocate(&mut self, role: Role, length: usize) -> Result<Self::Buffer, BackendError>;

    /// Writes `values` from `offset` on.
    fn upload(&mut self, to: &mut Self::Buffer, offset: usize, values: &[f32]) -> Result<(), BackendError>;

    /// Reads from `offset` on. Of a parameter: its full precision.
    fn download(&mut self, from: &Self::Buffer, offset: usize, into: &mut [f32]) -> Result<(), BackendError>;

    /// Tokens or rows.
    fn indices(&mut self, values: &[u32]) -> Result<Self::Indices, BackendError>;

    /// Where the tokens of a step stand, and what they see.
    fn place(&mut self, layout: &Layout) -> Result<Self::Placement, BackendError>;

    /// Fills the first `length` elements with zeros.
    fn clear(&mut self, buffer: &mut Self::Buffer, length: usize) -> Result<(), BackendError>;

    /// `out = scale · left · right + keep · out`. `keep` is 0 (what was there is not read) or 1. Reads activations, parameters, frozen;
    /// writes an activation or a state.
    fn product(
        &mut self,
        out: ViewMut<'_, Self::Buffer>,
        keep: f32,
        scale: f32,
        left: View<'_, Self::Buffer>,
        right: View<'_, Self::Buffer>,
    ) -> Result<(), BackendError>;

    /// `out = left · right + low · high + keep · out`, for a second product that is small beside the first, as LoRA's is.
    fn product_beside(
        &mut self,
        mut out: ViewMut<'_, Self::Buffer>,
        keep: f32,
        (left, right): (View<'_, Self::Buffer>, View<'_, Self::Buffer>),
        (low, high): (View<'_, Self::Buffer>, View<'_, Self::Buffer>),
    ) -> Result<(), BackendError> {
        self.product(out.again(), keep, 1.0, left, right)?;
        self.product(out, 1.0, 1.0, low, high)
    }

    /// Row `i` of `out` (an activation) = row `rows[i]` of `table` (a parameter, frozen or an activation).
    fn gather(
        &mut self,
        out: &mut Self::Buffer,
        table: &Self::Buffer,
        rows: &Self::Indices,
        width: usize,
    ) -> Result<(), BackendError>;

    /// Row `rows[i]` of `table` (a state or an activation) += row `i` of `from` (an activation). Rows may repeat; the sum's order does not
    /// change from run to run.
    fn scatter_add(
        &mut self,
        table: &mut Self::Buffer,
        from: &Self::Buffer,
        rows: &Self::Indices,
        width: usize,
    ) -> Result<(), BackendError>;

    /// Each row divided by its root mean square, times `weight`: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.
    /// `inverse` (a state) takes `1 / √(mean(x²) + epsilon)` of each row.
    #[expect(clippy::too_many_arguments, reason = "buffers and sizes, one kernel")]
    fn norm(
        &mut self,
        out: &mut Self::Buffer,
        inverse: &mut Self::Buffer,
        x: &Self::Buffer,
        weight: &Self::Buffer,
        rows: usize,
        width: usize,
        epsilon: f32,
    ) -> Result<(), BackendError>;

    /// `sum = x + delta`, then [`norm`](Self::norm) of `sum`.
    #[expect(clippy::too_many_arguments, reason = "buffers and sizes, one kernel")]
    fn add_norm(
        &mut self,
        out: &mut Self::Buffer,
        inverse: &mut Self::Buffer,
        sum: &mut Self::Buffer,
        x: &Self::Buffer,
        delta: &Self::Buffer,
        weight: &Self::Buffer,
        rows: usize,
        width: usize,
        epsilon: f32,
    ) -> Result<(), BackendError>;

    /// `d_x += inverse · (d_out · weight − x̂ · mean(d_out · weight · x̂))` with `x̂ = x · inverse`; `d_weight += Σ rows d_out · x̂`.
    #[expect(clippy::too_many_arguments, reason = "buffers and sizes, one kernel")]
    fn norm_backward(
        &mut self,
        d_x: &mut Self::Buffer,
        d_weight: Option<&mut Self::Buffer>,
        d_out: &Self::Buffer,
        x: &Self::Buffer,
        inverse: &Self::Buffer,
        weight: &Self::Buffer,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError>;

    /// Turns queries and keys in `qkv` by their positions: Su et al., "RoFormer", 2021, in the half-split order of Hugging Face: element `j`
    /// pairs with `j + dimension / 2` and turns by `position · frequencies[j]` (a state, `dimension / 2` long).
    fn rotate(
        &mut self,
        qkv: &mut Self::Buffer,
        placement: &Self::Placement,
        frequencies: &Self::Buffer,
        heads: Heads,
        turn: Turn,
    ) -> Result<(), BackendError>;

    /// `out[t] = Σ softmax(q·k / √dimension) v` over what `t` sees (see [`Span`]). `out` is `tokens × heads.output()`; `logsumexp` (a
    /// state, `tokens × heads.query`) is the logarithm of the softmax's denominator. Never keeps tokens × tokens.
    fn attend(
        &mut self,
        out: &mut Self::Buffer,
        logsumexp: &mut Self::Buffer,
        qkv: &Self::Buffer,
        placement: &Self::Placement,
        heads: Heads,
    ) -> Result<(), BackendError>;

    /// Writes `d_qkv` (not adds): Dao et al., "FlashAttention", 2022, algorithm 4, over what each token sees.
    #[expect(clippy::too_many_arguments, reason = "buffers and sizes, one kernel")]
    fn attend_backward(
        &mut self,
        d_qkv: &mut Self::Buffer,
        d_out: &Self::Buffer,
        out: &Self::Buffer,
        logsumexp: &Self::Buffer,
        qkv: &Self::Buffer,
        placement: &Self::Placement,
        heads: Heads,
    ) -> Result<(), BackendError>;

    /// `out = gate · sigmoid(gate) · up`, where a row of `gate_up` is the gate's `width` numbers, then the others: Shazeer, "GLU Variants
    /// Improve Transformer", 2020.
    fn swiglu(
        &mut self,
        out: &mut Self::Buffer,
        gate_up: &Self::Buffer,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError>;

    /// `gate_up` becomes its gradient. Where `out` is given, it takes what [`swiglu`](Self::swiglu) had written.
    fn swiglu_backward(
        &mut self,
        gate_up: &mut Self::Buffer,
        out: Option<&mut Self::Buffer>,
        d_out: &Self::Buffer,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError>;

    /// The weighted sum of cross-entropies, in nats, less the entropies of the targets (which are 0 where those are tokens): Kullback–Leibler
    /// divergences. Never keeps tokens × vocabulary. With gradients: writes `d_hidden` (an activation, `tokens × width`), and adds to `d_weight`
    /// (a state) where there is one.
    fn cross_entropy(
        &mut self,
        of: CrossEntropy<'_, Self::Buffer, Self::Indices>,
        gradients: Option<(&mut Self::Buffer, Option<&mut Self::Buffer>)>,
    ) -> Result<f64, BackendError>;

    /// Each row of `out` (an activation) += `bias` (a parameter or frozen).
    fn add_bias(
        &mut self,
        out: &mut Self::Buffer,
        bias: &Self::Buffer,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError>;

    /// `d_bias` (a state) += the sum of `d_out`'s rows.
    fn bias_backward(
        &mut self,
        d_bias: &mut Self::Buffer,
        d_out: &Self::Buffer,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError>;

    /// `out = keep · out + mask · x`, activations: Srivastava et al., "Dropout", 2014. The gradient is the same operation. `keep` is 0 or 1.
    fn dropout(
        &mut self,
        out: &mut Self::Buffer,
        keep: f32,
        x: &Self::Buffer,
        mask: Mask,
        length: usize,
    ) -> Result<(), BackendError>;

    /// `out += x`, activations.
    fn add(&mut self, out: &mut Self::Buffer, x: &Self::Buffer, length: usize) -> Result<(), BackendError>;

    /// `Σ x²` of a state, summed in double precision.
    fn sum_of_squares(&mut self, x: &Self::Buffer, length: usize) -> Result<f64, BackendError>;

    /// [`sum_of_squares`](Self::sum_of_squares) over several states. A device that is waited for overrides it, to be waited for once.
    fn sums_of_squares(&mut self, of: &[(&Self::Buffer, usize)]) -> Result<f64, BackendError> {
        of.iter().try_fold(0.0, |sum, (x, length)| Ok(sum + self.sum_of_squares(x, *length)?))
    }

    /// AdamW (see [`Update`]); the weights decay where `decays`. Fills `gradient` with zeros.
    #[expect(clippy::too_many_arguments, reason = "buffers and sizes, one kernel")]
    fn adamw(
        &mut self,
        parameter: &mut Self::Buffer,
        gradient: &mut Self::Buffer,
        first: &mut Self::Buffer,
        second: &mut Self::Buffer,
        length: usize,
        update: &Update,
        decays: bool,
    ) -> Result<(), BackendError>;
}
