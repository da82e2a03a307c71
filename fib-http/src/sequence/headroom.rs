//! Keeps some memory free for allocations that abort the process when they fail.

use std::cell::Cell;
use std::collections::TryReserveError;
use std::hint::black_box;

use super::memory::EXEMPT_BYTES;

/// The bytes that must stay free: enough for the small allocations of hyper and the runtime.
const BYTES: usize = 1024 * 1024;

/// The bytes that may be taken between two checks. A new pass frees at least as much, so a shortage that a check finds late
/// still ends with the new pass.
const ALLOWANCE: usize = EXEMPT_BYTES;

/// Checks that some memory is left.
///
/// The crate's own large allocations are fallible, but a failed small allocation in hyper or the runtime aborts the process.
/// So nothing that holds memory for longer, such as a response or a connection, may take the last of it. The check allocates
/// a block and frees it. The block is never touched, and the allocator tends to keep it at hand, so this costs little.
///
/// # Errors
/// When less is left.
pub(crate) fn check() -> Result<(), TryReserveError> {
    reserve(BYTES)
}

/// Allocates a block of `bytes` bytes and frees it.
fn reserve(bytes: usize) -> Result<(), TryReserveError> {
    let mut block = Vec::<u8>::new();
    block.try_reserve_exact(bytes)?;
    // Otherwise the compiler may remove the allocation.
    black_box(&mut block);
    Ok(())
}

/// Checks that some memory is left, but only once for many small allocations.
#[derive(Debug, Default)]
pub(crate) struct Headroom {
    /// The bytes that may be taken before the next check.
    allowed: Cell<usize>,
}

impl Headroom {
    /// Checks that `bytes` can be allocated, and that [`check_after`](Self::check_after) would succeed then. Takes nothing.
    ///
    /// # Errors
    /// If there is too little memory.
    pub(crate) fn check_before(&self, bytes: usize) -> Result<(), TryReserveError> {
        let left = if self.allowed.get() >= bytes { 0 } else { BYTES };
        reserve(bytes.saturating_add(left))
    }

    /// Checks that some memory is left after `bytes` were taken.
    ///
    /// # Errors
    /// When less is left.
    pub(crate) fn check_after(&self, bytes: usize) -> Result<(), TryReserveError> {
        let rest = match self.allowed.get().checked_sub(bytes) {
            Some(rest) => rest,
            None => {
                self.allowed.set(0);
                check()?;
                ALLOWANCE
            }
        };
        self.allowed.set(rest);
        Ok(())
    }
}
