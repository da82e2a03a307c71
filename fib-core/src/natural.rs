//! Unbounded natural numbers that grow fallibly.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;

use crate::arch;
use crate::error::Exhausted;
use crate::limb::{LIMB_BYTES, Limb};
use crate::radix::{Binary, Decimal, Radix};
use crate::storage::{Heap, Inline, Storage};

/// A natural number of any size: limbs in the radix `R`, the least significant first, kept in the storage `S`.
///
/// The highest limb is never zero, and the number zero has no limbs. Every operation that may need memory is fallible and
/// leaves the number unchanged when it fails. That is why there is no `AddAssign` and no `From<u64>`, and `Clone` only with
/// [`Inline`].
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use fib_core::Natural;
///
/// let mut n: Natural = "99999999999999999999".parse()?;
/// n.try_add_assign(&Natural::try_from(1)?)?;
/// assert_eq!(format!("{n:>25}"), "    100000000000000000000");
/// # }
/// # Ok::<(), fib_core::ParseError>(())
/// ```
pub struct Natural<R = Decimal, S = Heap> {
    storage: S,
    radix: PhantomData<R>,
}

impl<R: Radix, S: Storage> Natural<R, S> {
    /// Zero. Allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self::from_storage(S::EMPTY)
    }

    /// The caller ensures that the highest limb is not zero and that every limb is below the base.
    pub(crate) const fn from_storage(storage: S) -> Self {
        Self { storage, radix: PhantomData }
    }

    /// The limbs, the least significant first. Zero has no limbs.
    #[inline]
    #[must_use]
    pub fn limbs(&self) -> &[Limb] {
        self.storage.limbs()
    }

    /// The limbs, for changes. The caller ensures what [`Natural::from_storage`] asks for.
    pub(crate) const fn storage_mut(&mut self) -> &mut S {
        &mut self.storage
    }

    /// The number of bytes that the limbs occupy, including the room to grow.
    #[inline]
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        self.storage.capacity() * LIMB_BYTES
    }

    /// A copy, without room to grow. Linear time.
    ///
    /// # Errors
    /// [`Exhausted`] if the allocator has no block of that size.
    pub fn try_clone(&self) -> Result<Self, Exhausted> {
        S::from_limbs(self.limbs()).map(Self::from_storage)
    }

    /// Adds `other`. Takes time linear in the longer number, and allocates if the sum has more limbs than there is room for.
    ///
    /// # Errors
    /// [`Exhausted`] if the sum does not fit; `self` is then unchanged.
    #[inline]
    pub fn try_add_assign(&mut self, other: &Self) -> Result<(), Exhausted> {
        let (a, b) = (self.storage.limbs_mut(), other.limbs());
        // The sum nearly always has as many limbs as the numbers. Computing its length the long way would take as much time as
        // adding one more limb, which counts for short numbers.
        if let ([.., x], [.., y]) = (&*a, b)
            && a.len() == b.len()
            && *x < R::LIMB_MAX - y
        {
            let carry = R::add_in_place(a, b, false);
            debug_assert!(!carry, "the sum of the highest limbs is below the largest limb, so it takes a carry");
            return Ok(());
        }
        let len = self.sum_len(other, false);
        self.add_within(other, false, len)
    }

    /// The place for the sum and the sum, if `self`, `other` and the sum have one limb each. Every sequence starts with such
    /// numbers.
    #[inline]
    pub(crate) fn sum_in_one_limb(&mut self, other: &Self, carry: bool) -> Option<(&mut Limb, Limb)> {
        match (self.storage.limbs_mut(), other.limbs()) {
            ([x], &[y]) if !carry && *x <= R::LIMB_MAX - y => {
                let sum = *x + y;
                Some((x, sum))
            }
            _ => None,
        }
    }

    /// The number of limbs of `self + other + carry`, computed without adding. It takes constant time, except that it skips the
    /// highest pairs of limbs whose sum is exactly the largest limb.
    #[inline]
    pub(crate) fn sum_len(&self, other: &Self, carry: bool) -> usize {
        let (a, b) = (self.limbs(), other.limbs());
        // In nearly all cases the sum of the highest limbs is below the largest limb, so it takes a carry.
        if let [lower @ .., x] = a
            && b.len() <= a.len()
            && *x < R::LIMB_MAX - b.get(lower.len()).copied().unwrap_or(0)
        {
            return a.len();
        }
        a.len().max(b.len()) + usize::from(arch::sum_carries(a, b, carry, R::LIMB_MAX))
    }

    /// The number of bytes that growing to `len` limbs requests from the allocator; zero if there is room.
    #[inline]
    pub(crate) fn growth(&self, len: usize) -> Result<usize, Exhausted> {
        self.storage.growth(len)
    }

    /// A block for the limbs by which `len` is longer than what this number has room for, or an error if there is none.
    pub(crate) fn room_to_grow(&self, len: usize) -> Result<S, Exhausted> {
        S::reserved(len.saturating_sub(self.storage.capacity()))
    }

    /// `self += other + carry`; `len` is the [`Natural::sum_len`] of the same operands.
    #[inline]
    pub(crate) fn add_within(&mut self, other: &Self, carry: bool, len: usize) -> Result<(), Exhausted> {
        self.storage.extend_to(len)?;
        let (low, high) = self.storage.limbs_mut().split_at_mut(other.limbs().len());
        let carry = R::add_in_place(low, other.limbs(), carry);
        let carry = carry && arch::add_carry_in_place(high, R::LIMB_MAX);
        debug_assert!(!carry, "the sum has as many limbs as was computed");
        Ok(())
    }
}

