//! Addition, text and comparison against num-bigint: both radices, both storages.

use fib_core::{Binary, Cause, Decimal, Heap, Inline, Natural, ParseError, Storage};
use num_bigint::BigUint;
use proptest::collection::vec;
use proptest::prelude::*;

/// Numbers of up to 400 bytes, with many limbs that are zero, all ones, or the largest decimal limb.
fn numbers() -> impl Strategy<Value = BigUint> {
    let bytes = vec(prop_oneof![4 => any::<u8>(), 1 => Just(0), 1 => Just(0xff)], 0..400);
    let runs = (vec(any::<u8>(), 0..20), 0..380usize, prop_oneof![Just(0), Just(0xff)]);
    prop_oneof![
        2 => bytes.prop_map(|bytes| BigUint::from_bytes_le(&bytes)),
        1 => runs.prop_map(|(mut bytes, run, fill)| {
            bytes.splice(0..0, std::iter::repeat_n(fill, run));
            BigUint::from_bytes_le(&bytes)
        }),
        1 => (0..900u32, 0..3u32).prop_map(|(zeros, less)| BigUint::from(10u32).pow(zeros) + 1u32 - less.min(1)),
    ]
}

fn decimal<S: Storage>(number: &BigUint) -> Natural<Decimal, S> {
    number.to_string().parse().unwrap()
}

fn binary<S: Storage>(number: &BigUint) -> Natural<Binary, S> {
    Natural::from_le_bytes(&number.to_bytes_le()).unwrap()
}

/// Storage for every sum of [`numbers`].
type Wide = Inline<120>;

fn check_decimal<S: Storage>(a: &BigUint, b: &BigUint) -> Result<(), TestCaseError> {
    let mut sum = decimal::<S>(a);
    prop_assert_eq!(sum.to_string(), a.to_string());
    prop_assert_eq!(sum.digit_count(), a.to_string().len());
    prop_assert_eq!(sum.cmp(&decimal(b)), a.cmp(b));
    prop_assert_eq!(sum == decimal::<S>(b), a == b);
    sum.try_add_assign(&decimal(b)).unwrap();
    prop_assert_eq!(sum.to_string(), (a + b).to_string());
    prop_assert_ne!(sum.limbs().last(), Some(&0), "normalised");
    prop_assert!(sum.limbs().iter().all(|&limb| limb < Decimal::BASE));
    prop_assert_eq!(&sum.try_clone().unwrap(), &sum);
    Ok(())
}

fn check_binary<S: Storage>(a: &BigUint, b: &BigUint) -> Result<(), TestCaseError> {
    let mut sum = binary::<S>(a);
    prop_assert_eq!(format!("{sum:x}"), format!("{a:x}"));
    prop_assert_eq!(format!("{sum:#x}"), format!("{a:#x}"));
    prop_assert_eq!(sum.to_string(), a.to_string());
    prop_assert_eq!(sum.cmp(&binary(b)), a.cmp(b));
    sum.try_add_assign(&binary(b)).unwrap();
    prop_assert_eq!(BigUint::from_bytes_le(&sum.le_bytes().collect::<Vec<_>>()), a + b);
    prop_assert_ne!(sum.limbs().last(), Some(&0), "normalised");
    prop_assert_ne!(sum.le_bytes().last(), Some(0), "normalised");
    Ok(())
}

