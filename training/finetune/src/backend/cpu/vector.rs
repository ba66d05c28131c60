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

/// The sum of each number's `term`, in a fixed order.
#[inline(always)]
pub(super) fn sum(x: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut lanes = [0.0f32; LANES];
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] += term(chunk[lane]);
        }
    }
    let mut sum = fold(lanes, plus);
    for x in rest {
        sum += term(*x);
    }
    sum
}

/// The sum of a term of each pair of two slices of one length, in a fixed order; a term may change its first number.
#[inline(always)]
pub(super) fn sum_changing(x: &mut [f32], y: &[f32], term: impl Fn(&mut f32, f32) -> f32) -> f32 {
    let ((xs, rest), (ys, other_rest)) = (x.as_chunks_mut::<LANES>(), y.as_chunks::<LANES>());
    let mut lanes = [0.0f32; LANES];
    for (x, y) in xs.iter_mut().zip(ys) {
        for lane in 0..LANES {
            lanes[lane] += term(&mut x[lane], y[lane]);
        }
    }
    let mut sum = fold(lanes, plus);
    for (x, y) in rest.iter_mut().zip(other_rest) {
        sum += term(x, *y);
    }
    sum
}

/// The largest of a slice; the least number there is where it is empty.
#[inline(always)]
pub(super) fn largest(x: &[f32]) -> f32 {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut lanes = [f32::MIN; LANES];
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] = larger(lanes[lane], chunk[lane]);
        }
    }
    let mut largest = fold(lanes, larger);
    for x in rest {
        largest = larger(largest, *x);
    }
    largest
}

/// The term of a plain sum.
#[inline(always)]
pub(super) fn same(x: f32) -> f32 {
    x
}

#[inline(always)]
fn larger(one: f32, other: f32) -> f32 {
    if other > one { other } else { one }
}

#[inline(always)]
fn plus(one: f32, other: f32) -> f32 {
    one + other
}

/// The sum of products of two slices of one length.
#[inline(always)]
pub(super) fn dot(one: &[f32], other: &[f32]) -> f32 {
    let ((ones, rest), (others, other_rest)) = (one.as_chunks::<LANES>(), other.as_chunks::<LANES>());
    let mut lanes = [0.0f32; LANES];
    for (one, other) in ones.iter().zip(others) {
        for lane in 0..LANES {
            lanes[lane] += one[lane] * other[lane];
        }
    }
    let mut sum = fold(lanes, plus);
    for (one, other) in rest.iter().zip(other_rest) {
        sum += one * other;
    }
    sum
}

/// The sum of products of three slices of one length.
#[inline(always)]
pub(super) fn triple(one: &[f32], other: &[f32], third: &[f32]) -> f32 {
    let ((ones, rest), (others, other_rest)) = (one.as_chunks::<LANES>(), other.as_chunks::<LANES>());
    let (thirds, third_rest) = third.as_chunks::<LANES>();
    let mut lanes = [0.0f32; LANES];
    for ((one, other), third) in ones.iter().zip(others).zip(thirds) {
        for lane in 0..LANES {
            lanes[lane] += one[lane] * other[lane] * third[lane];
        }
    }
    let mut sum = fold(lanes, plus);
    for ((one, other), third) in rest.iter().zip(other_rest).zip(third_rest) {
        sum += one * other * third;
    }
    sum
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
            assert_eq!(widest(|| sum(&x, |x| 3.0 * x)), 3.0 * expected);
            assert_eq!(dot(&x, &vec![2.0; length]), 2.0 * expected);
            assert_eq!(triple(&x, &vec![2.0; length], &vec![0.5; length]), expected);
            let mut changed = x.clone();
            let halves = widest(|| {
                sum_changing(&mut changed, &x, |x, y| {
                    *x += y;
                    y / 2.0
                })
            });
            assert_eq!(halves, expected / 2.0);
            assert!(changed.iter().zip(&x).all(|(changed, x)| *changed == 2.0 * x));
            let mut reversed: Vec<f32> = x.iter().map(|x| x - 1000.0).collect();
            reversed.reverse();
            assert_eq!(largest(&reversed), if length == 0 { f32::MIN } else { length as f32 - 1001.0 });
        }
    }
}
