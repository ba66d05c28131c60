//! Decodes what was quantised, the way the operators do, and bounds the error.

use proptest::collection::vec;
use proptest::prelude::*;

use super::nearest::nearest;
use super::{BLOCK, grid, int4, int8, sums};
use crate::gguf::GridBlock;

fn decode8(quants: &[u8], scales: &[f32]) -> Vec<f32> {
    quants.iter().enumerate().map(|(i, &q)| scales[i / BLOCK] * (f32::from(q) - 128.0)).collect()
}

fn decode4(quants: &[u8], scales: &[f32], zero_points: &[u8]) -> Vec<f32> {
    (0..quants.len() * 2)
        .map(|i| {
            let (block, q) = (i / BLOCK, quants[i / 2] >> (i % 2 * 4) & 15);
            let zero = zero_points[block / 2] >> (block % 2 * 4) & 15;
            scales[block] * (f32::from(q) - f32::from(zero))
        })
        .collect()
}

proptest! {
    #[test]
    fn int8_errs_by_half_a_step(row in vec(-3.0f32..3.0, 96)) {
        let (mut quants, mut scales) = (Vec::new(), Vec::new());
        int8(&row, &mut quants, &mut scales);
        prop_assert_eq!((quants.len(), scales.len()), (96, 3));
        for (i, (found, w)) in decode8(&quants, &scales).iter().zip(&row).enumerate() {
            prop_assert!((found - w).abs() <= scales[i / BLOCK] * 0.501);
        }
    }

    /// The search may only improve on the plain affine choice.
    #[test]
    fn int4_is_no_worse_than_plain_rounding(row in vec(-3.0f32..3.0, 32), shift in -4.0f32..4.0) {
        let row = row.iter().map(|w| w + shift).collect::<Vec<_>>();
        let (mut quants, mut scales, mut zeros) = (Vec::new(), Vec::new(), Vec::new());
        int4(&row, &mut quants, &mut scales, &mut zeros);
        let error = |values: &[f32]| values.iter().zip(&row).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
        let decoded = decode4(&quants, &scales, &zeros);
        let found = error(&decoded[..BLOCK].iter().map(|w| w + decoded[BLOCK]).collect::<Vec<_>>());

        let low = row.iter().fold(0.0f32, |m, &w| m.min(w));
        let high = row.iter().fold(0.0f32, |m, &w| m.max(w));
        let scale = (high - low) / 15.0;
        let zero = (-low / scale).round().clamp(0.0, 15.0);
        let plain = row.iter().map(|w| ((w / scale + zero).round().clamp(0.0, 15.0) - zero) * scale).collect::<Vec<_>>();
        prop_assert!(found <= error(&plain) * 1.0001 + 1e-6, "{} > {}", found, error(&plain));
    }
}

prop_compose! {
    /// A block as models have them, or one that lies on one side of zero, or has no scale.
    fn grid_block()(
        codes in proptest::array::uniform32(0u8..16),
        scale in prop_oneof![9 => -0.5f32..0.5, 1 => Just(0.0)],
        steps in -30.0f32..15.0,
    ) -> GridBlock {
        let offset = if scale == 0.0 { steps } else { steps * scale };
        GridBlock { codes, scale, offset }
    }
}

