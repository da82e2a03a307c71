//! Where a sequence is: its values, a move to any index, and the return to a position that was kept.

use super::Fibonacci;
use crate::error::{Exhausted, NotFibonacci};
use crate::guard::{Demand, MemoryGuard, Unlimited};
use crate::limb::LIMB_BYTES;
use crate::natural::Natural;
use crate::radix::Radix;
use crate::storage::{Buffer, Storage};

impl<R: Radix, S: Buffer, G> Fibonacci<R, S, G> {
    /// F([`index`](Self::index) − 1), the number that was lent last; `None` if F(0) is next. It needs no `&mut` and computes
    /// nothing.
    ///
    /// ```
    /// use fib_core::{Decimal, Fibonacci, Inline};
    ///
    /// let mut fib = Fibonacci::<Decimal, Inline<2>>::new();
    /// assert!(fib.current().is_none());
    /// fib.jump_to(13)?;
    /// assert_eq!(fib.current().unwrap(), &144);
    /// # Ok::<(), fib_core::Exhausted>(())
    /// ```
    #[must_use]
    pub fn current(&self) -> Option<&Natural<R, S>> {
        self.index.checked_sub(1).map(|last| &self.values[usize::from(last % 2 == 1)])
    }

    /// The two consecutive numbers that are held, the smaller index first. The second is F([`index`](Self::index) − 1), or
    /// F(index) if that is computed already, as after [`peek`](Self::peek). `None` as long as only F(0) has been computed.
    ///
    /// Together with the index they are the whole state: see [`from_values`](Fibonacci::from_values).
    ///
    /// ```
    /// use fib_core::{Decimal, Fibonacci, Inline};
    ///
    /// let mut fib = Fibonacci::<Decimal, Inline<2>>::new();
    /// fib.nth(12);
    /// assert_eq!(fib.values().unwrap().map(ToString::to_string), ["89", "144"]);
    /// ```
    #[must_use]
    pub fn values(&self) -> Option<[&Natural<R, S>; 2]> {
        let last = self.last_computed();
        let [even, odd] = &self.values;
        (last > 0).then_some(if last.is_multiple_of(2) { [odd, even] } else { [even, odd] })
    }

    /// The index of the number that was computed last; 0 at the start.
    const fn last_computed(&self) -> u64 {
        self.index - self.behind as u64
    }
}

impl<R: Radix, S: Storage> Fibonacci<R, S, Unlimited> {
    /// The sequence whose [`index`](Self::index) and [`values`](Self::values) these were, with a check of the values. Takes
    /// linear time, where [`jump_to`](Self::jump_to) multiplies.
    ///
    /// Both values are compared with the sequence modulo 2^61 − 1 and modulo 2^61 − 31, which are prime. This detects every
    /// difference that is not a multiple of both, such as any error within 36 consecutive decimal digits. Other accidental
    /// errors are missed with a probability of about 2^-122. It is no protection against values that were made up to deceive
    /// it.
    ///
    /// ```
    /// # #[cfg(feature = "alloc")] {
    /// use fib_core::{Decimal, Fibonacci, NotFibonacci};
    ///
    /// let mut fib = Fibonacci::<Decimal>::new();
    /// fib.nth(500);
    /// let stored = fib.values().unwrap().map(ToString::to_string);
    ///
    /// let [a, b] = stored.each_ref().map(|digits| digits.parse().unwrap());
    /// let mut resumed = Fibonacci::<Decimal>::from_values(501, [a, b])?;
    /// assert_eq!(resumed.advance().unwrap(), fib.advance().unwrap());
    ///
    /// let [a, b] = stored.each_ref().map(|digits| digits.parse().unwrap());
    /// assert_eq!(Fibonacci::<Decimal>::from_values(503, [a, b]).unwrap_err(), NotFibonacci);
    /// # }
    /// # Ok::<(), fib_core::NotFibonacci>(())
    /// ```
    ///
    /// # Errors
    /// [`NotFibonacci`] if these values are neither F(`index` − 2) and F(`index` − 1) nor F(`index` − 1) and F(`index`).
    pub fn from_values(index: u64, values: [Natural<R, S>; 2]) -> Result<Self, NotFibonacci> {
        let behind = [true, false].into_iter().find(|&behind| {
            let last = index.checked_sub(behind.into()).filter(|&last| last > 0);
            last.is_some_and(|last| is_fibonacci(&values[0], last - 1) && is_fibonacci(&values[1], last))
        });
        let Some(behind) = behind else { return Err(NotFibonacci) };
        let mut sequence = Self { values, index, behind, guard: Unlimited };
        if !sequence.last_computed().is_multiple_of(2) {
            return Ok(sequence);
        }
        sequence.values.reverse();
        Ok(sequence)
    }
}

