//! Each stage of a product with every engine of this machine, against the definition.

mod primes;

use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use num_bigint::BigUint;

use super::engine::{Base, Element, Engine};
use super::field::{Factor, Field};
use super::goal::Goal;
use super::integer::{self, Integer};
use super::methods::{by_basecase, by_transform};
use super::plan::Plan;
use super::portable::{self, Portable};
use super::roots::{self, RootTables};
use super::shape::{LEAF_MAX, LEAF_MIN, Products, Size};
use super::transform::{self, OuterForward};
use super::{trim, u128_halves};
use crate::limb::Limb;
use crate::natural::Natural;
use crate::storage::Heap;
use crate::{Decimal, Fibonacci};

/// Runs a generic function with every engine of this machine; `$base` chooses one of its bases.
macro_rules! with_every_engine {
    ($base:literal, $test:ident) => {
        $test(Portable::new(portable::BASES[$base]), &portable::BASES[$base..]);
        #[cfg(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable)))]
        {
            use super::vector::Vector;
            use super::vector::combine::BASES;
            if let Some(lanes) = crate::arch::Avx2Fma::new() {
                $test(Vector::new(lanes, BASES[$base]), &BASES[$base..]);
            }
            if let Some(lanes) = crate::arch::Avx512::new() {
                $test(Vector::new(lanes, BASES[$base]), &BASES[$base..]);
            }
        }
    };
}

/// Pseudorandom numbers below `bound`.
fn noise(bound: u64) -> impl FnMut() -> u64 {
    let mut state = 1_u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 8) % bound
    }
}

/// The residues, modulo the first and then the second prime, of the products of two polynomials with these coefficients.
fn residues<E: Engine>(engine: E, size: Size, factors: [&[u64]; 2], products: Products) -> [[Vec<Element<E>>; 2]; 2] {
    let zero = E::Field::element(0);
    engine.fields().map(|field| {
        let count = size.roots::<E::Field>();
        let mut space = vec![zero; RootTables::<E::Field>::ELEMENTS * count];
        let roots = RootTables::fill(field, &mut space, count);
        let mut x = factors.map(|coefficients| {
            let mut elements: Vec<_> = coefficients.iter().map(|&x| E::Field::element(x)).collect();
            elements.resize(size.coefficients::<E::Field>(), zero);
            let to = E::Field::rows_mut(&mut elements);
            field.run(OuterForward { field, input: None, to, roots: &roots, size });
            elements
        });
        let [a, b] = x.each_mut().map(|x| E::Field::rows_mut(x));
        transform::multiply(field, size, &roots, a, b, products);
        x
    })
}

/// The integer from 0 to p − 1 that is congruent to a residue, which is at most 4p.
fn canonical<F: Field>(field: F, element: F::Element) -> u64 {
    let modulus = field.prime().modulus;
    let mut space = vec![element; F::LANES];
    let one = roots::constant(field, 1);
    let x = field.reduce(field.mul(field.load(&F::rows(&space)[0]), one));
    // x may be negative, but it is not larger than p: p − x is an integer that `Field::value` takes.
    field.store(&mut F::rows_mut(&mut space)[0], field.sub(field.splat(F::element(modulus)), x));
    (modulus - F::value(space[0]) % modulus) % modulus
}

/// The product of two polynomials, by the definition.
fn convolution(a: &[u64], b: &[u64], modulus: u64) -> Vec<u64> {
    let mut product = vec![0; a.len() + b.len() - 1];
    for (i, &x) in a.iter().enumerate() {
        for (j, &y) in b.iter().enumerate() {
            product[i + j] += u128::from(x) * u128::from(y);
        }
    }
    product.into_iter().map(|x| u128_halves::low(x % u128::from(modulus))).collect()
}

#[test]
fn transforms_of_every_size_multiply() {
    fn check<E: Engine>(engine: E, _: &[Base]) {
        let logs = Size::log_groups_min::<E::Field>()..=5;
        for (leaf, log_groups) in (LEAF_MIN..=LEAF_MAX).flat_map(|leaf| logs.clone().map(move |log| (leaf, log))) {
            let size = Size { leaf, log_groups };
            let mut random = noise(engine.base().value());
            let [a, b]: [Vec<u64>; 2] =
                [(); 2].map(|()| (0..size.coefficients::<E::Field>() / 2).map(|_| random()).collect());
            for products in [Products::One, Products::Both] {
                let residues = residues(engine, size, [&a, &b], products);
                for (field, [product, square]) in engine.fields().into_iter().zip(residues) {
                    let prime = field.prime();
                    let scale = prime.multiply(prime.inverse_powers_of_2[size.levels::<E::Field>()], field.sum_scale());
                    let check = |expected: Vec<u64>, elements: Vec<_>| {
                        for (k, (x, element)) in expected.into_iter().zip(elements).enumerate() {
                            let found = prime.multiply(canonical(field, element), scale);
                            assert_eq!(found, x, "{} lanes, {size:?}, coefficient {k}", E::Field::LANES);
                        }
                    };
                    check(convolution(&a, &b, prime.modulus), product);
                    if products == Products::Both {
                        check(convolution(&b, &b, prime.modulus), square);
                    }
                }
            }
        }
    }
    with_every_engine!(0, check);
}

