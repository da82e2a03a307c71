//! Steps of the iterator: from given indices on, with and without a guard, and the first hundred from F(0) on. Near jumps.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, criterion_group, criterion_main};
use dashu_int::UBig;
use fib_core::{ByteBudget, Decimal, Fibonacci, Heap, Inline, MemoryGuard, Storage, Unlimited};
use fib_http::sequence::memory::{SystemMemory, Threshold};
use num_bigint::BigUint;

const INDICES: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// An iterator is timed from the index I to I + I / 4. Then a new one replaces it.
const WINDOW_DIVISOR: u64 = 4;

/// Times single steps of an iterator, or `stride` of them at once. `fresh` makes one whose next number is F(`index`).
fn steps<T>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    index: u64,
    stride: u64,
    fresh: impl Fn() -> T,
    step: impl Fn(&mut T),
) {
    let window = index / WINDOW_DIVISOR / stride;
    // The iterator is kept from sample to sample, because the steps to a high index take longer than a sample.
    let (mut walk, mut left) = (fresh(), window);
    group.bench_function(BenchmarkId::new(name, index), |bencher| {
        bencher.iter_custom(|iterations| {
            let mut elapsed = Duration::ZERO;
            let mut wanted = iterations;
            while wanted > 0 {
                if left == 0 {
                    (walk, left) = (fresh(), window);
                }
                let count = wanted.min(left);
                let start = Instant::now();
                for _ in 0..count {
                    step(&mut walk);
                }
                elapsed += start.elapsed();
                left -= count;
                wanted -= count;
            }
            elapsed
        });
    });
}

fn guarded<G: MemoryGuard>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    index: u64,
    expected: &str,
    guard: impl Fn() -> G,
) {
    let fresh = || {
        let mut fibonacci = Fibonacci::<Decimal>::new().with_guard(guard());
        while fibonacci.index() < index {
            fibonacci.advance().expect("memory");
        }
        fibonacci
    };
    assert!(fresh().peek().expect("memory").to_string() == expected, "{name}, F({index})");
    steps(group, name, index, 1, fresh, |fibonacci| {
        black_box(fibonacci.advance().expect("memory"));
    });
}

fn at_index(c: &mut Criterion) {
    let threshold = Threshold::new(90.0).expect("a share");
    let mut group = c.benchmark_group("step");
    for index in INDICES {
        let (previous, current) = binary_pair(index);
        let expected = current.to_string();
        guarded(&mut group, "unlimited", index, &expected, || Unlimited);
        guarded(&mut group, "byte-budget", index, &expected, || ByteBudget::new(1 << 30));
        guarded(&mut group, "system-memory", index, &expected, || SystemMemory::of_this_process(threshold));

        let pair = || (previous.clone(), current.clone());
        steps(&mut group, "num-bigint", index, 1, pair, |(previous, current)| {
            *previous += &*current;
            std::mem::swap(previous, current);
        });

        let [previous, current] = [&previous, &current].map(|number| UBig::from_le_bytes(&number.to_bytes_le()));
        assert!(current.to_string() == expected, "dashu, F({index})");
        let pair = || (previous.clone(), current.clone());
        steps(&mut group, "dashu", index, 1, pair, |(previous, current)| {
            *previous += &*current;
            std::mem::swap(previous, current);
        });
    }
}

/// A near jump of as many steps as one pass over both values can stand for, beside these steps.
fn near(c: &mut Criterion) {
    const STRIDE: u64 = 90;

    let mut group = c.benchmark_group("near");
    for index in INDICES {
        let fresh = || {
            let mut fibonacci = Fibonacci::<Decimal>::new();
            fibonacci.jump_to(index).expect("memory");
            fibonacci
        };
        steps(&mut group, "90-steps", index, STRIDE, fresh, |fibonacci| {
            for _ in 0..STRIDE {
                black_box(fibonacci.advance().expect("memory"));
            }
        });
        steps(&mut group, "jump", index, STRIDE, fresh, |fibonacci| {
            fibonacci.jump_to(fibonacci.index() + STRIDE).expect("memory");
        });
    }
}

/// F(index - 1) and F(index).
fn binary_pair(index: u64) -> (BigUint, BigUint) {
    let (mut previous, mut current) = (BigUint::from(1_u32), BigUint::from(0_u32));
    for _ in 0..index {
        previous += &current;
        std::mem::swap(&mut previous, &mut current);
    }
    (previous, current)
}

/// How many steps are taken from F(0).
const FIRST: usize = 100;

/// The number after these steps: F(100).
const NEXT: u128 = 354_224_848_179_261_915_075;

fn first_hundred(c: &mut Criterion) {
    assert_eq!(words(), NEXT);
    assert_eq!(first::<Heap>().peek().expect("memory").to_string(), NEXT.to_string());
    assert_eq!(first::<Inline<2>>().peek().expect("room").to_string(), NEXT.to_string());

    let mut group = c.benchmark_group("first-100-steps");
    group.bench_function("heap", |bencher| bencher.iter(first::<Heap>));
    group.bench_function("inline", |bencher| bencher.iter(first::<Inline<2>>));
    group.bench_function("u128", |bencher| bencher.iter(words));
}

/// The iterator after the first steps.
fn first<S: Storage>() -> Fibonacci<Decimal, S> {
    let mut fibonacci = Fibonacci::new();
    for _ in 0..FIRST {
        black_box(fibonacci.advance().expect("room"));
    }
    fibonacci
}

/// The same steps over `u128`.
fn words() -> u128 {
    let (mut previous, mut current) = (1, 0);
    for _ in 0..FIRST {
        black_box(&current);
        (previous, current) = (current, previous + current);
    }
    current
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30);
    targets = at_index, near, first_hundred
}
criterion_main!(benches);
