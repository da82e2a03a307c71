//! Kernels for x86-64 with 64-bit limbs, and the choice between them and the portable ones.

mod avx2;
mod avx512;
mod detect;

pub(super) use avx2::Avx2;
#[cfg(feature = "alloc")]
pub(crate) use avx2::Avx2Fma;
pub(crate) use avx512::Avx512;
pub(super) use avx512::Avx512Text;

use super::{Kernel, portable};
use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
use core::sync::atomic::{AtomicU8, Ordering};

const UNKNOWN: u8 = 0;
const PORTABLE: u8 = 1;
const AVX2: u8 = 2;
const AVX512: u8 = 3;

/// How many limbs ahead an addition of so many limbs fetches memory, if it does.
///
/// Measured on Zen 5. From 2^15 limbs on, two numbers take half of an L2 cache of 1 MiB or more, and a short lead hides the
/// latency of L3. From 2^19 limbs on they outgrow a share of L3 too: main memory takes a long lead, past the page of 4 KiB
/// where hardware prefetching stops.
#[inline]
fn prefetch_distance(len: usize) -> Option<usize> {
    const L3_FROM: usize = 1 << 15;
    const MEMORY_FROM: usize = 1 << 19;

    match len {
        0..L3_FROM => None,
        L3_FROM..MEMORY_FROM => Some(128),
        MEMORY_FROM.. => Some(1024),
    }
}

/// Fetches into the cache what stands `distance` limbs past these ones; past the end of the slice, to no effect.
#[allow(unsafe_code)]
#[inline]
fn prefetch(limbs: &[u64], distance: usize) {
    const LINE: usize = 8;

    for line in limbs.chunks(LINE) {
        let ahead = line.as_ptr().wrapping_add(distance);
        // SAFETY: a prefetch is a hint. It reads nothing into the program and never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(ahead.cast()) };
    }
}

/// The kernel in use, chosen by the first call that needs it. Nothing else hangs on the byte, so relaxed order will do;
/// threads that race at first use store the same choice.
static CURRENT: AtomicU8 = AtomicU8::new(UNKNOWN);

pub(super) fn supports(kernel: Kernel) -> bool {
    match kernel {
        Kernel::Portable => true,
        Kernel::Avx2 => Avx2::new().is_some(),
        Kernel::Avx512 => Avx512::new().is_some(),
    }
}

#[inline]
pub(super) fn current() -> Kernel {
    match CURRENT.load(Ordering::Relaxed) {
        PORTABLE => Kernel::Portable,
        AVX2 => Kernel::Avx2,
        AVX512 => Kernel::Avx512,
        _ => choose(),
    }
}

pub(super) fn set_current(kernel: Kernel) {
    let byte = match kernel {
        Kernel::Portable => PORTABLE,
        Kernel::Avx2 => AVX2,
        Kernel::Avx512 => AVX512,
    };
    CURRENT.store(byte, Ordering::Relaxed);
}

#[cold]
fn choose() -> Kernel {
    let best = Kernel::available().last().unwrap_or(Kernel::Portable);
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
    match usable() {
        Usable::Portable => portable::add_binary_in_place(a, b, carry),
        Usable::Avx2(avx2) => avx2.add_binary_in_place(a, b, carry),
        Usable::Avx512(avx512) => avx512.add_binary_in_place(a, b, carry),
    }
}

#[must_use]
pub(super) fn add_decimal_in_place(a: &mut [u64], b: &[u64], carry: bool) -> bool {
    match usable() {
        Usable::Portable => portable::add_decimal_in_place(a, b, carry),
        Usable::Avx2(avx2) => avx2.add_decimal_in_place(a, b, carry),
        Usable::Avx512(avx512) => avx512.add_decimal_in_place(a, b, carry),
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
