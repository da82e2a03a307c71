//! The numbers: the sequence, the position in it, and the memory that its numbers take.
//!
//! [`Sequence`] is the only thing that can consume a number. Nothing here knows of HTTP.

mod digits;
pub(crate) mod headroom;
mod in_flight;
pub mod memory;
mod shortage;

use std::fmt;
use std::rc::Rc;

use clap::ValueEnum;
use fib_core::{Decimal, Exhausted, Fibonacci, Heap, Limb, Natural};
use tracing::warn;

pub use self::digits::{Digits, WINDOW_BYTES};
use self::headroom::Headroom;
pub use self::in_flight::OverBudget;
pub(crate) use self::in_flight::{InFlight, Load, Reservation, SOCKET_BYTES};
use self::memory::{Bytes, EXEMPT_BYTES, SystemMemory, Usage};
pub use self::shortage::Shortage;

/// The most bytes that numbers in flight hold, unless another budget is chosen.
pub const MAX_IN_FLIGHT_BYTES: usize = 256 * 1024 * 1024;

/// The most bytes that a response takes besides its number.
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

/// The first number of a sequence is out of reach.
#[derive(Clone, Debug)]
pub struct StartError {
    /// The number's index.
    pub index: u64,
    /// The bytes of the two values that the sequence needs there.
    pub bytes: u64,
    /// What refused.
    pub source: Exhausted,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, bytes, source } = self;
        let readable = Bytes(*bytes);
        write!(f, "cannot start at number {index}: its two values take about {bytes} bytes ({readable}), and {source}")
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// A number that has been consumed. It is independent of the sequence.
#[derive(Debug)]
pub(crate) struct Number {
    /// n of F(n).
    pub(crate) index: u64,
    /// The number's decimal digits.
    pub(crate) digits: Digits,
    /// The share of the budget for numbers in flight that the digits take.
    pub(crate) reservation: Reservation,
}

/// The Fibonacci sequence and the position in it.
#[derive(Debug)]
pub struct Sequence {
    fibonacci: Fibonacci<Decimal, Heap, SystemMemory>,
    on_memory_limit: OnMemoryLimit,
    restarts: u64,
    headroom: Headroom,
    in_flight: Rc<InFlight>,
}

impl Sequence {
    /// The sequence from F(`index`) on, with a budget of [`MAX_IN_FLIGHT_BYTES`].
    ///
    /// # Errors
    /// [`StartError`] where memory does not suffice.
    pub fn start_at(index: u64, memory: SystemMemory, on_memory_limit: OnMemoryLimit) -> Result<Self, StartError> {
        let mut fibonacci = Fibonacci::new().with_guard(memory);
        let bytes = (Decimal::limbs_for(index) as u64).saturating_mul(2 * size_of::<Limb>() as u64);
        fibonacci.jump_to(index).map_err(|source| StartError { index, bytes, source })?;
        let in_flight = Rc::new(InFlight::new(MAX_IN_FLIGHT_BYTES));
        Ok(Self { fibonacci, on_memory_limit, restarts: 0, headroom: Headroom::default(), in_flight })
    }

    /// The same sequence with a budget of `bytes` for numbers in flight.
    #[must_use]
    pub fn with_max_in_flight_bytes(self, bytes: usize) -> Self {
        Self { in_flight: Rc::new(InFlight::new(bytes)), ..self }
    }

