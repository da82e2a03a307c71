//! Calls into GMP that `rug` does not wrap.

use gmp_mpfr_sys::gmp;
use rug::Integer;

/// The version of GMP, and how it was built.
pub(crate) fn description() -> String {
    let (major, minor, patch) = (gmp::VERSION, gmp::VERSION_MINOR, gmp::VERSION_PATCHLEVEL);
    format!("GMP {major}.{minor}.{patch} {}", env!("GMP_BUILD"))
}

/// `a += b` over equal lengths by `mpn_add_n`; returns the carry out.
#[expect(unsafe_code, reason = "a C function")]
pub(crate) fn add_in_place(a: &mut [gmp::limb_t], b: &[gmp::limb_t]) -> bool {
    assert_eq!(a.len(), b.len(), "the lengths must be equal");
    assert!(!a.is_empty(), "mpn_add_n needs a limb");
    let len = gmp::size_t::try_from(a.len()).expect("a slice is shorter than isize::MAX");
    let sum = a.as_mut_ptr();
    // SAFETY: `sum` is valid for reads and writes, and `b` for reads, of `len` initialised limbs. `len` is not zero. GMP
    // documents that the sum may be identical to an operand or separate from it: it is `a`, and separate from `b`.
    let carry = unsafe { gmp::mpn_add_n(sum, sum, b.as_ptr(), len) };
    carry != 0
}

/// Writes the decimal digits and a zero byte by `mpz_get_str`.
#[expect(unsafe_code, reason = "C functions")]
pub(crate) fn write_digits(number: &Integer, out: &mut [u8]) {
    // SAFETY: an `Integer` is initialised.
    let digits = unsafe { gmp::mpz_sizeinbase(number.as_raw(), 10) };
    assert!(out.len() >= digits + 2, "there must be room for a sign and the zero byte too");
    // SAFETY: an `Integer` is initialised, and `out` has the room that GMP documents to be enough.
    unsafe { gmp::mpz_get_str(out.as_mut_ptr().cast(), 10, number.as_raw()) };
}
