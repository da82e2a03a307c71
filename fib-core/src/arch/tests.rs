//! Tests of all kernels with one runner and one naive oracle. Each kernel provides its three functions.

extern crate std;

use super::{Kernel, Matrix, portable};
use crate::limb::{DECIMAL_BASE, LIMB_DIGITS, Limb};
use core::ops::Range;
use std::format;
use std::string::String;
use std::vec::Vec;

type Add = fn(&mut [Limb], &[Limb], bool) -> bool;
type Text = fn(&[Limb], &mut [u8]);

/// A kernel under test.
struct Candidate {
    name: &'static str,
    add_binary: Add,
    add_decimal: Add,
    text: Option<Text>,
}

const PORTABLE: Candidate = Candidate {
    name: "portable",
    add_binary: portable::add_binary_in_place,
    add_decimal: portable::add_decimal_in_place,
    text: Some(portable::decimal_text),
};

/// The kernels that this machine supports, called directly and not by dispatch.
#[cfg(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable)))]
fn candidates() -> Vec<Candidate> {
    use super::portable::BINARY_BASE;
    use super::x86_64::{Avx2, Avx512, Avx512Text, add_in_place};

    let mut candidates = Vec::from([PORTABLE]);
    if Avx2::new().is_some() {
        candidates.push(Candidate {
            name: "avx2",
            add_binary: |a, b, carry| add_in_place::<BINARY_BASE, _>(Avx2::new().unwrap(), a, b, carry),
            add_decimal: |a, b, carry| add_in_place::<DECIMAL_BASE, _>(Avx2::new().unwrap(), a, b, carry),
            text: Some(|limbs, out| Avx2::new().unwrap().decimal_text(limbs, out)),
        });
    }
    if Avx512::new().is_some() {
        candidates.push(Candidate {
            name: "avx512",
            add_binary: |a, b, carry| add_in_place::<BINARY_BASE, _>(Avx512::new().unwrap(), a, b, carry),
            add_decimal: |a, b, carry| add_in_place::<DECIMAL_BASE, _>(Avx512::new().unwrap(), a, b, carry),
            text: Avx512Text::new()
                .map(|_| -> Text { |limbs, out| Avx512Text::new().unwrap().decimal_text(limbs, out) }),
        });
    }
    candidates
}

#[cfg(not(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable))))]
fn candidates() -> Vec<Candidate> {
    Vec::from([PORTABLE])
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Radix {
    Binary,
    Decimal,
}

impl Radix {
    const BOTH: [Self; 2] = [Self::Binary, Self::Decimal];

    fn base(self) -> u128 {
        match self {
            Self::Binary => u128::from(Limb::MAX) + 1,
            Self::Decimal => u128::from(DECIMAL_BASE),
        }
    }

    /// The largest limb.
    fn top(self) -> Limb {
        limb(self.base() - 1)
    }

    fn add(self, candidate: &Candidate) -> Add {
        match self {
            Self::Binary => candidate.add_binary,
            Self::Decimal => candidate.add_decimal,
        }
    }
}

fn limb(x: u128) -> Limb {
    Limb::try_from(x).expect("a limb")
}

/// The oracle of addition: schoolbook, in double width.
fn naive_sum(a: &[Limb], b: &[Limb], carry: bool, base: u128) -> (Vec<Limb>, bool) {
    let mut carry = u128::from(carry);
    let sum = a
        .iter()
        .zip(b)
        .map(|(&x, &y)| {
            let sum = u128::from(x) + u128::from(y) + carry;
            carry = sum / base;
            limb(sum % base)
        })
        .collect();
    (sum, carry != 0)
}

/// The oracle of text.
fn naive_text(limbs: &[Limb]) -> String {
    limbs.iter().rev().map(|limb| format!("{limb:0LIMB_DIGITS$}")).collect()
}

/// Random numbers by `SplitMix64` (Steele, Lea and Flood 2014), the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u128) -> u128 {
        (u128::from(self.next()) * bound) >> 64
    }

    fn limbs(&mut self, len: usize, base: u128) -> Vec<Limb> {
        (0..len).map(|_| limb(self.below(base))).collect()
    }

    /// Limbs that are mostly the smallest and the largest ones, so that long carry chains are likely.
    fn extreme_limbs(&mut self, len: usize, base: u128) -> Vec<Limb> {
        let mut extreme = || match self.below(16) {
            0 => self.below(base),
            1 => 1,
            2..8 => 0,
            _ => base - 1,
        };
        (0..len).map(|_| limb(extreme())).collect()
    }
}

