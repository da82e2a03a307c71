//! Unbounded natural numbers that grow fallibly.

mod compare;
mod convert;

use core::iter::Sum;
use core::marker::PhantomData;
use core::num::NonZero;

use crate::arch;
use crate::error::Exhausted;
#[cfg(feature = "jump")]
use crate::guard::{Demand, MemoryGuard, Unlimited};
use crate::limb::{LIMB_BYTES, Limb};
use crate::radix::{Decimal, Radix};
use crate::storage::{Buffer, Heap, Inline, Storage};

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
/// n.try_add_assign(&Natural::try_from(1_u32)?)?;
/// assert_eq!(format!("{n:>25}"), "    100000000000000000000");
/// # }
/// # Ok::<(), fib_core::ParseError>(())
/// ```
///
/// # Conversions
///
/// | from | to | how | time |
/// | --- | --- | --- | --- |
/// | `u8` to `u128`, `usize` | [`Natural`] | `Natural::try_from(n)` | constant |
/// | [`Natural`] | `u8` to `u128`, `usize` | `u64::try_from(&n)` | constant |
/// | text | [`Natural`] | `text.parse()`, [`from_digits`](Natural::from_digits) | linear; quadratic to [`Binary`](crate::Binary) |
/// | [`Natural`] | text | `to_string()`, [`copy_digits`](Natural::copy_digits), [`write_digits`](Natural::write_digits) | linear; quadratic from [`Binary`](crate::Binary) |
/// | limbs | [`Natural`] | [`from_limbs`](Natural::from_limbs) | linear |
/// | [`Natural`] | limbs | [`limbs`](Natural::limbs) | constant |
/// | bytes | [`Natural`] in [`Binary`](crate::Binary) | [`from_le_bytes`](Natural::from_le_bytes) | linear |
/// | [`Natural`] in [`Binary`](crate::Binary) | bytes | [`le_bytes`](Natural::le_bytes) | linear |
/// | [`Natural`] | [`Natural`] in another storage | `Natural::<Decimal, Inline<8>>::try_from(&n)` | linear |
/// | [`Natural`] | [`Natural`] in another radix | `Natural::<Binary>::try_from(&n)` | quadratic |
///
/// A number also compares with numbers in other storages and with the integers of Rust.
///
/// ```
/// use fib_core::{Decimal, Inline, Natural};
///
/// let n = Natural::<Decimal, Inline<2>>::try_from(144_u8)?;
/// let other: Natural<Decimal, Inline<8>> = "99999999999999999999999".parse()?;
/// assert!(n < other && n == 144 && n > -1);
/// assert_eq!(u64::try_from(&n), Ok(144));
/// assert!(u64::try_from(&other).is_err());
/// # Ok::<(), fib_core::ParseError>(())
/// ```
pub struct Natural<R = Decimal, S = Heap> {
    storage: S,
    radix: PhantomData<R>,
}

impl<R: Radix, S: Buffer> Natural<R, S> {
    /// The caller ensures that the highest limb is not zero and that every limb is below the base.
    pub(crate) const fn from_storage(storage: S) -> Self {
        Self { storage, radix: PhantomData }
    }

