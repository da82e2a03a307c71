//! The memory guard that watches the machine and the cgroup.

use std::fmt;
use std::str::FromStr;

use coarsetime::{Duration, Instant};
use fib_core::{Demand, Exhausted, MemoryGuard};
use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, System};
use tracing::warn;

/// How long a reading is used. One costs about 0.13 ms, as much as some thousand steps.
/// The clock is a coarse one, some milliseconds behind: the exact one takes 25 ns, 5 % of a step.
const READING_AGE: Duration = Duration::from_millis(100);

/// Bytes of both values together below which nothing is refused: there is nothing worth freeing, and a busy neighbour must
/// not keep the service at its first numbers for ever.
pub(crate) const EXEMPT_BYTES: usize = 64 * 1024;

/// A share of the memory in percent: above 0, at most 100.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Threshold(f64);

impl Threshold {
    /// The threshold of `percent` percent, or `None` unless that is above 0 and at most 100.
    #[must_use]
    pub fn new(percent: f64) -> Option<Self> {
        (percent > 0.0 && percent <= 100.0).then_some(Self(percent))
    }

    /// The bytes of `total` that may be in use.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a u64")]
    fn of(self, total: u64) -> u64 {
        ((total as f64 / 100.0) * self.0) as u64
    }
}

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().ok().and_then(Self::new).ok_or(ThresholdError)
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text is no [`Threshold`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThresholdError;

impl fmt::Display for ThresholdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a number of percent above 0 and at most 100")
    }
}

impl std::error::Error for ThresholdError {}

/// What one look at the memory says, in bytes in use and bytes in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The machine's memory.
    pub machine: (u64, u64),
    /// The resident memory and the limit of the process's cgroup, where there is a limit.
    pub cgroup: Option<(u64, u64)>,
}

/// Memory in use, and how much of it a [`Threshold`] allows, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// In use.
    pub used: u64,
    /// In all.
    pub total: u64,
    /// May be in use.
    pub allowed: u64,
}

impl Usage {
    /// The share in use, in percent.
    #[must_use]
    pub fn percent(&self) -> f64 {
        self.used as f64 / self.total as f64 * 100.0
    }

    /// The bytes that may still be taken; `None` where more is in use than allowed.
    fn room(&self) -> Option<u64> {
        self.allowed.checked_sub(self.used)
    }
}

/// A number of bytes, displayed in the unit that suits it.
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0..0x10_0000 => (1_u64 << 10, "KiB"),
            0x10_0000..0x4000_0000 => (1 << 20, "MiB"),
            _ => (1 << 30, "GiB"),
        };
        write!(f, "{:.1} {name}", self.0 as f64 / unit as f64)
    }
}

/// Refuses to let a number grow where the machine, or the process's cgroup, would have more memory in use than a
/// [`Threshold`] allows, whichever is tighter.
///
/// It never refuses while both values together need at most 64 KiB, which is about up to F(372,000). A reading is kept for
/// 100 ms.
pub struct SystemMemory {
    threshold: Threshold,
    source: Box<dyn FnMut() -> Reading>,
    latest: Option<(Instant, Usage)>,
}

impl SystemMemory {
    /// Watches the memory of this machine and of this process's cgroup.
    #[must_use]
    pub fn of_this_process(threshold: Threshold) -> Self {
        Self::with_readings(threshold, system_readings())
    }

    /// Takes its readings from `source`.
    #[must_use]
    pub fn with_readings(threshold: Threshold, source: impl FnMut() -> Reading + 'static) -> Self {
        Self { threshold, source: Box::new(source), latest: None }
    }

    /// Tells whether memory is above the threshold now.
    ///
    /// # Errors
    /// The reading that is above.
    pub fn check(&mut self) -> Result<(), Usage> {
        let usage = self.usage();
        usage.room().map(drop).ok_or(usage)
    }

