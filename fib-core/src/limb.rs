//! The limb: one digit of a number in a large radix, as wide as a word of the target; and the base of decimal limbs.

/// One digit of a number in a large radix: a `u64` on targets with 64-bit words, a `u32` on all others.
///
/// `--cfg fib_limb32` chooses `u32` everywhere, which is how a 64-bit host tests what a 32-bit target runs. It needs
/// `--cfg fib_portable`.
///
/// ```
/// use fib_core::{Decimal, Limb};
///
/// // The memory for both values of a sequence at F(1000).
/// assert!(2 * Decimal::limbs_for(1_000) * size_of::<Limb>() <= 192);
/// ```
#[cfg(all(target_pointer_width = "64", not(fib_limb32)))]
pub type Limb = u64;

/// One digit of a number in a large radix: a `u64` on targets with 64-bit words, a `u32` on all others.
///
/// `--cfg fib_limb32` chooses `u32` everywhere, which is how a 64-bit host tests what a 32-bit target runs. It needs
/// `--cfg fib_portable`.
#[cfg(not(all(target_pointer_width = "64", not(fib_limb32))))]
pub type Limb = u32;

#[cfg(all(fib_limb32, not(fib_portable)))]
compile_error!("`--cfg fib_limb32` needs `--cfg fib_portable`: the vector kernels take limbs of 64 bits");

/// The number of bytes in a limb.
pub(crate) const LIMB_BYTES: usize = size_of::<Limb>();

/// The number of decimal digits in a decimal limb, as many as always fit: 19 in 64 bits, 9 in 32.
pub(crate) const LIMB_DIGITS: usize = Limb::MAX.ilog10() as usize;

/// The base of decimal limbs: 10^19 in 64 bits, 10^9 in 32.
pub(crate) const DECIMAL_BASE: Limb = (10 as Limb).pow(Limb::MAX.ilog10());

/// An integer twice as wide as a limb.
#[cfg(all(target_pointer_width = "64", not(fib_limb32)))]
pub(crate) type WideLimb = u128;

/// An integer twice as wide as a limb.
#[cfg(not(all(target_pointer_width = "64", not(fib_limb32))))]
pub(crate) type WideLimb = u64;
