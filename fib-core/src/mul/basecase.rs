//! Short products, by the school method on decimal limbs, and the doubling of a pair of Fibonacci and Lucas numbers by
//! them.
//!
//! A column of the product, the sum of all `a[i]·b[j]` with the same i + j, is summed in full before it is divided by the
//! base. Each column is divided by itself, into three limbs, so that no division waits for the one before it; only then
//! are the limbs of neighbouring columns added.

use core::mem;

use crate::arch;
use crate::limb::Limb;
use crate::radix::Decimal;

/// The base as a wide integer.
const BASE: Limb = Decimal::BASE;

/// The largest index with a Lucas number of one limb: L(90) = 6.4·10^18, L(43) = 9.7·10^8.
const LAST_SINGLE: usize = if Limb::BITS == 64 { 90 } else { 43 };

/// F(0), F(1), ... up to the one after [`LAST_SINGLE`].
const SINGLES: [Limb; LAST_SINGLE + 2] = {
    let mut table = [1; LAST_SINGLE + 2];
    table[0] = 0;
    let mut n = 2;
    while n < table.len() {
        table[n] = table[n - 1] + table[n - 2];
        n += 1;
    }
    table
};

const _: () = {
    let last = SINGLES.len() - 1;
    assert!(SINGLES[last - 2] + SINGLES[last] < BASE, "L(LAST_SINGLE) is one limb");
};

/// F(k) and L(k) = F(k−1) + F(k+1), for k ≤ [`LAST_SINGLE`].
fn singles(k: usize) -> [Limb; 2] {
    let lucas = if k == 0 { 2 } else { SINGLES[k - 1] + SINGLES[k + 1] };
    [SINGLES[k], lucas]
}

/// The sum of a column of a product: the products of two limbs, up to 2^32 of them.
#[cfg(all(target_pointer_width = "64", not(fib_limb32)))]
mod column {
    use super::{BASE, Limb};
    use crate::mul::wide::{high, low};

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
        let mut remainder = u0.wrapping_sub(q1.wrapping_mul(BASE));
        if remainder > q0 {
            q1 = q1.wrapping_sub(1);
            remainder = remainder.wrapping_add(BASE);
        }
        if remainder >= BASE {
            q1 += 1;
            remainder -= BASE;
        }
        (q1, remainder)
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

