use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use coarsetime::Duration;
use fib_core::Limb;

use super::memory::{Reading, Threshold};
use super::*;

/// Both values together have more than 64 KiB here.
const LONG: u64 = 380_000;

/// A machine of 1,000,000 bytes, watched at a threshold of 50 %, and its clock.
#[derive(Clone, Default)]
struct Machine {
    used: Rc<Cell<u64>>,
    milliseconds: Rc<Cell<u64>>,
}

impl Machine {
    /// The sequence on this machine.
    fn sequence(&self, index: u64, policy: OnMemoryLimit) -> Sequence {
        let (machine, clock, start) = (self.clone(), self.clone(), Instant::now());
        let memory = SystemMemory::with_readings(Threshold::new(50.0).expect("valid"), move || {
            Reading::of_machine(machine.used.get(), 1_000_000)
        });
        let memory = memory.with_clock(move || start + Duration::from_millis(clock.milliseconds.get()));
        Sequence::start_at(index, memory, policy).expect("reachable")
    }

    fn wait(&self, milliseconds: u64) {
        self.milliseconds.set(self.milliseconds.get() + milliseconds);
    }

    /// Other processes change what is in use, and the guard notices.
    fn change(&self, used: u64) {
        self.used.set(used);
        self.wait(100);
    }

    /// Asks every 100 ms for this many milliseconds, and checks that there is no number at `index`.
    #[track_caller]
    fn assert_refused(&self, sequence: &mut Sequence, milliseconds: u64) {
        let (index, restarts) = (sequence.index(), sequence.restarts());
        for _ in 0..milliseconds / 100 {
            let refused = sequence.take();
            assert!(matches!(refused, Err(Shortage::Threshold(_))), "{refused:?}");
            assert!(sequence.check().is_err());
            assert_eq!((sequence.index(), sequence.restarts()), (index, restarts));
            self.wait(100);
        }
    }
}

fn sequence(index: u64, policy: OnMemoryLimit) -> Sequence {
    Machine::default().sequence(index, policy)
}

fn text(number: &Natural) -> Result<String, Shortage> {
    Ok(number.to_string())
}

/// The index and the text of the number that is consumed.
#[track_caller]
fn take_text(sequence: &mut Sequence) -> (u64, String) {
    let (position, text) = sequence.take_rendered(text).expect("memory");
    (position.index, text)
}

fn fail<T>(_: &Natural) -> Result<T, Shortage> {
    Err(Shortage::Number(Exhausted::refused()))
}

#[test]
fn numbers_come_in_order() {
    let mut sequence = sequence(0, OnMemoryLimit::Restart);
    let numbers: Vec<_> = (0..8).map(|_| take_text(&mut sequence)).collect();
    let expected = ["0", "1", "1", "2", "3", "5", "8", "13"];
    assert!(numbers.iter().map(|(index, _)| *index).eq(0..8));
    assert!(numbers.iter().map(|(_, number)| number.as_str()).eq(expected));
}

#[test]
fn the_first_number_can_be_chosen() {
    for (index, number) in [(0, "0"), (1, "1"), (2, "1"), (100, "354224848179261915075")] {
        let mut sequence = sequence(index, OnMemoryLimit::Refuse);
        assert_eq!(sequence.digit_count(), number.len() as u64);
        assert_eq!(take_text(&mut sequence), (index, number.to_owned()));
        assert_eq!(sequence.index(), index + 1);
    }
}

#[test]
fn a_first_number_beyond_the_threshold_is_refused_before_it_is_computed() {
    let index = u64::MAX / 1000;
    let memory =
        SystemMemory::with_readings(Threshold::new(50.0).expect("valid"), || Reading::of_machine(0, 1_000_000));
    let start = Sequence::start_at(index, memory, OnMemoryLimit::Restart);
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
    assert_eq!(take_text(&mut sequence), (10, "55".to_owned()));
    assert_eq!(sequence.restarts(), 0);
}

#[test]
fn a_panic_consumes_nothing() {
    let mut sequence = sequence(10, OnMemoryLimit::Restart);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        sequence.take_rendered(|_| -> Result<(), Shortage> { std::panic::resume_unwind(Box::new(())) })
    }));
    assert!(panicked.is_err());
    assert_eq!(take_text(&mut sequence), (10, "55".to_owned()));
}

/// Renders nothing until a pass ends, asked once in 500 ms; returns how often it failed.
fn fail_until_restart(machine: &Machine, sequence: &mut Sequence) -> u32 {
    let restarts = sequence.restarts();
    for failures in 0..100 {
        let _ = sequence.take_rendered(fail::<()>);
        if sequence.restarts() > restarts {
            return failures;
        }
        machine.wait(500);
    }
    panic!("no new pass");
}

#[test]
fn a_failure_to_allocate_that_lasts_starts_a_new_pass_where_that_is_the_policy() {
    let machine = Machine::default();
    let mut sequence = machine.sequence(LONG, OnMemoryLimit::Restart);
    assert_eq!(fail_until_restart(&machine, &mut sequence), 3);
    assert_eq!((sequence.index(), sequence.restarts()), (0, 1));
    assert_eq!(take_text(&mut sequence), (0, "0".to_owned()));
    assert_eq!(take_text(&mut sequence), (1, "1".to_owned()));
}