impl<R: Radix, S: Storage, G: Clone> Fibonacci<R, S, G> {
    /// A copy at the same position, with a clone of the guard, which is not asked. Linear time. In [`Inline`](crate::Inline)
    /// storage there is [`Clone`] too.
    ///
    /// ```
    /// # #[cfg(feature = "alloc")] {
    /// use fib_core::{Decimal, Fibonacci};
    ///
    /// let mut fib = Fibonacci::<Decimal>::new();
    /// fib.jump_to(1_000)?;
    /// let mut copy = fib.try_clone()?;
    /// assert_eq!(copy.advance()?, fib.advance()?);
    /// # }
    /// # Ok::<(), fib_core::Exhausted>(())
    /// ```
    ///
    /// # Errors
    /// [`Exhausted`] if the allocator has no memory for the values.
    pub fn try_clone(&self) -> Result<Self, Exhausted> {
        let [even, odd] = &self.values;
        let values = [even.try_clone()?, odd.try_clone()?];
        Ok(Self { values, index: self.index, behind: self.behind, guard: self.guard.clone() })
    }
}

impl<R: Radix, S: Buffer, G: MemoryGuard> Fibonacci<R, S, G> {
    /// Moves to F(`index`), forwards or backwards, so that F(`index`) is the number that is lent next.
    ///
    /// Takes the way that is expected to be the fastest. A few steps forwards are additions. More are near jumps in place: each
    /// moves by up to 90 numbers (70 with AVX-512, 42 with 32-bit limbs) in one pass over both values. The guard is asked once,
    /// before the first one, about the room by which both values grow. Any other distance is a jump from nothing.
    ///
    /// In radix [`Decimal`](crate::Decimal) on the [`Heap`](crate::Heap), with the feature `jump` (on by default), that takes
    /// about as long as a few products of numbers of that length, whatever the distance. Both values are replaced by new
    /// ones. The guard is asked first, about the new values and the memory for intermediate results, which is freed at the
    /// end: `jump_bytes`, about ten times as much as the number. It is asked again, for no more memory, before each stage of
    /// a long jump, and cancels the jump if it refuses. No stage takes more than about a third of the time.
    ///
    /// Everywhere else it multiplies by the schoolbook method in the place of the values, which takes **quadratic** time, but
    /// several times less than the steps from F(0). It needs no memory but that of the values, and no allocator. The guard is
    /// asked once, before anything changes. In this way a device that keeps only the index in its flash returns to its
    /// position after a reset.
    ///
    /// ```
    /// use fib_core::{Decimal, Fibonacci, Inline};
    ///
    /// let mut fib = Fibonacci::<Decimal, Inline<{ Decimal::limbs_for(1_001) }>>::new();
    /// fib.jump_to(1_000)?;
    /// assert_eq!(fib.index(), 1_000);
    /// assert_eq!(fib.advance()?.digit_count(), 209);
    /// assert_eq!(fib.advance()?.digit_count(), 209); // F(1,001)
    /// assert!(fib.jump_to(2_000).is_err()); // does not fit, and changes nothing
    /// assert_eq!(fib.index(), 1_002);
    /// # Ok::<(), fib_core::Exhausted>(())
    /// ```
    ///
    /// # Errors
    /// [`Exhausted`] if the guard, the storage or the allocator refuses, or, with [`Cause::TooLong`](crate::Cause::TooLong),
    /// if no number on the heap can be that long, or if the index is beyond 17,808,892,134 in radix
    /// [`Decimal`](crate::Decimal) on the heap with the feature `jump`. The sequence is then unchanged.
    pub fn jump_to(&mut self, index: u64) -> Result<(), Exhausted> {
        if index == 0 {
            self.restart();
            return Ok(());
        }
        if self.walk_is_cheaper(index) {
            self.make_room_at_once(index)?;
            return self.walk_within_room(index);
        }
        #[cfg(feature = "jump")]
        if let Some(jump) = self.jump(index) {
            return jump;
        }
        self.double_up_to(index)
    }

