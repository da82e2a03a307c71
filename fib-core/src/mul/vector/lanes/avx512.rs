//! Eight lanes: AVX-512 F and DQ.
#![allow(unsafe_code)]

use super::{Lanes, Permute};
use crate::arch::Avx512;
use crate::mul::field::Op;
#[allow(clippy::wildcard_imports, reason = "the names of intrinsics say where they come from")]
use core::arch::x86_64::*;

#[target_feature(enable = "avx512f,avx512dq")]
fn run(op: impl Op) {
    op.run();
}

impl Lanes for Avx512 {
    vectors! {
        8 lanes of __m512d;
        add(a, b) = _mm512_add_pd(a, b);
        sub(a, b) = _mm512_sub_pd(a, b);
        mul(a, b) = _mm512_mul_pd(a, b);
        div(a, b) = _mm512_div_pd(a, b);
        mul_add(a, b, c) = _mm512_fmadd_pd(a, b, c);
        mul_sub(a, b, c) = _mm512_fmsub_pd(a, b, c);
        sub_mul(c, a, b) = _mm512_fnmadd_pd(a, b, c);
        floor(x) = floor(x);
        shift(before, x) = shifted(before, x);
    }

    #[inline(always)]
    fn run(self, op: impl Op) {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { run(op) }
    }

    #[inline(always)]
    fn load(self, row: &[f64; 8]) -> __m512d {
        // SAFETY: `self` proves that the CPU has the features; the row is as long as the vector, and need not be aligned.
        unsafe { _mm512_loadu_pd(row.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, row: &mut [f64; 8], x: __m512d) {
        // SAFETY: `self` proves that the CPU has the features; the row is as long as the vector, and need not be aligned.
        unsafe { _mm512_storeu_pd(row.as_mut_ptr(), x) }
    }

    #[inline(always)]
    fn splat(self, x: f64) -> __m512d {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { _mm512_set1_pd(x) }
    }

    #[inline(always)]
    fn at_least(self, a: __m512d, b: __m512d) -> u64 {
        // SAFETY: `self` proves that the CPU has the features.
        u64::from(unsafe { _mm512_cmp_pd_mask::<_CMP_GE_OQ>(a, b) })
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "bits beyond the lanes are ignored")]
    fn add_where(self, mask: u64, x: __m512d, y: __m512d) -> __m512d {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { _mm512_mask_add_pd(x, mask as u8, x, y) }
    }

    #[inline(always)]
    fn add_where_negative(self, x: __m512d, y: __m512d) -> __m512d {
        // SAFETY: `self` proves that the CPU has the features.
        let negative = unsafe { negative(x) };
        self.add_where(negative.into(), x, y)
    }
}

impl Permute for Avx512 {
    #[inline(always)]
    fn transpose(self, x: [__m512d; 8]) -> [__m512d; 8] {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { transposed(x) }
    }

    #[inline(always)]
    fn unzip(self, a: __m512d, b: __m512d) -> (__m512d, __m512d) {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { unzipped(a, b) }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn floor(x: __m512d) -> __m512d {
    _mm512_roundscale_pd::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(x)
}

/// The lanes that are negative.
#[inline]
#[target_feature(enable = "avx512f")]
fn negative(x: __m512d) -> u8 {
    _mm512_cmp_pd_mask::<_CMP_LT_OQ>(x, _mm512_setzero_pd())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn shifted(before: __m512d, x: __m512d) -> __m512d {
    let (before, x) = (_mm512_castpd_si512(before), _mm512_castpd_si512(x));
    _mm512_castsi512_pd(_mm512_alignr_epi64::<7>(x, before))
}

/// Transposes the matrix: exchanges lanes, then quarters of 128 bits, then halves of 256 bits.
#[inline]
#[target_feature(enable = "avx512f")]
fn transposed(x: [__m512d; 8]) -> [__m512d; 8] {
    let pairs = |a, b| [_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b)];
    let [x0, x1] = pairs(x[0], x[1]);
    let [x2, x3] = pairs(x[2], x[3]);
    let [x4, x5] = pairs(x[4], x[5]);
    let [x6, x7] = pairs(x[6], x[7]);
    // The even quarters of both, and the odd ones.
    let quarters = |a, b| [_mm512_shuffle_f64x2::<0b10_00_10_00>(a, b), _mm512_shuffle_f64x2::<0b11_01_11_01>(a, b)];
    let [a0, a2] = quarters(x0, x2);
    let [a1, a3] = quarters(x1, x3);
    let [a4, a6] = quarters(x4, x6);
    let [a5, a7] = quarters(x5, x7);
    let [y0, y4] = quarters(a0, a4);
    let [y1, y5] = quarters(a1, a5);
    let [y2, y6] = quarters(a2, a6);
    let [y3, y7] = quarters(a3, a7);
    [y0, y1, y2, y3, y4, y5, y6, y7]
}

#[inline]
#[target_feature(enable = "avx512f")]
fn unzipped(a: __m512d, b: __m512d) -> (__m512d, __m512d) {
    let even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
    let odd = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
    (_mm512_permutex2var_pd(a, even, b), _mm512_permutex2var_pd(a, odd, b))
}
