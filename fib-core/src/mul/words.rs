//! The field of the portable engine: one residue in a `u64`, modulo primes just below 2^63.

use core::hint::select_unpredictable;

use super::field::{Factor, Field, Op};
use super::halves::{high, low, multiply_high};
use super::prime::Prime;

/// The two largest primes below 2^63 that are 1 modulo 2^26, with roots of unity of order 2^26.
pub(super) static PRIMES: [Prime; 2] = [
    Prime::new(9_223_372_035_915_251_713, 420_219_524_538_307_086),
    Prime::new(9_223_372_034_505_965_569, 7_388_713_459_186_755_282),
];

/// Integers modulo a prime p, 2^62 < p < 2^63, always below p.
#[derive(Clone, Copy)]
pub(super) struct Words {
    prime: &'static Prime,
    pub(super) p: u64,
    /// The inverse of p modulo 2^64.
    p_inverse: u64,
    /// 2·p²
    fold: u128,
}

impl Words {
    pub(super) const fn new(prime: &'static Prime) -> Self {
        let p = prime.modulus;
        assert!(p > 1 << 62 && p < 1 << 63);
        // Newton: each turn doubles the bits that are right, from the three of p·p ≡ 1 (mod 8).
        let mut p_inverse = p;
        let mut turn = 0;
        while turn < 5 {
            p_inverse = p_inverse.wrapping_mul(2_u64.wrapping_sub(p.wrapping_mul(p_inverse)));
            turn += 1;
        }
        assert!(p.wrapping_mul(p_inverse) == 1);
        Self { prime, p, p_inverse, fold: 2 * (p as u128 * p as u128) }
    }
}

/// `x − subtrahend` where that is not negative, else `x`. A branch would go wrong every other time.
#[inline(always)]
pub(super) fn at_most_once(x: u64, subtrahend: u64) -> u64 {
    let (difference, negative) = x.overflowing_sub(subtrahend);
    select_unpredictable(negative, x, difference)
}

impl Field for Words {
    type Word = u64;
    type Row = [u64; 1];
    type Vector = u64;
    type Sum = u128;

    const LANES: usize = 1;

    #[inline(always)]
    fn run(self, op: impl Op) {
        op.run();
    }

    fn prime(self) -> &'static Prime {
        self.prime
    }

    #[inline(always)]
    fn word(value: u64) -> u64 {
        value
    }

    #[inline(always)]
    fn value(word: u64) -> u64 {
        word
    }

    #[inline(always)]
    fn rows(words: &[u64]) -> &[[u64; 1]] {
        words.as_chunks().0
    }

    #[inline(always)]
    fn rows_mut(words: &mut [u64]) -> &mut [[u64; 1]] {
        words.as_chunks_mut().0
    }

    #[inline(always)]
    fn load(self, row: &[u64; 1]) -> u64 {
        row[0]
    }

    #[inline(always)]
    fn store(self, row: &mut [u64; 1], x: u64) {
        row[0] = x;
    }

    #[inline(always)]
    fn splat(self, word: u64) -> u64 {
        word
    }

    #[inline(always)]
    fn add(self, a: u64, b: u64) -> u64 {
        at_most_once(a + b, self.p)
    }

    #[inline(always)]
    fn sub(self, a: u64, b: u64) -> u64 {
        let (difference, negative) = a.overflowing_sub(b);
        select_unpredictable(negative, difference.wrapping_add(self.p), difference)
    }

    #[inline(always)]
    fn reduce(self, x: u64) -> u64 {
        x
    }

    /// Shoup: with ratio = floor(value·2^64 / p) the quotient floor(x·ratio / 2^64) is at most 1 too small for every x, so
    /// the remainder is below 2p < 2^64.
    #[inline(always)]
    fn mul(self, x: u64, factor: Factor<u64>) -> u64 {
        let quotient = multiply_high(x, factor.ratio);
        at_most_once(x.wrapping_mul(factor.value).wrapping_sub(quotient.wrapping_mul(self.p)), self.p)
    }

    #[inline(always)]
    fn ratio(self, value: u64) -> u64 {
        low((u128::from(value) << 64) / u128::from(self.p))
    }

    #[inline(always)]
    fn product(self, a: u64, b: u64) -> u128 {
        u128::from(a) * u128::from(b)
    }

    /// The sum stays below 2p², since 3p² < 2^128.
    #[inline(always)]
    fn add_product(self, sum: u128, a: u64, b: u64) -> u128 {
        let sum = sum + self.product(a, b);
        sum.min(sum.wrapping_sub(self.fold))
    }

    /// As above, since 4p² < 2^128.
    #[inline(always)]
    fn add_products(self, sum: u128, a: [u64; 2], b: [u64; 2]) -> u128 {
        let sum = sum + self.product(a[0], b[0]) + self.product(a[1], b[1]);
        sum.min(sum.wrapping_sub(self.fold))
    }

    /// Montgomery: `sum / 2^64`. Subtracting the multiple of p that has the same lower half leaves a difference of upper
    /// halves; sum < 2p² < 2^64·p.
    #[inline(always)]
    fn residue(self, sum: u128) -> u64 {
        let multiple = low(sum).wrapping_mul(self.p_inverse);
        self.sub(high(sum), multiply_high(multiple, self.p))
    }

    fn sum_scale(self) -> u64 {
        (u64::MAX % self.p) + 1
    }

    #[inline(always)]
    fn transpose(self, x: [u64; 8]) -> [u64; 8] {
        x
    }

    #[inline(always)]
    fn unzip(self, a: u64, b: u64) -> (u64, u64) {
        (a, b)
    }
}