/// Lengths around the widths of all vectors and unrolled blocks, and some of many blocks.
fn lengths() -> impl Iterator<Item = usize> {
    (0..=130).chain(190..=194).chain(254..=258).chain(510..=514).chain([1000, 1023, 1024, 1025, 2500, 4999])
}

/// Adds with each kernel and both carries, within longer buffers, and compares with the oracle.
fn check_addition(candidates: &[Candidate], radix: Radix, a: &[Limb], b: &[Limb], offset: usize, what: &str) {
    const SENTINEL: Limb = 0x5a5a_5a5a;
    let within = offset..offset + a.len();
    for carry in [false, true] {
        let (sum, carry_out) = naive_sum(a, b, carry, radix.base());
        for candidate in candidates {
            let mut padded_a = std::vec![SENTINEL; a.len() + 16];
            let mut padded_b = std::vec![SENTINEL; a.len() + 16];
            // The two have different alignments.
            let b_within = 8 - offset..8 - offset + b.len();
            padded_a[within.clone()].copy_from_slice(a);
            padded_b[b_within.clone()].copy_from_slice(b);
            let out = radix.add(candidate)(&mut padded_a[within.clone()], &padded_b[b_within], carry);

            let case = format!("{} {radix:?} {what}, {} limbs, carry {carry}", candidate.name, a.len());
            assert!(padded_a[within.clone()] == sum[..], "{case}: wrong sum");
            assert_eq!(out, carry_out, "{case}: wrong carry out");
            assert!(outside(&padded_a, &within).all(|&x| x == SENTINEL), "{case}: wrote outside");
        }
    }
}

fn outside<'a, T>(padded: &'a [T], within: &Range<usize>) -> impl Iterator<Item = &'a T> {
    padded[..within.start].iter().chain(&padded[within.end..])
}

#[test]
fn adds_random_and_extreme_limbs() {
    let candidates = candidates();
    let mut random = Random(1);
    for radix in Radix::BOTH {
        for len in lengths() {
            let base = radix.base();
            let (a, b) = (random.limbs(len, base), random.limbs(len, base));
            check_addition(&candidates, radix, &a, &b, len % 9, "random");
            check_addition(&candidates, radix, &a, &a, len % 9, "doubled");
            for round in 0..8 {
                let (a, b) = (random.extreme_limbs(len, base), random.extreme_limbs(len, base));
                check_addition(&candidates, radix, &a, &b, round, "extreme");
                check_addition(&candidates, radix, &a, &a, round, "extreme, doubled");
            }
        }
    }
}

/// The numbers are long enough for kernels to prefetch.
#[test]
fn adds_beyond_the_caches() {
    let candidates = candidates();
    let mut random = Random(5);
    for radix in Radix::BOTH {
        let (a, mut b) = (random.limbs(70_003, radix.base()), random.limbs(70_003, radix.base()));
        // Some carry chains, also across the ends of blocks.
        for i in (0..a.len()).filter(|i| i % 1009 < 37) {
            b[i] = radix.top() - a[i];
        }
        check_addition(&candidates, radix, &a, &b, 1, "long");
    }
}

#[test]
fn adds_from_every_alignment() {
    let candidates = candidates();
    let mut random = Random(2);
    for radix in Radix::BOTH {
        for len in 0..=80 {
            let (a, b) = (random.limbs(len, radix.base()), random.extreme_limbs(len, radix.base()));
            for offset in 0..=8 {
                check_addition(&candidates, radix, &a, &b, offset, "unaligned");
            }
        }
    }
}