    /// The index of the number that comes next.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.fibonacci.index()
    }

    /// The count of decimal digits of the number that comes next, without computing it.
    #[must_use]
    pub fn digit_count(&self) -> usize {
        Decimal::digits_for(self.index())
    }

    /// What the guard knows of the memory.
    pub(crate) fn memory_usage(&mut self) -> Usage {
        self.fibonacci.guard_mut().usage()
    }

    /// The memory of responses in flight, and the budget for it.
    pub(crate) fn in_flight(&self) -> &Rc<InFlight> {
        &self.in_flight
    }

    /// What numbers in flight hold.
    pub(crate) fn load(&self) -> Load {
        self.in_flight.load()
    }

    /// How often a shortage of memory has started a new pass.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// Consumes the next number. A refusal, a failed allocation or a panic on the way consumes nothing.
    ///
    /// Under [`OnMemoryLimit::Restart`] a shortage starts a new pass, and this consumes F(0) instead. It does not while both
    /// values together take at most 64 KiB, since there is nothing worth freeing then.
    ///
    /// # Errors
    /// The shortage, where the position is kept, or where memory is too short even for F(0).
    pub(crate) fn take(&mut self) -> Result<Number, Shortage> {
        let in_flight = Rc::clone(&self.in_flight);
        let (index, (digits, reservation)) = self.take_rendered(|number| {
            let reservation = in_flight.reserve(Digits::bytes_for(number), number.digit_count())?;
            Ok((Digits::of(number)?, reservation))
        })?;
        Ok(Number { index, digits, reservation })
    }

    /// Whether the budget has room for the next number. Consumes nothing. A number that cannot be computed needs none.
    pub(crate) fn has_room(&mut self) -> bool {
        let Self { fibonacci, in_flight, .. } = self;
        fibonacci.peek().map_or(true, |number| in_flight.has_room(Digits::bytes_for(number), number.digit_count()))
    }

    /// Whether [`take`](Self::take) would find a number. Consumes nothing.
    pub(crate) fn is_ready(&mut self) -> bool {
        self.on_memory_limit == OnMemoryLimit::Restart || (self.fibonacci.peek().is_ok() && headroom::check().is_ok())
    }

    /// Lends the next number to `render`, and consumes the number when that has succeeded.
    fn take_rendered<T>(
        &mut self,
        mut render: impl FnMut(&Natural) -> Result<T, Shortage>,
    ) -> Result<(u64, T), Shortage> {
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

    fn is_worth_freeing(&self) -> bool {
        self.fibonacci.bytes_held() > EXEMPT_BYTES
    }

    /// The one place where a number is consumed.
    fn commit<T>(&mut self, render: &mut impl FnMut(&Natural) -> Result<T, Shortage>) -> Result<(u64, T), Shortage> {
        let index = self.fibonacci.index();
        let number = self.fibonacci.peek()?;
        let bytes = RESPONSE_BYTES + number.digit_count();
        let rendered = render(number)?;
        self.headroom.check_after(bytes)?;
        // The number has been computed, so nothing can fail from here on.
        self.fibonacci.advance()?;
        Ok((index, rendered))
    }
}

#[cfg(test)]
mod tests {
    use super::memory::{Reading, Threshold};
    use super::*;
    use std::mem;
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

    fn text(number: &Natural) -> Result<String, Shortage> {
        Ok(number.to_string())
    }

    fn fail<T>(_: &Natural) -> Result<T, Shortage> {
        Err(Shortage::Number(Exhausted::refused()))
    }

    #[test]
    fn numbers_come_in_order() {
        let mut sequence = sequence(0, OnMemoryLimit::Restart);
        let numbers: Vec<_> = (0..8).map(|_| sequence.take_rendered(text).expect("memory")).collect();
        let expected = ["0", "1", "1", "2", "3", "5", "8", "13"];
        assert!(numbers.iter().map(|(index, _)| *index).eq(0..8));
        assert!(numbers.iter().map(|(_, number)| number.as_str()).eq(expected));
    }

    #[test]
    fn the_first_number_can_be_chosen() {
        for (index, number) in [(0, "0"), (1, "1"), (2, "1"), (100, "354224848179261915075")] {
            let mut sequence = sequence(index, OnMemoryLimit::Refuse);
            assert_eq!(sequence.digit_count(), number.len());
            assert_eq!(sequence.take_rendered(text).expect("memory"), (index, number.to_owned()));
            assert_eq!(sequence.index(), index + 1);
        }
    }

    #[test]
    fn a_first_number_beyond_the_threshold_is_refused_before_it_is_computed() {
        let index = u64::MAX / 1000;
        let start = Sequence::start_at(index, memory(0), OnMemoryLimit::Restart);
        let Err(StartError { bytes, .. }) = start else {
            panic!("{start:?}");
        };
        // 0.209 digits an index and value, 19 of them in a limb.
        assert!((index / 6..index / 5).contains(&bytes), "{bytes}");
    }

