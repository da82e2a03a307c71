//! The vector engine: from residues in `f64` to digits, and the halved sums, a chunk of rows at a time.

mod float;
mod lanes;
#[cfg(test)]
mod tests;

use super::doubling::Plan;
use super::engine::{Base, Engine, Half, Scales};
use super::field::{Factor, Op};
use super::halves::low;
use super::{Admit, Goal, by_basecase, by_transform};
use crate::arch::{Avx2Fma, Avx512, Kernel};
use crate::error::Exhausted;
use crate::storage::Heap;
use float::{Float, PRIMES, integer, nearest};
use lanes::{Lanes, Squares, Wide};

/// From this index on a number is doubled by a transform of four lanes. Measured on Zen 5, as the one below.
const LANES_4_THRESHOLD: u64 = 3_500;

/// The same for eight lanes, whose smallest transforms are larger.
const LANES_8_THRESHOLD: u64 = 6_000;

/// The inverse of the first prime modulo the second.
const INVERSE: u64 = PRIMES[1].inverse_of(PRIMES[0].modulus);

/// Digits of 12 places for factors up to 970,000 digits, beyond that of 11.
pub(super) const BASES: [Base; 2] = [Base::new(12, &PRIMES), Base::new(11, &PRIMES)];

const _: () = assert!(BASES[0].longest >= 970_000 && BASES[1].longest >= 97_000_000);

/// Vectors side by side.
const WIDTH: usize = 4;

/// Rows in a chunk, WIDTH vectors each. Their carries fill a mask of at most 64 bits.
const CHUNK: usize = 2;

/// The numbers of the goal, where the machine has vectors and their kernel is in use.
pub(super) fn compute(last: u64, goal: Goal, admit: Admit<'_>) -> Option<Result<[Heap; 2], Exhausted>> {
    match Kernel::current() {
        Kernel::Portable => None,
        Kernel::Avx2 => Some(by_vectors(Avx2Fma::new()?, LANES_4_THRESHOLD, last, goal, admit)),
        Kernel::Avx512 => Some(by_vectors(Avx512::new()?, LANES_8_THRESHOLD, last, goal, admit)),
    }
}

fn by_vectors<L: Squares>(
    lanes: L,
    threshold: u64,
    last: u64,
    goal: Goal,
    admit: Admit<'_>,
) -> Result<[Heap; 2], Exhausted> {
    if last < threshold {
        return by_basecase(last, goal, admit);
    }
    let plan = Plan::new::<Float<L>>(last, goal, &BASES).ok_or(Exhausted::capacity())?;
    by_transform(Vector::new(lanes, plan.base), plan, threshold, last, goal, admit)
}

/// The engine on vectors of one width.
#[derive(Clone, Copy)]
pub(super) struct Vector<L> {
    lanes: L,
    base: Base,
}

impl<L: Lanes> Vector<L> {
    pub(super) const fn new(lanes: L, base: Base) -> Self {
        Self { lanes, base }
    }
}

impl<L: Squares> Engine for Vector<L> {
    type Field = Float<L>;

    const ROW: usize = WIDTH * L::LANES;

    fn fields(self) -> [Float<L>; 2] {
        fields(self.lanes)
    }

    fn base(self) -> Base {
        self.base
    }

    fn combine(self, [first, second]: [&mut [f64]; 2], levels: usize) {
        let scales = Scales::new(self.fields(), INVERSE, levels);
        let fields = fields(Wide::<L, WIDTH>(self.lanes));
        self.lanes.run(Combine { fields, scales, base: self.base, first, second });
    }

    fn halve(self, f: &mut [f64], l: &mut [f64], half: Half) {
        let lanes = Wide::<L, WIDTH>(self.lanes);
        lanes.run(Halve { lanes, base: self.base, f, l, half });
    }
}

/// The fields of both primes on any vectors.
fn fields<L: Lanes>(lanes: L) -> [Float<L>; 2] {
    [Float::new(lanes, &PRIMES[0]), Float::new(lanes, &PRIMES[1])]
}

/// A base for exact division: `inverse` is a little above 1/B.
#[derive(Clone, Copy)]
struct Divisor<L: Lanes> {
    lanes: L,
    base: L::Vector,
    inverse: L::Vector,
}

impl<L: Lanes> Divisor<L> {
    #[inline(always)]
    fn new(lanes: L, base: Base) -> Self {
        let base = integer(base.value());
        Self { lanes, base: lanes.splat(base), inverse: lanes.splat((1.0 / base).next_up()) }
    }

