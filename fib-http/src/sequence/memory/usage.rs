//! Memory in use, and the share of it that may be in use.

use std::fmt;
use std::str::FromStr;

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

/// The error of parsing a [`Threshold`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThresholdError;

impl fmt::Display for ThresholdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a percentage above 0 and at most 100")
    }
}

impl std::error::Error for ThresholdError {}

/// The memory in use, and how much of it a [`Threshold`] allows, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The bytes in use.
    pub used: u64,
    /// All bytes that there are: the machine's memory, or a cgroup's limit.
    pub total: u64,
    /// The bytes that may be in use.
    pub allowed: u64,
}

impl Usage {
    pub(super) fn new((used, total): (u64, u64), threshold: Threshold) -> Self {
        Self { used, total, allowed: threshold.of(total) }
    }

    /// The share in use, in percent.
    #[must_use]
    pub fn percent(&self) -> f64 {
        self.used as f64 / self.total as f64 * 100.0
    }

    /// The bytes that may still be taken; negative if more is in use than allowed.
    pub(super) fn room(&self) -> i128 {
        i128::from(self.allowed) - i128::from(self.used)
    }
}

/// A number of bytes, displayed in KiB, MiB or GiB.
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn the_share_in_use_is_shown_in_percent() {
        assert_eq!(Usage { used: 3, total: 4, allowed: 2 }.percent().to_string(), "75");
    }

    #[test]
    fn bytes_are_shown_in_a_unit_that_suits_them() {
        let shown = [0, 1536, 1 << 20, 3 << 29].map(|bytes| Bytes(bytes).to_string());
        assert_eq!(shown, ["0.0 KiB", "1.5 KiB", "1.0 MiB", "1.5 GiB"]);
    }
}
