//! Computes on the processor. In and out: memory of this process. What instructions it has is found at run time.
//!
//! Same threads, same numbers: work is cut by sizes and never by who is idle, and each sum has one order.

mod adamw;
mod attend;
mod cross_entropy;
mod memory;
mod norm;
pub mod packed;
mod pointwise;
mod product;
mod rotate;
mod rows;
mod swiglu;
mod vector;

use std::num::NonZero;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::backend::{Backend, BackendError, CrossEntropy, Heads, Layout, Mask, Role, Turn, View, ViewMut};
use crate::trainee::Update;

pub use memory::Memory;
pub use packed::Precision;
use product::{Grid, GridMut, Means};

/// The processor, with threads of its own.
#[derive(Debug)]
pub struct Cpu {
    pool: ThreadPool,
    means: Means,
    /// What operations need for a moment, kept so that it is not asked of the system each time.
    scratch: Memory,
    partial: Memory,
}

impl Cpu {
    /// With `threads`, or as many as there are processors where it is 0; all in `f32`.
    ///
    /// # Errors
    /// When the threads cannot be started.
    pub fn new(threads: usize) -> Result<Self, BackendError> {
        Self::with_precision(threads, Precision::F32)
    }

    /// As [`new`](Self::new). Large products are computed in `precision`, or in `f32` where the
    /// processor has no instructions for it; everything else is computed and kept in `f32`.
    ///
    /// # Errors
    /// When the threads cannot be started.
    pub fn with_precision(threads: usize, precision: Precision) -> Result<Self, BackendError> {
        let precision = if precision.supported() { precision } else { Precision::F32 };
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, NonZero::get),
            threads => threads,
        };
        let pool =
            ThreadPoolBuilder::new().num_threads(threads).thread_name(|index| format!("train-{index}"));
        let pool = pool.build().map_err(|source| BackendError::Device {
            device: "CPU".to_owned(),
            what: format!("{threads} threads cannot be started: take fewer"),
            source: Some(Box::new(source)),
        })?;
        let means = Means { threads, precision };
        Ok(Self { pool, means, scratch: Memory::default(), partial: Memory::default() })
    }

    fn instructions() -> &'static str {
        #[cfg(target_arch = "x86_64")]
        {
            match pulp::Arch::new() {
                pulp::Arch::V4(_) => return "AVX-512",
                pulp::Arch::V3(_) => return "AVX2",
                _ => {}
            }
        }
        std::env::consts::ARCH
    }
}

impl Backend for Cpu {
    type Buffer = Memory;
    type Indices = Vec<u32>;
    type Placement = Layout;

    fn describe(&self) -> String {
        let products = match self.means.precision {
            Precision::F32 => "f32",
            Precision::Bf16 => "products of bf16",
        };
        format!("CPU, {} threads, {}, {products}", self.means.threads, Self::instructions())
    }

    fn allocate(&mut self, _: Role, length: usize) -> Result<Memory, BackendError> {
        Memory::new(length)
    }

    fn upload(&mut self, to: &mut Memory, offset: usize, values: &[f32]) -> Result<(), BackendError> {
        to[offset..offset + values.len()].copy_from_slice(values);
        Ok(())
    }

    fn download(&mut self, from: &Memory, offset: usize, into: &mut [f32]) -> Result<(), BackendError> {
        into.copy_from_slice(&from[offset..offset + into.len()]);
        Ok(())
    }

    fn indices(&mut self, values: &[u32]) -> Result<Vec<u32>, BackendError> {
        Ok(values.to_vec())
    }

    fn place(&mut self, layout: &Layout) -> Result<Layout, BackendError> {
        Ok(layout.clone())
    }

    fn clear(&mut self, buffer: &mut Memory, length: usize) -> Result<(), BackendError> {
        self.pool.install(|| pointwise::clear(&mut buffer[..length]));
        Ok(())
    }

