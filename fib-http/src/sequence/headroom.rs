//! Memory that is left for what cannot fail gracefully.

use std::cell::Cell;
use std::collections::TryReserveError;
use std::hint::black_box;

use super::memory::EXEMPT_BYTES;

/// What must be left: enough for the small allocations of hyper and the runtime.
const BYTES: usize = 1024 * 1024;

/// What may be taken before it is looked again how much is left. No more than a new pass frees at least, so that it ends a
/// shortage that is found late.
const ALLOWANCE: usize = EXEMPT_BYTES;

/// Makes sure that some memory is left.
///
/// Our own long allocations are fallible, but hyper's and the runtime's small ones end the process where there is no memory.
/// So nothing that takes memory for longer, a response or a connection, may take the last of it. The block is never
/// touched, and the system's allocator tends to keep it at hand, so this costs little.
///
/// # Errors
/// Where it is not.
pub(crate) fn check() -> Result<(), TryReserveError> {
    let mut block = Vec::<u8>::new();
    block.try_reserve_exact(BYTES)?;
    // Otherwise the compiler may leave the allocation out.
    black_box(&mut block);
    Ok(())
}

/// Makes sure of it, but not each time where little is taken.
#[derive(Debug, Default)]
pub(crate) struct Headroom {
    /// What may be taken before the next look.
    allowed: Cell<usize>,
}

impl Headroom {
    /// Makes sure that some memory is left after `bytes` were taken.
    ///
    /// # Errors
    /// Where it is not.
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
