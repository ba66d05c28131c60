//! Products that are narrow in one of their sizes, as LoRA's are. In: factors of `f32`. Out: their product, in `f32` whatever the precision.
//!
//! To pack the large factor would take longer than to multiply it: it is read where it is.

use std::arch::x86_64::{
    _mm512_add_ps, _mm512_fmadd_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_mul_ps,
    _mm512_set1_ps, _mm512_setzero_ps,
};

use rayon::prelude::*;

use super::blocks::{SHARED, Side, lend};
use super::tile::{LANES, Single, Target, mask};
use super::{Factor, LARGE, NARROW, Numbers, Out};

/// Rows of a tile: few, as rows that are a multiple of 4096 bytes apart share their places in the first-level cache.
const HEIGHT: usize = 8;
/// Rows, or columns, that a thread takes at once.
const ROWS: usize = 4 * HEIGHT;
const COLUMNS: usize = 4 * LANES;

/// Numbers of the left factor of a tile.
#[derive(Clone, Copy)]
struct Left {
    at: *const f32,
    step: usize,
    depth_step: usize,
}

/// Rows of numbers of the right factor of a tile, beside each other.
#[derive(Clone, Copy)]
struct Right {
    at: *const f32,
    depth_step: usize,
}

/// What the threads of a product share.
#[derive(Clone, Copy)]
struct Work {
    left: Left,
    right: Right,
    target: Target,
    depth: usize,
}

// SAFETY: factors are only read, and threads write parts of the target that do not overlap.
unsafe impl Sync for Work {}

impl Work {
    /// The tile that begins at a row and a column.
    fn tile<const VECTORS: usize>(&self, row: usize, column: usize, right: Right) {
        let left = Left { at: self.left.at.wrapping_add(row * self.left.step), ..self.left };
        let target = Target {
            at: self.target.at.wrapping_add(row * self.target.stride + column),
            rows: (self.target.rows - row).min(HEIGHT),
            columns: (self.target.columns - column).min(VECTORS * LANES),
            ..self.target
        };
        // SAFETY: `product` saw that the instructions are there and the factors have these sizes; columns that the target has not are not
        // read; no other thread has this tile.
        unsafe { run::<VECTORS>(self.depth, left, right, target) }
    }
}

/// Computes the product where that is the faster way, and says whether it did.
pub(super) fn multiply(
    out: &mut Out<'_>,
    keep: bool,
    scale: f32,
    left: Factor<'_>,
    right: Factor<'_>,
) -> bool {
    let (Numbers::F32(left_numbers), Numbers::F32(right_numbers)) = (left.numbers, right.numbers) else {
        return false;
    };
    let (rows, columns, depth) = (out.rows, out.columns, left.columns);
    let target = Target { at: out.numbers.as_mut_ptr(), stride: out.stride, rows, columns, scale, keep };
    let left = Left { at: left_numbers.as_ptr(), step: left.row_step, depth_step: left.column_step };
    if (columns <= NARROW && rows * depth >= LARGE) || (depth <= NARROW && rows * columns >= LARGE) {
        let side = Side::of_rows(right.transpose());
        if columns <= LANES {
            across::<1, LANES>(target, left, side)
        } else {
            across::<2, { 2 * LANES }>(target, left, side)
        }
        return true;
    }
    if rows <= NARROW && depth * columns >= LARGE && right.column_step == 1 {
        down(target, left, Right { at: right_numbers.as_ptr(), depth_step: right.row_step }, depth);
        return true;
    }
    false
}

/// The right factor is packed, and threads share the rows of the left one.
fn across<const VECTORS: usize, const LINES: usize>(target: Target, left: Left, right: Side<'_>) {
    let (depth, panels) = (right.depth, target.columns.div_ceil(LINES));
    lend(&SHARED, depth * panels * LINES, |packed| {
        for panel in 0..panels {
            right.fill::<Single, LINES>(&mut packed[panel * LINES * depth..], panel * LINES, 0, depth);
        }
        let work =
            Work { left, right: Right { at: packed.as_ptr().cast(), depth_step: LINES }, target, depth };
        (0..target.rows.div_ceil(ROWS)).into_par_iter().for_each(|block| {
            for row in (block * ROWS..target.rows.min((block + 1) * ROWS)).step_by(HEIGHT) {
                for column in (0..target.columns).step_by(LINES) {
                    let right = Right { at: work.right.at.wrapping_add(column * depth), ..work.right };
                    work.tile::<VECTORS>(row, column, right);
                }
            }
        });
    });
}

/// There are few rows, and threads share the columns of the right factor.
fn down(target: Target, left: Left, right: Right, depth: usize) {
    const VECTORS: usize = 2;
    let work = Work { left, right, target, depth };
    (0..target.columns.div_ceil(COLUMNS)).into_par_iter().for_each(|block| {
        for column in (block * COLUMNS..target.columns.min((block + 1) * COLUMNS)).step_by(VECTORS * LANES) {
            for row in (0..target.rows).step_by(HEIGHT) {
                let right = Right { at: work.right.at.wrapping_add(column), ..work.right };
                work.tile::<VECTORS>(row, column, right);
            }
        }
    });
}

/// A tile of up to [`HEIGHT`] rows and `VECTORS` vectors of columns.
///
/// # Safety
/// AVX512F is there. The left factor has the target's rows, the right one its columns, both `depth` numbers; the target is writable.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn run<const VECTORS: usize>(depth: usize, left: Left, right: Right, target: Target) {
    let masks: [u16; VECTORS] = std::array::from_fn(|at| mask(target.columns.saturating_sub(at * LANES)));
    // Rows that the target has not are the last one again, and not written.
    let places: [usize; HEIGHT] = std::array::from_fn(|row| row.min(target.rows - 1) * left.step);
    let mut sums = [[_mm512_setzero_ps(); VECTORS]; HEIGHT];
    for at in 0..depth {
        let from = right.at.wrapping_add(at * right.depth_step);
        let numbers = left.at.wrapping_add(at * left.depth_step);
        // SAFETY: the caller's; only columns under the masks are read.
        unsafe {
            let mut row_of_right = [_mm512_setzero_ps(); VECTORS];
            for (vector, value) in row_of_right.iter_mut().enumerate() {
                *value = _mm512_maskz_loadu_ps(masks[vector], from.wrapping_add(vector * LANES));
            }
            for (sums, place) in sums.iter_mut().zip(&places) {
                let factor = _mm512_set1_ps(*numbers.add(*place));
                for (sum, value) in sums.iter_mut().zip(&row_of_right) {
                    *sum = _mm512_fmadd_ps(factor, *value, *sum);
                }
            }
        }
    }
    let scale = _mm512_set1_ps(target.scale);
    for (row, sums) in sums.into_iter().enumerate().take(target.rows) {
        for (vector, sum) in sums.into_iter().enumerate() {
            let at = target.at.wrapping_add(row * target.stride + vector * LANES);
            let mut sum = _mm512_mul_ps(sum, scale);
            // SAFETY: the caller's; only columns under the mask are read and written.
            unsafe {
                if target.keep {
                    sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(masks[vector], at));
                }
                _mm512_mask_storeu_ps(at, masks[vector], sum);
            }
        }
    }
}
