//! The sequence: an iterator that keeps two values and nothing else.

use core::fmt;

use crate::error::Exhausted;
use crate::guard::{Demand, MemoryGuard, Unlimited};
use crate::natural::Natural;
use crate::radix::{Decimal, Radix};
use crate::storage::{Heap, Storage};

/// [`Iterator::nth`] jumps over so many numbers or more, and steps over fewer.
///
/// Measured on Zen 5, from 10^4 to 10^7: a jump costs as much as 400 to 470 steps with AVX-512, 230 to 350 with AVX2, 190 to
/// 650 with portable kernels; both grow in about the same way. Before 10^4 it costs less, and nothing is long.
const JUMP_LEAST: usize = 512;

/// The Fibonacci sequence 0, 1, 1, 2, 3, ... from F(0) on, as long as the storage, the allocator and the guard let it grow.
///
/// It keeps two values and nothing else. [`advance`](Self::advance) lends the next number without copying it;
/// [`peek`](Self::peek) computes that number without consuming it; as an [`Iterator`] it yields owned clones and ends at
/// exhaustion. A step costs one addition, linear in the length of the number. Nothing panics or aborts at exhaustion, and
/// nothing is lost: the same step can be tried again.
///
/// ```
/// use fib_core::{Decimal, Exhausted, Fibonacci};
///
/// let mut fib = Fibonacci::<Decimal>::new();
/// for expected in ["0", "1", "1", "2", "3", "5"] {
///     assert_eq!(fib.advance()?.to_string(), expected);
/// }
/// assert_eq!(fib.index(), 6);
/// # Ok::<(), Exhausted>(())
/// ```
pub struct Fibonacci<R = Decimal, S = Heap, G = Unlimited> {
    /// Those with an even and with an odd index: F(index) takes the place of F(index - 2), so nothing is ever moved. Before
    /// F(1) both are zero.
    values: [Natural<R, S>; 2],
    index: u64,
    /// Whether F(index) is there already, or still F(index - 2).
    computed: bool,
    guard: G,
}

impl<R: Radix, S: Storage> Fibonacci<R, S, Unlimited> {
    /// The sequence from F(0) on, without a guard. Allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { values: [Natural::new(), Natural::new()], index: 0, computed: true, guard: Unlimited }
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
        let Self { values, index, computed, guard: _ } = self;
        Fibonacci { values, index, computed, guard }
    }

    /// The guard.
    #[must_use]
    pub const fn guard(&self) -> &G {
        &self.guard
    }

    /// The guard, to be changed.
    pub const fn guard_mut(&mut self) -> &mut G {
        &mut self.guard
    }

    /// The index of the number that [`advance`](Self::advance) lends next.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Bytes that both values occupy, room to grow included.
    #[inline]
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        self.values[0].bytes_held() + self.values[1].bytes_held()
    }

    /// Starts again at F(0) and frees both values. Cannot fail.
    pub fn restart(&mut self) {
        self.values = [Natural::new(), Natural::new()];
        self.index = 0;
        self.computed = true;
    }
}

impl<R: Radix, S: Storage, G: MemoryGuard> Fibonacci<R, S, G> {
    /// Lends the next number, F([`index`](Self::index)), and consumes nothing: the first call computes it, by one addition,
    /// further calls cost nothing.
    ///
    /// # Errors
    /// [`Exhausted`] where the guard, the storage or the allocator refuses. Nothing has changed then.
    #[inline]
    pub fn peek(&mut self) -> Result<&Natural<R, S>, Exhausted> {
        if !self.computed {
            self.step()?;
        }
        Ok(&self.values[self.place()])
    }

    /// Lends the next number and consumes it: [`peek`](Self::peek), then the index moves on.
    ///
    /// # Errors
    /// [`Exhausted`] where the guard, the storage or the allocator refuses. Nothing has changed then.
    #[inline]
    pub fn advance(&mut self) -> Result<&Natural<R, S>, Exhausted> {
        self.peek()?;
        Ok(self.consume())
    }

    /// Computes F(index) in the place of F(index - 2), or nothing at all.
    #[inline]
    fn step(&mut self) -> Result<(), Exhausted> {
        // Both values are zero before F(1), which is the one that does not follow from the two before it.
        let carry = self.index == 1;
        let held = self.bytes_held();
        let [even, odd] = &mut self.values;
        // Two calls, so that each finds its operands at fixed places: that makes up half the cost of the first steps.
        if self.index.is_multiple_of(2) {
            add(even, odd, carry, held, &mut self.guard)?;
        } else {
            add(odd, even, carry, held, &mut self.guard)?;
        }
        self.computed = true;
        Ok(())
    }

    /// Moves on past the number that has been computed, and lends it.
    #[inline]
    fn consume(&mut self) -> &Natural<R, S> {
        debug_assert!(self.computed, "only what has been computed can be consumed");
        let place = self.place();
        self.index += 1;
        self.computed = false;
        &self.values[place]
    }

