//! The radix of a number, and how many limbs a Fibonacci number has in it.

use crate::arch::{self, Costs, Matrix};
use crate::doubling::double;
use crate::limb::{DECIMAL_BASE, LIMB_DIGITS, Limb, WideLimb};
use sealed::Arithmetic;

/// The radix in which a [`Natural`](crate::Natural) is stored: [`Decimal`] or [`Binary`]. Sealed.
///
/// ```
/// use fib_core::{Binary, Buffer, Decimal, Inline, Natural, Radix};
///
/// fn limb_count<R: Radix, S: Buffer>(number: &Natural<R, S>) -> usize {
///     number.limbs().len()
/// }
///
/// let n: Natural<Decimal, Inline<3>> = "10000000000000000000".parse()?; // 10^19
/// let bits = Natural::<Binary, Inline<2>>::try_from(&n)?;
/// assert!(limb_count(&n) > limb_count(&bits));
/// # Ok::<(), fib_core::ParseError>(())
/// ```
pub trait Radix: Arithmetic {}

pub(crate) mod sealed {
    use crate::arch::{Costs, Matrix};
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

        /// `limbs = limbs·B + addend`, where B is the base of the other radix and `addend` is below it; returns the carry
        /// out, which is below B too.
        #[must_use = "the carry belongs to the next limb"]
        fn multiply_add(limbs: &mut [Limb], addend: Limb) -> Limb;

        /// From F(k) and F(k − 1) to F(2k) and F(2k − 1), or with `odd` to F(2k + 1) and F(2k): see
        /// [`doubling`](crate::doubling).
        fn double(values: [&mut [Limb]; 2], k: u64, odd: bool);

        /// `(a, b) = matrix · (a, b)` over equal lengths; returns the limbs beyond the highest.
        #[must_use = "the limbs belong above the highest ones"]
        fn multiply_in_place(a: &mut [Limb], b: &mut [Limb], matrix: &Matrix) -> [Limb; 2];

        /// What additions and these products cost.
        fn costs() -> &'static Costs;
    }
}

/// Limbs in base 10^19 (10^9 where a limb has 32 bits). Printing takes linear time.
///
/// 63.1 of a limb's 64 bits carry information (29.9 of 32).
///
/// ```
/// use fib_core::{Decimal, Limb};
///
/// assert_eq!(Decimal::BASE, (10 as Limb).pow(Decimal::LIMB_DIGITS as u32));
/// assert_eq!(Decimal::digits_for(100), 21);
/// assert_eq!(Decimal::limbs_for(100), 21_usize.div_ceil(Decimal::LIMB_DIGITS));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decimal;

/// Limbs in base 2^64 (2^32 where a limb has 32 bits). This is the densest form, and the one that other libraries use.
///
/// ```
/// use fib_core::{Binary, Fibonacci, Inline, Limb};
///
/// assert_eq!(Binary::bits_for(100), 69);
/// assert_eq!(Binary::limbs_for(100), 69_usize.div_ceil(Limb::BITS as usize));
///
/// let mut fib = Fibonacci::<Binary, Inline<{ Binary::limbs_for(100) }>>::new();
/// let number = fib.nth(100).unwrap();
/// assert_eq!(format!("{number:#x}"), "0x1333db76a7c594bfc3");
/// ```
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

    fn multiply_add(limbs: &mut [Limb], addend: Limb) -> Limb {
        arch::multiply_add_decimal(limbs, addend)
    }

    fn double(values: [&mut [Limb]; 2], k: u64, odd: bool) {
        let lens = [Self::limbs_for(k), Self::limbs_for(2 * k + u64::from(odd))];
        double::<{ DECIMAL_BASE as WideLimb }>(values, lens, k.is_multiple_of(2), odd);
    }

    fn multiply_in_place(a: &mut [Limb], b: &mut [Limb], matrix: &Matrix) -> [Limb; 2] {
        arch::multiply_decimal_in_place(a, b, matrix)
    }

    #[inline]
    fn costs() -> &'static Costs {
        arch::decimal_costs()
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

    fn multiply_add(limbs: &mut [Limb], addend: Limb) -> Limb {
        arch::multiply_add_binary(limbs, addend)
    }

    fn double(values: [&mut [Limb]; 2], k: u64, odd: bool) {
        let lens = [Self::limbs_for(k), Self::limbs_for(2 * k + u64::from(odd))];
        double::<{ 1 << Limb::BITS }>(values, lens, k.is_multiple_of(2), odd);
    }

    fn multiply_in_place(a: &mut [Limb], b: &mut [Limb], matrix: &Matrix) -> [Limb; 2] {
        arch::multiply_binary_in_place(a, b, matrix)
    }

    #[inline]
    fn costs() -> &'static Costs {
        &arch::BINARY_COSTS
    }
}