    /// Quotient and remainder, exact for integers 0 ≤ x < 2^51 − 1.
    ///
    /// The next number above the nearest to 1/B exceeds it by at most 3·2^−53 of itself. So x·inverse is not below a quotient
    /// that is an integer, nor is it after rounding; and where the quotient is k − 1/B or less, rounding included it is
    /// larger by less than 2^−51 of itself, which does not reach k as long as k·B = x + 1 < 2^51.
    #[inline(always)]
    fn divide(self, x: L::Vector) -> [L::Vector; 2] {
        let quotient = self.lanes.floor(self.lanes.mul(x, self.inverse));
        [quotient, self.lanes.sub_mul(x, quotient, self.base)]
    }
}

/// Carries, from the lowest digit on, a chunk at a time.
struct Carries<L: Lanes> {
    divisor: Divisor<L>,
    /// By how often the columns of the last row exceed the base.
    quotients: L::Vector,
    /// Whether that overflowed the last column.
    ripple: bool,
}

impl<L: Lanes> Carries<L> {
    #[inline(always)]
    fn new(divisor: Divisor<L>) -> Self {
        Self { divisor, quotients: divisor.lanes.splat(0.0), ripple: false }
    }

    /// From columns of integers below 4B to digits.
    ///
    /// Each column is divided by itself. With the quotient of its neighbour, at most 3, a remainder is below B + 3, so what
    /// ripples on is at most 1: it runs through digits that are B − 1, as in the addition of two masks, one of the columns
    /// that overflow (they count double) and one of those that would let a carry pass.
    #[inline(always)]
    fn settle(&mut self, columns: &mut [L::Vector; CHUNK]) {
        let Divisor { lanes, base, .. } = self.divisor;
        let (mut over, mut full) = (0, 0);
        let largest = lanes.sub(base, lanes.splat(1.0));
        for (i, column) in columns.iter_mut().enumerate() {
            let [quotients, rest] = self.divisor.divide(*column);
            *column = lanes.add(rest, lanes.shift(self.quotients, quotients));
            self.quotients = quotients;
            over |= lanes.at_least(*column, base) << (i * L::LANES);
            full |= lanes.at_least(*column, largest) << (i * L::LANES);
        }
        let passing = u128::from(full & !over);
        let carries = (passing + 2 * u128::from(over) + u128::from(self.ripple)) ^ passing;
        self.ripple = carries >> (CHUNK * L::LANES) & 1 == 1;
        let [into, out] = [low(carries), low(carries >> 1)];
        let less = lanes.sub(lanes.splat(0.0), base);
        for (i, column) in columns.iter_mut().enumerate() {
            let sum = lanes.add_where(into >> (i * L::LANES), *column, lanes.splat(1.0));
            *column = lanes.add_where(out >> (i * L::LANES), sum, less);
        }
    }
}

/// See [`Engine::combine`].
struct Combine<'a, L: Lanes> {
    fields: [Float<L>; 2],
    scales: Scales,
    base: Base,
    first: &'a mut [f64],
    second: &'a [f64],
}

/// A coefficient is r1 + p1·u with 0 ≤ r1 < p1 and 0 ≤ u < p2. Cut in digits, u = u0 + u1·B and p1 = p10 + p11·B, so that no
/// partial product is as large as 2^51.
struct Cut<L: Lanes> {
    divisor: Divisor<L>,
    low: Factor<L::Vector>,
    high: L::Vector,
}

const _: () = {
    let [p1, p2] = [PRIMES[0].modulus, PRIMES[1].modulus];
    let mut i = 0;
    while i < BASES.len() {
        let base = BASES[i].value();
        // The middle column: p11·u0 < p1, p10·u1 < p2, and two quotients.
        assert!(p1 + p2 + 2 * base < (1 << 51) - 1);
        // It is not negative where u1 > 0: see `Cut::digits`.
        assert!(p1 % base > 0);
        // Columns: two digits and a count of products.
        assert!(BASES[i].longest <= base);
        i += 1;
    }
};

impl<L: Lanes> Cut<L> {
    #[inline(always)]
    fn new(divisor: Divisor<L>, base: Base) -> Self {
        let lanes = divisor.lanes;
        let [high, low] = [PRIMES[0].modulus / base.value(), PRIMES[0].modulus % base.value()];
        let low = lanes.splat(integer(low));
        let low = Factor { value: low, ratio: lanes.div(low, divisor.base) };
        Self { divisor, low, high: lanes.splat(integer(high)) }
    }

