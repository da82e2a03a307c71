//! Numbers to and from integers, digits, limbs, other storages and the other radix, and comparison across them, against
//! num-bigint and the integers of Rust.

use std::num::NonZero;

use fib_core::{Binary, Buffer, Cause, Decimal, Exhausted, Heap, Inline, Limb, Natural, ParseError, Radix, Storage};
use num_bigint::BigUint;
use proptest::collection::vec;
use proptest::prelude::*;

/// Storage for every number of [`numbers`].
type Wide = Inline<120>;

/// Numbers of up to 400 bytes, many with long runs of zeros or ones, and powers of ten.
fn numbers() -> impl Strategy<Value = BigUint> {
    let runs = (vec(any::<u8>(), 0..20), 0..380usize, prop_oneof![Just(0), Just(0xff)]);
    prop_oneof![
        2 => vec(any::<u8>(), 0..400).prop_map(|bytes| BigUint::from_bytes_le(&bytes)),
        1 => runs.prop_map(|(mut bytes, run, fill)| {
            bytes.splice(0..0, std::iter::repeat_n(fill, run));
            BigUint::from_bytes_le(&bytes)
        }),
        1 => (0..900_u32, 0..3_u32).prop_map(|(zeros, less)| BigUint::from(10_u32).pow(zeros) + 1_u32 - less.min(1)),
    ]
}

fn natural<R: Radix, S: Storage>(number: &BigUint) -> Natural<R, S> {
    number.to_string().parse().unwrap()
}

fn bytes<S: Buffer>(number: &Natural<Binary, S>) -> BigUint {
    BigUint::from_bytes_le(&number.le_bytes().collect::<Vec<_>>())
}

/// Integers of 0 to 128 bits.
fn integers() -> impl Strategy<Value = u128> {
    (any::<u128>(), 0..=128_u32).prop_map(|(n, bits)| if bits == 0 { 0 } else { n >> (128 - bits) })
}

fn check_integers<R: Radix, S: Storage>(n: u128) {
    let number = Natural::<R, S>::try_from(n).unwrap();
    assert_eq!(number, natural::<R, Heap>(&n.into()));
    assert_eq!(u128::try_from(&number), Ok(n));
    assert_eq!(u64::try_from(&number).ok(), u64::try_from(n).ok());
    assert_eq!(u32::try_from(&number).ok(), u32::try_from(n).ok());
    assert_eq!(u8::try_from(&number).ok(), u8::try_from(n).ok());
    assert_eq!(usize::try_from(&number).ok(), usize::try_from(n).ok());
    if let Ok(n) = u64::try_from(n) {
        assert_eq!(Natural::<R, S>::try_from(n).unwrap(), number);
    }
    assert_eq!(number.is_zero(), n == 0);
    assert_eq!(number.is_even(), n.is_multiple_of(2));
}

fn check_comparison<R: Radix>(n: u128, other: u128) {
    let number = Natural::<R, Wide>::try_from(n).unwrap();
    assert_eq!(number.partial_cmp(&other), n.partial_cmp(&other));
    assert_eq!(number == other, n == other);
    if let Ok(other) = i64::try_from(other) {
        assert_eq!(number > other, n > u128::try_from(other).unwrap());
        assert!(number > -1 - other && number != -1 - other);
    }
    let other_storage = Natural::<R, Heap>::try_from(other).unwrap();
    assert_eq!(number.partial_cmp(&other_storage), n.partial_cmp(&other));
    assert_eq!(number == other_storage, n == other);
}

