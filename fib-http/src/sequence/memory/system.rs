//! Readings of the system that this process runs on.

use std::io;

use sysinfo::{MemoryRefreshKind, System};

#[cfg(target_os = "linux")]
use super::cgroup::Cgroups;
use super::reading::Reading;

/// Reads the memory of this machine and of the cgroups around this process.
#[cfg(target_os = "linux")]
pub(super) fn readings() -> impl FnMut() -> Reading {
    let mut cgroups = Cgroups::of_this_process("/".into());
    move || Reading { machine: machine(), cgroups: cgroups.read() }
}

/// Reads the memory of this machine.
#[cfg(not(target_os = "linux"))]
pub(super) fn readings() -> impl FnMut() -> Reading {
    || Reading { machine: machine(), cgroups: Ok(Vec::new()) }
}

/// The machine's memory in use, and all of it.
fn machine() -> io::Result<(u64, u64)> {
    // A new one each time: an old one would keep its figures where they cannot be read, and not tell.
    let mut system = System::new().map_err(|error| io::Error::other(error.to_string()))?;
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    match system.total_memory() {
        0 => Err(io::Error::other("the memory of the machine is unknown")),
        total => Ok((system.used_memory(), total)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_can_be_read() {
        let reading = readings()();
        let (used, total) = reading.machine.expect("a known system");
        assert!(used > 0 && used <= total, "{used} of {total}");
        // Whether there is a limit depends on where this runs.
        assert!(reading.cgroups.is_ok(), "{:?}", reading.cgroups);
    }
}
