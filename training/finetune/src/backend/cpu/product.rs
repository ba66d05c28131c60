//! Products of matrices: in `f32` through crate `gemm`, which chooses its kernel by the processor; in `bf16` over [`packed`] panels.
#![expect(unsafe_code, reason = "gemm takes pointers; what it may touch is checked before")]

use gemm::Parallelism;

use super::packed::{self, Factor, Numbers, Out, Precision};

/// How products of a pool are computed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Means {
    pub(super) threads: usize,
    /// One that the processor supports.
    pub(super) precision: Precision,
}

/// A matrix that is read: element `(i, j)` is at `i · down + j · right`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid<'a> {
    data: &'a [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    down: usize,
    right: usize,
}

impl<'a> Grid<'a> {
    /// Row-major, `stride` from one row to the next.
    pub(super) fn new(data: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        Self { data, rows, columns, down: stride, right: 1 }
    }

    pub(super) fn transpose(self) -> Self {
        Self { rows: self.columns, columns: self.rows, down: self.right, right: self.down, ..self }
    }

    fn factor(self) -> Factor<'a> {
        let numbers = Numbers::F32(self.data);
        if self.right == 1 {
            Factor::new(numbers, self.rows, self.columns, self.down)
        } else {
            Factor::new(numbers, self.columns, self.rows, self.right).transpose()
        }
    }

    fn check(&self) {
        if self.rows > 0 && self.columns > 0 {
            assert!((self.rows - 1) * self.down + (self.columns - 1) * self.right < self.data.len());
        }
    }
}

/// A matrix that is written, row-major.
#[derive(Debug)]
pub(super) struct GridMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    columns: usize,
    stride: usize,
}

impl<'a> GridMut<'a> {
    pub(super) fn new(data: &'a mut [f32], rows: usize, columns: usize, stride: usize) -> Self {
        Self { data, rows, columns, stride }
    }

    fn again(&mut self) -> GridMut<'_> {
        GridMut { data: self.data, ..*self }
    }
}

/// `out = scale · left · right + keep · out` on this thread; `keep` is 0 or 1.
pub(super) fn product(out: GridMut<'_>, keep: f32, scale: f32, left: Grid<'_>, right: Grid<'_>) {
    multiply(out, keep, scale, left, right, Parallelism::None);
}

/// The same on all threads of the pool that it is called in.
pub(super) fn parallel(
    out: GridMut<'_>,
    keep: f32,
    scale: f32,
    left: Grid<'_>,
    right: Grid<'_>,
    means: Means,
) {
    match means.precision {
        Precision::F32 if !means.precision.supported() => {
            let threads = means.threads;
            let parallelism = if threads > 1 { Parallelism::Rayon(threads) } else { Parallelism::None };
            multiply(out, keep, scale, left, right, parallelism);
        }
        precision => {
            assert!(keep == 0.0 || keep == 1.0);
            let out = Out::new(out.data, out.rows, out.columns, out.stride);
            packed::product(precision, out, keep != 0.0, scale, &[(left.factor(), right.factor())]);
        }
    }
}

/// `out = left · right + low · high + keep · out`, of which the second product is a small one: in one pass where that can be.
pub(super) fn parallel_with(
    mut out: GridMut<'_>,
    keep: f32,
    (left, right): (Grid<'_>, Grid<'_>),
    (low, high): (Grid<'_>, Grid<'_>),
    means: Means,
) {
    if means.precision.supported() {
        assert!(keep == 0.0 || keep == 1.0);
        let terms = [(left.factor(), right.factor()), (low.factor(), high.factor())];
        let out = Out::new(out.data, out.rows, out.columns, out.stride);
        packed::product(means.precision, out, keep != 0.0, 1.0, &terms);
    } else {
        parallel(out.again(), keep, 1.0, left, right, means);
        parallel(out, 1.0, 1.0, low, high, means);
    }
}

fn multiply(
    out: GridMut<'_>,
    keep: f32,
    scale: f32,
    left: Grid<'_>,
    right: Grid<'_>,
    parallelism: Parallelism,
) {
    assert_eq!((out.rows, out.columns), (left.rows, right.columns));
    assert_eq!(left.columns, right.rows);
    assert!(keep == 0.0 || keep == 1.0);
    left.check();
    right.check();
    if out.rows == 0 || out.columns == 0 {
        return;
    }
    assert!(out.columns <= out.stride);
    assert!((out.rows - 1) * out.stride + out.columns <= out.data.len());
    // SAFETY: all three matrices lie within their slices, as asserted above; `out` is borrowed mutably, so it overlaps neither, and its
    // rows do not overlap each other. Strides come of slices' lengths, so they fit `isize`.
    unsafe {
        gemm::gemm(
            out.rows,
            out.columns,
            left.columns,
            out.data.as_mut_ptr(),
            1,
            out.stride as isize,
            keep != 0.0,
            left.data.as_ptr(),
            left.right as isize,
            left.down as isize,
            right.data.as_ptr(),
            right.right as isize,
            right.down as isize,
            keep,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_orientation_and_part_is_right() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let means = Means { threads: 2, precision: Precision::F32 };
        for (m, n, k) in [(1, 1, 1), (3, 5, 7), (17, 33, 20), (64, 65, 3), (200, 130, 90)] {
            for turned in 0..4 {
                let (turn_left, turn_right) = (turned & 1 == 1, turned & 2 == 2);
                let (stride_left, stride_right) = (m.max(k) + 2, n.max(k) + 1);
                let value = |index: usize| ((index * 37 + 11) % 23) as f32 - 11.0;
                let left: Vec<f32> = (0..stride_left * stride_left).map(value).collect();
                let right: Vec<f32> =
                    (0..stride_right * stride_right).map(|index| value(index + 5)).collect();
                let a = |i: usize, p: usize| {
                    if turn_left { left[p * stride_left + i] } else { left[i * stride_left + p] }
                };
                let b = |p: usize, j: usize| {
                    if turn_right { right[j * stride_right + p] } else { right[p * stride_right + j] }
                };
                let grid = |data, rows, columns, stride, turned: bool| {
                    if turned {
                        Grid::new(data, columns, rows, stride).transpose()
                    } else {
                        Grid::new(data, rows, columns, stride)
                    }
                };
                for keep in [0.0, 1.0] {
                    let mut out = vec![1.0; m * (n + 3)];
                    let grids = (
                        grid(&left, m, k, stride_left, turn_left),
                        grid(&right, k, n, stride_right, turn_right),
                    );
                    pool.install(|| {
                        parallel(GridMut::new(&mut out, m, n, n + 3), keep, 0.5, grids.0, grids.1, means)
                    });
                    for i in 0..m {
                        for j in 0..n + 3 {
                            let sum: f32 = if j < n { (0..k).map(|p| a(i, p) * b(p, j)).sum() } else { 0.0 };
                            let expected = if j < n { 0.5 * sum + keep } else { 1.0 };
                            assert_eq!(out[i * (n + 3) + j], expected, "{m} {n} {k} {turned} at {i} {j}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic]
    fn what_lies_outside_is_refused() {
        let mut out = [0.0; 4];
        product(
            GridMut::new(&mut out, 2, 2, 2),
            0.0,
            1.0,
            Grid::new(&[0.0; 5], 2, 3, 3),
            Grid::new(&[0.0; 6], 3, 2, 2),
        );
    }
}
