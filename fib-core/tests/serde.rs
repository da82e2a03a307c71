//! Numbers and sequences in serde's formats: JSON, which people read, and postcard, which they do not.

use fib_core::{Binary, Decimal, Fibonacci, Inline, Natural, Radix, Storage};
use proptest::collection::vec;
use proptest::prelude::*;

/// The longest number here has 1,000 digits.
const N: usize = 112;

#[cfg(feature = "alloc")]
type Long = fib_core::Heap;
#[cfg(not(feature = "alloc"))]
type Long = Inline<N>;

fn parse<R: Radix, S: Storage>(digits: &str) -> Natural<R, S> {
    digits.parse().unwrap()
}

fn json<'a, T: serde_core::Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// The `u64`s as postcard writes a sequence of them: the count, then each with seven bits to a byte, the lowest first.
fn postcard_sequence(limbs: &[u64]) -> Vec<u8> {
    postcard::to_allocvec(limbs).unwrap()
}

fn check_round_trips<R: Radix, S: Storage>(digits: &str) {
    let number: Natural<R, S> = parse(digits);
    let text = serde_json::to_string(&number).unwrap();
    assert_eq!(text, format!("\"{digits}\""));
    assert!(serde_json::from_str::<Natural<R, S>>(&text).unwrap() == number);
    let bytes = postcard::to_allocvec(&number).unwrap();
    assert!(postcard::from_bytes::<Natural<R, S>>(&bytes).unwrap() == number);
    // Reading from a `Value` borrows nothing, and a number is an owned string there.
    let value = serde_json::to_value(&number).unwrap();
    assert!(serde_json::from_value::<Natural<R, S>>(value).unwrap() == number);
}

proptest! {
    #[test]
    fn numbers_round_trip(digits in "0|[1-9][0-9]{0,999}|[1-9]0{0,999}|9{1,1000}") {
        check_round_trips::<Decimal, Long>(&digits);
        check_round_trips::<Binary, Long>(&digits);
        check_round_trips::<Decimal, Inline<N>>(&digits);
        check_round_trips::<Binary, Inline<N>>(&digits);
    }

    /// The form does not depend on how limbs are kept: these are 19 digits each, on every target.
    #[test]
    fn decimal_limbs_have_19_digits_everywhere(mut limbs in vec(0..10_u64.pow(19), 0..40)) {
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        let digits: String = limbs.iter().rev().map(|limb| format!("{limb:019}")).collect();
        let number: Natural<Decimal, Inline<N>> = parse(&format!("0{digits}"));
        let bytes = postcard_sequence(&limbs);
        prop_assert_eq!(&postcard::to_allocvec(&number).unwrap(), &bytes);
        prop_assert_eq!(postcard::from_bytes::<Natural<Decimal, Inline<N>>>(&bytes).unwrap(), number);
    }

    #[test]
    fn binary_limbs_have_64_bits_everywhere(mut limbs in vec(any::<u64>(), 0..40)) {
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        let bytes: Vec<u8> = limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect();
        let number = Natural::<Binary, Inline<N>>::from_le_bytes(&bytes).unwrap();
        let bytes = postcard_sequence(&limbs);
        prop_assert_eq!(&postcard::to_allocvec(&number).unwrap(), &bytes);
        prop_assert_eq!(postcard::from_bytes::<Natural<Binary, Inline<N>>>(&bytes).unwrap(), number);
    }

    /// Whatever the bytes are, they are the one form of a number, or an error.
    #[test]
    fn other_bytes_are_errors(bytes in vec(any::<u8>(), 0..60)) {
        fn check<R: Radix>(bytes: &[u8]) {
            if let Ok((number, rest)) = postcard::take_from_bytes::<Natural<R, Inline<N>>>(bytes) {
                let limbs: Vec<u64> = postcard::take_from_bytes(bytes).unwrap().0;
                assert_eq!(postcard::to_allocvec(&number).unwrap(), postcard_sequence(&limbs));
                assert!(rest.len() < bytes.len());
            }
        }
        check::<Decimal>(&bytes);
        check::<Binary>(&bytes);
    }
}

#[test]
fn zero_and_single_limbs() {
    for (digits, limbs) in [("0", &[][..]), ("1", &[1]), ("9999999999999999999", &[9_999_999_999_999_999_999])] {
        let number: Natural<Decimal, Inline<3>> = parse(digits);
        assert_eq!(postcard::to_allocvec(&number).unwrap(), postcard_sequence(limbs));
        assert_eq!(postcard::from_bytes::<Natural<Decimal, Inline<3>>>(&postcard_sequence(limbs)).unwrap(), number);
    }
}

#[test]
fn text_may_be_all_that_can_be_parsed() {
    type Short = Natural<Decimal, Inline<8>>;
    assert_eq!(json::<Short>("\"+0144\"").unwrap(), 144);
    for (text, message) in [
        ("\"\"", "no digits: the text is empty at line 1 column 2"),
        ("\"-1\"", "not a decimal digit: '-' at byte 0 at line 1 column 4"),
        ("\"1e3\"", "not a decimal digit: 'e' at byte 1 at line 1 column 5"),
        ("144", "invalid type: integer `144`, expected a string of decimal digits at line 1 column 3"),
        ("[144]", "invalid type: sequence, expected a string of decimal digits at line 1 column 0"),
    ] {
        assert_eq!(json::<Short>(text).unwrap_err(), message);
    }
    let long = format!("\"{}\"", "9".repeat(200));
    assert_eq!(json::<Short>(&long).unwrap_err(), "too many digits for the storage at line 1 column 202");
}

