//! The vector engine's field: residues in `f64`, modulo primes below ⅞·2^50.
//!
//! A product x·w is the sum of its rounded upper part h and the error of h, which FMA gives exactly. The quotient q is
//! estimated with the Shoup quotient w/p of the factor w, and the remainder (h − q·p) + (x·w − h) is exact (van der Hoeven,
//! Lecerf, Quintin, "Modular SIMD arithmetic in Mathemagix", section 4).
//!
//! Residues are signed and redundant. Fully reduced ones are at most p/2. All bounds are those of absolute values, and in
//! units of p:
//!
//! - A product is at most m(A) = ½ + A·p·2^−55 for |x| ≤ A·p. The Shoup quotient, at most ½, has an error of at most 2^−55.
//!   The estimate x·(w/p) + 1.5·2^52 is rounded once, to an integer, as long as |x| ≤ 2^52, so q is below 2^51. And
//!   h − q·p and the error of h are integers below 2^53.
//! - Forward butterflies of radix 4 take residues up to A to residues up to ½ + m(A) + m(A'), where A' = A + m(A) is the
//!   largest residue that is multiplied. The group of the eight-lane leaf has a third level, where the largest residue is
//!   A'' = A' + m(A'), and the results are up to ½ + m(A) + m(A') + m(A''). If A is at most 2.34, so are the results.
//! - Inverse butterflies take residues up to B to residues up to the largest of 1, m(4B), 2m(2B) and 2m(2m(2B)), since the
//!   other sums are reduced. If B is at most 1.13, so are the results, and the largest residue that is multiplied, 4B·p, is
//!   below 2^52.

use super::lanes::{Lanes, Permute};
use crate::mul::field::{Factor, Field, Op};
use crate::mul::prime::Prime;
use crate::mul::shape::LEAF_MAX;

/// The two largest primes below ⅞·2^50 that are 1 modulo 2^26, with roots of unity of order 2^26.
pub(in crate::mul) static PRIMES: [Prime; 2] =
    [Prime::new(985_162_150_051_841, 671_947_061_327_587), Prime::new(985_160_740_765_697, 769_762_972_651_394)];

/// The larger prime, for which the bounds above hold.
const P: u64 = PRIMES[0].modulus;

/// m(A), rounded up. A and the result are in units of p/1024.
const fn product_bound(a: u64) -> u64 {
    // p·2^−55 is (p·2^−40)·2^−15.
    512 + (a * P.div_ceil(1 << 40)).div_ceil(1 << 15)
}

const _: () = {
    assert!(PRIMES[1].modulus < P);
    // The bounds in units of p/1024: of a reduced residue (½, and the error of 1/p), of A, and of B.
    let (reduced, forward, inverse) = (512 + 1, 2_400, 1_160);
    // What is multiplied is at most 2^52.
    let level_2 = forward + product_bound(forward);
    let level_3 = level_2 + product_bound(level_2);
    assert!(level_3 as u128 * P as u128 <= 1_024 << 52);
    assert!(4 * inverse as u128 * P as u128 <= 1_024 << 52);
    // The results of the forward butterflies; with the third level, they cover those without it.
    let results = reduced + product_bound(forward) + product_bound(level_2) + product_bound(level_3);
    assert!(results <= forward);
    // The results of the inverse butterflies.
    assert!(2 * reduced <= inverse && product_bound(4 * inverse) <= inverse);
    assert!(2 * product_bound(2 * inverse) <= inverse && 2 * product_bound(2 * product_bound(2 * inverse)) <= inverse);
};

/// Adding and subtracting it rounds a number below 2^51 to an integer.
const ROUND: f64 = 6_755_399_441_055_744.0;
const _: () = assert!(ROUND == 1.5 * (1_u64 << 52) as f64);

/// Adding it rounds a number below 2^101 to a multiple of 2^50. So the upper parts of a leaf's products are added without an
/// error. The lower parts are at most 2^49.
const ROUND_SUM: f64 = ROUND * (1_u64 << 50) as f64;
const _: () = {
    let product = (P / 2 + 2) as u128 * (P as u128 * product_bound(1_024) as u128 / 1_024);
    let sum = product * LEAF_MAX as u128;
    assert!(sum <= 1 << 101);
    // The first reduction of the sum leaves less than p: the quotient is rounded to an integer, and the error of 1/p, 2^-53 of
    // it, changes it by less than ¼.
    assert!(sum / (P as u128) < 1 << 51);
    // The second one is of that and the lower parts.
    assert!(P + ((LEAF_MAX as u64) << 49) < 1 << 53);
};

/// The field of one prime on vectors of one width.
#[derive(Clone, Copy)]
pub(in crate::mul) struct Float<L> {
    pub(super) lanes: L,
    prime: &'static Prime,
    p: f64,
    /// 1/p
    p_inverse: f64,
}

