//! The doubling of a pair of Fibonacci and Lucas numbers by schoolbook products, in limbs.

use core::mem;

use super::basecase::{add, multiply, multiply_and_square};
use crate::arch;
use crate::limb::Limb;
use crate::radix::Decimal;
use crate::small::{FIBONACCI, LUCAS_LAST};

/// The base.
const BASE: Limb = Decimal::BASE;

/// F(k) and L(k) = F(k−1) + F(k+1), for k ≤ [`LUCAS_LAST`].
fn from_table(k: usize) -> [Limb; 2] {
    let lucas = if k == 0 { 2 } else { FIBONACCI[k - 1] + FIBONACCI[k + 1] };
    [FIBONACCI[k], lucas]
}

/// The number of limbs without the leading zeros, which stand at the end.
fn limb_count(limbs: &[Limb]) -> usize {
    limbs.len() - limbs.iter().rev().take_while(|&&limb| limb == 0).count()
}

/// Copies a number and fills the rest of `out` with zeros.
fn copy(limbs: &[Limb], out: &mut [Limb]) {
    let limbs = &limbs[..limb_count(limbs)];
    out[..limbs.len()].copy_from_slice(limbs);
    out[limbs.len()..].fill(0);
}

/// `limbs += amount`. The sum fits.
fn increment(limbs: &mut [Limb], mut amount: Limb) {
    for limb in limbs {
        let (sum, carry) = add(*limb, amount);
        *limb = sum;
        if !carry {
            return;
        }
        amount = 1;
    }
}

/// `limbs -= amount`. The result is not negative.
fn decrement(limbs: &mut [Limb], mut amount: Limb) {
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

/// A Fibonacci and a Lucas number with the same index, and space for the next two.
pub(super) struct FibonacciLucas<'a> {
    /// F(index), then zeros.
    f: &'a mut [Limb],
    /// L(index), then zeros.
    l: &'a mut [Limb],
    spare: [&'a mut [Limb]; 2],
    index: u64,
}

impl<'a> FibonacciLucas<'a> {
    /// Limbs of space for a pair that is doubled up to F(index) and L(index); `None` on overflow.
    pub(super) fn space(index: u64) -> Option<usize> {
        // Three limbs more than F(index) has, in each of the four buffers: one since L(index) may be longer, one since a
        // product is as long as both factors together, and one for the carries of `sum` and `lucas_from_sum`.
        Decimal::limbs_for(index).checked_add(3)?.checked_mul(4)
    }

    /// F(to) and L(to), computed in `space`, which is all zeros and as long as [`FibonacciLucas::space`] says.
    pub(super) fn new(to: u64, space: &'a mut [Limb]) -> Self {
        let mut index = to;
        let start = loop {
            match usize::try_from(index) {
                Ok(start) if start <= LUCAS_LAST => break start,
                _ => index /= 2,
            }
        };
        let (low, high) = space.split_at_mut(space.len() / 2);
        let (f, l) = low.split_at_mut(low.len() / 2);
        let (first, second) = high.split_at_mut(high.len() / 2);
        [f[0], l[0]] = from_table(start);
        let mut pair = Self { f, l, spare: [first, second], index };
        pair.double_up_to(to);
        pair
    }

    /// Doubles the index until it is `to`. The bits of the index are a prefix of those of `to`.
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
        [&*self.f, &*self.l].map(|limbs| &limbs[..limb_count(limbs)])
    }

    /// F(2k) = F(k)·L(k), L(2k) = L(k)² − 2·(−1)^k.
    pub(super) fn double(&mut self) {
        let [f_len, l_len] = self.values().map(<[Limb]>::len);
        let [product, squared] = &mut self.spare;
        // F(k) ≤ L(k), so the products have at most 2·l_len limbs.
        let len = 2 * l_len;
        multiply_and_square(&self.f[..f_len], &self.l[..l_len], &mut product[..len], &mut squared[..len]);
        product[len..].fill(0);
        squared[len..].fill(0);
        if self.index.is_multiple_of(2) {
            decrement(squared, 2);
        } else {
            increment(squared, 2);
        }
        mem::swap(&mut self.f, product);
        mem::swap(&mut self.l, squared);
        self.index *= 2;
    }

    /// Replaces L(k) by F(k+1) = (F(k) + L(k)) / 2.
    pub(super) fn sum(&mut self) {
        let len = limb_count(self.l) + 1;
        let carry = arch::add_decimal_in_place(&mut self.l[..len], &self.f[..len], false);
        debug_assert!(!carry, "the slice is one limb longer than the number, so the sum fits");
        halve(&mut self.l[..len]);
    }

    /// Replaces F(k+1), which [`FibonacciLucas::sum`] has put in the place of L(k), by L(k+1) = F(k+1) + 2·F(k).
    pub(super) fn lucas_from_sum(&mut self) {
        let len = limb_count(self.l) + 1;
        for _ in 0..2 {
            let carry = arch::add_decimal_in_place(&mut self.l[..len], &self.f[..len], false);
            debug_assert!(!carry, "the slice is one limb longer than the number, so the sum fits");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_borrow_runs_through_zeros() {
        let mut limbs = [1, 0, 0, 7];
        decrement(&mut limbs, 2);
        assert_eq!(limbs, [BASE - 1, BASE - 1, BASE - 1, 6]);
        decrement(&mut limbs, BASE - 1);
        assert_eq!(limbs, [0, BASE - 1, BASE - 1, 6]);
    }
}
