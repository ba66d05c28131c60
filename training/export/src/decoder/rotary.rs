//! Rotary position embedding: the tables that `GroupQueryAttention` reads, and the order of rows it expects.
//!
//! Su et al., "RoFormer", 2021, section 3.4.2: pair `i` of a head turns by `position × base^(−2i / head size)`.

use super::shape::Rotary;

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

#[cfg(test)]
mod tests {
    use super::interleaved_row;

    #[test]
    fn rows_are_a_permutation_within_each_head() {
        assert_eq!((0..4).map(|r| interleaved_row(r, 4)).collect::<Vec<_>>(), [0, 2, 1, 3]);
        let mut rows = (0..96).map(|r| interleaved_row(r, 16)).collect::<Vec<_>>();
        assert!(rows.iter().enumerate().all(|(to, from)| to / 16 == from / 16));
        rows.sort_unstable();
        assert_eq!(rows, (0..96).collect::<Vec<_>>());
    }
}
