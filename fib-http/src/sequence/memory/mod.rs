//! The memory guard, which watches the machine and the cgroups around the process.

#[cfg(target_os = "linux")]
mod cgroup;
mod reading;
mod system;
mod usage;

use std::fmt;
use std::rc::Rc;

use coarsetime::{Duration, Instant};
use fib_core::{Demand, Exhausted, MemoryGuard};

use self::reading::Known;
pub use self::reading::Reading;
pub(crate) use self::usage::Bytes;
pub use self::usage::{Threshold, ThresholdError, Usage};
use super::in_flight::InFlight;

/// How long a reading is used. One takes about a dozen files, and as long as some thousand steps.
/// The clock is a coarse one, some milliseconds behind: the exact one takes 25 ns, 5 % of a step.
pub(crate) const READING_AGE: Duration = Duration::from_millis(100);

/// While both values together hold no more bytes than this, nothing is refused: there is nothing worth freeing, and a busy
/// neighbour must not keep the service at its first numbers for ever.
pub(crate) const EXEMPT_BYTES: usize = 64 * 1024;

/// Refuses memory where the machine, or a cgroup around the process, would have more of it in use than a [`Threshold`]
/// allows. The one with the least room counts.
///
/// It never refuses a step while both values together hold at most 64 KiB, which is about up to F(369,000). A reading is used
/// for 100 ms, and what was admitted since then is added to it. Where memory cannot be read, the last good reading counts;
/// where there is none, nothing is refused.
pub struct SystemMemory {
    threshold: Threshold,
    source: Box<dyn FnMut() -> Reading>,
    clock: Box<dyn Fn() -> Instant>,
    /// The memory of numbers in flight, which is in use for clients and not for the sequence.
    in_flight: Rc<InFlight>,
    known: Known,
    latest: Option<Latest>,
    refusal: Option<AboveThreshold>,
}

/// The latest reading, and what has changed since then.
#[derive(Debug)]
struct Latest {
    taken: Instant,
    /// `None` where nothing is known.
    usage: Option<Usage>,
    /// What numbers in flight held then.
    in_flight: u64,
    /// The bytes by which the values have grown since then.
    grown: u64,
}

/// What is known of the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// The one with the least room, of machine and cgroups; `None` where nothing is known.
    pub(crate) usage: Option<Usage>,
    /// Whether the latest reading succeeded. Otherwise an older one counts, or none.
    pub(crate) is_known: bool,
}

/// Memory would be above the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AboveThreshold {
    /// The bytes in use.
    pub used: u64,
    /// The bytes that were asked for.
    pub needed: u64,
    /// The bytes that may be in use.
    pub allowed: u64,
    /// The bytes that would be missing all the same if no number were in flight.
    pub missing: u64,
}

impl fmt::Display for AboveThreshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [used, needed, allowed] = [self.used, self.needed, self.allowed].map(Bytes);
        write!(f, "memory is short: {used} in use and {needed} more needed, {allowed} allowed")
    }
}

impl std::error::Error for AboveThreshold {}

impl SystemMemory {
    /// Watches the memory of this machine and of the cgroups around this process.
    #[must_use]
    pub fn of_this_process(threshold: Threshold) -> Self {
        Self::with_readings(threshold, system::readings())
    }

    /// Takes its readings from `source`.
    #[must_use]
    pub fn with_readings(threshold: Threshold, source: impl FnMut() -> Reading + 'static) -> Self {
        Self {
            threshold,
            source: Box::new(source),
            clock: Box::new(Instant::now),
            in_flight: Rc::new(InFlight::new(0)),
            known: Known::default(),
            latest: None,
            refusal: None,
        }
    }

    /// The same guard with another clock.
    #[cfg(test)]
    pub(crate) fn with_clock(self, clock: impl Fn() -> Instant + 'static) -> Self {
        Self { clock: Box::new(clock), ..self }
    }

    /// From now on the memory of `in_flight` counts as held by clients.
    pub(crate) fn set_in_flight(&mut self, in_flight: Rc<InFlight>) {
        self.in_flight = in_flight;
        self.latest = None;
    }

    /// Takes a new reading when it is asked next, because memory has been freed.
    pub(crate) fn read_again(&mut self) {
        self.latest = None;
    }

