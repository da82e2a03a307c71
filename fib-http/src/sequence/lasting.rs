//! How long memory has been short: a pass ends only for a shortage that lasts.

use coarsetime::{Duration, Instant};

use super::memory::READING_AGE;

/// A shortage of this length ends a pass if freeing its numbers would end the shortage. A neighbour's short
/// spike costs no position.
const ENDED_BY_A_PASS: Duration = Duration::from_secs(1);

/// A shortage of this length ends a pass even if that would not help: if memory stays short, then other processes need it.
const ANY: Duration = Duration::from_secs(60);

/// A shortage must have been seen this often, however far apart the requests that see it are.
const LEAST_COUNT: u32 = 4;

/// A shortage of memory that no reading has interrupted.
#[derive(Debug)]
pub(crate) struct LastingShortage {
    since: Instant,
    /// The time of the latest look that counts, and the count of these.
    counted: Instant,
    count: u32,
    /// The bytes that are missing, as of the latest look.
    missing: u64,
    /// Whether the log tells of it.
    is_logged: bool,
}

impl LastingShortage {
    /// A shortage of `missing` bytes that is seen for the first time.
    pub(crate) fn new(now: Instant, missing: u64, is_logged: bool) -> Self {
        Self { since: now, counted: now, count: 1, missing, is_logged }
    }

    /// It is seen again. Looks at the same reading count once.
    pub(crate) fn seen_again(&mut self, now: Instant, missing: u64) {
        self.missing = missing;
        if now.duration_since(self.counted) >= READING_AGE {
            self.counted = now;
            self.count = self.count.saturating_add(1);
        }
    }

    pub(crate) fn is_logged(&self) -> bool {
        self.is_logged
    }

    /// How long it has lasted.
    pub(crate) fn age(&self) -> Duration {
        self.counted.duration_since(self.since)
    }

    /// Whether it has lasted long enough to end a pass that holds `held` bytes, while the connections of clients may hold up to
    /// `connections` bytes. Clients must not be able to end a pass: it ends only if it holds more than they do, or if more is
    /// missing.
    pub(crate) fn ends_pass(&self, held: u64, connections: u64) -> bool {
        let helps = held >= self.missing && held > connections && self.age() >= ENDED_BY_A_PASS;
        let stays = self.missing > connections && self.age() >= ANY;
        self.count >= LEAST_COUNT && (helps || stays)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shortage of 1000 bytes that is seen at these times, in milliseconds.
    fn seen(times: &[u64]) -> LastingShortage {
        let start = Instant::now();
        let mut shortage = LastingShortage::new(start, 5, false);
        for &time in times {
            shortage.seen_again(start + Duration::from_millis(time), 1000);
        }
        shortage
    }

    #[test]
    fn it_ends_a_pass_after_a_second_where_that_helps_and_after_a_minute_where_not() {
        for (times, helps, ends) in [
            (&[][..], false, false),
            (&[500, 900, 999], false, false),
            // Nobody asked in between: that is no proof yet.
            (&[5000, 10_000], false, false),
            (&[950, 1000, 1050], false, false),
            (&[400, 800, 1200], true, false),
            (&[5000, 10_000, 15_000], true, false),
            (&[20_000, 40_000, 59_999], true, false),
            (&[20_000, 40_000, 60_000], true, true),
        ] {
            let shortage = seen(times);
            assert_eq!(shortage.ends_pass(1000, 0), helps, "{times:?}");
            assert_eq!(shortage.ends_pass(999, 0), ends, "{times:?}");
        }
    }

    #[test]
    fn it_ends_no_pass_where_connections_may_be_the_cause() {
        let shortage = seen(&[400, 800, 1200]);
        assert!(shortage.ends_pass(5000, 4999));
        assert!(!shortage.ends_pass(5000, 5000));
        let shortage = seen(&[20_000, 40_000, 60_000]);
        assert!(shortage.ends_pass(900, 999));
        assert!(!shortage.ends_pass(900, 1000));
    }
}
