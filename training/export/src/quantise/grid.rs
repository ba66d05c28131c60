//! Takes over weights that lie on a grid of sixteen steps, `d·q + m`. In: a row's blocks. Out: 4-bit integers with
//! integer zero points, and the offsets that these leave.
//!
//! An integer zero point `z` decodes `q` to `d·(q − z)`, which is off by `c = m + z·d`, the same for every weight of the
//! block: up to half a step, as much as rounding to 4 bits costs in the first place. A product with an input `x` lacks
//! `c · Σ x` over the block, so the row goes on with the `c` of its blocks, and the input with its sums over blocks.

use super::{BLOCK, Four, fitted, pack};
use crate::gguf::GridBlock;

/// How many sums an input of `columns` has.
pub(crate) fn sums(columns: usize) -> usize {
    columns.div_ceil(BLOCK)
}

/// Appends a row's codes as they are and, where `offsets` is set, what their zero points leave, to 4 bits.
pub(crate) fn grid(
    row: &[GridBlock],
    offsets: bool,
    quants: &mut Vec<u8>,
    scales: &mut Vec<f32>,
    zero_points: &mut Vec<u8>,
) {
    let (kept, left): (Vec<_>, Vec<_>) = row.iter().map(centre).unzip();
    let left = if offsets { left.as_slice() } else { &[] };
    pack(kept.into_iter().chain(left.chunks(BLOCK).map(fitted)), quants, scales, zero_points);
}

/// The block around the nearest integer zero point, and the offset that is left.
fn centre(block: &GridBlock) -> (Four, f32) {
    let GridBlock { codes, scale, offset } = *block;
    let zero_point = if scale == 0.0 { 0.0 } else { (-offset / scale).round_ties_even().clamp(0.0, 15.0) };
    (Four { codes, scale, zero_point: zero_point as u8 }, offset + zero_point * scale)
}
