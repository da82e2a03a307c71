//! The values of flags.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// The longest time that a flag accepts, in seconds: a day.
const MAX_SECONDS: f64 = 86_400.0;

/// The most connections that a flag accepts.
const MAX_COUNT: usize = 1_000_000;

/// A time above 0, in seconds.
pub(super) fn time(text: &str) -> Result<Duration, &'static str> {
    time_or_none(text).ok().filter(|time| !time.is_zero()).ok_or("not a number of seconds above 0 and at most 86400")
}

/// A time, in seconds.
pub(super) fn time_or_none(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().ok().filter(|&seconds| seconds <= MAX_SECONDS);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or("not a number of seconds from 0 to 86400")
}

pub(super) fn in_seconds(time: Duration) -> String {
    time.as_secs_f64().to_string()
}

/// A parser of whole numbers in `range`.
pub(super) fn whole<T: Clone + Display + FromStr + PartialOrd>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("not a whole number from {} to {}", range.start(), range.end()))
    }
}

/// A parser of counts of connections.
pub(super) fn count() -> impl Fn(&str) -> Result<usize, String> + Clone {
    whole(1..=MAX_COUNT)
}
