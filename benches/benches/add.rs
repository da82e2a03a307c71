//! `a += b` in both radices, by each kernel that the machine has, and by num-bigint and dashu.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dashu_int::UBig;
use fib_benches::data::{self, BINARY, DECIMAL, le_bytes, naive_sum, random_limbs};
use fib_benches::force;
use fib_core::{Kernel, Limb, Natural, Radix};
use num_bigint::BigUint;

/// Limbs of each operand. Two operands of 10,848 limbs fit the L2 cache; two of 1,000,000 do not.
const LENGTHS: [usize; 9] = [1, 4, 8, 32, 256, 2_048, 10_848, 100_000, 1_000_000];

/// Measures each kernel in the radix of `base`. `number` makes a number from limbs.
fn kernels<R: Radix>(c: &mut Criterion, radix: &str, base: u128, number: fn(&[Limb]) -> Natural<R>) {
    let mut group = c.benchmark_group(format!("add/{radix}"));
    for len in LENGTHS {
        let [a, b] = [1, 2].map(|seed| random_limbs(seed, len, base));
        let expected = naive_sum(&a, &b, base);
        group.throughput(Throughput::Elements(len as u64));
        for kernel in Kernel::available() {
            force(kernel);
            let (mut sum, addend) = (number(&a), number(&b));
            sum.try_add_assign(&addend).expect("memory");
            assert_eq!(sum.limbs(), expected, "{kernel}, {len} limbs");
            group.bench_function(BenchmarkId::new(kernel.name(), len), |bencher| {
                bencher.iter(|| sum.try_add_assign(&addend));
            });
        }
    }
}

fn decimal(c: &mut Criterion) {
    kernels(c, "decimal", DECIMAL, data::decimal);
}

fn binary(c: &mut Criterion) {
    kernels(c, "binary", BINARY, data::binary);
}

fn libraries(c: &mut Criterion) {
    let mut group = c.benchmark_group("add/binary");
    for len in LENGTHS {
        let [a, b] = [1, 2].map(|seed| random_limbs(seed, len, BINARY));
        let expected = le_bytes(&naive_sum(&a, &b, BINARY));
        group.throughput(Throughput::Elements(len as u64));

        let [mut sum, addend] = [&a, &b].map(|limbs| BigUint::from_bytes_le(&le_bytes(limbs)));
        sum += &addend;
        assert_eq!(sum, BigUint::from_bytes_le(&expected), "num-bigint, {len} limbs");
        group.bench_function(BenchmarkId::new("num-bigint", len), |bencher| {
            bencher.iter(|| sum += &addend);
        });

        let [mut sum, addend] = [&a, &b].map(|limbs| UBig::from_le_bytes(&le_bytes(limbs)));
        sum += &addend;
        assert_eq!(sum, UBig::from_le_bytes(&expected), "dashu, {len} limbs");
        group.bench_function(BenchmarkId::new("dashu", len), |bencher| {
            bencher.iter(|| sum += &addend);
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .sample_size(50);
    targets = decimal, binary, libraries
}
criterion_main!(benches);
