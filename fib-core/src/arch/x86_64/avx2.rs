//! Kernels for AVX2: vectors of four limbs.
#![allow(unsafe_code)]

use super::addition::{VectorSum, Vectors, add_blocks};
use super::detect::Avx2;
use crate::arch::portable::{self, BINARY_BASE, bias};
use crate::limb::LIMB_DIGITS;
#[allow(clippy::wildcard_imports, reason = "the names of intrinsics say where they come from")]
use core::arch::x86_64::*;

/// Limbs in a vector.
const LANES: usize = 4;

impl Avx2 {
    /// As [`portable::decimal_text`].
    pub(crate) fn decimal_text(self, limbs: &[u64], out: &mut [u8]) {
        assert_eq!(Some(out.len()), limbs.len().checked_mul(LIMB_DIGITS), "the text of a limb has LIMB_DIGITS bytes");
        // SAFETY: `self` proves that the CPU has the feature.
        unsafe { text(limbs, out) }
    }
}

#[target_feature(enable = "avx2")]
fn add<const BASE: u64>(avx2: Avx2, a: &mut [u64], b: &[u64], carry: bool) -> bool {
    add_blocks::<BASE, LANES>(avx2, a, b, carry)
}

/// A lane of `carries` is -1 if it carries, else 0.
impl Vectors<LANES> for Avx2 {
    type Vector = __m256i;

    fn run<const BASE: u64>(self, a: &mut [u64], b: &[u64], carry: bool) -> bool {
        // SAFETY: `self` proves that the CPU has the feature.
        unsafe { add::<BASE>(self, a, b, carry) }
    }

