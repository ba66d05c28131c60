//! What every operation does with its kernels: buffers are checked and become addresses, kernels and products are begun. In: buffers, sizes,
//! kernels by name. Out: launches. It must not know what is computed.

use super::buffer::{Buffer, Indices};
use super::device::Argument::{Address, Float, Int, Size};
use super::device::{Argument, Device, Launch, Matrix, Number, Product};
use super::kernels::Module;
use super::{Cuda, Precision};
use crate::backend::{BackendError, View};

/// Threads of a block where nothing else is said.
pub(super) const THREADS: usize = 256;
pub(super) const WARP: usize = 32;

impl<D: Device> Cuda<D> {
    pub(super) fn run(
        &self,
        module: Module,
        kernel: &str,
        grid: (usize, usize),
        threads: usize,
        arguments: &[Argument],
    ) -> Result<(), BackendError> {
        self.run_with(module, kernel, grid, threads, 0, arguments)
    }

    pub(super) fn run_with(
        &self,
        module: Module,
        kernel: &str,
        grid: (usize, usize),
        threads: usize,
        shared: usize,
        arguments: &[Argument],
    ) -> Result<(), BackendError> {
        if grid.0 == 0 || grid.1 == 0 {
            return Ok(());
        }
        let launch = Launch { module, kernel, grid, threads, shared, arguments };
        // SAFETY: each caller below gives the parameters of its kernel, with lengths that its buffers were checked for.
        #[expect(unsafe_code, reason = "a kernel is foreign code")]
        unsafe { self.device.launch(&launch) }.map_err(|fault| self.failed(fault, 0))
    }

    /// A kernel for `length` elements that each thread takes some of.
    pub(super) fn run_each(
        &self,
        kernel: &str,
        length: usize,
        arguments: &[Argument],
    ) -> Result<(), BackendError> {
        let blocks = length.div_ceil(THREADS).min(self.device.processors() * 16);
        self.run(Module::Elementwise, kernel, (blocks, 1), THREADS, arguments)
    }

