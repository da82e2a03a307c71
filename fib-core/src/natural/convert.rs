//! Numbers from integers, limbs and bytes and back, and from one radix or storage to another.

use core::num::TryFromIntError;

use super::Natural;
use crate::arch;
use crate::error::{Exhausted, ParseError};
use crate::limb::{LIMB_BYTES, LIMB_DIGITS, Limb, WideLimb};
use crate::radix::{Binary, Radix};
use crate::storage::{Buffer, Storage};

/// Limbs of the longest `u128` in the smaller radix.
const INTEGER_LIMBS: usize = (u128::MAX.ilog10() as usize + 1).div_ceil(LIMB_DIGITS);

/// A binary number of this many limbs may have one decimal limb more: 1.4 % with 64 bits, 7.1 % with 32.
const LIMBS_OF_ONE_MORE: usize = if Limb::BITS == 64 { 70 } else { 14 };

/// What is known to be a limb.
#[expect(clippy::cast_possible_truncation, reason = "the caller knows")]
const fn narrow(value: WideLimb) -> Limb {
    value as Limb
}

/// The limbs of an integer, and their number.
#[inline]
pub(super) fn integer_limbs<R: Radix>(mut rest: u128) -> ([Limb; INTEGER_LIMBS], usize) {
    let base = u128::from(R::LIMB_MAX) + 1;
    let mut limbs = [0; INTEGER_LIMBS];
    let mut len = 0;
    while rest != 0 {
        #[expect(clippy::cast_possible_truncation, reason = "a remainder by the base is a limb")]
        let limb = (rest % base) as Limb;
        limbs[len] = limb;
        len += 1;
        rest /= base;
    }
    (limbs, len)
}

/// The number as an integer, or `None` if it has more than 128 bits.
fn to_integer<R: Radix, S: Buffer>(number: &Natural<R, S>) -> Option<u128> {
    let base = u128::from(R::LIMB_MAX) + 1;
    // The length is checked first, so that the time is constant.
    let limbs = Some(number.limbs()).filter(|limbs| limbs.len() <= INTEGER_LIMBS)?;
    limbs.iter().rev().try_fold(0_u128, |value, &limb| value.checked_mul(base)?.checked_add(limb.into()))
}

/// Conversions from and to the unsigned integers of Rust.
macro_rules! convert_integers {
    ($($integer:ty)*) => {$(
        impl<R: Radix, S: Storage> TryFrom<$integer> for Natural<R, S> {
            type Error = Exhausted;

            /// # Errors
            /// [`Exhausted`] if the storage or the allocator has no room.
            fn try_from(value: $integer) -> Result<Self, Exhausted> {
                #[allow(clippy::cast_lossless, reason = "there is no From<usize> for u128")]
                let (limbs, len) = integer_limbs::<R>(value as u128);
                S::from_limbs(&limbs[..len]).map(Self::from_storage)
            }
        }

        impl<R: Radix, S: Buffer> TryFrom<&Natural<R, S>> for $integer {
            type Error = TryFromIntError;

            /// Constant time.
            ///
            /// # Errors
            /// [`TryFromIntError`] if the number is too large.
            fn try_from(number: &Natural<R, S>) -> Result<Self, TryFromIntError> {
                let Some(value) = to_integer(number) else {
                    // There is no other way to make this error.
                    return Self::try_from(-1_i8);
                };
                #[allow(clippy::useless_conversion, irrefutable_let_patterns, reason = "a u128 always fits a u128")]
                Self::try_from(value).or_else(|_| Self::try_from(-1_i8))
            }
        }
    )*};
}

convert_integers! { u8 u16 u32 u64 u128 usize }

impl<Q: Radix, R: Radix, S: Buffer, T: Storage> TryFrom<&Natural<Q, S>> for Natural<R, T> {
    type Error = Exhausted;

    /// The same number in another radix or storage. In the same radix it takes linear time, in another one **quadratic** time.
    ///
    /// ```
    /// # #[cfg(feature = "alloc")] {
    /// use fib_core::{Binary, Decimal, Inline, Natural};
    ///
    /// let n: Natural = "340282366920938463463374607431768211455".parse()?;
    /// let bits = Natural::<Binary>::try_from(&n)?;
    /// assert_eq!(format!("{bits:x}"), "ffffffffffffffffffffffffffffffff");
    /// let inline = Natural::<Decimal, Inline<5>>::try_from(&bits)?;
    /// assert_eq!(inline, n);
    /// # }
    /// # Ok::<(), fib_core::ParseError>(())
    /// ```
    ///
    /// # Errors
    /// [`Exhausted`] if the number does not fit the storage, or the allocator has no room for it.
    fn try_from(number: &Natural<Q, S>) -> Result<Self, Exhausted> {
        if Q::LIMB_MAX == R::LIMB_MAX {
            return T::from_limbs(number.limbs()).map(Self::from_storage);
        }
        Self::from_foreign_limbs(number.limbs().len(), number.limbs().iter().rev().copied())
    }
}

