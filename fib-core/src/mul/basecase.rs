//! Short products, by the schoolbook method on decimal limbs.
//!
//! A column of the product is the sum of all `a[i]·b[j]` with the same i + j. It is summed in full before it is divided by
//! the base, into three limbs. Nothing is added to a column before its division, so no division waits for the one before
//! it. Then the limbs of neighbouring columns are added.

use core::hint::select_unpredictable;

use crate::limb::Limb;
use crate::radix::Decimal;

/// The base B.
const BASE: Limb = Decimal::BASE;

/// The sum of a column of a product: the products of two limbs, up to 2^32 of them.
#[cfg(all(target_pointer_width = "64", not(fib_limb32)))]
mod column {
    use core::hint::select_unpredictable;

    use super::{BASE, Limb};
    use crate::mul::u128_halves::{high, low};

    /// `low + high·2^128`
    #[derive(Clone, Copy, Default)]
    pub(super) struct Column {
        low: u128,
        high: u64,
    }

    /// floor((2^128 − 1) / B) − 2^64, for B with its highest bit set.
    const RECIPROCAL: u64 = low(u128::MAX / BASE as u128 - (1 << 64));

    const _: () = assert!(BASE >> 63 == 1);

    /// `u1·2^64 + u0` divided by the base, for `u1` below it: Möller and Granlund, "Improved division by invariant
    /// integers", algorithm 4.
    #[inline(always)]
    fn divide(u1: u64, u0: u64) -> (u64, u64) {
        let dividend = (u128::from(u1) + 1) << 64 | u128::from(u0);
        let quotient = u128::from(RECIPROCAL) * u128::from(u1) + dividend;
        let (mut q1, q0) = (high(quotient), low(quotient));
        let remainder = u0.wrapping_sub(q1.wrapping_mul(BASE));
        let over = remainder > q0;
        let remainder = select_unpredictable(over, remainder.wrapping_add(BASE), remainder);
        q1 = q1.wrapping_sub(u64::from(over));
        if remainder < BASE { (q1, remainder) } else { (q1 + 1, remainder - BASE) }
    }

    impl Column {
        #[inline(always)]
        pub(super) fn add(&mut self, a: Limb, b: Limb) {
            let (low, over) = self.low.overflowing_add(u128::from(a) * u128::from(b));
            self.low = low;
            self.high += u64::from(over);
        }

        #[inline(always)]
        pub(super) fn double(&mut self) {
            self.high = self.high << 1 | high(self.low) >> 63;
            self.low <<= 1;
        }

        /// The sum as `d0 + d1·B + d2·B²`: divided by B, then the quotient, which has up to 128 bits, divided again.
        #[inline(always)]
        pub(super) fn limbs(self) -> [Limb; 3] {
            let (q1, rest) = divide(self.high, high(self.low));
            let (q0, d0) = divide(rest, low(self.low));
            let (d2, d1) = divide(q1, q0);
            [d0, d1, d2]
        }
    }

    /// Many of the largest quotients need the last correction, and multiples of the base are at its bound.
    #[test]
    fn quotients_at_the_bounds_of_each_correction_are_exact() {
        for quotient in (0..10_000).chain(u64::MAX - 1_000_000..=u64::MAX) {
            for rest in [0, 1, BASE - 1] {
                let dividend = u128::from(quotient) * u128::from(BASE) + u128::from(rest);
                assert_eq!(divide(high(dividend), low(dividend)), (quotient, rest));
            }
        }
    }
}

/// The sum of a column of a product: the products of two limbs, up to 2^32 of them.
#[cfg(not(all(target_pointer_width = "64", not(fib_limb32))))]
mod column {
    use super::{BASE, Limb};

    const SQUARE: u64 = BASE as u64 * BASE as u64;

    /// `low + high·B²`, with `low` below B².
    #[derive(Clone, Copy, Default)]
    pub(super) struct Column {
        low: u64,
        high: u32,
    }

    impl Column {
        #[inline(always)]
        pub(super) fn add(&mut self, a: Limb, b: Limb) {
            self.low += u64::from(a) * u64::from(b);
            self.fold();
        }

        #[inline(always)]
        pub(super) fn double(&mut self) {
            self.low *= 2;
            self.high *= 2;
            self.fold();
        }

        #[inline(always)]
        fn fold(&mut self) {
            if self.low >= SQUARE {
                self.low -= SQUARE;
                self.high += 1;
            }
        }

        /// The sum as `d0 + d1·B + d2·B²`.
        #[inline(always)]
        #[expect(clippy::cast_possible_truncation, reason = "both are below the base")]
        pub(super) fn limbs(self) -> [Limb; 3] {
            let base = u64::from(BASE);
            [(self.low % base) as Limb, (self.low / base) as Limb, self.high]
        }
    }
}

use column::Column;

/// Adds the limbs of neighbouring columns.
#[derive(Default)]
struct Accumulator {
    /// The limb d1 of the column before.
    middle: Limb,
    /// The limbs d2 of the two columns before, the earlier one first.
    high: [Limb; 2],
    /// The carry into the next limb, at most 2.
    carry: Limb,
}

impl Accumulator {
    /// From the limbs of the next column to the next limb of the product.
    #[inline(always)]
    fn next_limb(&mut self, [d0, d1, d2]: [Limb; 3]) -> Limb {
        let (sum, over_middle) = add(d0, self.middle);
        // This sum does not overflow: d2 is at most the number of products.
        let (sum, over_high) = add(sum, self.high[0] + self.carry);
        self.middle = d1;
        self.high = [self.high[1], d2];
        self.carry = Limb::from(over_middle) + Limb::from(over_high);
        sum
    }
}

/// `a + b` and the carry.
#[inline(always)]
pub(super) fn add(a: Limb, b: Limb) -> (Limb, bool) {
    let (difference, less) = a.overflowing_sub(BASE - b);
    (select_unpredictable(less, a.wrapping_add(b), difference), !less)
}

/// Writes `a·b` to `out`, whose length is the sum of both lengths.
pub(super) fn multiply(a: &[Limb], b: &[Limb], out: &mut [Limb]) {
    assert_eq!(out.len(), a.len() + b.len());
    let mut accumulator = Accumulator::default();
    for (k, out) in out.iter_mut().enumerate() {
        let mut column = Column::default();
        let from = (k + 1).saturating_sub(b.len());
        let to = a.len().min(k + 1);
        if from < to {
            let a = &a[from..to];
            let b = &b[k + 1 - to..=k - from];
            for (&x, &y) in a.iter().zip(b.iter().rev()) {
                column.add(x, y);
            }
        }
        *out = accumulator.next_limb(column.limbs());
    }
}

/// Writes `a²` to `out`, which is twice as long. Each product of two different limbs is computed once and counted twice.
pub(super) fn square(a: &[Limb], out: &mut [Limb]) {
    assert_eq!(out.len(), 2 * a.len());
    let mut accumulator = Accumulator::default();
    for (k, out) in out.iter_mut().enumerate() {
        let mut column = Column::default();
        let from = (k + 1).saturating_sub(a.len());
        let to = k.div_ceil(2);
        if from < to {
            let low = &a[from..to];
            let high = &a[k + 1 - to..=k - from];
            for (&x, &y) in low.iter().zip(high.iter().rev()) {
                column.add(x, y);
            }
            column.double();
        }
        if k % 2 == 0 {
            column.add(a[k / 2], a[k / 2]);
        }
        *out = accumulator.next_limb(column.limbs());
    }
}
