//! The kernels that every target has.

use crate::limb::Limb;
use crate::radix::Decimal;

/// `a += b + carry` in base 2^64 (2^32), over equal lengths; returns the carry out.
///
/// # Panics
/// If the lengths differ.
#[must_use = "the carry belongs to the next limb"]
pub(crate) fn add_binary_in_place(a: &mut [Limb], b: &[Limb], mut carry: bool) -> bool {
    assert_eq!(a.len(), b.len());
    for (x, &y) in a.iter_mut().zip(b) {
        let (sum, over) = x.overflowing_add(y);
        let (sum, over_by_carry) = sum.overflowing_add(Limb::from(carry));
        *x = sum;
        carry = over | over_by_carry;
    }
    carry
}

/// `a += b + carry` in base 10^19 (10^9), over equal lengths; returns the carry out.
///
/// # Panics
/// If the lengths differ.
#[must_use = "the carry belongs to the next limb"]
pub(crate) fn add_decimal_in_place(a: &mut [Limb], b: &[Limb], mut carry: bool) -> bool {
    assert_eq!(a.len(), b.len());
    for (x, &y) in a.iter_mut().zip(b) {
        let with_carry = *x + Limb::from(carry);
        let room = Decimal::BASE - 1 - y;
        carry = with_carry > room;
        *x = if carry { with_carry.wrapping_sub(room).wrapping_sub(1) } else { with_carry.wrapping_add(y) };
    }
    carry
}

/// Writes decimal limbs as ASCII digits, the most significant limb first, each padded with zeros to its full width.
///
/// # Panics
/// If `out` has not [`Decimal::LIMB_DIGITS`] bytes for each limb.
pub(crate) fn decimal_text(limbs: &[Limb], out: &mut [u8]) {
    assert_eq!(out.len(), limbs.len() * Decimal::LIMB_DIGITS);
    for (limb, out) in limbs.iter().rev().zip(out.chunks_exact_mut(Decimal::LIMB_DIGITS)) {
        let mut rest = *limb;
        let (head, groups) = out.split_at_mut(Decimal::LIMB_DIGITS % 8);
        for group in groups.rchunks_exact_mut(8) {
            group.copy_from_slice(&eight_digits((rest % 100_000_000) as u32));
            rest /= 100_000_000;
        }
        for digit in head.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
    }
}

/// The eight decimal digits of `value`, which is below 10^8, as ASCII: in halves, quarters and eighths of one word.
fn eight_digits(value: u32) -> [u8; 8] {
    let value = u64::from(value);
    let by_4 = (value / 10_000) | (value % 10_000) << 32;
    let hundreds = ((by_4 * 10_486) >> 20) & 0x7f_0000_007f;
    let by_2 = hundreds | (by_4 - hundreds * 100) << 16;
    let tens = ((by_2 * 103) >> 10) & 0x0f_000f_000f_000f;
    let by_1 = tens | (by_2 - tens * 10) << 8;
    (by_1 | 0x3030_3030_3030_3030).to_le_bytes()
}
