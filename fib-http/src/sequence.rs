//! The position in the sequence: the only thing that can consume a number.

use std::collections::TryReserveError;
use std::fmt;

use clap::ValueEnum;
use fib_core::{Decimal, Exhausted, Fibonacci, Limb, Natural};
use tracing::warn;

use crate::error::Error;
use crate::headroom::{self, Headroom};
use crate::inflight::OverBudget;
use crate::memory::{EXEMPT_BYTES, SystemMemory, Usage};

/// What a response takes besides its number, in bytes, at most.
const RESPONSE_BYTES: usize = 2048;

/// What happens when memory is short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnMemoryLimit {
    /// Free the numbers and start again at F(0)
    #[default]
    Restart,
    /// Answer 503 and keep the position
    Refuse,
}

/// There is no memory for a number, or for the response that carries it. Nothing was consumed.
#[derive(Clone, Debug)]
pub enum Shortage {
    /// Other responses hold what responses may hold.
    InFlight(OverBudget),
    /// The number could not grow, or could not be copied.
    Number(Exhausted),
    /// There is no memory for the response.
    Response(TryReserveError),
}

impl Shortage {
    /// Whether it would help to free the numbers.
    fn is_of_memory(&self) -> bool {
        !matches!(self, Self::InFlight(_))
    }
}

impl From<OverBudget> for Shortage {
    fn from(over: OverBudget) -> Self {
        Self::InFlight(over)
    }
}

impl From<Exhausted> for Shortage {
    fn from(exhausted: Exhausted) -> Self {
        Self::Number(exhausted)
    }
}

impl From<TryReserveError> for Shortage {
    fn from(error: TryReserveError) -> Self {
        Self::Response(error)
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InFlight(over) => over.fmt(f),
            Self::Number(exhausted) => exhausted.fmt(f),
            Self::Response(_) => f.write_str("there is no memory for the response"),
        }
    }
}

impl std::error::Error for Shortage {}

/// The Fibonacci sequence and the position in it.
#[derive(Debug)]
pub struct Sequence {
    fibonacci: Fibonacci<Decimal, fib_core::Heap, SystemMemory>,
    on_memory_limit: OnMemoryLimit,
    restarts: u64,
    headroom: Headroom,
}

impl Sequence {
    /// The sequence from F(`index`) on.
    ///
    /// # Errors
    /// [`Error::Start`] where memory does not allow it.
    pub fn start_at(index: u64, memory: SystemMemory, on_memory_limit: OnMemoryLimit) -> Result<Self, Error> {
        let mut fibonacci = Fibonacci::new().with_guard(memory);
        let bytes = (Decimal::limbs_for(index) as u64).saturating_mul(2 * size_of::<Limb>() as u64);
        fibonacci.jump_to(index).map_err(|source| Error::Start { index, bytes, source })?;
        Ok(Self { fibonacci, on_memory_limit, restarts: 0, headroom: Headroom::default() })
    }