    /// Tells whether memory is above the threshold now.
    ///
    /// # Errors
    /// The reading that is above.
    pub fn check(&mut self) -> Result<(), Usage> {
        self.latest().usage.filter(|usage| usage.room() < 0).map_or(Ok(()), Err)
    }

    /// What is known of the memory, as of at most 100 ms ago.
    pub(crate) fn memory(&mut self) -> Memory {
        let usage = self.latest().usage;
        Memory { usage, is_known: !self.known.is_blind() }
    }

    /// The memory that there is: the machine's, or a cgroup's limit where that is less; `u64::MAX` where nothing is known.
    pub(crate) fn total(&mut self) -> u64 {
        self.latest();
        self.known.total().unwrap_or(u64::MAX)
    }

    /// The time by the guard's clock.
    pub(crate) fn now(&self) -> Instant {
        (self.clock)()
    }

    /// The latest refusal of a step.
    pub(crate) fn refusal(&self) -> Option<AboveThreshold> {
        self.refusal
    }

    /// Lets `bytes` more be taken. They count from when they are in flight, or in the next reading.
    ///
    /// # Errors
    /// [`AboveThreshold`] where there is no room for them.
    pub(crate) fn admit_bytes(&mut self, bytes: u64) -> Result<(), AboveThreshold> {
        let in_flight = self.in_flight.load().bytes;
        let latest = self.latest();
        let Some(Usage { used, allowed, .. }) = latest.usage else {
            return Ok(());
        };
        let grown = used.saturating_add(latest.grown);
        let now_used = grown.saturating_add(in_flight.saturating_sub(latest.in_flight));
        if now_used.saturating_add(bytes) <= allowed {
            return Ok(());
        }
        // Twice what is known of clients: the system's own overhead for what it holds for them is not in it.
        let without_clients = grown.saturating_sub(latest.in_flight.saturating_mul(2));
        let missing = without_clients.saturating_add(bytes).saturating_sub(allowed);
        Err(AboveThreshold { used: now_used, needed: bytes, allowed, missing })
    }

    /// The latest reading, or a new one where that is too old.
    fn latest(&mut self) -> &mut Latest {
        let now = self.now();
        let latest = self.latest.take().filter(|latest| now.duration_since(latest.taken) < READING_AGE);
        let latest = latest.unwrap_or_else(|| {
            self.known.update((self.source)());
            let usage = self.known.tightest(self.threshold);
            Latest { taken: now, usage, in_flight: self.in_flight.load().bytes, grown: 0 }
        });
        self.latest.insert(latest)
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
        // The second part is about a jump, which holds nothing yet.
        if demand.held <= EXEMPT_BYTES && demand.additional <= EXEMPT_BYTES {
            return Ok(());
        }
        match self.admit_bytes(demand.additional as u64) {
            Ok(()) => {
                if demand.additional > 0 {
                    self.latest().grown += growth(demand) as u64;
                }
                Ok(())
            }
            Err(refusal) => {
                self.refusal = Some(refusal);
                Err(Exhausted::refused())
            }
        }
    }
}

