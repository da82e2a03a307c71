//! Memory: how much is held and requested, and that nothing is lost when it is exhausted. A counting allocator with a limit
//! acts as a machine that runs out of memory. The limit holds for the whole process, so all tests run on one thread, one
//! after the other (the standard harness allocates on a thread of its own).

use std::alloc::System;

use cap::Cap;
use fib_core::{Binary, ByteBudget, Cause, Decimal, Demand, Exhausted, Fibonacci, Inline, MemoryGuard, Natural, Radix};
use libtest_mimic::{Arguments, Trial};

/// Tests with their names.
macro_rules! names_and_functions {
    ($($test:ident),* $(,)?) => {
        [$((stringify!($test), $test as fn())),*]
    };
}

mod jumps;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

fn main() {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let tests = names_and_functions![
        only_two_values_are_held,
        a_failed_allocation_loses_nothing,
        a_clone_that_fails_consumes_nothing,
        parsing_and_printing_fail_without_aborting,
        a_refused_step_changes_nothing_and_can_be_tried_again,
        the_demand_is_what_is_requested_from_the_allocator,
        a_byte_budget_is_a_bound_at_every_moment,
        full_storage_never_wraps,
        inline_storage_requests_nothing_from_an_allocator,
        nth_ends_at_once_where_there_is_no_memory_for_the_number,
        restarting_begins_a_new_pass,
        a_clone_that_fails_starts_no_new_pass,
        skipping_in_a_restarting_sequence_clones_nothing,
    ]
    .into_iter()
    .chain(jumps::TESTS);
    let trials = tests.map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

/// Runs `attempt` with at most `bytes` more bytes than are allocated now.
fn with_only<T>(bytes: usize, attempt: impl FnOnce() -> T) -> T {
    ALLOCATOR.set_limit(ALLOCATOR.allocated() + bytes).expect("more than is in use");
    let result = attempt();
    ALLOCATOR.set_limit(usize::MAX).expect("no limit");
    result
}

fn number_at(index: usize) -> String {
    Fibonacci::<Decimal>::new().nth(index).unwrap().to_string()
}

fn only_two_values_are_held() {
    let before = ALLOCATOR.allocated();
    let mut fib = Fibonacci::<Decimal>::new();
    for _ in 0..50_000 {
        fib.advance().unwrap();
        assert_eq!(ALLOCATOR.allocated() - before, fib.bytes_held());
    }
    let number = Decimal::limbs_for(50_000) * size_of::<fib_core::Limb>();
    assert!(fib.bytes_held() <= 2 * (number + number / 64 + 64), "{} bytes for F(50,000)", fib.bytes_held());
    fib.restart();
    assert_eq!((ALLOCATOR.allocated(), fib.bytes_held()), (before, 0));
    assert_eq!(fib.advance().unwrap().to_string(), "0");
}

fn a_failed_allocation_loses_nothing() {
    fn check<R: Radix>() {
        let mut fib = Fibonacci::<R>::new();
        let mut reference = Fibonacci::<R>::new();
        let mut failures = 0;
        while fib.index() < 20_000 {
            let (index, held) = (fib.index(), fib.bytes_held());
            match with_only(0, || fib.peek().map(|_| ()).map_err(|exhausted| exhausted.cause())) {
                Ok(()) => {}
                Err(cause) => {
                    failures += 1;
                    assert_eq!((cause, fib.index(), fib.bytes_held()), (Cause::Allocation, index, held));
                    assert!(with_only(0, || fib.next().is_none()), "the same step fails again");
                }
            }
            assert!(fib.advance().unwrap() == reference.advance().unwrap(), "F({index})");
        }
        assert!(failures > 50, "the allocator refused {failures} times");
    }
    check::<Decimal>();
    check::<fib_core::Binary>();
}

fn a_clone_that_fails_consumes_nothing() {
    let mut fib = Fibonacci::<Decimal>::new();
    fib.nth(999);
    fib.peek().unwrap();
    assert!(with_only(0, || fib.next().is_none()));
    assert_eq!(fib.index(), 1000);
    assert!(with_only(0, || fib.advance().is_ok()), "lending needs no memory");
    assert_eq!(fib.next().unwrap().to_string(), number_at(1001));
}

fn parsing_and_printing_fail_without_aborting() {
    let text = "7".repeat(1_000);
    let error = with_only(0, || text.parse::<Natural>().map(|_| ()).unwrap_err());
    assert_eq!(error.to_string(), "too many digits for the storage");
    let mut n: Natural = text.parse().unwrap();
    let other: Natural = "9".repeat(5_000).parse().unwrap();
    assert!(with_only(0, || n.try_add_assign(&other).is_err() && n.try_clone().is_err()));
    assert_eq!(n.to_string(), text);
    let mut buffer = String::with_capacity(3_000);
    let mut print = |len| {
        let binary = Natural::<Binary>::from_le_bytes(&vec![0xff; len]).unwrap();
        buffer.clear();
        let result = with_only(0, || std::fmt::Write::write_fmt(&mut buffer, format_args!("{binary}")));
        result.map(|()| buffer.len()).map_err(|_| buffer.len())
    };
    let short = 64 * size_of::<fib_core::Limb>();
    assert!(print(short).is_ok_and(|digits| digits > 2 * short), "short numbers need no memory");
    assert_eq!(print(short + 1), Err(0));
}

/// Refuses each step as often as `refusals` says before it admits it, and records what it is told.
struct Stubborn {
    refusals: u32,
    asked: u32,
    demands: Vec<Demand>,
}

impl MemoryGuard for Stubborn {
    fn admit(&mut self, demand: Demand) -> Result<(), Exhausted> {
        self.demands.push(demand);
        self.asked += 1;
        if self.asked <= self.refusals {
            return Err(Exhausted::refused());
        }
        self.asked = 0;
        Ok(())
    }
}

fn a_refused_step_changes_nothing_and_can_be_tried_again() {
    let guard = Stubborn { refusals: 2, asked: 0, demands: Vec::new() };
    let mut fib = Fibonacci::<Decimal>::new().with_guard(guard);
    let mut reference = Fibonacci::<Decimal>::new();
    assert_eq!(fib.advance().unwrap().to_string(), "0");
    assert_eq!(fib.guard().demands, [], "F(0) needs no guard");
    reference.advance().unwrap();
    for index in 1..3_000 {
        for _ in 0..2 {
            let held = fib.bytes_held();
            assert_eq!(fib.advance().unwrap_err().cause(), Cause::Guard);
            assert_eq!((fib.index(), fib.bytes_held()), (index, held));
        }
        let held = fib.bytes_held();
        assert_eq!(fib.advance().unwrap(), reference.advance().unwrap());
        let demand = *fib.guard().demands.last().unwrap();
        assert_eq!(demand.held, held);
        assert!(fib.bytes_held() <= demand.peak());
        assert_eq!(
            demand.additional > 0,
            fib.bytes_held() > held,
            "the step requests memory exactly if the values grow"
        );
    }
}

fn the_demand_is_what_is_requested_from_the_allocator() {
    let guard = Stubborn { refusals: 0, asked: 0, demands: Vec::with_capacity(30_000) };
    let mut fib = Fibonacci::<Decimal>::new().with_guard(guard);
    for _ in 0..20_000 {
        let before = ALLOCATOR.total_allocated();
        let asked_before = fib.guard().demands.len();
        fib.advance().unwrap();
        let asked: usize = fib.guard().demands[asked_before..].iter().map(|demand| demand.additional).sum();
        assert_eq!(ALLOCATOR.total_allocated() - before, asked);
    }
}

fn a_byte_budget_is_a_bound_at_every_moment() {
    for budget in [0, 63, 64, 128, 1_000, 10_000] {
        let mut fib = Fibonacci::<Decimal>::new().with_guard(ByteBudget::new(budget));
        let error = with_only(budget, || {
            loop {
                if let Err(error) = fib.advance() {
                    break error;
                }
            }
        });
        assert_eq!(error.cause(), Cause::Guard, "the budget of {budget} bytes refuses before the allocator does");
        assert!(fib.bytes_held() <= budget);
        assert!(fib.index() >= 1);
    }
}

fn full_storage_never_wraps() {
    let mut fib = Fibonacci::<Decimal, Inline<3>>::new();
    let mut reference = Fibonacci::<Decimal>::new();
    let last = loop {
        match fib.advance() {
            Ok(number) => assert_eq!(number.limbs(), reference.advance().unwrap().limbs()),
            Err(exhausted) => break exhausted,
        }
    };
    assert_eq!(last.cause(), Cause::Capacity);
    assert_eq!(reference.advance().unwrap().limbs().len(), 4, "the next number needs a fourth limb");
    let index = fib.index();
    assert!(fib.advance().is_err() && fib.next().is_none() && fib.nth(3).is_none());
    assert_eq!(fib.index(), index);
    let mut none = Fibonacci::<Decimal, Inline<0>>::new();
    assert_eq!(none.advance().unwrap().to_string(), "0");
    assert_eq!(none.advance().unwrap_err().cause(), Cause::Capacity);
}

fn inline_storage_requests_nothing_from_an_allocator() {
    let guard = Stubborn { refusals: 0, asked: 0, demands: Vec::with_capacity(1_000) };
    let mut fib = Fibonacci::<Decimal, Inline<3>>::new().with_guard(guard);
    while fib.advance().is_ok() {}
    let demands = &fib.guard_mut().demands;
    assert!(Decimal::limbs_for(demands.len() as u64) >= 3, "{} steps do not fill the storage", demands.len());
    assert!(demands.iter().all(|demand| demand.additional == 0), "{demands:?}");
}

fn nth_ends_at_once_where_there_is_no_memory_for_the_number() {
    let mut fib = Fibonacci::<Decimal>::new();
    assert!(with_only(100_000, || fib.nth(10_000_000).is_none()));
    assert_eq!((fib.index(), fib.bytes_held()), (0, 0), "nothing is consumed");
    // Enough for the number, its clone and steps, but not for a jump.
    let number = with_only(60_000, || fib.nth(50_000).unwrap());
    assert_eq!(number.to_string(), number_at(50_000));
}

fn restarting_begins_a_new_pass() {
    let mut endless = Fibonacci::<Decimal>::new().with_guard(ByteBudget::new(500)).restarting();
    let mut expected = Fibonacci::<Decimal>::new();
    while endless.restarts() < 3 {
        let restarts = endless.restarts();
        let number = endless.advance().try_clone().unwrap();
        if endless.restarts() > restarts {
            expected.restart();
        }
        assert_eq!(&number, expected.advance().unwrap());
    }
    assert!(endless.by_ref().take(5_000).count() == 5_000, "it never ends");
}

fn a_clone_that_fails_starts_no_new_pass() {
    let mut endless = Fibonacci::<Decimal>::new().restarting();
    assert_eq!(endless.nth(1_000).unwrap().to_string(), number_at(1_000));
    // Within this many steps, the values do not grow.
    let held = endless.get_ref().bytes_held();
    for _ in 0..3 {
        assert!(with_only(0, || endless.next().is_none()));
        assert_eq!((endless.restarts(), endless.get_ref().index(), endless.get_ref().bytes_held()), (0, 1_001, held));
    }
    assert_eq!(endless.next().unwrap().to_string(), number_at(1_001));
}

fn skipping_in_a_restarting_sequence_clones_nothing() {
    let allocated = |walk: &mut dyn FnMut()| {
        let before = ALLOCATOR.total_allocated();
        walk();
        ALLOCATOR.total_allocated() - before
    };
    let mut fib = Fibonacci::<Decimal>::new();
    let expected = allocated(&mut || {
        for _ in 0..500 {
            fib.advance().unwrap();
        }
        drop(fib.next());
    });
    let mut endless = Fibonacci::<Decimal>::new().restarting();
    assert_eq!(allocated(&mut || drop(endless.nth(500))), expected);
    assert_eq!(endless.nth(9_498).unwrap().to_string(), number_at(9_999));
}
