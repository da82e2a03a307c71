//! Kernels for AVX2: four limbs a vector.
#![allow(unsafe_code)]

use super::detect::Features;
use super::{prefetch, prefetch_distance};
use crate::arch::{BASE, DIGITS, portable};
#[allow(clippy::wildcard_imports, reason = "the names of intrinsics say where they come from")]
use core::arch::x86_64::*;

/// Limbs in a vector.
const LANES: usize = 4;
/// Vectors in a block of an addition: enough to make up for the test at its end.
const VECTORS: usize = 4;

/// Proof that this CPU has AVX2.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// The proof, if this CPU and the operating system support it.
    #[inline]
    pub(crate) fn new() -> Option<Self> {
        Features::get().avx2().then_some(Self(()))
    }

    /// As [`portable::add_binary_in_place`].
    #[must_use]
    pub(crate) fn add_binary_in_place(self, a: &mut [u64], b: &[u64], carry: bool) -> bool {
        assert_eq!(a.len(), b.len(), "addition needs equal lengths");
        // SAFETY: `self` proves that the CPU has the feature.
        unsafe { add::<false>(a, b, carry) }
    }

    /// As [`portable::add_decimal_in_place`].
    #[must_use]
    pub(crate) fn add_decimal_in_place(self, a: &mut [u64], b: &[u64], carry: bool) -> bool {
        assert_eq!(a.len(), b.len(), "addition needs equal lengths");
        // SAFETY: `self` proves that the CPU has the feature.
        unsafe { add::<true>(a, b, carry) }
    }

    /// As [`portable::decimal_text`].
    pub(crate) fn decimal_text(self, limbs: &[u64], out: &mut [u8]) {
        assert_eq!(Some(out.len()), limbs.len().checked_mul(DIGITS), "text needs DIGITS bytes a limb");
        // SAFETY: `self` proves that the CPU has the feature.
        unsafe { text(limbs, out) }
    }
}

/// Proof that this CPU has AVX2 and FMA.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy)]
pub(crate) struct Avx2Fma(());