    /// Coefficients as d0 + d1·B + d2·B², with d0 and d1 below B, and d2 at most the number of products.
    #[inline(always)]
    fn digits(&self, r1: L::Vector, u: L::Vector) -> [L::Vector; 3] {
        let Divisor { lanes, base, .. } = self.divisor;
        let [u1, u0] = self.divisor.divide(u);
        // u0·p10 as quotient and remainder by B, the remainder from −B/2 to B/2 (and a little): as in `Float::mul`.
        let product = lanes.mul(u0, self.low.value);
        let quotient = nearest(lanes, u0, self.low.ratio);
        let rest = lanes.sub_mul(product, quotient, base);
        let rest = lanes.add(rest, lanes.mul_sub(u0, self.low.value, product));
        // One B more, which is taken from the middle again, keeps this from being negative.
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
        let cut = Cut::new(divisor, self.base);
        let scale = field.constant(self.scales.first);
        let scale_2 = field_2.constant(self.scales.second);
        let inverse = field_2.constant(self.scales.inverse);
        let mut carries = Carries::new(divisor);
        // High digits belong one column above the middle ones, which belong one above the low ones.
        let (mut high, mut above) = (lanes.splat(0.0), lanes.splat(0.0));
        let words = CHUNK * L::LANES;
        for (first, second) in self.first.chunks_mut(words).zip(self.second.chunks(words)) {
            let (first, second) = (L::rows_mut(first), L::rows(second));
            let mut columns = [lanes.splat(0.0); CHUNK];
            for ((x1, x2), column) in first.iter().zip(second).zip(&mut columns) {
                let r1 = field.canonical(field.mul(lanes.load(x1), scale));
                let u = lanes.sub(field_2.mul(lanes.load(x2), scale_2), field_2.mul(r1, inverse));
                let [d0, d1, d2] = cut.digits(r1, field_2.canonical(field_2.reduce(u)));
                let sum = lanes.add(d1, lanes.shift(high, d2));
                *column = lanes.add(d0, lanes.shift(above, sum));
                (high, above) = (d2, sum);
            }
            carries.settle(&mut columns);
            for (x, column) in first.iter_mut().zip(columns) {
                lanes.store(x, column);
            }
        }
    }
}

/// Half of the sum of row `i` of two numbers.
#[inline(always)]
fn half_sum<L: Lanes>(lanes: L, x: &[f64], y: &[f64], i: usize) -> L::Vector {
    let sum = lanes.add(lanes.load(&L::rows(x)[i]), lanes.load(&L::rows(y)[i]));
    lanes.mul(sum, lanes.splat(0.5))
}

/// See [`Engine::halve`].
struct Halve<'a, L: Lanes> {
    lanes: L,
    base: Base,
    f: &'a mut [f64],
    l: &'a mut [f64],
    half: Half,
}

impl<L: Lanes> Op for Halve<'_, L> {
    #[inline(always)]
    fn run(self) {
        let Self { lanes, base, f, l, half } = self;
        let divisor = Divisor::new(lanes, base);
        let (mut sums, mut fivefold) = (Carries::new(divisor), Carries::new(divisor));
        let rows = L::rows(f).len();
        for from in (0..rows).step_by(CHUNK) {
            let count = CHUNK.min(rows - from);
            let mut columns = [lanes.splat(0.0); CHUNK];
            let mut doubled = [lanes.splat(0.0); CHUNK];
            let start = from * L::LANES;
            for (i, column) in columns[..count].iter_mut().enumerate() {
                let here = half_sum(lanes, &f[start..], &l[start..], i);
                let next = half_sum(lanes, &f[start + 1..], &l[start + 1..], i);
                // Half of a digit's odd sum belongs to the digit below.
                let odd = lanes.sub(next, lanes.floor(next));
                *column = lanes.mul_add(odd, divisor.base, lanes.floor(here));
                let x = lanes.load(&L::rows(&f[start..])[i]);
                doubled[i] = lanes.add(x, x);
            }
            sums.settle(&mut columns);
            for (doubled, &column) in doubled.iter_mut().zip(&columns) {
                *doubled = lanes.add(*doubled, column);
            }
            if half != Half::Sum {
                fivefold.settle(&mut doubled);
            }
            for i in 0..count {
                if half == Half::Both {
                    lanes.store(&mut L::rows_mut(&mut f[start..])[i], columns[i]);
                }
                let x = if half == Half::Sum { columns[i] } else { doubled[i] };
                lanes.store(&mut L::rows_mut(&mut l[start..])[i], x);
            }
        }
    }
}