    /// The tighter one of machine and cgroup, as of at most 100 ms ago.
    pub(crate) fn usage(&mut self) -> Usage {
        let now = Instant::now();
        match self.latest {
            Some((taken, usage)) if now.duration_since(taken) < READING_AGE => usage,
            _ => {
                let reading = (self.source)();
                let usage = self.tighter(reading);
                self.latest = Some((now, usage));
                usage
            }
        }
    }

    /// The memory that there is: the machine's, or the cgroup's limit where that is less.
    pub(crate) fn total(&mut self) -> u64 {
        let reading = (self.source)();
        reading.cgroup.map_or(u64::MAX, |(_, limit)| limit).min(reading.machine.1)
    }

    /// The one with less room, of machine and cgroup.
    fn tighter(&self, reading: Reading) -> Usage {
        let usage = |(used, total)| Usage { used, total, allowed: self.threshold.of(total) };
        let machine = usage(reading.machine);
        match reading.cgroup.map(usage) {
            // `None`, no room at all, is less than any room.
            Some(cgroup) if cgroup.room() < machine.room() => cgroup,
            _ => machine,
        }
    }
}

impl fmt::Debug for SystemMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemMemory")
            .field("threshold", &self.threshold)
            .field("latest", &self.latest)
            .finish_non_exhaustive()
    }
}

impl MemoryGuard for SystemMemory {
    fn admit(&mut self, demand: Demand) -> Result<(), Exhausted> {
        if settled(demand) <= EXEMPT_BYTES {
            return Ok(());
        }
        match self.usage().room() {
            Some(room) if demand.additional as u64 <= room => Ok(()),
            _ => Err(Exhausted::refused()),
        }
    }
}

/// What both values need after the step: a block that grows takes the place of an old one, about half of what is held.
fn settled(demand: Demand) -> usize {
    if demand.additional == 0 { demand.held } else { demand.held.div_ceil(2).saturating_add(demand.additional) }
}

/// The readings of the system that this process runs on.
fn system_readings() -> impl FnMut() -> Reading {
    let unlimited = Reading { machine: (0, u64::MAX), cgroup: None };
    let mut system = System::new()
        .inspect_err(|error| warn!("the memory in use cannot be read, so there is no threshold: {error}"))
        .ok();
    // The process is looked up once; its cgroup's limits are read each time.
    let pid = sysinfo::get_current_pid().ok();
    if let (Some(system), Some(pid)) = (&mut system, pid) {
        let kind = ProcessRefreshKind::nothing().without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, kind);
    }
    move || system.as_mut().map_or(unlimited, |system| read(system, pid))
}