    fn product(
        &mut self,
        out: ViewMut<'_, Memory>,
        keep: f32,
        scale: f32,
        left: View<'_, Memory>,
        right: View<'_, Memory>,
    ) -> Result<(), BackendError> {
        let out = GridMut::new(&mut out.buffer[out.offset..], out.rows, out.columns, out.stride);
        let (left, right) = (grid(&left), grid(&right));
        self.pool.install(|| product::parallel(out, keep, scale, left, right, self.means));
        Ok(())
    }

    fn product_beside(
        &mut self,
        out: ViewMut<'_, Memory>,
        keep: f32,
        (left, right): (View<'_, Memory>, View<'_, Memory>),
        (low, high): (View<'_, Memory>, View<'_, Memory>),
    ) -> Result<(), BackendError> {
        let out = GridMut::new(&mut out.buffer[out.offset..], out.rows, out.columns, out.stride);
        let (large, small) = ((grid(&left), grid(&right)), (grid(&low), grid(&high)));
        self.pool.install(|| product::parallel_with(out, keep, large, small, self.means));
        Ok(())
    }

    fn gather(
        &mut self,
        out: &mut Memory,
        table: &Memory,
        rows: &Vec<u32>,
        width: usize,
    ) -> Result<(), BackendError> {
        self.pool.install(|| rows::gather(out, table, rows, width));
        Ok(())
    }

    fn scatter_add(
        &mut self,
        table: &mut Memory,
        from: &Memory,
        rows: &Vec<u32>,
        width: usize,
    ) -> Result<(), BackendError> {
        self.pool.install(|| rows::scatter_add(table, from, rows, width));
        Ok(())
    }

    fn norm(
        &mut self,
        out: &mut Memory,
        inverse: &mut Memory,
        x: &Memory,
        weight: &Memory,
        rows: usize,
        width: usize,
        epsilon: f32,
    ) -> Result<(), BackendError> {
        let length = rows * width;
        self.pool.install(|| {
            norm::forward(&mut out[..length], &mut inverse[..rows], &x[..length], &weight[..width], epsilon);
        });
        Ok(())
    }

    fn add_norm(
        &mut self,
        out: &mut Memory,
        inverse: &mut Memory,
        sum: &mut Memory,
        x: &Memory,
        delta: &Memory,
        weight: &Memory,
        rows: usize,
        width: usize,
        epsilon: f32,
    ) -> Result<(), BackendError> {
        let length = rows * width;
        let (out, inverse, sum) = (&mut out[..length], &mut inverse[..rows], &mut sum[..length]);
        self.pool.install(|| {
            norm::add_forward(out, inverse, sum, &x[..length], &delta[..length], &weight[..width], epsilon);
        });
        Ok(())
    }

    fn norm_backward(
        &mut self,
        d_x: &mut Memory,
        d_weight: Option<&mut Memory>,
        d_out: &Memory,
        x: &Memory,
        inverse: &Memory,
        weight: &Memory,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let length = rows * width;
        let partial = self.partial.at_least(rows.div_ceil(norm::BLOCK) * width)?;
        let d_weight = d_weight.map(|d_weight| (&mut d_weight[..width], partial));
        let forward = norm::Kept { x: &x[..length], inverse: &inverse[..rows], weight: &weight[..width] };
        self.pool.install(|| norm::backward(&mut d_x[..length], d_weight, &d_out[..length], forward));
        Ok(())
    }

    fn rotate(
        &mut self,
        qkv: &mut Memory,
        placement: &Layout,
        frequencies: &Memory,
        heads: Heads,
        turn: Turn,
    ) -> Result<(), BackendError> {
        let qkv = &mut qkv[..placement.tokens() * heads.fused()];
        let frequencies = &frequencies[..heads.dimension / 2];
        self.pool.install(|| rotate::rotate(qkv, &placement.positions, frequencies, heads, turn));
        Ok(())
    }

