//! Decodes ggml's block formats. In: the bytes of a row. Out: the `f32` values that llama.cpp computes with.
//!
//! Each function mirrors `dequantize_row_*` of ggml's `ggml-quants.c`. A block stores its scales as `f16`; the
//! super-blocks of 256 elements (the `_K` types) also quantise the scales of their sub-blocks.

use half::{bf16, f16};

use super::TensorKind;

/// Decodes whole blocks. `bytes` and `out` describe the same number of elements, which the header has checked.
pub(super) fn dequantise(kind: TensorKind, bytes: &[u8], out: &mut [f32]) {
    match kind {
        TensorKind::F32 => each(bytes, out, 4, 1, |b, y| y[0] = f32::from_le_bytes([b[0], b[1], b[2], b[3]])),
        TensorKind::F16 => each(bytes, out, 2, 1, |b, y| y[0] = half_at(b, 0)),
        TensorKind::BF16 => each(bytes, out, 2, 1, |b, y| y[0] = bf16::from_le_bytes([b[0], b[1]]).to_f32()),
        TensorKind::Q4_0 => each(bytes, out, 18, 32, q4_0),
        TensorKind::Q4_1 => each(bytes, out, 20, 32, q4_1),
        TensorKind::Q5_0 => each(bytes, out, 22, 32, q5_0),
        TensorKind::Q5_1 => each(bytes, out, 24, 32, q5_1),
        TensorKind::Q8_0 => each(bytes, out, 34, 32, q8_0),
        TensorKind::Q2_K => each(bytes, out, 84, 256, q2_k),
        TensorKind::Q3_K => each(bytes, out, 110, 256, q3_k),
        TensorKind::Q4_K => each(bytes, out, 144, 256, q4_k),
        TensorKind::Q5_K => each(bytes, out, 176, 256, q5_k),
        TensorKind::Q6_K => each(bytes, out, 210, 256, q6_k),
        TensorKind::IQ4_NL => each(bytes, out, 18, 32, iq4_nl),
        TensorKind::IQ4_XS => each(bytes, out, 136, 256, iq4_xs),
        // `Gguf::read` refuses every other type, so no bytes of one get here.
        _ => out.fill(f32::NAN),
    }
}

fn each(bytes: &[u8], out: &mut [f32], width: usize, elements: usize, decode: impl Fn(&[u8], &mut [f32])) {
    for (block, values) in bytes.chunks_exact(width).zip(out.chunks_exact_mut(elements)) {
        decode(block, values);
    }
}

pub(super) fn half_at(bytes: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

fn word_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Low nibbles are the first half of the block, high nibbles the second.
fn nibbles(packed: &[u8], out: &mut [f32], value: impl Fn(usize, u8) -> f32) {
    let half = packed.len();
    for (i, &byte) in packed.iter().enumerate() {
        out[i] = value(i, byte & 15);
        out[i + half] = value(i + half, byte >> 4);
    }
}

fn q4_0(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 0);
    nibbles(&block[2..], out, |_, q| d * (f32::from(q) - 8.0));
}

fn q4_1(block: &[u8], out: &mut [f32]) {
    let (d, m) = (half_at(block, 0), half_at(block, 2));
    nibbles(&block[4..], out, |_, q| d * f32::from(q) + m);
}

fn q5_0(block: &[u8], out: &mut [f32]) {
    let (d, high) = (half_at(block, 0), word_at(block, 2));
    nibbles(&block[6..], out, |i, q| d * (f32::from(q | fifth_bit(high, i)) - 16.0));
}

fn q5_1(block: &[u8], out: &mut [f32]) {
    let (d, m, high) = (half_at(block, 0), half_at(block, 2), word_at(block, 4));
    nibbles(&block[8..], out, |i, q| d * f32::from(q | fifth_bit(high, i)) + m);
}

fn fifth_bit(high: u32, i: usize) -> u8 {
    ((high >> i & 1) << 4) as u8
}

fn q8_0(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 0);
    for (y, &q) in out.iter_mut().zip(&block[2..]) {
        *y = d * f32::from(q as i8);
    }
}

/// 16 sub-blocks of 16; a nibble of scale and a nibble of minimum each.
fn q2_k(block: &[u8], out: &mut [f32]) {
    let (scales, quants) = (&block[..16], &block[16..80]);
    let (d, dmin) = (half_at(block, 80), half_at(block, 82));
    for (sub, values) in out.chunks_exact_mut(16).enumerate() {
        let (scale, min) = (d * f32::from(scales[sub] & 15), dmin * f32::from(scales[sub] >> 4));
        let (bytes, shift) = (&quants[sub / 8 * 32 + sub % 2 * 16..], sub % 8 / 2 * 2);
        for (y, &byte) in values.iter_mut().zip(bytes) {
            *y = scale * f32::from(byte >> shift & 3) - min;
        }
    }
}

