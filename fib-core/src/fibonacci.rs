//! The sequence: an iterator that keeps two values.

use core::fmt;

#[cfg(feature = "jump")]
use crate::error::Cause;
use crate::error::Exhausted;
use crate::guard::{Demand, MemoryGuard, Unlimited};
use crate::limb::LIMB_BYTES;
use crate::natural::Natural;
use crate::radix::{Decimal, Radix};
use crate::storage::{Heap, Storage};

/// [`Iterator::nth`] steps over fewer numbers than this, and jumps over more. Where it cannot jump it steps over more too, but
/// first it makes sure that the storage and the guard have room for the number.
///
/// Measured on Zen 5, for indices from 10^4 to 10^7: a jump takes as long as 400 to 470 steps with AVX-512, 230 to 350 with AVX2,
/// and 190 to 650 with portable kernels. The time of a jump and that of a step grow alike with the index. Below 10^4 a jump takes
/// as long as fewer steps, but neither takes long.
const JUMP_LEAST: u64 = 512;

/// The Fibonacci sequence 0, 1, 1, 2, 3, ... from F(0) on, as long as the storage, the allocator and the guard let it grow.
///
/// It keeps two values. [`advance`](Self::advance) lends the next number without copying it, and [`peek`](Self::peek) computes
/// that number without consuming it. As an [`Iterator`], it yields owned clones and ends when memory is exhausted. A step is one
/// addition, which takes time linear in the length of the number. When memory is exhausted nothing panics or aborts, and nothing
/// is lost: the same step can be tried again.
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
    /// Whether the place of F(index) still holds F(index - 2). False at the start, so that a static sequence in [`Inline`] storage
    /// is all zeros: it takes no room in the flash, and no copy at boot.
    ///
    /// [`Inline`]: crate::Inline
    behind: bool,
    guard: G,
}

impl<R: Radix, S: Storage> Fibonacci<R, S, Unlimited> {
    /// The sequence from F(0) on, without a guard. Allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { values: [Natural::new(), Natural::new()], index: 0, behind: false, guard: Unlimited }
    }
}

impl<R: Radix, S: Storage> Default for Fibonacci<R, S, Unlimited> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Radix, S: Storage, G> Fibonacci<R, S, G> {
    /// The same sequence at the same position, with another guard.
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
    pub fn restart(&mut self) {
        self.values = [Natural::new(), Natural::new()];
        self.index = 0;
        self.behind = false;
    }
}

