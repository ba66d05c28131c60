//! Quantises rows of weights for `MatMulNBits` and `GatherBlockQuantized`. In: a row of `f32`. Out: packed integers,
//! one scale a block and, for 4 bits, one integer zero point a block.
//!
//! Both operators decode an element as `scale × (q − zero_point)`. Integer zero points are what the packed CPU
//! kernels take; floating-point ones would represent ggml's `Q4_1` exactly, but have no fast kernel. The file `grid`
//! says how such weights keep their values all the same.

mod grid;

pub(crate) use grid::{grid, sums};

/// Elements that share a scale.
pub(crate) const BLOCK: usize = 32;

/// How the matrices of an exported model are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Quantisation {
    /// 8 bits, symmetric, blocks of 32. Indistinguishable from a 4-bit or 8-bit source.
    Int8,
    /// 4 bits, blocks of 32, for weights that have 4 bits in the source (`Q4_0`, `Q4_1`, `Q4_K`), whose values are kept,
    /// and the default. The embedding, the output layer and weights of other quantised types get 8 bits. Float weights
    /// are fitted to 4 bits, with some loss.
    #[default]
    Int4,
    /// `float16` weights, activations and KV cache: what GPUs compute in. Logits are `f32`.
    Fp16,
    /// `f32`, for reference and for further processing.
    Fp32,
}

impl Quantisation {
    /// The type that the graph computes in, as `config.json` names it.
    pub(crate) fn element(self) -> &'static str {
        match self {
            Self::Fp16 => "float16",
            Self::Int8 | Self::Int4 | Self::Fp32 => "float32",
        }
    }
}

impl std::fmt::Display for Quantisation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Int8 => "int8",
            Self::Int4 => "int4",
            Self::Fp16 => "fp16",
            Self::Fp32 => "fp32",
        })
    }
}

/// Appends a row as 8-bit integers around the operators' default zero point 128.
///
/// A row that was itself 8-bit symmetric with blocks of 32 (ggml's `Q8_0`) comes through unchanged.
pub(crate) fn int8(row: &[f32], quants: &mut Vec<u8>, scales: &mut Vec<f32>) {
    for block in row.chunks(BLOCK) {
        let largest = block.iter().fold(0.0f32, |m, w| m.max(w.abs()));
        let scale = largest / 127.0;
        let inverse = if scale > 0.0 { scale.recip() } else { 0.0 };
        quants.extend(block.iter().map(|w| (w * inverse).round_ties_even() as i32 as u8 ^ 0x80));
        scales.push(scale);
    }
}

/// Appends a row as 4-bit integers, two to a byte with the lower index in the low nibble, and so the zero points.
///
/// Each block takes the pair of scale and zero point with the least squared error among a few candidates: the
/// zero points around the affine one, each with the scale that covers the range and its least-squares refinement.
pub(crate) fn int4(row: &[f32], quants: &mut Vec<u8>, scales: &mut Vec<f32>, zero_points: &mut Vec<u8>) {
    pack(row.chunks(BLOCK).map(fitted), quants, scales, zero_points);
}

/// A block of 4-bit integers.
#[derive(Debug, Clone, Copy)]
struct Four {
    codes: [u8; BLOCK],
    scale: f32,
    zero_point: u8,
}

/// The block of 4-bit integers that comes closest to `weights`, of which there are 32 at most.
fn fitted(weights: &[f32]) -> Four {
    let fit = fit_int4(weights);
    let mut codes = [0; BLOCK];
    codes.iter_mut().zip(weights).for_each(|(code, &w)| *code = fit.code(w) as u8);
    Four { codes, scale: fit.scale, zero_point: fit.zero_point as u8 }
}

/// Appends the blocks of a row.
fn pack(
    blocks: impl Iterator<Item = Four>,
    quants: &mut Vec<u8>,
    scales: &mut Vec<f32>,
    zero_points: &mut Vec<u8>,
) {
    let first = zero_points.len();
    for (index, block) in blocks.enumerate() {
        quants.extend(block.codes.as_chunks::<2>().0.iter().map(|[low, high]| low | high << 4));
        scales.push(block.scale);
        if index % 2 == 0 {
            zero_points.push(block.zero_point);
        } else {
            zero_points[first + index / 2] |= block.zero_point << 4;
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Affine {
    scale: f32,
    inverse: f32,
    zero_point: f32,
}

impl Affine {
    fn new(scale: f32, zero_point: f32) -> Self {
        Self { scale, inverse: if scale > 0.0 { scale.recip() } else { 0.0 }, zero_point }
    }

    fn code(self, weight: f32) -> f32 {
        (weight * self.inverse + self.zero_point).round_ties_even().clamp(0.0, 15.0)
    }

    fn error(self, block: &[f32]) -> f32 {
        block.iter().map(|&w| (self.scale * (self.code(w) - self.zero_point) - w).powi(2)).sum()
    }

    /// The scale that minimises the squared error when the codes stay as they are.
    fn refined(self, block: &[f32]) -> Self {
        let (mut product, mut square) = (0.0, 0.0);
        for &w in block {
            let step = self.code(w) - self.zero_point;
            product += w * step;
            square += step * step;
        }
        let scale = if square > 0.0 { product / square } else { self.scale };
        if scale > 0.0 { Self::new(scale, self.zero_point) } else { self }
    }
}

fn fit_int4(block: &[f32]) -> Affine {
    let (low, high) = block.iter().fold((0.0f32, 0.0f32), |(low, high), &w| (low.min(w), high.max(w)));
    if high - low <= 0.0 {
        return Affine::new(0.0, 8.0);
    }
    let plain = (high - low) / 15.0;
    let centre = -low / plain;
    let first = Affine::new(plain, centre.round_ties_even().clamp(0.0, 15.0));
    let mut best = (first.error(block), first);
    for zero_point in [centre.floor() - 1.0, centre.floor(), centre.floor() + 1.0, centre.floor() + 2.0] {
        let zero_point = zero_point.clamp(0.0, 15.0);
        // The plain scale, the least one at which both ends are representable, and slightly clipped ones.
        let covers = |extent: f32, steps: f32| if steps > 0.0 { extent / steps } else { 0.0 };
        let widest = covers(-low, zero_point).max(covers(high, 15.0 - zero_point));
        for scale in [plain, widest, widest * 0.94, widest * 0.88] {
            let candidate = Affine::new(scale, zero_point).refined(block);
            let error = candidate.error(block);
            if error < best.0 {
                best = (error, candidate);
            }
        }
    }
    best.1
}

#[cfg(test)]
mod tests;
