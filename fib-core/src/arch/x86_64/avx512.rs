//! Kernels for AVX-512: eight limbs a vector. Addition needs F and DQ, text also BW, IFMA and VBMI.
#![allow(unsafe_code)]

use super::detect::Features;
use super::{prefetch, prefetch_distance};
use crate::arch::{BASE, DIGITS, portable};
#[allow(clippy::wildcard_imports, reason = "the names of intrinsics say where they come from")]
use core::arch::x86_64::*;

/// Limbs in a vector.
const LANES: usize = 8;
/// Vectors in a block of an addition: enough to make up for the test at its end.
const VECTORS: usize = 4;

/// Proof that this CPU has AVX-512 F and DQ.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// The proof, if this CPU and the operating system support it.
    #[inline]
    pub(crate) fn new() -> Option<Self> {
        Features::get().avx512().then_some(Self(()))
    }

    /// As [`portable::add_binary_in_place`].
    #[must_use]
    pub(crate) fn add_binary_in_place(self, a: &mut [u64], b: &[u64], carry: bool) -> bool {
        assert_eq!(a.len(), b.len(), "addition needs equal lengths");
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { add::<false>(a, b, carry) }
    }

    /// As [`portable::add_decimal_in_place`].
    #[must_use]
    pub(crate) fn add_decimal_in_place(self, a: &mut [u64], b: &[u64], carry: bool) -> bool {
        assert_eq!(a.len(), b.len(), "addition needs equal lengths");
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { add::<true>(a, b, carry) }
    }
}

/// Proof that this CPU has AVX-512 F, DQ, BW, IFMA and VBMI.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Text(());

impl Avx512Text {
    /// The proof, if this CPU and the operating system support it.
    #[inline]
    pub(crate) fn new() -> Option<Self> {
        Features::get().avx512_text().then_some(Self(()))
    }