impl<R: Radix, S: Storage, G: MemoryGuard> Fibonacci<R, S, G> {
    /// Lends the next number, F([`index`](Self::index)), without consuming it. The first call computes it by one addition;
    /// further calls return it at once.
    ///
    /// # Errors
    /// [`Exhausted`] if the guard, the storage or the allocator refuses; the sequence is then unchanged.
    #[inline]
    pub fn peek(&mut self) -> Result<&Natural<R, S>, Exhausted> {
        if self.behind {
            self.step()?;
        }
        Ok(&self.values[self.place()])
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

    /// A sequence that starts again at F(0) whenever memory is exhausted, and so never ends.
    #[must_use]
    pub fn restarting(self) -> Restarting<R, S, G> {
        Restarting { sequence: self, restarts: 0 }
    }
}

/// `target += last + carry`. On an error nothing has changed: the length of the sum is known before the addition, and only the
/// guard and resizing can fail.
#[inline]
fn add<R: Radix, S: Storage>(
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
fn add_long<R: Radix, S: Storage>(
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

#[cfg(feature = "jump")]
impl<G: MemoryGuard> Fibonacci<Decimal, Heap, G> {
    /// Moves to F(`index`), forwards or backwards, so that F(`index`) is the number that is lent next.
    ///
    /// Takes about as long as a few products of numbers of that length, whatever the distance. It exists only in radix [`Decimal`]
    /// on the heap; other sequences can only step.
    ///
    /// Both values are replaced by new ones. The guard is asked first, about the new values and the memory for intermediate
    /// results, which is freed at the end: [`jump_bytes`](Fibonacci::jump_bytes), about ten times as much as the number. It is
    /// asked again, for no more memory, before each stage of a long jump, and cancels the jump if it refuses. No stage takes more
    /// than about a third of the time.
    ///
    /// ```
    /// use fib_core::{Decimal, Fibonacci};
    ///
    /// let mut fib = Fibonacci::<Decimal>::new();
    /// fib.jump_to(1_000_000)?;
    /// assert_eq!(fib.index(), 1_000_000);
    /// assert_eq!(fib.advance()?.digit_count(), 208_988);
    /// assert_eq!(fib.advance()?.digit_count(), 208_988); // F(1,000,001)
    /// # Ok::<(), fib_core::Exhausted>(())
    /// ```
    ///
    /// # Errors
    /// [`Exhausted`] if the guard or the allocator refuses, or, with [`Cause::TooLong`], if the index is beyond 17,808,892,134, as for
    /// [`Natural::fibonacci`]. The sequence is then unchanged.
    pub fn jump_to(&mut self, index: u64) -> Result<(), Exhausted> {
        self.jump(index).unwrap_or(Err(Exhausted::too_long()))
    }
}

#[cfg(feature = "jump")]
impl Fibonacci<Decimal, Heap, Unlimited> {
    /// The number of bytes that [`jump_to`](Self::jump_to) requests from the allocator in all, for both values and for intermediate
    /// results. It depends on the machine: with vectors it is more than without.
    ///
    /// ```
    /// use fib_core::{ByteBudget, Decimal, Fibonacci};
    ///
    /// let bytes = Fibonacci::<Decimal>::jump_bytes(1_000_000)?;
    /// let mut fib = Fibonacci::<Decimal>::new().with_guard(ByteBudget::new(bytes));
    /// fib.jump_to(1_000_000)?;
    /// assert!(fib.bytes_held() < bytes / 2);
    /// # Ok::<(), fib_core::Exhausted>(())
    /// ```
    ///
    /// # Errors
    /// [`Exhausted`] with [`Cause::TooLong`] if no jump leads to that index.
    pub fn jump_bytes(index: u64) -> Result<usize, Exhausted> {
        if index == 0 {
            return Ok(0);
        }
        let mut demand = None;
        let pair = crate::mul::fibonacci_pair(index, &mut |bytes| {
            demand = Some(bytes);
            Err(Exhausted::refused())
        });
        match (demand, pair) {
            (Some(bytes), _) => Ok(bytes),
            (None, pair) => pair.map(|_| 0),
        }
    }
}

#[cfg(feature = "jump")]
impl<R: Radix, S: Storage, G: MemoryGuard> Fibonacci<R, S, G> {
    /// Moves to F(`index`), or returns `None` if only steps lead there.
    fn jump(&mut self, index: u64) -> Option<Result<(), Exhausted>> {
        if index == 0 {
            self.restart();
            return Some(Ok(()));
        }
        if R::LIMB_MAX != Decimal::BASE - 1 {
            return None;
        }
        let from_vec = S::FROM_VEC?;
        let held = self.bytes_held();
        let guard = &mut self.guard;
        let pair = crate::mul::fibonacci_pair(index, &mut |bytes| guard.admit(Demand::new(held, bytes)));
        Some(pair.map(|pair| {
            self.values = pair.map(|limbs| Natural::from_storage(from_vec(limbs)));
            self.index = index;
            self.behind = false;
        }))
    }
}

impl<R: Radix, S: Storage, G: MemoryGuard> Fibonacci<R, S, G> {
    /// Goes to F(`index`), or to the nearest earlier index that a jump can reach; the rest is steps. An error if F(`index`) itself cannot be
    /// reached by steps either; the sequence is then unchanged.
    fn approach(&mut self, index: u64) -> Result<(), Exhausted> {
        if index - self.index < JUMP_LEAST {
            return Ok(());
        }
        #[cfg(feature = "jump")]
        match self.jump(index) {
            Some(Err(exhausted)) if exhausted.cause() == Cause::TooLong => return Err(exhausted),
            Some(Err(_)) => {
                self.admit_values(index)?;
                self.jump_towards(index);
                return Ok(());
            }
            Some(Ok(())) => return Ok(()),
            None => {}
        }
        self.admit_values(index)
    }

    /// Asks the storage, the guard and the allocator for the least memory that both values hold at F(`index`). What steps
    /// need on the way is a little more, so an error here means that steps do not lead there.
    fn admit_values(&mut self, index: u64) -> Result<(), Exhausted> {
        // The shorter of the two values, so that the demand is not too large where the count is not exact.
        let len = R::fibonacci_limbs(index - 1);
        let held = self.bytes_held();
        let mut missing = 0_usize;
        for value in &self.values {
            if value.growth(len)? == 0 {
                return Ok(());
            }
            missing = missing.saturating_add(len * LIMB_BYTES - value.bytes_held());
        }
        self.guard.admit(Demand::new(held, missing))?;
        let _both = [self.values[0].room_to_grow(len)?, self.values[1].room_to_grow(len)?];
        Ok(())
    }

    /// Jumps as near to F(`index`) as memory allows, in one jump over most of the distance that leaves at least an eighth.
    #[cfg(feature = "jump")]
    fn jump_towards(&mut self, index: u64) {
        let mut distance = index - self.index;
        while distance >= JUMP_LEAST {
            distance -= distance.div_ceil(8);
            if let Some(Ok(())) = self.jump(self.index + distance) {
                return;
            }
        }
    }
}

impl<R: Radix, S: Storage, G: MemoryGuard> Iterator for Fibonacci<R, S, G> {
    type Item = Natural<R, S>;

    /// A clone of the next number, or `None` if there is no memory for the number or for the clone. The guard is not asked about
    /// the clone. After `None` the sequence is unchanged and can be tried again.
    fn next(&mut self) -> Option<Self::Item> {
        // The clone comes first, because it can fail.
        let number = self.peek().ok()?.try_clone().ok()?;
        self.consume();
        Some(number)
    }

    /// Skips `n` numbers without cloning them, and returns a clone of the one after them.
    ///
    /// In radix [`Decimal`] on the heap it jumps over many numbers (feature `jump`), and so do `skip` and `step_by`. Other
    /// sequences step, which takes time proportional to `n` times the length of the number.
    ///
    /// A jump needs more memory (`jump_bytes`) for a moment. If that is refused, but there is room for both values at the
    /// end, it jumps as far as memory allows, and steps from there. That is slow: most of the way is steps, and to F(800,000) they
    /// take a second where the jump takes milliseconds.
    ///
    /// Returns `None` at once, and consumes nothing, if there cannot be room for the number: if the storage is too small, if the
    /// guard or the allocator refuses two values of that length, or if the index is beyond the limit of jumps (`jump_to`). If
    /// memory is exhausted only on the way, the numbers that were skipped are consumed.
    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        let index = self.index.checked_add(u64::try_from(n).ok()?)?;
        self.approach(index).ok()?;
        while self.index < index {
            self.advance().ok()?;
        }
        self.next()
    }
}

impl<R, S, G> fmt::Debug for Fibonacci<R, S, G> {
    /// The index of the next number. The values are left out because they are long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fibonacci").field("index", &self.index).finish_non_exhaustive()
    }
}

/// The Fibonacci sequence that starts again at F(0) when memory is exhausted: [`Fibonacci::restarting`].
///
/// ```
/// use fib_core::{Decimal, Fibonacci, Inline};
///
/// let mut endless = Fibonacci::<Decimal, Inline<1>>::new().restarting();
/// while endless.restarts() == 0 {
///     endless.advance();
/// }
/// assert_eq!(endless.advance().to_string(), "1"); // F(1), because F(0) was lent when the limb was full
/// ```
pub struct Restarting<R = Decimal, S = Heap, G = Unlimited> {
    sequence: Fibonacci<R, S, G>,
    restarts: u64,
}

impl<R: Radix, S: Storage, G: MemoryGuard> Restarting<R, S, G> {
    /// Lends the next number and consumes it. If memory is exhausted, that is F(0) of a new pass.
    ///
    /// With a guard that refuses every step it lends F(0) for ever, since only F(0) needs no consent of the guard.
    pub fn advance(&mut self) -> &Natural<R, S> {
        if self.sequence.peek().is_err() {
            self.restart();
        }
        self.sequence.consume()
    }

