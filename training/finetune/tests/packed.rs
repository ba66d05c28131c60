//! Products over packed panels, beside the same sums in double precision.

use half::bf16;
use loquat_finetune::backend::cpu::packed::{Factor, LARGE, NARROW, Numbers, Out, Precision, product};
use proptest::prelude::*;

/// Numbers that no pattern of sizes lines up with, of both signs.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// A matrix in a wider one, as a product reads it.
struct Matrix {
    numbers: Vec<f32>,
    halves: Vec<bf16>,
    rows: usize,
    columns: usize,
    stride: usize,
    transposed: bool,
    stored_half: bool,
}

impl Matrix {
    fn new(
        (rows, columns): (usize, usize),
        gap: usize,
        transposed: bool,
        stored_half: bool,
        seed: u64,
    ) -> Self {
        let (rows, columns) = if transposed { (columns, rows) } else { (rows, columns) };
        let stride = columns + gap;
        let numbers = numbers((rows * stride).saturating_sub(gap), seed);
        let halves = numbers.iter().map(|number| bf16::from_f32(*number)).collect();
        Self { numbers, halves, rows, columns, stride, transposed, stored_half }
    }

    fn factor(&self) -> Factor<'_> {
        let numbers =
            if self.stored_half { Numbers::Bf16(&self.halves) } else { Numbers::F32(&self.numbers) };
        let factor = Factor::new(numbers, self.rows, self.columns, self.stride);
        if self.transposed { factor.transpose() } else { factor }
    }

    /// What the product should have read.
    fn at(&self, rounds: bool, row: usize, column: usize) -> f64 {
        let at = if self.transposed { column * self.stride + row } else { row * self.stride + column };
        if self.stored_half || rounds { self.halves[at].to_f64() } else { f64::from(self.numbers[at]) }
    }
}

/// Whether this processor has the instructions; it has to have them where `LOQUAT_TEST_BF16` says that they are tested.
fn supported(precision: Precision) -> bool {
    let supported = precision.supported();
    assert!(
        supported || std::env::var_os("LOQUAT_TEST_BF16").is_none(),
        "LOQUAT_TEST_BF16 is set, but this processor has no instructions for {precision:?}"
    );
    if !supported {
        eprintln!("SKIPPED: this processor has no instructions for {precision:?}");
    }
    supported
}

#[derive(Clone, Debug)]
struct Case {
    precision: Precision,
    rows: usize,
    depth: usize,
    columns: usize,
    gaps: (usize, usize, usize),
    transposed: (bool, bool),
    halves: (bool, bool),
    keep: bool,
    scale: f32,
    seed: u64,
}

