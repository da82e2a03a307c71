//! How many numbers are reserved at a time.

use std::time::{Duration, Instant};

/// About how long a reservation should last. Making one durable takes milliseconds, and the only thread waits for it.
const INTERVAL: Duration = Duration::from_secs(1);

/// The fewest numbers reserved at a time.
const LEAST: u64 = 16;

/// The most numbers reserved at a time, more than can be given in a second.
const MOST: u64 = 1 << 20;

/// A reservation is at most so many times as long as the one before.
const GROWTH: u64 = 16;

/// Adapts the length of reservations to the rate at which numbers are taken.
#[derive(Debug)]
pub(super) struct Pace {
    length: u64,
    since: Option<Instant>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { length: LEAST, since: None }
    }

    /// How many numbers to reserve now, where `taken` were taken since the last time.
    pub(super) fn next_length(&mut self, taken: u64, now: Instant) -> u64 {
        if let Some(since) = self.since.replace(now) {
            let elapsed = now.duration_since(since).as_nanos().max(1);
            let in_an_interval = u128::from(taken) * INTERVAL.as_nanos() / elapsed;
            let most = MOST.min(self.length.saturating_mul(GROWTH));
            self.length = u64::try_from(in_an_interval).unwrap_or(u64::MAX).clamp(LEAST, most);
        }
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The count of reservations, and the last one's length, for numbers taken at a steady rate.
    fn take(pace: &mut Pace, count: u64, interval: Duration, now: &mut Instant) -> (u64, u64) {
        let (mut reservations, mut left, mut length) = (0, 0, 0);
        for _ in 0..count {
            if left == 0 {
                let taken = length;
                length = pace.next_length(taken, *now);
                left = length;
                reservations += 1;
            }
            left -= 1;
            *now += interval;
        }
        (reservations, length)
    }

    #[test]
    fn a_reservation_lasts_about_a_second_at_any_rate() {
        for rate in [100, 10_000, 160_000, 1_000_000] {
            let (mut pace, mut now) = (Pace::new(), Instant::now());
            let interval = Duration::from_secs(1) / u32::try_from(rate).expect("small");
            let (reservations, length) = take(&mut pace, 20 * rate, interval, &mut now);
            assert!((rate * 9 / 10..=rate * 11 / 10).contains(&length), "{rate}: {length}");
            // One a second, and some until the length is found.
            assert!((20..=26).contains(&reservations), "{rate}: {reservations}");
        }
    }

    #[test]
    fn slow_takers_reserve_few() {
        let (mut pace, mut now) = (Pace::new(), Instant::now());
        let (reservations, length) = take(&mut pace, 160, Duration::from_secs(1), &mut now);
        assert_eq!((reservations, length), (10, LEAST));
    }

    #[test]
    fn what_was_fast_once_is_forgotten() {
        let (mut pace, mut now) = (Pace::new(), Instant::now());
        let (_, length) = take(&mut pace, 1_000_000, Duration::from_micros(10), &mut now);
        assert!(length > 80_000, "{length}");
        now += Duration::from_secs(3600);
        assert!(pace.next_length(length, now) < 30);
    }

    #[test]
    fn no_clock_makes_it_too_long_or_too_short() {
        let now = Instant::now();
        let mut pace = Pace::new();
        // The clock stands still.
        let lengths: Vec<u64> = (0..7).map(|_| pace.next_length(u64::MAX, now)).collect();
        assert_eq!(lengths, [16, 256, 4096, 65_536, MOST, MOST, MOST]);
        assert_eq!(pace.next_length(0, now), LEAST);
    }
}
