//! SwiGLU.

use rayon::prelude::*;

use super::vector::{exp, widest};

const BLOCK: usize = 8;

pub(super) fn forward(out: &mut [f32], gate_up: &[f32], width: usize) {
    out.par_chunks_mut(BLOCK * width).zip(gate_up.par_chunks(2 * BLOCK * width)).for_each(
        |(out, gate_up)| {
            widest(
                #[inline(always)]
                || {
                    for (out, row) in out.chunks_exact_mut(width).zip(gate_up.chunks_exact(2 * width)) {
                        let (gate, up) = row.split_at(width);
                        for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
                            *out = gate * (1.0 / (1.0 + exp(-gate))) * up;
                        }
                    }
                },
            );
        },
    );
}

pub(super) fn backward(gate_up: &mut [f32], out: Option<&mut [f32]>, d_out: &[f32], width: usize) {
    let blocks = gate_up.par_chunks_mut(2 * BLOCK * width).zip(d_out.par_chunks(BLOCK * width));
    match out {
        None => blocks.for_each(|(gate_up, d_out)| {
            widest(
                #[inline(always)]
                || {
                    for (row, d_out) in gate_up.chunks_exact_mut(2 * width).zip(d_out.chunks_exact(width)) {
                        let (gate, up) = row.split_at_mut(width);
                        for ((gate, up), d_out) in gate.iter_mut().zip(up).zip(d_out) {
                            (*gate, *up, _) = turn(*gate, *up, *d_out);
                        }
                    }
                },
            );
        }),
        Some(out) => blocks.zip(out.par_chunks_mut(BLOCK * width)).for_each(|((gate_up, d_out), out)| {
            widest(
                #[inline(always)]
                || {
                    let rows = gate_up.chunks_exact_mut(2 * width).zip(d_out.chunks_exact(width));
                    for ((row, d_out), out) in rows.zip(out.chunks_exact_mut(width)) {
                        let (gate, up) = row.split_at_mut(width);
                        for (((gate, up), d_out), out) in gate.iter_mut().zip(up).zip(d_out).zip(out) {
                            (*gate, *up, *out) = turn(*gate, *up, *d_out);
                        }
                    }
                },
            );
        }),
    }
}

/// The gradients of gate and up, and the output.
#[inline(always)]
fn turn(gate: f32, up: f32, d_out: f32) -> (f32, f32, f32) {
    let sigmoid = 1.0 / (1.0 + exp(-gate));
    let silu = gate * sigmoid;
    (d_out * up * sigmoid * (1.0 + gate - silu), d_out * silu, silu * up)
}
