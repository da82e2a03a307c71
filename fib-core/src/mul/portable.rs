//! The portable engine: from residues in a `u64` to digits, and the halved sums, a digit at a time.

use super::digits::divide_by_power_of_10;
use super::engine::{Base, Engine, Half, Scales};
use super::field::Field;
use super::halves::{high, low, multiply_high};
use super::roots::constant;
use super::words::{PRIMES, Words, at_most_once};

/// The inverse of the first prime modulo the second.
const INVERSE: u64 = PRIMES[1].inverse_of(PRIMES[0].modulus);

/// Digits of 16 places for factors up to 13,000 digits, of 15 up to 1,300,000, beyond that of 14.
pub(super) const BASES: [Base; 3] = [Base::new(16, &PRIMES), Base::new(15, &PRIMES), Base::new(14, &PRIMES)];

const _: () = assert!(BASES[0].longest >= 13_000 && BASES[1].longest >= 1_300_000 && BASES[2].longest >= 130_000_000);

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

/// Splits an integer below p1·p2 in three digits of a base B: v = d0 + d1·B + d2·B².
struct Cut {
    base: u64,
    base_squared: u128,
    /// floor(2^(63 + bits of B²) / B²)
    high_reciprocal: u64,
    high_shift: u32,
    /// Bits below those that are divided by B once d2 is taken away.
    low_bits: u32,
    /// floor(2^(63 + bits of B) / B)
    low_reciprocal: u64,
    low_shift: u32,
}

impl Cut {
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

    /// Both quotients are at most 1 too small: what is cut off below them, and what the reciprocals lack, is together less
    /// than 1. So d0 < 2B, d1 < 2B + 1, and d2 is at most the number of digits of a factor.
    #[inline(always)]
    fn digits(&self, v: u128) -> [u64; 3] {
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
    type Field = Words;

    const ROW: usize = 1;

    fn fields(self) -> [Words; 2] {
        [const { Words::new(&PRIMES[0]) }, const { Words::new(&PRIMES[1]) }]
    }

    fn base(self) -> Base {
        self.base
    }

    fn combine(self, [first, second]: [&mut [u64]; 2], levels: usize) {
        let [field, field_2] = self.fields();
        let scales = Scales::new([field, field_2], INVERSE, levels);
        let scale = constant(field, scales.first);
        let [scale_2, inverse] = [scales.second, scales.inverse].map(|scale| constant(field_2, scale));
        let cut = Cut::new(self.base.value());
        let mut column = Column::new(self.base);
        let (mut middle, mut high) = (0, [0, 0]);
        for (x1, &x2) in first.iter_mut().zip(&*second) {
            let r1 = field.settle(field.mul(*x1, scale));
            let u = field_2.settle(field_2.sub(field_2.mul(x2, scale_2), field_2.mul(r1, inverse)));
            let [d0, d1, d2] = cut.digits(u128::from(r1) + u128::from(field.p) * u128::from(u));
            *x1 = column.settle(d0 + middle + high[0]);
            middle = d1;
            high = [high[1], d2];
        }
    }

    fn halve(self, f: &mut [u64], l: &mut [u64], half: Half) {
        let (mut sums, mut fivefold) = (Column::new(self.base), Column::new(self.base));
        for i in 0..f.len().min(l.len()) - 1 {
            // Half of a digit's odd sum belongs to the digit below.
            let odd = (f[i + 1] + l[i + 1]) % 2;
            let sum = sums.settle((f[i] + l[i]) / 2 + odd * (self.base.value() / 2));
            match half {
                Half::Both => {
                    l[i] = fivefold.settle(sum + 2 * f[i]);
                    f[i] = sum;
                }
                Half::Sum => l[i] = sum,
                Half::FiveFold => l[i] = fivefold.settle(sum + 2 * f[i]),
            }
        }
    }
}

/// Carries, from sums below 5B + B/2 (B the base) to digits, from the lowest on.
struct Column {
    base: Base,
    /// What the column before is divided by the base.
    carry: u64,
    /// That this overflowed the column before.
    ripple: u64,
}

impl Column {
    fn new(base: Base) -> Self {
        Self { base, carry: 0, ripple: 0 }
    }

    /// The division is of this column only, so that nothing waits for it: with the carry of the column before, at most 5,
    /// the remainder is below B + 6, which leaves a ripple of at most 1.
    #[inline(always)]
    fn settle(&mut self, sum: u64) -> u64 {
        let base = self.base.value();
        let carry = divide_by_power_of_10(sum, self.base.places);
        let digit = sum - carry * base + self.carry + self.ripple;
        self.carry = carry;
        self.ripple = u64::from(digit >= base);
        at_most_once(digit, base)
    }
}
