//! The choice of a kernel, and what all kernels refuse.

use super::addition::check_addition;
use super::text::check_text;
use super::{Candidate, Radix, Random, candidates};
use crate::arch::{Kernel, UnsupportedKernel, add_binary_in_place, add_decimal_in_place, decimal_text};
use crate::limb::{DECIMAL_BASE, LIMB_DIGITS};
use std::format;

#[test]
fn lengths_are_checked() {
    fn panics(run: impl FnOnce() + std::panic::UnwindSafe) -> bool {
        std::panic::catch_unwind(run).is_err()
    }
    for candidate in candidates() {
        for add in [candidate.add_binary, candidate.add_decimal] {
            assert!(panics(|| _ = add(&mut [0; 9], &[0; 8], false)), "{}", candidate.name);
            assert!(panics(|| _ = add(&mut [0; 8], &[0; 9], false)), "{}", candidate.name);
        }
        if let Some(text) = candidate.text {
            assert!(panics(|| text(&[0; 9], &mut [0; 9 * LIMB_DIGITS - 1])), "{}", candidate.name);
            assert!(panics(|| text(&[0; 9], &mut [0; 9 * LIMB_DIGITS + 1])), "{}", candidate.name);
        }
    }
}

/// The choice is global, so only this test changes it. The results of other tests do not depend on it.
#[test]
fn every_available_kernel_can_be_forced() {
    let dispatched = Candidate {
        name: "dispatched",
        add_binary: add_binary_in_place,
        add_decimal: add_decimal_in_place,
        text: Some(decimal_text),
    };
    let best = Kernel::available().last().unwrap();
    assert_eq!(Kernel::current(), best, "chosen by itself");
    let mut random = Random(4);
    for kernel in [Kernel::Portable, Kernel::Avx2, Kernel::Avx512] {
        if !Kernel::available().any(|available| available == kernel) {
            let current = Kernel::current();
            assert!(kernel.force().is_err());
            assert_eq!(Kernel::current(), current);
            continue;
        }
        kernel.force().unwrap();
        assert_eq!(Kernel::current(), kernel);
        for len in (0..=40).chain([200]) {
            for radix in Radix::BOTH {
                let (a, b) = (random.extreme_limbs(len, radix.base()), random.limbs(len, radix.base()));
                check_addition(core::slice::from_ref(&dispatched), radix, &a, &b, 1, kernel.name());
            }
            check_text(core::slice::from_ref(&dispatched), &random.limbs(len, DECIMAL_BASE.into()));
        }
    }
    best.force().unwrap();
}

#[test]
fn kernels_have_names() {
    let names = Kernel::ALL.map(|kernel| format!("{kernel:>8}"));
    assert_eq!(names, ["portable", "    avx2", "  avx512"]);
    let unsupported = UnsupportedKernel(Kernel::Avx512);
    assert_eq!(format!("{unsupported}"), "this machine does not support the avx512 kernel");
}
