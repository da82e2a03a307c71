//! Why a number cannot be given now.

use std::collections::TryReserveError;
use std::fmt;

use fib_core::Exhausted;

use super::in_flight::OverBudget;
use super::memory::AboveThreshold;
use crate::position::Unavailable;

/// There is no memory for a number or for its text, or the position cannot be moved. Nothing was consumed.
#[derive(Debug)]
pub enum Shortage {
    /// The numbers in flight hold as much memory as they may.
    InFlight(OverBudget),
    /// Memory would be above the threshold.
    Threshold(AboveThreshold),
    /// The number could not grow, or could not be copied.
    Number(Exhausted),
    /// There is no memory for the number's text.
    Text(TryReserveError),
    /// The position cannot be moved.
    Position(Unavailable),
}

impl From<OverBudget> for Shortage {
    fn from(over: OverBudget) -> Self {
        Self::InFlight(over)
    }
}

impl From<AboveThreshold> for Shortage {
    fn from(above: AboveThreshold) -> Self {
        Self::Threshold(above)
    }
}

impl From<Exhausted> for Shortage {
    fn from(exhausted: Exhausted) -> Self {
        Self::Number(exhausted)
    }
}

impl From<TryReserveError> for Shortage {
    fn from(error: TryReserveError) -> Self {
        Self::Text(error)
    }
}

impl From<Unavailable> for Shortage {
    fn from(unavailable: Unavailable) -> Self {
        Self::Position(unavailable)
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InFlight(over) => over.fmt(f),
            Self::Threshold(above) => above.fmt(f),
            Self::Number(exhausted) => exhausted.fmt(f),
            Self::Position(unavailable) => unavailable.fmt(f),
            Self::Text(_) => f.write_str("there is no memory for the response"),
        }
    }
}

impl std::error::Error for Shortage {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_says_what_is_short() {
        let text = Vec::<u8>::new().try_reserve(usize::MAX).expect_err("more than there is");
        let above = AboveThreshold { used: 3 << 20, needed: 1536, allowed: 3 << 20, missing: 1536 };
        for (shortage, message) in [
            (Shortage::from(OverBudget), "the responses in flight hold as much memory as they may"),
            (Shortage::from(above), "3.0 MiB in use and 1.5 KiB more needed, 3.0 MiB allowed"),
            (Shortage::from(Exhausted::refused()), "the memory guard refused"),
            (Shortage::from(Unavailable::after_the_last()), "the last position has been reached"),
            (Shortage::from(text), "there is no memory for the response"),
        ] {
            assert!(shortage.to_string().contains(message), "{shortage}");
        }
    }
}
