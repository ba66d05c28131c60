//! SwiGLU.

use rayon::prelude::*;

use super::vector::{exp, widest};

/// Rows that one task takes.
const BLOCK: usize = 8;

/// Numbers that are read before any is written: what is read and what is written then cannot be the same memory, which a compiler has to
/// know before it takes vectors.
const CHUNK: usize = 64;

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
                        turn_row::<false>(gate, up, &mut [], d_out);
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
                        turn_row::<true>(gate, up, out, d_out);
                    }
                },
            );
        }),
    }
}

/// Gate and up become their gradients; `out` is written where it is wanted, and is empty where not.
#[inline(always)]
fn turn_row<const WANTED: bool>(gate: &mut [f32], up: &mut [f32], out: &mut [f32], d_out: &[f32]) {
    let (gates, gate) = gate.as_chunks_mut::<CHUNK>();
    let (ups, up) = up.as_chunks_mut::<CHUNK>();
    let (outs, out) = out.as_chunks_mut::<CHUNK>();
    let (d_outs, d_out) = d_out.as_chunks::<CHUNK>();
    for (index, ((gate, up), d_out)) in gates.iter_mut().zip(ups).zip(d_outs).enumerate() {
        let (gates, ups, d_outs) = (*gate, *up, *d_out);
        let mut turned = [[0.0; CHUNK]; 3];
        for lane in 0..CHUNK {
            let (d_gate, d_up, out) = turn(gates[lane], ups[lane], d_outs[lane]);
            (turned[0][lane], turned[1][lane]) = (d_gate, d_up);
            if WANTED {
                turned[2][lane] = out;
            }
        }
        (*gate, *up) = (turned[0], turned[1]);
        if WANTED {
            outs[index] = turned[2];
        }
    }
    for (index, ((gate, up), d_out)) in gate.iter_mut().zip(up).zip(d_out).enumerate() {
        let made;
        (*gate, *up, made) = turn(*gate, *up, *d_out);
        if WANTED {
            out[index] = made;
        }
    }
}

/// The gradients of gate and up, and the output.
#[inline(always)]
fn turn(gate: f32, up: f32, d_out: f32) -> (f32, f32, f32) {
    let sigmoid = 1.0 / (1.0 + exp(-gate));
    let silu = gate * sigmoid;
    (d_out * up * sigmoid * (1.0 + gate - silu), d_out * silu, silu * up)
}
