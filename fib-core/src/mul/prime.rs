//! Prime moduli with roots of unity of every order that a transform can ask for, all of it computed at compile time.

/// The binary logarithm of the largest order for which there are roots of unity, and so of the most leaves of a transform.
pub(super) const LOG_ORDER: usize = 26;

/// A prime p with p ≡ 1 (mod 2^26).
pub(super) struct Prime {
    pub(super) modulus: u64,
    pub(super) forward: RootsOfUnity,
    /// The inverses of the same roots.
    pub(super) inverse: RootsOfUnity,
    /// At `j` the inverse of 2^j.
    pub(super) inverse_powers_of_2: [u64; LOG_ORDER + 1],
}

/// Roots of unity modulo a prime.
pub(super) struct RootsOfUnity {
    /// At `j` a root of order 2^j, the square of the next one.
    pub(super) of_order: [u64; LOG_ORDER + 1],
    /// The first entries of a root table: see `roots.rs`.
    pub(super) of_node: [u64; 8],
}

impl Prime {
    /// A prime and a root of unity of order 2^26 in its field.
    pub(super) const fn new(modulus: u64, root: u64) -> Self {
        assert!(modulus % (1 << LOG_ORDER) == 1);
        let minus_one = power(root, 1 << (LOG_ORDER - 1), modulus);
        assert!(minus_one == modulus - 1, "the root's order is 2^26 and not less");
        let mut inverse_powers_of_2 = [1; LOG_ORDER + 1];
        let mut j = 1;
        while j < inverse_powers_of_2.len() {
            inverse_powers_of_2[j] = multiply(inverse_powers_of_2[j - 1], modulus.div_ceil(2), modulus);
            j += 1;
        }
        Self {
            modulus,
            forward: RootsOfUnity::new(root, modulus),
            inverse: RootsOfUnity::new(inverse(root, modulus), modulus),
            inverse_powers_of_2,
        }
    }

    pub(super) const fn multiply(&self, a: u64, b: u64) -> u64 {
        multiply(a, b, self.modulus)
    }

    pub(super) const fn inverse_of(&self, a: u64) -> u64 {
        inverse(a % self.modulus, self.modulus)
    }
}

impl RootsOfUnity {
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

/// By Fermat's little theorem a^(p−2) is the inverse of a.
const fn inverse(a: u64, modulus: u64) -> u64 {
    power(a, modulus - 2, modulus)
}