// F(n) is φ^n / √5, rounded (Binet's formula), so it has floor(n·log φ − log √5) + 1 digits for n > 1, in any base. These
// are the logarithms in units of 2^-128, rounded to the nearest. scripts/digit-counts.py proves that this is enough for
// every index: it finds how close n·log φ − log √5 comes to an integer for n < 2^64, and compares the floors there. Rounding
// is off by up to 2^-65 = 2.7e-20 at the last index; log10 comes closer than that twice, log2 never.

/// log10 φ.
const LOG10_PHI: u128 = 0x3580_36c8_2451_b7f3_65d3_db23_8455_99f6;
/// log10 √5.
const LOG10_SQRT5: u128 = 0x5977_d95e_c10c_0219_dc1d_a994_fd20_dba2;
/// log2 φ.
const LOG2_PHI: u128 = 0xb1b9_d68a_8e53_425d_e48f_c742_6f0c_4428;
/// log2 √5 − 1.
const LOG2_SQRT5_FRACTION: u128 = 0x2934_f097_9a37_15fc_9257_edfe_9b5f_b69a;

/// floor(index·slope − offset), for a slope and an offset in units of 2^-128. The difference must not be negative.
#[expect(clippy::cast_possible_truncation, reason = "a product of a u64 and a fraction is a u64 and a fraction")]
const fn floor_log(index: u64, slope: u128, offset: u128) -> u64 {
    let low = index as u128 * (slope as u64 as u128);
    let high = index as u128 * (slope >> 64);
    let (fraction, carry) = (high << 64).overflowing_add(low);
    let borrow = fraction < offset;
    (high >> 64) as u64 + carry as u64 - borrow as u64
}

/// A count as a `usize`, at most [`usize::MAX`].
#[expect(clippy::cast_possible_truncation, reason = "just compared")]
const fn saturating(count: u64) -> usize {
    if count > usize::MAX as u64 { usize::MAX } else { count as usize }
}

impl Decimal {
    /// The number of decimal digits in a limb: 19, or 9 where a limb has 32 bits.
    pub const LIMB_DIGITS: usize = LIMB_DIGITS;

    /// The base: 10 to the power of [`Decimal::LIMB_DIGITS`].
    pub const BASE: Limb = DECIMAL_BASE;

    /// The number of decimal digits of F(`index`), which is the same in both radices.
    ///
    /// Exact for every index: a script of the repository, `scripts/digit-counts.py`, proves it. A `u64` on every target,
    /// since most of these numbers don't fit any memory. Constant time.
    ///
    /// ```
    /// use fib_core::Decimal;
    ///
    /// assert_eq!(Decimal::digits_for(1_000), 209);
    /// assert_eq!(Decimal::digits_for(u64::MAX), 3_855_141_514_259_838_963);
    /// ```
    #[must_use]
    pub const fn digits_for(index: u64) -> u64 {
        if index < 2 { 1 } else { floor_log(index, LOG10_PHI, LOG10_SQRT5) + 1 }
    }

    /// The number of limbs of F(`index`) in this radix. [`Inline<N>`](crate::Inline) with this `N` has room for F(`index`).
    ///
    /// Exact; [`usize::MAX`] where the target can't count that many. Constant time.
    ///
    /// ```
    /// use fib_core::{Decimal, Fibonacci, Inline};
    ///
    /// let mut fib = Fibonacci::<Decimal, Inline<{ Decimal::limbs_for(1000) }>>::new();
    /// assert!(fib.nth(1000).is_some());
    /// ```
    #[must_use]
    pub const fn limbs_for(index: u64) -> usize {
        if index == 0 { 0 } else { saturating(Self::digits_for(index).div_ceil(Self::LIMB_DIGITS as u64)) }
    }
}

impl Binary {
    /// The number of bits of F(`index`).
    ///
    /// Exact for every index, as [`Decimal::digits_for`] is. Constant time.
    ///
    /// ```
    /// use fib_core::Binary;
    ///
    /// assert_eq!(Binary::bits_for(93), 64); // the largest Fibonacci number that a u64 holds
    /// assert_eq!(Binary::bits_for(u64::MAX), 12_806_502_905_986_368_093);
    /// ```
    #[must_use]
    pub const fn bits_for(index: u64) -> u64 {
        match index {
            0 => 0,
            1 => 1,
            // φ^3 / √5 is 1.89, which is rounded up to 2. No other power of two is reached by rounding up.
            3 => 2,
            _ => floor_log(index, LOG2_PHI, LOG2_SQRT5_FRACTION),
        }
    }

    /// The number of limbs of F(`index`) in this radix. [`Inline<N>`](crate::Inline) with this `N` has room for F(`index`).
    ///
    /// Exact; [`usize::MAX`] where the target can't count that many. Constant time.
    #[must_use]
    pub const fn limbs_for(index: u64) -> usize {
        saturating(Self::bits_for(index).div_ceil(Limb::BITS as u64))
    }
}
