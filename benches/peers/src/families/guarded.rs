//! `guarded-steps/N`: all steps from F(0) to F(N) with the service's memory guard, and without a guard.

use std::rc::Rc;

use fib_core::{Decimal, Fibonacci, MemoryGuard, Natural, Unlimited};
use fib_http::sequence::memory::{SystemMemory, Threshold};
use rug::Integer;

use crate::contest::{Contest, Contestant, Measure};

const INDEX: u32 = 1_000_000;

pub(crate) fn measures() -> Vec<Measure> {
    vec![Measure::new(format!("guarded-steps/{INDEX}"), || {
        let threshold = Threshold::new(90.0).expect("a share");
        let text = Integer::from(Integer::fibonacci(INDEX)).to_string();
        let expected: Rc<Natural> = Rc::new(text.parse().expect("digits"));
        Contest::of(steps("ours", SystemMemory::of_this_process(threshold), Rc::clone(&expected))).against(steps(
            "unguarded",
            Unlimited,
            expected,
        ))
    })]
}

/// The numbers are freed after each repetition. Where the allocator puts the blocks changes the time by some percent, so
/// both contestants must find the same free memory.
fn steps<G: MemoryGuard + 'static>(name: &'static str, guard: G, expected: Rc<Natural>) -> Contestant {
    let walk = |(guard, limbs): &mut (G, Vec<u64>)| {
        let mut fibonacci = Fibonacci::<Decimal>::new().with_guard(guard);
        while fibonacci.index() < u64::from(INDEX) {
            fibonacci.advance().expect("memory");
        }
        limbs.copy_from_slice(fibonacci.peek().expect("memory").limbs());
    };
    let limbs = vec![0; Decimal::limbs_for(INDEX.into())];
    Contestant::new(name, (guard, limbs), walk, move |(_, limbs)| limbs == expected.limbs())
}
