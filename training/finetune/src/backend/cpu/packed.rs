//! Matrix products for processors with AVX-512. In: two matrices of `f32` or `bf16`. Out: their product in `f32`. It must not know layers.
//!
//! Both matrices are copied into panels that the innermost loop reads from front to back (Goto and van de Geijn, "Anatomy of
//! High-Performance Matrix Multiplication", 2008). The smaller side is packed once, the other one piece by piece by the threads that use
//! it, so threads wait for each other once. In [`Precision::Bf16`] numbers are rounded to nearest even while they are packed, and sums are
//! kept in `f32`. Where one size is [narrow](NARROW) and the others are not, the large factor is read where it is, and nothing is rounded.
//! Each number of the result is summed in an order that depends on the sizes alone, never on threads.

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "instructions of the processor, and buffers that threads share")]
mod blocks;
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "instructions of the processor, and buffers that threads share")]
mod narrow;
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "instructions of the processor, and buffers that threads share")]
mod panels;
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "instructions of the processor, and buffers that threads share")]
mod tile;

use std::time::Instant;

use half::bf16;

/// Up to here a size is narrow: what LoRA has as its rank, for up to three layers that read the same input.
pub const NARROW: usize = 48;

/// What the other two sizes come to at least, multiplied, where a narrow one makes a difference.
pub const LARGE: usize = 1 << 16;

/// What products compute in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Precision {
    /// `f32` throughout.
    F32,
    /// Factors rounded to `bf16`, products and sums in `f32`: AVX512-BF16, which also takes subnormal numbers for zero.
    Bf16,
}

impl Precision {
    /// Whether this processor has the instructions. Where it has not, another product has to be taken: there is no emulation here.
    pub fn supported(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            let wide = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl");
            match self {
                Self::F32 => wide,
                Self::Bf16 => wide && is_x86_feature_detected!("avx512bf16"),
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            false
        }
    }

    /// How long a product of a model's size takes in it, over how long it takes in `f32`: some milliseconds to measure. Processors that
    /// have the instructions differ in how fast these are. `None` where it, or `f32`, has no instructions.
    pub fn cost(self) -> Option<f64> {
        const ROWS: usize = 112;
        const WIDTH: usize = 768;
        if !self.supported() || !Self::F32.supported() {
            return None;
        }
        let (left, right) = (vec![0.5_f32; ROWS * WIDTH], vec![0.5_f32; WIDTH * WIDTH]);
        let mut out = vec![0.0; ROWS * WIDTH];
        let mut seconds = |precision| {
            let started = Instant::now();
            let out = Out::new(&mut out, ROWS, WIDTH, WIDTH);
            let left = Factor::new(Numbers::F32(&left), ROWS, WIDTH, WIDTH);
            let right = Factor::new(Numbers::F32(&right), WIDTH, WIDTH, WIDTH);
            product(precision, out, false, 1.0, &[(left, right)]);
            started.elapsed().as_secs_f64()
        };
        // In turns, and the least of several: what else runs on the machine can only add.
        let mut least = [f64::INFINITY; 2];
        for _ in 0..8 {
            least[0] = least[0].min(seconds(self));
            least[1] = least[1].min(seconds(Self::F32));
        }
        Some(least[0] / least[1])
    }
}

/// Where a matrix's numbers are.
#[derive(Clone, Copy, Debug)]
pub enum Numbers<'a> {
    /// Single precision.
    F32(&'a [f32]),
    /// The upper half of single precision.
    Bf16(&'a [bf16]),
}

/// A matrix that is read, row-major.
#[derive(Clone, Copy, Debug)]
pub struct Factor<'a> {
    numbers: Numbers<'a>,
    rows: usize,
    columns: usize,
    row_step: usize,
    column_step: usize,
}

impl<'a> Factor<'a> {
    /// `rows × columns` numbers, `stride` from one row to the next.
    ///
    /// # Panics
    /// Where the slice is too short.
    pub fn new(numbers: Numbers<'a>, rows: usize, columns: usize, stride: usize) -> Self {
        let length = match numbers {
            Numbers::F32(numbers) => numbers.len(),
            Numbers::Bf16(numbers) => numbers.len(),
        };
        assert!(
            fits(length, rows, columns, stride),
            "{rows} × {columns}, {stride} apart, are not in {length} numbers"
        );
        Self { numbers, rows, columns, row_step: stride, column_step: 1 }
    }

    /// Its transpose.
    #[must_use]
    pub fn transpose(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_step: self.column_step,
            column_step: self.row_step,
            ..self
        }
    }
}

/// A matrix that is written, row-major.
#[derive(Debug)]
pub struct Out<'a> {
    numbers: &'a mut [f32],
    rows: usize,
    columns: usize,
    stride: usize,
}

impl<'a> Out<'a> {
    /// `rows × columns` numbers, `stride` from one row to the next.
    ///
    /// # Panics
    /// Where the slice is too short, or rows overlap.
    pub fn new(numbers: &'a mut [f32], rows: usize, columns: usize, stride: usize) -> Self {
        assert!(
            fits(numbers.len(), rows, columns, stride),
            "{rows} × {columns}, {stride} apart, are not in {} numbers",
            numbers.len()
        );
        Self { numbers, rows, columns, stride }
    }
}

fn fits(length: usize, rows: usize, columns: usize, stride: usize) -> bool {
    rows == 0 || columns == 0 || ((rows == 1 || stride >= columns) && (rows - 1) * stride + columns <= length)
}

/// `out = scale · Σ left · right` over the terms, added to what is there where `keep`. Several terms are computed in one pass over `out`.
///
/// # Panics
/// Where the shapes do not fit together, or the processor does not have the instructions: see [`Precision::supported`].
pub fn product(
    precision: Precision,
    mut out: Out<'_>,
    keep: bool,
    scale: f32,
    terms: &[(Factor<'_>, Factor<'_>)],
) {
    assert!(precision.supported(), "this processor has no instructions for {precision:?}");
    for (left, right) in terms {
        let shapes = (left.rows, right.columns, right.rows);
        assert_eq!((out.rows, out.columns, left.columns), shapes, "shapes of a product");
    }
    if out.rows == 0 || out.columns == 0 {
        return;
    }
    if terms.iter().all(|(left, _)| left.columns == 0) {
        if !keep {
            // What lies behind the last row is not the product's, and may be shorter than one.
            let rows = out.numbers.chunks_mut(out.stride.max(out.columns)).take(out.rows);
            rows.for_each(|row| row[..out.columns].fill(0.0));
        }
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if let [(left, right)] = terms
        && narrow::multiply(&mut out, keep, scale, *left, *right)
    {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    match precision {
        Precision::F32 => blocks::multiply::<tile::Single>(out, keep, scale, terms),
        Precision::Bf16 => blocks::multiply::<tile::Half>(out, keep, scale, terms),
    }
}
