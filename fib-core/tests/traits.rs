//! What users of the types rely on: traits, messages, constants.

use std::error::Error;
use std::fmt::{Debug, Display, LowerHex};
use std::hash::Hash;
use std::str::FromStr;

use fib_core::{
    Binary, ByteBudget, Cause, Decimal, Exhausted, Fibonacci, Heap, Inline, MemoryGuard, Natural, ParseError,
    Restarting, Unlimited,
};

static ZERO: Natural = Natural::new();
static SEQUENCE: std::sync::Mutex<Fibonacci> = std::sync::Mutex::new(Fibonacci::<Decimal>::new());
const TINY: Fibonacci<Decimal, Inline<1>> = Fibonacci::<Decimal, Inline<1>>::new();

#[test]
fn construction_is_static_and_allocates_nothing() {
    assert_eq!(ZERO.to_string(), "0");
    assert_eq!(ZERO.bytes_held(), 0);
    let mut fib = SEQUENCE.lock().unwrap();
    assert_eq!(fib.bytes_held(), 0);
    assert_eq!(fib.advance().unwrap().to_string(), "0");
    assert_eq!(fib.bytes_held(), 0, "F(0) needs no memory");
    let last = if fib_core::Limb::BITS == 64 { 92 } else { 44 };
    assert_eq!(TINY.count(), last + 1, "one limb holds F(0) to F({last})");
}

#[test]
fn types_implement_what_the_documentation_promises() {
    fn threads<T: Send + Sync + Unpin>() {}
    fn number<T: Ord + Hash + Debug + Display + Default + TryFrom<u64, Error = Exhausted>>() {}
    fn guard<T: MemoryGuard>() {}
    fn error<T: Error + Send + Sync + Copy + 'static>() {}
    fn iterator<T: Iterator<Item = Natural>>() {}
    threads::<Fibonacci>();
    threads::<Fibonacci<Binary, Inline<4>, ByteBudget>>();
    threads::<Restarting>();
    number::<Natural>();
    number::<Natural<Binary>>();
    number::<Natural<Decimal, Inline<2>>>();
    number::<Natural<Binary, Inline<2>>>();
    guard::<Unlimited>();
    guard::<&mut ByteBudget>();
    guard::<&mut dyn MemoryGuard>();
    error::<Exhausted>();
    error::<ParseError>();
    iterator::<Fibonacci>();
    iterator::<Restarting>();
    fn parses<T: FromStr<Err = ParseError>>() {}
    fn hex<T: LowerHex>() {}
    fn clones<T: Clone>() {}
    parses::<Natural<Decimal, Heap>>();
    hex::<Natural<Binary, Heap>>();
    clones::<Natural<Decimal, Inline<3>>>();
}

#[test]
fn debug_is_short_and_readable() {
    assert_eq!(format!("{:?}", Natural::<Decimal>::try_from(55_u8).unwrap()), "Natural(55)");
    assert_eq!(format!("{:?}", Natural::<Binary>::try_from(55_u8).unwrap()), "Natural(0x37)");
    let mut fib = Fibonacci::<Decimal>::default();
    fib.nth(6);
    assert_eq!(format!("{fib:?}"), "Fibonacci { index: 7, .. }");
    assert_eq!(format!("{:?}", fib.restarting()), "Restarting { sequence: Fibonacci { index: 7, .. }, restarts: 0 }");
}

#[test]
fn messages_say_what_is_wrong() {
    assert_eq!(Exhausted::refused().to_string(), "the memory guard refused to let the number grow");
    let full = "1".parse::<Natural<Decimal, Inline<0>>>().unwrap_err();
    assert_eq!(full.to_string(), "too many digits for the storage");
    assert_eq!(full.source().expect("a reason").to_string(), "the number does not fit its storage");
    let empty = "".parse::<Natural>().unwrap_err();
    assert_eq!(empty.to_string(), "no digits: the text is empty");
    assert!(empty.source().is_none());
    let invalid = "12\n4".parse::<Natural>().unwrap_err();
    assert_eq!(invalid.to_string(), r"not a decimal digit: '\n' at byte 2");
    assert!(invalid.source().is_none());
}

#[test]
fn a_borrowed_guard_refuses_too() {
    let mut budget = ByteBudget::new(0);
    let mut fib = Fibonacci::<Decimal>::new().with_guard(&mut budget);
    assert!(fib.advance().is_ok(), "F(0) needs no memory");
    assert_eq!(fib.advance().unwrap_err().cause(), Cause::Guard);
}

#[test]
fn the_restarting_iterator_yields_every_number_of_each_pass() {
    let endless = Fibonacci::<Decimal, Inline<1>>::new().restarting();
    let pass: Vec<String> = Fibonacci::<Decimal, Inline<1>>::new().map(|number| number.to_string()).collect();
    let two_passes = endless.take(2 * pass.len() + 3).map(|number| number.to_string());
    assert!(two_passes.eq(pass.iter().cycle().take(2 * pass.len() + 3).cloned()));
}

#[test]
fn equal_numbers_have_equal_hashes() {
    use std::hash::{BuildHasher, RandomState};
    let state = RandomState::new();
    let hash = |text: &str| state.hash_one(text.parse::<Natural>().unwrap());
    assert_eq!(hash("0012345678901234567890"), hash("12345678901234567890"));
    assert_ne!(hash("12345678901234567890"), hash("12345678901234567891"));
    assert_ne!(hash("0"), hash("1"));
    assert_eq!(Natural::<Binary>::default(), Natural::<Binary>::new());
}

#[test]
fn clones_of_inline_numbers_are_equal() {
    let number: Natural<Decimal, Inline<3>> = "12345678901234567890".parse().unwrap();
    let copy = number.clone();
    assert_eq!((copy.limbs(), copy.to_string()), (number.limbs(), "12345678901234567890".to_owned()));
}

#[test]
fn numbers_from_bytes_compare_without_zeros_at_the_end() {
    let number = |bytes: &[u8]| Natural::<Binary>::from_le_bytes(bytes).unwrap();
    assert!(number(&[2, 1]) > number(&[1, 1]) && number(&[0xff]) < number(&[0, 1]));
    assert_eq!(number(&[7, 0, 0]), number(&[7]));
    assert_eq!(number(&[0; 20]), 0);
}
