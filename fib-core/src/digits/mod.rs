//! The first and the last digits of F(n) for any n, without the number.
//!
//! The functions keep F(k) and F(k − 1) as a [`Pair`](pair::Pair) of short rows of limbs, the lowest limbs or the highest,
//! and double k until it is n. The limbs have 32 bits on every target, whatever [`Limb`](crate::Limb) is: at these lengths
//! wider ones would gain little, and so the code that a microcontroller runs is tested on every host.

mod leading;
mod pair;
mod trailing;

use core::error::Error;
use core::fmt;

pub use leading::leading_digits;
pub use trailing::trailing_digits;

/// The most digits that [`leading_digits`] and [`trailing_digits`] compute: 1,000.
pub const MAX_DIGITS: usize = 1_000;

/// The digits were not computed. Nothing was written.
///
/// ```
/// use fib_core::{DigitsError, MAX_DIGITS, trailing_digits};
///
/// let mut digits = [0; MAX_DIGITS + 1];
/// assert_eq!(trailing_digits(100_000, &mut digits), Err(DigitsError::TooMany));
/// assert_eq!(trailing_digits(1_000, &mut digits), Ok(209)); // all digits of a shorter number
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DigitsError {
    /// More than [`MAX_DIGITS`] digits were asked for, of a number that has more.
    TooMany,
    /// What follows the digits is such a long run of nines or zeros that the approximation does not decide them.
    /// [`leading_digits`] says how long it must be.
    Undecided,
}

impl fmt::Display for DigitsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooMany => "more than 1000 digits of a longer number",
            Self::Undecided => "a long run of nines or zeros leaves the digits undecided",
        })
    }
}

impl Error for DigitsError {}

/// How many digits are asked for: as many as the buffer takes, or as there are.
fn requested(index: u64, buffer: &[u8]) -> Result<usize, DigitsError> {
    let count = crate::Decimal::digits_for(index).min(buffer.len() as u64);
    match usize::try_from(count) {
        Ok(count) if count <= MAX_DIGITS => Ok(count),
        _ => Err(DigitsError::TooMany),
    }
}

/// Writes the lowest digits of a limb in ASCII, as many as `out` takes.
fn write_digits(mut limb: u32, out: &mut [u8]) {
    for byte in out.iter_mut().rev() {
        *byte = b'0' + (limb % 10) as u8;
        limb /= 10;
    }
}
