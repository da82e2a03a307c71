//! Loops over limbs that have no vector kernel.

use crate::limb::{LIMB_BYTES, LIMB_DIGITS, Limb};
use core::cmp::Ordering;

/// Adds a carry of one to a number, in the base whose largest limb is `limb_max`, and returns the carry out.
#[must_use]
#[cfg_attr(not(debug_assertions), inline)]
pub(crate) fn add_carry_in_place(limbs: &mut [Limb], limb_max: Limb) -> bool {
    for limb in limbs {
        if *limb != limb_max {
            *limb += 1;
            return false;
        }
        *limb = 0;
    }
    true
}

/// Whether `a + b + carry` has more limbs than the longer one of `a` and `b`, in the base whose largest limb is `limb_max`.
///
/// The highest pair of limbs whose sum is not `limb_max` decides; each pair above it would pass a carry on.
#[cfg_attr(not(debug_assertions), inline)]
pub(crate) fn sum_carries(a: &[Limb], b: &[Limb], carry: bool, limb_max: Limb) -> bool {
    let (long, short) = if a.len() < b.len() { (b, a) } else { (a, b) };
    let (low, high) = long.split_at(short.len());
    if high.iter().any(|&x| x != limb_max) {
        return false;
    }
    let pairs = low.iter().zip(short).rev();
    pairs.map(|(&x, &y)| x.cmp(&(limb_max - y))).find(|order| order.is_ne()).map_or(carry, Ordering::is_gt)
}

/// Compares two numbers whose highest limbs are not zero.
#[cfg_attr(not(debug_assertions), inline)]
pub(crate) fn compare(a: &[Limb], b: &[Limb]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

/// Fills `limbs` with the number whose bytes these are, the least significant first.
pub(crate) fn from_le_bytes(bytes: &[u8], limbs: &mut [Limb]) {
    for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks(LIMB_BYTES)) {
        let mut word = [0; LIMB_BYTES];
        word[..chunk.len()].copy_from_slice(chunk);
        *limb = Limb::from_le_bytes(word);
    }
}

/// Fills `limbs` with the decimal limbs of the number that these ASCII digits denote.
pub(crate) fn from_decimal_text(digits: &[u8], limbs: &mut [Limb]) {
    for (limb, digits) in limbs.iter_mut().zip(digits.rchunks(LIMB_DIGITS)) {
        *limb = parse_limb(digits);
    }
}

/// The limb that at most [`LIMB_DIGITS`] ASCII digits denote.
fn parse_limb(digits: &[u8]) -> Limb {
    let (head, groups) = digits.as_rchunks();
    let head = head.iter().fold(0, |value, &digit| value * 10 + Limb::from(digit - b'0'));
    groups.iter().fold(head, |value, &group| value * 100_000_000 + Limb::from(parse_eight(group)))
}

/// The number that eight ASCII digits denote. Each step joins the fields of one word in pairs.
fn parse_eight(digits: [u8; 8]) -> u32 {
    // The first digit is the lowest byte, so the lower field of a pair is worth more. The product with 1 + factor * 2^width
    // has `factor * lower + upper` in the upper field, and the shift moves it down.
    let ones = u64::from_le_bytes(digits) & 0x0f0f_0f0f_0f0f_0f0f;
    let tens = (ones.wrapping_mul(1 + (10 << 8)) >> 8) & 0x00ff_00ff_00ff_00ff;
    let hundreds = (tens.wrapping_mul(1 + (100 << 16)) >> 16) & 0x0000_ffff_0000_ffff;
    (hundreds.wrapping_mul(1 + (10_000 << 32)) >> 32) as u32
}
