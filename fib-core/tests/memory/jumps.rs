//! Jumps and single numbers: the memory that they take, and what is left when there is not enough.

use fib_core::{Binary, Cause, Decimal, Demand, Exhausted, Fibonacci, MemoryGuard, Natural};

use super::{ALLOCATOR, number_at, with_only};

pub(super) const TESTS: [(&str, fn()); 4] = names_and_functions![
    a_refused_jump_changes_nothing_and_can_be_tried_again,
    a_jump_survives_the_failure_of_each_allocation,
    a_jump_in_place_needs_only_the_values,
    a_single_number_survives_the_failure_of_each_allocation,
];

/// Indices of jumps by products of limbs and by transforms.
const JUMPS: [u64; 3] = [700, 5_000, 100_000];

/// Refuses once, after it has admitted `admitted` demands.
struct RefusesOnce {
    admitted: Option<usize>,
    demands: Vec<Demand>,
}

impl MemoryGuard for RefusesOnce {
    fn admit(&mut self, demand: Demand) -> Result<(), Exhausted> {
        self.demands.push(demand);
        if self.admitted == Some(self.demands.len() - 1) {
            self.admitted = None;
            return Err(Exhausted::refused());
        }
        Ok(())
    }
}

fn a_refused_jump_changes_nothing_and_can_be_tried_again() {
    for index in JUMPS {
        let guard = RefusesOnce { admitted: None, demands: Vec::with_capacity(100) };
        let mut fib = Fibonacci::<Decimal>::new().with_guard(guard);
        fib.jump_to(90).unwrap();
        let (held, allocated) = (fib.bytes_held(), ALLOCATOR.allocated());
        let mut refusals = 0;
        let before = loop {
            *fib.guard_mut() = RefusesOnce { admitted: Some(refusals), demands: Vec::with_capacity(100) };
            let before = ALLOCATOR.total_allocated();
            match fib.jump_to(index) {
                Ok(()) => break before,
                Err(error) => assert_eq!(error.cause(), Cause::Guard),
            }
            assert_eq!((fib.index(), fib.bytes_held(), ALLOCATOR.allocated()), (90, held, allocated));
            assert_eq!(fib.peek().unwrap().to_string(), number_at(90));
            refusals += 1;
        };
        let demands = &fib.guard().demands;
        assert_eq!(demands.len(), refusals, "each demand was refused once");
        assert_eq!(
            demands[0].additional,
            ALLOCATOR.total_allocated() - before,
            "the first demand is exactly what was allocated"
        );
        assert!(demands.iter().all(|demand| demand.held == held));
        assert!(demands[1..].iter().all(|demand| demand.additional == 0), "{demands:?}");
        // Products of limbs take microseconds; two stages for each doubling by transforms can be cancelled.
        assert!(if index < 10_000 { refusals == 1 } else { refusals >= 3 }, "F({index}): asked {refusals} times");
        assert!(fib.bytes_held() <= demands[0].additional);
        assert_eq!(fib.peek().unwrap().to_string(), Natural::fibonacci(index).unwrap().to_string());
    }
}

/// Limits from zero on, such that for each allocation of a jump there is a limit that makes it fail. The step is smaller than
/// the smallest allocation.
fn limits(whole: usize) -> impl Iterator<Item = usize> {
    (0..whole).step_by(32).chain([whole - 1])
}

fn a_jump_survives_the_failure_of_each_allocation() {
    for index in JUMPS {
        let mut fib = Fibonacci::<Decimal>::new();
        fib.jump_to(91).unwrap();
        // From the same position, since a short way takes a near jump, which needs less memory.
        let mut expected = Fibonacci::<Decimal>::new();
        expected.jump_to(91).unwrap();
        let before = ALLOCATOR.total_allocated();
        expected.jump_to(index).unwrap();
        let whole = ALLOCATOR.total_allocated() - before;
        let allocated = ALLOCATOR.allocated();
        for limit in limits(whole) {
            let error = with_only(limit, || fib.jump_to(index).unwrap_err());
            assert_eq!(error.cause(), Cause::Allocation);
            assert_eq!((fib.index(), ALLOCATOR.allocated()), (91, allocated));
        }
        assert_eq!(fib.peek().unwrap().to_string(), number_at(91));
        with_only(whole, || fib.jump_to(index).unwrap());
        assert_eq!(fib.index(), index);
        assert!(fib.advance().unwrap() == expected.advance().unwrap());
        assert!(fib.advance().unwrap() == expected.advance().unwrap());
    }
}

fn a_jump_in_place_needs_only_the_values() {
    let index = 5_000;
    let guard = RefusesOnce { admitted: None, demands: Vec::with_capacity(10) };
    let mut fib = Fibonacci::<Binary>::new().with_guard(guard);
    fib.jump_to(91).unwrap();
    let (held, allocated) = (fib.bytes_held(), ALLOCATOR.allocated());
    let whole = 2 * Binary::limbs_for(index) * size_of::<fib_core::Limb>();
    for limit in limits(whole) {
        let error = with_only(limit, || fib.jump_to(index).unwrap_err());
        assert_eq!((error.cause(), fib.index(), fib.bytes_held()), (Cause::Allocation, 91, held));
        assert_eq!(ALLOCATOR.allocated(), allocated);
        fib.guard_mut().demands.clear();
    }
    assert_eq!(fib.peek().unwrap().to_string(), number_at(91));
    fib.guard_mut().demands.clear();
    let before = ALLOCATOR.total_allocated();
    with_only(whole, || fib.jump_to(index).unwrap());
    assert_eq!(ALLOCATOR.total_allocated() - before, whole);
    assert_eq!(fib.guard().demands, [Demand::new(held, whole)]);
    // From here on nothing is allocated.
    fib.guard_mut().demands.clear();
    assert!(with_only(0, || fib.jump_to(index - 1)).is_ok());
    assert_eq!(fib.guard().demands, [Demand::new(whole, 0)]);
    assert_eq!(fib.advance().unwrap().to_string(), number_at(4_999));
}

fn a_single_number_survives_the_failure_of_each_allocation() {
    for index in JUMPS {
        let before = ALLOCATOR.total_allocated();
        let expected = Natural::fibonacci(index).unwrap();
        let whole = ALLOCATOR.total_allocated() - before;
        let allocated = ALLOCATOR.allocated();
        for limit in limits(whole) {
            let error = with_only(limit, || Natural::fibonacci(index).map(|_| ()).unwrap_err());
            assert_eq!(error.cause(), Cause::Allocation);
            assert_eq!(ALLOCATOR.allocated(), allocated);
        }
        assert!(with_only(whole, || Natural::fibonacci(index).unwrap()) == expected);
    }
}
