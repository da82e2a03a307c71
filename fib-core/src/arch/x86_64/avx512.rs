//! Kernels for AVX-512: vectors of eight limbs. Addition needs F and DQ, text also BW, IFMA and VBMI.
#![allow(unsafe_code)]

use super::addition::{VectorSum, Vectors, add_blocks};
use super::detect::{Avx512, Avx512Text};
use crate::arch::portable::{self, BINARY_BASE, bias};
use crate::limb::LIMB_DIGITS;
#[allow(clippy::wildcard_imports, reason = "the names of intrinsics say where they come from")]
use core::arch::x86_64::*;

/// Limbs in a vector.
const LANES: usize = 8;

impl Avx512Text {
    /// As [`portable::decimal_text`].
    pub(crate) fn decimal_text(self, limbs: &[u64], out: &mut [u8]) {
        assert_eq!(Some(out.len()), limbs.len().checked_mul(LIMB_DIGITS), "the text of a limb has LIMB_DIGITS bytes");
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { text(limbs, out) }
    }
}

#[target_feature(enable = "avx512f,avx512dq")]
fn add<const BASE: u64>(avx512: Avx512, a: &mut [u64], b: &[u64], carry: bool) -> bool {
    add_blocks::<BASE, LANES>(avx512, a, b, carry)
}

/// A lane of `carries` is 1 if it carries, else 0.
impl Vectors<LANES> for Avx512 {
    type Vector = __m512i;

    fn run<const BASE: u64>(self, a: &mut [u64], b: &[u64], carry: bool) -> bool {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { add::<BASE>(self, a, b, carry) }
    }

    #[inline(always)]
    fn load(self, limbs: &[u64; LANES]) -> __m512i {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { load(limbs) }
    }

    #[inline(always)]
    fn store(self, limbs: &mut [u64; LANES], vector: __m512i) {
        // SAFETY: `self` proves that the CPU has the features; the array is as long as the vector, and may be unaligned.
        unsafe { _mm512_storeu_si512(limbs.as_mut_ptr().cast(), vector) }
    }

    #[inline(always)]
    fn zero(self) -> __m512i {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { zero() }
    }

    #[inline(always)]
    fn carries(self, carry: bool) -> __m512i {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { splat(u64::from(carry)) }
    }

    #[inline(always)]
    fn has_carry(self, carries: __m512i) -> bool {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { _mm512_test_epi64_mask(carries, carries) >> (LANES - 1) != 0 }
    }

    #[inline(always)]
    fn sum<const BASE: u64>(self, a: __m512i, b: __m512i, below: __m512i) -> VectorSum<__m512i> {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { sum::<BASE>(a, b, below) }
    }

    /// Keeps the larger of each two lanes, since a lane that propagates is the largest possible.
    #[inline(always)]
    fn note_propagation(self, noted: __m512i, raw: __m512i) -> __m512i {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { _mm512_max_epu64(noted, raw) }
    }