fn read(system: &mut System, pid: Option<Pid>) -> Reading {
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    Reading {
        machine: (system.used_memory(), system.total_memory()),
        // Not its `free_memory`, which counts page cache as used.
        cgroup: pid
            .and_then(|pid| system.process(pid)?.cgroup_limits())
            .map(|limits| (limits.rss, limits.total_memory)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    /// A guard at 50 % that sees `reading`, and a count of the readings taken.
    fn guard(reading: Reading) -> (SystemMemory, Rc<Cell<u32>>) {
        let taken = Rc::new(Cell::new(0));
        let counter = Rc::clone(&taken);
        let half = Threshold::new(50.0).expect("valid");
        let guard = SystemMemory::with_readings(half, move || {
            counter.set(counter.get() + 1);
            reading
        });
        (guard, taken)
    }

    fn machine(used: u64, total: u64) -> Reading {
        Reading { machine: (used, total), cgroup: None }
    }

    #[test]
    fn thresholds_are_checked() {
        for good in ["90", "0.5", "100", "1e1", "99.99"] {
            assert!(good.parse::<Threshold>().is_ok(), "{good}");
        }
        for bad in ["0", "-0", "-1", "100.01", "101", "nan", "NaN", "inf", "-inf", "", " 90", "90%", "x"] {
            assert_eq!(bad.parse::<Threshold>(), Err(ThresholdError), "{bad}");
        }
        assert_eq!("12.5".parse::<Threshold>().expect("valid").to_string(), "12.5");
        assert_eq!(Threshold::new(100.0).expect("valid").of(24 << 30), 24 << 30);
    }

    #[test]
    fn what_is_admitted_stays_within_the_threshold() {
        let (mut guard, _) = guard(machine(400_000, 1_000_000));
        assert!(guard.admit(Demand::new(200_000, 100_000)).is_ok());
        assert!(guard.admit(Demand::new(200_000, 100_001)).is_err());
        assert!(guard.admit(Demand::new(200_000, 0)).is_ok());
    }

    #[test]
    fn above_the_threshold_even_a_step_that_takes_nothing_is_refused() {
        let (mut guard, _) = guard(machine(500_001, 1_000_000));
        assert!(guard.admit(Demand::new(EXEMPT_BYTES + 1, 0)).is_err());
        assert!(guard.check().is_err());
        assert!(format!("{guard:?}").contains("used: 500001"), "{guard:?}");
    }

    #[test]
    fn short_numbers_are_always_admitted_and_cost_no_reading() {
        let (mut guard, taken) = guard(machine(u64::MAX, 1));
        for demand in [Demand::new(0, 64), Demand::new(EXEMPT_BYTES, 0), Demand::new(EXEMPT_BYTES, EXEMPT_BYTES / 2)] {
            assert!(guard.admit(demand).is_ok(), "{demand:?}");
        }
        assert_eq!(taken.get(), 0);
        assert!(guard.admit(Demand::new(EXEMPT_BYTES, EXEMPT_BYTES / 2 + 1)).is_err());
    }

    #[test]
    fn a_reading_is_kept_for_a_while() {
        let (mut guard, taken) = guard(machine(0, 1_000_000));
        let start = Instant::now();
        for _ in 0..1000 {
            assert!(guard.admit(Demand::new(200_000, 0)).is_ok());
        }
        let most = 1 + start.elapsed().as_millis() / READING_AGE.as_millis();
        assert!(u64::from(taken.get()) <= most, "{} readings, at most {most}", taken.get());
        std::thread::sleep((READING_AGE * 2).into());
        let before = taken.get();
        assert!(guard.admit(Demand::new(200_000, 0)).is_ok());
        assert_eq!(taken.get(), before + 1);
    }

    #[test]
    fn the_tighter_one_of_machine_and_cgroup_counts() {
        for (cgroup, admitted) in [
            (None, true),
            (Some((0, 1_000_000)), true),
            (Some((0, 199_999)), false),
            (Some((150_000, 300_000)), false),
            (Some((150_001, 300_000)), false),
        ] {
            let machine = (300_000, 1_000_000);
            let (mut guard, _) = guard(Reading { machine, cgroup });
            assert_eq!(guard.admit(Demand::new(200_000, 100_000)).is_ok(), admitted, "{cgroup:?}");
        }
        let (mut guard, _) = guard(Reading { machine: (900_000, 1_000_000), cgroup: Some((0, 300_000)) });
        assert!(guard.admit(Demand::new(200_000, 0)).is_err());
    }

    #[test]
    fn this_machine_can_be_read() {
        let reading = system_readings()();
        assert!(reading.machine.0 > 0 && reading.machine.0 <= reading.machine.1, "{reading:?}");
    }

    #[test]
    fn the_share_in_use_is_shown_in_percent() {
        assert_eq!(Usage { used: 3, total: 4, allowed: 2 }.percent().to_string(), "75");
    }

    #[test]
    fn bytes_are_shown_in_a_unit_that_suits_them() {
        let shown = [0, 1536, 1 << 20, 3 << 29].map(|bytes| Bytes(bytes).to_string());
        assert_eq!(shown, ["0.0 KiB", "1.5 KiB", "1.0 MiB", "1.5 GiB"]);
    }
}
