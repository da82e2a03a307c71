//! Loops over limbs that convert between bases, or divide by a small number.

use crate::limb::{DECIMAL_BASE, Limb, WideLimb};

/// The base of binary limbs.
const BINARY_BASE: WideLimb = 1 << Limb::BITS;

/// `limbs = limbs·10^19 + addend` (10^9) in base 2^64 (2^32), and returns the carry out.
#[must_use]
pub(crate) fn multiply_add_binary(limbs: &mut [Limb], addend: Limb) -> Limb {
    multiply_add::<BINARY_BASE>(limbs, WideLimb::from(DECIMAL_BASE), addend)
}

/// `limbs = limbs·2^64 + addend` (2^32) in base 10^19 (10^9), and returns the carry out, which may be more than a decimal limb.
#[must_use]
pub(crate) fn multiply_add_decimal(limbs: &mut [Limb], addend: Limb) -> Limb {
    multiply_add::<{ DECIMAL_BASE as WideLimb }>(limbs, BINARY_BASE, addend)
}

/// `limbs = limbs·factor + addend`. Factor and base are at most 2^64 (2^32), so a limb times the factor plus a carry fits.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a remainder by the base is a limb, and the carry is below the factor"
)]
fn multiply_add<const BASE: WideLimb>(limbs: &mut [Limb], factor: WideLimb, addend: Limb) -> Limb {
    let mut carry = WideLimb::from(addend);
    for limb in limbs {
        let value = WideLimb::from(*limb) * factor + carry;
        carry = value / BASE;
        *limb = (value - carry * BASE) as Limb;
    }
    carry as Limb
}

/// The remainder by `divisor`, which is not zero, of the number with these limbs in the base `limb_max` + 1.
#[expect(clippy::cast_possible_truncation, reason = "a remainder by a u64 is one")]
pub(crate) fn remainder(limbs: &[Limb], limb_max: Limb, divisor: u64) -> u64 {
    let (base, divisor) = (u128::from(limb_max) + 1, u128::from(divisor));
    limbs.iter().rev().fold(0, |rest, &limb| (rest * base + u128::from(limb)) % divisor) as u64
}