    #[inline(always)]
    fn any_propagates(self, noted: __m512i) -> bool {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { any_propagates(noted) }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load(from: &[u64; LANES]) -> __m512i {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn splat(x: u64) -> __m512i {
    _mm512_set1_epi64(x.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn zero() -> __m512i {
    _mm512_setzero_si512()
}

/// [`Vectors::sum`].
///
/// The bias makes a lane overflow exactly when its sum carries in the base; where it does not, the bias is subtracted again.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn sum<const BASE: u64>(a: __m512i, b: __m512i, below: __m512i) -> VectorSum<__m512i> {
    let bias = splat(bias(BASE));
    let b = _mm512_add_epi64(b, bias);
    let raw = _mm512_add_epi64(a, b);
    // The carry out of each bit is a & b | (a | b) & !raw. The highest bit has the carry out of the lane.
    let overflow = _mm512_ternarylogic_epi64::<0b1101_0100>(a, b, raw);
    let carries = _mm512_srli_epi64::<63>(overflow);
    let mut limbs = _mm512_add_epi64(raw, _mm512_alignr_epi64::<7>(carries, below));
    if BASE != BINARY_BASE {
        limbs = _mm512_mask_sub_epi64(limbs, !_mm512_movepi64_mask(overflow), limbs, bias);
    }
    VectorSum { raw, carries, limbs }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn any_propagates(largest: __m512i) -> bool {
    _mm512_cmpeq_epi64_mask(largest, splat(u64::MAX)) != 0
}

/// Writes the text of eight limbs at a time. If less than eight remain, the least significant ones, the last step still
/// takes eight limbs: its text overlaps that of the step before.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
fn text(limbs: &[u64], out: &mut [u8]) {
    let (lowest, eights) = limbs.as_rchunks::<LANES>();
    let (out_eights, _) = out.as_chunks_mut::<TEXT>();
    for (limbs, out) in eights.iter().rev().zip(out_eights) {
        eight_limbs(limbs, out);
    }
    if !lowest.is_empty() {
        match (limbs.first_chunk(), out.last_chunk_mut()) {
            (Some(limbs), Some(out)) => eight_limbs(limbs, out),
            _ => portable::decimal_text(limbs, out),
        }
    }
}

/// Bytes of the text of eight limbs.
const TEXT: usize = LANES * LIMB_DIGITS;

/// Where the bytes of the text come from, as indices for the permutations in [`eight_limbs`], and which of the bytes are top
/// digits.
#[expect(clippy::cast_possible_truncation, reason = "indices below 128")]
static LAYOUT: ([[u8; 64]; 3], [u64; 3]) = {
    let (mut index, mut top) = ([[0; 64]; 3], [0; 3]);
    let mut at = 0;
    while at < TEXT {
        let lane = LANES - 1 - at / LIMB_DIGITS;
        let digit = at % LIMB_DIGITS;
        index[at / 64][at % 64] = match digit {
            0..3 => 8 * lane + 1 + digit,
            3..11 => 8 * lane + digit - 3,
            _ => 64 + 8 * lane + digit - 11,
        } as u8;
        if digit < 3 {
            top[at / 64] |= 1 << (at % 64);
        }
        at += 1;
    }
    (index, top)
};

/// Writes the text of eight limbs.
///
/// Each lane splits its limb into 3, 8 and 8 digits. Then the fields of all lanes are split at once, as in the portable
/// kernel, and permutations bring the 19 digits of each limb together, the highest lane first.
///
/// A quotient `x / d` is `(x * ceil(2^k / d)) >> k`, exact as long as `x * d <= 2^k`, since the rounded-up reciprocal is
/// too large by less than `d / 2^k` of one. IFMA multiplies 52 bits by 52, so `x / 10^n` becomes `(x >> n) / 5^n`.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
fn eight_limbs(limbs: &[u64; LANES], out: &mut [u8; TEXT]) {
    let limbs = load(limbs);
    // x / 10^16 is (x >> 16) / 5^16, of 48 bits.
    let top = quotient::<16, { 5_u64.pow(16) }, 37>(limbs);
    // top * 10^16 has more than 52 bits, top * 5^16 does not.
    let top_part = _mm512_madd52lo_epu64(zero(), top, splat(5_u64.pow(16)));
    let rest = _mm512_sub_epi64(limbs, _mm512_slli_epi64::<16>(top_part));
    // x / 10^8 is (x >> 8) / 5^8, of 46 bits.
    let middle = quotient::<8, { 5_u64.pow(8) }, 18>(rest);
    let low = _mm512_sub_epi64(rest, _mm512_mul_epu32(middle, splat(100_000_000)));

    let middle = eight_digits(middle);
    let low = eight_digits(low);
    let top = three_digits(top);

    let (index, is_top) = &LAYOUT;
    let gather = |i: usize| {
        let index = load_bytes(&index[i]);
        let digits = _mm512_permutex2var_epi8(middle, index, low);
        _mm512_mask_permutexvar_epi8(digits, is_top[i], index, top)
    };
    let (out, out_rest) = out.as_chunks_mut::<64>();
    store_bytes(&mut out[0], gather(0));
    store_bytes(&mut out[1], gather(1));
    if let Some(out) = out_rest.first_chunk_mut() {
        store_24_bytes(out, gather(2));
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_bytes(from: &[u8; 64]) -> __m512i {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store_bytes(to: &mut [u8; 64], v: __m512i) {
    // SAFETY: the array is as long as the vector, and the store needs no alignment.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), v) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store_24_bytes(to: &mut [u8; 24], v: __m512i) {
    // SAFETY: the mask lets only the lanes that the array has touch memory.
    unsafe { _mm512_mask_storeu_epi64(to.as_mut_ptr().cast(), 0b111, v) }
}

/// `(x >> SHIFT) / DIVISOR`, for a shifted `x` below 2^52.
#[expect(clippy::cast_possible_truncation, reason = "the reciprocal is asserted to be shorter")]
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn quotient<const SHIFT: u32, const DIVISOR: u64, const PRECISION: u32>(x: __m512i) -> __m512i {
    let reciprocal = const {
        let reciprocal = (1_u128 << (52 + PRECISION)).div_ceil(DIVISOR as u128);
        assert!(reciprocal < 1 << 52, "IFMA multiplies 52 bits");
        reciprocal as u64
    };
    let high = _mm512_madd52hi_epu64(zero(), _mm512_srli_epi64::<SHIFT>(x), splat(reciprocal));
    _mm512_srli_epi64::<PRECISION>(high)
}

/// The eight digits of a number below 10^8 in each lane, the leading one in the lowest byte.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512ifma")]
fn eight_digits(n: __m512i) -> __m512i {
    let high = _mm512_madd52hi_epu64(zero(), n, splat((1_u64 << 52).div_ceil(10_000)));
    let low = _mm512_sub_epi64(n, _mm512_mul_epu32(high, splat(10_000)));
    let fours = _mm512_or_si512(high, _mm512_slli_epi64::<32>(low));
    // x * 5243 >> 19 is x / 100 for x < 10^4.
    let high = _mm512_srli_epi16::<3>(_mm512_mulhi_epu16(fours, _mm512_set1_epi16(5_243)));
    digits_of_pairs(split_pairs(fours, high))
}

/// The digits of a number below 1000 in each lane, in its bytes 1 to 3.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn three_digits(n: __m512i) -> __m512i {
    // x * 656 >> 16 is x / 100 for x < 1000.
    let high = _mm512_mulhi_epu16(n, _mm512_set1_epi16(656));
    digits_of_pairs(split_pairs(n, high))
}

/// From `x` and `x / 100` in fields of 32 bits: `x / 100` and `x % 100` in fields of 16 bits.
#[inline]
#[target_feature(enable = "avx512f")]
fn split_pairs(x: __m512i, quotient: __m512i) -> __m512i {
    let excess = _mm512_mullo_epi32(quotient, _mm512_set1_epi32((100 << 16) - 1));
    _mm512_sub_epi32(_mm512_slli_epi32::<16>(x), excess)
}

/// The digits in ASCII of numbers below 100 in fields of 16 bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn digits_of_pairs(x: __m512i) -> __m512i {
    // x * 6554 >> 16 is x / 10 for x < 100.
    let high = _mm512_mulhi_epu16(x, _mm512_set1_epi16(6_554));
    let excess = _mm512_mullo_epi16(high, _mm512_set1_epi16((10 << 8) - 1));
    let digits = _mm512_sub_epi16(_mm512_slli_epi16::<8>(x), excess);
    _mm512_add_epi8(digits, _mm512_set1_epi8(b'0'.cast_signed()))
}
