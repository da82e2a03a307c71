//! The limb: one place of a number in a large radix, as wide as the target's words.

/// One place of a number: a `u64` on targets with 64-bit words, a `u32` on all others.
///
/// `--cfg fib_limb32` chooses `u32` everywhere, which is how a 64-bit host tests what a 32-bit target runs.
#[cfg(all(target_pointer_width = "64", not(fib_limb32)))]
pub type Limb = u64;

/// One place of a number: a `u64` on targets with 64-bit words, a `u32` on all others.
///
/// `--cfg fib_limb32` chooses `u32` everywhere, which is how a 64-bit host tests what a 32-bit target runs.
#[cfg(not(all(target_pointer_width = "64", not(fib_limb32))))]
pub type Limb = u32;

/// Bytes of a limb.
pub(crate) const LIMB_BYTES: usize = size_of::<Limb>();

/// Twice as wide as a limb.
#[cfg(all(target_pointer_width = "64", not(fib_limb32), feature = "alloc"))]
pub(crate) type WideLimb = u128;

/// Twice as wide as a limb.
#[cfg(all(not(all(target_pointer_width = "64", not(fib_limb32))), feature = "alloc"))]
pub(crate) type WideLimb = u64;
