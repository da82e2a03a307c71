//! The limb: one digit of a number in a large radix, as wide as a word of the target; and the base of decimal limbs.

/// One digit of a number in a large radix: a `u64` on targets with 64-bit words, a `u32` on all others.
///
/// `--cfg fib_limb32` chooses `u32` everywhere, which is how a 64-bit host tests what a 32-bit target runs.
#[cfg(all(target_pointer_width = "64", not(fib_limb32)))]
pub type Limb = u64;

/// One digit of a number in a large radix: a `u64` on targets with 64-bit words, a `u32` on all others.
///
/// `--cfg fib_limb32` chooses `u32` everywhere, which is how a 64-bit host tests what a 32-bit target runs.
#[cfg(not(all(target_pointer_width = "64", not(fib_limb32))))]
pub type Limb = u32;

/// Bytes of a limb.
pub(crate) const LIMB_BYTES: usize = size_of::<Limb>();

/// Decimal digits of a decimal limb: 19 with 64 bits, 9 with 32. This is the largest number of digits that always fits.
pub(crate) const LIMB_DIGITS: usize = Limb::MAX.ilog10() as usize;

/// The base of decimal limbs: 10^19 with 64 bits, 10^9 with 32.
pub(crate) const DECIMAL_BASE: Limb = (10 as Limb).pow(Limb::MAX.ilog10());

/// Twice as wide as a limb.
#[cfg(all(target_pointer_width = "64", not(fib_limb32), feature = "alloc"))]
pub(crate) type WideLimb = u128;

/// Twice as wide as a limb.
#[cfg(all(not(all(target_pointer_width = "64", not(fib_limb32))), feature = "alloc"))]
pub(crate) type WideLimb = u64;
