//! The field of the portable engine: one residue in a `u64`, modulo primes just below 2^60.
//!
//! Residues are redundant (Harvey, "Faster arithmetic for number-theoretic transforms"): a `u64` has room for 16p, so
//! most sums are not reduced, and a multiple of p is added to differences, which keeps them from being negative. In units of p:
//!
//! - A product by a [`Factor`] is below 2, whatever the other operand is.
//! - A reduced residue is below 4.
//! - The forward butterfly takes residues below 8 to residues below 8: the first of its four inputs is reduced below 4, two
//!   products are added to it, and 4 + 2 + 2 = 8.
//! - The inverse butterfly takes residues below 4 to residues below 4: the sum of all four, below 16, is reduced, and the
//!   other results are products or sums of two products.
//! - A product of two reduced residues is below 16p², and a `u128` holds the sum of [`LEAF_MAX`] of them.

use core::hint::select_unpredictable;

use super::field::{Factor, Field, Op};
use super::prime::Prime;
use super::shape::LEAF_MAX;
use super::u128_halves::{high, low, multiply_high};

/// The two largest primes below 2^60 that are 1 modulo 2^26, with roots of unity of order 2^26.
pub(super) static PRIMES: [Prime; 2] = [
    Prime::new(1_152_921_504_204_193_793, 1_070_819_892_722_539_528),
    Prime::new(1_152_921_499_909_226_497, 669_276_566_954_380_936),
];

/// Integers modulo a prime p, 2^59 < p < 2^60.
#[derive(Clone, Copy)]
pub(super) struct Integer {
    prime: &'static Prime,
    pub(super) p: u64,
    /// The inverse of p modulo 2^64.
    p_inverse: u64,
}

impl Integer {
    pub(super) const fn new(prime: &'static Prime) -> Self {
        let p = prime.modulus;
        assert!(p > 1 << 59 && p < 1 << 60);
        // A sum of products is below 2^64·7p, so `residue` reduces a number below 8p.
        assert!(16 * (LEAF_MAX as u128) * (p as u128) < 7 << 64);
        // Newton's method: p is its own inverse modulo 2^3, and each iteration doubles the number of correct bits.
        let mut p_inverse = p;
        let mut iteration = 0;
        while iteration < 5 {
            p_inverse = p_inverse.wrapping_mul(2_u64.wrapping_sub(p.wrapping_mul(p_inverse)));
            iteration += 1;
        }
        assert!(p.wrapping_mul(p_inverse) == 1);
        Self { prime, p, p_inverse }
    }
}

/// `x − subtrahend` where that is not negative, else `x`. A branch would be mispredicted every other time.
#[inline(always)]
pub(super) fn subtract_once(x: u64, subtrahend: u64) -> u64 {
    let (difference, negative) = x.overflowing_sub(subtrahend);
    select_unpredictable(negative, x, difference)
}

impl Field for Integer {
    type Element = u64;
    type Row = [u64; 1];
    type Vector = u64;
    type ProductSum = u128;

    const LANES: usize = 1;

    #[inline(always)]
    fn run(self, op: impl Op) {
        op.run();
    }

    fn prime(self) -> &'static Prime {
        self.prime
    }

    #[inline(always)]
    fn element(value: u64) -> u64 {
        value
    }

    #[inline(always)]
    fn value(element: u64) -> u64 {
        element
    }

    #[inline(always)]
    fn rows(elements: &[u64]) -> &[[u64; 1]] {
        elements.as_chunks().0
    }

    #[inline(always)]
    fn rows_mut(elements: &mut [u64]) -> &mut [[u64; 1]] {
        elements.as_chunks_mut().0
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
    fn splat(self, element: u64) -> u64 {
        element
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
        subtract_once(x, 4 * self.p)
    }

    #[inline(always)]
    fn reduce_sum(self, x: u64) -> u64 {
        subtract_once(subtract_once(x, 8 * self.p), 4 * self.p)
    }

    #[inline(always)]
    fn reduce_fully(self, x: u64) -> u64 {
        debug_assert!(x < 4 * self.p);
        subtract_once(subtract_once(x, 2 * self.p), self.p)
    }

    /// Shoup's multiplication: with q = floor(value·2^64 / p) the estimate floor(x·q / 2^64) of the quotient x·value / p is at
    /// most 1 too small for every x, so the remainder is below 2p.
    #[inline(always)]
    fn mul(self, x: u64, factor: Factor<u64>) -> u64 {
        let estimate = multiply_high(x, factor.quotient);
        x.wrapping_mul(factor.value).wrapping_sub(estimate.wrapping_mul(self.p))
    }

    #[inline(always)]
    fn shoup_quotient(self, value: u64) -> u64 {
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

    /// Montgomery's reduction: `sum / 2^64`. The multiple of p with the same lower half as the sum is subtracted, and the
    /// difference of the upper halves is left. The upper half of the multiple is below p.
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
