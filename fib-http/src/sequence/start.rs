//! The start of a sequence, which can be cancelled.

use std::fmt;
use std::rc::Rc;

use fib_core::{Decimal, Demand, Exhausted, Fibonacci, Limb, MemoryGuard, Unlimited};

use super::by_index::Kept;
use super::headroom::Headroom;
use super::in_flight::InFlight;
use super::memory::{Bytes, SystemMemory};
use super::{MAX_IN_FLIGHT_BYTES, OnMemoryLimit, Sequence};
use crate::position::Store;

/// The first number of a sequence is out of reach.
#[derive(Clone, Debug)]
pub struct StartError {
    /// The number's index.
    pub index: u64,
    /// The bytes of the two values that the sequence needs there.
    pub bytes: u64,
    /// What refused.
    pub source: Exhausted,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, bytes, source } = self;
        let readable = Bytes(*bytes);
        write!(f, "cannot start at number {index}: its two values take about {bytes} bytes ({readable}), and {source}")
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl Sequence {
    /// The sequence from F(`index`) on, with the default budget for numbers in flight. Its position is in memory.
    ///
    /// # Errors
    /// [`StartError`] where memory does not suffice.
    pub fn start_at(index: u64, memory: SystemMemory, on_memory_limit: OnMemoryLimit) -> Result<Self, StartError> {
        Self::resume(Store::in_memory(index), || false, memory, on_memory_limit)
    }

    /// The sequence from the next position of `store` on, with a budget of [`MAX_IN_FLIGHT_BYTES`]. It is given up when
    /// `is_cancelled` returns true, which is called at each stage of the jump to the index, but not before a short one.
    ///
    /// # Errors
    /// [`StartError`] where memory does not suffice, and when the start is cancelled.
    pub(crate) fn resume(
        mut store: Store,
        is_cancelled: impl FnMut() -> bool,
        mut memory: SystemMemory,
        on_memory_limit: OnMemoryLimit,
    ) -> Result<Self, StartError> {
        let mut fibonacci = Fibonacci::new().with_guard(Cancellable { memory: &mut memory, is_cancelled });
        let index = store.next().index;
        let bytes = (Decimal::limbs_for(index) as u64).saturating_mul(2 * size_of::<Limb>() as u64);
        if let Err(source) = fibonacci.jump_to(index) {
            // The store logs a failure; the one of the jump matters more.
            let _ = store.close();
            return Err(StartError { index, bytes, source });
        }
        let fibonacci = fibonacci.with_guard(Unlimited).with_guard(memory);
        let sequence = Self {
            fibonacci,
            store,
            on_memory_limit,
            restarts: 0,
            headroom: Headroom::default(),
            in_flight: Rc::new(InFlight::new(MAX_IN_FLIGHT_BYTES)),
            kept: Kept::default(),
            shortage: None,
            logged: None,
        };
        Ok(sequence.with_max_in_flight_bytes(MAX_IN_FLIGHT_BYTES))
    }
}

/// Refuses as `memory` does, and everything once `is_cancelled` says so: a jump asks at each of its stages.
struct Cancellable<M, C> {
    memory: M,
    is_cancelled: C,
}

impl<M: MemoryGuard, C: FnMut() -> bool> MemoryGuard for Cancellable<M, C> {
    fn admit(&mut self, demand: Demand) -> Result<(), Exhausted> {
        if (self.is_cancelled)() {
            return Err(Exhausted::refused());
        }
        self.memory.admit(demand)
    }
}
