//! Rows of tables: taken, added to, and a bias on each.

use rayon::prelude::*;

use super::vector::widest;

pub(super) fn gather(out: &mut [f32], table: &[f32], rows: &[u32], width: usize) {
    let out = out[..rows.len() * width].par_chunks_exact_mut(width);
    out.zip(rows).for_each(|(out, &row)| out.copy_from_slice(&table[row as usize * width..][..width]));
}

/// On one thread: rows may repeat, and their sum has one order. There are few, against what a step computes.
pub(super) fn scatter_add(table: &mut [f32], from: &[f32], rows: &[u32], width: usize) {
    widest(
        #[inline(always)]
        || {
            for (from, &row) in from.chunks_exact(width).zip(rows) {
                let to = &mut table[row as usize * width..][..width];
                for (to, from) in to.iter_mut().zip(from) {
                    *to += from;
                }
            }
        },
    );
}

pub(super) fn add_bias(out: &mut [f32], bias: &[f32]) {
    out.par_chunks_exact_mut(bias.len()).for_each(|row| {
        widest(
            #[inline(always)]
            || {
                for (out, bias) in row.iter_mut().zip(bias) {
                    *out += bias;
                }
            },
        );
    });
}

pub(super) fn bias_backward(d_bias: &mut [f32], d_out: &[f32]) {
    widest(
        #[inline(always)]
        || {
            for row in d_out.chunks_exact(d_bias.len()) {
                for (d_bias, d_out) in d_bias.iter_mut().zip(row) {
                    *d_bias += d_out;
                }
            }
        },
    );
}