proptest! {
    #[test]
    fn integers_both_ways(n in integers()) {
        check_integers::<Decimal, Heap>(n);
        check_integers::<Decimal, Wide>(n);
        check_integers::<Binary, Heap>(n);
        check_integers::<Binary, Wide>(n);
    }

    #[test]
    fn comparison_with_integers_and_across_storages(n in integers(), other in integers()) {
        for other in [other, n, n.wrapping_add(1), n.wrapping_sub(1)] {
            check_comparison::<Decimal>(n, other);
            check_comparison::<Binary>(n, other);
        }
    }

    #[test]
    fn between_radices_and_storages(n in numbers()) {
        let decimal = natural::<Decimal, Heap>(&n);
        let binary = Natural::<Binary>::try_from(&decimal).unwrap();
        prop_assert_eq!(bytes(&binary), n.clone());
        prop_assert_ne!(binary.limbs().last(), Some(&0), "normalised");
        prop_assert_eq!(bytes(&natural::<Binary, Heap>(&n)), n.clone(), "parsed");
        let inline = Natural::<Decimal, Wide>::try_from(&binary).unwrap();
        prop_assert_eq!(&inline, &decimal);
        prop_assert_eq!(&Natural::<Decimal, Heap>::try_from(&inline).unwrap(), &decimal);
        prop_assert_eq!(&Natural::<Binary, Wide>::try_from(&inline).unwrap(), &binary);
    }

    #[test]
    fn limbs_both_ways(n in numbers(), zeros in 0..5_usize) {
        let number = natural::<Decimal, Heap>(&n);
        let mut limbs = number.limbs().to_vec();
        limbs.resize(limbs.len() + zeros, 0);
        prop_assert_eq!(&Natural::<Decimal, Wide>::from_limbs(&limbs).unwrap(), &number);
        if let Some(position) = limbs.len().checked_sub(1) {
            limbs[position] = Decimal::BASE;
            let error = Natural::<Decimal>::from_limbs(&limbs).unwrap_err();
            prop_assert_eq!(error, ParseError::InvalidLimb { limb: Decimal::BASE, position });
        }
    }

    #[test]
    fn remainders(n in numbers(), divisor in 1..=u64::MAX, shift in 0..64_u32) {
        let divisor = NonZero::new(divisor >> shift).unwrap_or(NonZero::<u64>::MAX);
        let expected = &n % divisor.get();
        prop_assert_eq!(BigUint::from(natural::<Decimal, Heap>(&n).remainder(divisor)), expected.clone());
        prop_assert_eq!(BigUint::from(natural::<Binary, Heap>(&n).remainder(divisor)), expected);
    }

    #[test]
    fn a_small_number_is_added(n in numbers(), addend: u64, shift in 0..64_u32) {
        let addend = addend >> shift;
        let expected = &n + addend;
        let (mut decimal, mut binary) = (natural::<Decimal, Heap>(&n), natural::<Binary, Wide>(&n));
        decimal.try_add_u64(addend).unwrap();
        binary.try_add_u64(addend).unwrap();
        prop_assert_eq!(decimal.to_string(), expected.to_string());
        prop_assert_eq!(bytes(&binary), expected);
    }

    #[test]
    fn sums(numbers in vec(numbers(), 0..8)) {
        let expected: BigUint = numbers.iter().sum();
        let terms: Vec<_> = numbers.iter().map(natural::<Decimal, Heap>).collect();
        let borrowed: Result<Natural, Exhausted> = terms.iter().sum();
        prop_assert_eq!(borrowed.unwrap().to_string(), expected.to_string());
        let owned: Result<Natural, Exhausted> = terms.into_iter().sum();
        prop_assert_eq!(owned.unwrap().to_string(), expected.to_string());
    }

    #[test]
    fn scientific_notation_is_that_of_u128(
        n in prop_oneof![
            integers(),
            (0..1_000_u128, 0..36_u32).prop_map(|(n, zeros)| n * 10_u128.pow(zeros)),
            (1..39_u32, 0..9_u128).prop_map(|(nines, less)| 10_u128.pow(nines) - less),
        ],
        precision in 0..45_usize,
        width in 0..50_usize,
    ) {
        let number = Natural::<Decimal, Wide>::try_from(n).unwrap();
        prop_assert_eq!(format!("{number:e}"), format!("{n:e}"));
        prop_assert_eq!(format!("{number:.precision$e}"), format!("{n:.precision$e}"));
        prop_assert_eq!(format!("{number:*^+width$.precision$e}"), format!("{n:*^+width$.precision$e}"));
        prop_assert_eq!(format!("{number:0width$e}"), format!("{n:0width$e}"));
    }

    /// The pieces are those of the text, and an error of the writer comes back.
    #[test]
    fn digits_are_written_in_pieces(n in numbers(), fail_at in 0..4_usize) {
        let number = natural::<Decimal, Heap>(&n);
        let mut text = Vec::new();
        number.write_digits(|piece| { text.extend_from_slice(piece); Ok::<_, ()>(()) }).unwrap();
        prop_assert_eq!(text, n.to_string().into_bytes());
        let mut pieces = 0;
        let result = number.write_digits(|_| { pieces += 1; if pieces > fail_at { Err(pieces) } else { Ok(()) } });
        prop_assert_eq!(result.is_err(), pieces > fail_at);
        prop_assert!(pieces <= fail_at + 1);
    }
}

#[test]
fn a_number_of_exactly_the_storage_is_converted() {
    let len = 5;
    let largest = Natural::<Binary, Inline<5>>::from_limbs(&[Limb::MAX; 5]).unwrap();
    let text = largest.to_string();
    assert!(text.len() > len * Decimal::LIMB_DIGITS, "it has one decimal limb more");
    assert_eq!(Natural::<Decimal, Inline<6>>::try_from(&largest).unwrap().to_string(), text);
    assert_eq!(Natural::<Decimal, Inline<5>>::try_from(&largest).unwrap_err().cause(), Cause::Capacity);
    assert_eq!(text.parse::<Natural<Binary, Inline<5>>>().unwrap(), largest);
    let full = "9".repeat(len * Decimal::LIMB_DIGITS);
    assert_eq!(full.parse::<Natural<Binary, Inline<5>>>().unwrap().to_string(), full);
    assert!(matches!(format!("1{text}").parse::<Natural<Binary, Inline<5>>>(), Err(ParseError::TooLong(_))));
}

#[test]
fn what_does_not_fit_is_refused() {
    assert_eq!(Natural::<Decimal, Inline<1>>::try_from(u128::MAX).unwrap_err().cause(), Cause::Capacity);
    let long: Natural = "340282366920938463463374607431768211456".parse().unwrap();
    assert!(u128::try_from(&long).is_err() && usize::try_from(&long).is_err());
    assert!(long > u128::MAX && long != u128::MAX && long > i32::MIN);
    let longer: Natural = "9".repeat(1_000).parse().unwrap();
    assert!(u128::try_from(&longer).is_err());
    let sum: Result<Natural<Decimal, Inline<1>>, Exhausted> =
        [1; 2].iter().map(|less| Natural::from_limbs(&[Decimal::BASE - less]).unwrap()).sum();
    assert_eq!(sum.unwrap_err().cause(), Cause::Capacity);
    let error = Natural::<Decimal>::from_limbs(&[0, Decimal::BASE, 0]).unwrap_err();
    assert_eq!(error.to_string(), format!("not below the base: the limb {} at position 1", Decimal::BASE));
}

#[test]
fn literals_compare() {
    let number: Natural = "144".parse().unwrap();
    assert!(number == 144 && number != -144 && number < 145 && number > 143_u8);
}
