//! The vector engine's field: residues in `f64`, modulo primes below ⅞·2^50.
//!
//! A product is made of its rounded upper part h and the exact error that FMA gives for it; a quotient q is estimated from
//! the factor's ratio to the prime, and the remainder (h − q·p) + (x·w − h) is exact (van der Hoeven, Lecerf, Quintin,
//! "Modular SIMD arithmetic in Mathemagix", section 4). Residues are signed and redundant. In units of p:
//!
//! - A product is at most m(A) = ½ + A·p·2^−55 for |x| ≤ A·p: a ratio w/p ≤ ½ is wrong by 2^−55 at most, the estimate
//!   x·(w/p) + 1.5·2^52 is rounded once, to an integer (as long as |x| ≤ 2^52, so that the quotient stays below 2^51), and
//!   h − q·p and the error of h are integers below 2^53.
//! - Splitting a block in four takes A to ½ + m(A) + m(A + m(A)), and in the group of a leaf, in four or eight, to
//!   ½ + 3·m(A + 2m(A)) at most: if A is 2.35 or less, so is the result.
//! - Joining takes B to the largest of 1, m(4B), 2m(2B) and 2m(2m(2B)); the other sums are reduced. If B is 1.13 or less, so
//!   is the result, and the largest factor of a product, 4B·p, is below 2^52.

use super::lanes::{Lanes, Squares};
use crate::mul::field::{Factor, Field, Op};
use crate::mul::prime::Prime;
use crate::mul::transform::LEAF_MAX;

/// The two largest primes below ⅞·2^50 that are 1 modulo 2^26, with roots of unity of order 2^26.
pub(super) static PRIMES: [Prime; 2] =
    [Prime::new(985_162_150_051_841, 671_947_061_327_587), Prime::new(985_160_740_765_697, 769_762_972_651_394)];

/// The larger prime, for which the bounds above hold.
const P: u64 = PRIMES[0].modulus;

/// m(A), rounded up; both in units of p/1024.
const fn product_bound(a: u64) -> u64 {
    512 + 1 + (a * (P >> 40)).div_ceil(1 << 15)
}

const _: () = {
    assert!(PRIMES[1].modulus < P);
    let (half, split, joined) = (512 + 1, 2_400, 1_160);
    // No sum on the way is larger than these, and each may be the factor of another product.
    let largest = [split + 2 * product_bound(split), 4 * joined];
    assert!(largest[0] as u128 * P as u128 <= 1_024 << 52);
    assert!(largest[1] as u128 * P as u128 <= 1_024 << 52);
    assert!(half + product_bound(split) + product_bound(split + product_bound(split)) <= split);
    assert!(half + 3 * product_bound(largest[0]) <= split);
    assert!(2 * half <= joined && product_bound(4 * joined) <= joined);
    assert!(2 * product_bound(2 * joined) <= joined && 2 * product_bound(2 * product_bound(2 * joined)) <= joined);
};

/// Adding and subtracting it rounds to an integer what is below 2^51.
const ROUND: f64 = 6_755_399_441_055_744.0;
const _: () = assert!(ROUND == 1.5 * (1_u64 << 52) as f64);

/// Adding it rounds to a multiple of 2^50 what is below 2^101: so all upper parts of the products of a leaf add up without
/// an error. The lower parts are at most 2^49.
const ROUND_SUM: f64 = ROUND * (1_u64 << 50) as f64;
const _: () = {
    let product = (P / 2 + 2) as u128 * (P as u128 * product_bound(1_024) as u128 / 1_024);
    let sum = product * LEAF_MAX as u128;
    assert!(sum <= 1 << 101);
    // To reduce it: the quotient is rounded; 1/p is wrong by 2^-53 of itself, which leaves less than p.
    assert!(sum / (P as u128) < 1 << 51);
    // And the lower parts are added.
    assert!(P + ((LEAF_MAX as u64) << 49) < 1 << 53);
};

/// Integers modulo a prime, signed and redundant.
#[derive(Clone, Copy)]
pub(in crate::mul) struct Float<L> {
    pub(super) lanes: L,
    prime: &'static Prime,
    p: f64,
    /// 1/p
    p_inverse: f64,
}

impl<L> Float<L> {
    pub(super) const fn new(lanes: L, prime: &'static Prime) -> Self {
        let p = integer(prime.modulus);
        Self { lanes, prime, p, p_inverse: 1.0 / p }
    }
}

impl<L: Lanes> Float<L> {
    #[inline(always)]
    pub(super) fn reduce(self, x: L::Vector) -> L::Vector {
        let quotient = nearest(self.lanes, x, self.lanes.splat(self.p_inverse));
        self.lanes.sub_mul(x, quotient, self.lanes.splat(self.p))
    }

    #[inline(always)]
    pub(super) fn mul(self, x: L::Vector, factor: Factor<L::Vector>) -> L::Vector {
        let high = self.lanes.mul(x, factor.value);
        let quotient = nearest(self.lanes, x, factor.ratio);
        let rest = self.lanes.sub_mul(high, quotient, self.lanes.splat(self.p));
        self.lanes.add(rest, self.lanes.mul_sub(x, factor.value, high))
    }

    #[inline(always)]
    pub(super) fn ratio(self, value: L::Vector) -> L::Vector {
        self.lanes.div(value, self.lanes.splat(self.p))
    }