/// How many more bytes both values hold after the step: a new block takes the place of an old one, about half of what is
/// held.
fn growth(demand: Demand) -> usize {
    demand.additional.saturating_sub(demand.held / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// A guard at 50 %, and what it believes.
    struct Watched {
        guard: SystemMemory,
        used: Rc<Cell<u64>>,
        readings: Rc<Cell<u32>>,
        milliseconds: Rc<Cell<u64>>,
    }

    impl Watched {
        /// `used` of 1,000,000 bytes are in use.
        fn new(used: u64) -> Self {
            let [used, milliseconds] = [used, 0].map(|value| Rc::new(Cell::new(value)));
            let readings = Rc::new(Cell::new(0));
            let (source, count, time) = (Rc::clone(&used), Rc::clone(&readings), Rc::clone(&milliseconds));
            let start = Instant::now();
            let guard = SystemMemory::with_readings(Threshold::new(50.0).expect("valid"), move || {
                count.set(count.get() + 1);
                Reading::of_machine(source.get(), 1_000_000)
            })
            .with_clock(move || start + Duration::from_millis(time.get()));
            Self { guard, used, readings, milliseconds }
        }

        /// What it believes is `used` from now on, and it looks again.
        fn change(&self, used: u64) {
            self.used.set(used);
            self.milliseconds.set(self.milliseconds.get() + 100);
        }
    }

    #[test]
    fn what_is_admitted_stays_within_the_threshold() {
        let mut guard = Watched::new(400_000).guard;
        assert!(guard.admit(Demand::new(200_000, 100_001)).is_err());
        assert!(guard.admit(Demand::new(200_000, 100_000)).is_ok());
        assert!(guard.admit(Demand::new(200_000, 0)).is_ok());
    }

    #[test]
    fn above_the_threshold_even_a_step_that_takes_nothing_is_refused() {
        let mut guard = Watched::new(500_001).guard;
        assert!(guard.admit(Demand::new(EXEMPT_BYTES + 1, 0)).is_err());
        assert!(guard.check().is_err());
        assert!(format!("{guard:?}").contains("used: 500001"), "{guard:?}");
        assert!(Watched::new(500_000).guard.check().is_ok());
    }

    #[test]
    fn what_was_admitted_counts_before_it_is_read() {
        let Watched { mut guard, .. } = Watched::new(400_000);
        // The old block of 50,000 bytes is freed.
        assert!(guard.admit(Demand::new(100_000, 100_000)).is_ok());
        assert!(guard.admit(Demand::new(150_000, 50_001)).is_err());
        assert!(guard.admit(Demand::new(150_000, 50_000)).is_ok());
    }

    #[test]
    fn what_is_in_flight_counts_before_it_is_read_and_is_the_clients_part() {
        let watched = Watched::new(400_000);
        let mut guard = watched.guard;
        let in_flight = Rc::new(InFlight::new(1_000_000));
        guard.set_in_flight(Rc::clone(&in_flight));
        assert!(guard.admit_bytes(100_000).is_ok());
        let number = in_flight.reserve(60_000, 0).expect("room");
        assert!(guard.admit_bytes(40_000).is_ok());
        let refusal = guard.admit_bytes(40_001).expect_err("no room");
        assert_eq!((refusal.used, refusal.needed, refusal.allowed), (460_000, 40_001, 500_000));
        assert_eq!(refusal.missing, 0, "it would fit without that number");
        // The same by a reading.
        watched.used.set(460_000);
        watched.milliseconds.set(100);
        assert_eq!(guard.admit_bytes(40_001).expect_err("no room").missing, 0);
        // The clients' part is not the cause.
        watched.used.set(700_000);
        watched.milliseconds.set(200);
        assert_eq!(guard.admit_bytes(1).expect_err("no room").missing, 80_001);
        drop(number);
    }

    #[test]
    fn a_step_is_refused_only_where_more_than_64_kib_are_held() {
        let Watched { mut guard, readings, .. } = Watched::new(u64::MAX);
        for demand in [Demand::new(0, 64), Demand::new(EXEMPT_BYTES, 0), Demand::new(EXEMPT_BYTES, EXEMPT_BYTES)] {
            assert!(guard.admit(demand).is_ok(), "{demand:?}");
        }
        assert_eq!(readings.get(), 0, "it costs no reading");
        assert!(guard.admit(Demand::new(EXEMPT_BYTES + 1, 0)).is_err());
        assert!(guard.admit(Demand::new(0, EXEMPT_BYTES + 1)).is_err(), "a jump");
    }

    #[test]
    fn a_reading_is_used_for_a_while() {
        let mut watched = Watched::new(0);
        for time in [0, 0, 99, 99] {
            watched.milliseconds.set(time);
            assert!(watched.guard.admit(Demand::new(200_000, 0)).is_ok());
            assert_eq!(watched.readings.get(), 1);
        }
        watched.change(500_001);
        assert!(watched.guard.admit(Demand::new(200_000, 0)).is_err());
        assert_eq!(watched.readings.get(), 2);
    }

    #[test]
    fn without_any_reading_nothing_is_refused() {
        let source = || Reading { machine: Err(std::io::Error::other("no /proc")), cgroups: Ok(Vec::new()) };
        let mut guard = SystemMemory::with_readings(Threshold::new(50.0).expect("valid"), source);
        assert!(guard.check().is_ok());
        assert_eq!(guard.memory(), Memory { usage: None, is_known: false });
        assert_eq!(guard.total(), u64::MAX);
        assert!(guard.admit(Demand::new(1 << 40, 1 << 40)).is_ok());
    }
}