#[cfg(feature = "jump")]
impl Natural<Decimal, Heap> {
    /// F(`index`), computed without the numbers before it, in about the time of three products of that length. That is much less
    /// than the additions up to there would take, or printing a binary number of that length.
    ///
    /// While it runs it takes about ten times the memory of the number.
    ///
    /// ```
    /// use fib_core::Natural;
    ///
    /// let n = Natural::fibonacci(1_000)?;
    /// assert_eq!(n.digit_count(), 209);
    /// assert!(n.to_string().starts_with("4346655768693745643568852767504"));
    /// # Ok::<(), fib_core::Exhausted>(())
    /// ```
    ///
    /// # Errors
    /// [`Exhausted`] if the allocator does not have enough memory, or, with [`Cause::TooLong`](crate::Cause::TooLong), if the
    /// number is too long for every multiplication here. The last index is 17,808,892,133, on every machine with 64-bit words; that
    /// number has 3,721,838,342 digits.
    pub fn fibonacci(index: u64) -> Result<Self, Exhausted> {
        crate::mul::fibonacci(index, &mut |_| Ok(())).map(|limbs| Self::from_storage(Heap::from_vec(limbs)))
    }
}

impl<R: Radix, const N: usize> Clone for Natural<R, Inline<N>> {
    fn clone(&self) -> Self {
        Self::from_storage(self.storage.clone())
    }
}

impl<R: Radix, S: Storage> Default for Natural<R, S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Radix, S: Storage> TryFrom<u64> for Natural<R, S> {
    type Error = Exhausted;

    /// # Errors
    /// [`Exhausted`] if there is no room. A `u64` takes up to two limbs of 64 bits, or three of 32.
    fn try_from(value: u64) -> Result<Self, Exhausted> {
        let base = u128::from(R::LIMB_MAX) + 1;
        let mut rest = u128::from(value);
        let mut limbs: [Limb; 3] = [0; 3];
        let mut len = 0;
        while rest != 0 {
            #[expect(clippy::cast_possible_truncation, reason = "a remainder by the base is a limb")]
            let limb = (rest % base) as Limb;
            limbs[len] = limb;
            len += 1;
            rest /= base;
        }
        S::from_limbs(&limbs[..len]).map(Self::from_storage)
    }
}

impl<R: Radix, S: Storage> PartialEq for Natural<R, S> {
    fn eq(&self, other: &Self) -> bool {
        self.limbs() == other.limbs()
    }
}

impl<R: Radix, S: Storage> Eq for Natural<R, S> {}

impl<R: Radix, S: Storage> PartialOrd for Natural<R, S> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<R: Radix, S: Storage> Ord for Natural<R, S> {
    fn cmp(&self, other: &Self) -> Ordering {
        arch::compare(self.limbs(), other.limbs())
    }
}

impl<R: Radix, S: Storage> Hash for Natural<R, S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.limbs().hash(state);
    }
}

impl<S: Storage> fmt::Debug for Natural<Decimal, S> {
    /// `Natural(55)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Natural({self})")
    }
}

impl<S: Storage> fmt::Debug for Natural<Binary, S> {
    /// `Natural(0x37)`, in hexadecimal because that takes linear time.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Natural({self:#x})")
    }
}

impl<S: Storage> Natural<Binary, S> {
    /// The number with these bytes, the least significant first; zeros at the end do not count. Linear time.
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