    /// The factor for an integer below the prime.
    #[inline(always)]
    pub(super) fn constant(self, value: u64) -> Factor<L::Vector> {
        let value = self.reduce(self.lanes.splat(integer(value)));
        Factor { value, ratio: self.ratio(value) }
    }

    /// A residue from 0 to p − 1 for one that is reduced.
    #[inline(always)]
    pub(super) fn canonical(self, x: L::Vector) -> L::Vector {
        self.lanes.add_where_negative(x, self.lanes.splat(self.p))
    }
}

/// An integer below 2^53, exactly.
#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "integers below 2^53")]
pub(super) const fn integer(value: u64) -> f64 {
    value as f64
}

/// The nearest integer to `x·factor`, or one of the nearest two, where that is below 2^51.
#[inline(always)]
pub(super) fn nearest<L: Lanes>(lanes: L, x: L::Vector, factor: L::Vector) -> L::Vector {
    let round = lanes.splat(ROUND);
    lanes.sub(lanes.mul_add(x, factor, round), round)
}

/// The sum of products: `high` beyond [`ROUND_SUM`] and `low`.
#[derive(Clone, Copy)]
pub(in crate::mul) struct Sum<V> {
    high: V,
    low: V,
}

impl<L: Squares> Field for Float<L> {
    type Word = f64;
    type Row = L::Row;
    type Vector = L::Vector;
    type Sum = Sum<L::Vector>;

    const LANES: usize = L::LANES;

    #[inline(always)]
    fn run(self, op: impl Op) {
        self.lanes.run(op);
    }

    fn prime(self) -> &'static Prime {
        self.prime
    }

    #[inline(always)]
    fn word(value: u64) -> f64 {
        integer(value)
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a natural number below 2^53")]
    fn value(word: f64) -> u64 {
        word as u64
    }

    #[inline(always)]
    fn rows(words: &[f64]) -> &[L::Row] {
        L::rows(words)
    }

    #[inline(always)]
    fn rows_mut(words: &mut [f64]) -> &mut [L::Row] {
        L::rows_mut(words)
    }

    #[inline(always)]
    fn load(self, row: &L::Row) -> L::Vector {
        self.lanes.load(row)
    }

    #[inline(always)]
    fn store(self, row: &mut L::Row, x: L::Vector) {
        self.lanes.store(row, x);
    }

    #[inline(always)]
    fn splat(self, word: f64) -> L::Vector {
        self.lanes.splat(word)
    }

    #[inline(always)]
    fn add(self, a: L::Vector, b: L::Vector) -> L::Vector {
        self.lanes.add(a, b)
    }

    #[inline(always)]
    fn sub(self, a: L::Vector, b: L::Vector) -> L::Vector {
        self.lanes.sub(a, b)
    }

    #[inline(always)]
    fn sub_sum(self, a: L::Vector, b: L::Vector) -> L::Vector {
        self.lanes.sub(a, b)
    }

    #[inline(always)]
    fn reduce(self, x: L::Vector) -> L::Vector {
        self.reduce(x)
    }

    #[inline(always)]
    fn reduce_sum(self, x: L::Vector) -> L::Vector {
        self.reduce(x)
    }

    #[inline(always)]
    fn settle(self, x: L::Vector) -> L::Vector {
        self.reduce(x)
    }

    #[inline(always)]
    fn mul(self, x: L::Vector, factor: Factor<L::Vector>) -> L::Vector {
        self.mul(x, factor)
    }

    #[inline(always)]
    fn ratio(self, value: L::Vector) -> L::Vector {
        self.ratio(value)
    }

    #[inline(always)]
    fn product(self, a: L::Vector, b: L::Vector) -> Sum<L::Vector> {
        let round = self.lanes.splat(ROUND_SUM);
        let high = self.lanes.mul_add(a, b, round);
        let low = self.lanes.mul_sub(a, b, self.lanes.sub(high, round));
        Sum { high, low }
    }

    #[inline(always)]
    fn add_product(self, sum: Sum<L::Vector>, a: L::Vector, b: L::Vector) -> Sum<L::Vector> {
        let high = self.lanes.mul_add(a, b, sum.high);
        let low = self.lanes.mul_sub(a, b, self.lanes.sub(high, sum.high));
        Sum { high, low: self.lanes.add(sum.low, low) }
    }

    #[inline(always)]
    fn residue(self, sum: Sum<L::Vector>) -> L::Vector {
        let high = self.lanes.sub(sum.high, self.lanes.splat(ROUND_SUM));
        self.reduce(self.lanes.add(self.reduce(high), sum.low))
    }

    fn sum_scale(self) -> u64 {
        1
    }

    #[inline(always)]
    fn transpose(self, x: [L::Vector; 8]) -> [L::Vector; 8] {
        self.lanes.transpose(x)
    }

    #[inline(always)]
    fn unzip(self, a: L::Vector, b: L::Vector) -> (L::Vector, L::Vector) {
        self.lanes.unzip(a, b)
    }
}

#[cfg(test)]
mod tests {
    use super::PRIMES;
    use crate::mul::prime::tests::is_prime;

    #[test]
    fn moduli_are_prime() {
        assert!(PRIMES.iter().all(|prime| is_prime(prime.modulus)));
    }
}