    fn restart(&mut self) {
        self.sequence.restart();
        self.restarts += 1;
    }

    /// How many times the sequence has started again.
    #[must_use]
    pub const fn restarts(&self) -> u64 {
        self.restarts
    }

    /// The sequence inside.
    #[must_use]
    pub const fn get_ref(&self) -> &Fibonacci<R, S, G> {
        &self.sequence
    }
}

impl<R: Radix, S: Storage, G: MemoryGuard> Iterator for Restarting<R, S, G> {
    type Item = Natural<R, S>;

    /// A clone of the next number, or of F(0) of a new pass if there is no memory for the number. `None` if there is no memory for
    /// the clone; the sequence is then unchanged and can be tried again.
    fn next(&mut self) -> Option<Self::Item> {
        if self.sequence.peek().is_err() {
            self.restart();
        }
        self.sequence.next()
    }

    /// Skips `n` numbers without cloning them, and returns a clone of the one after them. Jumps over many numbers, if there is
    /// memory for the jump; then no step up to there would start a new pass. Otherwise it steps.
    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        #[cfg(feature = "jump")]
        if let Some(index) = u64::try_from(n).ok().and_then(|n| self.sequence.index.checked_add(n))
            && index - self.sequence.index >= JUMP_LEAST
            && let Some(Ok(())) = self.sequence.jump(index)
        {
            return self.next();
        }
        for _ in 0..n {
            self.advance();
        }
        self.next()
    }
}

impl<R, S, G> fmt::Debug for Restarting<R, S, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restarting").field("sequence", &self.sequence).field("restarts", &self.restarts).finish()
    }
}
