//! The radix of a number, and how many limbs a Fibonacci number has in it.

use crate::arch;
use crate::limb::{DECIMAL_BASE, LIMB_DIGITS, Limb};
use sealed::Arithmetic;

/// The radix in which a [`Natural`](crate::Natural) is stored: [`Decimal`] or [`Binary`]. Sealed.
pub trait Radix: Arithmetic {}

pub(crate) mod sealed {
    use crate::limb::Limb;

    /// Arithmetic on rows of limbs in one radix, the least significant limb first.
    pub trait Arithmetic {
        /// The largest limb: the base less one.
        const LIMB_MAX: Limb;

        /// Whether this is the radix [`Decimal`](super::Decimal), in which F(n) can be computed from nothing.
        const IS_DECIMAL: bool;

        /// `a += b + carry` over equal lengths; returns the carry out.
        #[must_use = "the carry belongs to the next limb"]
        fn add_in_place(a: &mut [Limb], b: &[Limb], carry: bool) -> bool;
    }
}

/// Limbs in base 10^19 (10^9 where a limb has 32 bits): printing is a linear copy.
///
/// 63.1 of a limb's 64 bits carry information (29.9 of 32).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decimal;

/// Limbs in base 2^64 (2^32 where a limb has 32 bits): the densest form, and what other libraries use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Binary;

impl Radix for Decimal {}

impl Arithmetic for Decimal {
    const LIMB_MAX: Limb = Self::BASE - 1;
    const IS_DECIMAL: bool = true;

    #[inline]
    fn add_in_place(a: &mut [Limb], b: &[Limb], carry: bool) -> bool {
        arch::add_decimal_in_place(a, b, carry)
    }
}

impl Radix for Binary {}

impl Arithmetic for Binary {
    const LIMB_MAX: Limb = Limb::MAX;
    const IS_DECIMAL: bool = false;

    #[inline]
    fn add_in_place(a: &mut [Limb], b: &[Limb], carry: bool) -> bool {
        arch::add_binary_in_place(a, b, carry)
    }
}

// F(n) is φ^n / √5, rounded (Binet's formula), so it has floor(n·log φ − log √5) + 1 digits for n > 1, in any base.
// These are the logarithms in units of 2^-64. The slope is rounded up and the offset down, so that the result can't be
// too small; it is too large only where n·2^-64 more carries it over an integer.

/// log10 φ, rounded up.
const LOG10_PHI: u128 = 0x3580_36c8_2451_b7f4;
/// log10 √5, rounded down.
const LOG10_SQRT5: u128 = 0x5977_d95e_c10c_0219;
/// log2 φ, rounded up.
const LOG2_PHI: u128 = 0xb1b9_d68a_8e53_425e;
/// log2 √5, rounded down.
const LOG2_SQRT5: u128 = 0x1_2934_f097_9a37_15fc;

/// Digits of F(index), from the logarithms of φ and √5 in the digits' base.
const fn fibonacci_digits(index: u64, log_phi: u128, log_sqrt5: u128) -> usize {
    if index < 2 {
        return 1;
    }
    let log = ((index as u128 * log_phi).saturating_sub(log_sqrt5)) >> 64;
    if log < usize::MAX as u128 {
        #[expect(clippy::cast_possible_truncation, reason = "just compared")]
        return log as usize + 1;
    }
    usize::MAX
}

impl Decimal {
    /// Decimal digits of a limb: 19, or 9 where a limb has 32 bits.
    pub const LIMB_DIGITS: usize = LIMB_DIGITS;

    /// The base: 10 to the power of [`Decimal::LIMB_DIGITS`].
    pub const BASE: Limb = DECIMAL_BASE;

    /// The decimal digits of F(`index`), the same in both radices.
    ///
    /// Never too small. Exact for every index up to 1,000,000 (tested); beyond, it may be one too large where F(`index`)
    /// comes as close to a power of ten as one part in 2^64 / `index`. Saturates at [`usize::MAX`]. Constant time.
    #[must_use]
    pub const fn digits_for(index: u64) -> usize {
        fibonacci_digits(index, LOG10_PHI, LOG10_SQRT5)
    }

    /// The limbs of F(`index`) in this radix: the `N` with which [`Inline<N>`](crate::Inline) reaches F(`index`).
    ///
    /// As exact as [`Decimal::digits_for`].
    ///
    /// ```
    /// use fib_core::{Decimal, Fibonacci, Inline};
    ///
    /// let mut fib = Fibonacci::<Decimal, Inline<{ Decimal::limbs_for(1000) }>>::new();
    /// assert!(fib.nth(1000).is_some());
    /// ```
    #[must_use]
    pub const fn limbs_for(index: u64) -> usize {
        if index == 0 { 0 } else { Self::digits_for(index).div_ceil(Self::LIMB_DIGITS) }
    }
}

impl Binary {
    /// The bits of F(`index`).
    ///
    /// As exact as [`Decimal::digits_for`]. Saturates at [`usize::MAX`]. Constant time.
    #[must_use]
    pub const fn bits_for(index: u64) -> usize {
        match index {
            0 => 0,
            // φ^3 / √5 = 1.89, and rounding makes it 2: the only power of two that is reached from below.
            3 => 2,
            _ => fibonacci_digits(index, LOG2_PHI, LOG2_SQRT5),
        }
    }

    /// The limbs of F(`index`) in this radix: the `N` with which [`Inline<N>`](crate::Inline) reaches F(`index`).
    ///
    /// As exact as [`Binary::bits_for`].
    #[must_use]
    pub const fn limbs_for(index: u64) -> usize {
        Self::bits_for(index).div_ceil(Limb::BITS as usize)
    }
}
