//! LoRA: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021, as PEFT computes it.
//!
//! The matrices A of layers that read the same input are kept as one, and so is their dropout.

use super::parameter::{Parameter, Part};
use super::room::LowRank;
use crate::backend::{Backend, BackendError, Mask, View, ViewMut};

/// What of adapters is dropped in this step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropping {
    /// Nothing, as in evaluation.
    Nothing,
    /// Elements of their inputs; the number chooses them, by the step, the block and the layer.
    Elements(u64),
    /// All that they add: what is left is the base.
    Adapters,
}

impl Dropping {
    /// Another choice, for another layer of the same step.
    #[must_use]
    pub fn of(self, layer: u64) -> Self {
        match self {
            Self::Elements(seed) => {
                Self::Elements((seed ^ layer).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29))
            }
            _ => self,
        }
    }
}

/// One adapted part of a linear layer.
#[derive(Debug)]
pub struct Up<B: Backend> {
    /// The first of the layer's outputs that it adds to.
    pub first: usize,
    /// B, `outputs × rank`.
    pub weight: Parameter<B>,
}

/// `out[part] += scale · dropout(x) · Aᵀ · Bᵀ`, for each adapted part.
#[derive(Debug)]
pub struct Lora<B: Backend> {
    /// The A of each part, `rank · parts × in`.
    pub down: Parameter<B>,
    /// The parts.
    pub ups: Vec<Up<B>>,
    /// Rows of one A.
    pub rank: usize,
    /// `alpha / rank`, or `alpha / √rank` with rsLoRA.
    pub scale: f32,
    /// Probability that an element of the input is dropped.
    pub dropout: f32,
}

impl<B: Backend> Lora<B> {
    /// With A and B of zeros, for parts `(module, first output, outputs)`; `module` is what PEFT calls the layer.
    ///
    /// # Errors
    /// When the backend has no room.
    pub fn new(
        backend: &mut B,
        parts: &[(String, usize, usize)],
        columns: usize,
        (rank, scale, dropout): (usize, f32, f32),
    ) -> Result<Self, BackendError> {
        let name = |module: &str, matrix: &str| format!("base_model.model.{module}.lora_{matrix}.weight");
        let downs = parts.iter().map(|(module, ..)| Part { name: name(module, "A"), rows: rank }).collect();
        let down = Parameter::matrix(backend, downs, columns, true)?;
        let mut ups = Vec::with_capacity(parts.len());
        for (module, first, outputs) in parts {
            let part = vec![Part { name: name(module, "B"), rows: *outputs }];
            ups.push(Up { first: *first, weight: Parameter::matrix(backend, part, rank, true)? });
        }
        Ok(Self { down, ups, rank, scale, dropout })
    }

    fn mask(&self, dropping: Dropping) -> Option<Mask> {
        match dropping {
            Dropping::Elements(seed) if self.dropout > 0.0 => Some(Mask { probability: self.dropout, seed }),
            _ => None,
        }
    }

    /// Whether something is dropped in this step.
    pub fn drops(&self, dropping: Dropping) -> bool {
        self.mask(dropping).is_some()
    }

