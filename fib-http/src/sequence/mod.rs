//! The numbers: the sequence, the position in it, and the memory that its numbers take.
//!
//! [`Sequence`] is the only thing that can consume a number. Nothing here knows of HTTP.

mod by_index;
mod digits;
pub(crate) mod headroom;
mod in_flight;
mod lasting;
pub mod memory;
mod shortage;
mod start;
#[cfg(test)]
mod tests;
mod waiters;

use std::fmt;
use std::io;
use std::ops::Range;
use std::rc::Rc;

use clap::ValueEnum;
use coarsetime::{Duration, Instant};
use fib_core::{Cause, Decimal, Exhausted, Fibonacci, Heap, Limb, Natural, Unlimited};
use tracing::{info, warn};

use self::by_index::Kept;
pub(crate) use self::by_index::{LAST_INDEX, digits_at_an_end};
pub use self::digits::{Digits, WINDOW_BYTES};
use self::headroom::Headroom;
pub use self::in_flight::OverBudget;
pub(crate) use self::in_flight::{CONNECTION_BYTES, InFlight, Load, Reservation, SOCKET_BYTES};
use self::lasting::LastingShortage;
use self::memory::{Bytes, EXEMPT_BYTES, Memory, SystemMemory};
pub use self::shortage::Shortage;
use self::start::Cancellable;
pub(crate) use self::waiters::Waiters;
use crate::position::postgres::{SharedStore, Turn};
use crate::position::{Figures, Position, Store, Unavailable};

/// The most bytes that numbers in flight hold, unless another budget is chosen.
pub(crate) const MAX_IN_FLIGHT_BYTES: usize = 256 * 1024 * 1024;

/// The most bytes that a response takes besides its number.
const RESPONSE_BYTES: usize = 2048;

