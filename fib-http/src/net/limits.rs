//! The system's limit on open files, which bounds the number of connections.

#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
#[cfg(unix)]
use tracing::{debug, warn};

use crate::error::Error;

/// Descriptors kept for other uses than connections: standard streams, the runtime, listeners, the memory guard's files.
#[cfg(unix)]
const OTHER_DESCRIPTORS: u64 = 32;

/// The soft limit where the hard limit is infinite, which macOS does not accept as a soft limit (its `OPEN_MAX`).
#[cfg(unix)]
const FINITE: u64 = 10_240;

/// Raises the soft limit on open files to the hard one: soft limits are low for the sake of programs that use `select`.
///
/// # Errors
/// When the limit does not suffice for a single connection.
#[cfg(unix)]
pub fn raise_open_files() -> Result<(), Error> {
    let limit = getrlimit(Resource::Nofile);
    let highest = limit.maximum.unwrap_or(FINITE);
    if limit.current.is_some_and(|current| current < highest) {
        let raised = Rlimit { current: Some(highest), maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            debug!("the limit on open files cannot be raised: {error}");
        }
    }
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit <= OTHER_DESCRIPTORS => Err(Error::OpenFiles { limit, needed: OTHER_DESCRIPTORS + 1 }),
        _ => Ok(()),
    }
}

/// Does nothing: this system has no such limit.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn raise_open_files() -> Result<(), Error> {
    Ok(())
}

/// `wanted` connections, or as many as the limit on open files allows besides `reserved` ones. At least one.
#[cfg(unix)]
pub(crate) fn connections(wanted: usize, reserved: usize) -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    let possible = limit.map_or(usize::MAX, |limit| possible(limit, reserved));
    if possible < wanted {
        warn!("at most {possible} connections instead of {wanted}: the limit on open files is {}", limit.unwrap_or(0));
    }
    wanted.min(possible)
}

#[cfg(unix)]
fn possible(limit: u64, reserved: usize) -> usize {
    let descriptors = usize::try_from(limit.saturating_sub(OTHER_DESCRIPTORS)).unwrap_or(usize::MAX);
    descriptors.saturating_sub(reserved).max(1)
}

/// `wanted` connections: this system has no limit on open files.
#[cfg(not(unix))]
pub(crate) fn connections(wanted: usize, _: usize) -> usize {
    wanted
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_connections_that_are_possible_leave_room_for_the_reserved_ones() {
        assert_eq!(possible(100, 16), 52);
        assert_eq!(possible(40, 16), 1);
    }
}
