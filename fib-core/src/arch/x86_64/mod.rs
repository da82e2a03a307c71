//! Kernels for x86-64 with 64-bit limbs, and the choice between them and the portable ones.

mod addition;
mod avx2;
mod avx512;
mod detect;
mod matrix;

pub(super) use addition::add_in_place;
#[cfg(feature = "jump")]
pub(crate) use detect::Avx2Fma;
pub(crate) use detect::Avx512;
pub(super) use detect::{Avx2, Avx512Text};
#[cfg(test)]
pub(super) use matrix::STEPS_MAX as AVX512_STEPS_MAX;

use super::cost::{self, Costs};
use super::kernel::Kernel;
use super::matrix::{self as portable_matrix, Matrix};
use super::portable::{self, BINARY_BASE};
use crate::limb::DECIMAL_BASE;
use core::sync::atomic::{AtomicU8, Ordering};

const KERNEL_UNKNOWN: u8 = 0;
const KERNEL_PORTABLE: u8 = 1;
const KERNEL_AVX2: u8 = 2;
const KERNEL_AVX512: u8 = 3;

/// The kernel in use, chosen by the first call that needs it. No other memory depends on the byte, so relaxed order is enough;
/// threads that race at the first call store the same choice.
static CURRENT: AtomicU8 = AtomicU8::new(KERNEL_UNKNOWN);

pub(super) fn supports(kernel: Kernel) -> bool {
    match kernel {
        Kernel::Portable => true,
        Kernel::Avx2 => Avx2::new().is_some(),
        Kernel::Avx512 => Avx512::new().is_some(),
    }
}

#[inline]
pub(crate) fn current() -> Kernel {
    match CURRENT.load(Ordering::Relaxed) {
        KERNEL_PORTABLE => Kernel::Portable,
        KERNEL_AVX2 => Kernel::Avx2,
        KERNEL_AVX512 => Kernel::Avx512,
        _ => choose(),
    }
}

pub(super) fn set_current(kernel: Kernel) {
    let byte = match kernel {
        Kernel::Portable => KERNEL_PORTABLE,
        Kernel::Avx2 => KERNEL_AVX2,
        Kernel::Avx512 => KERNEL_AVX512,
    };
    CURRENT.store(byte, Ordering::Relaxed);
}

#[cold]
fn choose() -> Kernel {
    let best = Kernel::ALL.into_iter().rfind(|kernel| supports(*kernel)).unwrap_or(Kernel::Portable);
    set_current(best);
    best
}

/// The kernel in use, with the proof that the machine supports it.
enum Usable {
    Portable,
    Avx2(Avx2),
    Avx512(Avx512),
}

#[inline]
fn usable() -> Usable {
    match current() {
        Kernel::Portable => Usable::Portable,
        Kernel::Avx2 => Avx2::new().map_or(Usable::Portable, Usable::Avx2),
        Kernel::Avx512 => Avx512::new().map_or(Usable::Portable, Usable::Avx512),
    }
}

#[must_use]
pub(super) fn add_binary_in_place(a: &mut [u64], b: &[u64], carry: bool) -> bool {
    add::<BINARY_BASE>(a, b, carry)
}

#[must_use]
pub(super) fn add_decimal_in_place(a: &mut [u64], b: &[u64], carry: bool) -> bool {
    add::<DECIMAL_BASE>(a, b, carry)
}

fn add<const BASE: u64>(a: &mut [u64], b: &[u64], carry: bool) -> bool {
    match usable() {
        Usable::Portable => portable::add_in_place::<BASE>(a, b, carry),
        Usable::Avx2(avx2) => add_in_place::<BASE, _>(avx2, a, b, carry),
        Usable::Avx512(avx512) => add_in_place::<BASE, _>(avx512, a, b, carry),
    }
}

/// AVX2 has no kernel for products.
static AVX2_COSTS: Costs =
    Costs { step: [8_500, 240], product: [45_000, 3_550], steps_max: portable_matrix::STEPS_MAX };

static AVX512_COSTS: Costs = Costs { step: [9_000, 108], product: [38_000, 650], steps_max: matrix::STEPS_MAX };

/// What steps and products cost in decimal.
#[inline]
pub(crate) fn decimal_costs() -> &'static Costs {
    match current() {
        Kernel::Portable => &cost::DECIMAL_PORTABLE,
        Kernel::Avx2 => &AVX2_COSTS,
        Kernel::Avx512 => &AVX512_COSTS,
    }
}

#[must_use]
pub(super) fn multiply_decimal_in_place(a: &mut [u64], b: &mut [u64], by: &Matrix) -> [u64; 2] {
    match usable() {
        Usable::Avx512(avx512) if portable_matrix::rows_up_to(by, matrix::ROW_MAX) => {
            avx512.multiply_decimal_in_place(a, b, by)
        }
        _ => portable_matrix::multiply_in_place::<DECIMAL_BASE>(a, b, by, [0; 2]),
    }
}

pub(super) fn decimal_text(limbs: &[u64], out: &mut [u8]) {
    match usable() {
        Usable::Portable => portable::decimal_text(limbs, out),
        Usable::Avx2(avx2) => avx2.decimal_text(limbs, out),
        Usable::Avx512(_) => match (Avx512Text::new(), Avx2::new()) {
            (Some(avx512), _) => avx512.decimal_text(limbs, out),
            (None, Some(avx2)) => avx2.decimal_text(limbs, out),
            (None, None) => portable::decimal_text(limbs, out),
        },
    }
}