    /// The limbs, the least significant first. Zero has no limbs. Constant time.
    ///
    /// ```
    /// use fib_core::{Binary, Inline, Natural};
    ///
    /// let n = Natural::<Binary, Inline<4>>::try_from(144_u8)?;
    /// assert_eq!(n.limbs(), [144]);
    /// assert_eq!(n.bytes_held(), 4 * size_of::<fib_core::Limb>());
    /// # Ok::<(), fib_core::Exhausted>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn limbs(&self) -> &[Limb] {
        self.storage.limbs()
    }

    /// The limbs of a number whose value is being replaced.
    pub(crate) fn storage_mut(&mut self) -> &mut S {
        &mut self.storage
    }

    /// The number of bytes that the limbs occupy, including the room to grow. Constant time.
    #[inline]
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        self.storage.capacity() * LIMB_BYTES
    }

    /// Whether the number is zero. Constant time.
    ///
    /// ```
    /// use fib_core::{Decimal, Inline, Natural};
    ///
    /// let n = Natural::<Decimal, Inline<2>>::from_digits(b"000")?;
    /// assert!(n.is_zero() && n == 0);
    /// # Ok::<(), fib_core::ParseError>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.limbs().is_empty()
    }

    /// Whether the number is even. Constant time.
    ///
    /// ```
    /// # #[cfg(feature = "alloc")] {
    /// use fib_core::Fibonacci;
    ///
    /// // Every third Fibonacci number is even.
    /// let even = Fibonacci::<fib_core::Decimal>::new().map(|number| number.is_even());
    /// assert!(even.take(7).eq([true, false, false, true, false, false, true]));
    /// # }
    /// ```
    #[inline]
    #[must_use]
    pub fn is_even(&self) -> bool {
        // The base is even in both radices.
        self.limbs().first().is_none_or(|lowest| lowest % 2 == 0)
    }

    /// The remainder by `divisor`. Takes linear time, and allocates nothing.
    ///
    /// ```
    /// use core::num::NonZero;
    /// use fib_core::{Decimal, Inline, Natural};
    ///
    /// let n: Natural<Decimal, Inline<4>> = "100000000000000000005".parse()?;
    /// assert_eq!(n.remainder(NonZero::new(10_000).unwrap()), 5);
    /// # Ok::<(), fib_core::ParseError>(())
    /// ```
    #[must_use]
    pub fn remainder(&self, divisor: NonZero<u64>) -> u64 {
        self.residue(divisor.get())
    }

    /// The remainder by `modulus`, which is not zero.
    pub(crate) fn residue(&self, modulus: u64) -> u64 {
        arch::remainder(self.limbs(), R::LIMB_MAX, modulus)
    }

    /// Adds `other`. Takes time linear in the longer number, and allocates if the sum has more limbs than there is room for.
    ///
    /// ```
    /// use fib_core::{Cause, Decimal, Inline, Natural};
    ///
    /// let mut n: Natural<Decimal, Inline<1>> = "55".parse()?;
    /// n.try_add_assign(&"89".parse()?)?;
    /// assert_eq!(n, 144);
    /// let largest = Natural::from_limbs(&[Decimal::BASE - 1])?;
    /// assert_eq!(n.try_add_assign(&largest).unwrap_err().cause(), Cause::Capacity);
    /// assert_eq!(n, 144);
    /// # Ok::<(), fib_core::ParseError>(())
    /// ```
    ///
    /// # Errors
    /// [`Exhausted`] if the sum does not fit; `self` is then unchanged.
    #[inline]
    pub fn try_add_assign(&mut self, other: &Self) -> Result<(), Exhausted> {
        self.add(other.limbs())
    }

    /// Adds a small number. Constant time, but for carries, which in the worst case propagate through all limbs.
    ///
    /// ```
    /// use fib_core::{Decimal, Inline, Natural};
    ///
    /// let mut n: Natural<Decimal, Inline<4>> = "9999999999999999999999".parse()?;
    /// n.try_add_u64(7)?;
    /// assert_eq!(n.to_string(), "10000000000000000000006");
    /// # Ok::<(), fib_core::ParseError>(())
    /// ```
    ///
    /// # Errors
    /// [`Exhausted`] if the sum does not fit; the number is then unchanged.
    pub fn try_add_u64(&mut self, addend: u64) -> Result<(), Exhausted> {
        let (limbs, len) = convert::integer_limbs::<R>(addend.into());
        self.add(&limbs[..len])
    }

    /// Adds the number with the limbs `b`.
    #[inline]
    fn add(&mut self, b: &[Limb]) -> Result<(), Exhausted> {
        let a = self.storage.limbs_mut();
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
        let len = self.len_with(b, false);
        self.add_limbs(b, false, len)
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
        self.len_with(other.limbs(), carry)
    }

    /// [`Natural::sum_len`], with the number with the limbs `b`.
    #[inline]
    fn len_with(&self, b: &[Limb], carry: bool) -> usize {
        let a = self.limbs();
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
        self.add_limbs(other.limbs(), carry, len)
    }

    #[inline]
    fn add_limbs(&mut self, b: &[Limb], carry: bool, len: usize) -> Result<(), Exhausted> {
        self.storage.extend_to(len)?;
        let (low, high) = self.storage.limbs_mut().split_at_mut(b.len());
        let carry = R::add_in_place(low, b, carry);
        let carry = carry && arch::add_carry_in_place(high, R::LIMB_MAX);
        debug_assert!(!carry, "the sum has as many limbs as was computed");
        Ok(())
    }
}

