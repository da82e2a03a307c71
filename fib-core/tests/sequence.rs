//! The sequence compared with what is known about it: reference values, Binet's formula, the classical identities.

use std::fmt::Write;

use fib_core::{Binary, Decimal, Fibonacci, Inline, Natural, Radix, Storage};
use num_bigint::{BigInt, BigUint};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

/// F(0) to F(100), computed by another implementation (Python's integers).
#[rustfmt::skip]
const REFERENCE: [&str; 101] = [
    "0", "1", "1", "2", "3", "5", "8", "13", "21", "34", "55", "89", "144", "233", "377", "610", "987", "1597",
    "2584", "4181", "6765", "10946", "17711", "28657", "46368", "75025", "121393", "196418", "317811", "514229",
    "832040", "1346269", "2178309", "3524578", "5702887", "9227465", "14930352", "24157817", "39088169", "63245986",
    "102334155", "165580141", "267914296", "433494437", "701408733", "1134903170", "1836311903", "2971215073",
    "4807526976", "7778742049", "12586269025", "20365011074", "32951280099", "53316291173", "86267571272",
    "139583862445", "225851433717", "365435296162", "591286729879", "956722026041", "1548008755920", "2504730781961",
    "4052739537881", "6557470319842", "10610209857723", "17167680177565", "27777890035288", "44945570212853",
    "72723460248141", "117669030460994", "190392490709135", "308061521170129", "498454011879264", "806515533049393",
    "1304969544928657", "2111485077978050", "3416454622906707", "5527939700884757", "8944394323791464",
    "14472334024676221", "23416728348467685", "37889062373143906", "61305790721611591", "99194853094755497",
    "160500643816367088", "259695496911122585", "420196140727489673", "679891637638612258", "1100087778366101931",
    "1779979416004714189", "2880067194370816120", "4660046610375530309", "7540113804746346429",
    "12200160415121876738", "19740274219868223167", "31940434634990099905", "51680708854858323072",
    "83621143489848422977", "135301852344706746049", "218922995834555169026", "354224848179261915075",
];

/// SHA-256 of the decimal digits of F(n), computed by another implementation (Python's integers and hashlib).
const HASHES: [(u64, &str); 3] = [
    (10_000, "e9c83559a05641cfd86d6c192c53fdfda87b8e53470b63dc19d1d0d7526e987a"),
    (100_000, "9fe22f691a91170da9006226d479ad986b2f92021b7045ecfb0a5091b641b802"),
    (1_000_000, "aef6e8c19df607aa07940f2abde8460d1b34c18df1a6f46b5fc04dfe9be51706"),
];

/// log10 of the golden ratio, and of the square root of five.
const LOG10_PHI: f64 = 0.208_987_640_249_978_73;
const LOG10_SQRT5: f64 = 0.349_485_002_168_009_4;

fn sha256(text: &[u8]) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes everything");
        hex
    })
}

fn digits(number: &Natural) -> Vec<u8> {
    let mut text = vec![0; number.digit_count()];
    assert_eq!(number.copy_digits(0, &mut text), text.len());
    text
}

#[test]
fn reference_values_in_both_radices_and_storages() {
    fn check<R: Radix, S: Storage>(text: impl Fn(&Natural<R, S>) -> String) {
        let mut fib = Fibonacci::<R, S>::new();
        for (index, expected) in (0..).zip(REFERENCE) {
            assert_eq!(fib.index(), index);
            assert_eq!(text(fib.peek().unwrap()), expected);
            assert_eq!(text(fib.advance().unwrap()), expected);
        }
    }
    check::<Decimal, fib_core::Heap>(ToString::to_string);
    check::<Binary, fib_core::Heap>(ToString::to_string);
    check::<Decimal, Inline<{ Decimal::limbs_for(100) }>>(ToString::to_string);
    check::<Binary, Inline<{ Binary::limbs_for(100) }>>(ToString::to_string);
}

#[test]
fn binet_exactly_up_to_70() {
    let sqrt5 = 5f64.sqrt();
    let phi = f64::midpoint(1.0, sqrt5);
    let psi = f64::midpoint(1.0, -sqrt5);
    let mut fib = Fibonacci::<Decimal>::new();
    for n in 0..=70 {
        let binet = ((phi.powi(n) - psi.powi(n)) / sqrt5).round();
        assert_eq!(fib.advance().unwrap().to_string(), format!("{binet:.0}"), "F({n})");
    }
}

/// Steps to F(1,000,000). Each index checks the exact number of digits, which by Binet's formula is
/// floor(n·log10 φ − log10 √5) + 1. Every 997th index checks the leading digits, which follow from the fraction of that logarithm.
/// The powers of ten from 10^4 on check the hash of all digits, and the last index the bytes held.
/// Fewer steps in the package, whose tests are not optimised.
const STEPS: u32 = if cfg!(feature = "__kernels") { 1_000_000 } else { 100_000 };