impl<L> Float<L> {
    const fn new(lanes: L, prime: &'static Prime) -> Self {
        let p = to_f64(prime.modulus);
        Self { lanes, prime, p, p_inverse: 1.0 / p }
    }
}

/// The fields of both primes.
pub(super) fn fields<L: Lanes>(lanes: L) -> [Float<L>; 2] {
    [Float::new(lanes, &PRIMES[0]), Float::new(lanes, &PRIMES[1])]
}

// Also for several vectors side by side, which do not implement `Field`.
impl<L: Lanes> Float<L> {
    #[inline(always)]
    pub(super) fn reduce(self, x: L::Vector) -> L::Vector {
        let quotient = nearest(self.lanes, x, self.lanes.splat(self.p_inverse));
        self.lanes.sub_mul(x, quotient, self.lanes.splat(self.p))
    }

    #[inline(always)]
    pub(super) fn mul(self, x: L::Vector, factor: Factor<L::Vector>) -> L::Vector {
        let high = self.lanes.mul(x, factor.value);
        let quotient = nearest(self.lanes, x, factor.quotient);
        let rest = self.lanes.sub_mul(high, quotient, self.lanes.splat(self.p));
        self.lanes.add(rest, self.lanes.mul_sub(x, factor.value, high))
    }

    #[inline(always)]
    pub(super) fn shoup_quotient(self, value: L::Vector) -> L::Vector {
        self.lanes.div(value, self.lanes.splat(self.p))
    }

    /// The factor for an integer below the prime.
    #[inline(always)]
    pub(super) fn constant(self, value: u64) -> Factor<L::Vector> {
        let value = self.reduce(self.lanes.splat(to_f64(value)));
        Factor { value, quotient: self.shoup_quotient(value) }
    }

    /// The residue from 0 to p − 1, of one between −p and p.
    #[inline(always)]
    pub(super) fn canonical(self, x: L::Vector) -> L::Vector {
        self.lanes.add_where_negative(x, self.lanes.splat(self.p))
    }
}

/// An integer below 2^53, exactly.
#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "integers below 2^53")]
pub(super) const fn to_f64(value: u64) -> f64 {
    value as f64
}

/// An integer next to `x·factor`, rounded to nearest, where that is below 2^51.
#[inline(always)]
pub(super) fn nearest<L: Lanes>(lanes: L, x: L::Vector, factor: L::Vector) -> L::Vector {
    let round = lanes.splat(ROUND);
    lanes.sub(lanes.mul_add(x, factor, round), round)
}

/// A sum of products, `high` − [`ROUND_SUM`] + `low`.
#[derive(Clone, Copy)]
pub(in crate::mul) struct SplitSum<V> {
    high: V,
    low: V,
}

impl<L: Permute> Field for Float<L> {
    type Element = f64;
    type Row = L::Row;
    type Vector = L::Vector;
    type ProductSum = SplitSum<L::Vector>;

    const LANES: usize = L::LANES;

    #[inline(always)]
    fn run(self, op: impl Op) {
        self.lanes.run(op);
    }

    fn prime(self) -> &'static Prime {
        self.prime
    }

    #[inline(always)]
    fn element(value: u64) -> f64 {
        to_f64(value)
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a natural number below 2^53")]
    fn value(element: f64) -> u64 {
        element as u64
    }

    #[inline(always)]
    fn rows(elements: &[f64]) -> &[L::Row] {
        L::rows(elements)
    }

    #[inline(always)]
    fn rows_mut(elements: &mut [f64]) -> &mut [L::Row] {
        L::rows_mut(elements)
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
    fn splat(self, element: f64) -> L::Vector {
        self.lanes.splat(element)
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
    fn reduce_fully(self, x: L::Vector) -> L::Vector {
        self.reduce(x)
    }

    #[inline(always)]
    fn mul(self, x: L::Vector, factor: Factor<L::Vector>) -> L::Vector {
        self.mul(x, factor)
    }

    #[inline(always)]
    fn shoup_quotient(self, value: L::Vector) -> L::Vector {
        self.shoup_quotient(value)
    }

    #[inline(always)]
    fn product(self, a: L::Vector, b: L::Vector) -> SplitSum<L::Vector> {
        let round = self.lanes.splat(ROUND_SUM);
        let high = self.lanes.mul_add(a, b, round);
        let low = self.lanes.mul_sub(a, b, self.lanes.sub(high, round));
        SplitSum { high, low }
    }

    #[inline(always)]
    fn add_product(self, sum: SplitSum<L::Vector>, a: L::Vector, b: L::Vector) -> SplitSum<L::Vector> {
        let high = self.lanes.mul_add(a, b, sum.high);
        let low = self.lanes.mul_sub(a, b, self.lanes.sub(high, sum.high));
        SplitSum { high, low: self.lanes.add(sum.low, low) }
    }

    #[inline(always)]
    fn residue(self, sum: SplitSum<L::Vector>) -> L::Vector {
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
