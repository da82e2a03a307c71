//! The numbers: the sequence, the position in it, and the memory that its numbers take.
//!
//! [`Sequence`] is the only thing that can consume a number. Nothing here knows of HTTP.

mod by_index;
mod digits;
pub(crate) mod headroom;
mod in_flight;
mod lasting;
pub mod memory;
mod remedy;
mod shared;
mod shortage;
mod start;
#[cfg(test)]
mod tests;
mod waiters;

use std::ops::Range;
use std::rc::Rc;

use clap::ValueEnum;
use coarsetime::Instant;
use fib_core::{Cause, Decimal, Exhausted, Fibonacci, Heap, Natural};

use self::by_index::Kept;
pub(crate) use self::by_index::{LAST_INDEX, digits_at_an_end};
pub use self::digits::{Digits, WINDOW_BYTES};
use self::headroom::Headroom;
pub use self::in_flight::OverBudget;
pub(crate) use self::in_flight::{CONNECTION_BYTES, InFlight, Load, Reservation, SOCKET_BYTES};
use self::lasting::LastingShortage;
use self::memory::{EXEMPT_BYTES, Memory, SystemMemory};
pub use self::shortage::Shortage;
pub use self::start::StartError;
pub(crate) use self::waiters::Waiters;
pub(crate) use crate::position::postgres::Turn;
use crate::position::{Figures, Position, Store};

/// The most bytes that numbers in flight hold, unless another budget is chosen.
pub(crate) const MAX_IN_FLIGHT_BYTES: usize = 256 * 1024 * 1024;

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

/// A number that has been consumed. It is independent of the sequence.
#[derive(Debug)]
pub(crate) struct Number {
    /// Where it is in the sequence.
    pub(crate) position: Position,
    /// The number's decimal digits.
    pub(crate) digits: Digits,
    /// The share of the budget for numbers in flight that the digits take.
    pub(crate) reservation: Reservation,
}

/// The Fibonacci sequence and the position in it.
#[derive(Debug)]
pub struct Sequence {
    fibonacci: Fibonacci<Decimal, Heap, SystemMemory>,
    store: Store,
    on_memory_limit: OnMemoryLimit,
    restarts: u64,
    headroom: Headroom,
    in_flight: Rc<InFlight>,
    /// Freed first where memory is short.
    kept: Kept,
    /// `None` while memory suffices.
    shortage: Option<LastingShortage>,
    /// When a shortage was logged last.
    logged: Option<Instant>,
}

impl Sequence {
    /// The same sequence with a budget of `bytes` for numbers in flight.
    pub(crate) fn with_max_in_flight_bytes(mut self, bytes: usize) -> Self {
        self.in_flight = Rc::new(InFlight::new(bytes));
        self.fibonacci.guard_mut().set_in_flight(Rc::clone(&self.in_flight));
        self
    }

    /// `count` clients are connected now.
    pub(crate) fn set_connections(&mut self, count: usize) {
        self.in_flight.set_connections(count);
    }