    /// The index of the number that comes next.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.fibonacci.index()
    }

    /// The decimal digits of the number that comes next, without computing it.
    #[must_use]
    pub fn digits(&self) -> usize {
        Decimal::digits_for(self.index())
    }

    /// What the guard knows of the memory.
    pub(crate) fn memory(&mut self) -> Usage {
        self.fibonacci.guard_mut().look()
    }

    /// How often a shortage of memory has started a new pass.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// Hands the next number and its index to `render`, and consumes it when that has succeeded. A refusal, a failed
    /// allocation or a panic on the way consumes nothing.
    ///
    /// Under [`OnMemoryLimit::Restart`] a shortage starts a new pass, and F(0) is rendered instead; but not while both values
    /// together have at most 64 KiB, since there is nothing worth freeing then.
    ///
    /// # Errors
    /// The shortage, where the position is kept, or where memory is too short even for F(0).
    pub fn next<T>(&mut self, mut render: impl FnMut(&Natural, u64) -> Result<T, Shortage>) -> Result<T, Shortage> {
        match self.commit(&mut render) {
            Err(shortage)
                if shortage.is_of_memory()
                    && self.on_memory_limit == OnMemoryLimit::Restart
                    && self.is_worth_freeing() =>
            {
                warn!("F({}): {shortage}; a new pass starts at F(0)", self.index());
                self.fibonacci.restart();
                self.restarts += 1;
                self.commit(&mut render)
            }
            result => result,
        }
    }

    /// Whether [`next`](Self::next) would find a number. Consumes nothing.
    pub fn is_ready(&mut self) -> bool {
        self.on_memory_limit == OnMemoryLimit::Restart || (self.fibonacci.peek().is_ok() && headroom::check().is_ok())
    }

    fn is_worth_freeing(&self) -> bool {
        self.fibonacci.bytes_held() > EXEMPT_BYTES
    }

    fn commit<T>(&mut self, render: &mut impl FnMut(&Natural, u64) -> Result<T, Shortage>) -> Result<T, Shortage> {
        let index = self.fibonacci.index();
        let number = self.fibonacci.peek()?;
        let bytes = RESPONSE_BYTES + number.digit_count();
        let rendered = render(number, index)?;
        self.headroom.check_after(bytes)?;
        // The number is there already, so nothing can fail from here on.
        self.fibonacci.advance()?;
        Ok(rendered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Reading, Threshold};
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// Both values together have more than 64 KiB here.
    const LONG: u64 = 380_000;

    /// Memory of which `used` of 1,000,000 bytes are in use, at a threshold of 50 %.
    fn memory(used: u64) -> SystemMemory {
        SystemMemory::with_readings(Threshold::new(50.0).expect("valid"), move || Reading {
            machine: (used, 1_000_000),
            cgroup: None,
        })
    }

    fn sequence(index: u64, policy: OnMemoryLimit) -> Sequence {
        Sequence::start_at(index, memory(0), policy).expect("reachable")
    }

    fn text(number: &Natural, index: u64) -> Result<(u64, String), Shortage> {
        Ok((index, number.to_string()))
    }

    fn fail<T>(_: &Natural, _: u64) -> Result<T, Shortage> {
        Err(Shortage::Number(Exhausted::refused()))
    }

    #[test]
    fn numbers_come_in_order() {
        let mut sequence = sequence(0, OnMemoryLimit::Restart);
        let numbers: Vec<_> = (0..8).map(|_| sequence.next(text).expect("memory")).collect();
        let expected = ["0", "1", "1", "2", "3", "5", "8", "13"];
        assert!(numbers.iter().map(|(index, _)| *index).eq(0..8));
        assert!(numbers.iter().map(|(_, number)| number.as_str()).eq(expected));
    }

    #[test]
    fn the_first_number_can_be_chosen() {
        for (index, number) in [(0, "0"), (1, "1"), (2, "1"), (100, "354224848179261915075")] {
            let mut sequence = sequence(index, OnMemoryLimit::Refuse);
            assert_eq!(sequence.digits(), number.len());
            assert_eq!(sequence.next(text).expect("memory"), (index, number.to_owned()));
            assert_eq!(sequence.index(), index + 1);
        }
    }

    #[test]
    fn a_first_number_beyond_the_threshold_is_refused_before_it_is_computed() {
        let index = u64::MAX / 1000;
        let start = Sequence::start_at(index, memory(0), OnMemoryLimit::Restart);
        let Err(Error::Start { bytes, .. }) = start else {
            panic!("{start:?}");
        };
        // 0.209 digits an index and value, 19 of them in a limb.
        assert!((index / 6..index / 5).contains(&bytes), "{bytes}");
    }

    #[test]
    fn a_failed_rendering_consumes_nothing() {
        let mut sequence = sequence(10, OnMemoryLimit::Refuse);
        assert!(sequence.next(fail::<()>).is_err());
        assert_eq!(sequence.next(text).expect("memory"), (10, "55".to_owned()));
        assert_eq!(sequence.restarts(), 0);
    }

    #[test]
    fn a_panic_consumes_nothing() {
        let mut sequence = sequence(10, OnMemoryLimit::Restart);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            sequence.next(|_, _| -> Result<(), Shortage> { std::panic::resume_unwind(Box::new(())) })
        }));
        assert!(panicked.is_err());
        assert_eq!(sequence.next(text).expect("memory"), (10, "55".to_owned()));
    }

    #[test]
    fn a_shortage_starts_a_new_pass_where_that_is_the_policy() {
        let mut sequence = sequence(LONG, OnMemoryLimit::Restart);
        let render = |number: &Natural, index| if index == LONG { fail(number, index) } else { text(number, index) };
        assert_eq!(sequence.next(render).expect("F(0)"), (0, "0".to_owned()));
        assert_eq!((sequence.index(), sequence.restarts()), (1, 1));
        assert_eq!(sequence.next(text).expect("memory"), (1, "1".to_owned()));
    }

    #[test]
    fn a_shortage_that_a_new_pass_does_not_end_is_refused() {
        let mut sequence = sequence(LONG, OnMemoryLimit::Restart);
        for _ in 0..3 {
            assert!(sequence.next(fail::<()>).is_err());
            assert_eq!((sequence.index(), sequence.restarts()), (0, 1));
        }
    }

    #[test]
    fn responses_that_hold_too_much_start_no_new_pass() {
        let mut sequence = sequence(LONG, OnMemoryLimit::Restart);
        let over = sequence.next(|_, _| -> Result<(), _> { Err(OverBudget.into()) });
        assert!(matches!(over, Err(Shortage::InFlight(OverBudget))), "{over:?}");
        assert_eq!((sequence.index(), sequence.restarts()), (LONG, 0));
    }

    #[test]
    fn short_numbers_are_not_given_up() {
        let mut sequence = sequence(10, OnMemoryLimit::Restart);
        assert!(sequence.next(fail::<()>).is_err());
        assert_eq!(sequence.next(text).expect("memory"), (10, "55".to_owned()));
        assert_eq!(sequence.restarts(), 0);
    }

    #[test]
    fn numbers_of_64_kib_together_are_not_given_up() {
        let limbs = EXEMPT_BYTES / 2 / size_of::<Limb>();
        let longer = (0..).find(|&index| Decimal::limbs_for(index) > limbs).expect("they grow");
        let index = longer - 10;
        let mut short = sequence(index, OnMemoryLimit::Restart);
        assert_eq!(short.fibonacci.bytes_held(), EXEMPT_BYTES);
        assert!(short.next(fail::<()>).is_err());
        assert_eq!((short.index(), short.restarts()), (index, 0));
        let mut long = sequence(longer, OnMemoryLimit::Restart);
        assert!(long.fibonacci.bytes_held() > EXEMPT_BYTES);
        assert!(long.next(fail::<()>).is_err());
        assert_eq!((long.index(), long.restarts()), (0, 1));
    }

    #[test]
    fn a_shortage_says_what_is_short() {
        let response = Vec::<u8>::new().try_reserve(usize::MAX).expect_err("more than there is");
        for (shortage, text) in [
            (Shortage::from(OverBudget), "the responses on their way hold as much memory as they may"),
            (Shortage::from(Exhausted::refused()), "the memory guard refused"),
            (Shortage::from(response), "there is no memory for the response"),
        ] {
            assert!(shortage.to_string().contains(text), "{shortage}");
        }
    }

    #[test]
    fn readiness_asks_the_guard_and_consumes_nothing() {
        for (policy, ready) in [(OnMemoryLimit::Restart, true), (OnMemoryLimit::Refuse, false)] {
            let mut sequence = sequence(LONG, policy);
            sequence.next(text).expect("memory");
            *sequence.fibonacci.guard_mut() = memory(600_000);
            assert_eq!(sequence.is_ready(), ready, "{policy:?}");
            assert_eq!(sequence.index(), LONG + 1);
            *sequence.fibonacci.guard_mut() = memory(0);
            assert!(sequence.is_ready());
            assert_eq!(sequence.index(), LONG + 1);
        }
    }
}
