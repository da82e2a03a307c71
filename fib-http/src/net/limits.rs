//! Limits that the system sets to this process.

use tracing::warn;

/// Descriptors kept for other uses than connections: standard streams, the runtime, listeners, the memory guard's files.
#[cfg(unix)]
const OTHER_DESCRIPTORS: u64 = 32;

/// `wanted` connections, or as many as the limit on open files allows.
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

/// `wanted` connections: this system has no limit that could be asked for.
#[cfg(not(unix))]
pub(crate) fn connections(wanted: usize) -> usize {
    wanted
}
