//! Jumps to an index, compared with steps, another library, known hashes, and residues.

use std::fmt::Write;

use fib_core::{
    Binary, ByteBudget, Cause, Decimal, Demand, Exhausted, Fibonacci, Heap, Inline, Limb, MemoryGuard, Natural,
};
use num_bigint::BigUint;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

/// SHA-256 of the decimal digits of F(n), computed by GMP 6.3.0:
/// `python3 -c "import gmpy2, hashlib; print(hashlib.sha256(gmpy2.fib(n).digits().encode()).hexdigest())"`
const HASHES: [(u64, &str); 3] = [
    (10_000_000, "dee686d8c2407fb7fae2c58f8096d07baa790709d489454691af77d29cf3fb4d"),
    (33_333_333, "006d2d1d9128d726ace8b84fa36145af60fe4c5ec7a0e691f9c473fa6f2e4e8e"),
    (100_000_000, "098ac40fa4f909c1162efa97ff10037049ee48befd4bc192d7197c538c2c193c"),
];

/// Runs a test with every kernel of this machine, one after the other. The choice holds for the whole process, so a lock keeps
/// these tests apart.
#[cfg(feature = "__kernels")]
fn with_every_kernel(test: impl Fn(&str)) {
    use fib_core::Kernel;
    use std::sync::{Mutex, PoisonError};

    static CHOICE: Mutex<()> = Mutex::new(());
    let _choice = CHOICE.lock().unwrap_or_else(PoisonError::into_inner);
    let best = Kernel::current();
    for kernel in Kernel::available() {
        kernel.force().unwrap();
        test(kernel.name());
    }
    best.force().unwrap();
}

/// Runs a test with the kernel that this machine chooses, as from the package.
#[cfg(not(feature = "__kernels"))]
fn with_every_kernel(test: impl Fn(&str)) {
    test("best kernel");
}

fn jumped(index: u64) -> Fibonacci<Decimal> {
    let mut fib = Fibonacci::new();
    fib.jump_to(index).unwrap();
    assert_eq!(fib.index(), index);
    fib
}

#[test]
fn agrees_with_stepping() {
    let mut walk = Fibonacci::<Decimal>::new();
    for index in 0..=5_000 {
        let single = Natural::fibonacci(index).unwrap();
        let mut jumped = jumped(index);
        let expected = walk.advance().unwrap();
        assert_eq!(&single, expected, "F({index})");
        assert_eq!(jumped.advance().unwrap(), expected, "jump to {index}");
        let mut next = walk.peek().unwrap().try_clone().unwrap();
        assert_eq!(jumped.advance().unwrap(), &next, "the step after the jump to {index}");
        next.try_add_assign(&single).unwrap();
        assert_eq!(jumped.advance().unwrap(), &next, "two steps after the jump to {index}");
    }
}

/// F(n) and F(n + 1) by doubling.
fn reference(n: u64) -> [BigUint; 2] {
    if n == 0 {
        return [BigUint::ZERO, BigUint::from(1_u32)];
    }
    let [f, next] = reference(n / 2);
    let double = &f * (&next * 2_u32 - &f);
    let after = &f * &f + &next * &next;
    if n.is_multiple_of(2) { [double, after] } else { [after.clone(), double + after] }
}

#[test]
fn agrees_with_another_library() {
    let mut state = 2_463_534_242_u64;
    let mut random = |bound| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % bound
    };
    // In the package the other library is not optimised.
    let longest = if cfg!(feature = "__kernels") { 1_000_000 } else { 100_000 };
    let indices = [10_000, 30_000, 100_000, 300_000, 1_000_000]
        .map(|bound: u64| bound.min(longest))
        .map(|bound| [(); 3].map(|()| random(bound)));
    let expected = indices.as_flattened().iter().map(|&n| (n, reference(n).map(|number| number.to_string())));
    let expected: Vec<_> = expected.collect();
    with_every_kernel(|kernel| {
        for (n, [number, next]) in &expected {
            assert_eq!(Natural::fibonacci(*n).unwrap().to_string(), *number, "F({n}), {kernel}");
            let mut fib = jumped(*n);
            assert_eq!(fib.advance().unwrap().to_string(), *number, "jump to {n}, {kernel}");
            assert_eq!(fib.advance().unwrap().to_string(), *next, "the step after it, {kernel}");
        }
    });
}

