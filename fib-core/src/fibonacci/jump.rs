//! Jumps, and what [`Iterator::nth`] does where it cannot jump.

use super::Fibonacci;
use crate::error::Exhausted;
use crate::guard::{Demand, MemoryGuard};
use crate::limb::LIMB_BYTES;
use crate::radix::Radix;
use crate::storage::Storage;
#[cfg(feature = "jump")]
use crate::{error::Cause, guard::Unlimited, natural::Natural, radix::Decimal, storage::Heap};

/// Before it goes over at least this many numbers, [`Iterator::nth`] makes sure that there is room for the one after them. A
/// shorter way takes no longer than to ask.
pub(super) const ADMIT_LEAST: u64 = 512;

#[cfg(feature = "jump")]
impl<G: MemoryGuard> Fibonacci<Decimal, Heap, G> {
    /// Moves to F(`index`), forwards or backwards, so that F(`index`) is the number that is lent next.
    ///
    /// Takes the way that is expected to be the fastest. A few steps forwards are additions. More are near jumps in place: each moves by
    /// up to 90 numbers (70 with AVX-512, 42 with 32-bit limbs) in one pass over both values. The guard is asked once, before the
    /// first one, about the room by which both values grow. Any other distance is a jump from nothing, which takes about as
    /// long as a few products of numbers of that length. It exists only in radix [`Decimal`] on the heap; other sequences go by
    /// near jumps, in [`nth`](Iterator::nth).
    ///
    /// A jump from nothing replaces both values by new ones. The guard is asked first, about the new values and the memory for intermediate
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
        if self.walk_is_cheaper(index) {
            self.make_room_at_once(index)?;
            return self.walk_within_room(index);
        }
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
    pub(super) fn jump(&mut self, index: u64) -> Option<Result<(), Exhausted>> {
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
    /// Goes to F(`index`), or to an earlier index from which steps take the least time, by a jump or near jumps. If memory is
    /// exhausted on the way, an error, and the sequence is at the last number before it. If F(`index`) itself cannot be
    /// reached, an error at once.
    pub(super) fn approach(&mut self, index: u64) -> Result<(), Exhausted> {
        if index - self.index < ADMIT_LEAST {
            return self.walk(index);
        }
        #[cfg(feature = "jump")]
        if !self.walk_is_cheaper(index) {
            match self.jump(index) {
                Some(Ok(())) => return Ok(()),
                Some(Err(exhausted)) if exhausted.cause() == Cause::TooLong => return Err(exhausted),
                Some(Err(_)) => {
                    self.admit_values(index)?;
                    self.jump_towards(index);
                    return self.walk(index);
                }
                None => {}
            }
        }
        self.admit_values(index)?;
        self.walk(index)
    }

    /// Whether near jumps and steps take no longer than a jump.
    #[cfg(feature = "jump")]
    pub(super) fn walk_is_cheaper(&self, index: u64) -> bool {
        let jump = crate::mul::cost_of_pair(index);
        self.cost_of_walk(index).zip(jump).is_some_and(|(walk, jump)| walk <= jump)
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
        while distance >= ADMIT_LEAST {
            distance -= distance.div_ceil(8);
            if let Some(Ok(())) = self.jump(self.index + distance) {
                return;
            }
        }
    }
}
