//! The sequence that starts again at F(0) when memory is exhausted.

use core::fmt;

use super::Fibonacci;
use super::jump::ADMIT_LEAST;
use crate::error::Exhausted;
use crate::guard::{MemoryGuard, Unlimited};
use crate::natural::Natural;
use crate::radix::{Decimal, Radix};
use crate::storage::{Buffer, Heap, Storage};

/// The Fibonacci sequence that starts again at F(0) when memory is exhausted: [`Fibonacci::restarting`].
///
/// ```
/// use fib_core::{ByteBudget, Decimal, Fibonacci, Inline};
///
/// let mut endless = Fibonacci::<Decimal, Inline<1>>::new().with_guard(ByteBudget::new(100)).restarting();
/// while endless.restarts() == 0 {
///     endless.advance();
/// }
/// assert_eq!(endless.get_ref().index(), 1); // F(0) was lent when the limb was full
/// assert_eq!(*endless.advance(), 1);
///
/// *endless.guard_mut() = ByteBudget::new(0);
/// assert_eq!(*endless.advance(), 0); // the guard refuses F(2)
/// assert_eq!(endless.restarts(), 2);
/// ```
pub struct Restarting<R = Decimal, S = Heap, G = Unlimited> {
    sequence: Fibonacci<R, S, G>,
    restarts: u64,
}

impl<R: Radix, S: Buffer, G: MemoryGuard> Fibonacci<R, S, G> {
    /// A sequence that starts again at F(0) whenever memory is exhausted, and so never ends.
    ///
    /// ```
    /// use fib_core::{Decimal, Fibonacci, Inline};
    ///
    /// let endless = Fibonacci::<Decimal, Inline<1>>::new().restarting();
    /// assert_eq!(endless.take(1_000).count(), 1_000);
    /// ```
    #[must_use]
    pub fn restarting(self) -> Restarting<R, S, G> {
        Restarting { sequence: self, restarts: 0 }
    }
}

impl<R: Radix, S: Buffer, G: MemoryGuard> Restarting<R, S, G> {
    /// Lends the next number without consuming it. If memory is exhausted, a new pass begins, and that number is F(0).
    ///
    /// ```
    /// use fib_core::{Decimal, Fibonacci, Inline};
    ///
    /// let mut endless = Fibonacci::<Decimal, Inline<1>>::new().restarting();
    /// assert_eq!(*endless.peek(), 0);
    /// assert_eq!(*endless.advance(), 0);
    /// ```
    pub fn peek(&mut self) -> &Natural<R, S> {
        self.restart_if_exhausted();
        self.sequence.computed()
    }

    /// Lends the next number and consumes it. If memory is exhausted, that is F(0) of a new pass.
    ///
    /// With a guard that refuses every step it lends F(0) for ever, since only F(0) needs no consent of the guard.
    pub fn advance(&mut self) -> &Natural<R, S> {
        self.restart_if_exhausted();
        self.sequence.consume()
    }

    /// Computes the next number, or starts again at F(0), which needs no memory.
    fn restart_if_exhausted(&mut self) {
        if self.sequence.peek().is_err() {
            self.sequence.restart();
            self.restarts += 1;
        }
    }

    /// Moves to F(`index`), in the same pass: [`Fibonacci::jump_to`].
    ///
    /// ```
    /// use fib_core::{Cause, Decimal, Fibonacci, Inline};
    ///
    /// let mut endless = Fibonacci::<Decimal, Inline<1>>::new().restarting();
    /// endless.jump_to(12)?;
    /// assert_eq!(endless.jump_to(1_000).unwrap_err().cause(), Cause::Capacity);
    /// assert_eq!(*endless.advance(), 144);
    /// assert_eq!(endless.restarts(), 0);
    /// # Ok::<(), fib_core::Exhausted>(())
    /// ```
    ///
    /// # Errors
    /// [`Exhausted`] if there is no memory for the jump. The sequence is then unchanged: a jump starts no new pass.
    pub fn jump_to(&mut self, index: u64) -> Result<(), Exhausted> {
        self.sequence.jump_to(index)
    }

    /// The guard, for changes.
    pub const fn guard_mut(&mut self) -> &mut G {
        self.sequence.guard_mut()
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

    /// The sequence inside, at its position.
    ///
    /// ```
    /// use fib_core::{Decimal, Fibonacci, Inline};
    ///
    /// let mut endless = Fibonacci::<Decimal, Inline<4>>::new().restarting();
    /// endless.jump_to(100).unwrap();
    /// assert_eq!(endless.into_inner().index(), 100);
    /// ```
    #[must_use]
    pub fn into_inner(self) -> Fibonacci<R, S, G> {
        self.sequence
    }
}

impl<R: Radix, S: Storage, G: MemoryGuard> Iterator for Restarting<R, S, G> {
    type Item = Natural<R, S>;

    /// A clone of the next number, or of F(0) of a new pass if there is no memory for the number. `None` if there is no
    /// memory for the clone; the sequence is then unchanged and can be tried again.
    fn next(&mut self) -> Option<Self::Item> {
        self.restart_if_exhausted();
        self.sequence.next()
    }

    /// Skips `n` numbers without cloning them, and returns a clone of the one after them. Goes there by a jump if there is
    /// memory for that; then no step up to there would start a new pass. Otherwise it goes by near jumps and steps, as
    /// [`Fibonacci::nth`](Iterator::nth) does.
    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        let mut left = n as u64;
        if let Some(index) = self.sequence.index.checked_add(left)
            && left >= ADMIT_LEAST
            && !self.sequence.walk_is_cheaper(index)
            && self.sequence.jump_to(index).is_ok()
        {
            left = 0;
        }
        while left > 0 {
            let before = self.sequence.index;
            // An error means that memory is exhausted, and the next step finds that again.
            _ = self.sequence.walk(before.saturating_add(left));
            left -= self.sequence.index - before;
            if left > 0 {
                self.advance();
                left -= 1;
            }
        }
        self.next()
    }
}

impl<R, S, G> fmt::Debug for Restarting<R, S, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restarting").field("sequence", &self.sequence).field("restarts", &self.restarts).finish()
    }
}
