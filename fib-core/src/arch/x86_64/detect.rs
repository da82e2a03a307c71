//! What this CPU and its operating system support. It is found without std, by CPUID and XGETBV, as in Intel's Software
//! Developer's Manual, volume 1, sections 14.3 (AVX) and 15.2 (AVX-512).
#![allow(unsafe_code)]

use core::arch::x86_64::{__cpuid_count, _xgetbv, CpuidResult};
use core::sync::atomic::{AtomicU8, Ordering};

/// Proof that this CPU and its operating system support a set of instructions. [`Supported::new`] is the only way to one, and
/// the kernels for the set are methods on it.
#[derive(Clone, Copy)]
pub(crate) struct Supported<const SET: u8>(());

/// AVX2.
pub(crate) type Avx2 = Supported<SET_AVX2>;
/// AVX2 and FMA.
#[cfg(feature = "jump")]
pub(crate) type Avx2Fma = Supported<SET_AVX2_FMA>;
/// AVX-512 F and DQ.
pub(crate) type Avx512 = Supported<SET_AVX512>;
/// AVX-512 F, DQ, BW, IFMA and VBMI.
pub(crate) type Avx512Text = Supported<SET_AVX512_TEXT>;

/// A bit for each set. [`KNOWN`] is set once the CPU has been asked, so that "none" differs from "not asked yet".
const KNOWN: u8 = 1;
const SET_AVX2: u8 = 2;
const SET_AVX512: u8 = 4;
const SET_AVX512_TEXT: u8 = 8;
const SET_AVX2_FMA: u8 = 16;

impl<const SET: u8> Supported<SET> {
    /// The proof, if this CPU and the operating system support the set.
    #[inline]
    pub(crate) fn new() -> Option<Self> {
        (supported_sets() & SET == SET).then_some(Self(()))
    }
}

/// The sets that this machine supports. Only the first call asks the CPU, since CPUID is slow, above all in a virtual machine.
#[inline]
fn supported_sets() -> u8 {
    // Threads that race at the first call store the same byte, and no other memory depends on it.
    static CACHE: AtomicU8 = AtomicU8::new(0);

    let cached = CACHE.load(Ordering::Relaxed);
    if cached != 0 {
        return cached;
    }
    let found = detect();
    CACHE.store(found, Ordering::Relaxed);
    found
}

#[cold]
fn detect() -> u8 {
    // Leaf 1, ecx: FMA, OSXSAVE, AVX and F16C. Compilers assume that a CPU with AVX-512 has FMA and F16C.
    const FMA: u32 = 1 << 12;
    const FMA_F16C: u32 = FMA | 1 << 29;
    const OSXSAVE_AVX: u32 = 1 << 27 | 1 << 28;
    // Leaf 7, ebx.
    const EBX_AVX2: u32 = 1 << 5;
    const EBX_F_DQ: u32 = 1 << 16 | 1 << 17;
    const EBX_BW_IFMA: u32 = 1 << 30 | 1 << 21;
    // Leaf 7, ecx.
    const ECX_VBMI: u32 = 1 << 1;
    // XCR0: the registers that the operating system saves (xmm and ymm; mask registers, upper halves of zmm, zmm16 to 31).
    const XCR0_YMM: u64 = 0b0000_0110;
    const XCR0_ZMM: u64 = 0b1110_0110;

    let mut found = KNOWN;
    let leaf1 = cpuid(1, 0).ecx;
    if cpuid(0, 0).eax < 7 || !has(leaf1, OSXSAVE_AVX) {
        return found;
    }
    // SAFETY: the bit OSXSAVE says that the instruction exists and that the operating system has enabled it.
    let xcr0 = unsafe { xcr0() };
    let leaf7 = cpuid(7, 0);
    if xcr0 & XCR0_YMM == XCR0_YMM && has(leaf7.ebx, EBX_AVX2) {
        found |= SET_AVX2;
        if has(leaf1, FMA) {
            found |= SET_AVX2_FMA;
        }
        if xcr0 & XCR0_ZMM == XCR0_ZMM && has(leaf7.ebx, EBX_F_DQ) && has(leaf1, FMA_F16C) {
            found |= SET_AVX512;
            if has(leaf7.ebx, EBX_BW_IFMA) && has(leaf7.ecx, ECX_VBMI) {
                found |= SET_AVX512_TEXT;
            }
        }
    }
    found
}

#[inline]
fn has(word: u32, bits: u32) -> bool {
    word & bits == bits
}

#[allow(unused_unsafe, reason = "the intrinsic is a safe function in later compilers")]
fn cpuid(leaf: u32, subleaf: u32) -> CpuidResult {
    // SAFETY: every x86-64 CPU has the instruction, and it changes nothing.
    unsafe { __cpuid_count(leaf, subleaf) }
}

#[target_feature(enable = "xsave")]
fn xcr0() -> u64 {
    // SAFETY: every CPU that has the instruction has register 0.
    unsafe { _xgetbv(0) }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::{Avx2, Avx512, Avx512Text, detect, supported_sets};
    use std::is_x86_feature_detected as detected;

    #[test]
    fn agrees_with_std() {
        assert_eq!(Avx2::new().is_some(), detected!("avx2"));
        #[cfg(feature = "jump")]
        assert_eq!(super::Avx2Fma::new().is_some(), detected!("avx2") && detected!("fma"));
        let avx512 = detected!("avx512f") && detected!("avx512dq");
        assert_eq!(Avx512::new().is_some(), avx512);
        let text = avx512 && detected!("avx512bw") && detected!("avx512ifma") && detected!("avx512vbmi");
        assert_eq!(Avx512Text::new().is_some(), text);
        assert_eq!(supported_sets(), detect(), "the answer is kept");
    }
}
