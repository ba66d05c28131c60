//! SwiGLU.

use rayon::prelude::*;

use super::vector::{exp, widest};

const BLOCK: usize = 8;
/// Numbers that are computed side by side.
const LANES: usize = 32;

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
                        row_backward(row, d_out, |_, _| ());
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
                        row_backward(
                            row,
                            d_out,
                            #[inline(always)]
                            |start, numbers| out[start..start + numbers.len()].copy_from_slice(numbers),
                        );
                    }
                },
            );
        }),
    }
}

/// Results wait in arrays of their own: written in place, one by one, a compiler has to think that they are read again.
#[inline(always)]
fn row_backward(row: &mut [f32], d_out: &[f32], mut take: impl FnMut(usize, &[f32])) {
    let width = d_out.len();
    let (gate, up) = row.split_at_mut(width);
    let whole = width / LANES * LANES;
    for start in (0..whole).step_by(LANES) {
        let (gate, up) = (&mut gate[start..start + LANES], &mut up[start..start + LANES]);
        let d_out = &d_out[start..start + LANES];
        let (mut d_gate, mut d_up, mut out) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        for lane in 0..LANES {
            (d_gate[lane], d_up[lane], out[lane]) = turn(gate[lane], up[lane], d_out[lane]);
        }
        gate.copy_from_slice(&d_gate);
        up.copy_from_slice(&d_up);
        take(start, &out);
    }
    for index in whole..width {
        let out;
        (gate[index], up[index], out) = turn(gate[index], up[index], d_out[index]);
        take(index, &[out]);
    }
}

/// The gradients of gate and up, and the output.
#[inline(always)]
fn turn(gate: f32, up: f32, d_out: f32) -> (f32, f32, f32) {
    let sigmoid = 1.0 / (1.0 + exp(-gate));
    let silu = gate * sigmoid;
    (d_out * up * sigmoid * (1.0 + gate - silu), d_out * silu, silu * up)
}