fn sha256(number: &Natural) -> String {
    let mut text = vec![0; number.digit_count()];
    assert_eq!(number.copy_digits(0, &mut text), text.len());
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes everything");
        hex
    })
}

#[test]
fn hashes_of_long_numbers() {
    with_every_kernel(|kernel| {
        let (n, expected) = HASHES[0];
        assert_eq!(sha256(&Natural::fibonacci(n).unwrap()), expected, "F({n}), {kernel}");
        assert_eq!(sha256(jumped(n).peek().unwrap()), expected, "jump to {n}, {kernel}");
    });
    let longest = if cfg!(feature = "__kernels") { &HASHES[1..] } else { &[] };
    for (n, expected) in longest {
        assert_eq!(sha256(&Natural::fibonacci(*n).unwrap()), *expected, "F({n})");
    }
}

/// F(n) modulo m, by powers of the matrix (1 1; 1 0).
fn residue(n: u64, m: u64) -> u64 {
    let (mut result, mut power) = ([1, 0, 1], [1, 1, 0]); // F(k+1), F(k), F(k−1)
    let product = |[a2, a1, a0]: [u64; 3], [b2, b1, b0]: [u64; 3]| {
        [(a2 * b2 + a1 * b1) % m, (a2 * b1 + a1 * b0) % m, (a1 * b1 + a0 * b0) % m]
    };
    for bit in 0..u64::BITS - n.leading_zeros() {
        if n >> bit & 1 == 1 {
            result = product(result, power);
        }
        power = product(power, power);
    }
    result[1] % m
}

#[test]
fn residues_of_long_numbers() {
    const PRIMES: [u64; 6] = [2, 1_009, 65_537, 998_244_353, 1_000_000_007, 2_147_483_647];
    let remainder = |number: &Natural, m: u64| {
        let base = u128::from(Decimal::BASE) % u128::from(m);
        let rest =
            number.limbs().iter().rev().fold(0, |rest: u128, &limb| (rest * base + u128::from(limb)) % u128::from(m));
        u64::try_from(rest).unwrap()
    };
    let indices = [2_718_281, 12_345_678, 31_415_926, 66_666_667, 99_999_999];
    for n in indices.into_iter().take(if cfg!(feature = "__kernels") { 5 } else { 1 }) {
        let mut fib = jumped(n);
        let numbers = [(n, fib.next().unwrap()), (n + 1, fib.next().unwrap())];
        let single = Natural::fibonacci(n).unwrap();
        assert_eq!(numbers[0].1, single);
        for (n, number) in numbers {
            assert_eq!(number.digit_count() as u64, Decimal::digits_for(n));
            for m in PRIMES {
                assert_eq!(remainder(&number, m), residue(n, m), "F({n}) modulo {m}");
            }
        }
    }
}

#[test]
fn the_values_have_little_room_to_grow_after_a_jump() {
    for index in [1_000, 10_000, 100_001, 1_000_000] {
        let mut fib = jumped(index);
        for _ in 0..300 {
            let number = Decimal::limbs_for(fib.index()) * size_of::<Limb>();
            assert!(fib.bytes_held() <= 2 * (number + number / 64 + 64), "{} bytes", fib.bytes_held());
            fib.advance().unwrap();
        }
    }
    let mut fib = jumped(1_000);
    fib.jump_to(0).unwrap();
    assert_eq!((fib.index(), fib.bytes_held()), (0, 0));
    assert_eq!(fib.advance().unwrap().to_string(), "0");
    fib.jump_to(90).unwrap();
    fib.jump_to(10).unwrap();
    assert_eq!(fib.take(3).map(|n| n.to_string()).collect::<Vec<_>>(), ["55", "89", "144"]);
}

