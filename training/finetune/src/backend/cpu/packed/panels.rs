//! Packing. In: a part of a matrix, lines of some depth. Out: a panel: for each step of depth, a word of each line.

use std::arch::x86_64::{
    __m512i, _mm512_mask_storeu_epi32, _mm512_setzero_si512, _mm512_shuffle_i32x4, _mm512_unpackhi_epi32,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

use super::tile::{Arithmetic, LANES, Source, mask};

/// Lines of a matrix: its rows for the left factor, its columns for the right one.
#[derive(Clone, Copy)]
pub(super) struct Piece<S> {
    /// The first number of the first line.
    pub(super) at: *const S,
    /// How many lines there are; those that a panel has beyond them become 0.
    pub(super) lines: usize,
    /// From one line to the next.
    pub(super) step: usize,
    /// How many numbers a line has.
    pub(super) depth: usize,
    /// From one number of a line to the next; this or `step` is 1.
    pub(super) depth_step: usize,
}

/// Fills a panel of `LINES`, `words` deep. What is beyond the piece's depth becomes 0.
///
/// # Safety
/// The arithmetic's instructions are there, the piece is readable and `words · LINES` words of the panel are writable.
#[inline(always)]
pub(super) unsafe fn pack<A: Arithmetic, S: Source, const LINES: usize>(
    panel: *mut u32,
    words: usize,
    from: Piece<S>,
) {
    // SAFETY: the caller's.
    unsafe {
        if from.depth_step == 1 {
            turn::<A, S, LINES>(panel, words, from)
        } else {
            copy::<A, S, LINES>(panel, words, from)
        }
    }
}

/// Numbers of a line lie one after another: squares of 16 words are transposed.
#[inline(always)]
unsafe fn turn<A: Arithmetic, S: Source, const LINES: usize>(panel: *mut u32, words: usize, from: Piece<S>) {
    for group in (0..LINES).step_by(LANES) {
        let lanes = mask(LINES - group);
        for word in (0..words).step_by(LANES) {
            let first = word * A::NUMBERS;
            let count = from.depth.saturating_sub(first);
            // SAFETY: lines and numbers beyond the piece are not read, words beyond the panel not written.
            unsafe {
                let mut square = [_mm512_setzero_si512(); LANES];
                for (line, row) in square.iter_mut().enumerate() {
                    if group + line < from.lines {
                        *row = A::along(from.at.wrapping_add((group + line) * from.step + first), count);
                    }
                }
                let square = transpose(square);
                for (at, column) in square.into_iter().enumerate() {
                    if word + at < words {
                        _mm512_mask_storeu_epi32(
                            panel.add((word + at) * LINES + group).cast(),
                            lanes,
                            column,
                        );
                    }
                }
            }
        }
    }
}

/// Lines lie beside each other.
#[inline(always)]
unsafe fn copy<A: Arithmetic, S: Source, const LINES: usize>(panel: *mut u32, words: usize, from: Piece<S>) {
    for word in 0..words {
        let first = word * A::NUMBERS;
        let row = from.at.wrapping_add(first * from.depth_step);
        for group in (0..LINES).step_by(LANES) {
            // SAFETY: lines and numbers beyond the piece are not read, words beyond the panel not written.
            unsafe {
                let column = if first < from.depth {
                    let next = (first + 1 < from.depth).then(|| row.wrapping_add(from.depth_step + group));
                    A::across(row.wrapping_add(group), next, mask(from.lines.saturating_sub(group)))
                } else {
                    _mm512_setzero_si512()
                };
                _mm512_mask_storeu_epi32(panel.add(word * LINES + group).cast(), mask(LINES - group), column);
            }
        }
    }
}

/// A square of 16 × 16 words.
#[inline(always)]
unsafe fn transpose(rows: [__m512i; LANES]) -> [__m512i; LANES] {
    // SAFETY: registers alone; the caller has the instructions.
    unsafe {
        let mut quads = rows;
        for at in (0..LANES).step_by(4) {
            let (a, b, c, d) = (rows[at], rows[at + 1], rows[at + 2], rows[at + 3]);
            let (low, high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
            let (next_low, next_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
            quads[at] = _mm512_unpacklo_epi64(low, next_low);
            quads[at + 1] = _mm512_unpackhi_epi64(low, next_low);
            quads[at + 2] = _mm512_unpacklo_epi64(high, next_high);
            quads[at + 3] = _mm512_unpackhi_epi64(high, next_high);
        }
        let mut result = rows;
        for at in 0..4 {
            const EVEN: i32 = 0x88;
            const ODD: i32 = 0xdd;
            let (upper, lower) = ((quads[at], quads[at + 4]), (quads[at + 8], quads[at + 12]));
            let even = _mm512_shuffle_i32x4::<EVEN>(upper.0, upper.1);
            let odd = _mm512_shuffle_i32x4::<ODD>(upper.0, upper.1);
            let next_even = _mm512_shuffle_i32x4::<EVEN>(lower.0, lower.1);
            let next_odd = _mm512_shuffle_i32x4::<ODD>(lower.0, lower.1);
            result[at] = _mm512_shuffle_i32x4::<EVEN>(even, next_even);
            result[at + 4] = _mm512_shuffle_i32x4::<EVEN>(odd, next_odd);
            result[at + 8] = _mm512_shuffle_i32x4::<ODD>(even, next_even);
            result[at + 12] = _mm512_shuffle_i32x4::<ODD>(odd, next_odd);
        }
        result
    }
}