#[test]
fn a_million_steps_against_binet_and_hashes() {
    let mut fib = Fibonacci::<Decimal>::new();
    let mut hashes = HASHES.iter().filter(|(index, _)| *index <= STEPS.into());
    let mut next_hash = hashes.next();
    for n in 0..=STEPS {
        let number = fib.advance().unwrap();
        let log = f64::from(n).mul_add(LOG10_PHI, -LOG10_SQRT5);
        if n > 1 {
            // In this range `log` is at least 1.2e-6 away from every integer, which is far more than the error of f64.
            assert_eq!(number.digit_count() as f64, log.floor() + 1.0, "digits of F({n})");
        }
        assert_eq!(number.digit_count(), Decimal::digits_for(n.into()), "digits_for({n})");
        assert_eq!(number.limbs().len(), Decimal::limbs_for(n.into()), "limbs_for({n})");
        if n % 997 == 0 && n > 100 {
            let mut leading = [0; 7];
            assert_eq!(number.copy_digits(0, &mut leading), 7);
            let leading: f64 = std::str::from_utf8(&leading).unwrap().parse().unwrap();
            let binet = 10f64.powf(log.fract() + 6.0);
            assert!((leading - binet).abs() < 1.5, "F({n}) begins with {leading}, Binet says {binet}");
        }
        if let Some(&(index, expected)) = next_hash
            && index == u64::from(n)
        {
            assert_eq!(sha256(&digits(number)), expected, "F({n})");
            next_hash = hashes.next();
        }
    }
    assert!(next_hash.is_none(), "every hash was checked");
    let bound = if fib_core::Limb::BITS == 64 { 179_000 } else { 189_000 };
    assert!(fib.bytes_held() <= bound, "{} bytes held", fib.bytes_held());
}

#[test]
fn binary_sizes_are_exact() {
    let mut fib = Fibonacci::<Binary>::new();
    for n in 0..=50_000 {
        let number = fib.advance().unwrap();
        let zeros = number.limbs().last().map_or(0, |highest| highest.leading_zeros());
        let bits = number.limbs().len() * fib_core::Limb::BITS as usize - zeros as usize;
        assert_eq!(Binary::bits_for(n), bits, "bits_for({n})");
        assert_eq!(Binary::limbs_for(n), number.limbs().len(), "limbs_for({n})");
    }
}

#[test]
fn size_helpers_saturate() {
    assert_eq!(Decimal::digits_for(0), 1);
    assert_eq!(Decimal::limbs_for(0), 0);
    assert_eq!(Binary::bits_for(0), 0);
    assert_eq!(Decimal::digits_for(1), 1);
    if usize::BITS == 64 {
        // floor((2^64 - 1)·log φ − log √5) + 1, computed with 80 digits.
        let (digits, bits) = (3_855_141_514_259_838_963_u64, 12_806_502_905_986_368_093_u64);
        assert!((digits..=digits + 1).contains(&(Decimal::digits_for(u64::MAX) as u64)));
        assert!((bits..=bits + 1).contains(&(Binary::bits_for(u64::MAX) as u64)));
    } else {
        assert_eq!(Decimal::digits_for(u64::MAX), usize::MAX);
        assert_eq!(Binary::bits_for(u64::MAX), usize::MAX);
    }
}

#[test]
fn nth_skips_numbers_and_moves_the_index() {
    let mut fib = Fibonacci::<Decimal>::new();
    assert_eq!(fib.nth(10).unwrap().to_string(), "55");
    assert_eq!(fib.index(), 11);
    assert_eq!(fib.next().unwrap().to_string(), "89");
    assert_eq!(fib.step_by(3).take(3).map(|n| n.to_string()).collect::<Vec<_>>(), ["144", "610", "2584"]);
}

/// F(0) to F(LAST), as signed integers of another library.
fn sequence() -> &'static [BigInt] {
    static SEQUENCE: std::sync::LazyLock<Vec<BigInt>> = std::sync::LazyLock::new(|| {
        let numbers = Fibonacci::<Decimal>::new().take(LAST + 1);
        numbers.map(|n| BigUint::parse_bytes(n.to_string().as_bytes(), 10).unwrap().into()).collect()
    });
    &SEQUENCE
}

const LAST: usize = 3_000;

fn sign(n: usize) -> BigInt {
    BigInt::from(if n.is_multiple_of(2) { 1 } else { -1 })
}

proptest! {
    /// F(n−1)·F(n+1) − F(n)² = (−1)^n
    #[test]
    fn cassini(n in 1..LAST) {
        let f = sequence();
        prop_assert_eq!(&f[n - 1] * &f[n + 1] - &f[n] * &f[n], sign(n));
    }

    /// F(m)·F(n+1) − F(m+1)·F(n) = (−1)^n · F(m−n)
    #[test]
    fn d_ocagne((m, n) in (0..LAST).prop_flat_map(|m| (Just(m), 0..=m))) {
        let f = sequence();
        prop_assert_eq!(&f[m] * &f[n + 1] - &f[m + 1] * &f[n], sign(n) * &f[m - n]);
    }

    /// Calls of `peek`, `restart`, `next` and `advance` in any order lend F(index).
    #[test]
    fn any_order_of_calls_lends_the_number_at_the_index(calls in proptest::collection::vec(0..20u8, 0..400)) {
        let mut fib = Fibonacci::<Decimal>::new();
        let mut index = 0;
        for call in calls {
            let expected = sequence()[index].to_string();
            match call {
                0 => { fib.restart(); index = 0; }
                1..=5 => prop_assert_eq!(fib.peek().unwrap().to_string(), expected),
                6..=10 => { prop_assert_eq!(fib.next().unwrap().to_string(), expected); index += 1; }
                _ => { prop_assert_eq!(fib.advance().unwrap().to_string(), expected); index += 1; }
            }
            prop_assert_eq!(fib.index(), index as u64);
        }
    }
}