    /// The index of the number that comes next.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.fibonacci.index()
    }

    /// The count of decimal digits of the number that comes next, without computing it.
    #[must_use]
    pub fn digit_count(&self) -> u64 {
        Decimal::digits_for(self.index())
    }

    /// What the guard knows of the memory.
    pub(crate) fn memory(&mut self) -> Memory {
        self.fibonacci.guard_mut().memory()
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
    /// Under [`OnMemoryLimit::Restart`] a shortage of memory that lasts starts a new pass, and this consumes F(0) instead:
    /// - after a second, if what the pass frees is all that is missing,
    /// - after a minute in any case,
    /// - and never while both values together take at most 64 KiB, since there is nothing worth freeing then, nor for memory
    ///   that clients hold: numbers in flight, and connections.
    ///
    /// # Errors
    /// The shortage, where the position is kept, or where memory is too short even for F(0).
    pub(crate) fn take(&mut self) -> Result<Number, Shortage> {
        let in_flight = Rc::clone(&self.in_flight);
        let (position, (digits, reservation)) = self.take_rendered(|number| render(&in_flight, number))?;
        Ok(Number { position, digits, reservation })
    }

    /// [`take`](Self::take), if the next number belongs to the pass `pass`; `None` if that pass is over. Nothing is consumed
    /// then.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub(crate) fn take_whole_of_pass(&mut self, pass: u64) -> Result<Option<Number>, Shortage> {
        let in_flight = Rc::clone(&self.in_flight);
        let taken = self.take_of_pass(pass, |number| render(&in_flight, number))?;
        Ok(taken.map(|(position, (digits, reservation))| Number { position, digits, reservation }))
    }

    /// Consumes the next number if it belongs to the pass `pass`, and returns its position and what `render` makes of it.
    /// `None` if that pass is over; nothing is consumed then. `render` may be called several times.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub(crate) fn take_of_pass<T>(
        &mut self,
        pass: u64,
        mut render: impl FnMut(&Natural) -> Result<T, Shortage>,
    ) -> Result<Option<(Position, T)>, Shortage> {
        while self.position().pass == pass {
            if let Some(taken) = self.attempt(&mut render)? {
                return Ok(Some(taken));
            }
        }
        Ok(None)
    }

    /// The digits of F(`index`) in `range`, where 0 is the first digit, and the share of the budget that they take. Consumes
    /// nothing.
    ///
    /// # Errors
    /// The shortage of memory, in which no pass ends.
    pub(crate) fn digits_of(&mut self, index: u64, range: Range<u64>) -> Result<(Digits, Reservation), Shortage> {
        let Self { fibonacci, kept, headroom, in_flight, .. } = self;
        let had_kept = kept.is_some();
        let result = kept.digits(index, range.clone(), fibonacci.guard_mut(), headroom, in_flight);
        // Tried again at most once: an attempt may keep its own number and fail after that.
        if result.is_err() && self.free_unused() && had_kept { self.digits_of(index, range) } else { result }
    }

    /// Reserves room in the budget for a response without a number, as [`InFlight::reserve`] does. The number that is kept
    /// makes room for it.
    ///
    /// # Errors
    /// [`OverBudget`] where other responses leave no room for it.
    pub(crate) fn reserve(&mut self, bytes: usize, length: usize) -> Result<Reservation, OverBudget> {
        self.in_flight
            .reserve(bytes, length)
            .or_else(|over| if self.free_unused() { self.in_flight.reserve(bytes, length) } else { Err(over) })
    }

    /// The position of the number that comes next.
    pub(crate) fn position(&self) -> Position {
        self.store.next()
    }

    /// What the store of the position has done.
    pub(crate) fn position_figures(&self) -> Figures {
        self.store.figures()
    }

    /// Ends the use of the position in an orderly way, and tells what comes next.
    pub(crate) fn close(&mut self) -> Position {
        // The store logs a failure. The next start may skip some numbers then.
        let _ = self.store.close();
        self.store.next()
    }

    /// Whether the budget has room for the next number. Consumes nothing. A number that cannot be computed needs none.
    pub(crate) fn has_room(&mut self) -> bool {
        let Self { fibonacci, in_flight, .. } = self;
        let has_room =
            fibonacci.peek().map_or(true, |number| in_flight.has_room(Digits::bytes_for(number), number.digit_count()));
        has_room || (self.free_unused() && self.has_room())
    }

    /// Tells whether [`take`](Self::take) would find a number now. Consumes nothing.
    ///
    /// # Errors
    /// The shortage that `take` would find.
    pub(crate) fn check(&mut self) -> Result<(), Shortage> {
        self.store.check()?;
        match self.check_next() {
            Ok(()) => {
                self.shortage_is_over();
                Ok(())
            }
            Err(_) if self.free_unused() => self.check(),
            Err(shortage) => {
                if self.ends_pass(&shortage) {
                    Ok(headroom::check()?)
                } else {
                    Err(shortage)
                }
            }
        }
    }

    fn check_next(&mut self) -> Result<(), Shortage> {
        let (bytes, length) = self.compute()?;
        drop(self.in_flight.reserve(bytes, length)?);
        Ok(self.headroom.check_before(RESPONSE_BYTES + bytes)?)
    }

    /// Lends the next number to `render`, and consumes the number when that has succeeded. `render` may be called several
    /// times.
    fn take_rendered<T>(
        &mut self,
        mut render: impl FnMut(&Natural) -> Result<T, Shortage>,
    ) -> Result<(Position, T), Shortage> {
        loop {
            if let Some(taken) = self.attempt(&mut render)? {
                return Ok(taken);
            }
        }
    }

    /// Consumes the next number, or else frees memory for another attempt and returns `None`.
    ///
    /// # Errors
    /// The shortage, if nothing can be freed.
    fn attempt<T>(
        &mut self,
        render: &mut impl FnMut(&Natural) -> Result<T, Shortage>,
    ) -> Result<Option<(Position, T)>, Shortage> {
        match self.commit(render) {
            Ok(taken) => {
                self.shortage_is_over();
                Ok(Some(taken))
            }
            Err(shortage) => self.remedy(shortage).map(|()| None),
        }
    }

    /// Computes the next number. Returns the bytes that its digits take and their count, for which the guard has admitted the
    /// memory: that of this process, and what the system holds of the response.
    fn compute(&mut self) -> Result<(usize, usize), Shortage> {
        let (bytes, length) = match self.fibonacci.peek() {
            Ok(number) => (Digits::bytes_for(number), number.digit_count()),
            Err(exhausted) => return Err(self.shortage_of(exhausted)),
        };
        if self.fibonacci.bytes_held() > EXEMPT_BYTES {
            self.fibonacci.guard_mut().admit_bytes((bytes + length.min(SOCKET_BYTES)) as u64)?;
        }
        Ok((bytes, length))
    }

    fn shortage_of(&self, exhausted: Exhausted) -> Shortage {
        match (exhausted.cause(), self.fibonacci.guard().refusal()) {
            (Cause::Guard, Some(refusal)) => refusal.into(),
            _ => exhausted.into(),
        }
    }

    /// The one place where a number is consumed.
    fn commit<T>(
        &mut self,
        render: &mut impl FnMut(&Natural) -> Result<T, Shortage>,
    ) -> Result<(Position, T), Shortage> {
        if self.is_shared() {
            self.follow()?;
        }
        let (bytes, _) = self.compute()?;
        let rendered = render(self.fibonacci.peek()?)?;
        self.headroom.check_after(RESPONSE_BYTES + bytes)?;
        let index = self.fibonacci.index();
        assert_eq!(self.store.next().index, index, "the position and the numbers must agree");
        // From here on the number counts as given, even if the process dies before it is.
        let taken = self.store.take()?;
        // The number has been computed, so this cannot fail.
        self.fibonacci.advance()?;
        Ok((taken, rendered))
    }
}

/// The digits of a number that is about to be consumed, and the share of the budget that they take.
fn render(in_flight: &Rc<InFlight>, number: &Natural) -> Result<(Digits, Reservation), Shortage> {
    let reservation = in_flight.reserve(Digits::bytes_for(number), number.digit_count())?;
    Ok((Digits::of(number)?, reservation))
}
