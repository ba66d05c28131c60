//! The backend's operations as kernels and products. In: buffers and sizes. Out: launches. It must not know which device runs them.

use super::buffer::{Buffer, Indices, Place, Placement};
use super::device::Argument::{Address, Float, Int, Size, Word};
use super::device::{Argument, Device, Launch, Matrix, Number, Product};
use super::kernels::Module;
use super::{Cuda, Precision};
use crate::backend::{Backend, BackendError, CrossEntropy, Heads, Layout, Mask, Role, Turn, View, ViewMut};
use crate::trainee::Update;

/// Threads of a block where nothing else is said.
const THREADS: usize = 256;
const WARP: usize = 32;
/// Numbers that a block of the norm's backward pass may sum up beside each other: 48 KiB, what every device has without being asked.
const NORM_SUMS: usize = 12_288;
/// Rows that a thread sums up before others go on.
const DEPTH: usize = 128;
/// Numbers of a head in attention without tensor cores.
const WIDEST_HEAD: usize = 256;

impl<D: Device> Cuda<D> {
    fn run(
        &self,
        module: Module,
        kernel: &str,
        grid: (usize, usize),
        threads: usize,
        arguments: &[Argument],
    ) -> Result<(), BackendError> {
        self.run_with(module, kernel, grid, threads, 0, arguments)
    }

    fn run_with(
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
    fn run_each(&self, kernel: &str, length: usize, arguments: &[Argument]) -> Result<(), BackendError> {
        let blocks = length.div_ceil(THREADS).min(self.device.processors() * 16);
        self.run(Module::Elementwise, kernel, (blocks, 1), THREADS, arguments)
    }

    fn number(&self) -> &'static str {
        match self.precision {
            Precision::Full => "f32",
            Precision::Mixed => "bf16",
        }
    }

