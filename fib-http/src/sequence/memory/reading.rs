//! What can be read of the memory in use, and what is known when it cannot be read.

use std::io;

use tracing::{info, warn};

use super::usage::{Threshold, Usage};

/// One reading of the memory, in bytes in use and bytes in all.
#[derive(Debug)]
pub struct Reading {
    /// The machine's memory.
    pub machine: io::Result<(u64, u64)>,
    /// The memory in use and the limit, of each cgroup around the process that has a limit.
    pub cgroups: io::Result<Vec<(u64, u64)>>,
}

impl Reading {
    /// A machine with `used` of `total` bytes in use, and no cgroup with a limit.
    #[must_use]
    pub const fn of_machine(used: u64, total: u64) -> Self {
        Self { machine: Ok((used, total)), cgroups: Ok(Vec::new()) }
    }
}

/// The latest good readings.
#[derive(Debug, Default)]
pub(super) struct Known {
    machine: Option<(u64, u64)>,
    cgroups: Vec<(u64, u64)>,
    is_blind: bool,
}

impl Known {
    /// Takes over what `reading` tells. What it could not tell stays as it was, and that is logged when it begins and when it
    /// ends.
    pub(super) fn update(&mut self, reading: Reading) {
        // A machine without memory is a failed reading too.
        let machine = reading.machine.and_then(|memory| match memory {
            (_, 0) => Err(io::Error::other("the system tells of no memory")),
            memory => Ok(memory),
        });
        let failures = [
            machine.map(|memory| self.machine = Some(memory)).err(),
            reading.cgroups.map(|limits| self.cgroups = limits).err(),
        ];
        let failure = failures.into_iter().flatten().next();
        match (&failure, self.is_blind) {
            (Some(error), false) => {
                let basis =
                    if self.machine.is_some() { "the last good reading counts" } else { "there is no threshold" };
                warn!("cannot read the memory in use; {basis}: {error}");
            }
            (None, true) => info!("the memory in use can be read again"),
            _ => {}
        }
        self.is_blind = failure.is_some();
    }

    /// Whether the latest reading failed.
    pub(super) fn is_blind(&self) -> bool {
        self.is_blind
    }

    /// The memory that there is: the machine's, or the least limit of a cgroup.
    pub(super) fn total(&self) -> Option<u64> {
        self.all().map(|(_, total)| total).min()
    }

    /// The one of machine and cgroups with the least room below `threshold`.
    pub(super) fn tightest(&self, threshold: Threshold) -> Option<Usage> {
        self.all().map(|memory| Usage::new(memory, threshold)).min_by_key(Usage::room)
    }

    fn all(&self) -> impl Iterator<Item = (u64, u64)> {
        self.machine.into_iter().chain(self.cgroups.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half() -> Threshold {
        Threshold::new(50.0).expect("valid")
    }

    fn failure<T>() -> io::Result<T> {
        Err(io::Error::other("it fails"))
    }

    #[test]
    fn the_tightest_one_counts() {
        let machine = (300_000, 1_000_000);
        for (cgroups, tightest) in [
            (vec![], machine),
            (vec![(0, 1_000_000)], machine),
            (vec![(0, 399_999)], (0, 399_999)),
            (vec![(0, 1_000_000), (150_001, 300_000), (0, 900_000)], (150_001, 300_000)),
        ] {
            let mut known = Known::default();
            known.update(Reading { machine: Ok(machine), cgroups: Ok(cgroups) });
            assert_eq!(known.tightest(half()), Some(Usage::new(tightest, half())));
        }
    }

    #[test]
    fn the_total_is_the_least_limit() {
        let mut known = Known::default();
        assert_eq!(known.total(), None);
        known.update(Reading { machine: Ok((5, 100)), cgroups: Ok(vec![(0, 70), (0, 90)]) });
        assert_eq!(known.total(), Some(70));
    }

    #[test]
    fn a_failed_reading_keeps_the_last_good_one() {
        let mut known = Known::default();
        known.update(Reading { machine: Ok((5, 100)), cgroups: Ok(vec![(40, 70)]) });
        assert!(!known.is_blind());
        known.update(Reading { machine: Ok((6, 100)), cgroups: failure() });
        assert!(known.is_blind());
        assert_eq!(known.tightest(half()), Some(Usage::new((40, 70), half())));
        for machine in [failure(), Ok((0, 0))] {
            known.update(Reading { machine, cgroups: Ok(vec![]) });
            assert!(known.is_blind());
            assert_eq!(known.tightest(half()), Some(Usage::new((6, 100), half())));
        }
        known.update(Reading::of_machine(7, 100));
        assert!(!known.is_blind());
    }

    #[test]
    fn nothing_known_is_no_limit() {
        let mut known = Known::default();
        known.update(Reading { machine: Ok((0, 0)), cgroups: failure() });
        assert!(known.is_blind());
        assert_eq!((known.tightest(half()), known.total()), (None, None));
    }
}