#[test]
fn an_index_beyond_every_multiplication_is_too_long() {
    let mut fib = jumped(1_000);
    for index in [u64::MAX, u64::MAX - 1, u64::MAX / 2, 1 << 40] {
        assert_eq!(fib.jump_to(index).unwrap_err().cause(), Cause::TooLong);
        assert_eq!(Natural::fibonacci(index).unwrap_err().cause(), Cause::TooLong);
    }
    assert_eq!(fib.index(), 1_000);
    assert_eq!(fib.advance().unwrap(), &Natural::fibonacci(1_000).unwrap());
}

#[test]
fn nth_skip_and_step_by_jump_to_the_same_numbers() {
    let mut fib = Fibonacci::<Decimal>::new();
    assert_eq!(sha256(&fib.nth(10_000_000).unwrap()), HASHES[0].1);
    assert_eq!(fib.index(), 10_000_001);
    let every: Vec<_> = Fibonacci::<Decimal>::new().skip(123_456).step_by(10_000).take(3).collect();
    for (n, number) in (123_456..).step_by(10_000).zip(every) {
        assert_eq!(number, Natural::fibonacci(n).unwrap(), "F({n})");
    }
    // In the other radix or storage they go by near jumps.
    let steps = [
        Fibonacci::<Binary>::new().nth(2_000).unwrap().to_string(),
        Fibonacci::<Decimal, Inline<{ Decimal::limbs_for(2_000) }>>::new().nth(2_000).unwrap().to_string(),
    ];
    assert_eq!(steps, [(); 2].map(|()| Natural::fibonacci(2_000).unwrap().to_string()));
}

#[test]
fn nth_steps_if_a_jump_has_no_memory() {
    // Enough for two values of F(5,000) while one of them is moved, but not for the products of a jump.
    let budget = 4 * Decimal::limbs_for(5_000) * size_of::<Limb>();
    let mut fib = Fibonacci::<Decimal, Heap>::new().with_guard(ByteBudget::new(budget));
    assert_eq!(fib.jump_to(5_000).unwrap_err().cause(), Cause::Guard);
    assert_eq!((fib.index(), fib.bytes_held()), (0, 0));
    assert_eq!(fib.nth(5_000).unwrap(), Natural::fibonacci(5_000).unwrap());
    let before = fib.index();
    assert!(fib.nth(50_000).is_none());
    assert_eq!(fib.index(), before, "there is no room for the number, so nothing is consumed");
}

/// Counts how often it is asked.
struct Counting {
    budget: usize,
    asked: u64,
}

impl MemoryGuard for Counting {
    fn admit(&mut self, demand: Demand) -> Result<(), Exhausted> {
        self.asked += 1;
        ByteBudget::new(self.budget).admit(demand)
    }
}

#[test]
fn nth_ends_at_once_where_the_number_cannot_fit() {
    // By steps, each of these would take from hours to centuries.
    #[cfg(target_pointer_width = "64")]
    assert!(Fibonacci::<Decimal>::new().nth(20_000_000_000).is_none());
    assert!(Fibonacci::<Decimal>::new().with_guard(ByteBudget::new(1 << 20)).nth(1_000_000_000).is_none());
    assert!(Fibonacci::<Binary>::new().with_guard(ByteBudget::new(1 << 20)).nth(1_000_000_000).is_none());
    assert_eq!(Fibonacci::<Decimal>::new().with_guard(ByteBudget::new(1 << 20)).skip(usize::MAX).count(), 0);
    let mut small = Fibonacci::<Decimal, Inline<100>>::new();
    assert!(small.nth(usize::MAX).is_none());
    assert_eq!(small.index(), 0);
}

