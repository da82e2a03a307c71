//! Jumps, and what [`Iterator::nth`] does where it cannot jump.

use super::Fibonacci;
use crate::error::Exhausted;
use crate::guard::{Demand, MemoryGuard};
use crate::limb::LIMB_BYTES;
use crate::radix::Radix;
use crate::storage::Buffer;
#[cfg(feature = "jump")]
use crate::{error::Cause, guard::Unlimited, natural::Natural, radix::Decimal, storage::Heap};

/// [`Iterator::nth`] steps over fewer numbers than this, and jumps over more. Where it cannot jump it steps over more too, but
/// first it makes sure that the storage and the guard have room for the number.
///
/// Measured on Zen 5, for indices from 10^4 to 10^7: a jump takes as long as 400 to 470 steps with AVX-512, 230 to 350 with AVX2,
/// and 190 to 650 with portable kernels. The time of a jump and that of a step grow alike with the index. Below 10^4 a jump takes
/// as long as fewer steps, but neither takes long.
pub(super) const JUMP_LEAST: u64 = 512;

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
impl<R: Radix, S: Buffer, G: MemoryGuard> Fibonacci<R, S, G> {
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

impl<R: Radix, S: Buffer, G: MemoryGuard> Fibonacci<R, S, G> {
    /// Goes to F(`index`), or to the nearest earlier index that a jump can reach; the rest is steps. An error if F(`index`) itself
    /// cannot be reached by steps either; the sequence is then unchanged.
    pub(super) fn approach(&mut self, index: u64) -> Result<(), Exhausted> {
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
