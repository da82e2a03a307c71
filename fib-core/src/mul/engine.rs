//! An engine: two prime fields, and the way from the residues of a product back to the coefficients of a number.

use super::field::Field;
use super::prime::Prime;
use super::regroup::power_of_10;
use super::u128_halves::low;

/// The radix B of a transform's coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Base {
    /// Decimal digits of a coefficient.
    pub(super) digits: usize,
    /// The most coefficients that the shorter factor of a product may have.
    pub(super) longest: u64,
}

impl Base {
    /// The base 10^digits and the bound that lets the Chinese remainder tell the coefficients of a product apart: with K
    /// coefficients in the shorter factor they are at most K·(B−1)², which must be less than p1·p2.
    pub(super) const fn new(digits: usize, primes: &[Prime; 2]) -> Self {
        let largest = power_of_10(digits) as u128 - 1;
        let range = primes[0].modulus as u128 * primes[1].modulus as u128;
        let longest = (range - 1) / (largest * largest);
        assert!(longest <= u32::MAX as u128);
        Self { digits, longest: low(longest) }
    }

    /// B.
    #[inline]
    pub(super) const fn value(self) -> u64 {
        power_of_10(self.digits)
    }
}

/// Which halved sums of two numbers F and L are computed, and which number each of them replaces.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum HalvedSum {
    /// (F + L)/2 replaces F, and (5F + L)/2 replaces L: F(k+1) and L(k+1) for F(k) and L(k).
    Both,
    /// (F + L)/2 replaces L: F(k+1) beside F(k).
    Sum,
    /// (5F + L)/2 replaces L: L(k+1) beside F(k).
    FiveFold,
}

/// Two fields and a base for the coefficients.
pub(super) trait Engine: Copy {
    type Field: Field;

    /// The number of coefficients that [`combine`](Engine::combine) and [`halve`](Engine::halve) take is a multiple of this.
    const STEP: usize;

    fn fields(self) -> [Self::Field; 2];

    fn base(self) -> Base;

    /// From the residues of a product modulo both primes to the coefficients of the number, each below the base, in the
    /// place of the first residues. The residues are those of the product's coefficients multiplied by
    /// 2^levels / [`Field::sum_scale`]. Both slices have the same length, a multiple of [`STEP`](Engine::STEP).
    fn combine(self, residues: [&mut [Element<Self>]; 2], levels: usize);

    /// Halved sums of the numbers with the coefficients `f` and `l`. Both lengths are one more than a multiple of
    /// [`STEP`](Engine::STEP), and the highest coefficient is zero. There is room for the result.
    fn halve(self, f: &mut [Element<Self>], l: &mut [Element<Self>], which: HalvedSum);
}

/// A coefficient or a residue in memory.
pub(super) type Element<E> = <<E as Engine>::Field as Field>::Element;

/// What the residues of a product are multiplied by on the way to its coefficients (Garner's form of the Chinese
/// remainder): with r1 = x1·first, from 0 to p1 − 1, the coefficient is r1 + p1·(x2·second − r1·inverse mod p2).
pub(super) struct Scales {
    pub(super) first: u64,
    pub(super) second: u64,
    pub(super) inverse: u64,
}

impl Scales {
    /// `inverse` is that of p1 modulo p2.
    pub(super) fn new<F: Field>(fields: [F; 2], inverse: u64, levels: usize) -> Self {
        let [first, second] = fields.map(|field| {
            let prime = field.prime();
            prime.multiply(prime.inverse_powers_of_2[levels], field.sum_scale())
        });
        Self { first, second: fields[1].prime().multiply(second, inverse), inverse }
    }
}