    pub(super) fn number(&self) -> &'static str {
        match self.precision {
            Precision::Full => "f32",
            Precision::Mixed => "bf16",
        }
    }

    /// The precision that kernels read of a vector of weights: parameters in full, frozen ones in what there is.
    pub(super) fn vector(
        &self,
        buffer: &Buffer<D>,
        length: usize,
    ) -> Result<(u64, &'static str), BackendError> {
        buffer.check(0, length).map_err(|what| self.refused(what))?;
        match (&buffer.full, &buffer.half) {
            (Some(full), _) => Ok((full.at(0), "f32")),
            (None, Some(half)) => Ok((half.at(0), "bf16")),
            (None, None) => Err(self.refused("a buffer without memory".to_owned())),
        }
    }

    /// What products and kernels read and write of an activation, or read of weights.
    pub(super) fn working(&self, buffer: &Buffer<D>, length: usize) -> Result<u64, BackendError> {
        let matrix = self.matrix_of(buffer, 0, 1, length, length, false)?;
        if matrix.number != self.precision.number() {
            return Err(self.refused(format!("{:?} where an activation or a weight is needed", buffer.role)));
        }
        Ok(matrix.address)
    }

    /// A state.
    pub(super) fn state(&self, buffer: &Buffer<D>, length: usize) -> Result<u64, BackendError> {
        buffer.check(0, length).map_err(|what| self.refused(what))?;
        match &buffer.full {
            Some(full) => Ok(full.at(0)),
            None => Err(self.refused(format!("{:?} where full precision is needed", buffer.role))),
        }
    }

    pub(super) fn indices_of(&self, indices: &Indices<D>, length: usize) -> Result<u64, BackendError> {
        if indices.values.len() < length {
            return Err(self.refused(format!("{} indices where {length} are read", indices.values.len())));
        }
        Ok(indices.block.at(0))
    }

    /// A matrix of a buffer as a product takes it: in 16 bits where the buffer has these, else in 32.
    pub(super) fn matrix_of(
        &self,
        buffer: &Buffer<D>,
        offset: usize,
        rows: usize,
        columns: usize,
        stride: usize,
        transposed: bool,
    ) -> Result<Matrix, BackendError> {
        let length = if rows == 0 || columns == 0 { 0 } else { (rows - 1) * stride + columns };
        buffer.check(offset, length).map_err(|what| self.refused(what))?;
        let (block, number) = match (&buffer.full, &buffer.half) {
            (_, Some(half)) => (half, Number::Bf16),
            (Some(full), None) => (full, Number::F32),
            (None, None) => return Err(self.refused("a buffer without memory".to_owned())),
        };
        let address = block.at(offset * number.bytes());
        Ok(Matrix { address, number, rows, columns, stride, transposed })
    }

    pub(super) fn view(&self, view: &View<'_, Buffer<D>>) -> Result<Matrix, BackendError> {
        self.matrix_of(view.buffer, view.offset, view.rows, view.columns, view.stride, view.transposed)
    }

    pub(super) fn multiply(&self, product: Product) -> Result<(), BackendError> {
        let shape = |matrix: &Matrix| {
            if matrix.transposed { (matrix.columns, matrix.rows) } else { (matrix.rows, matrix.columns) }
        };
        let (left, right) = (shape(&product.left), shape(&product.right));
        let fits = left.1 == right.0 && (left.0, right.1) == (product.out.rows, product.out.columns);
        if !fits || product.left.number != product.right.number {
            let out = (product.out.rows, product.out.columns);
            return Err(
                self.refused(format!("{left:?} times {right:?} is not {out:?}, or their precision differs"))
            );
        }
        if product.out.rows == 0 || product.out.columns == 0 {
            return Ok(());
        }
        // SAFETY: `matrix_of` checked that each matrix lies within its buffer; scratch is as long as its matrix.
        #[expect(unsafe_code, reason = "a product is foreign code")]
        unsafe { self.device.multiply(&product) }.map_err(|fault| self.failed(fault, 0))
    }

    /// `out += Σ rows of parts`.
    pub(super) fn add_columns(
        &self,
        out: u64,
        parts: u64,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let arguments = [Address(out), Address(parts), self.int(rows)?, self.int(width)?];
        self.run(Module::Sums, "add_columns", (width.div_ceil(WARP), 1), 8 * WARP, &arguments)
    }

    /// Sums in double precision, downloaded at once: of the squares, or of the numbers themselves.
    pub(super) fn summed(&self, kernel: &str, of: &[(u64, usize)]) -> Result<f64, BackendError> {
        let blocks = |length: usize| length.div_ceil(THREADS).min(self.device.processors() * 4);
        let all = of.iter().map(|(_, length)| blocks(*length)).sum::<usize>();
        if all == 0 {
            return Ok(0.0);
        }
        let parts = self.scratch(all * 8)?;
        let mut first = 0;
        for &(x, length) in of {
            let arguments = [Address(parts.at(first * 8)), Address(x), Size(length as u64)];
            self.run(Module::Sums, kernel, (blocks(length), 1), THREADS, &arguments)?;
            first += blocks(length);
        }
        let mut bytes = vec![0; all * 8];
        self.device.download(parts.at(0), &mut bytes).map_err(|fault| self.failed(fault, 0))?;
        Ok(bytes.chunks_exact(8).map(|part| f64::from_le_bytes(part.try_into().unwrap_or_default())).sum())
    }

    pub(super) fn int(&self, number: usize) -> Result<Argument, BackendError> {
        i32::try_from(number).map(Int).map_err(|_| self.refused(format!("{number} is too much for a kernel")))
    }

    #[expect(clippy::too_many_arguments, reason = "buffers and sizes, one kernel")]
    pub(super) fn norm_of(
        &self,
        out: &Buffer<D>,
        inverse: &Buffer<D>,
        sum: Option<(&Buffer<D>, &Buffer<D>)>,
        x: &Buffer<D>,
        weight: &Buffer<D>,
        rows: usize,
        width: usize,
        epsilon: f32,
    ) -> Result<(), BackendError> {
        let length = rows * width;
        let (weight, of_weight) = self.vector(weight, width)?;
        let (sum, delta) = match sum {
            Some((sum, delta)) => (self.working(sum, length)?, self.working(delta, length)?),
            None => (0, 0),
        };
        let arguments = [
            Address(self.working(out, length)?),
            Address(self.state(inverse, rows)?),
            Address(sum),
            Address(self.working(x, length)?),
            Address(delta),
            Address(weight),
            self.int(rows)?,
            self.int(width)?,
            Float(epsilon),
        ];
        let kernel = format!("norm_{}_{of_weight}{}", self.number(), fours(width));
        self.run(Module::Norm, &kernel, (rows.div_ceil(THREADS / WARP), 1), THREADS, &arguments)
    }
}

/// The end of a kernel's name that says that it takes four numbers at once.
pub(super) fn fours(width: usize) -> &'static str {
    if width.is_multiple_of(4) { "_4" } else { "" }
}

/// As many threads as a row has numbers, at most a usual block.
pub(super) fn threads_for(width: usize) -> usize {
    width.next_multiple_of(WARP).clamp(WARP, THREADS)
}
