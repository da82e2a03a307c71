//! Where a sequence is: moves in place to any index, return to a kept position, copies.

use fib_core::{
    Binary, Buffer, ByteBudget, Cause, Decimal, Fibonacci, Heap, Inline, Limb, MemoryGuard, Natural, NotFibonacci,
    Radix, Storage, guard_fn,
};
use proptest::prelude::*;

/// The largest index of these tests.
const LAST: u64 = 3_000;

/// Room for F([`LAST`]) in both radices.
const ROOM: usize = Decimal::limbs_for(LAST);

fn walked<R: Radix>(index: u64) -> Fibonacci<R, Heap> {
    let mut fib = Fibonacci::new();
    while fib.index() < index {
        fib.advance().unwrap();
    }
    fib
}

/// Both sequences lend the same numbers with the same indices.
fn lend_the_same<R: Radix, S: Buffer, T: Buffer>(
    a: &mut Fibonacci<R, S, impl MemoryGuard>,
    b: &mut Fibonacci<R, T, impl MemoryGuard>,
) {
    for _ in 0..3 {
        let (index, number) = a.advance_indexed().unwrap();
        assert_eq!(
            (index, number.limbs()),
            b.advance_indexed().map(|(index, number)| (index, number.limbs())).unwrap()
        );
    }
}

/// The number at every index from every index before and after it is in the tests with proptest; here every index is reached,
/// with exactly as much room as its number has.
fn check_in_exactly_enough_room<R: Radix>(limbs: impl Fn(u64) -> usize) {
    let mut walk = Fibonacci::<R>::new();
    for index in 0..=LAST {
        let len = limbs(index);
        let mut memory = vec![Limb::MAX; 2 * len];
        let (first, second) = memory.split_at_mut(len);
        let mut fib = Fibonacci::<R, _>::in_slices([first, second]);
        fib.jump_to(index).unwrap();
        assert_eq!(fib.index(), index);
        if index > 0 {
            let values = fib.values().unwrap();
            assert_eq!(values[0], walk.current().unwrap(), "F({index} - 1)");
            assert!(values.iter().all(|value| value.limbs().last() != Some(&0)), "normalised");
        }
        assert_eq!(fib.advance().unwrap(), walk.advance().unwrap(), "F({index})");
        assert_eq!(fib.current().unwrap(), walk.current().unwrap());
    }
}

#[test]
fn every_index_is_reached_in_exactly_enough_room() {
    check_in_exactly_enough_room::<Decimal>(Decimal::limbs_for);
    check_in_exactly_enough_room::<Binary>(Binary::limbs_for);
}

#[test]
fn long_numbers_agree_with_steps() {
    for index in [20_000, 20_001, 32_767, 32_768, 40_000] {
        let mut binary = Fibonacci::<Binary>::new();
        binary.jump_to(index).unwrap();
        lend_the_same(&mut binary, &mut walked(index));
        const ROOM: usize = Decimal::limbs_for(40_010);
        let mut inline = Box::new(Fibonacci::<Decimal, Inline<ROOM>>::new());
        inline.jump_to(index).unwrap();
        lend_the_same(&mut inline, &mut walked(index));
    }
}

#[test]
fn a_move_that_does_not_fit_changes_nothing() {
    let mut fib = Fibonacci::<Decimal, Inline<ROOM>>::new();
    fib.jump_to(100).unwrap();
    for index in [2 * LAST, u64::MAX] {
        assert_eq!(fib.jump_to(index).unwrap_err().cause(), Cause::Capacity);
    }
    lend_the_same(&mut fib, &mut walked(100));

    let mut fib = Fibonacci::<Binary>::new().with_guard(ByteBudget::new(500));
    fib.jump_to(100).unwrap();
    assert_eq!(fib.jump_to(LAST).unwrap_err().cause(), Cause::Guard);
    lend_the_same(&mut fib, &mut walked(100));

    // The guard is asked even where nothing is allocated.
    let mut refusing =
        Fibonacci::<Decimal, Inline<ROOM>>::new().with_guard(guard_fn(|_| Err(fib_core::Exhausted::refused())));
    assert_eq!(refusing.jump_to(100).unwrap_err().cause(), Cause::Guard);
    assert_eq!(refusing.index(), 0);
}

