//! Guards, which decide whether a number may grow.

use core::fmt;

use crate::error::Exhausted;

/// Decides, before each step of [`Fibonacci`](crate::Fibonacci), whether the step may take the memory that it needs.
///
/// The sequence asks before every step except the one to F(0), which needs no memory. It also asks when the step allocates
/// nothing, so that a guard can react to what the rest of the machine does. A refusal changes nothing, and the same step can
/// be tried again. It asks before jumps and near jumps too ([`jump_to`](crate::Fibonacci::jump_to), [`nth`](Iterator::nth)),
/// and several times during a long jump, so that a guard can cancel it. Since the guard is asked so often, it should be
/// cheap: it should keep a reading of the system for a while, not take a new one each time.
///
/// The guard of a sequence is not asked about clones and conversions, which are not steps of it. A single number has a guard of
/// its own in `Natural::fibonacci_with_guard`.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use fib_core::{Decimal, Demand, Exhausted, Fibonacci, MemoryGuard};
///
/// /// Refuses while the brake is on.
/// struct Brake<'a>(&'a core::cell::Cell<bool>);
///
/// impl MemoryGuard for Brake<'_> {
///     fn admit(&mut self, _: Demand) -> Result<(), Exhausted> {
///         if self.0.get() { Err(Exhausted::refused()) } else { Ok(()) }
///     }
/// }
///
/// let brake = core::cell::Cell::new(false);
/// let mut fib = Fibonacci::<Decimal>::new().with_guard(Brake(&brake));
/// assert_eq!(fib.nth(10).unwrap().to_string(), "55");
/// brake.set(true);
/// assert!(fib.advance().is_err());
/// brake.set(false);
/// assert_eq!(fib.advance()?.to_string(), "89"); // nothing was lost
/// # }
/// # Ok::<(), fib_core::Exhausted>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a memory guard",
    note = "a closure becomes a guard by `guard_fn(|demand| ...)`"
)]
pub trait MemoryGuard {
    /// Admits a step, or refuses it.
    ///
    /// # Errors
    /// [`Exhausted::refused`] if the step must not be made.
    fn admit(&mut self, demand: Demand) -> Result<(), Exhausted>;
}

impl<G: MemoryGuard + ?Sized> MemoryGuard for &mut G {
    #[inline]
    fn admit(&mut self, demand: Demand) -> Result<(), Exhausted> {
        (**self).admit(demand)
    }
}

#[cfg(feature = "alloc")]
impl<G: MemoryGuard + ?Sized> MemoryGuard for alloc::boxed::Box<G> {
    #[inline]
    fn admit(&mut self, demand: Demand) -> Result<(), Exhausted> {
        (**self).admit(demand)
    }
}

/// A guard that asks a closure.
///
/// ```
/// use fib_core::{Decimal, Demand, Exhausted, Fibonacci, Inline, guard_fn};
///
/// let mut steps = 0;
/// let guard = guard_fn(|_demand| {
///     steps += 1;
///     if steps <= 100 { Ok(()) } else { Err(Exhausted::refused()) }
/// });
/// let fib = Fibonacci::<Decimal, Inline<10>>::new().with_guard(guard);
/// assert_eq!(fib.count(), 101); // the guard is not asked about F(0)
/// ```
pub const fn guard_fn<F: FnMut(Demand) -> Result<(), Exhausted>>(admit: F) -> GuardFn<F> {
    GuardFn { admit }
}

/// The guard that [`guard_fn`] makes.
#[derive(Clone, Copy)]
pub struct GuardFn<F> {
    admit: F,
}

impl<F: FnMut(Demand) -> Result<(), Exhausted>> MemoryGuard for GuardFn<F> {
    #[inline]
    fn admit(&mut self, demand: Demand) -> Result<(), Exhausted> {
        (self.admit)(demand)
    }
}

impl<F> fmt::Debug for GuardFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardFn").finish_non_exhaustive()
    }
}

/// The memory that a step is about to use.
///
/// ```
/// use fib_core::Demand;
///
/// let demand = Demand::new(1_000, 520);
/// assert_eq!((demand.held, demand.additional, demand.peak()), (1_000, 520, 1_520));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Demand {
    /// The number of bytes that both values hold now.
    pub held: usize,
    /// The number of bytes that the step will request from the allocator; zero if the storage has room. For a value that grows
    /// this is the size of the whole new block, because the old block and the new one both exist while the value is moved.
    pub additional: usize,
}

impl Demand {
    /// A demand for `additional` bytes while `held` bytes are held.
    #[must_use]
    pub const fn new(held: usize, additional: usize) -> Self {
        Self { held, additional }
    }

    /// The largest number of bytes in use during the step: what is held and what is requested.
    #[must_use]
    pub const fn peak(&self) -> usize {
        self.held.saturating_add(self.additional)
    }
}

/// A guard that never refuses. Numbers grow until the storage or the allocator has no more room. A new sequence has this one.
///
/// ```
/// use fib_core::{Decimal, Fibonacci, Inline, Unlimited};
///
/// let fib = Fibonacci::<Decimal, Inline<4>>::new();
/// assert_eq!(*fib.guard(), Unlimited);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unlimited;

impl MemoryGuard for Unlimited {
    #[inline]
    fn admit(&mut self, _demand: Demand) -> Result<(), Exhausted> {
        Ok(())
    }
}

/// A guard with a fixed budget in bytes, which a step may not exceed even for a moment ([`Demand::peak`]).
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use fib_core::{ByteBudget, Decimal, Fibonacci};
///
/// let mut fib = Fibonacci::<Decimal>::new().with_guard(ByteBudget::new(10_000));
/// while fib.advance().is_ok() {}
/// assert!(fib.bytes_held() <= fib.guard().bytes());
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteBudget {
    bytes: usize,
}

impl ByteBudget {
    /// A budget of `bytes` bytes.
    #[must_use]
    pub const fn new(bytes: usize) -> Self {
        Self { bytes }
    }

    /// The budget in bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl MemoryGuard for ByteBudget {
    #[inline]
    fn admit(&mut self, demand: Demand) -> Result<(), Exhausted> {
        if demand.peak() <= self.bytes { Ok(()) } else { Err(Exhausted::refused()) }
    }
}
