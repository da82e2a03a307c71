//! Which boot of the machine this is: the page cache does not outlive it.

use std::fmt;

use sysinfo::System;

/// How far apart two readings of one boot time may be, in seconds: some systems compute it from the clock and the uptime.
const TOLERANCE_SECONDS: u64 = 2;

/// Identifies a boot of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boot {
    /// Not known. This is never the same boot as another one.
    Unknown,
    /// The random number that Linux chooses at each boot.
    Id(u128),
    /// The time of the boot in seconds since 1970, where there is no such number.
    Time(u64),
}

impl Boot {
    /// The boot that this process runs in.
    #[must_use]
    pub fn current() -> Self {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        if let Some(id) = id.as_deref().and_then(parse_id) {
            return Self::Id(id);
        }
        match System::boot_time() {
            Ok(seconds) if seconds > 0 => Self::Time(seconds),
            _ => Self::Unknown,
        }
    }

    /// Whether both are certainly the same boot.
    #[must_use]
    pub fn is_same_as(self, other: Self) -> bool {
        match (self, other) {
            (Self::Id(a), Self::Id(b)) => a == b,
            (Self::Time(a), Self::Time(b)) => a.abs_diff(b) <= TOLERANCE_SECONDS,
            _ => false,
        }
    }

    /// Whether both are certainly different boots. A time can look different after the clock was set.
    #[must_use]
    pub fn is_other_than(self, other: Self) -> bool {
        matches!((self, other), (Self::Id(a), Self::Id(b)) if a != b)
    }

    /// A kind and its value, for a file.
    pub(super) fn to_parts(self) -> (u8, u128) {
        match self {
            Self::Unknown => (0, 0),
            Self::Id(id) => (1, id),
            Self::Time(seconds) => (2, seconds.into()),
        }
    }

    pub(super) fn from_parts(kind: u8, value: u128) -> Option<Self> {
        match (kind, value) {
            (0, 0) => Some(Self::Unknown),
            (1, id) => Some(Self::Id(id)),
            (2, seconds) => Some(Self::Time(seconds.try_into().ok()?)),
            _ => None,
        }
    }
}

impl fmt::Display for Boot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown"),
            Self::Id(id) => write!(f, "{id:032x}"),
            Self::Time(seconds) => write!(f, "at {seconds} s since 1970"),
        }
    }
}

/// A UUID as Linux writes it.
fn parse_id(text: &str) -> Option<u128> {
    let digits = text.trim_ascii_end().replace('-', "");
    if digits.len() != 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(&digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boots_are_told_apart() {
        assert!(Boot::Id(7).is_same_as(Boot::Id(7)));
        assert!(!Boot::Id(7).is_same_as(Boot::Id(8)));
        assert!(!Boot::Id(7).is_same_as(Boot::Time(7)));
        assert!(Boot::Time(100).is_same_as(Boot::Time(102)));
        assert!(Boot::Time(102).is_same_as(Boot::Time(100)));
        assert!(!Boot::Time(100).is_same_as(Boot::Time(103)));
        assert!(!Boot::Unknown.is_same_as(Boot::Unknown));
        assert!(Boot::Id(7).is_other_than(Boot::Id(8)));
        assert!(!Boot::Id(7).is_other_than(Boot::Id(7)));
        assert!(!Boot::Time(7).is_other_than(Boot::Time(1000)));
        assert!(!Boot::Unknown.is_other_than(Boot::Id(7)));
    }

    #[test]
    fn this_boot_is_the_same_twice() {
        let boot = Boot::current();
        assert!(boot.is_same_as(Boot::current()), "{boot}");
        if cfg!(target_os = "linux") {
            assert!(matches!(boot, Boot::Id(_)), "{boot}");
        }
    }

    #[test]
    fn ids_are_parsed() {
        assert_eq!(parse_id("00000000-0000-0000-0000-0000000000ff\n"), Some(255));
        for bad in ["", "0", "+0000000-0000-0000-0000-0000000000ff", "zz000000-0000-0000-0000-0000000000ff"] {
            assert_eq!(parse_id(bad), None, "{bad}");
        }
    }

    #[test]
    fn parts_make_the_whole() {
        for boot in [Boot::Unknown, Boot::Id(u128::MAX), Boot::Time(u64::MAX)] {
            let (kind, value) = boot.to_parts();
            assert_eq!(Boot::from_parts(kind, value), Some(boot));
        }
        for (kind, value) in [(0, 1), (2, u128::MAX), (3, 0)] {
            assert_eq!(Boot::from_parts(kind, value), None);
        }
    }
}