impl<R: Radix, S: Storage> Natural<R, S> {
    /// Zero. Allocates nothing.
    ///
    /// ```
    /// use fib_core::{Decimal, Inline, Natural};
    ///
    /// const ZERO: Natural<Decimal, Inline<4>> = Natural::new();
    /// assert!(ZERO.is_zero());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self::from_storage(S::EMPTY)
    }

    /// A copy, without room to grow. Linear time.
    ///
    /// ```
    /// use fib_core::{Decimal, Inline, Natural};
    ///
    /// let n: Natural<Decimal, Inline<2>> = "144".parse()?;
    /// assert_eq!(n.try_clone()?, n);
    /// # Ok::<(), fib_core::ParseError>(())
    /// ```
    ///
    /// # Errors
    /// [`Exhausted`] if the allocator has no block of that size.
    pub fn try_clone(&self) -> Result<Self, Exhausted> {
        S::from_limbs(self.limbs()).map(Self::from_storage)
    }
}

#[cfg(feature = "jump")]
impl Natural<Decimal, Heap> {
    /// F(`index`), computed without the numbers before it, in about the time of three products of that length. That is much
    /// less than the additions up to there would take, or printing a binary number of that length.
    ///
    /// While it runs it takes about ten times the memory of the number, and up to 25 times that of a short one: see
    /// [`Fibonacci::jump_bytes`](crate::Fibonacci::jump_bytes).
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
    /// number is too long for every multiplication here. The last index is 17,808,892,133, on every machine with 64-bit
    /// words; that number has 3,721,838,342 digits.
    pub fn fibonacci(index: u64) -> Result<Self, Exhausted> {
        Self::fibonacci_with_guard(index, &mut Unlimited)
    }

    /// F(`index`), as [`fibonacci`](Self::fibonacci), with a guard that limits the memory or cancels the computation.
    ///
    /// The guard is asked first, about all memory that is allocated, the number included. It is asked again, for no more
    /// memory, before each stage of a long computation, and cancels it if it refuses. No stage takes more than about a third
    /// of the time.
    ///
    /// ```
    /// use fib_core::{Cause, Exhausted, Natural, guard_fn};
    /// use std::time::{Duration, Instant};
    ///
    /// let deadline = Instant::now() + Duration::from_secs(60);
    /// let mut guard =
    ///     guard_fn(|_| if Instant::now() < deadline { Ok(()) } else { Err(Exhausted::refused()) });
    /// let number = Natural::fibonacci_with_guard(100_000, &mut guard)?;
    /// assert_eq!(number.digit_count(), 20_899);
    ///
    /// let mut canceled = guard_fn(|_| Err(Exhausted::refused()));
    /// let error = Natural::fibonacci_with_guard(100_000, &mut canceled).unwrap_err();
    /// assert_eq!(error.cause(), Cause::Guard);
    /// # Ok::<(), fib_core::Exhausted>(())
    /// ```
    ///
    /// # Errors
    /// As [`fibonacci`](Self::fibonacci), and [`Exhausted`] with [`Cause::Guard`](crate::Cause::Guard) if the guard refuses.
    pub fn fibonacci_with_guard(index: u64, guard: &mut impl MemoryGuard) -> Result<Self, Exhausted> {
        crate::mul::fibonacci(index, &mut |bytes| guard.admit(Demand::new(0, bytes)))
            .map(|limbs| Self::from_storage(Heap::from_vec(limbs)))
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

/// The sum of owned numbers, or of borrowed ones, or the error of the first addition that has no room.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use fib_core::{Decimal, Exhausted, Fibonacci, Natural};
///
/// // F(0) + F(1) + ... + F(n) = F(n + 2) - 1
/// let sum: Result<Natural, Exhausted> = Fibonacci::<Decimal>::new().take(100).sum();
/// assert_eq!(sum?.to_string(), "573147844013817084100");
/// # }
/// # Ok::<(), fib_core::Exhausted>(())
/// ```
impl<R: Radix, S: Storage> Sum<Natural<R, S>> for Result<Natural<R, S>, Exhausted> {
    fn sum<I: Iterator<Item = Natural<R, S>>>(mut iter: I) -> Self {
        iter.try_fold(Natural::new(), |mut sum, number| sum.try_add_assign(&number).map(|()| sum))
    }
}

impl<'a, R: Radix, S: Storage> Sum<&'a Natural<R, S>> for Result<Natural<R, S>, Exhausted> {
    fn sum<I: Iterator<Item = &'a Natural<R, S>>>(mut iter: I) -> Self {
        iter.try_fold(Natural::new(), |mut sum, number| sum.try_add_assign(number).map(|()| sum))
    }
}