impl<R: Radix, S: Storage> Natural<R, S> {
    /// The number with these limbs, the least significant first; zeros at the end do not count. Linear time.
    ///
    /// ```
    /// # #[cfg(feature = "alloc")] {
    /// use fib_core::{Decimal, Natural};
    ///
    /// let n = Natural::<Decimal>::from_limbs(&[7, 1, 0])?;
    /// assert_eq!(n.to_string(), format!("1{:0>1$}", 7, Decimal::LIMB_DIGITS));
    /// assert!(Natural::<Decimal>::from_limbs(&[Decimal::BASE]).is_err());
    /// # }
    /// # Ok::<(), fib_core::ParseError>(())
    /// ```
    ///
    /// # Errors
    /// [`ParseError::InvalidLimb`] if a limb is not below the base, which can only be in radix [`Decimal`](crate::Decimal), and
    /// [`ParseError::TooLong`] if there is no room for the number.
    pub fn from_limbs(limbs: &[Limb]) -> Result<Self, ParseError> {
        if let Some(position) = limbs.iter().position(|&limb| limb > R::LIMB_MAX) {
            return Err(ParseError::InvalidLimb { limb: limbs[position], position });
        }
        let zeros = limbs.iter().rev().take_while(|&&limb| limb == 0).count();
        Ok(Self::from_storage(S::from_limbs(&limbs[..limbs.len() - zeros])?))
    }

    /// The number whose limbs in the other radix these are, the most significant first, `count` of them. Quadratic time.
    pub(crate) fn from_foreign_limbs(count: usize, limbs: impl Iterator<Item = Limb>) -> Result<Self, Exhausted> {
        let base = WideLimb::from(R::LIMB_MAX) + 1;
        let mut storage = S::reserved(count.saturating_add(count / LIMBS_OF_ONE_MORE + 1))?;
        for limb in limbs {
            let mut carry = R::multiply_add(storage.limbs_mut(), limb);
            while carry != 0 {
                let (len, rest) = (storage.limbs().len(), WideLimb::from(carry));
                storage.extend_to(len + 1)?;
                storage.limbs_mut()[len] = narrow(rest % base);
                carry = narrow(rest / base);
            }
        }
        Ok(Self::from_storage(storage))
    }
}

impl<S: Storage> Natural<Binary, S> {
    /// The number with these bytes, the least significant first; zeros at the end do not count. Linear time.
    ///
    /// ```
    /// use fib_core::{Binary, Inline, Natural};
    ///
    /// let n = Natural::<Binary, Inline<2>>::from_le_bytes(&[0x34, 0x12, 0])?;
    /// assert_eq!(n, 0x1234);
    /// # Ok::<(), fib_core::Exhausted>(())
    /// ```
    ///
    /// # Errors
    /// [`Exhausted`] if the number does not fit the storage, or the allocator has no block of that size.
    pub fn from_le_bytes(bytes: &[u8]) -> Result<Self, Exhausted> {
        let zeros = bytes.iter().rev().take_while(|&&byte| byte == 0).count();
        let bytes = &bytes[..bytes.len() - zeros];
        let mut storage = S::zeroed(bytes.len().div_ceil(LIMB_BYTES))?;
        arch::from_le_bytes(bytes, storage.limbs_mut());
        Ok(Self::from_storage(storage))
    }
}

impl<S: Buffer> Natural<Binary, S> {
    /// The bytes of the number, the least significant first, without zeros at the end. Zero has no bytes.
    ///
    /// ```
    /// # #[cfg(feature = "alloc")] {
    /// use fib_core::{Binary, Natural};
    ///
    /// let n = Natural::<Binary>::from_le_bytes(&[0x34, 0x12, 0])?;
    /// assert!(n.le_bytes().eq([0x34, 0x12]));
    /// # }
    /// # Ok::<(), fib_core::Exhausted>(())
    /// ```
    pub fn le_bytes(&self) -> impl Iterator<Item = u8> + '_ {
        let zeros = self.limbs().last().map_or(0, |limb| limb.leading_zeros() / 8);
        let count = self.limbs().len() * LIMB_BYTES - zeros as usize;
        self.limbs().iter().flat_map(|limb| limb.to_le_bytes()).take(count)
    }
}
