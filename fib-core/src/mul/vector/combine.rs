//! From residues modulo both primes to the coefficients of a number, a chunk of rows at a time.

use super::carry::{CHUNK, Divisor, VectorCarries};
use super::float::{Float, PRIMES, nearest, to_f64};
use super::lanes::Lanes;
use crate::mul::engine::{Base, Scales};
use crate::mul::field::{Factor, Op};

/// The inverse of the first prime modulo the second.
pub(super) const INVERSE: u64 = PRIMES[1].inverse_of(PRIMES[0].modulus);

/// Coefficients have 12 decimal digits where the factors have at most 970,000 coefficients, and 11 beyond that.
pub(in crate::mul) const BASES: [Base; 2] = [Base::new(12, &PRIMES), Base::new(11, &PRIMES)];

const _: () = assert!(BASES[0].longest >= 970_000 && BASES[1].longest >= 97_000_000);

/// See [`Engine::combine`](crate::mul::engine::Engine::combine).
pub(super) struct Combine<'a, L: Lanes> {
    pub(super) fields: [Float<L>; 2],
    pub(super) scales: Scales,
    pub(super) base: Base,
    pub(super) first: &'a mut [f64],
    pub(super) second: &'a [f64],
}

/// The last step of Garner's algorithm, in base B: the coefficient v = r1 + p1·u with 0 ≤ r1 < p1 and 0 ≤ u < p2.
///
/// v can have 100 bits, so it is never computed as one integer. With u = u0 + u1·B and p1 = p10 + p11·B it is
///
/// ```text
/// v = (r1 + p10·u0) + (p11·u0 + p10·u1)·B + p11·u1·B²
/// ```
///
/// where every partial product but p10·u0 is below 2^51.
struct Garner<L: Lanes> {
    divisor: Divisor<L>,
    /// p10, with its quotient by B.
    low: Factor<L::Vector>,
    /// p11.
    high: L::Vector,
}

const _: () = {
    let [p1, p2] = [PRIMES[0].modulus, PRIMES[1].modulus];
    let mut i = 0;
    while i < BASES.len() {
        let base = BASES[i].value();
        // What is divided for d1: p11·u0 < p1, p10·u1 < p2, and the carry (r1 + p10·u0)/B < p1/B + p10 < 2B.
        assert!(p1 / base < base);
        assert!(p1 + p2 + 2 * base < (1 << 51) - 1);
        // A column is the sum of d0 < B, d1 < B, and d2, which is at most the number of products: less than 4B.
        assert!(BASES[i].longest <= base);
        i += 1;
    }
};

impl<L: Lanes> Garner<L> {
    #[inline(always)]
    fn new(divisor: Divisor<L>, base: Base) -> Self {
        let lanes = divisor.lanes;
        let [high, low] = [PRIMES[0].modulus / base.value(), PRIMES[0].modulus % base.value()];
        let low = lanes.splat(to_f64(low));
        let low = Factor { value: low, quotient: lanes.div(low, divisor.base) };
        Self { divisor, low, high: lanes.splat(to_f64(high)) }
    }

    /// Coefficients as d0 + d1·B + d2·B², with d0 and d1 below B, and d2 at most the number of products.
    #[inline(always)]
    fn coefficients(&self, r1: L::Vector, u: L::Vector) -> [L::Vector; 3] {
        let Divisor { lanes, base, .. } = self.divisor;
        let [u1, u0] = self.divisor.divide(u);
        // p10·u0 as quotient and remainder by B. The quotient is rounded to the nearest integer, as in `Float::mul`, so
        // the remainder is between −B and B.
        let product = lanes.mul(u0, self.low.value);
        let quotient = nearest(lanes, u0, self.low.quotient);
        let rest = lanes.sub_mul(product, quotient, base);
        let rest = lanes.add(rest, lanes.mul_sub(u0, self.low.value, product));
        // One B is added, since what is divided must not be negative. So the carry is 1 too large.
        let [carry, d0] = self.divisor.divide(lanes.add(rest, lanes.add(r1, base)));
        let middle = lanes.add(quotient, lanes.sub(carry, lanes.splat(1.0)));
        let middle = lanes.mul_add(self.low.value, u1, middle);
        let middle = lanes.mul_add(self.high, u0, middle);
        let [carry, d1] = self.divisor.divide(middle);
        [d0, d1, lanes.mul_add(self.high, u1, carry)]
    }
}

impl<L: Lanes> Op for Combine<'_, L> {
    #[inline(always)]
    fn run(self) {
        let [field, field_2] = self.fields;
        let lanes = field.lanes;
        let divisor = Divisor::new(lanes, self.base);
        let garner = Garner::new(divisor, self.base);
        let scale = field.constant(self.scales.first);
        let scale_2 = field_2.constant(self.scales.second);
        let inverse = field_2.constant(self.scales.inverse);
        let mut carries = VectorCarries::new(divisor);
        // The parts d1 of a row belong one column further up, and the parts d2 two columns: d2 is shifted by one column and
        // added to d1, and their sum is shifted by one column again.
        let (mut high, mut above) = (lanes.splat(0.0), lanes.splat(0.0));
        let elements = CHUNK * L::LANES;
        for (first, second) in self.first.chunks_mut(elements).zip(self.second.chunks(elements)) {
            let (first, second) = (L::rows_mut(first), L::rows(second));
            let mut columns = [lanes.splat(0.0); CHUNK];
            for ((x1, x2), column) in first.iter().zip(second).zip(&mut columns) {
                let r1 = field.canonical(field.mul(lanes.load(x1), scale));
                let u = lanes.sub(field_2.mul(lanes.load(x2), scale_2), field_2.mul(r1, inverse));
                let [d0, d1, d2] = garner.coefficients(r1, field_2.canonical(field_2.reduce(u)));
                let sum = lanes.add(d1, lanes.shift(high, d2));
                *column = lanes.add(d0, lanes.shift(above, sum));
                (high, above) = (d2, sum);
            }
            carries.propagate(&mut columns);
            for (x, column) in first.iter_mut().zip(columns) {
                lanes.store(x, column);
            }
        }
    }
}
