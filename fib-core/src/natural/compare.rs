//! Comparison of numbers in any storage with each other and with integers.

use core::cmp::Ordering;
use core::hash::{Hash, Hasher};

use super::Natural;
use super::convert::integer_limbs;
use crate::arch;
use crate::radix::Radix;
use crate::storage::Buffer;

impl<R: Radix, S: Buffer, T: Buffer> PartialEq<Natural<R, T>> for Natural<R, S> {
    fn eq(&self, other: &Natural<R, T>) -> bool {
        self.limbs() == other.limbs()
    }
}

impl<R: Radix, S: Buffer> Eq for Natural<R, S> {}

impl<R: Radix, S: Buffer, T: Buffer> PartialOrd<Natural<R, T>> for Natural<R, S> {
    fn partial_cmp(&self, other: &Natural<R, T>) -> Option<Ordering> {
        Some(arch::compare(self.limbs(), other.limbs()))
    }
}

impl<R: Radix, S: Buffer> Ord for Natural<R, S> {
    fn cmp(&self, other: &Self) -> Ordering {
        arch::compare(self.limbs(), other.limbs())
    }
}

impl<R: Radix, S: Buffer> Hash for Natural<R, S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.limbs().hash(state);
    }
}

impl<R: Radix, S: Buffer> Natural<R, S> {
    fn compare_integer(&self, integer: u128) -> Ordering {
        let (limbs, len) = integer_limbs::<R>(integer);
        arch::compare(self.limbs(), &limbs[..len])
    }
}

/// All of Rust's integers, so that a literal without a suffix, which is an `i32`, compares too.
macro_rules! compare_integers {
    ($($integer:ty)*) => {$(
        impl<R: Radix, S: Buffer> PartialEq<$integer> for Natural<R, S> {
            /// Constant time.
            fn eq(&self, other: &$integer) -> bool {
                u128::try_from(*other).is_ok_and(|other| self.compare_integer(other).is_eq())
            }
        }

        impl<R: Radix, S: Buffer> PartialOrd<$integer> for Natural<R, S> {
            /// Constant time. A natural number is greater than every negative one.
            fn partial_cmp(&self, other: &$integer) -> Option<Ordering> {
                Some(u128::try_from(*other).map_or(Ordering::Greater, |other| self.compare_integer(other)))
            }
        }
    )*};
}

compare_integers! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }
