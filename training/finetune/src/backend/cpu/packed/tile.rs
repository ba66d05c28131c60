//! The innermost loop. In: a panel of each factor. Out: a tile of the product, [`HEIGHT`] × [`WIDTH`], kept in registers while it is summed.

use std::arch::x86_64::{
    __m512, __m512bh, __m512i, _mm256_maskz_loadu_epi16, _mm512_castps_si512, _mm512_castsi512_ps,
    _mm512_cvtepu16_epi32, _mm512_cvtne2ps_pbh, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_loadu_epi16,
    _mm512_loadu_si512, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_mul_ps,
    _mm512_permutexvar_epi16, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_slli_epi32,
};

use half::bf16;

/// Rows of a tile.
pub(super) const HEIGHT: usize = 14;
/// Columns of a tile: two registers.
pub(super) const WIDTH: usize = 2 * LANES;
/// Words in a register.
pub(super) const LANES: usize = 16;

/// Numbers as a matrix has them.
pub(super) trait Source: Copy + Sync {
    /// As many numbers as `mask` has ones from the lowest bit on; the others are 0.
    ///
    /// # Safety
    /// AVX512F, BW, VL. Numbers under the mask are readable.
    unsafe fn load(at: *const Self, mask: u16) -> __m512;
}

impl Source for f32 {
    #[inline(always)]
    unsafe fn load(at: *const Self, mask: u16) -> __m512 {
        // SAFETY: the caller's.
        unsafe { _mm512_maskz_loadu_ps(mask, at) }
    }
}

impl Source for bf16 {
    #[inline(always)]
    unsafe fn load(at: *const Self, mask: u16) -> __m512 {
        // SAFETY: the caller's; `bf16` is two bytes, the upper ones of an `f32`.
        unsafe {
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(
                mask,
                at.cast(),
            ))))
        }
    }
}

/// How a panel's 32-bit words are made and multiplied.
pub(super) trait Arithmetic {
    /// Numbers in a word, consecutive in depth.
    const NUMBERS: usize;

    /// Up to 16 words of a line whose `count` numbers lie one after another.
    ///
    /// # Safety
    /// The instructions are there. `count` numbers are readable.
    unsafe fn along<S: Source>(at: *const S, count: usize) -> __m512i;

    /// A word of each line under `mask`, lines beside each other; `next` is where their following numbers are, if any are left.
    ///
    /// # Safety
    /// The instructions are there. Numbers under the mask are readable.
    unsafe fn across<S: Source>(at: *const S, next: Option<*const S>, mask: u16) -> __m512i;

    /// `sum + left · right` for each word of `right`.
    ///
    /// # Safety
    /// The instructions are there.
    unsafe fn add(sum: __m512, left: i32, right: __m512i) -> __m512;

    /// [`tile`], compiled for the instructions.
    ///
    /// # Safety
    /// As [`tile`], and the instructions are there.
    unsafe fn run(words: usize, left: *const u32, right: *const u32, target: Target);

    /// [`pack`](super::panels::pack) for a panel of `LINES`, compiled for the instructions.
    ///
    /// # Safety
    /// As there, and the instructions are there.
    unsafe fn fill<S: Source, const LINES: usize>(
        panel: *mut u32,
        words: usize,
        from: super::panels::Piece<S>,
    );
}

/// The lowest `count` bits, of at most 16.
#[inline(always)]
pub(super) fn mask(count: usize) -> u16 {
    ((1_u32 << count.min(LANES)) - 1) as u16
}

/// `f32`, by fused multiply and add.
pub(super) struct Single;

impl Arithmetic for Single {
    const NUMBERS: usize = 1;

    #[inline(always)]
    unsafe fn along<S: Source>(at: *const S, count: usize) -> __m512i {
        // SAFETY: the caller's.
        unsafe { _mm512_castps_si512(S::load(at, mask(count))) }
    }

    #[inline(always)]
    unsafe fn across<S: Source>(at: *const S, _next: Option<*const S>, mask: u16) -> __m512i {
        // SAFETY: the caller's.
        unsafe { _mm512_castps_si512(S::load(at, mask)) }
    }