/// 16 sub-blocks of 16; six-bit signed scales; the third bit of each element lies in a mask.
fn q3_k(block: &[u8], out: &mut [f32]) {
    let (mask, quants, packed) = (&block[..32], &block[32..96], &block[96..108]);
    let d = half_at(block, 108);
    for (sub, values) in out.chunks_exact_mut(16).enumerate() {
        let low = if sub < 8 { packed[sub] & 15 } else { packed[sub - 8] >> 4 };
        let high = packed[8 + sub % 4] >> (sub / 4 * 2) & 3;
        let scale = d * (f32::from(low | high << 4) - 32.0);
        let (start, shift) = (sub % 2 * 16, sub % 8 / 2 * 2);
        let bit = sub / 8 * 4 + sub % 8 / 2;
        for (i, y) in values.iter_mut().enumerate() {
            let low = quants[sub / 8 * 32 + start + i] >> shift & 3;
            let missing = if mask[start + i] >> bit & 1 == 1 { 0.0 } else { 4.0 };
            *y = scale * (f32::from(low) - missing);
        }
    }
}

/// The six-bit scale and minimum of sub-block `j` in the twelve packed bytes of `Q4_K` and `Q5_K`.
pub(super) fn scale_and_min(j: usize, packed: &[u8]) -> (f32, f32) {
    let (scale, min) = if j < 4 {
        (packed[j] & 63, packed[j + 4] & 63)
    } else {
        (packed[j + 4] & 15 | packed[j - 4] >> 6 << 4, packed[j + 4] >> 4 | packed[j] >> 6 << 4)
    };
    (f32::from(scale), f32::from(min))
}

fn q4_k(block: &[u8], out: &mut [f32]) {
    let (d, dmin) = (half_at(block, 0), half_at(block, 2));
    for (sub, values) in out.chunks_exact_mut(32).enumerate() {
        let (scale, min) = scale_and_min(sub, &block[4..16]);
        let bytes = &block[16 + sub / 2 * 32..];
        for (y, &byte) in values.iter_mut().zip(bytes) {
            *y = d * scale * f32::from(byte >> (sub % 2 * 4) & 15) - dmin * min;
        }
    }
}

fn q5_k(block: &[u8], out: &mut [f32]) {
    let (d, dmin) = (half_at(block, 0), half_at(block, 2));
    let high = &block[16..48];
    for (sub, values) in out.chunks_exact_mut(32).enumerate() {
        let (scale, min) = scale_and_min(sub, &block[4..16]);
        let bytes = &block[48 + sub / 2 * 32..];
        for (i, y) in values.iter_mut().enumerate() {
            let q = bytes[i] >> (sub % 2 * 4) & 15 | (high[i] >> sub & 1) << 4;
            *y = d * scale * f32::from(q) - dmin * min;
        }
    }
}

fn q6_k(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 208);
    for (half, values) in out.chunks_exact_mut(128).enumerate() {
        let (low, high) = (&block[half * 64..][..64], &block[128 + half * 32..][..32]);
        let scales = &block[192 + half * 8..][..8];
        for (i, y) in values.iter_mut().enumerate() {
            let quarter = i / 32;
            let q = low[i % 64] >> (quarter / 2 * 4) & 15 | (high[i % 32] >> (quarter * 2) & 3) << 4;
            *y = d * f32::from(scales[i / 16] as i8) * (f32::from(q) - 32.0);
        }
    }
}

/// The sixteen values of `IQ4_NL` and `IQ4_XS` (`kvalues_iq4nl`).
const NON_LINEAR: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

fn iq4_nl(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 0);
    nibbles(&block[2..], out, |_, q| d * f32::from(NON_LINEAR[usize::from(q)]));
}

fn iq4_xs(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 0);
    let high = u16::from_le_bytes([block[2], block[3]]);
    for (sub, values) in out.chunks_exact_mut(32).enumerate() {
        let low = block[4 + sub / 2] >> (sub % 2 * 4) & 15;
        let upper = (high >> (2 * sub) & 3) as u8;
        let scale = d * (f32::from(low | upper << 4) - 32.0);
        nibbles(&block[8 + sub * 16..][..16], values, |_, q| scale * f32::from(NON_LINEAR[usize::from(q)]));
    }
}
