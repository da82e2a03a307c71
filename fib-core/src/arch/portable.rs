//! Kernels in portable Rust: the reference on every target, and the only kernels where there are no vectors.

use super::{BASE, DIGITS};
use crate::limb::Limb;
use core::hint::select_unpredictable;

/// The base of binary limbs, 2^64 (2^32), as a limb.
const BINARY: Limb = 0;

/// `x + y + carry` and its carry, in the form that compilers know as one add-with-carry instruction.
#[inline]
fn add_with_carry(x: Limb, y: Limb, carry: bool) -> (Limb, bool) {
    let (sum, over) = x.overflowing_add(y);
    let (sum, over_again) = sum.overflowing_add(Limb::from(carry));
    (sum, over | over_again)
}

/// What a limb holds beyond the base. `a + (b + bias)` overflows exactly when the sum `a + b` carries in that base, so its
/// carries and binary ones are the same; where there was none, the bias is taken off again.
const fn bias(base: Limb) -> Limb {
    base.wrapping_neg()
}

/// Adds `b` and `carry` to `a` in base 2^64 (2^32) and returns the carry out.
///
/// # Panics
///
/// If the lengths differ.
#[must_use]
#[inline]
pub(crate) fn add_binary_in_place(a: &mut [Limb], b: &[Limb], carry: bool) -> bool {
    add_in_turns::<BINARY>(a, b, carry)
}

/// Adds `b` and `carry` to `a` in base 10^19 (10^9) and returns the carry out. All limbs must be below the base.
///
/// # Panics
///
/// If the lengths differ.
#[must_use]
#[inline]
pub(crate) fn add_decimal_in_place(a: &mut [Limb], b: &[Limb], carry: bool) -> bool {
    add_in_turns::<BASE>(a, b, carry)
}

/// Addition in any base, so that small ones can be tested with every number there is.
///
/// Turns of eight limbs (binary ones, which need no registers, of sixteen), then shorter ones, then limb by limb: between
/// turns the carry has to leave the flags. Small processors lack the registers for a turn.
#[inline]
pub(super) fn add_in_turns<'a, const BASE: Limb>(mut a: &'a mut [Limb], mut b: &'a [Limb], mut carry: bool) -> bool {
    // Not assert_eq!, which brings all that formats its operands: 1 KiB of a microcontroller's memory.
    assert!(a.len() == b.len(), "addition needs equal lengths");
    if cfg!(target_pointer_width = "64") {
        if BASE == BINARY && a.len() >= 16 {
            (a, b, carry) = add_turns::<BASE, 16>(a, b, carry);
        }
        (a, b, carry) = add_turns::<BASE, 8>(a, b, carry);
        (a, b, carry) = add_turns::<BASE, 4>(a, b, carry);
    }
    add_turns::<BASE, 1>(a, b, carry).2
}

/// As many turns of `N` limbs as there are; returns the limbs that are left, and the carry into them.
#[inline]
fn add_turns<'a, const BASE: Limb, const N: usize>(
    a: &'a mut [Limb],
    b: &'a [Limb],
    mut carry: bool,
) -> (&'a mut [Limb], &'a [Limb], bool) {
    let (a_turns, a) = a.as_chunks_mut();
    let (b_turns, b) = b.as_chunks();
    for (a, b) in a_turns.iter_mut().zip(b_turns) {
        carry = add_turn::<BASE, N>(a, b, carry);
    }
    (a, b, carry)
}

/// Sums that are not binary take three passes, so that in the second one nothing but conditional moves stands between the
/// additions: a branch would go wrong every other time.
///
/// Within a loop LLVM makes branches of the carries on `AArch64`. In a function of its own a turn is what it should be
/// (seen with rustc 1.96): a limb is one `adcs` and, in decimal, an `add` before it, a `csel` and an `add` after it.
#[cfg_attr(target_arch = "aarch64", inline(never))]
#[cfg_attr(not(target_arch = "aarch64"), inline)]
fn add_turn<const BASE: Limb, const N: usize>(a: &mut [Limb; N], b: &[Limb; N], mut carry: bool) -> bool {
    if BASE == BINARY {
        for i in 0..N {
            (a[i], carry) = add_with_carry(a[i], b[i], carry);
        }
        return carry;
    }
    let biased = b.map(|y| y.wrapping_add(bias(BASE)));
    let (mut sums, mut surpluses) = ([0; N], [0; N]);
    for i in 0..N {
        (sums[i], carry) = add_with_carry(a[i], biased[i], carry);
        surpluses[i] = select_unpredictable(carry, 0, bias(BASE));
    }
    for i in 0..N {
        a[i] = sums[i].wrapping_sub(surpluses[i]);
    }
    carry
}

/// The eight digits of `n < 10^8` in ASCII, the leading one first.
///
/// Digits are split within one register, all fields at once: a number into two fields of four digits, into four of two,
/// into eight of one. A quotient comes from a multiplication by a rounded-up reciprocal, and the step
/// `field = quotient + (field - quotient * radix) << width` is one multiplication more.
#[inline]
pub(super) fn eight_digits(n: u32) -> [u8; 8] {
    let high = n / 10_000;
    digits_of_fours(u64::from(high) | u64::from(n - high * 10_000) << 32)
}

/// The digits in ASCII of numbers below 10^4 in both halves of `fours`, the lower half first.
#[inline]
pub(super) fn digits_of_fours(fours: u64) -> [u8; 8] {
    // n * 10486 >> 20 is n / 100 for n < 10^4, and n * 103 >> 10 is n / 10 for n < 100.
    let high = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let twos = (fours << 16) - high * ((100 << 16) - 1);
    let high = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    let ones = (twos << 8) - high * ((10 << 8) - 1);
    (ones | 0x3030_3030_3030_3030).to_le_bytes()
}

/// Writes the digits of one limb in ASCII, with leading zeros: 3, 8 and 8 of them.
#[cfg(all(target_pointer_width = "64", not(fib_limb32)))]
#[inline]
fn limb_text(limb: Limb, out: &mut [u8; DIGITS]) {
    const E8: u64 = 100_000_000;
    let high = limb / E8;
    let [_, top @ .., _, _, _, _] = digits_of_fours(high / E8);
    out[..3].copy_from_slice(&top);
    out[3..11].copy_from_slice(&eight_digits((high % E8) as u32));
    out[11..].copy_from_slice(&eight_digits((limb % E8) as u32));
}

/// Writes the digits of one limb in ASCII, with leading zeros: 1 and 8 of them.
#[cfg(not(all(target_pointer_width = "64", not(fib_limb32))))]
#[inline]
fn limb_text(limb: Limb, out: &mut [u8; DIGITS]) {
    const E8: u32 = 100_000_000;
    out[0] = b'0' + (limb / E8) as u8;
    out[1..].copy_from_slice(&eight_digits(limb % E8));
}

/// Writes decimal limbs in ASCII, the most significant limb first, each with its leading zeros.
///
/// # Panics
///
/// If `out` has another length than `limbs.len() * DIGITS`.
pub(crate) fn decimal_text(limbs: &[Limb], out: &mut [u8]) {
    assert!(limbs.len().checked_mul(DIGITS) == Some(out.len()), "text needs DIGITS bytes a limb");
    for (&limb, out) in limbs.iter().rev().zip(out.as_chunks_mut::<DIGITS>().0) {
        limb_text(limb, out);
    }
}