/// A shortage is logged again when none was logged for this long.
const QUIET: Duration = Duration::from_secs(60);

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
    /// The sequence from F(`index`) on, with the default budget for numbers in flight. Its position is in memory.
    ///
    /// # Errors
    /// [`StartError`] where memory does not suffice.
    pub fn start_at(index: u64, memory: SystemMemory, on_memory_limit: OnMemoryLimit) -> Result<Self, StartError> {
        Self::resume(Store::in_memory(index), || false, memory, on_memory_limit)
    }

    /// The sequence from the next position of `store` on, with a budget of [`MAX_IN_FLIGHT_BYTES`]. It is given up when
    /// `is_cancelled` returns true, which is called at each stage of the jump to the index, but not before a short one.
    ///
    /// # Errors
    /// [`StartError`] where memory does not suffice, and when the start is cancelled.
    pub(crate) fn resume(
        mut store: Store,
        is_cancelled: impl FnMut() -> bool,
        mut memory: SystemMemory,
        on_memory_limit: OnMemoryLimit,
    ) -> Result<Self, StartError> {
        let mut fibonacci = Fibonacci::new().with_guard(Cancellable { memory: &mut memory, is_cancelled });
        let index = store.next().index;
        let bytes = (Decimal::limbs_for(index) as u64).saturating_mul(2 * size_of::<Limb>() as u64);
        if let Err(source) = fibonacci.jump_to(index) {
            // The store logs a failure; the one of the jump matters more.
            let _ = store.close();
            return Err(StartError { index, bytes, source });
        }
        let fibonacci = fibonacci.with_guard(Unlimited).with_guard(memory);
        let sequence = Self {
            fibonacci,
            store,
            on_memory_limit,
            restarts: 0,
            headroom: Headroom::default(),
            in_flight: Rc::new(InFlight::new(MAX_IN_FLIGHT_BYTES)),
            kept: Kept::default(),
            shortage: None,
            logged: None,
        };
        Ok(sequence.with_max_in_flight_bytes(MAX_IN_FLIGHT_BYTES))
    }

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
        let (position, (digits, reservation)) = self.take_rendered(|number| {
            let reservation = in_flight.reserve(Digits::bytes_for(number), number.digit_count())?;
            Ok((Digits::of(number)?, reservation))
        })?;
        Ok(Number { position, digits, reservation })
    }

    /// Whether [`take`](Self::take) needs a [`turn`](Self::turn), since other processes share the position.
    pub(crate) fn is_shared(&self) -> bool {
        self.store.shared().is_some()
    }

    /// What precedes [`take`](Self::take) where the position is shared: the right to take a position, to be kept until `take` has
    /// returned. No position is taken where there is no memory for the number; what is taken and cannot be given nevertheless
    /// goes to the next request.
    ///
    /// # Errors
    /// The shortage, where memory is too short for the furthest number that may come.
    pub(crate) fn turn(&mut self) -> Result<impl Future<Output = Result<Turn, Unavailable>> + use<>, Shortage> {
        if let Err(shortage) = self.check_furthest() {
            self.remedy(shortage)?;
        }
        let turn = self.store.shared().map(SharedStore::turn);
        let turn = turn.ok_or_else(|| Unavailable::new(io::Error::other("the position is not shared")))?;
        Ok(turn)
    }

    /// Checks that there is memory for the number that comes next if no other process takes one.
    fn check_furthest(&mut self) -> Result<(), Shortage> {
        let index = self.store.next().index;
        let bytes = Decimal::limbs_for(index) * size_of::<Limb>();
        let length = usize::try_from(Decimal::digits_for(index)).unwrap_or(usize::MAX);
        let growth = (2 * bytes).saturating_sub(self.fibonacci.bytes_held());
        if 2 * bytes > EXEMPT_BYTES {
            let needed = growth.saturating_add(bytes).saturating_add(length.min(SOCKET_BYTES));
            self.fibonacci.guard_mut().admit_bytes(needed as u64)?;
        }
        Ok(self.headroom.check_before(RESPONSE_BYTES.saturating_add(growth).saturating_add(bytes))?)
    }

    /// Consumes the next number if it belongs to the pass `pass`, and returns what `render` makes of it. `None` if that pass is
    /// over; nothing is consumed then. `render` may be called twice.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub(crate) fn take_of_pass<T>(
        &mut self,
        pass: u64,
        mut render: impl FnMut(&Natural) -> Result<T, Shortage>,
    ) -> Result<Option<T>, Shortage> {
        if self.position().pass != pass {
            return Ok(None);
        }
        let taken = match self.commit(&mut render) {
            Ok(taken) => {
                self.shortage_is_over();
                taken
            }
            Err(shortage) => {
                self.remedy(shortage)?;
                if self.position().pass != pass {
                    return Ok(None);
                }
                self.commit(&mut render)?
            }
        };
        Ok(Some(taken.1))
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
        if result.is_err() && self.free_kept() && had_kept { self.digits_of(index, range) } else { result }
    }

    /// Reserves room in the budget for a response without a number, as [`InFlight::reserve`] does. The number that is kept makes
    /// room for it.
    ///
    /// # Errors
    /// [`OverBudget`] where other responses leave no room for it.
    pub(crate) fn reserve(&mut self, bytes: usize, length: usize) -> Result<Reservation, OverBudget> {
        self.in_flight
            .reserve(bytes, length)
            .or_else(|over| if self.free_kept() { self.in_flight.reserve(bytes, length) } else { Err(over) })
    }

    /// Frees the number that is kept, if there is one.
    pub(crate) fn free_kept(&mut self) -> bool {
        let is_freed = self.kept.forget();
        if is_freed {
            self.fibonacci.guard_mut().read_again();
        }
        is_freed
    }

    /// The position of the number that comes next.
    pub(crate) fn position(&self) -> Position {
        self.store.next()
    }

    /// What the store of the position has done.
    pub(crate) fn position_figures(&self) -> Figures {
        self.store.figures()
    }

    /// What precedes [`close`](Self::close): a position that is shared is left to the other processes.
    pub(crate) fn leave(&self) -> impl Future<Output = ()> + use<> {
        let leaving = self.store.shared().map(SharedStore::leave);
        async move {
            if let Some(leaving) = leaving {
                leaving.await;
            }
        }
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
        has_room || (self.free_kept() && self.has_room())
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
            Err(_) if self.free_kept() => self.check(),
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

    /// Lends the next number to `render`, and consumes the number when that has succeeded.
    fn take_rendered<T>(
        &mut self,
        mut render: impl FnMut(&Natural) -> Result<T, Shortage>,
    ) -> Result<(Position, T), Shortage> {
        match self.commit(&mut render) {
            Ok(taken) => {
                self.shortage_is_over();
                Ok(taken)
            }
            Err(shortage) => {
                self.remedy(shortage)?;
                self.commit(&mut render)
            }
        }
    }

    /// Frees memory so that the next number can be tried again: the number that is kept, or else those of this pass, if it ends.
    ///
    /// # Errors
    /// `shortage`, if nothing is freed.
    fn remedy(&mut self, shortage: Shortage) -> Result<(), Shortage> {
        // A new pass would not help.
        if matches!(shortage, Shortage::Position(_)) {
            return Err(shortage);
        }
        if self.free_kept() {
            return Ok(());
        }
        if !self.ends_pass(&shortage) {
            return Err(shortage);
        }
        self.store.start_pass()?;
        let seconds = self.shortage.take().map_or(0, |shortage| shortage.age().as_secs());
        warn!(seconds, "F({}): {shortage}; a new pass starts at F(0)", self.index());
        self.fibonacci.restart();
        self.restarts += 1;
        Ok(())
    }

    /// Accounts for a refusal, and tells whether it starts a new pass.
    fn ends_pass(&mut self, shortage: &Shortage) -> bool {
        let now = self.fibonacci.guard().now();
        match (self.missing(shortage), &mut self.shortage) {
            (None, _) => return false,
            (Some(0), _) => {
                self.shortage = None;
                return false;
            }
            (Some(missing), Some(lasting)) => lasting.seen_again(now, missing),
            (Some(missing), None) => {
                let is_logged = self.logged.is_none_or(|logged| now.duration_since(logged) >= QUIET);
                if is_logged {
                    self.logged = Some(now);
                    warn!("F({}) is refused: {shortage}", self.index());
                }
                self.shortage = Some(LastingShortage::new(now, missing, is_logged));
            }
        }
        let held = self.fibonacci.bytes_held();
        let connections = self.in_flight.connection_bytes() as u64;
        self.on_memory_limit == OnMemoryLimit::Restart
            && held > EXEMPT_BYTES
            && self.shortage.as_ref().is_some_and(|shortage| shortage.ends_pass(held as u64, connections))
    }

    /// The bytes that are missing whatever numbers in flight hold; `None` where that is not known.
    fn missing(&self, shortage: &Shortage) -> Option<u64> {
        match shortage {
            Shortage::InFlight(_) | Shortage::Position(_) => None,
            Shortage::Threshold(above) => Some(above.missing),
            // How much the allocator lacks is unknown, but clients may hold it. Freeing one value
            // either suffices or nothing does.
            Shortage::Number(_) | Shortage::Text(_) => (self.load().bytes == 0).then_some(1),
        }
    }

    /// Called when a number is available.
    fn shortage_is_over(&mut self) {
        if self.shortage.take().is_some_and(|shortage| shortage.is_logged()) {
            info!("there is memory again for F({})", self.index());
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

    /// Goes to the next position, past the numbers that other processes have taken.
    fn follow(&mut self) -> Result<(), Shortage> {
        let index = self.store.next().index;
        if index < self.fibonacci.index() {
            // A new pass.
            self.fibonacci.restart();
        }
        if index != self.fibonacci.index() {
            self.fibonacci.jump_to(index).map_err(|exhausted| self.shortage_of(exhausted))?;
        }
        Ok(())
    }
}
