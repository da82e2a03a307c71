//! The first and the last digits: against whole numbers, against values of another library, and where they are hard to tell.

use std::fmt::Write;

use fib_core::{Decimal, DigitsError, Fibonacci, Inline, MAX_DIGITS, leading_digits, trailing_digits};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

/// The first and the last digits as text.
fn ends(index: u64, count: usize) -> [String; 2] {
    [leading_digits, trailing_digits].map(|function| {
        let mut digits = vec![b'?'; count];
        let written = function(index, &mut digits).unwrap();
        assert!(digits[written..].iter().all(|&byte| byte == b'?'), "more than {written} bytes written");
        digits.truncate(written);
        String::from_utf8(digits).unwrap()
    })
}

/// Compares both ends with a whole number, `text`.
fn check(index: u64, text: &str, count: usize) {
    let count_there = count.min(text.len());
    let [leading, trailing] = ends(index, count);
    assert_eq!(leading, text[..count_there], "the first {count} digits of F({index})");
    assert_eq!(trailing, text[text.len() - count_there..], "the last {count} digits of F({index})");
}

/// Lengths around limbs, around the short rows of limbs, and up to the longest.
#[test]
fn agree_with_every_number_up_to_f100000() {
    let mut fib = Fibonacci::<Decimal, Inline<{ Decimal::limbs_for(100_001) }>>::new();
    let mut text = Vec::new();
    for n in 0..=100_000_usize {
        let index = n as u64;
        let number = fib.advance().unwrap();
        text.resize(number.digit_count(), 0);
        assert_eq!(number.copy_digits(0, &mut text), text.len());
        let text = str::from_utf8(&text).unwrap();
        check(index, text, 20);
        check(index, text, n % 48);
        if n % 97 == 0 {
            check(index, text, 170 + n / 97 % 20);
            check(index, text, MAX_DIGITS - n / 97 % 10);
        }
    }
}

/// Up to here every digit can be asked for.
#[test]
fn short_numbers_are_whole_in_buffers_of_any_length() {
    let mut fib = Fibonacci::<Decimal, Inline<{ Decimal::limbs_for(5_000) }>>::new();
    let mut index = 0;
    while Decimal::digits_for(index) <= MAX_DIGITS as u64 {
        assert_eq!(fib.index(), index);
        let text = fib.advance().unwrap().to_string();
        for count in [text.len(), 2 * MAX_DIGITS] {
            assert_eq!(ends(index, count), [text.as_str(), text.as_str()], "F({index})");
        }
        index += 1;
    }
}

#[cfg(feature = "jump")]
#[test]
fn agree_with_long_numbers() {
    for index in [733_103, 1_000_000, 5_829_377, 22_193_850, 64_018_611, 99_999_989] {
        let text = fib_core::Natural::fibonacci(index).unwrap().to_string();
        for count in [1, 2, 9, 10, 44, 45, 46, 500, MAX_DIGITS] {
            check(index, &text, count);
        }
    }
}

/// The first digits were computed by mpmath with 1,100 digits from φ^n / √5, the last ones by doubling in Python's integers
/// modulo 10^1000. The hashes are those of all 1,000 digits.
#[test]
fn agree_with_another_library_beyond_all_memory() {
    for (index, leading, leading_hash, trailing, trailing_hash) in [
        (
            1_000_000_000,
            "795231787455468346782938519619714818925554218523439891345303",
            "6135c65ac7295a6e4d33b0e9e7bad5385a2bd6909df170139757f9c2290fdea5",
            "661975017768296198982902073319952559425703172326981560546875",
            "70e603c70dae70ada987738bd820096161390dc2134ad02a39b4ec91be9e2876",
        ),
        (
            u64::MAX,
            "690702890954969422368993769184306057870712387507040574290880",
            "e7cc063abb8f784920823806a46abe847a2d413204fd7573e6bfe9c07024024b",
            "316779705975082396738061408938727462723566019507593362999010",
            "75661b20471f97962b80a193370d943d7a75315ccb966b219058e5fa452632b9",
        ),
    ] {
        assert_eq!(ends(index, 60), [leading, trailing]);
        let hashes = ends(index, MAX_DIGITS).map(|digits| {
            Sha256::digest(digits).iter().fold(String::new(), |mut hex, byte| {
                write!(hex, "{byte:02x}").expect("a string takes everything");
                hex
            })
        });
        assert_eq!(hashes, [leading_hash, trailing_hash], "F({index})");
    }
}

/// The two numbers below F(2^64) that are closest to a power of ten (scripts/digit-counts.py), so that long runs of zeros and
/// of nines follow their first digit. The digits come from mpmath.
#[test]
fn runs_of_zeros_and_nines_at_every_length() {
    for (index, text) in [
        (8_625_812_162_537_945_092, "100000000000000000000217988575754808957467652180983905590640"),
        (17_400_852_738_312_695_671, "999999999999999999941053457003690620079649306392772357926053"),
    ] {
        for count in 1..=text.len() {
            assert_eq!(ends(index, count)[0], text[..count]);
        }
    }
}

#[test]
fn too_many_digits_are_refused_and_nothing_is_written() {
    let index = (0..).find(|&index| Decimal::digits_for(index) > MAX_DIGITS as u64).unwrap();
    for index in [index, u64::MAX] {
        for function in [leading_digits, trailing_digits] {
            let mut digits = [b'?'; MAX_DIGITS + 1];
            assert_eq!(function(index, &mut digits), Err(DigitsError::TooMany));
            assert_eq!(digits, [b'?'; MAX_DIGITS + 1]);
            assert_eq!(function(index, &mut digits[1..]), Ok(MAX_DIGITS));
            assert_eq!(function(index, &mut []), Ok(0));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Fewer digits are a part of more digits, and the last ones obey F(n) + F(n + 1) = F(n + 2).
    #[test]
    fn any_index_and_count(index in 0..u64::MAX - 2, count in 1..=MAX_DIGITS) {
        let [leading, trailing] = ends(index, count);
        let [most_leading, most_trailing] = ends(index, MAX_DIGITS);
        prop_assert_eq!(&leading, &most_leading[..leading.len()]);
        prop_assert_eq!(&trailing, &most_trailing[most_trailing.len() - trailing.len()..]);

        let [a, b, c] = [0, 1, 2].map(|step| ends(index + step, 18)[1].parse::<u64>().unwrap());
        prop_assert_eq!((a + b) % 10_u64.pow(18), c);
    }
}
