//! Products by a matrix of limbs, by every kernel, against products in double width.

use super::{Radix, Random, limb};
use crate::arch::Matrix;
use crate::limb::{DECIMAL_BASE, Limb};
use std::vec::Vec;

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
    use crate::arch::matrix::{STEPS_MAX, multiply_in_place};
    use crate::arch::portable::BINARY_BASE;

    let mut multipliers: Vec<(Radix, usize, Multiply)> = Vec::from([
        (Radix::Binary, STEPS_MAX, (|a, b, by| multiply_in_place::<BINARY_BASE>(a, b, by, [0; 2])) as Multiply),
        (Radix::Decimal, STEPS_MAX, |a, b, by| multiply_in_place::<DECIMAL_BASE>(a, b, by, [0; 2])),
    ]);
    #[cfg(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable)))]
    if let Some(avx512) = crate::arch::x86_64::Avx512::new() {
        _ = avx512;
        multipliers.push((Radix::Decimal, crate::arch::x86_64::AVX512_STEPS_MAX, |a, b, by| {
            crate::arch::x86_64::Avx512::new().unwrap().multiply_decimal_in_place(a, b, by)
        }));
    }
    multipliers.push((Radix::Binary, STEPS_MAX, crate::arch::multiply_binary_in_place));
    multipliers.push((Radix::Decimal, STEPS_MAX, crate::arch::multiply_decimal_in_place));
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
