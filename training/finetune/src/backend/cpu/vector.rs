//! What loops over slices are made of: written so that a compiler turns them into vector instructions.

use pulp::Arch;

/// Sums are kept in so many places: vectors of the widest instructions, which have to wait for each other less.
const LANES: usize = 32;

/// Runs a loop with the widest instructions that the processor has. What it calls has to be inlined.
#[inline(always)]
pub(super) fn widest<Out>(work: impl FnOnce() -> Out) -> Out {
    Arch::new().dispatch(work)
}

/// e to the `x`, to 2 units in the last place for `x` from -87 to 88; beyond, as of these bounds. Not a number stays that.
///
/// Cody and Waite's reduction to `2ⁿ · e^r` with Cephes's polynomial (`expf.c`). It has no branch and no call.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // Added, it leaves a whole number in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let mut y = 1.987_569_1e-4;
    y = y * r + 1.398_199_9e-3;
    y = y * r + 8.333_452e-3;
    y = y * r + 4.166_579_6e-2;
    y = y * r + 1.666_666_5e-1;
    y = y * r + 0.5;
    y = y * r * r + r + 1.0;
    y * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

/// The sum of `term` over indices, in a fixed order.
#[inline(always)]
pub(super) fn sum(length: usize, term: impl Fn(usize) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let whole = length / LANES * LANES;
    let mut start = 0;
    while start < whole {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += term(start + lane);
        }
        start += LANES;
    }
    let rest: f32 = (whole..length).map(&term).sum();
    fold(lanes, |one, other| one + other) + rest
}

/// The largest of a slice; the least number there is where it is empty.
#[inline(always)]
pub(super) fn largest(x: &[f32]) -> f32 {
    let larger = |one: f32, other: f32| if other > one { other } else { one };
    let mut lanes = [f32::MIN; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder().iter().copied().fold(f32::MIN, larger);
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, *x);
        }
    }
    larger(fold(lanes, larger), rest)
}

/// The product of two slices.
#[inline(always)]
pub(super) fn dot(one: &[f32], other: &[f32]) -> f32 {
    let other = &other[..one.len()];
    sum(one.len(), |index| one[index] * other[index])
}

#[inline(always)]
fn fold(mut lanes: [f32; LANES], join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = join(lanes[lane], lanes[lane + half]);
        }
        half /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_exact_to_two_units() {
        let mut worst = 0.0f64;
        for step in 0..=1_750_000 {
            let x = -87.0 + step as f32 * 1e-4;
            let exact = f64::from(x).exp();
            let unit = f64::from((exact as f32).next_up() - exact as f32);
            worst = worst.max((f64::from(exp(x)) - exact).abs() / unit);
        }
        assert!(worst < 2.0, "{worst} units in the last place");
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NAN).is_nan());
        assert!(exp(f32::NEG_INFINITY) < 1e-37 && exp(f32::INFINITY).is_finite());
    }

    #[test]
    fn sums_take_every_element() {
        for length in [0, 1, 31, 32, 33, 100, 577] {
            let x: Vec<f32> = (0..length).map(|index| index as f32).collect();
            let expected = length as f32 * (length as f32 - 1.0) / 2.0;
            assert_eq!(
                widest(
                    #[inline(always)]
                    || sum(length, |index| x[index])
                ),
                expected
            );
            assert_eq!(dot(&x, &vec![2.0; length]), 2.0 * expected);
            let mut reversed: Vec<f32> = x.iter().map(|x| x - 1000.0).collect();
            reversed.reverse();
            assert_eq!(largest(&reversed), if length == 0 { f32::MIN } else { length as f32 - 1001.0 });
        }
    }
}
