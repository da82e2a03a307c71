//! What this CPU and its operating system support, found without std: CPUID and XGETBV, as in Intel's Software
//! Developer's Manual, volume 1, sections 14.3 (AVX) and 15.2 (AVX-512).
#![allow(unsafe_code)]

use core::arch::x86_64::{__cpuid_count, _xgetbv, CpuidResult};
use core::sync::atomic::{AtomicU8, Ordering};

/// The sets of CPU features that kernels ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Features(u8);

/// Set once the CPU has been asked, so that an empty set differs from an unknown one.
const KNOWN: u8 = 1;
const AVX2: u8 = 2;
const AVX512: u8 = 4;
const AVX512_TEXT: u8 = 8;
const AVX2_FMA: u8 = 16;

impl Features {
    /// The answer for this machine. Only the first call asks the CPU: CPUID is slow, above all in a virtual machine.
    #[inline]
    pub(super) fn get() -> Self {
        // Threads that race here all store the same byte, and nothing else hangs on it.
        static CACHE: AtomicU8 = AtomicU8::new(0);

        let cached = CACHE.load(Ordering::Relaxed);
        if cached != 0 {
            return Self(cached);
        }
        let found = Self::detect();
        CACHE.store(found.0, Ordering::Relaxed);
        found
    }

    /// AVX2.
    #[inline]
    pub(super) fn avx2(self) -> bool {
        self.0 & AVX2 != 0
    }

    /// AVX2 and FMA.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(super) fn avx2_fma(self) -> bool {
        self.0 & AVX2_FMA != 0
    }

    /// AVX-512 F and DQ.
    #[inline]
    pub(super) fn avx512(self) -> bool {
        self.0 & AVX512 != 0
    }

    /// AVX-512 F, DQ, BW, IFMA and VBMI.
    #[inline]
    pub(super) fn avx512_text(self) -> bool {
        self.0 & AVX512_TEXT != 0
    }

    #[cold]
    fn detect() -> Self {
        // Leaf 1, ecx: FMA, OSXSAVE, AVX and F16C. Compilers take FMA and F16C for granted where there is AVX-512.
        const FMA: u32 = 1 << 12;
        const FMA_F16C: u32 = FMA | 1 << 29;
        const OSXSAVE_AVX: u32 = 1 << 27 | 1 << 28;
        // Leaf 7, ebx.
        const EBX_AVX2: u32 = 1 << 5;
        const EBX_F_DQ: u32 = 1 << 16 | 1 << 17;
        const EBX_BW_IFMA: u32 = 1 << 30 | 1 << 21;
        // Leaf 7, ecx.
        const ECX_VBMI: u32 = 1 << 1;
        // XCR0: the registers that the system saves (xmm and ymm; mask registers, upper halves of zmm, zmm16 to 31).
        const XCR0_YMM: u64 = 0b0000_0110;
        const XCR0_ZMM: u64 = 0b1110_0110;

        let mut found = KNOWN;
        let leaf1 = cpuid(1, 0).ecx;
        if cpuid(0, 0).eax < 7 || !has(leaf1, OSXSAVE_AVX) {
            return Self(found);
        }
        // SAFETY: the bit OSXSAVE says that the instruction exists and that the system has enabled it.
        let xcr0 = unsafe { xcr0() };
        let leaf7 = cpuid(7, 0);
        if xcr0 & XCR0_YMM == XCR0_YMM && has(leaf7.ebx, EBX_AVX2) {
            found |= AVX2;
            if has(leaf1, FMA) {
                found |= AVX2_FMA;
            }
            if xcr0 & XCR0_ZMM == XCR0_ZMM && has(leaf7.ebx, EBX_F_DQ) && has(leaf1, FMA_F16C) {
                found |= AVX512;
                if has(leaf7.ebx, EBX_BW_IFMA) && has(leaf7.ecx, ECX_VBMI) {
                    found |= AVX512_TEXT;
                }
            }
        }
        Self(found)
    }
}

#[inline]
fn has(word: u32, bits: u32) -> bool {
    word & bits == bits
}

#[allow(unused_unsafe, reason = "the intrinsic is a safe function in later compilers")]
fn cpuid(leaf: u32, subleaf: u32) -> CpuidResult {
    // SAFETY: every x86-64 CPU has the instruction, and it only reports.
    unsafe { __cpuid_count(leaf, subleaf) }
}

#[target_feature(enable = "xsave")]
fn xcr0() -> u64 {
    // SAFETY: register 0 exists wherever the instruction does.
    unsafe { _xgetbv(0) }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::Features;
    use std::is_x86_feature_detected as detected;

    #[test]
    fn agrees_with_std() {
        let avx512 = detected!("avx512f") && detected!("avx512dq");
        let text = avx512 && detected!("avx512bw") && detected!("avx512ifma") && detected!("avx512vbmi");
        for features in [Features::get(), Features::detect(), Features::get()] {
            assert_eq!(features.avx2(), detected!("avx2"));
            #[cfg(feature = "alloc")]
            assert_eq!(features.avx2_fma(), detected!("avx2") && detected!("fma"));
            assert_eq!(features.avx512(), avx512);
            assert_eq!(features.avx512_text(), text);
        }
    }
}