#[cfg(feature = "alloc")]
impl Avx2Fma {
    /// The proof, if this CPU and the operating system support it.
    pub(crate) fn new() -> Option<Self> {
        Features::get().avx2_fma().then_some(Self(()))
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(from: &[u64; LANES]) -> __m256i {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(to: &mut [u64; LANES], v: __m256i) {
    // SAFETY: the array is as long as the vector, and the store needs no alignment.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), v) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_16_bytes(to: &mut [u8; 16], v: __m128i) {
    // SAFETY: the array is as long as the vector, and the store needs no alignment.
    unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), v) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn splat(x: u64) -> __m256i {
    _mm256_set1_epi64x(x.cast_signed())
}

/// AVX2 compares signed numbers only. Offset by 2^63, unsigned numbers compare alike.
const OFFSET: u64 = 1 << 63;
const BIAS: u64 = BASE.wrapping_neg();

/// `a + b` and the carries into its lanes.
struct Sum {
    /// The sum without carries, wrapped, with the bias and the offset.
    raw: __m256i,
    /// -1 in each lane that carries out by itself, else 0.
    carries: __m256i,
    /// The limbs of the sum, if no lane of `raw` is all ones but for the offset.
    limbs: __m256i,
}

/// Adds the lanes, and into each the carry of the lane below it; into the lowest that of the highest lane of `below`.
///
/// In base 10^19 the bias makes a lane overflow exactly when its decimal sum carries; where it does not, the bias is
/// taken off again.
#[inline]
#[target_feature(enable = "avx2")]
fn sum<const DECIMAL: bool>(a: __m256i, b: __m256i, below: __m256i) -> Sum {
    let b = _mm256_add_epi64(b, splat(if DECIMAL { OFFSET.wrapping_add(BIAS) } else { OFFSET }));
    let raw = _mm256_add_epi64(a, b);
    let carries = _mm256_cmpgt_epi64(b, raw);
    // Lanes rotated upwards, with the lowest from below.
    let carries_in = _mm256_permute4x64_epi64::<0b10_01_00_11>(_mm256_blend_epi32::<0b1100_0000>(carries, below));
    let surplus = if DECIMAL {
        _mm256_blendv_epi8(splat(OFFSET.wrapping_add(BIAS)), splat(OFFSET), carries)
    } else {
        splat(OFFSET)
    };
    let limbs = _mm256_sub_epi64(_mm256_sub_epi64(raw, carries_in), surplus);
    Sum { raw, carries, limbs }
}

/// `a += b + carry` over whole blocks, then whole vectors, then limb by limb.
#[target_feature(enable = "avx2")]
fn add<const DECIMAL: bool>(a: &mut [u64], b: &[u64], carry: bool) -> bool {
    let distance = prefetch_distance(a.len());
    let (a, a_rest) = a.as_chunks_mut::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let (a_blocks, a) = a.as_chunks_mut::<VECTORS>();
    let (b_blocks, b) = b.as_chunks::<VECTORS>();
    let mut carries = spread(carry);
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
#[target_feature(enable = "avx2")]
fn add_vectors<const DECIMAL: bool, const N: usize>(
    a: &mut [[u64; LANES]; N],
    b: &[[u64; LANES]; N],
    below: __m256i,
) -> __m256i {
    let mut limbs = [splat(0); N];
    let mut all_ones = splat(0);
    let mut carries = below;
    for i in 0..N {
        let sum = sum::<DECIMAL>(load(&a[i]), load(&b[i]), carries);
        all_ones = _mm256_or_si256(all_ones, _mm256_cmpeq_epi64(sum.raw, splat(u64::MAX ^ OFFSET)));
        limbs[i] = sum.limbs;
        carries = sum.carries;
    }
    if _mm256_testz_si256(all_ones, all_ones) == 0 {
        return spread(add_portable::<DECIMAL>(a.as_flattened_mut(), b.as_flattened(), has_carry(below)));
    }
    for i in 0..N {
        store(&mut a[i], limbs[i]);
    }
    carries
}

/// -1 or 0 in every lane.
#[inline]
#[target_feature(enable = "avx2")]
fn spread(carry: bool) -> __m256i {
    splat(u64::from(carry).wrapping_neg())
}

/// The carry out of the highest lane.
#[inline]
#[target_feature(enable = "avx2")]
fn has_carry(carries: __m256i) -> bool {
    _mm256_movemask_epi8(carries) < 0
}

#[inline(never)]
fn add_portable<const DECIMAL: bool>(a: &mut [u64], b: &[u64], carry: bool) -> bool {
    if DECIMAL { portable::add_decimal_in_place(a, b, carry) } else { portable::add_binary_in_place(a, b, carry) }
}

/// Text of two limbs a turn, then of a last one.
#[target_feature(enable = "avx2")]
fn text(limbs: &[u64], out: &mut [u8]) {
    let (rest, pairs) = limbs.as_rchunks::<2>();
    let (out_pairs, out_rest) = out.as_chunks_mut::<{ 2 * DIGITS }>();
    for (limbs, out) in pairs.iter().rev().zip(out_pairs) {
        turn(limbs, out);
    }
    portable::decimal_text(rest, out_rest);
}

/// Writes the text of two limbs.
///
/// Scalar arithmetic splits each limb into 3, 8 and 8 digits. Then fields of a vector are split as in the portable
/// kernel, all at once: the leading digit of a lane ends in its lowest byte.
#[inline]
#[target_feature(enable = "avx2")]
fn turn(limbs: &[u64; 2], out: &mut [u8; 2 * DIGITS]) {
    const E8: u64 = 100_000_000;
    let [below, above] = limbs.map(|limb| (limb / E8 / E8, limb / E8 % E8, limb % E8));
    let eights =
        _mm256_set_epi64x(below.2.cast_signed(), below.1.cast_signed(), above.2.cast_signed(), above.1.cast_signed());
    let digits = eight_digits(eights);
    let (out_above, out_below) = out.split_at_mut(DIGITS);
    write(out_above, above.0, _mm256_castsi256_si128(digits));
    write(out_below, below.0, _mm256_extracti128_si256::<1>(digits));
}

/// Writes the three leading digits of a limb and the sixteen that follow.
#[inline]
#[target_feature(enable = "avx2")]
fn write(out: &mut [u8], top: u64, digits: __m128i) {
    // One byte too many makes a single store of them; it is overwritten.
    let [_, top @ .., _, _, _] = portable::digits_of_fours(top);
    if let Some(out) = out.first_chunk_mut() {
        *out = top;
    }
    if let Some(out) = out.last_chunk_mut() {
        store_16_bytes(out, digits);
    }
}

/// The eight digits in ASCII of a number below 10^8 in each lane of 64 bits, the leading one in the lowest byte.
#[inline]
#[target_feature(enable = "avx2")]
fn eight_digits(n: __m256i) -> __m256i {
    // A quotient is the product with a rounded-up reciprocal, shifted: exact, as far as the numbers below go.
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
