//! F(n) from nothing with every engine of this machine. The engines must agree with each other, with steps and with
//! residues, and for short numbers with num-bigint.
#![no_main]

use arbitrary::Arbitrary;
use fib_core::{ByteBudget, Cause, Decimal, Fibonacci, Kernel, Natural};
use fib_fuzz::assert_fibonacci;
use libfuzzer_sys::fuzz_target;
use num_bigint::BigUint;

#[derive(Arbitrary, Debug)]
enum Index {
    /// An index for schoolbook multiplication.
    Short(u16),
    /// An index for the transforms.
    Long(u32),
    /// Any index. Most are out of reach.
    Any(u64),
}

#[derive(Arbitrary, Debug)]
struct Input {
    index: Index,
    from: u8,
    steps: u8,
    budget: u32,
}

/// The index of the longest number, so that a run takes milliseconds.
const LONGEST: u64 = 300_000;

/// The memory budget, in bytes, of a jump to a higher index. Most such jumps need more and are refused.
const BUDGET: usize = 1 << 20;

fuzz_target!(|input: Input| {
    let (index, reachable) = match input.index {
        Index::Short(index) => (index.into(), true),
        Index::Long(index) => (u64::from(index) % LONGEST, true),
        Index::Any(index) => (index, index < LONGEST),
    };
    let mut numbers: Vec<Natural> = Vec::new();
    for kernel in Kernel::available() {
        kernel.force().expect("it is available");
        let budget = if reachable { usize::MAX } else { BUDGET };
        let mut fib = Fibonacci::<Decimal>::new().with_guard(ByteBudget::new(budget));
        fib.jump_to(input.from.into()).expect("near");
        let held = fib.bytes_held();
        // The first budget may be too small. In that case nothing changes.
        *fib.guard_mut() = ByteBudget::new((input.budget as usize).min(budget));
        match fib.jump_to(index) {
            Ok(()) => assert!(fib.bytes_held() <= input.budget as usize),
            Err(exhausted) => {
                assert!(matches!(exhausted.cause(), Cause::Guard | Cause::TooLong), "{exhausted}");
                assert_eq!((fib.index(), fib.bytes_held()), (input.from.into(), held));
            }
        }
        *fib.guard_mut() = ByteBudget::new(budget);
        if let Err(exhausted) = fib.jump_to(index) {
            assert!(!reachable, "F({index}) by {kernel}: {exhausted}");
            fib.jump_to(u64::from(input.from) + 1).expect("near");
            assert_eq!(fib.index(), u64::from(input.from) + 1);
            continue;
        }
        // Some steps check both values of the pair.
        for index in index..=index.saturating_add(u64::from(input.steps) % 8) {
            assert_eq!(fib.index(), index);
            let number = fib.advance().expect("a budget for some steps");
            assert_fibonacci(index, number.limbs(), Decimal::BASE - 1, Decimal::limbs_for(index));
        }
        if reachable {
            numbers.push(Natural::fibonacci(index).expect("memory"));
        }
    }
    let Some(number) = numbers.pop() else { return };
    assert_fibonacci(index, number.limbs(), Decimal::BASE - 1, Decimal::limbs_for(index));
    assert!(numbers.iter().all(|other| *other == number), "the engines differ at F({index})");
    if index < 6_000 {
        assert_eq!(number.to_string(), by_steps(index).to_string(), "F({index})");
    }
});

fn by_steps(index: u64) -> BigUint {
    let (mut number, mut next) = (BigUint::ZERO, BigUint::from(1_u32));
    for _ in 0..index {
        number += &next;
        std::mem::swap(&mut number, &mut next);
    }
    number
}