/// `9999 + 0` propagates a carry through all limbs, `9999 + 9999` generates one in each limb, `9999 + 1` starts a chain.
#[test]
fn adds_with_carries_through_everything() {
    let candidates = candidates();
    for radix in Radix::BOTH {
        for len in lengths() {
            let top = std::vec![radix.top(); len];
            let zero = std::vec![0; len];
            let mut one = zero.clone();
            one.iter_mut().take(1).for_each(|lowest| *lowest = 1);
            for (a, b) in [(&top, &zero), (&zero, &top), (&top, &top), (&top, &one), (&one, &top), (&zero, &zero)] {
                check_addition(&candidates, radix, a, b, 3, "full chain");
            }
        }
    }
}

/// A carry chain that begins at one position and ends at another.
#[test]
fn adds_chains_from_each_position_to_each() {
    const LEN: usize = 130;
    let candidates = candidates();
    for radix in Radix::BOTH {
        for start in 0..LEN {
            // Every end near the start, then some far away.
            for end in (start..LEN.min(start + 12)).chain((start..LEN).step_by(17)) {
                let mut a = std::vec![0; LEN];
                let mut b = std::vec![0; LEN];
                a[start..=end].fill(radix.top());
                b[start] = 1;
                if end > start {
                    a[end] = radix.top() - 1;
                }
                check_addition(&candidates, radix, &a, &b, start % 9, "one chain");
                check_addition(&candidates, radix, &b, &a, start % 9, "one chain, exchanged");
            }
        }
    }
}

#[test]
fn writes_text() {
    let candidates = candidates();
    let mut random = Random(3);
    for len in lengths() {
        let few_digits: Vec<Limb> =
            (0..len).map(|i| DECIMAL_BASE / (10 as Limb).pow(u32::try_from(i % LIMB_DIGITS).unwrap())).collect();
        for limbs in [
            random.limbs(len, DECIMAL_BASE.into()),
            random.extreme_limbs(len, DECIMAL_BASE.into()),
            few_digits.iter().map(|x| x - 1).collect(),
            few_digits.iter().map(|x| x % DECIMAL_BASE).collect(),
        ] {
            check_text(&candidates, &limbs);
        }
    }
}

/// Each group of digits has the values at which the quotient by a rounded-up reciprocal would first be wrong.
#[test]
fn writes_text_of_limbs_around_every_split() {
    let candidates = candidates();
    let mut limbs = Vec::new();
    for power in 0..u32::try_from(LIMB_DIGITS).unwrap() {
        let unit = (10 as Limb).pow(power);
        for factor in 1..1000.min(DECIMAL_BASE / unit) {
            limbs.extend([factor * unit - 1, factor * unit, DECIMAL_BASE - factor * unit]);
        }
    }
    // Every number of four digits, at each place where four digits are split in one field.
    for four in 0..10_000 {
        for power in [0, 4, 8, 12, 16] {
            limbs.extend(
                (10 as Limb).checked_pow(power).and_then(|unit| unit.checked_mul(four)).filter(|&x| x < DECIMAL_BASE),
            );
        }
    }
    check_text(&candidates, &limbs);
}

#[test]
fn writes_one_limb_without_leading_zeros() {
    let mut random = Random(6);
    let powers = (0..=LIMB_DIGITS).map(|power| 10u128.pow(u32::try_from(power).unwrap()));
    let around = powers.clone().flat_map(|power| [power - 1, power, power + 1]);
    let edges = around.filter(|&n| n < u128::from(DECIMAL_BASE)).map(|n| Limb::try_from(n).unwrap());
    for limb in edges.chain(powers.map(|power| random.limbs(1, power)[0])) {
        let text = std::format!("{limb}");
        assert_eq!(super::digit_count(limb), text.len(), "{limb}");
        for len in 0..=LIMB_DIGITS + 9 {
            let mut out = [b'#'; LIMB_DIGITS + 9];
            let count = super::short_text(limb, &mut out[..len]);
            assert_eq!(count, (text.len() <= len).then_some(text.len()), "{limb} into {len} bytes");
            let (written, rest) = out.split_at(count.unwrap_or(0));
            assert!(count.is_none() || written == text.as_bytes(), "{limb}: {written:?}");
            assert!(rest.iter().all(|&byte| byte == b'#'), "{limb}: wrote outside");
        }
    }
}

