//! The backend's operations as kernels and products. In: buffers and sizes. Out: launches. It must not know which device runs them.

use super::buffer::{Buffer, Indices, Placement};
use super::device::Argument::{Address, Float, Int, Size, Word};
use super::device::{Device, Matrix, Number, Product};
use super::kernels::Module;
use super::launch::{THREADS, WARP, fours, threads_for};
use super::{Cuda, Precision};
use crate::backend::{
    Backend, BackendError, CrossEntropy, Heads, Layout, Mask, Role, Targets, Turn, View, ViewMut,
};
use crate::trainee::Update;

/// Numbers that a block of the norm's backward pass may sum up beside each other: 48 KiB, what every device has without being asked.
const NORM_SUMS: usize = 12_288;
/// Rows that a thread sums up before others go on.
const DEPTH: usize = 128;

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
        self.attend_forward(out, logsumexp, qkv, placement, heads)
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
        self.attend_back(d_qkv, d_out, out, logsumexp, qkv, placement, heads)
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
        let weights = self.state(of.weights, tokens)?;
        let weight = self.matrix_of(of.weight, 0, vocabulary, width, width, false)?;
        let (targets_at, states) = match of.targets {
            Targets::Tokens(targets) => (self.indices_of(targets, tokens)?, None),
            Targets::States(states) => (0, Some(states)),
        };
        let bytes = if states.is_some() { 8 } else { 4 };
        // A multiple of 128 keeps tensor cores full.
        let step = (self.logits / (bytes * vocabulary.max(1)) / 128 * 128).max(128).min(tokens.max(1));
        let losses = self.scratch(tokens * 4)?;
        let logits = self.scratch(step * vocabulary * 4)?;
        let wanted = match states {
            Some(states) => Some((states, self.scratch(step * vocabulary * 4)?)),
            None => None,
        };
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
            let (kernel, targets) = match &wanted {
                None => ("cross_entropy", targets_at + 4 * first as u64),
                Some((states, wanted)) => {
                    let left = self.matrix_of(states, first * width, count, width, width, false)?;
                    self.multiply(Product {
                        out: of_logits(wanted.at(0), Number::F32),
                        left,
                        right: Matrix { transposed: true, ..weight },
                        scale: 1.0,
                        keep: 0.0,
                    })?;
                    ("divergence", wanted.at(0))
                }
            };
            let gradient = match (&d_hidden, &d_logits) {
                (None, _) => of_logits(0, Number::F32),
                (Some(_), Some(half)) => of_logits(half.at(0), Number::Bf16),
                (Some(_), None) => of_logits(logits.at(0), Number::F32),
            };
            let arguments = [
                Address(losses.at(first * 4)),
                Address(gradient.address),
                Address(logits.at(0)),
                Address(targets),
                Address(weights + 4 * first as u64),
                self.int(vocabulary)?,
            ];
            let kernel = format!("{kernel}_{}", self.number());
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
