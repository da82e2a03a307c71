//! Each stage of a product with every field of this machine, against the definition.

use std::vec;
use std::vec::Vec;

use super::field::Field;
use super::transform::{self, First, LEAF_MAX, LEAF_MIN, Products, Roots, Size};
use super::{engine::Engine, wide, words};

/// Runs a generic function with every engine of this machine.
macro_rules! with_every_engine {
    ($test:ident) => {
        for base in words::BASES {
            $test(words::Portable::new(base));
        }
        #[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(fib_limb32)))]
        for base in super::vector::BASES {
            if let Some(lanes) = crate::arch::Avx2Fma::new() {
                $test(super::vector::Vector::new(lanes, base));
            }
            if let Some(lanes) = crate::arch::Avx512::new() {
                $test(super::vector::Vector::new(lanes, base));
            }
        }
    };
}

/// Numbers below `bound` that look random.
fn noise(bound: u64) -> impl FnMut() -> u64 {
    let mut state = 1_u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 8) % bound
    }
}

/// The integer below the prime that a residue stands for, which is at most four times the prime.
fn canonical<F: Field>(field: F, word: F::Word) -> u64 {
    let mut space = vec![word; F::LANES];
    let one = transform::constant(field, 1);
    let x = field.reduce(field.mul(field.load(&F::rows(&space)[0]), one));
    // From -p/2 to p/2; two numbers that add up to the prime cannot both be negative.
    field.store(&mut F::rows_mut(&mut space)[0], field.sub(field.splat(F::word(field.prime().modulus)), x));
    (field.prime().modulus - F::value(space[0]) % field.prime().modulus) % field.prime().modulus
}

fn convolution(a: &[u64], b: &[u64], modulus: u64) -> Vec<u64> {
    let mut product = vec![0; a.len() + b.len() - 1];
    for (i, &x) in a.iter().enumerate() {
        for (j, &y) in b.iter().enumerate() {
            product[i + j] += u128::from(x) * u128::from(y);
        }
    }
    product.into_iter().map(|x| wide::low(x % u128::from(modulus))).collect()
}

#[test]
fn transforms_multiply() {
    fn check<E: Engine>(engine: E) {
        let lanes = E::Field::LANES;
        let fields = engine.fields();
        for (leaf, log_groups) in (LEAF_MIN..=LEAF_MAX).flat_map(|leaf| (1..=5).map(move |log| (leaf, log))) {
            let size = Size { leaf, log_groups };
            let coefficients = size.coefficients::<E::Field>();
            let mut random = noise(engine.base().value());
            let [a, b]: [Vec<u64>; 2] = [(); 2].map(|()| (0..coefficients / 2).map(|_| random()).collect());
            let zero = E::Field::word(0);
            let count = size.roots::<E::Field>();
            let mut tables = [(); 2].map(|()| vec![zero; Roots::<E::Field>::WORDS * count]);
            let [first, second] = &mut tables;
            let roots = [Roots::fill(fields[0], first, count), Roots::fill(fields[1], second, count)];
            for products in [Products::One, Products::Both] {
                let mut x: [[Vec<_>; 2]; 2] = [&a, &b].map(|digits| {
                    let mut words: Vec<_> = digits.iter().map(|&digit| E::Field::word(digit)).collect();
                    words.resize(coefficients, zero);
                    let mut other = vec![zero; coefficients];
                    fields[1].run(First {
                        field: fields[1],
                        digits: Some(E::Field::rows(&words)),
                        to: E::Field::rows_mut(&mut other),
                        roots: &roots[1],
                        size,
                    });
                    let to = E::Field::rows_mut(&mut words);
                    fields[0].run(First { field: fields[0], digits: None, to, roots: &roots[0], size });
                    [words, other]
                });
                for (i, field) in fields.into_iter().enumerate() {
                    let [rows, others] = x.each_mut().map(|x| E::Field::rows_mut(&mut x[i]));
                    transform::multiply(field, size, &roots[i], rows, others, products);
                    let prime = field.prime();
                    let scale =
                        prime.inverse_of(prime.multiply(prime.halves[size.levels::<E::Field>()], field.sum_scale()));
                    let expect = |product: Vec<u64>, words: &[_]| {
                        for (k, x) in product.into_iter().enumerate() {
                            let x = prime.multiply(x, scale);
                            assert_eq!(canonical(field, words[k]), x, "{lanes} lanes, {size:?}, coefficient {k}");
                        }
                    };
                    expect(convolution(&a, &b, prime.modulus), &x[0][i]);
                    if products == Products::Both {
                        expect(convolution(&b, &b, prime.modulus), &x[1][i]);
                    }
                }
            }
        }
    }
    with_every_engine!(check);
}