proptest! {
    #[test]
    fn decimal_on_the_heap(a in numbers(), b in numbers()) {
        check_decimal::<Heap>(&a, &b)?;
    }

    #[test]
    fn decimal_inline(a in numbers(), b in numbers()) {
        check_decimal::<Wide>(&a, &b)?;
    }

    #[test]
    fn binary_on_the_heap(a in numbers(), b in numbers()) {
        check_binary::<Heap>(&a, &b)?;
    }

    #[test]
    fn binary_inline(a in numbers(), b in numbers()) {
        check_binary::<Wide>(&a, &b)?;
    }

    #[test]
    fn u64_is_the_same_number(n in any::<u64>()) {
        prop_assert_eq!(Natural::<Decimal>::try_from(n).unwrap().to_string(), n.to_string());
        prop_assert_eq!(Natural::<Binary>::try_from(n).unwrap().to_string(), n.to_string());
    }

    /// Every window of the digits, also beyond their end.
    #[test]
    fn copy_digits_is_a_window_of_the_text(n in numbers(), from in 0..1_000usize, len in 0..1_000usize) {
        let text = n.to_string();
        let mut window = vec![b'?'; len];
        let count = decimal::<Heap>(&n).copy_digits(from, &mut window);
        let expected = text.as_bytes().get(from..).unwrap_or_default();
        let expected = &expected[..expected.len().min(len)];
        prop_assert_eq!(&window[..count], expected);
        prop_assert!(window[count..].iter().all(|&byte| byte == b'?'));
    }

    /// Width, fill, alignment and sign as with u128, for numbers of one limb and of several.
    #[test]
    fn formats_like_u128(
        n in prop_oneof![Just(0), any::<u64>().prop_map(u128::from), any::<u128>(), 0..1000u128],
        width in 0..60usize,
    ) {
        let (d, b) = (decimal::<Heap>(&n.into()), binary::<Heap>(&n.into()));
        prop_assert_eq!(format!("{d:width$}"), format!("{n:width$}"));
        prop_assert_eq!(format!("{d:<width$}|"), format!("{n:<width$}|"));
        prop_assert_eq!(format!("{d:*^width$}|"), format!("{n:*^width$}|"));
        prop_assert_eq!(format!("{d:ü>+width$}|"), format!("{n:ü>+width$}|"));
        prop_assert_eq!(format!("{d:+0width$}"), format!("{n:+0width$}"));
        prop_assert_eq!(format!("{b:<width$}|"), format!("{n:<width$}|"));
        prop_assert_eq!(format!("{b:width$x}"), format!("{n:width$x}"));
        prop_assert_eq!(format!("{b:#0width$x}"), format!("{n:#0width$x}"));
        prop_assert_eq!(format!("{b:-<+#width$x}"), format!("{n:-<+#width$x}"));
    }

    #[test]
    fn leading_zeros_do_not_count(n in numbers(), zeros in 0..100usize) {
        let padded = "0".repeat(zeros) + &n.to_string();
        prop_assert_eq!(padded.parse::<Natural>().unwrap(), decimal::<Heap>(&n));
    }

    #[test]
    fn the_error_names_a_byte_that_is_not_a_digit(n in numbers(), at in any::<prop::sample::Index>(), byte in 0..128u8) {
        prop_assume!(!byte.is_ascii_digit());
        let mut text = n.to_string();
        let offset = at.index(text.len() + 1);
        prop_assume!((byte, offset) != (b'+', 0));
        text.insert(offset, byte.into());
        prop_assert_eq!(text.parse::<Natural>().unwrap_err(), ParseError::InvalidDigit { byte, offset });
    }
}

#[test]
fn what_is_printed_with_a_sign_can_be_read() {
    let number: Natural = "12345678901234567890123".parse().unwrap();
    assert_eq!(format!("{number:+}").parse::<Natural>().unwrap(), number);
    assert_eq!("+0".parse::<Natural>().unwrap(), 0);
    for (text, offset) in [("+", 0), ("++5", 1), ("5+", 1), ("-5", 0)] {
        let byte = text.as_bytes()[offset];
        assert_eq!(text.parse::<Natural>().unwrap_err(), ParseError::InvalidDigit { byte, offset }, "{text}");
    }
}

