//! The memory of responses in flight: what numbers hold from the moment they are taken until the system has all their digits.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

/// How much memory all numbers in flight hold, and how much that may be.
#[derive(Debug)]
pub(crate) struct InFlight {
    budget: usize,
    held: Cell<usize>,
    count: Cell<u64>,
}

/// What numbers in flight hold now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    /// Numbers in flight.
    pub(crate) numbers: u64,
    /// The bytes that they hold.
    pub(crate) bytes: u64,
}

impl InFlight {
    /// Numbers in flight may hold `budget` bytes.
    pub(crate) fn new(budget: usize) -> Self {
        Self { budget, held: Cell::new(0), count: Cell::new(0) }
    }

    pub(crate) fn load(&self) -> Load {
        Load { numbers: self.count.get(), bytes: self.held.get() as u64 }
    }

    /// Reserves `bytes` for one more number. A number alone may exceed the budget.
    ///
    /// # Errors
    /// [`OverBudget`] where the numbers in flight leave no room for it.
    pub(crate) fn reserve(self: &Rc<Self>, bytes: usize) -> Result<Reservation, OverBudget> {
        let held = self.held.get();
        if held > 0 && held.saturating_add(bytes) > self.budget {
            return Err(OverBudget);
        }
        self.held.set(held.saturating_add(bytes));
        self.count.set(self.count.get() + 1);
        Ok(Reservation { in_flight: Rc::clone(self), bytes })
    }
}

/// A share of the budget, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    in_flight: Rc<InFlight>,
    bytes: usize,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let all = &self.in_flight;
        all.held.set(all.held.get() - self.bytes);
        all.count.set(all.count.get() - 1);
    }
}

/// The numbers in flight hold as much memory as they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverBudget;

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the responses in flight hold as much memory as they may")
    }
}

impl std::error::Error for OverBudget {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alone_may_exceed_the_budget_and_others_wait() {
        let all = Rc::new(InFlight::new(100));
        let long = all.reserve(1000).expect("it is alone");
        assert_eq!(all.reserve(1).expect_err("no room"), OverBudget);
        assert_eq!(all.load(), Load { numbers: 1, bytes: 1000 });
        drop(long);
        let half = all.reserve(50).expect("room");
        drop(all.reserve(50).expect("room"));
        assert_eq!(all.reserve(51).expect_err("no room"), OverBudget);
        assert_eq!(all.reserve(usize::MAX).expect_err("no room"), OverBudget);
        drop(half);
        assert_eq!(all.load(), Load { numbers: 0, bytes: 0 });
    }
}
