//! RMS norm, alone and after a sum.

use rayon::prelude::*;

use super::vector::{dot, triple, widest};

/// Rows that one task takes, and whose share of a weight's gradient is summed before others'.
pub(super) const BLOCK: usize = 16;

/// What the forward pass read and left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept<'a> {
    pub(super) x: &'a [f32],
    pub(super) inverse: &'a [f32],
    pub(super) weight: &'a [f32],
}

#[inline(always)]
fn normalise(out: &mut [f32], x: &[f32], weight: &[f32], epsilon: f32) -> f32 {
    let squares = dot(x, x);
    let inverse = 1.0 / (squares / x.len() as f32 + epsilon).sqrt();
    for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
        *out = x * inverse * weight;
    }
    inverse
}

pub(super) fn forward(out: &mut [f32], inverse: &mut [f32], x: &[f32], weight: &[f32], epsilon: f32) {
    let width = weight.len();
    let blocks = out.par_chunks_mut(BLOCK * width).zip(inverse.par_chunks_mut(BLOCK));
    blocks.zip(x.par_chunks(BLOCK * width)).for_each(|((out, inverse), x)| {
        widest(
            #[inline(always)]
            || {
                let rows = out.chunks_exact_mut(width).zip(x.chunks_exact(width)).zip(inverse);
                for ((out, x), inverse) in rows {
                    *inverse = normalise(out, x, weight, epsilon);
                }
            },
        );
    });
}

pub(super) fn add_forward(
    out: &mut [f32],
    inverse: &mut [f32],
    total: &mut [f32],
    x: &[f32],
    delta: &[f32],
    weight: &[f32],
    epsilon: f32,
) {
    let width = weight.len();
    let size = BLOCK * width;
    let written = out.par_chunks_mut(size).zip(inverse.par_chunks_mut(BLOCK)).zip(total.par_chunks_mut(size));
    let read = x.par_chunks(size).zip(delta.par_chunks(size));
    written.zip(read).for_each(|(((out, inverse), total), (x, delta))| {
        widest(
            #[inline(always)]
            || {
                for ((total, x), delta) in total.iter_mut().zip(x).zip(delta) {
                    *total = x + delta;
                }
                let rows = out.chunks_exact_mut(width).zip(total.chunks_exact(width)).zip(inverse);
                for ((out, x), inverse) in rows {
                    *inverse = normalise(out, x, weight, epsilon);
                }
            },
        );
    });
}

/// `d_weight` comes with room for one row for each [`BLOCK`] of rows.
pub(super) fn backward(
    d_x: &mut [f32],
    d_weight: Option<(&mut [f32], &mut [f32])>,
    d_out: &[f32],
    kept: Kept<'_>,
) {
    let width = kept.weight.len();
    let blocks = d_x.par_chunks_mut(BLOCK * width).zip(d_out.par_chunks(BLOCK * width));
    let blocks = blocks.zip(kept.x.par_chunks(BLOCK * width)).zip(kept.inverse.par_chunks(BLOCK));
    match d_weight {
        None => blocks.for_each(|(((d_x, d_out), x), inverse)| {
            widest(
                #[inline(always)]
                || rows_backward(d_x, d_out, Kept { x, inverse, ..kept }),
            );
        }),
        Some((d_weight, partial)) => {
            blocks.zip(partial.par_chunks_exact_mut(width)).for_each(
                |((((d_x, d_out), x), inverse), partial)| {
                    widest(
                        #[inline(always)]
                        || {
                            rows_backward(d_x, d_out, Kept { x, inverse, ..kept });
                            partial.fill(0.0);
                            for ((d_out, x), inverse) in
                                d_out.chunks_exact(width).zip(x.chunks_exact(width)).zip(inverse)
                            {
                                for ((sum, d_out), x) in partial.iter_mut().zip(d_out).zip(x) {
                                    *sum += d_out * x * inverse;
                                }
                            }
                        },
                    );
                },
            );
            widest(
                #[inline(always)]
                || {
                    for partial in partial.chunks_exact(width) {
                        for (d_weight, partial) in d_weight.iter_mut().zip(partial) {
                            *d_weight += partial;
                        }
                    }
                },
            );
        }
    }
}

#[inline(always)]
fn rows_backward(d_x: &mut [f32], d_out: &[f32], kept: Kept<'_>) {
    let (weight, width) = (kept.weight, kept.weight.len());
    let rows = d_x.chunks_exact_mut(width).zip(d_out.chunks_exact(width)).zip(kept.x.chunks_exact(width));
    for (((d_x, d_out), x), &inverse) in rows.zip(kept.inverse) {
        let product = triple(d_out, weight, x);
        let along = product * inverse * inverse * inverse / width as f32;
        for (((d_x, d_out), x), weight) in d_x.iter_mut().zip(d_out).zip(x).zip(weight) {
            *d_x += inverse * d_out * weight - along * x;
        }
    }
}
