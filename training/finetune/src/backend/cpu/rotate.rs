//! Rotary positions.

use rayon::prelude::*;

use super::vector::widest;
use crate::backend::{Heads, Turn};

const BLOCK: usize = 16;

pub(super) fn rotate(qkv: &mut [f32], positions: &[u32], frequencies: &[f32], heads: Heads, turn: Turn) {
    let (row, half) = (heads.fused(), heads.dimension / 2);
    qkv.par_chunks_mut(BLOCK * row).zip(positions.par_chunks(BLOCK)).for_each_init(
        || (vec![0.0f32; half], vec![0.0f32; half]),
        |(cosines, sines), (rows, positions)| {
            for (row, &position) in rows.chunks_exact_mut(row).zip(positions) {
                for ((frequency, cosine), sine) in frequencies.iter().zip(&mut *cosines).zip(&mut *sines) {
                    (*sine, *cosine) = (position as f32 * frequency).sin_cos();
                    if turn == Turn::Backward {
                        *sine = -*sine;
                    }
                }
                widest(
                    #[inline(always)]
                    || {
                        let turned = &mut row[..(heads.query + heads.key) * heads.dimension];
                        for head in turned.chunks_exact_mut(heads.dimension) {
                            turn_head(head, cosines, sines);
                        }
                    },
                );
            }
        },
    );
}

#[inline(always)]
fn turn_head(head: &mut [f32], cosines: &[f32], sines: &[f32]) {
    let (left, right) = head.split_at_mut(cosines.len());
    for (((left, right), cosine), sine) in left.iter_mut().zip(right).zip(cosines).zip(sines) {
        (*left, *right) = (*left * cosine - *right * sine, *right * cosine + *left * sine);
    }
}
