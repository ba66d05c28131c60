//! Stores matrices of test models in ggml's block types, the plain way. In: floats. Out: blocks.

use half::f16;

use super::Tiny;
use crate::gguf::TensorKind;

impl Tiny {
    /// Stores the matrices whose name has `part` in `kind`, where their rows are whole blocks of it.
    pub(crate) fn quantise(&mut self, part: &str, kind: TensorKind) {
        let matrices =
            self.tensors.iter_mut().filter(|(name, shape, ..)| name.contains(part) && shape.len() == 2);
        for (_, shape, number, bytes) in matrices {
            if *number == TensorKind::F32.0 && shape[0].is_multiple_of(kind.block_elements() as u64) {
                let values =
                    bytes.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect::<Vec<_>>();
                *bytes = values.chunks(kind.block_elements()).flat_map(|block| encode(kind, block)).collect();
                *number = kind.0;
            }
        }
    }
}

fn encode(kind: TensorKind, values: &[f32]) -> Vec<u8> {
    match kind {
        TensorKind::Q4_0 => q4_0(values),
        TensorKind::Q4_1 => q4_1(values),
        TensorKind::Q4_K => q4_k(values),
        TensorKind::Q8_0 => q8_0(values),
        other => panic!("no encoder of {other}"),
    }
}

fn range(values: &[f32]) -> (f32, f32) {
    values.iter().fold((f32::MAX, f32::MIN), |(low, high), &v| (low.min(v), high.max(v)))
}

fn code(value: f32) -> u8 {
    value.round().clamp(0.0, 15.0) as u8
}

/// Low nibbles are the first half.
fn nibbles(codes: &[u8]) -> Vec<u8> {
    let (low, high) = codes.split_at(codes.len() / 2);
    low.iter().zip(high).map(|(low, high)| low | high << 4).collect()
}

fn q4_0(values: &[f32]) -> Vec<u8> {
    // The weight furthest from zero is code 0, whatever its sign.
    let furthest = values.iter().fold(0.0f32, |m, &v| if v.abs() > m.abs() { v } else { m });
    let d = f16::from_f32(furthest / -8.0);
    let codes = values.iter().map(|v| code(v / d.to_f32() + 8.0)).collect::<Vec<_>>();
    [d.to_le_bytes().to_vec(), nibbles(&codes)].concat()
}

fn q4_1(values: &[f32]) -> Vec<u8> {
    let (low, high) = range(values);
    let (d, m) = (f16::from_f32((high - low) / 15.0), f16::from_f32(low));
    let codes = values.iter().map(|v| code((v - m.to_f32()) / d.to_f32())).collect::<Vec<_>>();
    [d.to_le_bytes().to_vec(), m.to_le_bytes().to_vec(), nibbles(&codes)].concat()
}

fn q8_0(values: &[f32]) -> Vec<u8> {
    let largest = values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let d = f16::from_f32(largest / 127.0);
    let codes = values.iter().map(|v| (v / d.to_f32()).round().clamp(-127.0, 127.0) as i8 as u8);
    d.to_le_bytes().into_iter().chain(codes).collect()
}

fn q4_k(values: &[f32]) -> Vec<u8> {
    let subs = values.chunks(32).map(|sub| {
        let (low, high) = range(sub);
        ((high - low.min(0.0)) / 15.0, -low.min(0.0))
    });
    let (scales, mins): (Vec<_>, Vec<_>) = subs.unzip();
    let step = |list: &[f32]| f16::from_f32(list.iter().fold(0.0f32, |m, &v| m.max(v)) / 63.0);
    let (d, dmin) = (step(&scales), step(&mins));
    let six = |list: &[f32], step: f16| {
        list.iter().map(|v| (v / step.to_f32()).round().min(63.0) as u8).collect::<Vec<_>>()
    };
    let (scales, mins) = (six(&scales, d), six(&mins, dmin));
    let mut packed = [0; 12];
    for j in 0..4 {
        packed[j] = scales[j] | scales[j + 4] >> 4 << 6;
        packed[j + 4] = mins[j] | mins[j + 4] >> 4 << 6;
        packed[j + 8] = scales[j + 4] & 15 | mins[j + 4] << 4;
    }
    let codes = values.iter().enumerate().map(|(i, v)| {
        let (scale, min) = (d.to_f32() * f32::from(scales[i / 32]), dmin.to_f32() * f32::from(mins[i / 32]));
        code((v + min) / scale)
    });
    let codes = codes.collect::<Vec<_>>();
    let quants = codes.chunks(64).flat_map(nibbles).collect();
    [d.to_le_bytes().to_vec(), dmin.to_le_bytes().to_vec(), packed.to_vec(), quants].concat()
}