    /// The precision that kernels read of a vector of weights: parameters in full, frozen ones in what there is.
    fn vector(&self, buffer: &Buffer<D>, length: usize) -> Result<(u64, &'static str), BackendError> {
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
    fn state(&self, buffer: &Buffer<D>, length: usize) -> Result<u64, BackendError> {
        buffer.check(0, length).map_err(|what| self.refused(what))?;
        match &buffer.full {
            Some(full) => Ok(full.at(0)),
            None => Err(self.refused(format!("{:?} where full precision is needed", buffer.role))),
        }
    }

    fn indices_of(&self, indices: &Indices<D>, length: usize) -> Result<u64, BackendError> {
        if indices.values.len() < length {
            return Err(self.refused(format!("{} indices where {length} are read", indices.values.len())));
        }
        Ok(indices.block.at(0))
    }

    /// A matrix of a buffer as a product takes it: in 16 bits where the buffer has these, else in 32.
    fn matrix_of(
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

    fn view(&self, view: &View<'_, Buffer<D>>) -> Result<Matrix, BackendError> {
        self.matrix_of(view.buffer, view.offset, view.rows, view.columns, view.stride, view.transposed)
    }

    fn multiply(&self, product: Product) -> Result<(), BackendError> {
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
    fn add_columns(&self, out: u64, parts: u64, rows: usize, width: usize) -> Result<(), BackendError> {
        let arguments = [Address(out), Address(parts), self.int(rows)?, self.int(width)?];
        self.run(Module::Sums, "add_columns", (width.div_ceil(WARP), 1), 8 * WARP, &arguments)
    }

    /// Sums in double precision, downloaded at once: of the squares, or of the numbers themselves.
    fn summed(&self, kernel: &str, of: &[(u64, usize)]) -> Result<f64, BackendError> {
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

    fn int(&self, number: usize) -> Result<Argument, BackendError> {
        i32::try_from(number).map(Int).map_err(|_| self.refused(format!("{number} is too much for a kernel")))
    }

    #[expect(clippy::too_many_arguments, reason = "buffers and sizes, one kernel")]
    fn norm_of(
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

    /// Where the queries, and then the blocks, of attention are.
    fn attention(&self, heads: Heads) -> Result<Option<Module>, BackendError> {
        if heads.key == 0 || !heads.query.is_multiple_of(heads.key) {
            return Err(self.refused(format!("{} heads of queries over {} of keys", heads.query, heads.key)));
        }
        if heads.dimension > WIDEST_HEAD {
            return Err(self.refused(format!("heads of {} numbers: at most {WIDEST_HEAD}", heads.dimension)));
        }
        Ok(Module::flash(heads.dimension).filter(|_| self.precision == Precision::Mixed))
    }
}

/// The end of a kernel's name that says that it takes four numbers at once.
fn fours(width: usize) -> &'static str {
    if width.is_multiple_of(4) { "_4" } else { "" }
}

impl<D: Device> Backend for Cuda<D> {
    type Buffer = Buffer<D>;
    type Indices = Indices<D>;
    type Placement = Placement<D>;

    fn describe(&self) -> String {
        let precision = match self.precision {
            Precision::Full => "fp32",
            Precision::Mixed => "bf16, weights in fp32",
        };
        format!("{} ({precision})", self.device.name())
    }

    fn allocate(&mut self, role: Role, length: usize) -> Result<Self::Buffer, BackendError> {
        self.buffer(role, length)
    }

    fn upload(&mut self, to: &mut Self::Buffer, offset: usize, values: &[f32]) -> Result<(), BackendError> {
        self.write(to, offset, values)
    }

    fn download(&mut self, from: &Self::Buffer, offset: usize, into: &mut [f32]) -> Result<(), BackendError> {
        self.read(from, offset, into)
    }

    fn indices(&mut self, values: &[u32]) -> Result<Self::Indices, BackendError> {
        self.numbers(values)
    }

    fn place(&mut self, layout: &Layout) -> Result<Self::Placement, BackendError> {
        self.placed(layout)
    }

    fn clear(&mut self, buffer: &mut Self::Buffer, length: usize) -> Result<(), BackendError> {
        buffer.check(0, length).map_err(|what| self.refused(what))?;
        for (block, bytes) in [(&buffer.full, 4), (&buffer.half, 2)] {
            if let Some(block) = block {
                self.device.clear(block.at(0), length * bytes).map_err(|fault| self.failed(fault, 0))?;
            }
        }
        Ok(())
    }

    fn product(
        &mut self,
        out: ViewMut<'_, Self::Buffer>,
        keep: f32,
        scale: f32,
        left: View<'_, Self::Buffer>,
        right: View<'_, Self::Buffer>,
    ) -> Result<(), BackendError> {
        if out.buffer.full.is_some() && out.buffer.half.is_some() {
            return Err(self.refused("a product cannot be written into a parameter".to_owned()));
        }
        let product = Product {
            out: self.matrix_of(out.buffer, out.offset, out.rows, out.columns, out.stride, false)?,
            left: self.view(&left)?,
            right: self.view(&right)?,
            scale,
            keep,
        };
        self.multiply(product)
    }

    fn gather(
        &mut self,
        out: &mut Self::Buffer,
        table: &Self::Buffer,
        rows: &Self::Indices,
        width: usize,
    ) -> Result<(), BackendError> {
        let count = rows.values.len();
        let end = rows.values.iter().max().map_or(0, |last| *last as usize + 1);
        let arguments = [
            Address(self.working(out, count * width)?),
            Address(self.working(table, end * width)?),
            Address(rows.block.at(0)),
            self.int(width)?,
        ];
        let kernel = format!("gather_{}", self.number());
        self.run(Module::Embedding, &kernel, (count, 1), threads_for(width), &arguments)
    }

    fn scatter_add(
        &mut self,
        table: &mut Self::Buffer,
        from: &Self::Buffer,
        rows: &Self::Indices,
        width: usize,
    ) -> Result<(), BackendError> {
        let count = rows.values.len();
        let end = rows.values.iter().max().map_or(0, |last| *last as usize + 1);
        let groups = self.groups(rows)?;
        let table_of = self.matrix_of(table, 0, 1, end * width, end * width, false)?;
        let arguments = [
            Address(table_of.address),
            Address(self.working(from, count * width)?),
            Address(groups.list.at(0)),
            Address(groups.starts.at(0)),
            Address(groups.order.at(0)),
            self.int(width)?,
        ];
        let table_of = match table_of.number {
            Number::F32 => "f32",
            Number::Bf16 => "bf16",
        };
        let kernel = format!("scatter_{table_of}_{}", self.number());
        self.run(Module::Embedding, &kernel, (groups.count, 1), threads_for(width), &arguments)
    }

    fn norm(
        &mut self,
        out: &mut Self::Buffer,
        inverse: &mut Self::Buffer,
        x: &Self::Buffer,
        weight: &Self::Buffer,
        rows: usize,
        width: usize,
        epsilon: f32,
    ) -> Result<(), BackendError> {
        self.norm_of(out, inverse, None, x, weight, rows, width, epsilon)
    }

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
    ) -> Result<(), BackendError> {
        self.norm_of(out, inverse, Some((sum, delta)), x, weight, rows, width, epsilon)
    }

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
    ) -> Result<(), BackendError> {
        let length = rows * width;
        let warps = (NORM_SUMS / width.max(1)).clamp(1, THREADS / WARP);
        let (weight, of_weight) = self.vector(weight, width)?;
        let (parts, shared, blocks) = if d_weight.is_some() {
            if width > NORM_SUMS {
                return Err(self.refused(format!("a norm of {width} numbers: at most {NORM_SUMS}")));
            }
            let blocks = rows.div_ceil(warps).min(self.device.processors() * 4);
            (Some(self.scratch(blocks * width * 4)?), warps * width * 4, blocks)
        } else {
            (None, 0, rows.div_ceil(warps))
        };
        let arguments = [
            Address(self.working(d_x, length)?),
            Address(parts.as_ref().map_or(0, |parts| parts.at(0))),
            Address(self.working(d_out, length)?),
            Address(self.working(x, length)?),
            Address(self.state(inverse, rows)?),
            Address(weight),
            self.int(rows)?,
            self.int(width)?,
        ];
        let kernel = format!("norm_backward_{}_{of_weight}{}", self.number(), fours(width));
        self.run_with(Module::Norm, &kernel, (blocks, 1), warps * WARP, shared, &arguments)?;
        match (d_weight, parts) {
            (Some(d_weight), Some(parts)) if blocks > 0 => {
                self.add_columns(self.state(d_weight, width)?, parts.at(0), blocks, width)
            }
            _ => Ok(()),
        }
    }

    fn rotate(
        &mut self,
        qkv: &mut Self::Buffer,
        placement: &Self::Placement,
        frequencies: &Self::Buffer,
        heads: Heads,
        turn: Turn,
    ) -> Result<(), BackendError> {
        let half = heads.dimension / 2;
        let arguments = [
            Address(self.working(qkv, placement.tokens * heads.fused())?),
            Address(placement.positions.at(0)),
            Address(self.state(frequencies, half)?),
            Size(placement.tokens as u64),
            self.int(heads.query + heads.key)?,
            self.int(heads.dimension)?,
            self.int(heads.fused())?,
            Float(if turn == Turn::Forward { 1.0 } else { -1.0 }),
        ];
        self.run_each(&format!("rotate_{}", self.number()), placement.tokens * half, &arguments)
    }

    fn attend(
        &mut self,
        out: &mut Self::Buffer,
        logsumexp: &mut Self::Buffer,
        qkv: &Self::Buffer,
        placement: &Self::Placement,
        heads: Heads,
    ) -> Result<(), BackendError> {
        let tokens = placement.tokens;
        let flash = self.attention(heads)?;
        let scale = Float(1.0 / (heads.dimension as f32).sqrt());
        let (query, key) = (self.int(heads.query)?, self.int(heads.key)?);
        let first = [
            Address(self.working(out, tokens * heads.output())?),
            Address(self.state(logsumexp, tokens * heads.query)?),
            Address(self.working(qkv, tokens * heads.fused())?),
            Address(placement.places.at(0)),
        ];
        if let Some(module) = flash {
            let then = [Address(placement.tiles.at(0)), query, key, scale];
            let grid = (placement.tile_count, heads.query);
            return self.run(module, "flash", grid, Place::THREADS, &[first, then].concat());
        }
        let then = [self.int(tokens)?, query, key, self.int(heads.dimension)?, scale];
        let grid = (tokens.div_ceil(THREADS / WARP), heads.query);
        let arguments = [first.as_slice(), then.as_slice()].concat();
        self.run(Module::Attention, &format!("attend_{}", self.number()), grid, THREADS, &arguments)
    }

    fn attend_backward(
        &mut self,
        d_qkv: &mut Self::Buffer,
        d_out: &Self::Buffer,
        out: &Self::Buffer,
        logsumexp: &Self::Buffer,
        qkv: &Self::Buffer,
        placement: &Self::Placement,
        heads: Heads,
    ) -> Result<(), BackendError> {
        let tokens = placement.tokens;
        let flash = self.attention(heads)?;
        let (number, blocks) = (self.number(), tokens.div_ceil(THREADS / WARP));
        let d_out = Address(self.working(d_out, tokens * heads.output())?);
        let delta = self.scratch(tokens * heads.query * 4)?;
        let (query, key) = (self.int(heads.query)?, self.int(heads.key)?);
        let dimension = self.int(heads.dimension)?;
        let of_delta = [
            Address(delta.at(0)),
            Address(self.working(out, tokens * heads.output())?),
            d_out,
            self.int(tokens)?,
            query,
            dimension,
        ];
        let grid = (blocks, heads.query);
        self.run(Module::Attention, &format!("attend_delta_{number}"), grid, THREADS, &of_delta)?;
        let first = [
            Address(self.working(d_qkv, tokens * heads.fused())?),
            d_out,
            Address(delta.at(0)),
            Address(self.state(logsumexp, tokens * heads.query)?),
            Address(self.working(qkv, tokens * heads.fused())?),
            Address(placement.places.at(0)),
        ];
        let scale = Float(1.0 / (heads.dimension as f32).sqrt());
        for (whose, count) in [("query", heads.query), ("key", heads.key)] {
            if let Some(module) = flash {
                let then = [Address(placement.tiles.at(0)), query, key, scale];
                let arguments = [first.as_slice(), then.as_slice()].concat();
                let kernel = format!("flash_backward_{whose}");
                self.run(module, &kernel, (placement.tile_count, count), Place::THREADS, &arguments)?;
            } else {
                let then = [self.int(tokens)?, query, key, dimension, scale];
                let arguments = [first.as_slice(), then.as_slice()].concat();
                let kernel = format!("attend_backward_{whose}_{number}");
                self.run(Module::Attention, &kernel, (blocks, count), THREADS, &arguments)?;
            }
        }
        Ok(())
    }

    fn swiglu(
        &mut self,
        out: &mut Self::Buffer,
        gate_up: &Self::Buffer,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let arguments = [
            Address(self.working(out, rows * width)?),
            Address(self.working(gate_up, 2 * rows * width)?),
            Size(rows as u64),
            self.int(width)?,
        ];
        self.run_each(&format!("swiglu_{}{}", self.number(), fours(width)), rows * width, &arguments)
    }

    fn swiglu_backward(
        &mut self,
        gate_up: &mut Self::Buffer,
        out: Option<&mut Self::Buffer>,
        d_out: &Self::Buffer,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let out = match out {
            Some(out) => self.working(out, rows * width)?,
            None => 0,
        };
        let arguments = [
            Address(self.working(gate_up, 2 * rows * width)?),
            Address(out),
            Address(self.working(d_out, rows * width)?),
            Size(rows as u64),
            self.int(width)?,
        ];
        self.run_each(&format!("swiglu_backward_{}{}", self.number(), fours(width)), rows * width, &arguments)
    }

    fn cross_entropy(
        &mut self,
        of: CrossEntropy<'_, Self::Buffer, Self::Indices>,
        gradients: Option<(&mut Self::Buffer, Option<&mut Self::Buffer>)>,
    ) -> Result<f64, BackendError> {
        let CrossEntropy { tokens, width, vocabulary, .. } = of;
        let targets = self.indices_of(of.targets, tokens)?;
        let weights = self.state(of.weights, tokens)?;
        let weight = self.matrix_of(of.weight, 0, vocabulary, width, width, false)?;
        // A multiple of 128 keeps tensor cores full.
        let step = (self.logits / (4 * vocabulary.max(1)) / 128 * 128).max(128).min(tokens.max(1));
        let losses = self.scratch(tokens * 4)?;
        let logits = self.scratch(step * vocabulary * 4)?;
        let d_logits = match (&gradients, self.precision) {
            // In full precision the gradient takes the logits' place.
            (Some(_), Precision::Mixed) => Some(self.scratch(step * vocabulary * 2)?),
            _ => None,
        };
        let (d_hidden, d_weight) = match gradients {
            Some((d_hidden, d_weight)) => (Some(d_hidden), d_weight),
            None => (None, None),
        };
        let mut first = 0;
        while first < tokens {
            let count = step.min(tokens - first);
            let hidden = self.matrix_of(of.hidden, first * width, count, width, width, false)?;
            let of_logits = |address: u64, number: Number| Matrix {
                address,
                number,
                rows: count,
                columns: vocabulary,
                stride: vocabulary,
                transposed: false,
            };
            self.multiply(Product {
                out: of_logits(logits.at(0), Number::F32),
                left: hidden,
                right: Matrix { transposed: true, ..weight },
                scale: 1.0,
                keep: 0.0,
            })?;
            let gradient = match (&d_hidden, &d_logits) {
                (None, _) => of_logits(0, Number::F32),
                (Some(_), Some(half)) => of_logits(half.at(0), Number::Bf16),
                (Some(_), None) => of_logits(logits.at(0), Number::F32),
            };
            let arguments = [
                Address(losses.at(first * 4)),
                Address(gradient.address),
                Address(logits.at(0)),
                Address(targets + 4 * first as u64),
                Address(weights + 4 * first as u64),
                self.int(vocabulary)?,
            ];
            let kernel = format!("cross_entropy_{}", self.number());
            let threads = vocabulary.next_multiple_of(WARP).clamp(WARP, 1024);
            self.run(Module::Loss, &kernel, (count, 1), threads, &arguments)?;
            if let Some(d_hidden) = &d_hidden {
                let out = self.matrix_of(d_hidden, first * width, count, width, width, false)?;
                self.multiply(Product { out, left: gradient, right: weight, scale: 1.0, keep: 0.0 })?;
            }
            if let Some(d_weight) = &d_weight {
                let out = self.matrix_of(d_weight, 0, vocabulary, width, width, false)?;
                let left = Matrix { transposed: true, ..gradient };
                self.multiply(Product { out, left, right: hidden, scale: 1.0, keep: 1.0 })?;
            }
            first += count;
        }
        self.summed("total", &[(losses.at(0), tokens)])
    }

    fn add_bias(
        &mut self,
        out: &mut Self::Buffer,
        bias: &Self::Buffer,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let (bias, of_bias) = self.vector(bias, width)?;
        let arguments =
            [Address(self.working(out, rows * width)?), Address(bias), Size(rows as u64), self.int(width)?];
        self.run_each(&format!("add_bias_{}_{of_bias}", self.number()), rows * width, &arguments)
    }

    fn bias_backward(
        &mut self,
        d_bias: &mut Self::Buffer,
        d_out: &Self::Buffer,
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        let count = rows.div_ceil(DEPTH);
        let parts = self.scratch(count * width * 4)?;
        let arguments = [
            Address(parts.at(0)),
            Address(self.working(d_out, rows * width)?),
            self.int(rows)?,
            self.int(width)?,
            self.int(DEPTH)?,
        ];
        let kernel = format!("column_parts_{}", self.number());
        self.run(Module::Sums, &kernel, (width.div_ceil(THREADS), count), THREADS, &arguments)?;
        self.add_columns(self.state(d_bias, width)?, parts.at(0), count, width)
    }

    fn dropout(
        &mut self,
        out: &mut Self::Buffer,
        keep: f32,
        x: &Self::Buffer,
        mask: Mask,
        length: usize,
    ) -> Result<(), BackendError> {
        let arguments = [
            Address(self.working(out, length)?),
            Int(i32::from(keep != 0.0)),
            Address(self.working(x, length)?),
            Size(mask.seed),
            Word(mask.threshold()),
            Float(1.0 / (1.0 - mask.probability)),
            Size(length as u64),
        ];
        self.run_each(&format!("dropout_{}", self.number()), length, &arguments)
    }

    fn add(&mut self, out: &mut Self::Buffer, x: &Self::Buffer, length: usize) -> Result<(), BackendError> {
        let arguments =
            [Address(self.working(out, length)?), Address(self.working(x, length)?), Size(length as u64)];
        self.run_each(&format!("add_{}", self.number()), length, &arguments)
    }

    fn sum_of_squares(&mut self, x: &Self::Buffer, length: usize) -> Result<f64, BackendError> {
        self.sums_of_squares(&[(x, length)])
    }

    fn sums_of_squares(&mut self, of: &[(&Self::Buffer, usize)]) -> Result<f64, BackendError> {
        let of = of.iter().map(|(x, length)| Ok((self.state(x, *length)?, *length)));
        self.summed("squares", &of.collect::<Result<Vec<_>, BackendError>>()?)
    }

    fn adamw(
        &mut self,
        parameter: &mut Self::Buffer,
        gradient: &mut Self::Buffer,
        first: &mut Self::Buffer,
        second: &mut Self::Buffer,
        length: usize,
        update: &Update,
        decays: bool,
    ) -> Result<(), BackendError> {
        let (beta1, beta2) = update.betas;
        // In double precision: a correction near 0 at the first steps keeps its digits.
        let correction = |beta: f32| 1.0 - f64::from(beta).powf(update.step as f64);
        let shadow = parameter.half.as_ref().map_or(0, |half| half.at(0));
        let decay = if decays { update.decay } else { 0.0 };
        let arguments = [
            Address(self.state(parameter, length)?),
            Address(shadow),
            Address(self.state(gradient, length)?),
            Address(self.state(first, length)?),
            Address(self.state(second, length)?),
            Size(length as u64),
            Float(update.gradient_scale),
            Float(beta1),
            Float(beta2),
            Float((f64::from(update.rate) / correction(beta1)) as f32),
            Float((1.0 / correction(beta2).sqrt()) as f32),
            Float(update.epsilon),
            Float(1.0 - update.rate * decay),
        ];
        let blocks = length.div_ceil(THREADS).min(self.device.processors() * 16);
        self.run(Module::Optimise, "adamw", (blocks, 1), THREADS, &arguments)
    }
}

/// As many threads as a row has numbers, at most a usual block.
fn threads_for(width: usize) -> usize {
    width.next_multiple_of(WARP).clamp(WARP, THREADS)
}