    fn attend(
        &mut self,
        out: &mut Memory,
        logsumexp: &mut Memory,
        qkv: &Memory,
        placement: &Layout,
        heads: Heads,
    ) -> Result<(), BackendError> {
        self.pool.install(|| attend::forward(out, logsumexp, qkv, placement, heads));
        Ok(())
    }

    fn attend_backward(
        &mut self,
        d_qkv: &mut Memory,
        d_out: &Memory,
        out: &Memory,
        logsumexp: &Memory,
        qkv: &Memory,
        placement: &Layout,
        heads: Heads,
    ) -> Result<(), BackendError> {
        let scratch = self.scratch.at_least(placement.tokens() * heads.fused())?;
        let kept = attend::Kept { out, logsumexp, qkv };
        self.pool.install(|| attend::backward(d_qkv, scratch, d_out, kept, placement, heads));
        Ok(())
    }

    fn swiglu(
        &mut self,
        out: &mut Memory,
        gate_up: &Memory,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let (out, gate_up) = (&mut out[..rows * width], &gate_up[..2 * rows * width]);
        self.pool.install(|| swiglu::forward(out, gate_up, width));
        Ok(())
    }

    fn swiglu_backward(
        &mut self,
        gate_up: &mut Memory,
        out: Option<&mut Memory>,
        d_out: &Memory,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let (gate_up, d_out) = (&mut gate_up[..2 * rows * width], &d_out[..rows * width]);
        let out = out.map(|out| &mut out[..rows * width]);
        self.pool.install(|| swiglu::backward(gate_up, out, d_out, width));
        Ok(())
    }

    fn cross_entropy(
        &mut self,
        of: CrossEntropy<'_, Memory, Vec<u32>>,
        gradients: Option<(&mut Memory, Option<&mut Memory>)>,
    ) -> Result<f64, BackendError> {
        let room = self.scratch.at_least(cross_entropy::room(&of))?;
        Ok(self.pool.install(|| cross_entropy::cross_entropy(&of, gradients, room, self.means)))
    }

    fn add_bias(
        &mut self,
        out: &mut Memory,
        bias: &Memory,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        self.pool.install(|| rows::add_bias(&mut out[..rows * width], &bias[..width]));
        Ok(())
    }

    fn bias_backward(
        &mut self,
        d_bias: &mut Memory,
        d_out: &Memory,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        rows::bias_backward(&mut d_bias[..width], &d_out[..rows * width]);
        Ok(())
    }

    fn dropout(
        &mut self,
        out: &mut Memory,
        keep: f32,
        x: &Memory,
        mask: Mask,
        length: usize,
    ) -> Result<(), BackendError> {
        self.pool.install(|| pointwise::dropout(&mut out[..length], keep, &x[..length], mask));
        Ok(())
    }

    fn add(&mut self, out: &mut Memory, x: &Memory, length: usize) -> Result<(), BackendError> {
        self.pool.install(|| pointwise::add(&mut out[..length], &x[..length]));
        Ok(())
    }

    fn sum_of_squares(&mut self, x: &Memory, length: usize) -> Result<f64, BackendError> {
        Ok(self.pool.install(|| pointwise::sum_of_squares(&x[..length])))
    }

    fn adamw(
        &mut self,
        parameter: &mut Memory,
        gradient: &mut Memory,
        first: &mut Memory,
        second: &mut Memory,
        length: usize,
        update: &Update,
        decays: bool,
    ) -> Result<(), BackendError> {
        let (parameter, gradient) = (&mut parameter[..length], &mut gradient[..length]);
        let (first, second) = (&mut first[..length], &mut second[..length]);
        self.pool.install(|| adamw::adamw(parameter, gradient, first, second, update, decays));
        Ok(())
    }
}

fn grid<'a>(view: &View<'a, Memory>) -> Grid<'a> {
    let grid = Grid::new(&view.buffer[view.offset..], view.rows, view.columns, view.stride);
    if view.transposed { grid.transpose() } else { grid }
}
