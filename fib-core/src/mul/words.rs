//! The field of the portable engine: one residue in a `u64`, modulo primes just below 2^60.
//!
//! Residues are redundant (Harvey, "Faster arithmetic for number-theoretic transforms"): a `u64` has room for 16p, so that
//! most sums are not reduced, and a difference only has a multiple of p added. In units of p:
//!
//! - A product is below 2, whatever the residue is.
//! - Splitting a block in four takes what is below 8 to what is below 8: the first quarter is reduced below 4, the others
//!   become products, and 4 + 2 + 2 = 8.
//! - Joining takes what is below 4 to what is below 4: the sum of all four, below 16, is reduced; the others are products, or
//!   sums of two.
//! - A product of two reduced residues is below 16p², and up to [`LEAF_MAX`] of them are summed in a `u128` as they are.

use core::hint::select_unpredictable;

use super::field::{Factor, Field, Op};
use super::halves::{high, low, multiply_high};
use super::prime::Prime;
use super::transform::LEAF_MAX;

/// The two largest primes below 2^60 that are 1 modulo 2^26, with roots of unity of order 2^26.
pub(super) static PRIMES: [Prime; 2] = [
    Prime::new(1_152_921_504_204_193_793, 1_070_819_892_722_539_528),
    Prime::new(1_152_921_499_909_226_497, 669_276_566_954_380_936),
];

/// Integers modulo a prime p, 2^59 < p < 2^60.
#[derive(Clone, Copy)]
pub(super) struct Words {
    prime: &'static Prime,
    pub(super) p: u64,
    /// The inverse of p modulo 2^64.
    p_inverse: u64,
}

impl Words {
    pub(super) const fn new(prime: &'static Prime) -> Self {
        let p = prime.modulus;
        assert!(p > 1 << 59 && p < 1 << 60);
        // A sum of products is below 2^64·7p, so that `residue` finds one below 8p.
        assert!(16 * (LEAF_MAX as u128) * (p as u128) < 7 << 64);
        // Newton: each turn doubles the bits that are right, from the three of p·p ≡ 1 (mod 8).
        let mut p_inverse = p;
        let mut turn = 0;
        while turn < 5 {
            p_inverse = p_inverse.wrapping_mul(2_u64.wrapping_sub(p.wrapping_mul(p_inverse)));
            turn += 1;
        }
        assert!(p.wrapping_mul(p_inverse) == 1);
        Self { prime, p, p_inverse }
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
        a + b
    }

    #[inline(always)]
    fn sub(self, a: u64, b: u64) -> u64 {
        debug_assert!(b <= 2 * self.p);
        a + 2 * self.p - b
    }

    #[inline(always)]
    fn sub_sum(self, a: u64, b: u64) -> u64 {
        debug_assert!(b <= 8 * self.p);
        a + 8 * self.p - b
    }

    #[inline(always)]
    fn reduce(self, x: u64) -> u64 {
        debug_assert!(x < 8 * self.p);
        at_most_once(x, 4 * self.p)
    }

    #[inline(always)]
    fn reduce_sum(self, x: u64) -> u64 {
        at_most_once(at_most_once(x, 8 * self.p), 4 * self.p)
    }

    #[inline(always)]
    fn settle(self, x: u64) -> u64 {
        debug_assert!(x < 4 * self.p);
        at_most_once(at_most_once(x, 2 * self.p), self.p)
    }

    /// Shoup: with ratio = floor(value·2^64 / p) the quotient floor(x·ratio / 2^64) is at most 1 too small for every x, so
    /// the remainder is below 2p.
    #[inline(always)]
    fn mul(self, x: u64, factor: Factor<u64>) -> u64 {
        let quotient = multiply_high(x, factor.ratio);
        x.wrapping_mul(factor.value).wrapping_sub(quotient.wrapping_mul(self.p))
    }

    #[inline(always)]
    fn ratio(self, value: u64) -> u64 {
        debug_assert!(value < self.p);
        low((u128::from(value) << 64) / u128::from(self.p))
    }

    #[inline(always)]
    fn product(self, a: u64, b: u64) -> u128 {
        u128::from(a) * u128::from(b)
    }

    #[inline(always)]
    fn add_product(self, sum: u128, a: u64, b: u64) -> u128 {
        sum + self.product(a, b)
    }

    /// Montgomery: `sum / 2^64`. Subtracting the multiple of p that has the same lower half leaves a difference of upper
    /// halves, and the second of them is below p.
    #[inline(always)]
    fn residue(self, sum: u128) -> u64 {
        let multiple = low(sum).wrapping_mul(self.p_inverse);
        self.reduce(high(sum) + self.p - multiply_high(multiple, self.p))
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
