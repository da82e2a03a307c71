//! Kernels: the loops over limbs, where nearly all the time is spent, and the choice between them.
//!
//! The portable kernel exists on every target; vector kernels exist beside it. The best one that the machine supports is
//! chosen once, at run time. Numbers of a few limbs are added by portable code that is inlined into the caller. Loops that have
//! no vector kernel are in `scalar`.
//!
//! Vector kernels exist on x86-64, the one architecture with SSE2 and 64-bit pointers. They need a target that has its
//! registers: kernels and boot loaders are compiled for targets without SSE2, where LLVM cannot compile the other vectors
//! either. `--cfg fib_portable` leaves the vector kernels out everywhere.
//!
//! What is inlined is compiled in the user's crate, with the `opt-level` of that crate. With debug assertions that level is
//! most likely 0, so then the functions here are not inlined, and the `opt-level` of this crate applies to their loops.

#[cfg(any(test, feature = "__kernels"))]
mod choice;
mod conversion;
mod cost;
#[cfg(any(test, feature = "__kernels", all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable))))]
pub(crate) mod kernel;
mod matrix;
mod portable;
mod scalar;
mod short;
#[cfg(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable)))]
mod x86_64;

#[cfg(not(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable))))]
use only_portable as machine;
#[cfg(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable)))]
use x86_64 as machine;

/// Proofs that the CPU has the instructions of the kernels in `mul`.
#[cfg(feature = "jump")]
#[cfg(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable)))]
pub(crate) use x86_64::{Avx2Fma, Avx512, current as current_kernel};

#[cfg(test)]
mod exhaustion;
#[cfg(test)]
mod tests;

pub(crate) use conversion::{multiply_add_binary, multiply_add_decimal, remainder};
pub(crate) use cost::{BINARY as BINARY_COSTS, Costs};
pub(crate) use machine::decimal_costs;
pub(crate) use matrix::Matrix;
pub(crate) use scalar::{add_carry_in_place, compare, from_decimal_text, from_le_bytes, sum_carries};
pub(crate) use short::{digit_count, short_text};
#[cfg(any(test, feature = "__kernels"))]
#[cfg_attr(not(feature = "__kernels"), allow(unreachable_pub, reason = "only that feature exports them"))]
pub use {choice::UnsupportedKernel, kernel::Kernel};

use crate::limb::Limb;

/// Numbers of up to this many limbs are added inline: a call would take as long as the work, and vectors do not pay yet. In
/// binary they start to pay later, because a chain of additions with carry is hard to beat.
const ADD_DECIMAL_INLINE: usize = 15;
const ADD_BINARY_INLINE: usize = 47;
/// The same for text.
const TEXT_INLINE: usize = 7;

/// Adds `b` and `carry` to `a` in base 2^64 (2^32) and returns the carry out.
///
/// # Panics
///
/// If the lengths differ.
#[must_use]
#[cfg_attr(not(debug_assertions), inline)]
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
#[cfg_attr(not(debug_assertions), inline)]
pub(crate) fn add_decimal_in_place(a: &mut [Limb], b: &[Limb], carry: bool) -> bool {
    if a.len() <= ADD_DECIMAL_INLINE {
        portable::add_decimal_in_place(a, b, carry)
    } else {
        machine::add_decimal_in_place(a, b, carry)
    }
}

/// `(a, b) = matrix · (a, b)` in base 2^64 (2^32); returns the limbs beyond the highest.
///
/// There is no vector kernel, since portable code takes about one cycle for a product of two limbs.
///
/// # Panics
///
/// If the lengths differ, or a row of the matrix is not that of [`Costs::steps_max`] steps or less.
#[must_use]
pub(crate) fn multiply_binary_in_place(a: &mut [Limb], b: &mut [Limb], by: &Matrix) -> [Limb; 2] {
    matrix::multiply_in_place::<{ portable::BINARY_BASE }>(a, b, by, [0; 2])
}

/// `(a, b) = matrix · (a, b)` in base 10^19 (10^9); returns the limbs beyond the highest. All limbs must be below the base.
///
/// # Panics
///
/// If the lengths differ, or a row of the matrix is not that of [`Costs::steps_max`] steps or less.
#[must_use]
pub(crate) fn multiply_decimal_in_place(a: &mut [Limb], b: &mut [Limb], by: &Matrix) -> [Limb; 2] {
    machine::multiply_decimal_in_place(a, b, by)
}

/// Writes decimal limbs in ASCII, the most significant limb first, each with its leading zeros.
///
/// # Panics
///
/// If the length of `out` is not `limbs.len() * LIMB_DIGITS`.
#[cfg_attr(not(debug_assertions), inline)]
pub(crate) fn decimal_text(limbs: &[Limb], out: &mut [u8]) {
    if limbs.len() <= TEXT_INLINE {
        portable::decimal_text(limbs, out);
    } else {
        machine::decimal_text(limbs, out);
    }
}

/// The choice where there is only one kernel.
#[cfg(not(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable))))]
mod only_portable {
    use super::cost::{Costs, DECIMAL_PORTABLE};
    use super::matrix::{Matrix, multiply_in_place};
    pub(super) use super::portable::{add_binary_in_place, add_decimal_in_place, decimal_text};
    use crate::limb::{DECIMAL_BASE, Limb};

    pub(crate) const fn decimal_costs() -> &'static Costs {
        &DECIMAL_PORTABLE
    }

    #[must_use]
    pub(super) fn multiply_decimal_in_place(a: &mut [Limb], b: &mut [Limb], by: &Matrix) -> [Limb; 2] {
        multiply_in_place::<DECIMAL_BASE>(a, b, by, [0; 2])
    }

    #[cfg(any(test, feature = "__kernels"))]
    pub(super) use only_kernel::{current, set_current, supports};

    #[cfg(any(test, feature = "__kernels"))]
    mod only_kernel {
        use crate::arch::kernel::Kernel;

        pub(in crate::arch) fn supports(kernel: Kernel) -> bool {
            kernel == Kernel::Portable
        }

        pub(in crate::arch) fn current() -> Kernel {
            Kernel::Portable
        }

        pub(in crate::arch) fn set_current(_: Kernel) {}
    }
}
