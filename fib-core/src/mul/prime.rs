//! Prime moduli with roots of unity of every order that a transform can ask for, all of it computed at compile time.

/// Roots of unity of order 2^26 exist, so a transform can have 2^26 leaves.
pub(super) const LOG_ORDER: usize = 26;

/// A prime `p` with `p ≡ 1 (mod 2^26)`.
pub(super) struct Prime {
    pub(super) modulus: u64,
    pub(super) forward: Roots,
    /// The inverses.
    pub(super) inverse: Roots,
    /// At `j` the inverse of 2^j.
    pub(super) halves: [u64; LOG_ORDER + 1],
}

/// Roots of unity.
pub(super) struct Roots {
    /// At `j` a root of order 2^j, the square of the next one.
    pub(super) of_order: [u64; LOG_ORDER + 1],
    /// At `t` e^(πi·r) (with any root in the place of e^πi), where r in [0, 1) is the binary fraction whose digits are the
    /// bits of `t`, the lowest first: the first roots of a transform in bit-reversed order.
    pub(super) of_node: [u64; 8],
}

impl Prime {
    /// A prime and a root of unity of order 2^26 in its field.
    pub(super) const fn new(modulus: u64, root: u64) -> Self {
        assert!(modulus % (1 << LOG_ORDER) == 1);
        let half_turn = power(root, 1 << (LOG_ORDER - 1), modulus);
        assert!(half_turn == modulus - 1, "the root's order is 2^26 and not less");
        let mut halves = [1; LOG_ORDER + 1];
        let mut j = 1;
        while j < halves.len() {
            halves[j] = multiply(halves[j - 1], modulus.div_ceil(2), modulus);
            j += 1;
        }
        Self {
            modulus,
            forward: Roots::new(root, modulus),
            inverse: Roots::new(inverse(root, modulus), modulus),
            halves,
        }
    }

    pub(super) const fn multiply(&self, a: u64, b: u64) -> u64 {
        multiply(a, b, self.modulus)
    }

    pub(super) const fn inverse_of(&self, a: u64) -> u64 {
        inverse(a % self.modulus, self.modulus)
    }
}

impl Roots {
    const fn new(root: u64, modulus: u64) -> Self {
        let of_order = squares(root, modulus);
        let mut of_node = [1; 8];
        let mut t = 1;
        while t < of_node.len() {
            let bit = t.ilog2() as usize;
            of_node[t] = multiply(of_node[t - (1 << bit)], of_order[bit + 2], modulus);
            t += 1;
        }
        Self { of_order, of_node }
    }
}

/// From a root of order 2^26 down to one of order 1 by squaring; a root of order 2^j lands at index `j`.
const fn squares(root: u64, modulus: u64) -> [u64; LOG_ORDER + 1] {
    let mut roots = [root; LOG_ORDER + 1];
    let mut log_order = LOG_ORDER;
    while log_order > 0 {
        log_order -= 1;
        roots[log_order] = multiply(roots[log_order + 1], roots[log_order + 1], modulus);
    }
    roots
}

#[expect(clippy::cast_possible_truncation, reason = "a remainder by a u64")]
const fn multiply(a: u64, b: u64, modulus: u64) -> u64 {
    (a as u128 * b as u128 % modulus as u128) as u64
}

const fn power(base: u64, mut exponent: u64, modulus: u64) -> u64 {
    let (mut square, mut result) = (base, 1);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, square, modulus);
        }
        square = multiply(square, square, modulus);
        exponent >>= 1;
    }
    result
}

/// Fermat: a^(p−2) is the inverse of a.
const fn inverse(a: u64, modulus: u64) -> u64 {
    power(a, modulus - 2, modulus)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::words;
    use super::{LOG_ORDER, Prime, power};

    /// Miller and Rabin's test; with the first twelve primes as bases it is exact below 3.3·10^24.
    pub(in crate::mul) fn is_prime(n: u64) -> bool {
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
        for prime in &words::PRIMES {
            assert!(is_prime(prime.modulus), "{}", prime.modulus);
        }
        assert!(!is_prime(3_215_031_751), "a strong pseudoprime to the bases 2, 3, 5 and 7");
    }

    /// At run time, what compilation does.
    #[test]
    fn roots_have_their_orders_and_inverses() {
        for known in &words::PRIMES {
            let p = known.modulus;
            let prime = Prime::new(p, known.forward.of_order[LOG_ORDER]);
            for j in 0..=LOG_ORDER {
                let root = prime.forward.of_order[j];
                assert_eq!(power(root, 1 << j, p), 1);
                assert!(j == 0 || power(root, 1 << (j - 1), p) == p - 1, "the order is 2^{j} and not less");
                assert_eq!(prime.multiply(root, prime.inverse.of_order[j]), 1);
                assert_eq!(prime.multiply(prime.halves[j], 1 << j), 1);
            }
            // Of order 16: e^(πi·r) is its power 8r.
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
}