        /// The sum as `d0 + d1·B + d2·B²`. A quotient of two words need not be below B, so that it is divided again.
        #[inline(always)]
        pub(super) fn limbs(self) -> [Limb; 3] {
            let (q1, rest) = divide(self.high, high(self.low));
            let (q0, d0) = divide(rest, low(self.low));
            let (d2, d1) = divide(q1, q0);
            [d0, d1, d2]
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

/// Adds up the limbs of neighbouring columns.
#[derive(Default)]
struct Carries {
    middle: Limb,
    high: [Limb; 2],
    carry: Limb,
}

impl Carries {
    #[inline(always)]
    fn settle(&mut self, [d0, d1, d2]: [Limb; 3]) -> Limb {
        let (sum, over_middle) = add(d0, self.middle);
        // d2 counts products, and the carry is at most 2: far from overflowing.
        let (sum, over_high) = add(sum, self.high[0] + self.carry);
        self.middle = d1;
        self.high = [self.high[1], d2];
        self.carry = Limb::from(over_middle) + Limb::from(over_high);
        sum
    }
}

/// `a + b` and the carry.
#[inline(always)]
fn add(a: Limb, b: Limb) -> (Limb, bool) {
    let room = BASE - b;
    if a >= room { (a - room, true) } else { (a + b, false) }
}

/// `a·b` into `out`, which has the length of both together.
pub(super) fn multiply(a: &[Limb], b: &[Limb], out: &mut [Limb]) {
    assert_eq!(out.len(), a.len() + b.len());
    let mut carries = Carries::default();
    for (place, out) in out.iter_mut().enumerate() {
        let mut column = Column::default();
        let from = (place + 1).saturating_sub(b.len());
        let to = a.len().min(place + 1);
        if from < to {
            let a = &a[from..to];
            let b = &b[place + 1 - to..=place - from];
            for (&x, &y) in a.iter().zip(b.iter().rev()) {
                column.add(x, y);
            }
        }
        *out = carries.settle(column.limbs());
    }
}

/// `a²` into `out`, which has twice the length: each product of two different limbs is computed once and counts twice.
pub(super) fn square(a: &[Limb], out: &mut [Limb]) {
    assert_eq!(out.len(), 2 * a.len());
    let mut carries = Carries::default();
    for (place, out) in out.iter_mut().enumerate() {
        let mut column = Column::default();
        let from = (place + 1).saturating_sub(a.len());
        let to = place.div_ceil(2);
        if from < to {
            let low = &a[from..to];
            let high = &a[place + 1 - to..=place - from];
            for (&x, &y) in low.iter().zip(high.iter().rev()) {
                column.add(x, y);
            }
            column.double();
        }
        if place % 2 == 0 {
            column.add(a[place / 2], a[place / 2]);
        }
        *out = carries.settle(column.limbs());
    }
}

/// Limbs up to the highest that is not zero.
pub(super) fn significant(limbs: &[Limb]) -> usize {
    limbs.len() - limbs.iter().rev().take_while(|&&limb| limb == 0).count()
}

/// Copies a number, and zeros beyond it.
fn copy(limbs: &[Limb], out: &mut [Limb]) {
    let limbs = &limbs[..significant(limbs)];
    out[..limbs.len()].copy_from_slice(limbs);
    out[limbs.len()..].fill(0);
}

/// `limbs += amount`, where the sum fits.
pub(super) fn increment(limbs: &mut [Limb], mut amount: Limb) {
    for limb in limbs {
        let (sum, carry) = add(*limb, amount);
        *limb = sum;
        if !carry {
            return;
        }
        amount = 1;
    }
}

/// `limbs -= amount`, where `amount` is not larger.
pub(super) fn decrement(limbs: &mut [Limb], mut amount: Limb) {
    for limb in limbs {
        if *limb >= amount {
            *limb -= amount;
            return;
        }
        *limb += BASE - amount;
        amount = 1;
    }
}

/// `limbs /= 2`
fn halve(limbs: &mut [Limb]) {
    let mut odd = 0;
    for limb in limbs.iter_mut().rev() {
        let half = *limb / 2 + odd * (BASE / 2);
        odd = *limb % 2;
        *limb = half;
    }
}

/// A Fibonacci and a Lucas number with the same index, and room for the next ones.
pub(super) struct Pair<'a> {
    /// F(index); then zeros.
    f: &'a mut [Limb],
    /// L(index); then zeros.
    l: &'a mut [Limb],
    spare: [&'a mut [Limb]; 2],
    index: u64,
}

impl<'a> Pair<'a> {
    /// Limbs of space that a pair needs to get to F(index) and L(index).
    pub(super) fn space(index: u64) -> Option<usize> {
        // L(index) may have a limb more than F(index), a product of the halves one more than it needs.
        Decimal::limbs_for(index).checked_add(3)?.checked_mul(4)
    }

    /// F(index) and L(index) in `space`, which is full of zeros.
    pub(super) fn new(to: u64, space: &'a mut [Limb]) -> Self {
        let mut index = to;
        let single = loop {
            match usize::try_from(index) {
                Ok(single) if single <= LAST_SINGLE => break single,
                _ => index /= 2,
            }
        };
        let (low, high) = space.split_at_mut(space.len() / 2);
        let (f, l) = low.split_at_mut(low.len() / 2);
        let (first, second) = high.split_at_mut(high.len() / 2);
        [f[0], l[0]] = singles(single);
        let mut pair = Self { f, l, spare: [first, second], index };
        pair.double_up_to(to);
        pair
    }

    /// Doubles the index until it is `to`, of which it has the first bits.
    fn double_up_to(&mut self, to: u64) {
        for shift in (0..self.index.leading_zeros() - to.leading_zeros()).rev() {
            self.double();
            if to >> shift & 1 == 1 {
                self.step();
            }
        }
    }

    /// F(index) and L(index).
    pub(super) fn values(&self) -> [&[Limb]; 2] {
        [&*self.f, &*self.l].map(|limbs| &limbs[..significant(limbs)])
    }

    /// F(2k) = F(k)·L(k), L(2k) = L(k)² − 2·(−1)^k.
    pub(super) fn double(&mut self) {
        let [f_len, l_len] = self.values().map(<[Limb]>::len);
        let [product, squared] = &mut self.spare;
        multiply(&self.f[..f_len], &self.l[..l_len], &mut product[..f_len + l_len]);
        product[f_len + l_len..].fill(0);
        square(&self.l[..l_len], &mut squared[..2 * l_len]);
        squared[2 * l_len..].fill(0);
        if self.index.is_multiple_of(2) {
            decrement(squared, 2);
        } else {
            increment(squared, 2);
        }
        mem::swap(&mut self.f, product);
        mem::swap(&mut self.l, squared);
        self.index *= 2;
    }

    /// F(k+1) = (F(k) + L(k)) / 2 in the place of L(k).
    pub(super) fn sum(&mut self) {
        let len = significant(self.l) + 1;
        let carry = arch::add_decimal_in_place(&mut self.l[..len], &self.f[..len], false);
        debug_assert!(!carry, "there is a limb more");
        halve(&mut self.l[..len]);
    }

    /// L(k+1) = F(k+1) + 2·F(k), where L(k) has given place to F(k+1).
    pub(super) fn lucas_from_sum(&mut self) {
        let len = significant(self.l) + 1;
        for _ in 0..2 {
            let carry = arch::add_decimal_in_place(&mut self.l[..len], &self.f[..len], false);
            debug_assert!(!carry, "there is a limb more");
        }
    }

    /// From the index k to k + 1.
    fn step(&mut self) {
        self.sum();
        self.spare[0].copy_from_slice(self.l);
        self.lucas_from_sum();
        mem::swap(&mut self.f, &mut self.spare[0]);
        self.index += 1;
    }

    /// F(2k), or with `odd` F(2k + 1) = F(k)·L(k+1) + (−1)^k, for the index k.
    pub(super) fn single(mut self, odd: bool, out: &mut [Limb]) {
        if odd {
            self.sum();
            self.lucas_from_sum();
        }
        let [f_len, l_len] = self.values().map(<[Limb]>::len);
        let [product, _] = &mut self.spare;
        let product = &mut product[..f_len + l_len];
        multiply(&self.f[..f_len], &self.l[..l_len], product);
        if odd && self.index.is_multiple_of(2) {
            increment(product, 1);
        } else if odd {
            decrement(product, 1);
        }
        copy(product, out);
    }

    /// F(2k) and F(2k + 1) for the index k.
    pub(super) fn pair(mut self, [even, odd]: [&mut [Limb]; 2]) {
        self.double();
        copy(self.f, even);
        self.sum();
        copy(self.l, odd);
    }

    pub(super) const fn index(&self) -> u64 {
        self.index
    }
}