fn check_text(candidates: &[Candidate], limbs: &[Limb]) {
    let expected = naive_text(limbs);
    for (name, text) in candidates.iter().filter_map(|candidate| Some((candidate.name, candidate.text?))) {
        let within = 5..5 + expected.len();
        let mut out = std::vec![b'#'; expected.len() + 70];
        text(limbs, &mut out[within.clone()]);
        assert!(out[within.clone()] == *expected.as_bytes(), "{name}: wrong text of {limbs:?}");
        assert!(outside(&out, &within).all(|&byte| byte == b'#'), "{name}: wrote outside, {} limbs", limbs.len());
    }
}

#[test]
fn lengths_are_checked() {
    fn panics(run: impl FnOnce() + std::panic::UnwindSafe) -> bool {
        std::panic::catch_unwind(run).is_err()
    }
    for candidate in candidates() {
        for add in [candidate.add_binary, candidate.add_decimal] {
            assert!(panics(|| _ = add(&mut [0; 9], &[0; 8], false)), "{}", candidate.name);
            assert!(panics(|| _ = add(&mut [0; 8], &[0; 9], false)), "{}", candidate.name);
        }
        if let Some(text) = candidate.text {
            assert!(panics(|| text(&[0; 9], &mut [0; 9 * LIMB_DIGITS - 1])), "{}", candidate.name);
            assert!(panics(|| text(&[0; 9], &mut [0; 9 * LIMB_DIGITS + 1])), "{}", candidate.name);
        }
    }
}

/// The choice is global, so only this test changes it. The results of other tests do not depend on it.
#[test]
fn every_available_kernel_can_be_forced() {
    let dispatched = Candidate {
        name: "dispatched",
        add_binary: super::add_binary_in_place,
        add_decimal: super::add_decimal_in_place,
        text: Some(super::decimal_text),
    };
    let best = Kernel::available().last().unwrap();
    assert_eq!(Kernel::current(), best, "chosen by itself");
    let mut random = Random(4);
    for kernel in [Kernel::Portable, Kernel::Avx2, Kernel::Avx512] {
        if !Kernel::available().any(|available| available == kernel) {
            let current = Kernel::current();
            assert!(kernel.force().is_err());
            assert_eq!(Kernel::current(), current);
            continue;
        }
        kernel.force().unwrap();
        assert_eq!(Kernel::current(), kernel);
        for len in (0..=40).chain([200]) {
            for radix in Radix::BOTH {
                let (a, b) = (random.extreme_limbs(len, radix.base()), random.limbs(len, radix.base()));
                check_addition(core::slice::from_ref(&dispatched), radix, &a, &b, 1, kernel.name());
            }
            check_text(core::slice::from_ref(&dispatched), &random.limbs(len, DECIMAL_BASE.into()));
        }
    }
    best.force().unwrap();
}

#[test]
fn kernels_have_names() {
    let names = Kernel::ALL.map(|kernel| format!("{kernel:>8}"));
    assert_eq!(names, ["portable", "    avx2", "  avx512"]);
    let unsupported = super::UnsupportedKernel(Kernel::Avx512);
    assert_eq!(format!("{unsupported}"), "this machine does not support the avx512 kernel");
}

/// The matrix of `steps` steps of the sequence.
fn steps_matrix(steps: usize) -> Matrix {
    use crate::small::FIBONACCI as F;
    [[F[steps - 1], F[steps]], [F[steps], F[steps + 1]]]
}

/// The oracle of a product: schoolbook, in double width.
fn naive_row(x: &[Limb], y: &[Limb], [p, q]: [Limb; 2], base: u128) -> (Vec<Limb>, Limb) {
    let mut carry = 0;
    let limbs = x.iter().zip(y).map(|(&x, &y)| {
        let sum = u128::from(p) * u128::from(x) + u128::from(q) * u128::from(y) + carry;
        carry = sum / base;
        limb(sum % base)
    });
    (limbs.collect(), limb(carry))
}

type Multiply = fn(&mut [Limb], &mut [Limb], &Matrix) -> [Limb; 2];

