//! What the system allows this process.

use tracing::warn;

/// Descriptors for what is no connection: standard streams, the runtime's, listeners, what the memory guard reads.
#[cfg(unix)]
const OTHER_DESCRIPTORS: u64 = 32;

/// `wanted` connections, or as many as the limit on open files leaves.
#[cfg(unix)]
pub(crate) fn connections(wanted: usize) -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let possible = limit.map_or(usize::MAX, possible);
    if possible < wanted {
        warn!("at most {possible} connections instead of {wanted}: the limit on open files is {}", limit.unwrap_or(0));
    }
    wanted.min(possible)
}

#[cfg(unix)]
fn possible(limit: u64) -> usize {
    usize::try_from(limit.saturating_sub(OTHER_DESCRIPTORS)).unwrap_or(usize::MAX).max(1)
}

/// `wanted` connections: no limit is known here.
#[cfg(not(unix))]
pub(crate) fn connections(wanted: usize) -> usize {
    wanted
}
