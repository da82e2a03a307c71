//! Kernels in portable Rust: the reference on every target, and the only kernels on targets without vector kernels.

use crate::limb::{DECIMAL_BASE, LIMB_DIGITS, Limb};
use core::hint::select_unpredictable;

/// The base of binary limbs, 2^64 (2^32), which wraps to zero in a limb.
pub(super) const BINARY_BASE: Limb = 0;

/// `x + y + carry` and the carry out, in the form that LLVM compiles to one add-with-carry instruction.
#[inline]
fn add_with_carry(x: Limb, y: Limb, carry: bool) -> (Limb, bool) {
    let (sum, over) = x.overflowing_add(y);
    let (sum, over_again) = sum.overflowing_add(Limb::from(carry));
    (sum, over | over_again)
}

/// The distance from the base to 2^64 (2^32).
///
/// `a + (b + bias)` overflows the limb exactly when `a + b` reaches the base, so the carry flag is the carry in every
/// base. Where the sum does not overflow, it is too large by the bias, which is subtracted afterwards.
pub(super) const fn bias(base: Limb) -> Limb {
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
    add_in_place::<BINARY_BASE>(a, b, carry)
}

/// Adds `b` and `carry` to `a` in base 10^19 (10^9) and returns the carry out. All limbs must be below the base.
///
/// # Panics
///
/// If the lengths differ.
#[must_use]
#[inline]
pub(crate) fn add_decimal_in_place(a: &mut [Limb], b: &[Limb], carry: bool) -> bool {
    add_in_place::<DECIMAL_BASE>(a, b, carry)
}

/// Addition in any base, so that the tests can add every pair of numbers in small bases.
///
/// On 64-bit targets most limbs are added in unrolled blocks, the longest blocks first, and the rest limb by limb. Within a
/// block the carry stays in the carry flag; between blocks it has to leave it, so long blocks are faster. A block in decimal
/// keeps its limbs in registers, which are enough for eight; a binary block needs none and has sixteen. 32-bit processors
/// have too few registers for a block.
#[inline]
pub(super) fn add_in_place<'a, const BASE: Limb>(mut a: &'a mut [Limb], mut b: &'a [Limb], mut carry: bool) -> bool {
    // assert_eq! would print its operands, and the code for that takes 1 KiB of a microcontroller's memory.
    assert!(a.len() == b.len(), "addition needs equal lengths");
    if cfg!(target_pointer_width = "64") {
        if BASE == BINARY_BASE && a.len() >= 16 {
            (a, b, carry) = add_blocks::<BASE, 16>(a, b, carry);
        }
        (a, b, carry) = add_blocks::<BASE, 8>(a, b, carry);
        (a, b, carry) = add_blocks::<BASE, 4>(a, b, carry);
    }
    add_blocks::<BASE, 1>(a, b, carry).2
}

/// Adds all whole blocks of `N` limbs; returns the limbs that remain, and the carry into them.
#[inline]
fn add_blocks<'a, const BASE: Limb, const N: usize>(
    a: &'a mut [Limb],
    b: &'a [Limb],
    mut carry: bool,
) -> (&'a mut [Limb], &'a [Limb], bool) {
    let (a_blocks, a) = a.as_chunks_mut();
    let (b_blocks, b) = b.as_chunks();
    for (a, b) in a_blocks.iter_mut().zip(b_blocks) {
        carry = add_block::<BASE, N>(a, b, carry);
    }
    (a, b, carry)
}

/// Adds one block.
///
/// Except in binary, this takes three passes: the first adds the bias to `b`, the second adds with carry, the third subtracts
/// the bias where a sum did not overflow. In the second pass only conditional moves stand between the additions. Branches on
/// the carry would be mispredicted half of the time.
///
/// On `AArch64` this is a function of its own, because LLVM turns the carries into branches when it inlines the block into
/// the loop (seen with rustc 1.96). A limb then takes one `adcs`, and in decimal also an `add` before it and a `csel` and an
/// `add` after it.
#[cfg_attr(target_arch = "aarch64", inline(never))]
#[cfg_attr(not(target_arch = "aarch64"), inline)]
fn add_block<const BASE: Limb, const N: usize>(a: &mut [Limb; N], b: &[Limb; N], mut carry: bool) -> bool {
    if BASE == BINARY_BASE {
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
/// All fields of a register are split at once: one number into two fields of four digits, these into four fields of two, and
/// these into eight of one. A quotient is a product with a rounded-up reciprocal. To put the quotient into the lower half of a
/// field and the remainder into the upper half takes one more multiplication:
/// `quotient + ((field - quotient * divisor) << width)` is `(field << width) - quotient * ((divisor << width) - 1)`.
#[inline]
pub(super) fn eight_digits(n: u32) -> [u8; 8] {
    let high = n / 10_000;
    digits_of_fours(u64::from(high) | u64::from(n - high * 10_000) << 32)
}

/// The digits in ASCII of the two numbers below 10^4 in the halves of `fours`, the lower half first.
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
fn limb_text(limb: Limb, out: &mut [u8; LIMB_DIGITS]) {
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
fn limb_text(limb: Limb, out: &mut [u8; LIMB_DIGITS]) {
    const E8: u32 = 100_000_000;
    out[0] = b'0' + (limb / E8) as u8;
    out[1..].copy_from_slice(&eight_digits(limb % E8));
}

/// Writes decimal limbs in ASCII, the most significant limb first, each with its leading zeros.
///
/// # Panics
///
/// If the length of `out` is not `limbs.len() * LIMB_DIGITS`.
pub(crate) fn decimal_text(limbs: &[Limb], out: &mut [u8]) {
    assert!(limbs.len().checked_mul(LIMB_DIGITS) == Some(out.len()), "the text of a limb has LIMB_DIGITS bytes");
    for (&limb, out) in limbs.iter().rev().zip(out.as_chunks_mut::<LIMB_DIGITS>().0) {
        limb_text(limb, out);
    }
}
