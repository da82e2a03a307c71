//! Kernels: the loops over limbs that all the time goes into, and the choice between them.
//!
//! `portable` is always there; vector kernels stand beside it. The best one that the machine supports is chosen at run
//! time, once. Numbers of a few limbs do not get that far: they are added inline.

mod portable;
mod short;
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(fib_limb32)))]
mod x86_64;

#[cfg(not(all(target_arch = "x86_64", target_pointer_width = "64", not(fib_limb32))))]
use only_portable as machine;
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(fib_limb32)))]
use x86_64 as machine;

/// Proofs that the machine has what other kernels need.
#[cfg(all(feature = "alloc", target_arch = "x86_64", target_pointer_width = "64", not(fib_limb32)))]
pub(crate) use x86_64::{Avx2Fma, Avx512};

#[cfg(test)]
mod exhaustion;
#[cfg(test)]
mod tests;

pub(crate) use short::{digit_count, short_text};

use crate::limb::Limb;
use core::fmt;

/// Up to as many limbs, numbers are added inline: a call would cost as much as its work, and vectors do not pay yet. In
/// binary that is later, since an add-with-carry chain is hard to beat.
const ADD_DECIMAL_INLINE: usize = 15;
const ADD_BINARY_INLINE: usize = 47;
/// The same for text.
const TEXT_INLINE: usize = 7;

/// A set of loops for addition and text, by the instructions that it needs.
///
/// Which one runs never changes a result. The best one is chosen by itself; [`force`](Kernel::force) is there for tests
/// and benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kernel {
    /// Portable Rust, on every target.
    Portable,
    /// AVX2 on x86-64.
    Avx2,
    /// AVX-512 (F and DQ) on x86-64. Text also needs BW, IFMA and VBMI; without them it is that of AVX2.
    Avx512,
}

impl Kernel {
    /// All kernels, the slowest first.
    const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// The kernels that this machine supports, the slowest first.
    ///
    /// ```
    /// use fib_core::Kernel;
    ///
    /// assert_eq!(Kernel::available().next(), Some(Kernel::Portable));
    /// ```
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|kernel| machine::supports(*kernel))
    }

    /// The kernel in use.
    #[must_use]
    #[inline]
    pub fn current() -> Self {
        machine::current()
    }

    /// Uses this kernel from now on, in the whole program: for tests and benchmarks. A call that is under way on another
    /// thread ends with the kernel that it began with.
    ///
    /// # Errors
    ///
    /// If this machine does not support it; the choice stays as it was.
    pub fn force(self) -> Result<(), UnsupportedKernel> {
        if !machine::supports(self) {
            return Err(UnsupportedKernel(self));
        }
        machine::set_current(self);
        Ok(())
    }

    /// Lower-case name: `portable`, `avx2` or `avx512`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The machine lacks the instructions of the [`Kernel`] that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsupportedKernel(Kernel);

impl fmt::Display for UnsupportedKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this machine does not support the {} kernel", self.0)
    }
}

impl core::error::Error for UnsupportedKernel {}

/// Adds `b` and `carry` to `a` in base 2^64 (2^32) and returns the carry out.
///
/// # Panics
///
/// If the lengths differ.
#[must_use]
#[inline]
pub(crate) fn add_binary_in_place(a: &mut [Limb], b: &[Limb], carry: bool) -> bool {
    if a.len() <= ADD_BINARY_INLINE {
        portable::add_binary_in_place(a, b, carry)
    } else {
        machine::add_binary_in_place(a, b, carry)
    }
}

/// Adds `b` and `carry` to `a` in base 10^19 (10^9) and returns the carry out. All limbs must be below the base.
///
/// # Panics
///
/// If the lengths differ.
#[must_use]
#[inline]
pub(crate) fn add_decimal_in_place(a: &mut [Limb], b: &[Limb], carry: bool) -> bool {
    if a.len() <= ADD_DECIMAL_INLINE {
        portable::add_decimal_in_place(a, b, carry)
    } else {
        machine::add_decimal_in_place(a, b, carry)
    }
}

/// Writes decimal limbs in ASCII, the most significant limb first, each with its leading zeros.
///
/// # Panics
///
/// If `out` has another length than `limbs.len() * DIGITS`.
#[inline]
pub(crate) fn decimal_text(limbs: &[Limb], out: &mut [u8]) {
    if limbs.len() <= TEXT_INLINE {
        portable::decimal_text(limbs, out);
    } else {
        machine::decimal_text(limbs, out);
    }
}

/// Where there is nothing to choose.
#[cfg(not(all(target_arch = "x86_64", target_pointer_width = "64", not(fib_limb32))))]
mod only_portable {
    use super::Kernel;

    pub(super) use super::portable::{add_binary_in_place, add_decimal_in_place, decimal_text};

    pub(super) fn supports(kernel: Kernel) -> bool {
        kernel == Kernel::Portable
    }

    #[inline]
    pub(super) fn current() -> Kernel {
        Kernel::Portable
    }

    pub(super) fn set_current(_: Kernel) {}
}
