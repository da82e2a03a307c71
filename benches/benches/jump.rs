//! F(n) from nothing with each kernel that the machine supports: a single number, the same with its text, and the pair of
//! numbers from which the iterator goes on.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use fib_core::{Decimal, Fibonacci, Kernel, Natural};

const INDICES: [u64; 6] = [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// The last nine digits of F(n), by steps.
fn last_digits(n: u64) -> u64 {
    let (mut f, mut next) = (0, 1);
    for _ in 0..n {
        (f, next) = (next, (f + next) % 1_000_000_000);
    }
    f
}

fn text(number: &Natural, buffer: &mut [u8]) -> usize {
    number.copy_digits(0, buffer)
}

fn jump(criterion: &mut Criterion) {
    let best = Kernel::current();
    for kernel in Kernel::available() {
        kernel.force().expect("it is available");
        for n in INDICES {
            let mut buffer = vec![0; Decimal::digits_for(n).try_into().expect("it fits memory")];
            let len = text(&Natural::fibonacci(n).expect("there is memory"), &mut buffer);
            let last: u64 = std::str::from_utf8(&buffer[len - 9.min(len)..len]).unwrap().parse().unwrap();
            assert_eq!(last, last_digits(n), "F({n}), {kernel}");

            let mut group = criterion.benchmark_group(format!("jump/{kernel}"));
            if n >= 1_000_000 {
                group.sample_size(20);
            }
            group.bench_function(BenchmarkId::new("number", n), |bencher| {
                bencher.iter(|| Natural::fibonacci(black_box(n)));
            });
            group.bench_function(BenchmarkId::new("text", n), |bencher| {
                bencher.iter(|| {
                    let number = Natural::fibonacci(black_box(n)).expect("there is memory");
                    black_box(text(&number, &mut buffer))
                });
            });
            group.bench_function(BenchmarkId::new("pair", n), |bencher| {
                let mut fib = Fibonacci::<Decimal>::new();
                bencher.iter(|| fib.jump_to(black_box(n)));
            });
            group.finish();
        }
    }
    best.force().expect("it was in use");
}

criterion_group!(benches, jump);
criterion_main!(benches);