#[test]
fn nth_jumps_as_far_as_a_small_budget_allows() {
    let two_values = 2 * Decimal::limbs_for(100_000) * size_of::<Limb>();
    let mut fib = Fibonacci::<Decimal>::new().with_guard(Counting { budget: 2 * two_values, asked: 0 });
    assert_eq!(fib.jump_to(100_000).unwrap_err().cause(), Cause::Guard);
    assert_eq!(fib.nth(100_000).unwrap(), Natural::fibonacci(100_000).unwrap());
    assert!(fib.guard().asked < 90_000, "it stepped {} times", fib.guard().asked);
}

/// Vectors have no base for numbers beyond about F(10^10), and portable code none beyond [`LAST_JUMP`].
#[cfg(target_pointer_width = "64")]
#[test]
fn every_kernel_has_the_same_limit() {
    const LAST_JUMP: u64 = 17_808_892_134;
    with_every_kernel(|kernel| {
        // The guard is asked only after it is clear that the number can be computed.
        let mut fib = Fibonacci::<Decimal>::new().with_guard(ByteBudget::new(0));
        for index in [10_216_847_033, 10_216_847_034, LAST_JUMP] {
            assert_eq!(fib.jump_to(index).unwrap_err().cause(), Cause::Guard, "F({index}), {kernel}");
        }
        for index in [LAST_JUMP + 1, u64::MAX] {
            assert_eq!(fib.jump_to(index).unwrap_err().cause(), Cause::TooLong, "F({index}), {kernel}");
            assert_eq!(Natural::fibonacci(index).unwrap_err().cause(), Cause::TooLong, "F({index}), {kernel}");
        }
    });
}

#[test]
fn a_refused_near_jump_changes_nothing() {
    let mut fib = Fibonacci::<Decimal>::new();
    fib.jump_to(5_000).unwrap();
    let before = fib.bytes_held();
    let mut fib = fib.with_guard(ByteBudget::new(before));
    assert_eq!(fib.jump_to(5_200).unwrap_err().cause(), Cause::Guard);
    assert_eq!((fib.index(), fib.bytes_held()), (5_000, before));
    assert_eq!(fib.advance().unwrap(), &Natural::fibonacci(5_000).unwrap());
}

#[test]
fn near_jumps_agree_with_jumps() {
    with_every_kernel(|kernel| {
        for (start, distance) in
            [(20_000, 45), (20_001, 90), (20_000, 91), (50_000, 400), (123_456, 1_000), (300_000, 901)]
        {
            let mut near = jumped(start);
            near.jump_to(start + distance).unwrap();
            let mut there = jumped(start + distance);
            for _ in 0..2 {
                assert_eq!(near.advance().unwrap(), there.advance().unwrap(), "{start} + {distance}, {kernel}");
            }
        }
    });
}

proptest! {
    #[test]
    fn near_jumps_and_a_jump_meet(start in 0..100_000_u64, distances in proptest::collection::vec(0..1_500_u64, 1..6)) {
        let mut near = jumped(start);
        let mut index = start;
        for distance in distances {
            index += distance;
            near.jump_to(index).unwrap();
            prop_assert_eq!(near.index(), index);
            if distance % 2 == 1 {
                near.advance().unwrap();
                index += 1;
            }
        }
        let mut there = jumped(index);
        prop_assert_eq!(near.advance().unwrap(), there.advance().unwrap());
        prop_assert_eq!(near.advance().unwrap(), there.advance().unwrap());
    }

    #[test]
    fn a_jump_and_steps_equal_a_longer_jump(a in 0..60_000_u64, b in 0..200_u64) {
        let mut walked = jumped(a);
        for _ in 0..b {
            walked.advance().unwrap();
        }
        prop_assert_eq!(walked.index(), a + b);
        let mut there = jumped(a + b);
        prop_assert_eq!(walked.advance().unwrap(), there.advance().unwrap());
        prop_assert_eq!(walked.advance().unwrap(), there.advance().unwrap());
    }
}