    #[test]
    fn a_failed_rendering_consumes_nothing() {
        let mut sequence = sequence(10, OnMemoryLimit::Refuse);
        assert!(sequence.take_rendered(fail::<()>).is_err());
        assert_eq!(sequence.take_rendered(text).expect("memory"), (10, "55".to_owned()));
        assert_eq!(sequence.restarts(), 0);
    }

    #[test]
    fn a_panic_consumes_nothing() {
        let mut sequence = sequence(10, OnMemoryLimit::Restart);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            sequence.take_rendered(|_| -> Result<(), Shortage> { std::panic::resume_unwind(Box::new(())) })
        }));
        assert!(panicked.is_err());
        assert_eq!(sequence.take_rendered(text).expect("memory"), (10, "55".to_owned()));
    }

    #[test]
    fn a_shortage_starts_a_new_pass_where_that_is_the_policy() {
        let mut sequence = sequence(LONG, OnMemoryLimit::Restart);
        let mut fails = true;
        let render = |number: &Natural| if mem::take(&mut fails) { fail(number) } else { text(number) };
        assert_eq!(sequence.take_rendered(render).expect("F(0)"), (0, "0".to_owned()));
        assert_eq!((sequence.index(), sequence.restarts()), (1, 1));
        assert_eq!(sequence.take_rendered(text).expect("memory"), (1, "1".to_owned()));
    }

    #[test]
    fn a_shortage_that_a_new_pass_does_not_end_is_refused() {
        let mut sequence = sequence(LONG, OnMemoryLimit::Restart);
        for _ in 0..3 {
            assert!(sequence.take_rendered(fail::<()>).is_err());
            assert_eq!((sequence.index(), sequence.restarts()), (0, 1));
        }
    }

    #[test]
    fn responses_that_hold_too_much_start_no_new_pass() {
        let mut sequence = sequence(LONG, OnMemoryLimit::Restart);
        let over = sequence.take_rendered(|_| -> Result<(), _> { Err(OverBudget.into()) });
        assert!(matches!(over, Err(Shortage::InFlight(OverBudget))), "{over:?}");
        assert_eq!((sequence.index(), sequence.restarts()), (LONG, 0));
    }

    #[test]
    fn short_numbers_are_not_given_up() {
        let mut sequence = sequence(10, OnMemoryLimit::Restart);
        assert!(sequence.take_rendered(fail::<()>).is_err());
        assert_eq!(sequence.take_rendered(text).expect("memory"), (10, "55".to_owned()));
        assert_eq!(sequence.restarts(), 0);
    }

    #[test]
    fn numbers_of_64_kib_together_are_not_given_up() {
        let limbs = EXEMPT_BYTES / 2 / size_of::<Limb>();
        let longer = (0..).find(|&index| Decimal::limbs_for(index) > limbs).expect("they grow");
        let index = longer - 10;
        let mut short = sequence(index, OnMemoryLimit::Restart);
        assert_eq!(short.fibonacci.bytes_held(), EXEMPT_BYTES);
        assert!(short.take_rendered(fail::<()>).is_err());
        assert_eq!((short.index(), short.restarts()), (index, 0));
        let mut long = sequence(longer, OnMemoryLimit::Restart);
        assert!(long.fibonacci.bytes_held() > EXEMPT_BYTES);
        assert!(long.take_rendered(fail::<()>).is_err());
        assert_eq!((long.index(), long.restarts()), (0, 1));
    }

    #[test]
    fn readiness_asks_the_guard_and_consumes_nothing() {
        for (policy, ready) in [(OnMemoryLimit::Restart, true), (OnMemoryLimit::Refuse, false)] {
            let mut sequence = sequence(LONG, policy);
            sequence.take_rendered(text).expect("memory");
            *sequence.fibonacci.guard_mut() = memory(600_000);
            assert_eq!(sequence.is_ready(), ready, "{policy:?}");
            assert_eq!(sequence.index(), LONG + 1);
            *sequence.fibonacci.guard_mut() = memory(0);
            assert!(sequence.is_ready());
            assert_eq!(sequence.index(), LONG + 1);
        }
    }
}