    /// Computes F(`index`) and F(`index` − 1) in the place of the values, or in new ones if they have to be longer. The index
    /// is at least 1.
    fn double_up_to(&mut self, index: u64) -> Result<(), Exhausted> {
        let len = R::fibonacci_limbs(index);
        let [even, odd] = &self.values;
        let is_short = even.growth(len)? > 0 || odd.growth(len)? > 0;
        // One value is no longer than an allocation can be; two may be.
        let additional = if is_short { (len * LIMB_BYTES).saturating_mul(2) } else { 0 };
        self.guard.admit(Demand::new(self.bytes_held(), additional))?;
        if is_short {
            // Whatever fails must leave the old values.
            self.values = [Natural::from_storage(S::reserved(len)?), Natural::from_storage(S::reserved(len)?)];
        }
        for value in &mut self.values {
            value.storage_mut().truncate(0);
            value.storage_mut().extend_to(len)?;
        }
        let [even, odd] = self.values.each_mut().map(|value| value.storage_mut().limbs_mut());
        odd[0] = 1;
        for shift in (0..index.ilog2()).rev() {
            R::double([&mut *even, &mut *odd], index >> (shift + 1), index >> shift & 1 == 1);
        }
        let before = R::fibonacci_limbs(index - 1);
        self.values[usize::from(index.is_multiple_of(2))].storage_mut().truncate(before);
        self.index = index;
        self.behind = false;
        Ok(())
    }
}

/// The primes of the check in [`Fibonacci::from_values`].
const PRIMES: [u64; 2] = [(1 << 61) - 1, (1 << 61) - 31];

/// Whether a number has the length and the residues of F(`index`).
fn is_fibonacci<R: Radix, S: Buffer>(number: &Natural<R, S>, index: u64) -> bool {
    number.limbs().len() == R::fibonacci_limbs(index)
        && PRIMES.iter().all(|&prime| number.residue(prime) == fibonacci_residue(index, prime))
}

/// F(`index`) modulo a prime below 2^63, by doubling F(k) and F(k + 1).
#[expect(clippy::cast_possible_truncation, reason = "a remainder by a u64 is one")]
fn fibonacci_residue(index: u64, prime: u64) -> u64 {
    let multiply = |a: u64, b: u64| (u128::from(a) * u128::from(b) % u128::from(prime)) as u64;
    let [mut f, mut next] = [0, 1];
    for shift in (0..u64::BITS - index.leading_zeros()).rev() {
        // F(2k) = F(k)·(2·F(k + 1) − F(k)), F(2k + 1) = F(k)² + F(k + 1)²
        let double = multiply(f, (2 * next + prime - f) % prime);
        let after = (multiply(f, f) + multiply(next, next)) % prime;
        [f, next] = if index >> shift & 1 == 0 { [double, after] } else { [after, (double + after) % prime] };
    }
    f
}
