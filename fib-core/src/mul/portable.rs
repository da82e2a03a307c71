//! The portable engine: from residues in a `u64` to coefficients, and the halved sums, one coefficient at a time.

use super::engine::{Base, Engine, HalvedSum, Scales};
use super::field::Field;
use super::integer::{Integer, PRIMES, subtract_once};
use super::regroup::divide_by_power_of_10;
use super::roots::constant;
use super::u128_halves::{high, low, multiply_high};

/// The inverse of the first prime modulo the second.
const INVERSE: u64 = PRIMES[1].inverse_of(PRIMES[0].modulus);

/// Coefficients have 16 decimal digits where the factors have at most 13,000 coefficients, 15 up to 1,300,000 coefficients,
/// and 14 beyond that.
pub(super) const BASES: [Base; 3] = [Base::new(16, &PRIMES), Base::new(15, &PRIMES), Base::new(14, &PRIMES)];

const _: () = assert!(BASES[0].longest >= 13_000 && BASES[1].longest >= 1_300_000 && BASES[2].longest >= 130_000_000);
// See `ScalarCarries::propagate`: a column is d0 + d1 + d2, where d2 is at most the number of products. The last base is the
// smallest and has the most products.
const _: () = assert!(BASES[2].longest <= BASES[2].value());

/// The portable engine.
#[derive(Clone, Copy)]
pub(super) struct Portable {
    base: Base,
}

impl Portable {
    pub(super) const fn new(base: Base) -> Self {
        Self { base }
    }
}

/// Splits an integer below p1·p2 by the base B: v = d0 + d1·B + d2·B².
struct SplitByBase {
    base: u64,
    base_squared: u128,
    /// floor(2^(63 + bits of B²) / B²)
    high_reciprocal: u64,
    high_shift: u32,
    /// The bits of v − d2·B² that are left out of its division by B, so that 64 are left.
    low_bits: u32,
    /// floor(2^(63 + bits of B) / B)
    low_reciprocal: u64,
    low_shift: u32,
}

impl SplitByBase {
    fn new(base: u64) -> Self {
        let base_squared = u128::from(base) * u128::from(base);
        let (bits, squared_bits) = (base.ilog2(), base_squared.ilog2());
        let low_bits = squared_bits + 2 - 64;
        Self {
            base,
            base_squared,
            high_reciprocal: reciprocal(base_squared, 64 + squared_bits),
            high_shift: squared_bits - 64,
            low_bits,
            low_reciprocal: reciprocal(base.into(), 64 + bits),
            low_shift: bits - low_bits,
        }
    }

    /// Each quotient is exact or 1 too small: the low bits that are left out and the error of the reciprocal together change
    /// it by less than 1. So d0 and d1 are below 2B, and d2 is at most the number of products.
    #[inline(always)]
    fn split(&self, v: u128) -> [u64; 3] {
        let d2 = multiply_high(high(v), self.high_reciprocal) >> self.high_shift;
        let rest = v - u128::from(d2) * self.base_squared;
        let d1 = multiply_high(low(rest >> self.low_bits), self.low_reciprocal) >> self.low_shift;
        let d0 = low(rest).wrapping_sub(d1.wrapping_mul(self.base));
        [d0, d1, d2]
    }
}

/// floor(2^exponent / divisor), by long division; the quotient has 64 bits.
fn reciprocal(divisor: u128, exponent: u32) -> u64 {
    let (mut quotient, mut rest) = (0, 1_u128);
    for _ in 0..exponent {
        rest *= 2;
        quotient *= 2;
        if rest >= divisor {
            rest -= divisor;
            quotient += 1;
        }
    }
    quotient
}

impl Engine for Portable {
    type Field = Integer;

    const STEP: usize = 1;

    fn fields(self) -> [Integer; 2] {
        [const { Integer::new(&PRIMES[0]) }, const { Integer::new(&PRIMES[1]) }]
    }

    fn base(self) -> Base {
        self.base
    }

    fn combine(self, [first, second]: [&mut [u64]; 2], levels: usize) {
        let [field, field_2] = self.fields();
        let scales = Scales::new([field, field_2], INVERSE, levels);
        let scale = constant(field, scales.first);
        let [scale_2, inverse] = [scales.second, scales.inverse].map(|scale| constant(field_2, scale));
        let splitter = SplitByBase::new(self.base.value());
        let mut carries = ScalarCarries::new(self.base);
        // The part d1 of the coefficient before, and the parts d2 of the two before.
        let (mut middle, mut high) = (0, [0, 0]);
        for (x1, &x2) in first.iter_mut().zip(&*second) {
            let r1 = field.reduce_fully(field.mul(*x1, scale));
            let u = field_2.reduce_fully(field_2.sub(field_2.mul(x2, scale_2), field_2.mul(r1, inverse)));
            let [d0, d1, d2] = splitter.split(u128::from(r1) + u128::from(field.p) * u128::from(u));
            *x1 = carries.propagate(d0 + middle + high[0]);
            middle = d1;
            high = [high[1], d2];
        }
    }

    fn halve(self, f: &mut [u64], l: &mut [u64], which: HalvedSum) {
        let (mut sums, mut fivefold) = (ScalarCarries::new(self.base), ScalarCarries::new(self.base));
        for i in 0..f.len().min(l.len()) - 1 {
            // Where the sum of the next coefficients is odd, half of the base goes to this one.
            let odd = (f[i + 1] + l[i + 1]) % 2;
            let sum = sums.propagate((f[i] + l[i]) / 2 + odd * (self.base.value() / 2));
            match which {
                HalvedSum::Both => {
                    l[i] = fivefold.propagate(sum + 2 * f[i]);
                    f[i] = sum;
                }
                HalvedSum::Sum => l[i] = sum,
                HalvedSum::FiveFold => l[i] = fivefold.propagate(sum + 2 * f[i]),
            }
        }
    }
}

/// Carry propagation from the lowest column on.
struct ScalarCarries {
    base: Base,
    /// The quotient of the column before by the base.
    quotient: u64,
    /// 1 where the column before carries 1 beyond its quotient, else 0.
    ripple: u64,
}

impl ScalarCarries {
    fn new(base: Base) -> Self {
        Self { base, quotient: 0, ripple: 0 }
    }

    /// Turns the next column, an integer below 5B, into a coefficient below B.
    ///
    /// The column is divided before anything is added to it, so no division waits for the column before. Then the
    /// quotient of the column before, at most 4, and its ripple, at most 1, are added to the remainder. The sum is at most
    /// B + 4: it is reduced by one subtraction of B, which adds a ripple of 1 to the next column.
    #[inline(always)]
    fn propagate(&mut self, column: u64) -> u64 {
        let base = self.base.value();
        let quotient = divide_by_power_of_10(column, self.base.digits);
        let sum = column - quotient * base + self.quotient + self.ripple;
        self.quotient = quotient;
        self.ripple = u64::from(sum >= base);
        subtract_once(sum, base)
    }
}
