//! Short products, by the schoolbook method on decimal limbs.
//!
//! A column of the product is the sum of all `a[i]·b[j]` with the same i + j. It is summed in full, then the carry of the
//! column before is added, and one division by the base gives the limb and the next carry. Two columns are summed at a time:
//! they share loads and branches, and neither sum waits for the other.

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

    /// floor(2^127 / B)
    const SHORT_RECIPROCAL: u64 = low((1 << 127) / BASE as u128);

    /// The same for `u1` below 2^32, with one multiplication less to wait for.
    ///
    /// Let u be the dividend and x = floor(u/2^32), which is below 2^64. Then u/B exceeds x·2^32/B by less than
    /// 2^32/B < 2^−31, and that exceeds `x·SHORT_RECIPROCAL/2^95` by less than x/2^95 < 2^−31. So the estimated quotient is at
    /// most 1 too small, and the remainder before the correction is less than B + B/2^30, which is below 2^64.
    #[inline(always)]
    fn divide_short(u1: u64, u0: u64) -> (u64, u64) {
        debug_assert!(u1 >> 32 == 0);
        let x = u1 << 32 | u0 >> 32;
        let quotient = high(u128::from(SHORT_RECIPROCAL) * u128::from(x)) >> 31;
        let remainder = u0.wrapping_sub(quotient.wrapping_mul(BASE));
        let (difference, less) = remainder.overflowing_sub(BASE);
        (quotient + u64::from(!less), select_unpredictable(less, remainder, difference))
    }

    /// What a column carries into the next one, `low + high·2^64`. It is at most the sum of a column divided by B − 1, so with
    /// up to 2^32 products `high` is below 2^32.
    #[derive(Default)]
    pub(super) struct Carry {
        low: u64,
        high: u64,
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

        /// The limb at this column of the number. The upper part is divided before the carry is added to it, so only the
        /// second division waits for the column before.
        #[inline(always)]
        pub(super) fn limb(self, carry: &mut Carry) -> Limb {
            let (quotient, rest) = divide_short(self.high, high(self.low));
            let (low, over) = low(self.low).overflowing_add(carry.low);
            // Less than 2B, since `carry.high` is small.
            let rest = rest + (carry.high + u64::from(over));
            let (difference, less) = rest.overflowing_sub(BASE);
            let (low_quotient, limb) = divide(select_unpredictable(less, rest, difference), low);
            *carry = Carry { low: low_quotient, high: quotient + u64::from(!less) };
            limb
        }
    }

    #[test]
    fn short_quotients_at_the_bounds_of_the_correction_are_exact() {
        let largest = u64::MAX >> 32;
        let bound = (u128::from(largest) << 64 | u128::from(u64::MAX)) / u128::from(BASE);
        for quotient in (0..10_000).chain(low(bound) - 1_000_000..low(bound)) {
            for rest in [0, 1, BASE - 1] {
                let dividend = u128::from(quotient) * u128::from(BASE) + u128::from(rest);
                assert_eq!(divide_short(high(dividend), low(dividend)), (quotient, rest));
            }
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

        /// The limb at this column of the number.
        #[inline(always)]
        #[expect(clippy::cast_possible_truncation, reason = "a remainder by the base is a limb")]
        pub(super) fn limb(self, carry: &mut Carry) -> Limb {
            let base = u64::from(BASE);
            let sum = self.low + carry.0;
            carry.0 = sum / base + u64::from(self.high) * base;
            (sum % base) as Limb
        }
    }

    /// What a column carries into the next one: less than 2^62, since `high` is below 2^32 and B below 2^30.
    #[derive(Default)]
    pub(super) struct Carry(u64);
}

use column::{Carry, Column};

/// `a + b` and the carry.
#[inline(always)]
pub(super) fn add(a: Limb, b: Limb) -> (Limb, bool) {
    let (difference, less) = a.overflowing_sub(BASE - b);
    (select_unpredictable(less, a.wrapping_add(b), difference), !less)
}

/// Columns `k` and `k + 1` of a·b.
#[inline(always)]
fn product_columns(a: &[Limb], b: &[Limb], k: usize) -> [Column; 2] {
    let mut columns = [Column::default(); 2];
    // The limbs of a that both columns multiply by a limb of b.
    let from = (k + 2).saturating_sub(b.len());
    let to = a.len().min(k + 1);
    if from < to {
        let pairs = b[k + 1 - to..=k + 1 - from].windows(2).rev();
        for (&x, pair) in a[from..to].iter().zip(pairs) {
            columns[0].add(x, pair[0]);
            columns[1].add(x, pair[1]);
        }
    }
    if let (Some(&x), Some(&y)) = (a.get((k + 1).wrapping_sub(b.len())), b.last()) {
        columns[0].add(x, y);
    }
    if let (Some(&x), Some(&y)) = (a.get(k + 1), b.first()) {
        columns[1].add(x, y);
    }
    columns
}

/// Columns `2t` and `2t + 1` of a². Each product of two different limbs is computed once and counted twice.
#[inline(always)]
fn square_columns(a: &[Limb], t: usize) -> [Column; 2] {
    let mut columns = [Column::default(); 2];
    let from = (2 * t + 2).saturating_sub(a.len());
    if from < t {
        let pairs = a[t + 1..=2 * t + 1 - from].windows(2).rev();
        for (&x, pair) in a[from..t].iter().zip(pairs) {
            columns[0].add(x, pair[0]);
            columns[1].add(x, pair[1]);
        }
    }
    if let Some(&x) = a[..t].get((2 * t + 1).wrapping_sub(a.len())) {
        columns[0].add(x, a[a.len() - 1]);
    }
    if let Some(&y) = a.get(t + 1) {
        columns[1].add(a[t], y);
    }
    for column in &mut columns {
        column.double();
    }
    columns[0].add(a[t], a[t]);
    columns
}

/// Writes `a·b` to `out`, whose length is the sum of both lengths.
pub(super) fn multiply(a: &[Limb], b: &[Limb], out: &mut [Limb]) {
    assert_eq!(out.len(), a.len() + b.len());
    let mut carry = Carry::default();
    let (pairs, last) = out.as_chunks_mut::<2>();
    for (t, pair) in pairs.iter_mut().enumerate() {
        *pair = product_columns(a, b, 2 * t).map(|column| column.limb(&mut carry));
    }
    for limb in last {
        *limb = Column::default().limb(&mut carry);
    }
}

/// Writes `a·b` and `b²`, each to a slice twice as long as `b`, where `a` is not longer than `b`. The divisions for both
/// products run side by side.
pub(super) fn multiply_and_square(a: &[Limb], b: &[Limb], product: &mut [Limb], squared: &mut [Limb]) {
    assert!(a.len() <= b.len() && product.len() == 2 * b.len() && squared.len() == 2 * b.len());
    let (mut carry, mut square_carry) = (Carry::default(), Carry::default());
    let (products, _) = product.as_chunks_mut::<2>();
    let (squares, _) = squared.as_chunks_mut::<2>();
    for (t, (product, squared)) in products.iter_mut().zip(squares).enumerate() {
        let (columns, square_columns) = (product_columns(a, b, 2 * t), square_columns(b, t));
        for i in 0..2 {
            product[i] = columns[i].limb(&mut carry);
            squared[i] = square_columns[i].limb(&mut square_carry);
        }
    }
}