impl Case {
    fn check(&self) {
        if !supported(self.precision) {
            return;
        }
        let Self { rows, depth, columns, .. } = *self;
        let left = Matrix::new((rows, depth), self.gaps.0, self.transposed.0, self.halves.0, self.seed);
        let right =
            Matrix::new((depth, columns), self.gaps.1, self.transposed.1, self.halves.1, self.seed + 1);
        let narrow = (columns <= NARROW && rows * depth >= LARGE)
            || (depth <= NARROW && rows * columns >= LARGE)
            || (rows <= NARROW && depth * columns >= LARGE && !self.transposed.1);
        let rounds = self.precision == Precision::Bf16 && !narrow;
        let stride = columns + self.gaps.2;
        let before = numbers(rows * stride, self.seed + 2);
        let mut out = before.clone();
        if !self.keep {
            // What is not kept must not be read.
            for row in out.chunks_mut(stride) {
                row[..columns].fill(f32::NAN);
            }
        }
        product(
            self.precision,
            Out::new(&mut out, rows, columns, stride),
            self.keep,
            self.scale,
            &[(left.factor(), right.factor())],
        );
        for row in 0..rows {
            for column in 0..stride {
                let (got, was) =
                    (f64::from(out[row * stride + column]), f64::from(before[row * stride + column]));
                if column >= columns {
                    assert_eq!(got, was, "{self:?}: a number beside the product changed");
                    continue;
                }
                let terms = (0..depth).map(|at| left.at(rounds, row, at) * right.at(rounds, at, column));
                let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + term.abs()));
                let wanted = f64::from(self.scale) * sum + if self.keep { was } else { 0.0 };
                let slack = 1e-6 * (f64::from(self.scale).abs() * size + was.abs()) + 1e-12;
                assert!(
                    (got - wanted).abs() <= slack,
                    "{self:?}: {got} at {row}, {column} instead of {wanted}"
                );
            }
        }
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let precision = prop_oneof![Just(Precision::F32), Just(Precision::Bf16)];
    let sizes = (1..100_usize, 1..200_usize, 1..100_usize);
    let pair = || (any::<bool>(), any::<bool>());
    (
        precision,
        sizes,
        (0..4_usize, 0..4_usize, 0..4_usize),
        pair(),
        pair(),
        any::<bool>(),
        any::<bool>(),
        any::<u32>(),
    )
        .prop_map(|(precision, (rows, depth, columns), gaps, transposed, halves, keep, scaled, seed)| {
            Case {
                precision,
                rows,
                depth,
                columns,
                gaps,
                transposed,
                halves,
                keep,
                scale: if scaled { 0.37 } else { 1.0 },
                seed: u64::from(seed),
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equals_the_sum_in_double_precision(case in cases()) {
        case.check();
    }
}

/// Depths that are cut into several blocks, sides that are cut into several pieces; either side the smaller one.
#[test]
fn large_products_equal_the_sum_in_double_precision() {
    for precision in [Precision::F32, Precision::Bf16] {
        for (rows, depth, columns) in
            [(33, 1100, 300), (300, 1100, 33), (15, 513, 33), (1, 2049, 1), (257, 129, 255)]
        {
            for transposed in [(false, false), (false, true), (true, false), (true, true)] {
                let case = Case {
                    precision,
                    rows,
                    depth,
                    columns,
                    gaps: (0, 0, 0),
                    transposed,
                    halves: (false, false),
                    keep: false,
                    scale: 1.0,
                    seed: 7,
                };
                case.check();
            }
        }
    }
}

/// So deep that a packed side is taken in shares.
#[test]
fn deep_products_equal_the_sum_in_double_precision() {
    for precision in [Precision::F32, Precision::Bf16] {
        let case = Case {
            precision,
            rows: 50,
            depth: 72_001,
            columns: 49,
            gaps: (0, 0, 0),
            transposed: (false, false),
            halves: (false, false),
            keep: true,
            scale: 1.0,
            seed: 3,
        };
        case.check();
    }
}

/// As LoRA has them: a narrow size, and two large ones. Nothing is rounded.
#[test]
fn narrow_products_equal_the_sum_in_double_precision() {
    for precision in [Precision::F32, Precision::Bf16] {
        for narrow in [1, 15, 16, 17, 40, NARROW] {
            for (rows, depth, columns) in [(narrow, 259, 261), (263, narrow, 257), (257, 263, narrow)] {
                assert!(rows * depth * columns >= narrow * LARGE);
                for transposed in [(false, false), (false, true), (true, false), (true, true)] {
                    // Then it is not narrow that the product is, but its packed way that is taken, with numbers that are rounded already.
                    let halves = rows == narrow && transposed.1;
                    let case = Case {
                        precision,
                        rows,
                        depth,
                        columns,
                        gaps: (1, 2, 3),
                        transposed,
                        halves: (halves, halves),
                        keep: transposed.0,
                        scale: 0.37,
                        seed: 11,
                    };
                    case.check();
                }
            }
        }
    }
}

/// The order of a sum must not depend on which thread takes which piece.
#[test]
fn is_the_same_with_any_number_of_threads() {
    for precision in [Precision::F32, Precision::Bf16] {
        if !supported(precision) {
            continue;
        }
        let (rows, depth, columns) = (200, 700, 150);
        let left = Matrix::new((rows, depth), 0, false, false, 1);
        let right = Matrix::new((depth, columns), 0, true, false, 2);
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut out = vec![0.0; rows * columns];
            let target = Out::new(&mut out, rows, columns, columns);
            pool.install(|| product(precision, target, false, 1.0, &[(left.factor(), right.factor())]));
            out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        assert_eq!(with(1), with(3));
    }
}

/// Two terms, whose depths are odd, in one pass: what both give one after another.
#[test]
fn terms_are_added() {
    for precision in [Precision::F32, Precision::Bf16] {
        if !supported(precision) {
            continue;
        }
        for (rows, columns) in [(70, 100), (100, 70)] {
            let matrix = |shape, transposed, seed| Matrix::new(shape, 1, transposed, false, seed);
            let (left, right) = (matrix((rows, 601), false, 1), matrix((601, columns), true, 2));
            let (low, high) = (matrix((rows, 17), true, 3), matrix((17, columns), false, 4));
            let (one, other) = ((left.factor(), right.factor()), (low.factor(), high.factor()));
            let (mut together, mut apart) = (vec![1.0; rows * columns], vec![1.0; rows * columns]);
            product(precision, Out::new(&mut together, rows, columns, columns), true, 0.5, &[one, other]);
            product(precision, Out::new(&mut apart, rows, columns, columns), true, 0.5, &[one]);
            product(precision, Out::new(&mut apart, rows, columns, columns), true, 0.5, &[other]);
            for (together, apart) in together.iter().zip(apart) {
                assert!((together - apart).abs() < 1e-4, "{precision:?}: {together} instead of {apart}");
            }
        }
    }
}

#[test]
fn an_empty_product_is_zero_or_what_was_there() {
    if !supported(Precision::F32) {
        return;
    }
    let nothing = Numbers::F32(&[]);
    let mut out = [5.0; 6];
    for (keep, wanted) in [(true, 5.0), (false, 0.0)] {
        let (left, right) = (Factor::new(nothing, 2, 0, 0), Factor::new(nothing, 0, 3, 3));
        product(Precision::F32, Out::new(&mut out, 2, 3, 3), keep, 1.0, &[(left, right)]);
        assert_eq!(out, [wanted; 6]);
    }
    // Rows that are apart, and numbers behind them.
    let mut out = [5.0; 10];
    let (left, right) = (Factor::new(nothing, 2, 0, 0), Factor::new(nothing, 0, 3, 3));
    product(Precision::F32, Out::new(&mut out, 2, 3, 4), false, 1.0, &[(left, right)]);
    assert_eq!(out, [0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 5.0, 5.0, 5.0]);
    product(
        Precision::F32,
        Out::new(&mut [], 0, 3, 3),
        false,
        1.0,
        &[(Factor::new(nothing, 0, 4, 4), Factor::new(Numbers::F32(&[1.0; 12]), 4, 3, 3))],
    );
}

#[test]
#[should_panic(expected = "are not in")]
fn a_slice_that_is_too_short_is_refused() {
    Factor::new(Numbers::F32(&[0.0; 5]), 2, 3, 3);
}

#[test]
fn what_can_be_computed_costs_something() {
    for precision in [Precision::F32, Precision::Bf16] {
        let cost = precision.cost();
        assert_eq!(cost.is_some(), precision.supported());
        assert!(cost.is_none_or(|cost| cost.is_finite() && cost > 0.0), "{cost:?}");
    }
}
