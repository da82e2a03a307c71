//! The prime moduli of both engines and their roots of unity.

use crate::mul::integer;
use crate::mul::prime::{LOG_ORDER, Prime};

/// All moduli that are compiled for this machine.
fn primes() -> impl Iterator<Item = &'static Prime> {
    let vector: &[Prime] = {
        #[cfg(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable)))]
        {
            &crate::mul::vector::float::PRIMES
        }
        #[cfg(not(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable))))]
        {
            &[]
        }
    };
    integer::PRIMES.iter().chain(vector)
}

fn power(base: u64, exponent: u64, modulus: u64) -> u64 {
    let multiply = |a: u64, b: u64| u64::try_from(u128::from(a) * u128::from(b) % u128::from(modulus)).unwrap();
    let bits = (0..64 - exponent.leading_zeros()).rev();
    bits.fold(1, |x, bit| {
        let square = multiply(x, x);
        if exponent >> bit & 1 == 1 { multiply(square, base % modulus) } else { square }
    })
}

/// Miller and Rabin's test. With the first twelve primes as bases it is exact below 3.3·10^24.
fn is_prime(n: u64) -> bool {
    let twos = (n - 1).trailing_zeros();
    [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37].iter().all(|&base| {
        let mut x = power(base, (n - 1) >> twos, n);
        x == 1
            || (0..twos).any(|_| {
                let found = x == n - 1;
                x = power(x, 2, n);
                found
            })
    })
}

#[test]
fn moduli_are_prime() {
    for prime in primes() {
        assert!(is_prime(prime.modulus), "{}", prime.modulus);
    }
    assert!(!is_prime(3_215_031_751), "a strong pseudoprime to the bases 2, 3, 5 and 7");
}

/// Computes at run time what is computed at compile time otherwise.
#[test]
fn roots_have_their_orders_and_inverses() {
    for known in primes() {
        let p = known.modulus;
        let prime = Prime::new(p, known.forward.of_order[LOG_ORDER]);
        for j in 0..=LOG_ORDER {
            let root = prime.forward.of_order[j];
            assert_eq!(power(root, 1 << j, p), 1);
            assert!(j == 0 || power(root, 1 << (j - 1), p) == p - 1, "the order is 2^{j} and not less");
            assert_eq!(prime.multiply(root, prime.inverse.of_order[j]), 1);
            assert_eq!(prime.multiply(prime.inverse_powers_of_2[j], 1 << j), 1);
        }
        // Of order 16: e^(πi·f) is its power 8f.
        let (root, inverse) = (prime.forward.of_order[4], prime.inverse.of_order[4]);
        for (t, eighths) in [0, 4, 2, 6, 1, 5, 3, 7].into_iter().enumerate() {
            assert_eq!(prime.forward.of_node[t], power(root, eighths, p));
            assert_eq!(prime.inverse.of_node[t], power(inverse, eighths, p));
        }
        for a in [1, 2, 3, p - 1, p + 2] {
            assert_eq!(prime.multiply(prime.inverse_of(a), a % p), 1);
        }
    }
}
