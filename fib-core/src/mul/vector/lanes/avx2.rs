//! Four lanes: AVX2 and FMA.
#![allow(unsafe_code)]

use super::{Lanes, Permute};
use crate::arch::Avx2Fma;
use crate::mul::field::Op;
#[allow(clippy::wildcard_imports, reason = "the names of intrinsics say where they come from")]
use core::arch::x86_64::*;

#[target_feature(enable = "avx2,fma")]
fn run(op: impl Op) {
    op.run();
}

impl Lanes for Avx2Fma {
    vectors! {
        4 lanes of __m256d;
        add(a, b) = _mm256_add_pd(a, b);
        sub(a, b) = _mm256_sub_pd(a, b);
        mul(a, b) = _mm256_mul_pd(a, b);
        div(a, b) = _mm256_div_pd(a, b);
        mul_add(a, b, c) = _mm256_fmadd_pd(a, b, c);
        mul_sub(a, b, c) = _mm256_fmsub_pd(a, b, c);
        sub_mul(c, a, b) = _mm256_fnmadd_pd(a, b, c);
        floor(x) = _mm256_floor_pd(x);
        shift(before, x) = shifted(before, x);
    }

    #[inline(always)]
    fn run(self, op: impl Op) {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { run(op) }
    }

    #[inline(always)]
    fn load(self, row: &[f64; 4]) -> __m256d {
        // SAFETY: `self` proves that the CPU has the features; the row is as long as the vector, and need not be aligned.
        unsafe { _mm256_loadu_pd(row.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, row: &mut [f64; 4], x: __m256d) {
        // SAFETY: `self` proves that the CPU has the features; the row is as long as the vector, and need not be aligned.
        unsafe { _mm256_storeu_pd(row.as_mut_ptr(), x) }
    }

    #[inline(always)]
    fn splat(self, x: f64) -> __m256d {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { _mm256_set1_pd(x) }
    }

    #[inline(always)]
    fn at_least(self, a: __m256d, b: __m256d) -> u64 {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { at_least(a, b) }
    }

    #[inline(always)]
    fn add_where(self, mask: u64, x: __m256d, y: __m256d) -> __m256d {
        let lanes = self.load(&MASKS[(mask % 16) as usize]);
        // SAFETY: `self` proves that the CPU has the features.
        let y = unsafe { _mm256_and_pd(lanes, y) };
        self.add(x, y)
    }

    #[inline(always)]
    fn add_where_negative(self, x: __m256d, y: __m256d) -> __m256d {
        // SAFETY: `self` proves that the CPU has the features.
        let y = unsafe { where_negative(x, y) };
        self.add(x, y)
    }
}

impl Permute for Avx2Fma {
    #[inline(always)]
    fn transpose(self, x: [__m256d; 8]) -> [__m256d; 8] {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { transposed(x) }
    }

    #[inline(always)]
    fn unzip(self, a: __m256d, b: __m256d) -> (__m256d, __m256d) {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { unzipped(a, b) }
    }
}

/// For each mask, all ones in its lanes.
const MASKS: [[f64; 4]; 16] = {
    let mut masks = [[0.0; 4]; 16];
    let mut i = 0;
    while i < 64 {
        if (i / 4) >> (i % 4) & 1 == 1 {
            masks[i / 4][i % 4] = f64::from_bits(u64::MAX);
        }
        i += 1;
    }
    masks
};

/// `y` in the lanes with `x < 0`, 0 in the others.
#[inline]
#[target_feature(enable = "avx2")]
fn where_negative(x: __m256d, y: __m256d) -> __m256d {
    _mm256_and_pd(_mm256_cmp_pd::<_CMP_LT_OQ>(x, _mm256_setzero_pd()), y)
}

#[inline]
#[target_feature(enable = "avx2")]
#[expect(clippy::cast_sign_loss, reason = "a mask of four bits")]
fn at_least(a: __m256d, b: __m256d) -> u64 {
    _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_GE_OQ>(a, b)) as u64
}

#[inline]
#[target_feature(enable = "avx2")]
fn shifted(before: __m256d, x: __m256d) -> __m256d {
    // The upper half of `before` and the lower one of `x`.
    let middle = _mm256_permute2f128_pd::<0x21>(before, x);
    _mm256_shuffle_pd::<0b0101>(middle, x)
}

/// Transposes the matrix of the first four rows: exchanges lanes, then halves of 128 bits.
#[inline]
#[target_feature(enable = "avx2")]
fn transposed(x: [__m256d; 8]) -> [__m256d; 8] {
    let pairs = |a, b| [_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b)];
    let [x0, x1] = pairs(x[0], x[1]);
    let [x2, x3] = pairs(x[2], x[3]);
    let halves = |a, b| [_mm256_permute2f128_pd::<0x20>(a, b), _mm256_permute2f128_pd::<0x31>(a, b)];
    let [y0, y2] = halves(x0, x2);
    let [y1, y3] = halves(x1, x3);
    [y0, y1, y2, y3, y0, y1, y2, y3]
}

#[inline]
#[target_feature(enable = "avx2")]
fn unzipped(a: __m256d, b: __m256d) -> (__m256d, __m256d) {
    let low = _mm256_permute2f128_pd::<0x20>(a, b);
    let high = _mm256_permute2f128_pd::<0x31>(a, b);
    (_mm256_unpacklo_pd(low, high), _mm256_unpackhi_pd(low, high))
}
