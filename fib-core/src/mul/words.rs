//! The portable engine: one residue in a `u64`, modulo primes just below 2^63.

use core::hint::select_unpredictable;

use super::digits::divide_by_power_of_10;
use super::engine::{Base, Engine, Half, Scales};
use super::field::{Factor, Field, Op};
use super::prime::Prime;
use super::transform::constant;
use super::wide::{high, low, multiply_high};

/// The two largest primes below 2^63 that are 1 modulo 2^26, with roots of unity of order 2^26.
pub(super) static PRIMES: [Prime; 2] = [
    Prime::new(9_223_372_035_915_251_713, 420_219_524_538_307_086),
    Prime::new(9_223_372_034_505_965_569, 7_388_713_459_186_755_282),
];

/// The inverse of the first prime modulo the second.
const INVERSE: u64 = PRIMES[1].inverse_of(PRIMES[0].modulus);

/// Digits of 16 places for factors up to 850,000 digits, beyond that of 15.
pub(super) const BASES: [Base; 2] = [Base::new(16, &PRIMES), Base::new(15, &PRIMES)];

const _: () = assert!(BASES[0].longest >= 850_000 && BASES[1].longest >= 85_000_000);

/// Integers modulo a prime p, 2^62 < p < 2^63, always below p.
#[derive(Clone, Copy)]
pub(super) struct Words {
    prime: &'static Prime,
    p: u64,
    /// The inverse of p modulo 2^64.
    p_inverse: u64,
    /// 2·p²
    fold: u128,
}

impl Words {
    const fn new(prime: &'static Prime) -> Self {
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
fn at_most_once(x: u64, subtrahend: u64) -> u64 {
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
            let r1 = field.mul(*x1, scale);
            let u = field_2.sub(field_2.mul(x2, scale_2), field_2.mul(r1, inverse));
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