#[test]
fn slices_are_used_again_after_a_restart() {
    let mut memory = [Limb::MAX; 2 * ROOM];
    let (first, second) = memory.split_at_mut(ROOM);
    let mut endless = Fibonacci::<Decimal, _>::in_slices([first, second]).restarting();
    for pass in 0..2 {
        let mut walk = Fibonacci::<Decimal>::new();
        while endless.restarts() == pass {
            assert_eq!(endless.advance(), walk.advance().unwrap());
            if Decimal::limbs_for(walk.index()) > ROOM {
                break;
            }
        }
        assert!(walk.index() > LAST, "all that fit were lent");
        assert_eq!(*endless.peek(), 0);
        assert_eq!(endless.restarts(), pass + 1);
    }
    endless.jump_to(LAST - 10).unwrap();
    lend_the_same(&mut endless.into_inner(), &mut walked(LAST - 10));
}

#[test]
fn slices_of_different_lengths_hold_what_fits_the_shorter_one() {
    let mut memory = [0; 9];
    let (first, second) = memory.split_at_mut(3);
    let mut fib = Fibonacci::<Decimal, _>::in_slices([first, second]);
    while fib.advance().is_ok() {}
    let index = fib.index();
    assert!(Decimal::limbs_for(index) > 3);
    assert_eq!(fib.current().unwrap(), walked::<Decimal>(index).current().unwrap());
}

/// A sequence from the index and the values of another one, in either storage.
fn resumed<R: Radix, S: Storage, T: Storage>(fib: &Fibonacci<R, S>) -> Result<Fibonacci<R, T>, NotFibonacci> {
    let values = fib.values().unwrap();
    Fibonacci::from_values(fib.index(), values.map(|value| Natural::try_from(value).unwrap()))
}

#[test]
fn values_lead_back_to_the_same_position() {
    let mut fib = Fibonacci::<Decimal>::new();
    assert!(fib.values().is_none() && fib.current().is_none());
    fib.advance().unwrap();
    assert!(fib.values().is_none());
    assert_eq!(*fib.current().unwrap(), 0);
    for index in 1..400 {
        assert_eq!(fib.index(), index);
        if index > 1 {
            let mut again: Fibonacci<Decimal, Inline<ROOM>> = resumed(&fib).unwrap();
            assert_eq!(
                (again.index(), again.current().map(ToString::to_string)),
                (index, fib.current().map(ToString::to_string))
            );
            lend_the_same(&mut again, &mut fib.try_clone().unwrap());
        }
        fib.peek().unwrap();
        let mut again: Fibonacci<Decimal, Heap> = resumed(&fib).unwrap();
        lend_the_same(&mut again, &mut fib.try_clone().unwrap());
        fib.advance().unwrap();
    }
}

#[test]
fn wrong_values_are_found() {
    let text = walked::<Decimal>(500).values().unwrap().map(ToString::to_string);
    let values = |text: &[String; 2]| text.each_ref().map(|digits| digits.parse::<Natural>().unwrap());
    assert!(Fibonacci::from_values(500, values(&text)).is_ok());
    for index in [0, 1, 2, 498, 501, 502, u64::MAX] {
        assert!(Fibonacci::from_values(index, values(&text)).is_err(), "{index}");
    }
    assert!(Fibonacci::from_values(499, values(&text)).is_ok(), "as after a peek");
    for value in 0..2 {
        for position in 0..text[value].len() {
            let mut wrong = text.clone();
            let digit = wrong[value].as_bytes()[position];
            let other = if digit == b'9' { "8" } else { "9" };
            wrong[value].replace_range(position..=position, other);
            assert_eq!(Fibonacci::from_values(500, values(&wrong)).unwrap_err(), NotFibonacci);
        }
    }
    let [a, b] = values(&text);
    assert_eq!(Fibonacci::from_values(500, [b, a]).unwrap_err(), NotFibonacci);
}

#[test]
fn copies_go_on_alone() {
    let mut fib = Fibonacci::<Decimal, Inline<ROOM>>::new();
    fib.nth(99);
    let mut copies = [fib.clone(), fib.try_clone().unwrap()];
    fib.restart();
    for copy in &mut copies {
        lend_the_same(copy, &mut walked(100));
    }
}

proptest! {
    #[test]
    fn moves_lead_anywhere_from_anywhere(indices in proptest::collection::vec(0..LAST, 1..6), steps in 0..5_u64) {
        let mut decimal = Fibonacci::<Decimal, Inline<{ ROOM + 1 }>>::new();
        let mut binary = Fibonacci::<Binary>::new();
        for index in indices {
            decimal.jump_to(index).unwrap();
            binary.jump_to(index).unwrap();
            for _ in 0..steps {
                decimal.advance().unwrap();
                binary.advance().unwrap();
            }
            lend_the_same(&mut decimal, &mut walked(index + steps));
            lend_the_same(&mut binary, &mut walked(index + steps));
        }
    }
}
