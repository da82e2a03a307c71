//! The sequence: an iterator that keeps two values.

mod jump;
mod near;
mod position;
mod restarting;

use core::fmt;

pub use restarting::Restarting;

use crate::error::Exhausted;
use crate::guard::{Demand, MemoryGuard, Unlimited};
use crate::limb::Limb;
use crate::natural::Natural;
use crate::radix::{Decimal, Radix};
use crate::storage::{Buffer, Heap, Inline, Slice, Storage};

/// The Fibonacci sequence 0, 1, 1, 2, 3, ... from F(0) on, as long as the storage, the allocator and the guard let it grow.
///
/// It keeps two values. [`advance`](Self::advance) lends the next number without copying it, and [`peek`](Self::peek)
/// computes that number without consuming it. As an [`Iterator`], it yields owned clones and ends when memory is exhausted. A
/// step is one addition, which takes time linear in the length of the number. When memory is exhausted nothing panics or
/// aborts, and nothing is lost: the same step can be tried again.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use fib_core::{Decimal, Exhausted, Fibonacci};
///
/// let mut fib = Fibonacci::<Decimal>::new();
/// for expected in ["0", "1", "1", "2", "3", "5"] {
///     assert_eq!(fib.advance()?.to_string(), expected);
/// }
/// assert_eq!(fib.index(), 6);
/// # }
/// # Ok::<(), fib_core::Exhausted>(())
/// ```
pub struct Fibonacci<R = Decimal, S = Heap, G = Unlimited> {
    /// The value with an even index, then the one with an odd index. F(index) replaces F(index - 2), so no value is ever moved.
    /// Both are zero until F(1) is computed.
    values: [Natural<R, S>; 2],
    index: u64,
    /// Whether the place of F(index) still holds F(index - 2). False at the start, so that a static sequence in [`Inline`]
    /// storage is all zeros: it takes no room in the flash, and no copy at boot.
    behind: bool,
    guard: G,
}

impl<R: Radix, S: Storage> Fibonacci<R, S, Unlimited> {
    /// The sequence from F(0) on, without a guard. Allocates nothing.
    ///
    /// The radix must be named, as in `Fibonacci::<Decimal>::new()`, unless the type of the variable is.
    #[must_use]
    pub const fn new() -> Self {
        Self::over([Natural::new(), Natural::new()])
    }
}

impl<'a, R: Radix> Fibonacci<R, Slice<'a>, Unlimited> {
    /// The sequence from F(0) on, without a guard and without an allocator: each slice holds one value. The sequence ends
    /// when a value does not fit its slice. What the slices contain at first does not matter.
    ///
    /// ```
    /// use fib_core::{Decimal, Fibonacci};
    ///
    /// let mut memory = [0; 2 * Decimal::limbs_for(1_000)];
    /// let (first, second) = memory.split_at_mut(Decimal::limbs_for(1_000));
    /// let mut fib = Fibonacci::<Decimal, _>::in_slices([first, second]);
    /// fib.jump_to(1_000)?;
    /// assert_eq!(fib.advance()?.digit_count(), 209);
    /// # Ok::<(), fib_core::Exhausted>(())
    /// ```
    #[must_use]
    pub const fn in_slices([first, second]: [&'a mut [Limb]; 2]) -> Self {
        Self::over([Natural::from_storage(Slice::new(first)), Natural::from_storage(Slice::new(second))])
    }
}

impl<R: Radix, S: Buffer> Fibonacci<R, S, Unlimited> {
    /// The sequence from F(0) on, over two values that are zero.
    const fn over(values: [Natural<R, S>; 2]) -> Self {
        Self { values, index: 0, behind: false, guard: Unlimited }
    }
}

impl<R: Radix, S: Storage> Default for Fibonacci<R, S, Unlimited> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Radix, S: Buffer, G> Fibonacci<R, S, G> {
    /// The same sequence at the same position, with another guard.
    ///
    /// ```
    /// use fib_core::{ByteBudget, Decimal, Fibonacci, Inline};
    ///
    /// let mut fib = Fibonacci::<Decimal, Inline<4>>::new().with_guard(ByteBudget::new(0));
    /// assert_eq!(fib.guard().bytes(), 0);
    /// fib.advance()?; // F(0) needs no memory, and the guard is not asked
    /// assert!(fib.advance().is_err());
    /// *fib.guard_mut() = ByteBudget::new(1_000);
    /// assert_eq!(*fib.advance()?, 1);
    /// # Ok::<(), fib_core::Exhausted>(())
    /// ```
    #[must_use]
    pub fn with_guard<H>(self, guard: H) -> Fibonacci<R, S, H> {
        let Self { values, index, behind, guard: _ } = self;
        Fibonacci { values, index, behind, guard }
    }