/// The square of the number with `len` coefficients of B − 1, whose decimal digits are all nines. In products of numbers with
/// this length, no coefficient is larger than the middle one of this square. (B^K − 1)² = B^2K − 2·B^K + 1.
fn square_of_nines<E: Engine>(engine: E, len: usize) {
    let nines = vec![engine.base().value() - 1; len];
    let size = Size::at_least::<E::Field>(2 * len).unwrap();
    let [[mut first, _], [mut second, _]] = residues(engine, size, [&nines, &nines], Products::One);
    let elements = (2 * len).next_multiple_of(E::STEP);
    engine.combine([&mut first[..elements], &mut second[..elements]], size.levels::<E::Field>());
    for (k, &element) in first[..elements].iter().enumerate() {
        let expected = match k {
            0 => 1,
            _ if k == len => nines[0] - 1,
            _ if k > len && k < 2 * len => nines[0],
            _ => 0,
        };
        assert_eq!(E::Field::value(element), expected, "coefficient {k} of {len}, base {:?}", engine.base());
    }
}

#[test]
fn the_square_of_nines_at_the_largest_length_is_exact() {
    fn longest<E: Engine>(engine: E, _: &[Base]) {
        // Shorter in the package, whose tests are not optimised.
        let most = if cfg!(feature = "__kernels") { u64::MAX } else { 50_000 };
        square_of_nines(engine, usize::try_from(engine.base().longest.min(most)).unwrap());
    }
    fn short<E: Engine>(engine: E, _: &[Base]) {
        (1..300).for_each(|len| square_of_nines(engine, len));
        square_of_nines(engine, 10_000);
    }
    with_every_engine!(0, longest);
    with_every_engine!(0, short);
    with_every_engine!(1, short);
    let [_, fifteen_digits, fourteen_digits] = portable::BASES.map(Portable::new);
    longest(fifteen_digits, &[]);
    short(fourteen_digits, &[]);
}

/// The digits of a number that may have leading zeros.
fn text(mut limbs: Vec<Limb>) -> String {
    trim(&mut limbs);
    Natural::<Decimal>::from_storage(Heap::from_vec(limbs)).to_string()
}

/// The numbers of a goal by transforms from the given index on.
fn transformed<E: Engine>(engine: E, bases: &[Base], threshold: u64, k: u64, goal: Goal) -> [String; 2] {
    let plan = Plan::new::<E::Field>(k, goal, bases).unwrap();
    let numbers = by_transform(engine, plan, threshold, k, goal, &mut |_| Ok(())).unwrap();
    numbers.map(text)
}

#[test]
fn thresholds_can_be_anywhere() {
    fn check<E: Engine>(engine: E, bases: &[Base]) {
        let mut walk = Fibonacci::<Decimal>::new();
        // Fewer in the package, whose tests are not optimised.
        for k in 0..if cfg!(feature = "__kernels") { 1_500_u64 } else { 100 } {
            let [even, odd] = [(); 2].map(|()| walk.advance().unwrap().to_string());
            for threshold in [1, 1 + k % 97, k] {
                if k < threshold || threshold == 0 {
                    continue;
                }
                let [single, _] = transformed(engine, bases, threshold, k, Goal::Single { odd: false });
                assert_eq!(single, even, "F({}) from {threshold} on", 2 * k);
                let [single, _] = transformed(engine, bases, threshold, k, Goal::Single { odd: true });
                assert_eq!(single, odd, "F({}) from {threshold} on", 2 * k + 1);
                let pair = transformed(engine, bases, threshold, k, Goal::Pair);
                assert_eq!(pair.each_ref(), [&even, &odd], "F({}) and the next from {threshold} on", 2 * k);
            }
        }
    }
    with_every_engine!(0, check);
    with_every_engine!(1, check);
}

