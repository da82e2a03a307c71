//! The product of a matrix with entries of one limb and a vector of two numbers, in one pass over both numbers, in portable
//! Rust.
//!
//! A row with the entries p and q yields p·x + q·y. With σ = p + q, which is at most [`ROW_MAX`], and a carry in of at most σ
//! − 1, each limb yields at most σ·(B − 1) + σ − 1 < σ·B. So a carry is at most σ − 1 everywhere. Since σ is below the
//! decimal base, it is a limb in both radices.

use core::hint::select_unpredictable;

use super::portable::{BINARY_BASE, bias};
use crate::limb::{DECIMAL_BASE, Limb, WideLimb};
use crate::small::{FIBONACCI, last_with_sum_below};

/// Two rows of two entries. The entries of a row add up to at most [`ROW_MAX`].
pub(crate) type Matrix = [[Limb; 2]; 2];

/// The most steps that one product can stand for: the largest k with F(k+2) below the decimal base, 90 (42 with 32-bit limbs).
pub(crate) const STEPS_MAX: usize = last_with_sum_below(DECIMAL_BASE);

/// The largest sum of the two entries of a row.
pub(super) const ROW_MAX: Limb = FIBONACCI[STEPS_MAX] + FIBONACCI[STEPS_MAX + 1];

/// Whether the entries of each row add up to at most `max`.
pub(super) fn rows_up_to(matrix: &Matrix, max: Limb) -> bool {
    matrix.iter().all(|&[p, q]| p <= max && q <= max - p)
}

/// `(a, b) = matrix · (a, b) + carries`, where the carries are added to the lowest limbs; returns the carries out.
///
/// # Panics
///
/// If the lengths differ, or the entries of a row add up to more than [`ROW_MAX`].
#[must_use]
pub(super) fn multiply_in_place<const BASE: Limb>(
    a: &mut [Limb],
    b: &mut [Limb],
    matrix: &Matrix,
    carries: [Limb; 2],
) -> [Limb; 2] {
    assert!(a.len() == b.len() && rows_up_to(matrix, ROW_MAX), "a product needs equal lengths and short rows");
    let [row_a, row_b] = matrix.map(|row| row.map(WideLimb::from));
    let [mut carry_a, mut carry_b] = carries.map(|quotient| Carry { quotient, one: false });
    for (a, b) in a.iter_mut().zip(b) {
        let limbs = [*a, *b].map(WideLimb::from);
        *a = limb_of_row::<BASE>(row_a, limbs, &mut carry_a);
        *b = limb_of_row::<BASE>(row_b, limbs, &mut carry_b);
    }
    [carry_a, carry_b].map(|carry| carry.quotient + Limb::from(carry.one))
}

/// What the next limb takes from the one below.
struct Carry {
    quotient: Limb,
    /// Another one.
    one: bool,
}

/// One limb of `p·x + q·y + carry`.
///
/// In decimal the estimated quotient goes to the next limb at once, before it is known whether it is too small by one. That one
/// follows after the next division, so no division waits for a comparison.
#[inline]
fn limb_of_row<const BASE: Limb>([p, q]: [WideLimb; 2], [x, y]: [WideLimb; 2], carry: &mut Carry) -> Limb {
    let sum = p * x + q * y + WideLimb::from(carry.quotient);
    let (low, high) = split(sum);
    if BASE == BINARY_BASE {
        carry.quotient = high;
        return low;
    }
    carry.quotient = estimated_quotient(sum);
    let rest = low.wrapping_sub(carry.quotient.wrapping_mul(BASE)) + Limb::from(carry.one);
    let (less, over) = rest.overflowing_add(bias(BASE));
    carry.one = over;
    select_unpredictable(over, less, rest)
}

/// The lower and the upper half.
#[expect(clippy::cast_possible_truncation, reason = "the halves of a double limb are limbs")]
#[inline]
const fn split(n: WideLimb) -> (Limb, Limb) {
    (n as Limb, (n >> Limb::BITS) as Limb)
}

/// The decimal base B, in double width.
const BASE: WideLimb = DECIMAL_BASE as WideLimb;

/// The bits of the largest dividend.
const DIVIDEND_BITS: u32 = (ROW_MAX as WideLimb * BASE - 1).ilog2() + 1;

/// The division looks only at the dividend shifted right by this, which is one limb.
const SHIFT: u32 = DIVIDEND_BITS - Limb::BITS;

/// The reciprocal floor(2^PRECISION / B) fills a limb.
const PRECISION: u32 = Limb::BITS + DECIMAL_BASE.ilog2();

const RECIPROCAL: WideLimb = (1 << PRECISION) / BASE;

// The estimate is never too large. What it leaves of a dividend n is below B, plus 2^SHIFT for the bits that were shifted
// out, plus n·(2^PRECISION mod B)/2^PRECISION for the fraction of the reciprocal. With a carry of one that is below 2·B, so
// the estimate is too small by at most one; and it fits a limb, so it is right modulo 2^64 (2^32).
const _: () = {
    let left = BASE + (1 << SHIFT) + (((1 << PRECISION) % BASE) >> (PRECISION - DIVIDEND_BITS)) + 1;
    assert!(left < 2 * BASE);
    assert!(left < 1 << Limb::BITS);
    assert!(RECIPROCAL < 1 << Limb::BITS);
};

/// The quotient of `n` by the decimal base, or one less, for `n` below `ROW_MAX`·B: a product with the reciprocal (Barrett,
/// CRYPTO '86).
#[inline]
const fn estimated_quotient(n: WideLimb) -> Limb {
    let (high, _) = split(n >> SHIFT);
    split((RECIPROCAL * high as WideLimb) >> (PRECISION - SHIFT)).0
}