/// postcard keeps no messages, so the errors are those of a deserializer that does.
#[test]
fn limbs_are_checked() {
    use serde_core::de::value::{Error, SeqDeserializer};
    use serde_core::de::{DeserializeSeed, Deserializer, Visitor};

    /// The elements of a sequence in a format that is not for people.
    struct Limbs<'a>(&'a [u64]);

    impl<'de> Deserializer<'de> for Limbs<'_> {
        type Error = Error;

        fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.visit_seq(SeqDeserializer::<_, Error>::new(self.0.iter().copied()))
        }

        fn is_human_readable(&self) -> bool {
            false
        }

        serde_core::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
            newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
        }
    }

    fn read<R: Radix, const N: usize>(limbs: &[u64]) -> Result<String, String> {
        let number = std::marker::PhantomData::<Natural<R, Inline<N>>>.deserialize(Limbs(limbs));
        number.map(|number| format!("{number:?}")).map_err(|error| error.to_string())
    }

    assert_eq!(read::<Decimal, 6>(&[5, 1]), Ok("Natural(10000000000000000005)".into()));
    assert_eq!(
        read::<Decimal, 6>(&[0, 10_u64.pow(19)]).unwrap_err(),
        "invalid value: integer `10000000000000000000`, expected a limb below 10^19"
    );
    assert_eq!(
        read::<Decimal, 6>(&[7, 0]).unwrap_err(),
        "invalid value: integer `0`, expected a highest limb that is not zero"
    );
    assert_eq!(read::<Decimal, 2>(&[1, 2, 3]).unwrap_err(), "the number does not fit its storage");
    assert_eq!(read::<Binary, 4>(&[0, u64::MAX]), Ok("Natural(0xffffffffffffffff0000000000000000)".into()));
    assert!(read::<Binary, 4>(&[0]).is_err());
    // What fits is read, although a limb with zeros at its top has more room than the storage where limbs have 32 bits.
    assert_eq!(read::<Binary, 1>(&[5]), Ok("Natural(0x5)".into()));
    assert_eq!(read::<Decimal, 1>(&[5]), Ok("Natural(5)".into()));
}

/// The input says that it has more limbs than fit any memory. What it lacks is found by reading, not by an allocation.
#[test]
fn a_length_that_is_untrue_takes_no_memory() {
    let mut bytes = postcard::to_allocvec(&(usize::MAX >> 8)).unwrap();
    bytes.extend([1, 1]);
    let error = postcard::from_bytes::<Natural<Decimal, Long>>(&bytes).unwrap_err();
    assert_eq!(error, postcard::Error::DeserializeUnexpectedEnd);
}

fn check_sequence<R: Radix, S: Storage>(fib: &mut Fibonacci<R, S>) {
    let check = |resumed: Fibonacci<R, S>, fib: &Fibonacci<R, S>| {
        assert_eq!(resumed.index(), fib.index());
        assert!(resumed.values() == fib.values() && resumed.current() == fib.current());
    };
    check(serde_json::from_str(&serde_json::to_string(fib).unwrap()).unwrap(), fib);
    check(postcard::from_bytes(&postcard::to_allocvec(fib).unwrap()).unwrap(), fib);
}

#[test]
fn sequences_round_trip_before_and_after_each_step() {
    fn check<R: Radix, S: Storage>() {
        let mut fib = Fibonacci::<R, S>::new();
        for _ in 0..200 {
            check_sequence(&mut fib);
            fib.peek().unwrap();
            check_sequence(&mut fib);
            fib.advance().unwrap();
        }
    }
    check::<Decimal, Long>();
    check::<Binary, Inline<6>>();
}

#[test]
fn sequences_are_checked() {
    type Short = Fibonacci<Decimal, Inline<8>>;
    assert_eq!(serde_json::to_string(&Short::new()).unwrap(), "[0,null]");
    let wrong = "the values are not those of the Fibonacci sequence at that index";
    for text in
        ["[2,null]", "[13,[\"89\",\"145\"]]", "[13,[\"144\",\"89\"]]", "[15,[\"89\",\"144\"]]", "[0,[\"0\",\"1\"]]"]
    {
        assert!(json::<Short>(text).unwrap_err().starts_with(wrong), "{text}");
    }
    assert!(json::<Short>("[13,[\"89\",\"144\"]]").is_ok());
    assert!(json::<Short>("[-1,null]").is_err());
    assert!(json::<Short>("13").is_err());
}

/// Without an allocator, only short binary numbers become decimal.
#[test]
fn long_binary_numbers() {
    let short: Natural<Binary, Inline<65>> = Natural::from_limbs(&[fib_core::Limb::MAX; 64]).unwrap();
    assert!(serde_json::to_string(&short).is_ok());
    let long: Natural<Binary, Inline<65>> = Natural::from_limbs(&[fib_core::Limb::MAX; 65]).unwrap();
    assert!(postcard::to_allocvec(&long).is_ok());
    let text = serde_json::to_string(&long).map_err(|error| error.to_string());
    if cfg!(feature = "alloc") {
        assert_eq!(json::<Natural<Binary, Inline<65>>>(&text.unwrap()).unwrap(), long);
    } else {
        let message = "a binary number of more than 64 limbs cannot be converted to decimal without an allocator";
        assert_eq!(text.unwrap_err(), message);
    }
}