#[test]
fn a_shortage_that_a_new_pass_does_not_end_is_refused() {
    let machine = Machine::default();
    let mut sequence = machine.sequence(LONG, OnMemoryLimit::Restart);
    fail_until_restart(&machine, &mut sequence);
    for _ in 0..100 {
        assert!(sequence.take_rendered(fail::<()>).is_err());
        assert_eq!((sequence.index(), sequence.restarts()), (0, 1));
        machine.wait(1000);
    }
}

#[test]
fn a_failure_to_allocate_beside_numbers_in_flight_starts_no_new_pass() {
    let machine = Machine::default();
    let mut sequence = machine.sequence(LONG, OnMemoryLimit::Restart);
    let number = sequence.take().expect("memory");
    for _ in 0..100 {
        assert!(sequence.take_rendered(fail::<()>).is_err());
        assert_eq!((sequence.index(), sequence.restarts()), (LONG + 1, 0));
        machine.wait(1000);
    }
    drop(number);
    assert_eq!(fail_until_restart(&machine, &mut sequence), 3);
}

#[test]
fn a_spike_of_a_neighbour_costs_no_position() {
    for (used, milliseconds) in [(350_000, 900), (510_000, 400), (900_000, 400), (900_000, 30_000)] {
        let machine = Machine::default();
        let mut sequence = machine.sequence(LONG, OnMemoryLimit::Restart);
        sequence.take().expect("memory");
        machine.change(used);
        machine.assert_refused(&mut sequence, milliseconds);
        machine.change(0);
        assert_eq!(sequence.take().expect("memory").position.index, LONG + 1, "{used}");
    }
}

#[test]
fn a_shortage_that_a_new_pass_ends_has_to_last_a_second() {
    let machine = Machine::default();
    let mut sequence = machine.sequence(LONG, OnMemoryLimit::Restart);
    // A little more than what the response needs is missing.
    machine.change(350_000);
    machine.assert_refused(&mut sequence, 1000);
    assert!(sequence.check().is_ok(), "`take` starts a new pass");
    assert_eq!((sequence.index(), sequence.restarts()), (LONG, 0));
    assert_eq!(sequence.take().expect("F(0)").position.index, 0);
    assert_eq!((sequence.index(), sequence.restarts()), (1, 1));
}

#[test]
fn a_shortage_that_a_new_pass_does_not_end_has_to_last_a_minute() {
    let machine = Machine::default();
    let mut sequence = machine.sequence(LONG, OnMemoryLimit::Restart);
    machine.change(900_000);
    machine.assert_refused(&mut sequence, 60_000);
    assert_eq!(sequence.take().expect("F(0)").position.index, 0);
}

/// A number by index before each request was freed instead, and the shortage did not count.
#[test]
fn a_number_that_is_kept_again_and_again_does_not_keep_a_pass_alive() {
    let machine = Machine::default();
    let mut sequence = machine.sequence(LONG, OnMemoryLimit::Restart);
    machine.change(350_000);
    for _ in 0..11 {
        assert_eq!(sequence.restarts(), 0);
        sequence.digits_of(10, 0..2).expect("a short number");
        let _ = sequence.take();
        machine.wait(100);
    }
    assert_eq!((sequence.index(), sequence.restarts()), (1, 1));
}

#[test]
fn a_shortage_has_to_last_without_a_break() {
    let machine = Machine::default();
    let mut sequence = machine.sequence(LONG, OnMemoryLimit::Restart);
    for round in 0..10 {
        machine.change(350_000);
        machine.assert_refused(&mut sequence, 900);
        machine.change(0);
        // Whoever looks, a look is enough.
        match round % 2 {
            0 => assert!(sequence.check().is_ok()),
            _ => drop(sequence.take().expect("memory")),
        }
    }
    assert_eq!((sequence.index(), sequence.restarts()), (LONG + 5, 0));
}

#[test]
fn a_client_that_seldom_asks_gets_a_number_too() {
    let machine = Machine::default();
    let mut sequence = machine.sequence(LONG, OnMemoryLimit::Restart);
    machine.change(900_000);
    for _ in 0..3 {
        assert!(sequence.take().is_err());
        machine.wait(600_000);
    }
    assert_eq!(sequence.take().expect("F(0)").position.index, 0);
}

#[test]
fn refused_numbers_are_kept_where_that_is_the_policy() {
    let machine = Machine::default();
    let mut sequence = machine.sequence(LONG, OnMemoryLimit::Refuse);
    machine.change(350_000);
    machine.assert_refused(&mut sequence, 120_000);
    machine.change(0);
    assert_eq!(sequence.take().expect("memory").position.index, LONG);
}

#[test]
fn what_numbers_in_flight_hold_ends_no_pass() {
    let machine = Machine::default();
    let mut sequence = machine.sequence(LONG, OnMemoryLimit::Restart);
    let numbers: Vec<_> = (0..3).map(|_| sequence.take().expect("memory")).collect();
    let held = sequence.load().bytes;
    // These, and as much again that the system takes for them, are all that is missing.
    machine.change(330_000 + 2 * held);
    machine.assert_refused(&mut sequence, 120_000);
    drop(numbers);
    machine.change(330_000);
    assert_eq!(sequence.take().expect("memory").position.index, LONG + 3);
}

