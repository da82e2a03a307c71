//! The halves of 128-bit integers.

/// The lower half.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the upper half is left out on purpose")]
pub(super) const fn low(x: u128) -> u64 {
    x as u64
}

/// The upper half.
#[inline(always)]
pub(super) const fn high(x: u128) -> u64 {
    (x >> 64) as u64
}

/// The upper half of a product.
#[inline(always)]
pub(super) const fn multiply_high(a: u64, b: u64) -> u64 {
    high(a as u128 * b as u128)
}