/// The kernels of products: the radix, the most steps, and the function.
fn multipliers() -> Vec<(Radix, usize, Multiply)> {
    use super::matrix::{STEPS_MAX, multiply_in_place};
    use super::portable::BINARY_BASE;

    let mut multipliers: Vec<(Radix, usize, Multiply)> = Vec::from([
        (Radix::Binary, STEPS_MAX, (|a, b, by| multiply_in_place::<BINARY_BASE>(a, b, by, [0; 2])) as Multiply),
        (Radix::Decimal, STEPS_MAX, |a, b, by| multiply_in_place::<DECIMAL_BASE>(a, b, by, [0; 2])),
    ]);
    #[cfg(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable)))]
    if let Some(avx512) = super::x86_64::Avx512::new() {
        _ = avx512;
        multipliers.push((Radix::Decimal, super::x86_64::AVX512_STEPS_MAX, |a, b, by| {
            super::x86_64::Avx512::new().unwrap().multiply_decimal_in_place(a, b, by)
        }));
    }
    multipliers.push((Radix::Binary, STEPS_MAX, super::multiply_binary_in_place));
    multipliers.push((Radix::Decimal, STEPS_MAX, super::multiply_decimal_in_place));
    multipliers
}

#[test]
fn multiplies_random_and_extreme_limbs() {
    let mut random = Random(7);
    for (radix, most, multiply) in multipliers() {
        for len in (0..=35).chain([64, 100, 1000]) {
            let top = std::vec![radix.top(); len];
            for steps in 1..=most {
                let matrix = steps_matrix(steps);
                let [[p, q], [r, s]] = matrix;
                let base = radix.base();
                let pairs = [
                    (random.limbs(len, base), random.limbs(len, base)),
                    (random.extreme_limbs(len, base), random.extreme_limbs(len, base)),
                    (top.clone(), top.clone()),
                ];
                for matrix in [matrix, [[r, s], [p, q]], [[q, p], [s, r]]] {
                    for (a, b) in &pairs {
                        let rows = matrix.map(|row| naive_row(a, b, row, base));
                        let (mut x, mut y) = (a.clone(), b.clone());
                        let carries = multiply(&mut x, &mut y, &matrix);
                        let expected = [&rows[0].0, &rows[1].0];
                        assert!([&x, &y] == expected, "{radix:?}, {steps} steps, {len} limbs: {x:?}");
                        assert_eq!(carries, [rows[0].1, rows[1].1], "{radix:?}, {steps} steps, {len} limbs");
                    }
                }
            }
        }
    }
}

/// Sums right below, at and right above multiples of the base, where an estimated quotient is wrong first, and carries that run
/// through limbs of B − 1.
#[test]
fn multiplies_around_multiples_of_the_base() {
    let mut random = Random(8);
    for (radix, most, multiply) in multipliers() {
        let base = radix.base();
        for steps in 1..=most {
            let matrix = steps_matrix(steps);
            let [[p, q], _] = matrix.map(|row| row.map(u128::from));
            let (mut x, mut y) = (Vec::new(), Vec::new());
            for i in 0..200_u128 {
                // p·x + q·y = m·B + small for a small remainder, where there is such an x.
                let high = limb(random.below(base));
                let m = q * u128::from(high) / base + 1;
                let near = (m * base - q * u128::from(high)).checked_div(p).map_or(0, |near| near + i % 3);
                x.push(limb(near.min(base - 1)));
                y.push(if i % 50 < 20 { high } else { 0 });
            }
            let rows = matrix.map(|row| naive_row(&x, &y, row, base));
            let carries = multiply(&mut x, &mut y, &matrix);
            assert!(x == rows[0].0 && y == rows[1].0, "{radix:?}, {steps} steps");
            assert_eq!(carries, [rows[0].1, rows[1].1]);
        }
    }
}

#[test]
fn products_check_lengths_and_rows() {
    for (_, most, multiply) in multipliers() {
        let panics = |a: usize, b: usize, by: Matrix| {
            std::panic::catch_unwind(|| _ = multiply(&mut std::vec![0; a], &mut std::vec![0; b], &by)).is_err()
        };
        assert!(panics(8, 9, steps_matrix(most)) && panics(9, 8, steps_matrix(most)));
        assert!(panics(8, 8, [[Limb::MAX, 0], [0, 1]]) && panics(8, 8, [[1, 0], [Limb::MAX, 1]]));
        assert!(!panics(8, 8, steps_matrix(most)));
    }
}