    /// The guard.
    #[must_use]
    pub const fn guard(&self) -> &G {
        &self.guard
    }

    /// The guard, for changes.
    pub const fn guard_mut(&mut self) -> &mut G {
        &mut self.guard
    }

    /// The index of the number that [`advance`](Self::advance) lends next.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The number of bytes that both values occupy, including the room to grow.
    #[inline]
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        self.values[0].bytes_held() + self.values[1].bytes_held()
    }

    /// Starts again at F(0) and frees both values. Cannot fail.
    ///
    /// ```
    /// # #[cfg(feature = "alloc")] {
    /// use fib_core::{Decimal, Fibonacci};
    ///
    /// let mut fib = Fibonacci::<Decimal>::new();
    /// fib.nth(1_000);
    /// fib.restart();
    /// assert_eq!((fib.index(), fib.bytes_held()), (0, 0));
    /// # }
    /// ```
    pub fn restart(&mut self) {
        for value in &mut self.values {
            value.storage_mut().clear();
        }
        self.index = 0;
        self.behind = false;
    }
}

impl<R: Radix, S: Buffer, G: MemoryGuard> Fibonacci<R, S, G> {
    /// Lends the next number, F([`index`](Self::index)), without consuming it. The first call computes it by one addition;
    /// further calls return it at once.
    ///
    /// ```
    /// use fib_core::{Decimal, Fibonacci, Inline};
    ///
    /// let mut fib = Fibonacci::<Decimal, Inline<1>>::new();
    /// fib.jump_to(12)?;
    /// assert_eq!(*fib.peek()?, 144);
    /// assert_eq!(*fib.advance()?, 144);
    /// assert_eq!(fib.index(), 13);
    /// # Ok::<(), fib_core::Exhausted>(())
    /// ```
    ///
    /// # Errors
    /// [`Exhausted`] if the guard, the storage or the allocator refuses; the sequence is then unchanged.
    #[inline]
    pub fn peek(&mut self) -> Result<&Natural<R, S>, Exhausted> {
        if self.behind {
            self.step()?;
        }
        Ok(self.computed())
    }

    /// Lends the next number and consumes it: as [`peek`](Self::peek), and then the index increases by one.
    ///
    /// # Errors
    /// [`Exhausted`] if the guard, the storage or the allocator refuses; the sequence is then unchanged.
    #[inline]
    pub fn advance(&mut self) -> Result<&Natural<R, S>, Exhausted> {
        self.peek()?;
        Ok(self.consume())
    }

    /// As [`advance`](Self::advance), with the index of the number.
    ///
    /// ```
    /// use fib_core::{Decimal, Fibonacci, Inline};
    ///
    /// let mut fib = Fibonacci::<Decimal, Inline<2>>::new();
    /// while let Ok((index, number)) = fib.advance_indexed() {
    ///     assert_eq!(index == 12, *number == 144);
    /// }
    /// ```
    ///
    /// # Errors
    /// [`Exhausted`] if the guard, the storage or the allocator refuses; the sequence is then unchanged.
    #[inline]
    pub fn advance_indexed(&mut self) -> Result<(u64, &Natural<R, S>), Exhausted> {
        let index = self.index;
        self.advance().map(|number| (index, number))
    }

    /// Replaces F(index - 2) by F(index). On an error nothing has changed.
    #[inline]
    fn step(&mut self) -> Result<(), Exhausted> {
        // Both values are still zero when F(1) is computed; the carry makes it one.
        let carry = self.index == 1;
        let held = self.bytes_held();
        let [even, odd] = &mut self.values;
        // Two calls, so that each has its operands at fixed addresses. This halves the cost of the first steps.
        if self.index.is_multiple_of(2) {
            add(even, odd, carry, held, &mut self.guard)?;
        } else {
            add(odd, even, carry, held, &mut self.guard)?;
        }
        self.behind = false;
        Ok(())
    }

    /// The number that [`peek`](Self::peek) has computed.
    #[inline]
    fn computed(&self) -> &Natural<R, S> {
        &self.values[self.place()]
    }

