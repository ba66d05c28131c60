//! Rotary position embedding: the tables that `GroupQueryAttention` reads, and the order of rows it expects.
//!
//! Su et al., "RoFormer", 2021, section 3.4.2: pair `i` of a head turns by `position × base^(−2i / head size)`.

use super::Rotary;

/// The tensor in GGUF that divides frequencies.
pub(crate) const FACTORS: &str = "rope_freqs.weight";

/// How far each pair of a head turns from one position to the next. `factors` divides the frequencies one by one (the
/// tensor `rope_freqs.weight` of Llama 3.1 and later).
pub(super) fn frequencies(head_size: usize, rotary: Rotary, factors: Option<&[f32]>) -> Vec<f64> {
    (0..head_size / 2)
        .map(|i| {
            let exponent = -2.0 * i as f64 / head_size as f64;
            let factor = factors.and_then(|f| f.get(i)).map_or(1.0, |&f| f64::from(f));
            f64::from(rotary.base).powf(exponent) / factor / f64::from(rotary.scale)
        })
        .collect()
}

/// The row of the cosines, or of the sines, that belongs to a position.
pub(super) fn row(position: usize, frequencies: &[f64], turn: fn(f64) -> f64) -> Vec<f32> {
    frequencies.iter().map(|frequency| turn(position as f64 * frequency) as f32).collect()
}

/// The row of a GGUF query or key matrix that holds row `row` of the original one.
///
/// llama.cpp turns adjacent elements of `llama` models, so its converter interleaves the two halves of each head. The half-split
/// rotation used here pairs element `i` with `i + head_size / 2`, as the original weights do.
pub(crate) fn interleaved_row(row: usize, head_size: usize) -> usize {
    let (head, within) = (row / head_size, row % head_size);
    let (part, pair) = (within / (head_size / 2), within % (head_size / 2));
    head * head_size + 2 * pair + part
}

/// The scaling of Llama 3.1: frequencies that turn less than `low` times over `original` positions are divided by `factor`, those
/// that turn more than `high` times are not, and those between are divided by something between.
///
/// Llama Team, "The Llama 3 Herd of Models", 2024; the formula is that of transformers' `_compute_llama3_parameters`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Llama3 {
    pub(crate) factor: f32,
    pub(crate) low: f32,
    pub(crate) high: f32,
    /// Positions that the model was first trained for.
    pub(crate) original: usize,
}

impl Llama3 {
    /// What the frequencies of a head are divided by, one by one, as `rope_freqs.weight` has it.
    pub(crate) fn factors(self, head_size: usize, rotary: Rotary) -> Vec<f32> {
        let (low, high) = (f64::from(self.low), f64::from(self.high));
        let divisor = |frequency: f64| {
            let turns = self.original as f64 * frequency / std::f64::consts::TAU;
            if turns < low {
                f64::from(self.factor)
            } else if turns > high {
                1.0
            } else {
                let smooth = (turns - low) / (high - low);
                ((1.0 - smooth) / f64::from(self.factor) + smooth).recip()
            }
        };
        frequencies(head_size, rotary, None).into_iter().map(|frequency| divisor(frequency) as f32).collect()
    }

    /// The scaling that has these factors, if it is one that models are published with.
    pub(crate) fn find(factors: &[f32], head_size: usize, rotary: Rotary) -> Option<Self> {
        let factor = factors.iter().copied().fold(1.0, f32::max);
        let found = Self { factor, low: 1.0, high: 4.0, original: 8192 };
        let same = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-4 * b.abs();
        let expected = found.factors(head_size, rotary);
        (factors.len() == expected.len() && factors.iter().zip(&expected).all(same)).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::{Llama3, Rotary, interleaved_row};

    #[test]
    fn published_scaling_is_found_by_its_factors() {
        let rotary = Rotary { base: 500_000.0, scale: 1.0 };
        let llama = Llama3 { factor: 32.0, low: 1.0, high: 4.0, original: 8192 };
        let factors = llama.factors(64, rotary);
        assert_eq!((factors[0], factors[31]), (1.0, 32.0));
        assert!(factors.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!(Llama3::find(&factors, 64, rotary), Some(llama));
        let mut other = factors;
        other[20] *= 1.1;
        assert_eq!(Llama3::find(&other, 64, rotary), None);
    }

    #[test]
    fn rows_are_a_permutation_within_each_head() {
        assert_eq!((0..4).map(|r| interleaved_row(r, 4)).collect::<Vec<_>>(), [0, 2, 1, 3]);
        let mut rows = (0..96).map(|r| interleaved_row(r, 16)).collect::<Vec<_>>();
        assert!(rows.iter().enumerate().all(|(to, from)| to / 16 == from / 16));
        rows.sort_unstable();
        assert_eq!(rows, (0..96).collect::<Vec<_>>());
    }
}
