//! Memory that is left for what cannot fail gracefully.

use std::collections::TryReserveError;
use std::hint::black_box;

/// What must be left: enough for the small allocations of hyper and the runtime.
const BYTES: usize = 1024 * 1024;

/// Makes sure that some memory is left.
///
/// Our own long allocations are fallible, but hyper's and the runtime's small ones end the process where there is no memory.
/// So nothing that takes memory for longer, a response or a connection, may take the last of it. The block is never
/// touched, and the system's allocator tends to keep it at hand, so this costs little.
pub(crate) fn check() -> Result<(), TryReserveError> {
    let mut block = Vec::<u8>::new();
    block.try_reserve_exact(BYTES)?;
    // Otherwise the compiler may leave the allocation out.
    black_box(&mut block);
    Ok(())
}
