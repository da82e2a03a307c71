//! Jumps from nothing to new numbers, and the way that [`Iterator::nth`] takes.

use super::Fibonacci;
use crate::error::{Cause, Exhausted};
use crate::guard::{Demand, MemoryGuard};
use crate::limb::LIMB_BYTES;
use crate::radix::Radix;
use crate::storage::Buffer;
#[cfg(feature = "jump")]
use crate::{guard::Unlimited, natural::Natural, radix::Decimal, storage::Heap};

/// Before it goes over at least this many numbers, [`Iterator::nth`] makes sure that there is room for the one after them. A
/// shorter way takes no longer than to ask.
pub(super) const ADMIT_LEAST: u64 = 512;

#[cfg(feature = "jump")]
impl Fibonacci<Decimal, Heap, Unlimited> {
    /// The number of bytes that [`jump_to`](Self::jump_to) requests from the allocator in all, for both values and for
    /// intermediate results. It depends on the machine: with vectors it is more than without.
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
impl<R: Radix, S: Buffer, G: MemoryGuard> Fibonacci<R, S, G> {
    /// Whether [`mul`](crate::mul) computes numbers in this radix and storage.
    const HAS_TRANSFORMS: bool = R::LIMB_MAX == Decimal::BASE - 1 && S::FROM_VEC.is_some();

    /// Replaces both values by new ones, F(`index`) and the number before it, computed by [`mul`](crate::mul) whatever the
    /// distance. The index is not 0. `None` in another radix or storage, where [`doubling`](crate::doubling) computes them in
    /// place. On an error nothing has changed.
    pub(super) fn jump(&mut self, index: u64) -> Option<Result<(), Exhausted>> {
        let from_vec = S::FROM_VEC.filter(|_| Self::HAS_TRANSFORMS)?;
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

impl<R: Radix, S: Buffer, G: MemoryGuard> Fibonacci<R, S, G> {
    /// Goes to F(`index`), or to an earlier index from which steps take the least time, by a jump or near jumps. If memory is
    /// exhausted on the way, an error, and the sequence is at the last number before it. If F(`index`) itself cannot be
    /// reached, an error at once.
    pub(super) fn approach(&mut self, index: u64) -> Result<(), Exhausted> {
        if index - self.index < ADMIT_LEAST {
            return self.walk(index);
        }
        if !self.walk_is_cheaper(index) {
            match self.jump_to(index) {
                Ok(()) => return Ok(()),
                Err(exhausted) if exhausted.cause() == Cause::TooLong => return Err(exhausted),
                Err(_) => {
                    self.admit_values(index)?;
                    self.jump_towards(index);
                }
            }
        }
        self.admit_values(index)?;
        self.walk(index)
    }

    /// Whether near jumps and steps take no longer than a jump from nothing.
    pub(super) fn walk_is_cheaper(&self, index: u64) -> bool {
        self.cost_of_walk(index).zip(Self::cost_of_jump(index)).is_some_and(|(walk, jump)| walk <= jump)
    }

    /// About how long a jump from nothing takes, in the unit of `Costs`; `None` if no jump leads there.
    fn cost_of_jump(index: u64) -> Option<u64> {
        #[cfg(feature = "jump")]
        if Self::HAS_TRANSFORMS {
            return crate::mul::cost_of_pair(index);
        }
        Some(crate::doubling::cost(R::fibonacci_limbs(index)))
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
    fn jump_towards(&mut self, index: u64) {
        let mut distance = index - self.index;
        while distance >= ADMIT_LEAST {
            distance -= distance.div_ceil(8);
            if let Ok(()) = self.jump_to(self.index + distance) {
                return;
            }
        }
    }
}
