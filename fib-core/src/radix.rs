//! The radix of a number, and how many limbs a Fibonacci number has in it.

use crate::arch;
use crate::limb::{DECIMAL_BASE, LIMB_DIGITS, Limb};
use sealed::Arithmetic;

/// The radix in which a [`Natural`](crate::Natural) is stored: [`Decimal`] or [`Binary`]. Sealed.
pub trait Radix: Arithmetic {}

pub(crate) mod sealed {
    use crate::limb::Limb;

    /// Arithmetic on slices of limbs in one radix, the least significant limb first.
    pub trait Arithmetic {
        /// The largest limb, one less than the base.
        const LIMB_MAX: Limb;

        /// The number of limbs of F(`index`).
        fn fibonacci_limbs(index: u64) -> usize;

        /// `a += b + carry` over equal lengths; returns the carry out.
        #[must_use = "the carry belongs to the next limb"]
        fn add_in_place(a: &mut [Limb], b: &[Limb], carry: bool) -> bool;
    }
}

/// Limbs in base 10^19 (10^9 where a limb has 32 bits). Printing takes linear time.
///
/// 63.1 of a limb's 64 bits carry information (29.9 of 32).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decimal;

/// Limbs in base 2^64 (2^32 where a limb has 32 bits). This is the densest form, and the one that other libraries use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Binary;

impl Radix for Decimal {}

impl Arithmetic for Decimal {
    const LIMB_MAX: Limb = Self::BASE - 1;

    fn fibonacci_limbs(index: u64) -> usize {
        Self::limbs_for(index)
    }

    #[inline]
    fn add_in_place(a: &mut [Limb], b: &[Limb], carry: bool) -> bool {
        arch::add_decimal_in_place(a, b, carry)
    }
}

impl Radix for Binary {}

impl Arithmetic for Binary {
    const LIMB_MAX: Limb = Limb::MAX;

    fn fibonacci_limbs(index: u64) -> usize {
        Self::limbs_for(index)
    }

    #[inline]
    fn add_in_place(a: &mut [Limb], b: &[Limb], carry: bool) -> bool {
        arch::add_binary_in_place(a, b, carry)
    }
}

// F(n) is φ^n / √5, rounded to an integer (Binet's formula). So for n > 1 it has floor(n·log φ − log √5) + 1 digits, in any
// base but for F(3) in binary. These are the logarithms in units of 2^-64. log φ is rounded up and log √5 down, so the result is
// never too small. It is too large only where the exact value is less than (n + 1)·2^-64 below an integer.

/// log10 φ, rounded up.
const LOG10_PHI: u128 = 0x3580_36c8_2451_b7f4;
/// log10 √5, rounded down.
const LOG10_SQRT5: u128 = 0x5977_d95e_c10c_0219;
/// log2 φ, rounded up.
const LOG2_PHI: u128 = 0xb1b9_d68a_8e53_425e;
/// log2 √5, rounded down.
const LOG2_SQRT5: u128 = 0x1_2934_f097_9a37_15fc;

/// The number of digits of F(index), from the logarithms of φ and √5 to the base of the digits.
const fn fibonacci_digits(index: u64, log_phi: u128, log_sqrt5: u128) -> usize {
    if index < 2 {
        return 1;
    }
    let log = ((index as u128 * log_phi).saturating_sub(log_sqrt5)) >> 64;
    if log < usize::MAX as u128 {
        #[expect(clippy::cast_possible_truncation, reason = "it is below usize::MAX")]
        return log as usize + 1;
    }
    usize::MAX
}

impl Decimal {
    /// The number of decimal digits in a limb: 19, or 9 where a limb has 32 bits.
    pub const LIMB_DIGITS: usize = LIMB_DIGITS;

    /// The base: 10 to the power of [`Decimal::LIMB_DIGITS`].
    pub const BASE: Limb = DECIMAL_BASE;

    /// The number of decimal digits of F(`index`), which is the same in both radices.
    ///
    /// It is never too small. It is exact for every index up to 1,000,000 (tested). Beyond, it may be one too large if
    /// F(`index`) is just below a power of ten, by less than about one part in 2^62 / `index`. Saturates at [`usize::MAX`].
    /// Constant time.
    #[must_use]
    pub const fn digits_for(index: u64) -> usize {
        fibonacci_digits(index, LOG10_PHI, LOG10_SQRT5)
    }

    /// The number of limbs of F(`index`) in this radix. [`Inline<N>`](crate::Inline) with this `N` has room for F(`index`).
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
    /// The number of bits of F(`index`).
    ///
    /// As exact as [`Decimal::digits_for`]. Saturates at [`usize::MAX`]. Constant time.
    #[must_use]
    pub const fn bits_for(index: u64) -> usize {
        match index {
            0 => 0,
            // φ^3 / √5 is 1.89, which is rounded up to 2. No other power of two is reached by rounding up.
            3 => 2,
            _ => fibonacci_digits(index, LOG2_PHI, LOG2_SQRT5),
        }
    }

    /// The number of limbs of F(`index`) in this radix. [`Inline<N>`](crate::Inline) with this `N` has room for F(`index`).
    ///
    /// As exact as [`Binary::bits_for`].
    #[must_use]
    pub const fn limbs_for(index: u64) -> usize {
        Self::bits_for(index).div_ceil(Limb::BITS as usize)
    }
}