#[test]
fn a_full_budget_ends_no_pass_even_after_a_shortage() {
    let machine = Machine::default();
    let mut sequence = machine.sequence(LONG, OnMemoryLimit::Restart);
    machine.change(350_000);
    machine.assert_refused(&mut sequence, 1000);
    assert!(sequence.check().is_ok(), "`take` would start a new pass");
    machine.change(0);
    let over = sequence.take_rendered(|_| -> Result<(), _> { Err(OverBudget.into()) });
    assert!(matches!(over, Err(Shortage::InFlight(OverBudget))), "{over:?}");
    assert_eq!((sequence.index(), sequence.restarts()), (LONG, 0));
}

/// Many connections ended a pass that held less than they did.
#[test]
fn what_connections_may_hold_ends_no_pass() {
    let machine = Machine::default();
    let mut sequence = machine.sequence(LONG, OnMemoryLimit::Restart);
    sequence.set_connections(2);
    machine.change(350_000);
    machine.assert_refused(&mut sequence, 120_000);
    sequence.set_connections(1);
    assert_eq!(sequence.take().expect("F(0)").position.index, 0);
}

#[test]
fn numbers_in_flight_stay_within_the_threshold() {
    let machine = Machine::default();
    let mut sequence = machine.sequence(LONG, OnMemoryLimit::Refuse);
    machine.change(100_000);
    let mut numbers = Vec::new();
    let shortage = loop {
        match sequence.take() {
            Ok(number) => numbers.push(number),
            Err(shortage) => break shortage,
        }
        assert!(100_000 + sequence.load().bytes <= 500_000);
    };
    assert!(matches!(shortage, Shortage::Threshold(_)), "{shortage}");
    assert_eq!(numbers.len(), 2, "of about 159 kB each, half of which the system holds");
    assert!(sequence.check().is_err());
    drop(numbers);
    assert!(sequence.take().is_ok());
}

/// A step was refused where a new pass was not worth it, for ever.
#[test]
fn every_refusal_of_the_guard_can_start_a_new_pass() {
    let machine = Machine::default();
    let mut sequence = machine.sequence(371_000, OnMemoryLimit::Restart);
    assert!(sequence.fibonacci.bytes_held() <= EXEMPT_BYTES);
    machine.change(600_000);
    for _ in 0..2 {
        while sequence.take_rendered(|_| Ok(())).is_ok() {
            assert!(sequence.index() < LONG, "it grows");
        }
        assert!(sequence.fibonacci.bytes_held() > EXEMPT_BYTES);
        assert!(sequence.index() > 360_000);
        machine.assert_refused(&mut sequence, 60_000);
        assert_eq!(sequence.take().expect("F(0)").position.index, 0);
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
    assert_eq!(take_text(&mut sequence), (10, "55".to_owned()));
    assert_eq!(sequence.restarts(), 0);
}

#[test]
fn numbers_of_64_kib_together_are_not_given_up() {
    let limbs = EXEMPT_BYTES / 2 / size_of::<Limb>();
    let longer = (0..).find(|&index| Decimal::limbs_for(index) > limbs).expect("they grow");
    let machine = Machine::default();
    let mut short = machine.sequence(longer - 10, OnMemoryLimit::Restart);
    assert_eq!(short.fibonacci.bytes_held(), EXEMPT_BYTES);
    for _ in 0..100 {
        assert!(short.take_rendered(fail::<()>).is_err());
        machine.wait(1000);
    }
    assert_eq!((short.index(), short.restarts()), (longer - 10, 0));
    let mut long = machine.sequence(longer, OnMemoryLimit::Restart);
    assert!(long.fibonacci.bytes_held() > EXEMPT_BYTES);
    fail_until_restart(&machine, &mut long);
    assert_eq!((long.index(), long.restarts()), (0, 1));
}

#[test]
fn a_check_tells_what_take_would_find_and_consumes_nothing() {
    for policy in [OnMemoryLimit::Restart, OnMemoryLimit::Refuse] {
        let machine = Machine::default();
        let mut sequence = machine.sequence(LONG, policy).with_max_in_flight_bytes(100_000);
        let number = sequence.take().expect("memory");
        let over = sequence.check();
        assert!(matches!(over, Err(Shortage::InFlight(OverBudget))), "{over:?}");
        assert!(matches!(sequence.take(), Err(Shortage::InFlight(OverBudget))));
        drop(number);
        assert!(sequence.check().is_ok());
        machine.change(600_000);
        assert!(matches!(sequence.check(), Err(Shortage::Threshold(_))));
        assert!(sequence.take().is_err());
        machine.change(0);
        assert!(sequence.check().is_ok());
        assert_eq!((sequence.index(), sequence.restarts()), (LONG + 1, 0));
        assert_eq!(sequence.take().expect("memory").position.index, LONG + 1);
    }
}
