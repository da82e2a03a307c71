//! An engine: two prime fields, and the way from the residues of a product back to its digits.

use super::digits::power_of_10;
use super::field::Field;
use super::halves::low;
use super::prime::Prime;

/// The radix of a transform's digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Base {
    /// Decimal places of a digit.
    pub(super) places: usize,
    /// The most digits that the shorter factor of a product may have.
    pub(super) longest: u64,
}

impl Base {
    /// The base 10^places with a bound so that the coefficients of a product can be told from their residues: with K
    /// digits in the shorter factor they are at most K·(B−1)², which must stay below p1·p2 − p1 (the Chinese remainder
    /// is taken of a residue modulo p1 that may be negative).
    pub(super) const fn new(places: usize, primes: &[Prime; 2]) -> Self {
        let largest = power_of_10(places) as u128 - 1;
        let range = primes[0].modulus as u128 * (primes[1].modulus as u128 - 1);
        let longest = (range - 1) / (largest * largest);
        assert!(longest <= u32::MAX as u128);
        Self { places, longest: low(longest) }
    }

    /// The base.
    #[inline]
    pub(super) const fn value(self) -> u64 {
        power_of_10(self.places)
    }
}

/// Which halved sum of two numbers F and L replaces which of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    /// F by (F + L)/2, and L by (5F + L)/2: from index m to m + 1 with F(m) and the Lucas number L(m).
    Both,
    /// L by (F + L)/2: F(m+1) beside F(m).
    Sum,
    /// L by (5F + L)/2: L(m+1) beside F(m).
    FiveFold,
}

/// Two fields and a base for the digits.
pub(super) trait Engine: Copy {
    type Field: Field;

    /// Digits come in whole rows of so many words.
    const ROW: usize;

    fn fields(self) -> [Self::Field; 2];

    fn base(self) -> Base;

    /// From the residues of coefficients modulo both primes to the digits of the number, in the place of the first. The
    /// residues are those of the coefficients multiplied by 2^levels / [`Field::sum_scale`]. Whole rows.
    fn combine(self, residues: [&mut [Word<Self>]; 2], levels: usize);

    /// Halved sums of the numbers with the digits `f` and `l`, over whole rows; both have room for the result, and zeros in
    /// it. `f` and `l` go on for another word, which is zero.
    fn halve(self, f: &mut [Word<Self>], l: &mut [Word<Self>], half: Half);
}

/// A digit or a residue in memory.
pub(super) type Word<E> = <<E as Engine>::Field as Field>::Word;

/// What the residues of a product are multiplied by on the way to its coefficients (Garner's form of the Chinese
/// remainder): with r1 = x1·first, the coefficient is r1 + p1·(x2·second − r1·inverse mod p2).
pub(super) struct Scales {
    pub(super) first: u64,
    pub(super) second: u64,
    pub(super) inverse: u64,
}

impl Scales {
    /// With p1^-1 modulo p2, which is a constant of the engine.
    pub(super) fn new<F: Field>(fields: [F; 2], inverse: u64, levels: usize) -> Self {
        let [first, second] = fields.map(|field| {
            let prime = field.prime();
            prime.multiply(prime.halves[levels], field.sum_scale())
        });
        Self { first, second: fields[1].prime().multiply(second, inverse), inverse }
    }
}