#[test]
fn parse_errors_say_what_is_wrong() {
    let error = |text: &str| text.parse::<Natural<Decimal, Inline<1>>>().unwrap_err();
    assert_eq!(error(""), ParseError::Empty);
    assert_eq!(error("").to_string(), "no digits: the text is empty");
    assert_eq!(error("12a4").to_string(), "not a decimal digit: 'a' at byte 2");
    assert_eq!(error("-1").to_string(), "not a decimal digit: '-' at byte 0");
    assert_eq!(error("1\u{e9}").to_string(), r"not a decimal digit: '\xc3' at byte 1");
    let fits = "9".repeat(Decimal::LIMB_DIGITS);
    assert_eq!(fits.parse::<Natural<Decimal, Inline<1>>>().unwrap().to_string(), fits);
    let long = error(&"9".repeat(Decimal::LIMB_DIGITS + 1));
    assert!(matches!(long, ParseError::TooLong(exhausted) if exhausted.cause() == Cause::Capacity));
    assert_eq!(long.to_string(), "too many digits for the storage");
}

/// 10^10,000 − 1, plus one: the carry propagates through all limbs and adds one.
#[test]
fn a_carry_propagates_through_all_limbs() {
    let mut n: Natural = "9".repeat(10_000).parse().unwrap();
    n.try_add_assign(&Natural::try_from(1_u32).unwrap()).unwrap();
    assert_eq!(n.to_string(), format!("1{}", "0".repeat(10_000)));
    let mut one = Natural::<Decimal>::try_from(1_u32).unwrap();
    one.try_add_assign(&"9".repeat(10_000).parse().unwrap()).unwrap();
    assert_eq!(one, n);
}

#[test]
fn a_sum_that_does_not_fit_changes_nothing() {
    let full = "9".repeat(2 * Decimal::LIMB_DIGITS);
    let mut n: Natural<Decimal, Inline<2>> = full.parse().unwrap();
    let refused = n.try_add_assign(&Natural::try_from(1_u32).unwrap()).unwrap_err();
    assert_eq!(refused.cause(), Cause::Capacity);
    assert_eq!(n.to_string(), full);
    n.try_add_assign(&Natural::new()).unwrap();
    assert_eq!(n.to_string(), full);

    let mut n = Natural::<Binary, Inline<1>>::from_le_bytes(&[0xff; size_of::<fib_core::Limb>()]).unwrap();
    let before = n.clone();
    assert!(n.try_add_assign(&before).is_err());
    assert_eq!(n, before);
    assert!(Natural::<Binary, Inline<1>>::from_le_bytes(&[1; 9]).is_err());
}

/// Every pair of limbs adds up to the largest limb but the lowest pair, which decides whether a carry propagates through all
/// others into a new limb.
#[test]
fn the_lowest_pair_of_limbs_decides_the_carry_out() {
    for len in [2, 3, 15, 16, 17, 40] {
        for carries in [false, true] {
            // 7…78 + 2…22 and 7…77 + 2…22 in decimal, the same with bytes that add up to 0xff.
            let digits = len * Decimal::LIMB_DIGITS;
            let a = "7".repeat(digits - 1) + if carries { "8" } else { "7" };
            let mut sum: Natural = a.parse().unwrap();
            sum.try_add_assign(&"2".repeat(digits).parse().unwrap()).unwrap();
            let expected = if carries { "1".to_owned() + &"0".repeat(digits) } else { "9".repeat(digits) };
            assert_eq!(sum.to_string(), expected);
            assert_eq!(sum.limbs().len(), len + usize::from(carries));

            let mut bytes = vec![0xa5; 8 * len];
            bytes[0] += u8::from(carries);
            let mut sum = Natural::<Binary>::from_le_bytes(&bytes).unwrap();
            sum.try_add_assign(&Natural::from_le_bytes(&vec![0x5a; 8 * len]).unwrap()).unwrap();
            let full = if carries { 0 } else { 0xff };
            let expected = std::iter::repeat_n(full, 8 * len).chain(carries.then_some(1));
            assert!(sum.le_bytes().eq(expected), "{len} limbs, carry {carries}");
        }
    }
}