proptest! {
    /// Codes and scales stay as they are; what a weight is off by is what 4 bits lose of the offsets, and no more.
    #[test]
    fn a_grid_is_kept(row in vec(grid_block(), 1..70)) {
        let (mut quants, mut scales, mut zeros) = (Vec::new(), Vec::new(), Vec::new());
        grid(&row, true, &mut quants, &mut scales, &mut zeros);
        let blocks = row.len() + sums(row.len() * BLOCK).div_ceil(BLOCK);
        prop_assert_eq!((quants.len(), scales.len(), zeros.len()), (blocks * 16, blocks, blocks.div_ceil(2)));
        let decoded = decode4(&quants, &scales, &zeros);
        let offsets = &decoded[row.len() * BLOCK..];
        for (index, group) in row.chunks(BLOCK).enumerate() {
            let (mut low, mut high, mut error) = (0.0f32, 0.0f32, 0.0);
            for (i, block) in group.iter().enumerate().map(|(i, block)| (index * BLOCK + i, block)) {
                prop_assert_eq!(scales[i], block.scale);
                let own = &decoded[i * BLOCK..][..BLOCK];
                // The offset that is to be made up for is the same for every weight of a block.
                let exact = |w: usize| block.scale * f32::from(block.codes[w]) + block.offset;
                let left = exact(0) - own[0];
                for (w, found) in own.iter().enumerate() {
                    prop_assert!((exact(w) - found - left).abs() < 1e-4);
                }
                (low, high) = (low.min(left), high.max(left));
                error += (offsets[i] - left).powi(2);
            }
            let half_step = (high - low) / 30.0;
            prop_assert!(error <= 32.0 * half_step.powi(2) * 1.001 + 1e-6, "{} > {}", error, half_step);
        }
    }

    /// `Q4_0` has its zero point in the middle and needs no offsets.
    #[test]
    fn a_centred_grid_is_exact(
        codes in proptest::array::uniform32(0u8..16),
        scale in prop_oneof![-0.5f32..-1e-3, 1e-3f32..0.5],
    ) {
        let block = GridBlock { codes, scale, offset: -8.0 * scale };
        let (mut quants, mut scales, mut zeros) = (Vec::new(), Vec::new(), Vec::new());
        grid(&[block; 3], false, &mut quants, &mut scales, &mut zeros);
        prop_assert_eq!(zeros.as_slice(), [0x88, 0x08].as_slice());
        for (i, found) in decode4(&quants, &scales, &zeros).iter().enumerate() {
            prop_assert_eq!(*found, scale * (f32::from(codes[i % BLOCK]) - 8.0));
        }
    }
}

#[test]
fn int8_keeps_an_8_bit_source() {
    let scale = 0.01171875;
    let codes = (0..32).map(|i| (i * 8 - 121).clamp(-127, 127)).collect::<Vec<i32>>();
    let row = codes.iter().map(|&c| if c == -121 { -127 } else { c } as f32 * scale).collect::<Vec<_>>();
    let (mut quants, mut scales) = (Vec::new(), Vec::new());
    int8(&row, &mut quants, &mut scales);
    assert_eq!(decode8(&quants, &scales), row);
}

#[test]
fn int4_keeps_a_4_bit_source_with_an_integer_zero_point() {
    let row = (0..64).map(|i| ((i * 7 % 16) as f32 - 5.0) * 0.25).collect::<Vec<_>>();
    let (mut quants, mut scales, mut zeros) = (Vec::new(), Vec::new(), Vec::new());
    int4(&row, &mut quants, &mut scales, &mut zeros);
    assert_eq!((quants.len(), scales.len(), zeros[0]), (48, 3, 0x55));
    let decoded = decode4(&quants, &scales, &zeros);
    assert!(decoded[64..].iter().all(|offset| offset.abs() < 1e-6), "no offset is left");
    for (found, w) in decode4(&quants, &scales, &zeros).iter().zip(&row) {
        assert!((found - w).abs() < 1e-6, "{found} is not {w}");
    }
}

#[test]
fn zeros_stay_zero() {
    let (mut quants, mut scales, mut zeros) = (Vec::new(), Vec::new(), Vec::new());
    int8(&[0.0; 32], &mut quants, &mut scales);
    assert_eq!(decode8(&quants, &scales), [0.0; 32]);
    quants.clear();
    scales.clear();
    int4(&[0.0; 32], &mut quants, &mut scales, &mut zeros);
    assert_eq!(decode4(&quants, &scales, &zeros), [0.0; 64]);
}

/// Weights of a quantised model that was trained on are near its grid still, and come back to it.
#[test]
fn a_grid_whose_weights_have_moved_a_little_is_found_again() {
    let (scale, offset) = (0.0137, -0.0911);
    let codes = (0..32).map(|i| (i * 11 + 3) % 16).collect::<Vec<i32>>();
    let moved = |i: usize| ((i * 7 % 5) as f32 - 2.0) * 0.0004;
    let row = (0..32).map(|i| codes[i] as f32 * scale + offset + moved(i)).collect::<Vec<_>>();
    let block = nearest(&row);
    assert_eq!(block.codes.map(i32::from).as_slice(), codes);
    assert!((block.scale - scale).abs() < 1e-4 && (block.offset - offset).abs() < 1e-3, "{block:?}");
}