/// F(2k) and F(2k + 1), by the products of another library.
fn reference(k: u64) -> [BigUint; 2] {
    let (mut f, mut next) = (BigUint::ZERO, BigUint::from(1_u32));
    for bit in (0..=k.ilog2() + 1).rev() {
        let double = &f * (&next * 2_u32 - &f);
        let after = &f * &f + &next * &next;
        (f, next) = if (2 * k) >> bit & 1 == 0 {
            (double, after)
        } else {
            let sum = &double + &after;
            (after, sum)
        };
    }
    [f, next]
}

#[test]
fn small_thresholds_agree_with_another_library() {
    fn check<E: Engine>(engine: E, bases: &[Base]) {
        let mut random = noise(50_000);
        for _ in 0..8 {
            let k = 1 + random();
            let expected = reference(k).map(|number| number.to_string());
            assert_eq!(transformed(engine, bases, 40, k, Goal::Pair), expected, "{k}");
            for (odd, expected) in [false, true].into_iter().zip(&expected) {
                let [single, _] = transformed(engine, bases, 40, k, Goal::Single { odd });
                assert_eq!(single, *expected, "{k}");
            }
        }
    }
    with_every_engine!(0, check);
    with_every_engine!(1, check);
    check(Portable::new(portable::BASES[2]), &portable::BASES[2..]);
}

#[test]
fn the_basecase_is_right_beyond_its_thresholds() {
    let mut random = noise(60_000);
    for _ in 0..10 {
        let k = 1 + random();
        let expected = reference(k).map(|number| number.to_string());
        let numbers = by_basecase(k, Goal::Pair, &mut |_| Ok(())).unwrap();
        assert_eq!(numbers.map(text), expected, "{k}");
    }
}

/// F(49,011): the halved sum has one coefficient more than the product.
#[test]
fn a_halved_sum_that_is_longer_than_the_product() {
    fn check<E: Engine>(engine: E, bases: &[Base]) {
        let [_, expected] = reference(24_505).map(|number| number.to_string());
        assert_eq!(transformed(engine, bases, 3_000, 24_505, Goal::Pair)[1], expected);
    }
    with_every_engine!(0, check);
    with_every_engine!(1, check);
}

/// Up to the bound, the product of the primes is larger than any coefficient. With one coefficient more in both factors it is
/// not, and the residues no longer determine the product's middle coefficient.
#[test]
fn the_bound_of_a_base_is_the_largest() {
    fn check<E: Engine>(engine: E, _: &[Base]) {
        let base = engine.base();
        assert_eq!(base.value(), 10_u64.pow(base.digits.try_into().unwrap()));
        let [p1, p2] = engine.fields().map(|field| u128::from(field.prime().modulus));
        let square = u128::from(base.value() - 1).pow(2);
        assert!(u128::from(base.longest) * square < p1 * p2);
        assert!(u128::from(base.longest + 1) * square >= p1 * p2);
    }
    with_every_engine!(0, check);
    with_every_engine!(1, check);
    check(Portable::new(portable::BASES[2]), &[]);
}

#[test]
fn the_portable_field_computes_remainders() {
    for prime in &integer::PRIMES {
        let field = Integer::new(prime);
        let p = prime.modulus;
        for a in [0, 1, 2, p / 2, p - 1] {
            for b in [0, 1, 3, p / 3, p - 1] {
                let sum = field.reduce_fully(field.add(a, b));
                assert_eq!(u128::from(sum), (u128::from(a) + u128::from(b)) % u128::from(p));
                let difference = prime.multiply(1, field.sub(a, b));
                assert_eq!(u128::from(difference), (u128::from(a) + u128::from(p - b)) % u128::from(p));
                assert_eq!(prime.multiply(1, field.sub_sum(a, b)), difference);
                let factor = Factor { value: b, quotient: field.shoup_quotient(b) };
                let product = prime.multiply(a, b);
                // The largest redundant residues: sums, products and reductions stay in their bounds.
                for redundant in [a, a + p, a + 7 * p, a + 14 * p, a + 15 * p] {
                    assert_eq!(field.reduce_fully(field.mul(redundant, factor)), product);
                    assert_eq!(field.reduce_fully(field.reduce_sum(redundant)), a);
                }
                assert_eq!(field.reduce_fully(field.reduce(a + 7 * p)), a);
                // `sum_scale` undoes Montgomery's division by 2^64.
                let mut sum = field.product(a + 3 * p, b + 3 * p);
                for _ in 1..LEAF_MAX {
                    sum = field.add_product(sum, a + 3 * p, b + 3 * p);
                }
                let residue = field.reduce_fully(field.residue(sum));
                assert_eq!(prime.multiply(residue, field.sum_scale()), prime.multiply(product, LEAF_MAX as u64));
            }
        }
    }
}