    /// As [`portable::decimal_text`].
    pub(crate) fn decimal_text(self, limbs: &[u64], out: &mut [u8]) {
        assert_eq!(Some(out.len()), limbs.len().checked_mul(DIGITS), "text needs DIGITS bytes a limb");
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { text(limbs, out) }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(from: &[u64; LANES]) -> __m512i {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(to: &mut [u64; LANES], v: __m512i) {
    // SAFETY: the array is as long as the vector, and the store needs no alignment.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), v) }
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

#[inline]
#[target_feature(enable = "avx512f")]
fn splat(x: u64) -> __m512i {
    _mm512_set1_epi64(x.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn zero() -> __m512i {
    _mm512_setzero_si512()
}

/// `2^64 - 10^19`
#[inline]
#[target_feature(enable = "avx512f")]
fn bias() -> __m512i {
    splat(BASE.wrapping_neg())
}

/// `a + b` and the carries into its lanes.
struct Sum {
    /// The sum without carries, wrapped, with the bias.
    raw: __m512i,
    /// 1 in each lane that carries out by itself, else 0.
    carries: __m512i,
    /// The limbs of the sum, if no lane of `raw` is all ones.
    limbs: __m512i,
}

/// Adds the lanes, and into each the carry of the lane below it; into the lowest that of the highest lane of `below`.
///
/// In base 10^19 the bias makes a lane overflow exactly when its decimal sum carries; where it does not, the bias is
/// taken off again.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn sum<const DECIMAL: bool>(a: __m512i, b: __m512i, below: __m512i) -> Sum {
    let b = if DECIMAL { _mm512_add_epi64(b, bias()) } else { b };
    let raw = _mm512_add_epi64(a, b);
    // The carry out of each bit: a & b | (a | b) & !raw. That of the highest bit counts.
    let overflow = _mm512_ternarylogic_epi64::<0b1101_0100>(a, b, raw);
    let carries = _mm512_srli_epi64::<63>(overflow);
    let mut limbs = _mm512_add_epi64(raw, _mm512_alignr_epi64::<7>(carries, below));
    if DECIMAL {
        limbs = _mm512_mask_sub_epi64(limbs, !_mm512_movepi64_mask(overflow), limbs, bias());
    }
    Sum { raw, carries, limbs }
}

/// `a += b + carry` over whole blocks, then whole vectors, then limb by limb: a rest under a mask would make the next
/// addition wait for the masked store.
#[target_feature(enable = "avx512f,avx512dq")]
fn add<const DECIMAL: bool>(a: &mut [u64], b: &[u64], carry: bool) -> bool {
    let distance = prefetch_distance(a.len());
    let (a, a_rest) = a.as_chunks_mut::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let (a_blocks, a) = a.as_chunks_mut::<VECTORS>();
    let (b_blocks, b) = b.as_chunks::<VECTORS>();
    let mut carries = splat(u64::from(carry));
    for (a, b) in a_blocks.iter_mut().zip(b_blocks) {
        if let Some(distance) = distance {
            prefetch(a.as_flattened(), distance);
            prefetch(b.as_flattened(), distance);
        }
        carries = add_vectors::<DECIMAL, VECTORS>(a, b, carries);
    }
    for (a, b) in a.as_chunks_mut::<1>().0.iter_mut().zip(b.as_chunks::<1>().0) {
        carries = add_vectors::<DECIMAL, 1>(a, b, carries);
    }
    let carry = has_carry(carries);
    if a_rest.is_empty() { carry } else { add_portable::<DECIMAL>(a_rest, b_rest, carry) }
}

/// `a += b` with the carry in the highest lane of `below`. Returns the carries of the last vector.
///
/// A carry moves up by one lane. That settles all of them unless a lane is all ones: there a carry that comes in goes out
/// again. Among random limbs this happens once in 2^64, so it is tested for afterwards and left to the portable kernel.
/// Otherwise no carry leaves the vector registers, and blocks overlap in the pipeline.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn add_vectors<const DECIMAL: bool, const N: usize>(
    a: &mut [[u64; LANES]; N],
    b: &[[u64; LANES]; N],
    below: __m512i,
) -> __m512i {
    let mut limbs = [zero(); N];
    let mut largest = zero();
    let mut carries = below;
    for i in 0..N {
        let sum = sum::<DECIMAL>(load(&a[i]), load(&b[i]), carries);
        largest = _mm512_max_epu64(largest, sum.raw);
        limbs[i] = sum.limbs;
        carries = sum.carries;
    }
    if has_all_ones(largest) {
        let carry = add_portable::<DECIMAL>(a.as_flattened_mut(), b.as_flattened(), has_carry(below));
        return splat(u64::from(carry));
    }
    for i in 0..N {
        store(&mut a[i], limbs[i]);
    }
    carries
}

#[inline(never)]
fn add_portable<const DECIMAL: bool>(a: &mut [u64], b: &[u64], carry: bool) -> bool {
    if DECIMAL { portable::add_decimal_in_place(a, b, carry) } else { portable::add_binary_in_place(a, b, carry) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn has_all_ones(v: __m512i) -> bool {
    _mm512_cmpeq_epi64_mask(v, splat(u64::MAX)) != 0
}

/// The carry out of the highest lane.
#[inline]
#[target_feature(enable = "avx512f")]
fn has_carry(carries: __m512i) -> bool {
    _mm512_test_epi64_mask(carries, carries) >> (LANES - 1) != 0
}

/// Text of whole turns of eight limbs. What is left, the least significant limbs, becomes one more turn that overlaps.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
fn text(limbs: &[u64], out: &mut [u8]) {
    let (lowest, turns) = limbs.as_rchunks::<LANES>();
    let (out_turns, _) = out.as_chunks_mut::<TURN>();
    for (limbs, out) in turns.iter().rev().zip(out_turns) {
        turn(limbs, out);
    }
    if !lowest.is_empty() {
        match (limbs.first_chunk(), out.last_chunk_mut()) {
            (Some(limbs), Some(out)) => turn(limbs, out),
            _ => portable::decimal_text(limbs, out),
        }
    }
}

/// Bytes of text that eight limbs give.
const TURN: usize = LANES * DIGITS;

/// Where the bytes of a turn's text come from, as indices for `turn`'s permutations, and which of them are top digits.
#[expect(clippy::cast_possible_truncation, reason = "indices below 128")]
static LAYOUT: ([[u8; 64]; 3], [u64; 3]) = {
    let (mut index, mut top) = ([[0; 64]; 3], [0; 3]);
    let mut at = 0;
    while at < TURN {
        let lane = LANES - 1 - at / DIGITS;
        let digit = at % DIGITS;
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
/// Each lane splits its limb into 3, 8 and 8 digits. Then fields are split as in the portable kernel, all lanes at once,
/// and permutations bring the 19 digits of each limb together, the highest lane first.
///
/// A quotient `x / d` is `(x * ceil(2^k / d)) >> k`, exact as long as `x * d <= 2^k`, since the rounded-up reciprocal is
/// too large by less than `d / 2^k` of one. IFMA multiplies 52 bits by 52, so `x / 10^n` becomes `(x >> n) / 5^n`.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
fn turn(limbs: &[u64; LANES], out: &mut [u8; TURN]) {
    let limbs = load(limbs);
    // x / 10^16 is (x >> 16) / 5^16, of 48 bits.
    let top = quotient::<16, { 5_u64.pow(16) }, 37>(limbs);
    // top * 10^16 has more than 52 bits, top * 5^16 has not.
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
