//! The sequence compared with what is known about it: reference values, Binet's formula, the classical identities.

use std::fmt::Write;

use fib_core::{Binary, Decimal, Fibonacci, Heap, Inline, Natural, Radix, Storage};
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

/// Steps to F(1,000,000). Each index checks the exact number of digits, which by Binet's formula is floor(n·log10 φ − log10
/// √5) + 1. Every 997th index checks the leading digits, which follow from the fraction of that logarithm. The powers of ten
/// from 10^4 on check the hash of all digits, and the last index the bytes held. Fewer steps in the package, whose tests are
/// not optimised.
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
        assert_eq!(number.digit_count() as u64, Decimal::digits_for(n.into()), "digits_for({n})");
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
        let bits = number.limbs().len() as u64 * u64::from(fib_core::Limb::BITS) - u64::from(zeros);
        assert_eq!(Binary::bits_for(n), bits, "bits_for({n})");
        assert_eq!(Binary::limbs_for(n), number.limbs().len(), "limbs_for({n})");
    }
}

#[test]
fn sizes_at_the_ends() {
    assert_eq!(Decimal::digits_for(0), 1);
    assert_eq!(Decimal::limbs_for(0), 0);
    assert_eq!(Binary::bits_for(0), 0);
    assert_eq!(Decimal::digits_for(1), 1);
    // floor((2^64 - 1)·log φ − log √5) + 1, computed by mpmath with 120 digits.
    let (digits, bits): (u64, u64) = (3_855_141_514_259_838_963, 12_806_502_905_986_368_093);
    assert_eq!(Decimal::digits_for(u64::MAX), digits);
    assert_eq!(Binary::bits_for(u64::MAX), bits);
    let limbs = |count: u64, of_a_limb: u64| usize::try_from(count.div_ceil(of_a_limb)).unwrap_or(usize::MAX);
    assert_eq!(Decimal::limbs_for(u64::MAX), limbs(digits, Decimal::LIMB_DIGITS as u64));
    assert_eq!(Binary::limbs_for(u64::MAX), limbs(bits, fib_core::Limb::BITS.into()));
}

/// The indices where n·log φ − log √5 comes closest to an integer, two on either side for each base, as they are found by
/// scripts/digit-counts.py and confirmed by mpmath with 120 digits.
#[test]
fn sizes_are_exact_at_the_closest_approaches() {
    for (index, digits) in [
        (8_625_812_162_537_945_092, 1_802_688_129_088_371_158), // 9.5e-22 above
        (17_400_852_738_312_695_671, 3_636_563_152_117_350_984), // 2.6e-20 below
        (1_801_796_856_367_149_161, 376_553_273_222_000_373),   // 9.2e-20 below
        (15_449_827_468_708_741_023, 3_228_822_984_954_741_942), // 9.4e-20 above
    ] {
        assert_eq!(Decimal::digits_for(index), digits, "digits_for({index})");
    }
    for (index, bits) in [
        (2_408_300_925_696_033_696, 1_671_943_443_253_601_520), // 2.9e-20 below
        (15_728_111_804_577_663_326, 10_919_114_437_006_298_572), // 3.3e-20 above
        (7_445_863_546_604_167_185, 5_169_230_557_226_932_058), // 8.1e-20 below
        (10_690_549_183_669_529_837, 7_421_827_323_032_968_034), // 8.5e-20 above
    ] {
        assert_eq!(Binary::bits_for(index), bits, "bits_for({index})");
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

/// Distances around those at which steps, one near jump, several and a jump are cheapest, from small and longer numbers.
fn nth_agrees_with_steps<R: Radix, S: Storage>() {
    let numbers: Vec<Natural<R, S>> = Fibonacci::<R, S>::new().take(1_700).collect();
    for start in [0, 1, 2, 100, 1_001] {
        for distance in (0..=100).chain([139, 140, 141, 180, 181, 271, 511, 512, 600]) {
            for peeked in [false, true] {
                let mut fib = Fibonacci::<R, S>::new();
                for _ in 0..start {
                    fib.advance().unwrap();
                }
                if peeked {
                    fib.peek().unwrap();
                }
                assert!(fib.nth(distance).unwrap() == numbers[start + distance], "F({start} + {distance})");
                assert_eq!(fib.index(), (start + distance) as u64 + 1);
                assert!(fib.advance().unwrap() == &numbers[start + distance + 1]);
            }
        }
    }
}

#[test]
fn nth_agrees_with_steps_in_every_radix_and_storage() {
    nth_agrees_with_steps::<Decimal, Heap>();
    nth_agrees_with_steps::<Binary, Heap>();
    nth_agrees_with_steps::<Decimal, Inline<80>>();
    nth_agrees_with_steps::<Binary, Inline<80>>();
}

/// The last number that fits is found as by steps, and the one after it is refused.
#[test]
fn near_jumps_go_to_the_end_of_the_storage() {
    let mut steps = Fibonacci::<Decimal, Inline<20>>::new();
    while steps.advance().is_ok() {}
    let last = usize::try_from(steps.index()).unwrap() - 1;
    for short in 0..150 {
        let mut fib = Fibonacci::<Decimal, Inline<20>>::new();
        assert!(fib.nth(last - short).is_some());
        assert!(fib.nth(100).is_none() || short > 100);
    }
    let mut fib = Fibonacci::<Decimal, Inline<20>>::new();
    fib.nth(last - 120).unwrap();
    assert!(fib.nth(300).is_none());
    assert_eq!(fib.index(), steps.index(), "it has gone as far as steps go");
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
