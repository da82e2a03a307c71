//! A start that can be cancelled.

use fib_core::{Demand, Exhausted, MemoryGuard};

/// Refuses as `memory` does, and everything once `is_cancelled` says so: a jump asks at each of its stages.
pub(super) struct Cancellable<M, C> {
    pub(super) memory: M,
    pub(super) is_cancelled: C,
}

impl<M: MemoryGuard, C: FnMut() -> bool> MemoryGuard for Cancellable<M, C> {
    fn admit(&mut self, demand: Demand) -> Result<(), Exhausted> {
        if (self.is_cancelled)() {
            return Err(Exhausted::refused());
        }
        self.memory.admit(demand)
    }
}
