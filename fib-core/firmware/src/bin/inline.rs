//! The sequence without an allocator: numbers in `Inline` storage, with room for F(1000).

#![no_std]
#![no_main]

use fib_core::{Cause, Decimal, Demand, Exhausted, Fibonacci, Inline, MemoryGuard};
use firmware::{entry, fill, println, show_restart, succeed};

/// 24 limbs of 32 bits, computed at compile time.
const LIMBS: usize = Decimal::limbs_for(1000);

/// Refuses every hundredth step, as if a battery had to be charged.
struct Battery {
    steps_left: u32,
}

impl Battery {
    const FULL: Self = Self { steps_left: 99 };
}

impl MemoryGuard for Battery {
    fn admit(&mut self, _: Demand) -> Result<(), Exhausted> {
        if self.steps_left == 0 {
            *self = Self::FULL;
            return Err(Exhausted::refused());
        }
        self.steps_left -= 1;
        Ok(())
    }
}

#[entry]
fn main() -> ! {
    let mut fib = Fibonacci::<Decimal, Inline<LIMBS>>::new();
    let cause = fill(&mut fib, |index, number| println!("F({index}) = {number}"));
    assert!(cause == Cause::Capacity);
    fib.restart();
    show_restart(fib.with_guard(Battery::FULL).restarting());
    succeed()
}
