//! The last digits of F(n): doubling modulo a power of ten.

use super::pair::{LIMB_DIGITS, Pair, Rows, SHORT_ROW};
use super::{DigitsError, MAX_DIGITS, requested, write_digits};

/// Limbs of a row for [`MAX_DIGITS`] digits.
const LONG_ROW: usize = MAX_DIGITS.div_ceil(LIMB_DIGITS);

/// Writes the last digits of F(`index`) to the start of `out`, in ASCII, the most significant digit first; returns how many
/// it wrote: as many as `out` takes, or as there are.
///
/// Takes about 64·(d/9)² multiplications of 32-bit words for d digits of the largest indices. The method is doubling of F(k)
/// and F(k − 1) modulo a power of ten. Needs no allocator; the numbers take 400 bytes of the stack for up to 180 digits,
/// 2,240 for more.
///
/// ```
/// use fib_core::trailing_digits;
///
/// let mut digits = [0; 20];
/// assert_eq!(trailing_digits(u64::MAX, &mut digits)?, 20);
/// assert_eq!(&digits, b"66019507593362999010");
///
/// // F(10) = 55 has no more digits.
/// let count = trailing_digits(10, &mut digits)?;
/// assert_eq!(&digits[..count], b"55");
/// # Ok::<(), fib_core::DigitsError>(())
/// ```
///
/// # Errors
/// [`DigitsError::TooMany`] where this asks for more than [`MAX_DIGITS`] digits of a number that has more.
pub fn trailing_digits(index: u64, out: &mut [u8]) -> Result<usize, DigitsError> {
    let count = requested(index, out)?;
    let out = &mut out[..count];
    if index == 0 {
        out.fill(b'0');
        return Ok(count);
    }
    // Two functions, so that the stack holds the long rows only where they are needed: for more than 180 digits.
    if count <= SHORT_ROW * LIMB_DIGITS {
        write::<SHORT_ROW>(index, out);
    } else {
        write::<LONG_ROW>(index, out);
    }
    Ok(count)
}

/// Writes the last digits of F(`index`), for `index` > 0.
#[inline(never)]
fn write<const N: usize>(index: u64, out: &mut [u8]) {
    let mut rows: Rows<N> = [[0; N]; 5];
    let mut pair = Pair::new(&mut rows);
    let len = out.len().div_ceil(LIMB_DIGITS);
    for bit in (0..index.ilog2()).rev() {
        pair.double(len, 0, len, index >> bit & 1 == 1);
    }
    for (&limb, out) in pair.f().iter().zip(out.rchunks_mut(LIMB_DIGITS)) {
        write_digits(limb, out);
    }
}
