//! The digits of a number, by each kernel that the machine supports, by the `itoa` crate limb by limb, and by num-bigint.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fib_benches::force;
use fib_core::{Decimal, Fibonacci, Kernel, Natural};
use num_bigint::BigUint;

/// The indices of the numbers, which have 19, 209, 2,090, 20,899 and 208,988 digits.
const INDICES: [usize; 5] = [90, 1_000, 10_000, 100_000, 1_000_000];

/// The highest index for num-bigint, whose text takes more than linear time.
const BINARY_MOST: usize = 10_000;

fn text(c: &mut Criterion) {
    let mut group = c.benchmark_group("text");
    for index in INDICES {
        let number = Fibonacci::<Decimal>::new().nth(index).expect("memory");
        let expected = number.to_string();
        let mut out = vec![0; number.digit_count()];
        group.throughput(Throughput::Bytes(out.len() as u64));

        for kernel in Kernel::available() {
            force(kernel);
            out.fill(0);
            assert_eq!(number.copy_digits(0, &mut out), out.len());
            assert!(out == expected.as_bytes(), "{kernel}, F({index})");
            group.bench_function(BenchmarkId::new(kernel.name(), index), |bencher| {
                bencher.iter(|| number.copy_digits(0, &mut out));
            });
        }

        out.fill(0);
        limb_by_limb(&number, &mut out);
        assert!(out == expected.as_bytes(), "itoa, F({index})");
        group.bench_function(BenchmarkId::new("itoa", index), |bencher| {
            bencher.iter(|| limb_by_limb(&number, &mut out));
        });

        if index <= BINARY_MOST {
            let binary: BigUint = expected.parse().expect("digits");
            assert!(binary.to_string() == expected, "num-bigint, F({index})");
            group.bench_function(BenchmarkId::new("num-bigint", index), |bencher| {
                bencher.iter(|| binary.to_string());
            });
        }
    }
}

/// Writes each limb by `itoa`. Every limb but the first is padded with zeros.
fn limb_by_limb(number: &Natural, out: &mut [u8]) {
    let mut buffer = itoa::Buffer::new();
    let mut end = 0;
    for (place, &limb) in number.limbs().iter().rev().enumerate() {
        let digits = buffer.format(limb).as_bytes();
        let zeros = if place == 0 { 0 } else { Decimal::LIMB_DIGITS - digits.len() };
        let (padding, rest) = out[end..].split_at_mut(zeros);
        padding.fill(b'0');
        rest[..digits.len()].copy_from_slice(digits);
        end += zeros + digits.len();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .sample_size(50);
    targets = text
}
criterion_main!(benches);
