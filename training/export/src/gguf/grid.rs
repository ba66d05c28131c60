//! Blocks whose weights lie on a grid of sixteen steps, `scale × code + offset`. In: the bytes of a row. Out: codes,
//! scales and offsets as the file has them, for a format of 4 bits to take over. Knows no other format.

use super::TensorKind;
use super::blocks::{half_at, scale_and_min};

/// Weights in a block, in each of the types.
const ELEMENTS: usize = 32;

/// Weights that share a scale and an offset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct GridBlock {
    /// 0 to 15 each.
    pub(crate) codes: [u8; ELEMENTS],
    pub(crate) scale: f32,
    pub(crate) offset: f32,
}

impl TensorKind {
    /// Whether every block of 32 weights lies on a grid of sixteen steps.
    pub(crate) fn is_grid(self) -> bool {
        [Self::Q4_0, Self::Q4_1, Self::Q4_K].contains(&self)
    }

    /// Whether elements are plain floats.
    pub(crate) fn is_float(self) -> bool {
        [Self::F32, Self::F16, Self::BF16].contains(&self)
    }
}

/// Takes whole blocks apart; none where the type has no grid.
pub(super) fn blocks(kind: TensorKind, bytes: &[u8]) -> Vec<GridBlock> {
    match kind {
        TensorKind::Q4_0 => bytes.chunks_exact(18).map(q4_0).collect(),
        TensorKind::Q4_1 => bytes.chunks_exact(20).map(q4_1).collect(),
        TensorKind::Q4_K => bytes.chunks_exact(144).flat_map(q4_k).collect(),
        _ => Vec::new(),
    }
}

/// Low nibbles are the first half of the block, high nibbles the second.
fn halves(packed: &[u8]) -> [u8; ELEMENTS] {
    std::array::from_fn(|i| packed[i % 16] >> (i / 16 * 4) & 15)
}

fn q4_0(block: &[u8]) -> GridBlock {
    let scale = half_at(block, 0);
    GridBlock { codes: halves(&block[2..]), scale, offset: -8.0 * scale }
}

fn q4_1(block: &[u8]) -> GridBlock {
    GridBlock { codes: halves(&block[4..]), scale: half_at(block, 0), offset: half_at(block, 2) }
}

fn q4_k(block: &[u8]) -> [GridBlock; 8] {
    let (d, dmin) = (half_at(block, 0), half_at(block, 2));
    std::array::from_fn(|sub| {
        let (scale, min) = scale_and_min(sub, &block[4..16]);
        let bytes = &block[16 + sub / 2 * ELEMENTS..][..ELEMENTS];
        let codes = std::array::from_fn(|i| bytes[i] >> (sub % 2 * 4) & 15);
        GridBlock { codes, scale: d * scale, offset: -(dmin * min) }
    })
}
