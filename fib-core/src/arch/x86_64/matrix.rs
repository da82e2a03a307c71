//! The product of a matrix and a pair of decimal numbers with AVX-512 (F and DQ), eight limbs of each number at a time.
#![allow(unsafe_code)]

#[allow(clippy::wildcard_imports, reason = "the names of intrinsics say where they come from")]
use core::arch::x86_64::*;

use super::avx512::{load, splat};
use super::detect::Avx512;
use crate::arch::matrix::{Matrix, multiply_in_place, rows_up_to};
use crate::limb::DECIMAL_BASE;
use crate::small::{FIBONACCI, last_with_sum_below};

/// Limbs in a vector.
const LANES: usize = 8;

/// The most steps that one product can stand for. Quotients are estimated in `f64`, so a row has to be shorter than in portable
/// code.
pub(in crate::arch) const STEPS_MAX: usize = last_with_sum_below(1 << 49);

/// The largest sum of the two entries of a row.
pub(in crate::arch) const ROW_MAX: u64 = FIBONACCI[STEPS_MAX] + FIBONACCI[STEPS_MAX + 1];

impl Avx512 {
    /// As [`multiply_in_place`] in decimal, for shorter rows, and without carries in.
    ///
    /// # Panics
    ///
    /// If the lengths differ, or the entries of a row add up to more than [`ROW_MAX`].
    #[must_use]
    pub(in crate::arch) fn multiply_decimal_in_place(self, a: &mut [u64], b: &mut [u64], matrix: &Matrix) -> [u64; 2] {
        assert!(a.len() == b.len() && rows_up_to(matrix, ROW_MAX), "a product needs equal lengths and short rows");
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { multiply(a, b, matrix) }
    }
}

#[target_feature(enable = "avx512f,avx512dq")]
fn multiply(a: &mut [u64], b: &mut [u64], matrix: &Matrix) -> [u64; 2] {
    let (a, a_rest) = a.as_chunks_mut::<LANES>();
    let (b, b_rest) = b.as_chunks_mut::<LANES>();
    let rows = [Row::new(matrix[0]), Row::new(matrix[1])];
    let mut carries = [Carry { quotients: splat(0), one: 0 }; 2];
    for (a, b) in a.iter_mut().zip(b) {
        let limbs = [load(a), load(b)];
        let floats = [_mm512_cvtepu64_pd(limbs[0]), _mm512_cvtepu64_pd(limbs[1])];
        store(a, rows[0].multiply(limbs, floats, &mut carries[0]));
        store(b, rows[1].multiply(limbs, floats, &mut carries[1]));
    }
    multiply_in_place::<DECIMAL_BASE>(a_rest, b_rest, matrix, [carries[0].into_limb(), carries[1].into_limb()])
}

const _: () = assert!(ROW_MAX < 1 << 49 && 401 * ROW_MAX < 25 << 53);

/// A row in all lanes, and its entries divided by the base.
struct Row {
    entries: [__m512i; 2],
    ratios: [__m512d; 2],
}

/// What the next eight limbs take from those below.
#[derive(Clone, Copy)]
struct Carry {
    /// Quotients. The highest lane belongs to the next limb.
    quotients: __m512i,
    /// Another one, or zero.
    one: u32,
}

impl Row {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the entries are below 2^53, and so are those of 10^19 = 5^19 · 2^19"
    )]
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(row: [u64; 2]) -> Self {
        let ratio = |entry: u64| _mm512_set1_pd(entry as f64 / DECIMAL_BASE as f64);
        Self { entries: [splat(row[0]), splat(row[1])], ratios: [ratio(row[0]), ratio(row[1])] }
    }

    /// The limbs of n = p·x + q·y + `carry`, in each lane a limb.
    ///
    /// The quotient n / B by the base is estimated as x·(p/B) + y·(q/B) − 1/4 in `f64`. No term is rounded more than four
    /// times, so without the 1/4 the error is below 4.01·2^-53·[`ROW_MAX`], which is below 1/4 (asserted below). So the
    /// estimate is too small, by less than 1/2, and its integer part is too small by at most one. A small negative estimate
    /// becomes zero, which is right.
    ///
    /// What the estimated quotient leaves is below 3/2·B. With the quotient of the limb below and a carry it is less than
    /// 2^64 and less than 2·B, so each lane carries at most once more. Where that happens, the lane generates a carry; a sum
    /// of B − 1 would propagate one. One addition of the two masks, as bits of an integer, moves the carries through all
    /// lanes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn multiply(&self, limbs: [__m512i; 2], floats: [__m512d; 2], carry: &mut Carry) -> __m512i {
        let [p, q] = self.entries;
        let low = _mm512_add_epi64(_mm512_mullo_epi64(p, limbs[0]), _mm512_mullo_epi64(q, limbs[1]));
        let estimate = _mm512_fmadd_pd(floats[1], self.ratios[1], _mm512_set1_pd(-0.25));
        let estimate = _mm512_fmadd_pd(floats[0], self.ratios[0], estimate);
        let quotients = _mm512_cvttpd_epi64(estimate);
        let base = splat(DECIMAL_BASE);
        let remainders = _mm512_sub_epi64(low, _mm512_mullo_epi64(quotients, base));
        let sums = _mm512_add_epi64(remainders, _mm512_alignr_epi64::<7>(quotients, carry.quotients));
        carry.quotients = quotients;
        let generate = u32::from(_mm512_cmpge_epu64_mask(sums, base));
        let propagate = u32::from(_mm512_cmpeq_epu64_mask(sums, splat(DECIMAL_BASE - 1)));
        let chains = (generate << 1 | carry.one) + propagate;
        carry.one = chains >> LANES;
        #[expect(clippy::cast_possible_truncation, reason = "one bit for each lane")]
        let ones = (chains ^ propagate) as __mmask8;
        let sums = _mm512_mask_add_epi64(sums, ones, sums, splat(1));
        // Where a sum is below the base, the difference wraps and is larger.
        _mm512_min_epu64(sums, _mm512_sub_epi64(sums, base))
    }
}

impl Carry {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn into_limb(self) -> u64 {
        let mut quotients = [0; LANES];
        store(&mut quotients, self.quotients);
        quotients[LANES - 1] + u64::from(self.one)
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(to: &mut [u64; LANES], v: __m512i) {
    // SAFETY: the array is as long as the vector, and the store needs no alignment.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), v) }
}
