//! Each stage of a product with every engine of this machine, against the definition.

use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use num_bigint::BigUint;

use super::doubling::Plan;
use super::engine::{Base, Engine, Word};
use super::field::{Factor, Field};
use super::portable::{self, Portable};
use super::prime::Prime;
use super::roots::{self, Roots};
use super::transform::{self, First, LEAF_MAX, LEAF_MIN, Products, Size};
use super::words::{self, Words};
use super::{Goal, by_basecase, by_transform, halves};
use crate::natural::Natural;
use crate::{Decimal, Fibonacci};

/// Runs a generic function with every engine of this machine; `$base` chooses one of its bases.
macro_rules! with_every_engine {
    ($base:literal, $test:ident) => {
        $test(Portable::new(portable::BASES[$base]), &portable::BASES[$base..]);
        #[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(fib_limb32)))]
        {
            use super::vector::{BASES, Vector};
            if let Some(lanes) = crate::arch::Avx2Fma::new() {
                $test(Vector::new(lanes, BASES[$base]), &BASES[$base..]);
            }
            if let Some(lanes) = crate::arch::Avx512::new() {
                $test(Vector::new(lanes, BASES[$base]), &BASES[$base..]);
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

/// The residues, modulo one prime and then the other, of the products of two rows of digits.
fn residues<E: Engine>(engine: E, size: Size, factors: [&[u64]; 2], products: Products) -> [[Vec<Word<E>>; 2]; 2] {
    let coefficients = size.coefficients::<E::Field>();
    let zero = E::Field::word(0);
    engine.fields().map(|field| {
        let count = size.roots::<E::Field>();
        let mut space = vec![zero; Roots::<E::Field>::WORDS * count];
        let roots = Roots::fill(field, &mut space, count);
        let mut x = factors.map(|digits| {
            let mut words: Vec<_> = digits.iter().map(|&digit| E::Field::word(digit)).collect();
            words.resize(coefficients, zero);
            let to = E::Field::rows_mut(&mut words);
            field.run(First { field, digits: None, to, roots: &roots, size });
            words
        });
        let [a, b] = x.each_mut().map(|x| E::Field::rows_mut(x));
        transform::multiply(field, size, &roots, a, b, products);
        x
    })
}

/// The integer below the prime that a residue stands for, which is at most four times the prime.
fn canonical<F: Field>(field: F, word: F::Word) -> u64 {
    let modulus = field.prime().modulus;
    let mut space = vec![word; F::LANES];
    let one = roots::constant(field, 1);
    let x = field.reduce(field.mul(field.load(&F::rows(&space)[0]), one));
    // From −p/2 to p/2, or from 0 to p: what it lacks to p is not negative.
    field.store(&mut F::rows_mut(&mut space)[0], field.sub(field.splat(F::word(modulus)), x));
    (modulus - F::value(space[0]) % modulus) % modulus
}

fn convolution(a: &[u64], b: &[u64], modulus: u64) -> Vec<u64> {
    let mut product = vec![0; a.len() + b.len() - 1];
    for (i, &x) in a.iter().enumerate() {
        for (j, &y) in b.iter().enumerate() {
            product[i + j] += u128::from(x) * u128::from(y);
        }
    }
    product.into_iter().map(|x| halves::low(x % u128::from(modulus))).collect()
}

#[test]
fn transforms_of_every_size_multiply() {
    fn check<E: Engine>(engine: E, _: &[Base]) {
        for (leaf, log_groups) in (LEAF_MIN..=LEAF_MAX).flat_map(|leaf| (1..=5).map(move |log| (leaf, log))) {
            let size = Size { leaf, log_groups };
            let mut random = noise(engine.base().value());
            let [a, b]: [Vec<u64>; 2] =
                [(); 2].map(|()| (0..size.coefficients::<E::Field>() / 2).map(|_| random()).collect());
            for products in [Products::One, Products::Both] {
                let residues = residues(engine, size, [&a, &b], products);
                for (field, [product, square]) in engine.fields().into_iter().zip(residues) {
                    let prime = field.prime();
                    let scale = prime.multiply(prime.halves[size.levels::<E::Field>()], field.sum_scale());
                    let check = |expected: Vec<u64>, words: Vec<_>| {
                        for (k, (x, word)) in expected.into_iter().zip(words).enumerate() {
                            let found = prime.multiply(canonical(field, word), scale);
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

/// The square of the longest number that a base admits, with all digits the largest: no coefficient can be larger than those
/// in the middle of this product. (B^K − 1)² = B^2K − 2·B^K + 1.
fn square_of_nines<E: Engine>(engine: E, len: usize) {
    let nines = vec![engine.base().value() - 1; len];
    let size = Size::at_least::<E::Field>(2 * len).unwrap();
    let [[mut digits, _], [mut residues, _]] = residues(engine, size, [&nines, &nines], Products::One);
    let words = (2 * len).next_multiple_of(E::ROW);
    engine.combine([&mut digits[..words], &mut residues[..words]], size.levels::<E::Field>());
    for (k, &digit) in digits[..words].iter().enumerate() {
        let expected = match k {
            0 => 1,
            _ if k == len => nines[0] - 1,
            _ if k > len && k < 2 * len => nines[0],
            _ => 0,
        };
        assert_eq!(E::Field::value(digit), expected, "digit {k} of {len}, base {:?}", engine.base());
    }
}

#[test]
fn the_square_of_nines_at_the_largest_length_is_exact() {
    fn longest<E: Engine>(engine: E, _: &[Base]) {
        square_of_nines(engine, usize::try_from(engine.base().longest).unwrap());
    }
    fn short<E: Engine>(engine: E, _: &[Base]) {
        (1..300).for_each(|len| square_of_nines(engine, len));
        square_of_nines(engine, 10_000);
    }
    with_every_engine!(0, longest);
    with_every_engine!(0, short);
    with_every_engine!(1, short);
    let [_, middle, last] = portable::BASES.map(Portable::new);
    longest(middle, &[]);
    short(last, &[]);
}

/// The numbers of a goal by transforms from the given index on.
fn transformed<E: Engine>(engine: E, bases: &[Base], threshold: u64, last: u64, goal: Goal) -> [String; 2] {
    let plan = Plan::new::<E::Field>(last, goal, bases).unwrap();
    let numbers = by_transform(engine, plan, threshold, last, goal, &mut |_| Ok(())).unwrap();
    numbers.map(|mut number| {
        number.trim();
        Natural::<Decimal>::from_storage(number).to_string()
    })
}

#[test]
fn cut_offs_can_be_anywhere() {
    fn check<E: Engine>(engine: E, bases: &[Base]) {
        let mut walk = Fibonacci::<Decimal>::new();
        for last in 0..1_500_u64 {
            let [even, odd] = [(); 2].map(|()| walk.advance().unwrap().to_string());
            for threshold in [1, 1 + last % 97, last] {
                if last < threshold || threshold == 0 {
                    continue;
                }
                let [single, _] = transformed(engine, bases, threshold, last, Goal::Single { odd: false });
                assert_eq!(single, even, "F({}) from {threshold} on", 2 * last);
                let [single, _] = transformed(engine, bases, threshold, last, Goal::Single { odd: true });
                assert_eq!(single, odd, "F({}) from {threshold} on", 2 * last + 1);
                let pair = transformed(engine, bases, threshold, last, Goal::Pair);
                assert_eq!(pair.each_ref(), [&even, &odd], "F({}) and the next from {threshold} on", 2 * last);
            }
        }
    }
    with_every_engine!(0, check);
    with_every_engine!(1, check);
}

/// Both numbers of a pair, by products that another library computes.
fn reference(last: u64) -> [BigUint; 2] {
    let (mut f, mut next) = (BigUint::ZERO, BigUint::from(1_u32));
    for bit in (0..=last.ilog2() + 1).rev() {
        let double = &f * (&next * 2_u32 - &f);
        let after = &f * &f + &next * &next;
        (f, next) = if (2 * last) >> bit & 1 == 0 {
            (double, after)
        } else {
            let sum = &double + &after;
            (after, sum)
        };
    }
    [f, next]
}

#[test]
fn small_cut_offs_agree_with_another_library() {
    fn check<E: Engine>(engine: E, bases: &[Base]) {
        let mut random = noise(50_000);
        for _ in 0..8 {
            let last = 1 + random();
            let expected = reference(last).map(|number| number.to_string());
            assert_eq!(transformed(engine, bases, 40, last, Goal::Pair), expected, "{last}");
            for (odd, expected) in [false, true].into_iter().zip(&expected) {
                let [single, _] = transformed(engine, bases, 40, last, Goal::Single { odd });
                assert_eq!(single, *expected, "{last}");
            }
        }
    }
    with_every_engine!(0, check);
    with_every_engine!(1, check);
    check(Portable::new(portable::BASES[2]), &portable::BASES[2..]);
}

#[test]
fn the_basecase_goes_on_beyond_its_cut_offs() {
    let mut random = noise(60_000);
    for _ in 0..10 {
        let last = 1 + random();
        let expected = reference(last).map(|number| number.to_string());
        let numbers = by_basecase(last, Goal::Pair, &mut |_| Ok(())).unwrap();
        let found = numbers.map(|mut number| {
            number.trim();
            Natural::<Decimal>::from_storage(number).to_string()
        });
        assert_eq!(found, expected, "{last}");
    }
}

/// F(49,011): the halved sum needs one digit more than the product.
#[test]
fn a_halved_sum_that_is_longer_than_the_product() {
    fn check<E: Engine>(engine: E, bases: &[Base]) {
        let [_, expected] = reference(24_505).map(|number| number.to_string());
        assert_eq!(transformed(engine, bases, 3_000, 24_505, Goal::Pair)[1], expected);
    }
    with_every_engine!(0, check);
    with_every_engine!(1, check);
}

/// As long as the bound says, coefficients can be told apart; one digit more, and they could not.
#[test]
fn the_bound_of_a_base_is_the_largest() {
    let range = |primes: &[Prime; 2]| u128::from(primes[0].modulus) * u128::from(primes[1].modulus - 1);
    for (base, places) in portable::BASES.into_iter().zip([16, 15, 14]) {
        assert_eq!(base, Base::new(places, &words::PRIMES));
        assert_eq!(base.value(), 10_u64.pow(places.try_into().unwrap()));
        let square = u128::from(base.value() - 1).pow(2);
        assert!(u128::from(base.longest) * square < range(&words::PRIMES));
        assert!(u128::from(base.longest + 1) * square >= range(&words::PRIMES));
    }
}

#[test]
fn the_portable_field_computes_remainders() {
    for prime in &words::PRIMES {
        let field = Words::new(prime);
        let p = prime.modulus;
        for a in [0, 1, 2, p / 2, p - 1] {
            for b in [0, 1, 3, p / 3, p - 1] {
                let sum = field.settle(field.add(a, b));
                assert_eq!(u128::from(sum), (u128::from(a) + u128::from(b)) % u128::from(p));
                let difference = prime.multiply(1, field.sub(a, b));
                assert_eq!(u128::from(difference), (u128::from(a) + u128::from(p - b)) % u128::from(p));
                assert_eq!(prime.multiply(1, field.sub_sum(a, b)), difference);
                let factor = Factor { value: b, ratio: field.ratio(b) };
                let product = prime.multiply(a, b);
                // As redundant as it gets: the largest sums, products and residues stay in their bounds.
                for redundant in [a, a + p, a + 7 * p, a + 14 * p, a + 15 * p] {
                    assert_eq!(field.settle(field.mul(redundant, factor)), product);
                    assert_eq!(field.settle(field.reduce_sum(redundant)), a);
                }
                assert_eq!(field.settle(field.reduce(a + 7 * p)), a);
                // Montgomery's factor of 2^64 taken off again.
                let mut sum = field.product(a + 3 * p, b + 3 * p);
                for _ in 1..LEAF_MAX {
                    sum = field.add_product(sum, a + 3 * p, b + 3 * p);
                }
                let residue = field.settle(field.residue(sum));
                assert_eq!(prime.multiply(residue, field.sum_scale()), prime.multiply(product, LEAF_MAX as u64));
            }
        }
    }
}