    /// Where F(index) is, or will be.
    #[inline]
    const fn place(&self) -> usize {
        (self.index & 1) as usize
    }

    /// The sequence that starts again at F(0) whenever memory is exhausted, and so never ends.
    #[must_use]
    pub fn restarting(self) -> Restarting<R, S, G> {
        Restarting { sequence: self, restarts: 0 }
    }
}

/// `target += last + carry`, or nothing at all: resizing is the last thing that can fail, and the length is known before.
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

/// [`add`], but for the first numbers; out of line, so that those stay fast.
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

#[cfg(feature = "alloc")]
impl<G: MemoryGuard> Fibonacci<Decimal, Heap, G> {
    /// Goes to F(`index`), forwards or backwards, as if every number up to there had been lent: that one is lent next.
    ///
    /// Costs about as much as a few products of numbers of that length, whatever the distance. Only in radix [`Decimal`] on
    /// the heap; in [`Binary`](crate::Binary) the sequence steps.
    ///
    /// Both values are replaced by new ones; the guard is asked first, about them and all memory that is needed on the
    /// way (some ten times as much), which is freed at the end.
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
    /// [`Exhausted`] where the guard or the allocator refuses; with [`Cause::Capacity`](crate::Cause::Capacity) where no
    /// multiplication reaches that far. Nothing has changed then.
    pub fn jump_to(&mut self, index: u64) -> Result<(), Exhausted> {
        self.jump(index).unwrap_or(Err(Exhausted::capacity()))
    }
}

impl<R: Radix, S: Storage, G: MemoryGuard> Fibonacci<R, S, G> {
    /// Goes to F(`index`); `None` where there is no other way than by steps.
    fn jump(&mut self, index: u64) -> Option<Result<(), Exhausted>> {
        if index == 0 {
            self.restart();
            return Some(Ok(()));
        }
        if R::LIMB_MAX != Decimal::BASE - 1 {
            return None;
        }
        let held = self.bytes_held();
        let guard = &mut self.guard;
        let pair = S::fibonacci_pair(index, &mut |bytes| guard.admit(Demand::new(held, bytes)))?;
        Some(pair.map(|pair| {
            self.values = pair.map(Natural::from_storage);
            self.index = index;
            self.computed = true;
        }))
    }
}

impl<R: Radix, S: Storage, G: MemoryGuard> Iterator for Fibonacci<R, S, G> {
    type Item = Natural<R, S>;

    /// A clone of the next number, or `None` at exhaustion (that of the clone's own memory included; the guard is not asked
    /// about it). Cloned before it is consumed: after `None` the sequence stands where it stood and can be tried again.
    fn next(&mut self) -> Option<Self::Item> {
        let number = self.peek().ok()?.try_clone().ok()?;
        self.consume();
        Some(number)
    }

    /// Passes over `n` numbers without cloning them; in radix [`Decimal`] on the heap many numbers are jumped over (so
    /// `skip` and `step_by` jump too), which briefly takes more memory, and where that is refused they are stepped over.
    /// At exhaustion on the way what was passed is consumed.
    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        if n >= JUMP_LEAST
            && let Some(index) = u64::try_from(n).ok().and_then(|n| self.index.checked_add(n))
            && let Some(Ok(())) = self.jump(index)
        {
            return self.next();
        }
        for _ in 0..n {
            self.advance().ok()?;
        }
        self.next()
    }
}

impl<R, S, G> fmt::Debug for Fibonacci<R, S, G> {
    /// The index of the next number; the values are long.
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
/// assert_eq!(endless.advance().to_string(), "1"); // F(1): F(0) was lent when the limb was full
/// ```
pub struct Restarting<R = Decimal, S = Heap, G = Unlimited> {
    sequence: Fibonacci<R, S, G>,
    restarts: u64,
}

impl<R: Radix, S: Storage, G: MemoryGuard> Restarting<R, S, G> {
    /// Lends the next number and consumes it; at exhaustion that is F(0) of a new pass.
    ///
    /// A guard that refuses every step makes it lend F(0) for ever: what comes after F(0) needs the guard's consent.
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

    /// How often it has started again.
    #[must_use]
    pub const fn restarts(&self) -> u64 {
        self.restarts
    }

    /// The sequence inside, to be read.
    #[must_use]
    pub const fn get_ref(&self) -> &Fibonacci<R, S, G> {
        &self.sequence
    }
}

impl<R: Radix, S: Storage, G: MemoryGuard> Iterator for Restarting<R, S, G> {
    type Item = Natural<R, S>;

    /// A clone of the next number; F(0) of a new pass where the number or its clone has no memory. Never `None`.
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(number) = self.sequence.next() {
            return Some(number);
        }
        self.restart();
        self.sequence.next()
    }
}

impl<R, S, G> fmt::Debug for Restarting<R, S, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restarting").field("sequence", &self.sequence).field("restarts", &self.restarts).finish()
    }
}