    #[inline(always)]
    unsafe fn add(sum: __m512, left: i32, right: __m512i) -> __m512 {
        // SAFETY: the caller's.
        unsafe {
            _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_set1_epi32(left)), _mm512_castsi512_ps(right), sum)
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn run(words: usize, left: *const u32, right: *const u32, target: Target) {
        // SAFETY: the caller's.
        unsafe { tile::<Self>(words, left, right, target) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn fill<S: Source, const LINES: usize>(
        panel: *mut u32,
        words: usize,
        from: super::panels::Piece<S>,
    ) {
        // SAFETY: the caller's.
        unsafe { super::panels::pack::<Self, S, LINES>(panel, words, from) }
    }
}

/// Pairs of `bf16`, by AVX512-BF16.
pub(super) struct Half;

impl Arithmetic for Half {
    const NUMBERS: usize = 2;

    #[inline(always)]
    unsafe fn along<S: Source>(at: *const S, count: usize) -> __m512i {
        // SAFETY: the caller's; the second address is not read where no number is left for it.
        unsafe {
            let first = S::load(at, mask(count));
            let second = S::load(at.wrapping_add(LANES), mask(count.saturating_sub(LANES)));
            std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(second, first))
        }
    }

    #[inline(always)]
    unsafe fn across<S: Source>(at: *const S, next: Option<*const S>, mask: u16) -> __m512i {
        // SAFETY: the caller's.
        unsafe {
            let first = S::load(at, mask);
            let second = match next {
                Some(next) => S::load(next, mask),
                None => _mm512_setzero_ps(),
            };
            let both = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(second, first));
            _mm512_permutexvar_epi16(_mm512_loadu_epi16(BESIDE.as_ptr()), both)
        }
    }

    #[inline(always)]
    unsafe fn add(sum: __m512, left: i32, right: __m512i) -> __m512 {
        // SAFETY: the caller's; both types are 512 bits of anything.
        unsafe {
            let left = std::mem::transmute::<__m512i, __m512bh>(_mm512_set1_epi32(left));
            _mm512_dpbf16_ps(sum, left, std::mem::transmute::<__m512i, __m512bh>(right))
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    unsafe fn run(words: usize, left: *const u32, right: *const u32, target: Target) {
        // SAFETY: the caller's.
        unsafe { tile::<Self>(words, left, right, target) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    unsafe fn fill<S: Source, const LINES: usize>(
        panel: *mut u32,
        words: usize,
        from: super::panels::Piece<S>,
    ) {
        // SAFETY: the caller's.
        unsafe { super::panels::pack::<Self, S, LINES>(panel, words, from) }
    }
}

/// Puts number `i` of the lower half beside number `i` of the upper half.
const BESIDE: [i16; 2 * LANES] = {
    let mut order = [0; 2 * LANES];
    let mut at = 0;
    while at < LANES {
        order[2 * at] = at as i16;
        order[2 * at + 1] = (at + LANES) as i16;
        at += 1;
    }
    order
};

/// Where a tile goes.
#[derive(Clone, Copy)]
pub(super) struct Target {
    /// Its first number.
    pub(super) at: *mut f32,
    /// From one row to the next.
    pub(super) stride: usize,
    /// Rows of the tile that the product has.
    pub(super) rows: usize,
    /// Columns of the tile that the product has.
    pub(super) columns: usize,
    /// What sums are multiplied by.
    pub(super) scale: f32,
    /// Whether they are added to what is there.
    pub(super) keep: bool,
}

/// Multiplies a panel of [`HEIGHT`] lines with one of [`WIDTH`], both `words` deep.
///
/// # Safety
/// The panels have so many words, `right` is followed by nothing that need be readable, and the target's rows and columns are writable.
#[inline(always)]
unsafe fn tile<A: Arithmetic>(words: usize, mut left: *const u32, mut right: *const u32, target: Target) {
    // SAFETY: the caller's; a word of `left` is read for each row, one of `right` for each column, `words` times.
    unsafe {
        let mut sums = [[_mm512_setzero_ps(); 2]; HEIGHT];
        for _ in 0..words {
            let (low, high) = (_mm512_loadu_si512(right.cast()), _mm512_loadu_si512(right.add(LANES).cast()));
            for (row, [one, two]) in sums.iter_mut().enumerate() {
                let factor = *left.add(row) as i32;
                *one = A::add(*one, factor, low);
                *two = A::add(*two, factor, high);
            }
            left = left.add(HEIGHT);
            right = right.add(WIDTH);
        }
        let scale = _mm512_set1_ps(target.scale);
        let (near, far) = (mask(target.columns), mask(target.columns.saturating_sub(LANES)));
        for (row, [one, two]) in sums.into_iter().enumerate() {
            if row < target.rows {
                let at = target.at.add(row * target.stride);
                let beside = at.wrapping_add(LANES);
                let (mut one, mut two) = (_mm512_mul_ps(one, scale), _mm512_mul_ps(two, scale));
                if target.keep {
                    one = std::arch::x86_64::_mm512_add_ps(one, _mm512_maskz_loadu_ps(near, at));
                    two = std::arch::x86_64::_mm512_add_ps(two, _mm512_maskz_loadu_ps(far, beside));
                }
                _mm512_mask_storeu_ps(at, near, one);
                _mm512_mask_storeu_ps(beside, far, two);
            }
        }
    }
}