    #[inline(always)]
    fn load(self, limbs: &[u64; LANES]) -> __m256i {
        // SAFETY: `self` proves that the CPU has the feature; the array is as long as the vector, and may be unaligned.
        unsafe { _mm256_loadu_si256(limbs.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, limbs: &mut [u64; LANES], vector: __m256i) {
        // SAFETY: `self` proves that the CPU has the feature; the array is as long as the vector, and may be unaligned.
        unsafe { _mm256_storeu_si256(limbs.as_mut_ptr().cast(), vector) }
    }

    #[inline(always)]
    fn zero(self) -> __m256i {
        // SAFETY: `self` proves that the CPU has the feature.
        unsafe { splat(0) }
    }

    #[inline(always)]
    fn carries(self, carry: bool) -> __m256i {
        // SAFETY: `self` proves that the CPU has the feature.
        unsafe { splat(u64::from(carry).wrapping_neg()) }
    }

    #[inline(always)]
    fn has_carry(self, carries: __m256i) -> bool {
        // SAFETY: `self` proves that the CPU has the feature.
        unsafe { _mm256_movemask_epi8(carries) < 0 }
    }

    #[inline(always)]
    fn sum<const BASE: u64>(self, a: __m256i, b: __m256i, below: __m256i) -> VectorSum<__m256i> {
        // SAFETY: `self` proves that the CPU has the feature.
        unsafe { sum::<BASE>(a, b, below) }
    }

    #[inline(always)]
    fn note_propagation(self, noted: __m256i, raw: __m256i) -> __m256i {
        // SAFETY: `self` proves that the CPU has the feature.
        unsafe { note_propagation(noted, raw) }
    }

    #[inline(always)]
    fn any_propagates(self, noted: __m256i) -> bool {
        // SAFETY: `self` proves that the CPU has the feature.
        unsafe { _mm256_testz_si256(noted, noted) == 0 }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn splat(x: u64) -> __m256i {
    _mm256_set1_epi64x(x.cast_signed())
}

/// AVX2 compares signed numbers only. With 2^63 added to both, unsigned numbers compare alike.
const OFFSET: u64 = 1 << 63;

/// [`Vectors::sum`]. The lanes of `raw` also have the offset added.
///
/// The bias makes a lane overflow exactly when its sum carries in the base; where it does not, the bias is subtracted again.
#[inline]
#[target_feature(enable = "avx2")]
fn sum<const BASE: u64>(a: __m256i, b: __m256i, below: __m256i) -> VectorSum<__m256i> {
    let offset_and_bias = splat(OFFSET.wrapping_add(bias(BASE)));
    let b = _mm256_add_epi64(b, offset_and_bias);
    let raw = _mm256_add_epi64(a, b);
    let carries = _mm256_cmpgt_epi64(b, raw);
    // Each lane moves up by one, and the lowest comes from below.
    let carries_in = _mm256_permute4x64_epi64::<0b10_01_00_11>(_mm256_blend_epi32::<0b1100_0000>(carries, below));
    let surplus =
        if BASE == BINARY_BASE { splat(OFFSET) } else { _mm256_blendv_epi8(offset_and_bias, splat(OFFSET), carries) };
    let limbs = _mm256_sub_epi64(_mm256_sub_epi64(raw, carries_in), surplus);
    VectorSum { raw, carries, limbs }
}

#[inline]
#[target_feature(enable = "avx2")]
fn note_propagation(noted: __m256i, raw: __m256i) -> __m256i {
    _mm256_or_si256(noted, _mm256_cmpeq_epi64(raw, splat(u64::MAX ^ OFFSET)))
}

/// Writes the text of two limbs at a time, then that of a last one.
#[target_feature(enable = "avx2")]
fn text(limbs: &[u64], out: &mut [u8]) {
    let (rest, pairs) = limbs.as_rchunks::<2>();
    let (out_pairs, out_rest) = out.as_chunks_mut::<{ 2 * LIMB_DIGITS }>();
    for (limbs, out) in pairs.iter().rev().zip(out_pairs) {
        pair_text(limbs, out);
    }
    portable::decimal_text(rest, out_rest);
}

/// Writes the text of two limbs.
///
/// Scalar arithmetic splits each limb into 3, 8 and 8 digits. The four groups of eight digits fill a vector, whose fields are
/// split as in the portable kernel, all at once. The leading digit of a lane ends up in its lowest byte.
#[inline]
#[target_feature(enable = "avx2")]
fn pair_text(limbs: &[u64; 2], out: &mut [u8; 2 * LIMB_DIGITS]) {
    const E8: u64 = 100_000_000;
    let [below, above] = limbs.map(|limb| (limb / E8 / E8, limb / E8 % E8, limb % E8));
    let eights =
        _mm256_set_epi64x(below.2.cast_signed(), below.1.cast_signed(), above.2.cast_signed(), above.1.cast_signed());
    let digits = eight_digits(eights);
    let (out_above, out_below) = out.split_at_mut(LIMB_DIGITS);
    write(out_above, above.0, _mm256_castsi256_si128(digits));
    write(out_below, below.0, _mm256_extracti128_si256::<1>(digits));
}

/// Writes the three leading digits of a limb and the sixteen that follow.
#[inline]
#[target_feature(enable = "avx2")]
fn write(out: &mut [u8], top: u64, digits: __m128i) {
    // Four bytes are one store; the store of the other digits overwrites the fourth.
    let [_, top @ .., _, _, _] = portable::digits_of_fours(top);
    if let Some(out) = out.first_chunk_mut() {
        *out = top;
    }
    if let Some(out) = out.last_chunk_mut() {
        store_16_bytes(out, digits);
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_16_bytes(to: &mut [u8; 16], v: __m128i) {
    // SAFETY: the array is as long as the vector, and the store needs no alignment.
    unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), v) }
}

/// The eight digits in ASCII of a number below 10^8 in each lane of 64 bits, the leading one in the lowest byte.
#[inline]
#[target_feature(enable = "avx2")]
fn eight_digits(n: __m256i) -> __m256i {
    // A quotient is a product with a rounded-up reciprocal, shifted right. It is exact for the numbers that occur here.
    let high = _mm256_srli_epi64::<45>(_mm256_mul_epu32(n, splat((1_u64 << 45).div_ceil(10_000))));
    let low = _mm256_sub_epi64(n, _mm256_mul_epu32(high, splat(10_000)));
    let fours = _mm256_or_si256(high, _mm256_slli_epi64::<32>(low));
    // x * 5243 >> 19 is x / 100 for x < 10^4.
    let high = _mm256_srli_epi16::<3>(_mm256_mulhi_epu16(fours, _mm256_set1_epi16(5_243)));
    let excess = _mm256_mullo_epi32(high, _mm256_set1_epi32((100 << 16) - 1));
    let twos = _mm256_sub_epi32(_mm256_slli_epi32::<16>(fours), excess);
    // x * 6554 >> 16 is x / 10 for x < 100.
    let high = _mm256_mulhi_epu16(twos, _mm256_set1_epi16(6_554));
    let excess = _mm256_mullo_epi16(high, _mm256_set1_epi16((10 << 8) - 1));
    let ones = _mm256_sub_epi16(_mm256_slli_epi16::<8>(twos), excess);
    _mm256_add_epi8(ones, _mm256_set1_epi8(b'0'.cast_signed()))
}
