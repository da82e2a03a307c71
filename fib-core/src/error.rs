//! Errors: memory runs out, or a text is not a number.

use core::error::Error;
use core::fmt;

use crate::limb::Limb;

/// A number could not grow. Nothing has changed, and the same step can be tried again.
///
/// ```
/// use fib_core::{Binary, Cause, Exhausted, Inline, Natural};
///
/// let error = Natural::<Binary, Inline<1>>::try_from(u128::MAX).map(|_| ()).unwrap_err();
/// assert_eq!(error.cause(), Cause::Capacity);
/// assert_eq!(error.to_string(), "the number does not fit its storage");
/// assert_eq!(Exhausted::refused().cause(), Cause::Guard);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Exhausted {
    cause: Cause,
}

/// Why a number could not grow: [`Exhausted::cause`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Cause {
    /// The [`MemoryGuard`](crate::MemoryGuard) refused.
    Guard,
    /// The number does not fit the storage, whose size is fixed ([`Inline`](crate::Inline) or [`Slice`](crate::Slice)).
    Capacity,
    /// The number is longer than any number on the heap can be: than a jump can compute
    /// ([`Natural::fibonacci`](crate::Natural)), or than half of the address space.
    TooLong,
    /// The allocator had no block of the size that the number needs.
    Allocation,
}

impl Exhausted {
    /// What a [`MemoryGuard`](crate::MemoryGuard) returns to refuse: the cause is [`Cause::Guard`].
    #[must_use]
    pub const fn refused() -> Self {
        Self { cause: Cause::Guard }
    }

    pub(crate) const fn capacity() -> Self {
        Self { cause: Cause::Capacity }
    }

    #[cfg(feature = "alloc")]
    pub(crate) const fn too_long() -> Self {
        Self { cause: Cause::TooLong }
    }

    #[cfg(feature = "alloc")]
    pub(crate) const fn allocation() -> Self {
        Self { cause: Cause::Allocation }
    }

    /// Why the number could not grow.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        self.cause
    }
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.cause {
            Cause::Guard => "the memory guard refused to let the number grow",
            Cause::Capacity => "the number does not fit its storage",
            Cause::TooLong => "the number is longer than can be computed on this machine",
            Cause::Allocation => "the allocator has no memory for the number",
        })
    }
}

impl Error for Exhausted {}

/// A text is not a decimal number, a limb is too large, or the number is too long for the storage.
///
/// ```
/// use fib_core::{Decimal, Inline, Natural, ParseError};
///
/// let parse = |text: &str| text.parse::<Natural<Decimal, Inline<1>>>().unwrap_err();
/// assert_eq!(parse(""), ParseError::Empty);
/// assert_eq!(parse("1,000"), ParseError::InvalidDigit { byte: b',', offset: 1 });
/// assert!(matches!(parse("100000000000000000000"), ParseError::TooLong(_)));
/// assert_eq!(parse("-1").to_string(), "not a decimal digit: '-' at byte 0");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ParseError {
    /// The text is empty.
    Empty,
    /// A byte of the text is not one of the digits `0` to `9`. There may be a `+` before the digits, but no other sign, no
    /// separator and no white space.
    InvalidDigit {
        /// The byte.
        byte: u8,
        /// Its offset in bytes from the start of the text.
        offset: usize,
    },
    /// A limb is not below the base ([`Natural::from_limbs`](crate::Natural::from_limbs)).
    InvalidLimb {
        /// The limb.
        limb: Limb,
        /// Its position; the least significant limb is at 0.
        position: usize,
    },
    /// There is no room for the number.
    TooLong(Exhausted),
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no digits: the text is empty"),
            Self::InvalidDigit { byte, offset } => {
                write!(f, "not a decimal digit: '{}' at byte {offset}", byte.escape_ascii())
            }
            Self::InvalidLimb { limb, position } => {
                write!(f, "not below the base: the limb {limb} at position {position}")
            }
            Self::TooLong(_) => f.write_str("too many digits for the storage"),
        }
    }
}

impl Error for ParseError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::TooLong(exhausted) => Some(exhausted),
            Self::Empty | Self::InvalidDigit { .. } | Self::InvalidLimb { .. } => None,
        }
    }
}

/// The two values are not consecutive Fibonacci numbers at that index:
/// [`Fibonacci::from_values`](crate::Fibonacci::from_values).
///
/// ```
/// use fib_core::{Decimal, Fibonacci, Inline, Natural, NotFibonacci};
///
/// let [a, b] = ["89", "145"].map(|digits| digits.parse::<Natural<Decimal, Inline<1>>>().unwrap());
/// assert_eq!(Fibonacci::from_values(13, [a, b]).unwrap_err(), NotFibonacci);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NotFibonacci;

impl fmt::Display for NotFibonacci {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the values are not those of the Fibonacci sequence at that index")
    }
}

impl Error for NotFibonacci {}

impl From<Exhausted> for ParseError {
    fn from(exhausted: Exhausted) -> Self {
        Self::TooLong(exhausted)
    }
}