    /// Consumes the number that has been computed, and lends it.
    #[inline]
    fn consume(&mut self) -> &Natural<R, S> {
        debug_assert!(!self.behind, "a number must be computed before it is consumed");
        let place = self.place();
        self.index += 1;
        self.behind = true;
        &self.values[place]
    }

    /// The place of F(index) in `values`.
    #[inline]
    const fn place(&self) -> usize {
        (self.index & 1) as usize
    }
}

/// `target += last + carry`. On an error nothing has changed: the length of the sum is known before the addition, and only the
/// guard and resizing can fail.
#[inline]
fn add<R: Radix, S: Buffer>(
    target: &mut Natural<R, S>,
    last: &Natural<R, S>,
    carry: bool,
    held: usize,
    guard: &mut impl MemoryGuard,
) -> Result<(), Exhausted> {
    if let Some((limb, sum)) = target.sum_in_one_limb(last, carry) {
        guard.admit(Demand::new(held, 0))?;
        *limb = sum;
        return Ok(());
    }
    add_long(target, last, carry, held, guard)
}

/// [`add`] for numbers of more than one limb. It is not inlined, so that the first numbers stay fast.
#[inline(never)]
fn add_long<R: Radix, S: Buffer>(
    target: &mut Natural<R, S>,
    last: &Natural<R, S>,
    carry: bool,
    held: usize,
    guard: &mut impl MemoryGuard,
) -> Result<(), Exhausted> {
    let len = target.sum_len(last, carry);
    guard.admit(Demand::new(held, target.growth(len)?))?;
    target.add_within(last, carry, len)
}

impl<R: Radix, S: Storage, G: MemoryGuard> Iterator for Fibonacci<R, S, G> {
    type Item = Natural<R, S>;

    /// A clone of the next number, or `None` if there is no memory for the number or for the clone. The guard is not asked
    /// about the clone. After `None` the sequence is unchanged and can be tried again.
    ///
    /// A clone in [`Inline<N>`](Inline) storage is as large as `N` limbs, however short the number is.
    /// [`advance`](Self::advance) lends it without a copy.
    fn next(&mut self) -> Option<Self::Item> {
        // The clone comes first, because it can fail.
        let number = self.peek().ok()?.try_clone().ok()?;
        self.consume();
        Some(number)
    }

    /// Skips `n` numbers without cloning them, and returns a clone of the one after them.
    ///
    /// Takes the fastest way, as [`jump_to`](Self::jump_to) does: steps; near jumps, each of which moves by up to 90 numbers
    /// in place in the time of 4 to 17 steps; or a jump. So do `skip` and `step_by`.
    ///
    /// In radix [`Decimal`] on the heap, with the feature `jump`, a jump needs more memory (`jump_bytes`) for a moment. If
    /// that is refused, but there is room for both values at the end, it jumps as far as memory allows, and goes on by near
    /// jumps, which need no more memory than steps.
    ///
    /// Returns `None` at once, and consumes nothing, if there cannot be room for the number: if the storage is too small, if
    /// the guard or the allocator refuses two values of that length, or if the index is beyond the limit of jumps
    /// (`jump_to`). If memory is exhausted only on the way, the numbers that were skipped are consumed.
    ///
    /// ```
    /// use fib_core::{Decimal, Fibonacci, Inline};
    ///
    /// let mut fib = Fibonacci::<Decimal, Inline<{ Decimal::limbs_for(1_000) }>>::new();
    /// assert_eq!(fib.nth(12).unwrap(), 144);
    /// assert!(fib.nth(10_000).is_none()); // does not fit
    /// assert_eq!(fib.index(), 13);
    /// assert!(fib.step_by(10).take(3).eq([233, 28_657, 3_524_578])); // F(13), F(23), F(33)
    /// ```
    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        let index = self.index.checked_add(u64::try_from(n).ok()?)?;
        self.approach(index).ok()?;
        while self.index < index {
            self.advance().ok()?;
        }
        self.next()
    }
}

impl<R: Radix, const N: usize, G: Clone> Clone for Fibonacci<R, Inline<N>, G> {
    fn clone(&self) -> Self {
        let Self { values, index, behind, guard } = self;
        Self { values: values.clone(), index: *index, behind: *behind, guard: guard.clone() }
    }
}

impl<R, S, G> fmt::Debug for Fibonacci<R, S, G> {
    /// The index of the next number. The values are left out because they are long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fibonacci").field("index", &self.index).finish_non_exhaustive()
    }
}