    /// Writes `room.low`: `scale · dropout(x) · Aᵀ`.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn lower(
        &self,
        backend: &mut B,
        x: &B::Buffer,
        tokens: usize,
        room: &mut LowRank<B>,
        dropping: Dropping,
    ) -> Result<(), BackendError> {
        let (rows, columns) = (self.down.rows, self.down.columns);
        let x = match self.mask(dropping) {
            Some(mask) => {
                backend.dropout(&mut room.dropped, 0.0, x, mask, tokens * columns)?;
                &room.dropped
            }
            None => x,
        };
        let down = View::of(&self.down.value, rows, columns).transpose();
        let low = ViewMut::of(&mut room.low, tokens, rows);
        backend.product(low, 0.0, self.scale, View::of(x, tokens, columns), down)
    }

    /// A layer's `outputs` in order: where a range begins, how long it is, and which part adds to it, if any.
    pub fn ranges(&self, outputs: usize) -> Vec<(usize, usize, Option<usize>)> {
        let (mut ranges, mut next) = (Vec::new(), 0);
        for (number, up) in self.ups.iter().enumerate() {
            if next < up.first {
                ranges.push((next, up.first - next, None));
            }
            ranges.push((up.first, up.weight.rows, Some(number)));
            next = up.first + up.weight.rows;
        }
        if next < outputs {
            ranges.push((next, outputs - next, None));
        }
        ranges
    }

    /// What a part adds to its outputs, as factors, after [`lower`](Self::lower).
    pub fn up_factors<'a>(
        &'a self,
        number: usize,
        room: &'a LowRank<B>,
        tokens: usize,
    ) -> (View<'a, B::Buffer>, View<'a, B::Buffer>) {
        let weight = &self.ups[number].weight;
        let low = View::of(&room.low, tokens, self.down.rows).columns(number * self.rank, self.rank);
        (low, View::of(&weight.value, weight.rows, self.rank).transpose())
    }

    /// What the input's gradient gets beside that of the layer's own, as factors, after [`backward`](Self::backward), where nothing is dropped.
    pub fn down_factors<'a>(
        &'a self,
        room: &'a LowRank<B>,
        tokens: usize,
    ) -> (View<'a, B::Buffer>, View<'a, B::Buffer>) {
        let (rows, columns) = (self.down.rows, self.down.columns);
        (View::of(&room.d_low, tokens, rows), View::of(&self.down.value, rows, columns))
    }

    /// Adds to the gradients of A and B, and writes `room.d_low`.
    ///
    /// # Errors
    /// When the backend fails.
    #[expect(clippy::too_many_arguments, reason = "what is written, then what is read")]
    pub fn backward(
        &mut self,
        backend: &mut B,
        d_out: &B::Buffer,
        width: usize,
        x: &B::Buffer,
        tokens: usize,
        room: &mut LowRank<B>,
        dropping: Dropping,
    ) -> Result<(), BackendError> {
        let (rows, columns, rank, scale) = (self.down.rows, self.down.columns, self.rank, self.scale);
        self.lower(backend, x, tokens, room, dropping)?;
        for (number, up) in self.ups.iter_mut().enumerate() {
            let outputs = up.weight.rows;
            let d_part = || View::of(d_out, tokens, width).columns(up.first, outputs);
            let weight = View::of(&up.weight.value, outputs, rank);
            let d_low = ViewMut::of(&mut room.d_low, tokens, rows).columns(number * rank, rank);
            backend.product(d_low, 0.0, scale, d_part(), weight)?;
            if let Some(learning) = &mut up.weight.learning {
                let low = View::of(&room.low, tokens, rows).columns(number * rank, rank);
                let out = ViewMut::of(&mut learning.gradient, outputs, rank);
                backend.product(out, 1.0, 1.0, d_part().transpose(), low)?;
            }
        }
        let dropped = self.drops(dropping);
        let Some(gradient) = self.down.gradient() else { return Ok(()) };
        let x = if dropped { &room.dropped } else { x };
        let d_low = View::of(&room.d_low, tokens, rows).transpose();
        backend.product(ViewMut::of(gradient, rows, columns), 1.0, 1.0, d_low, View::of(x, tokens, columns))
    }

    /// Adds to `d_x` where something was dropped, after [`backward`](Self::backward).
    ///
    /// # Errors
    /// When the backend fails.
    pub fn backward_dropped(
        &self,
        backend: &mut B,
        d_x: &mut B::Buffer,
        tokens: usize,
        room: &mut LowRank<B>,
        dropping: Dropping,
    ) -> Result<(), BackendError> {
        let Some(mask) = self.mask(dropping) else { return Ok(()) };
        let (rows, columns) = (self.down.rows, self.down.columns);
        let out = ViewMut::of(&mut room.dropped, tokens, columns);
        let down = View::of(&self.down.value, rows, columns);
        backend.product(out, 0.0, 1.0, View::of(&room.d_low, tokens, rows), down)?;
        backend.dropout(d_x, 1.0, &room.dropped, mask, tokens * columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::check::{Case, buffer, read};
    use crate::layer::linear::Linear;

    #[test]
    fn gradients_are_those_of_finite_differences() {
        for (dropping, dropout) in [(Dropping::Nothing, 0.3), (Dropping::Elements(5), 0.3)] {
            let (tokens, columns, rank) = (7, 11, 3);
            // Of outputs 0..9, the parts 2..4 and 5..9 are adapted.
            let sizes = [
                ("x", tokens * columns),
                ("weight", 9 * columns),
                ("A", 2 * rank * columns),
                ("B", 2 * rank),
                ("other B", 4 * rank),
            ];
            Case::new(&sizes, tokens * 9).check(|backend, inputs, probe| {
                let weight =
                    Parameter::matrix(backend, vec![Part { name: "w".into(), rows: 9 }], columns, true)?;
                let parts = [("q".to_owned(), 2, 2), ("k".to_owned(), 5, 4)];
                let mut lora = Lora::new(backend, &parts, columns, (rank, 0.7, dropout))?;
                backend.upload(&mut lora.down.value, 0, &inputs[2])?;
                backend.upload(&mut lora.ups[0].weight.value, 0, &inputs[3])?;
                backend.upload(&mut lora.ups[1].weight.value, 0, &inputs[4])?;
                let mut linear = Linear { weight, bias: None, lora: Some(lora) };
                backend.upload(&mut linear.weight.value, 0, &inputs[1])?;
                let x = buffer(backend, &inputs[0])?;
                let low = vec![0.0; tokens * 2 * rank];
                let mut low = LowRank {
                    low: buffer(backend, &low)?,
                    d_low: buffer(backend, &low)?,
                    dropped: buffer(backend, &inputs[0])?,
                };
                let mut out = buffer(backend, probe)?;
                linear.forward(backend, &mut out, &x, tokens, &mut low, dropping)?;
                let (mut d_x, d_out) = (buffer(backend, &inputs[0])?, buffer(backend, probe)?);
                linear.backward(backend, Some(&mut d_x), &d_out, &x, tokens, &mut low, dropping)?;
                let mut gradients =
                    vec![read(backend, &d_x)?, read(backend, linear.weight.gradient().unwrap())?];
                let lora = linear.lora.as_mut().unwrap();
                gradients.push(read(backend, lora.down.gradient().unwrap())?);
                for up in &mut lora.ups {
                    gradients.push(read(backend, up.weight.gradient().unwrap())?);
                }
                Ok((read(backend, &out)?, gradients))
            });
        }
    }

    #[test]
    fn dropout_drops_its_share_and_keeps_the_mean() {
        let mask = Mask { probability: 0.3, seed: 8 };
        let kept = (0..100_000).filter(|index| mask.keeps(*index)).count();
        assert!((69_000..71_000).contains(&kept), "{kept}");
        let other = Mask { seed: 9, ..mask };
        let both = (0..100_000).filter(|index| mask.keeps(*index) && other.keeps(*index)).count();
        assert!((48_000..50_000).contains(&both), "{both}");
    }
}
