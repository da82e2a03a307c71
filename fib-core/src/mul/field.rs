//! What a transform asks of the arithmetic under it: residues modulo a prime, one or several at a time.

use super::prime::Prime;

/// Arithmetic modulo one prime on [`LANES`](Field::LANES) residues at a time.
///
/// The value also proves that the CPU has the instructions that its methods use. Residues may be redundant: each
/// implementation says how large they can get, and the comments of the transform which operations keep them small.
pub(super) trait Field: Copy {
    /// A residue in memory.
    type Word: Copy + Default;
    /// As many words as a vector has lanes.
    type Row: Copy;
    type Vector: Copy;
    /// A sum of products that is not reduced yet.
    type Sum: Copy;

    /// Residues in a vector: 1, 4 or 8.
    const LANES: usize;

    /// Runs `op` compiled for the instructions of this field.
    fn run(self, op: impl Op);

    /// The prime.
    fn prime(self) -> &'static Prime;

    /// The word for an integer below the prime.
    fn word(value: u64) -> Self::Word;

    /// The integer that a word holds; only for words that hold one that is neither negative nor redundant.
    fn value(word: Self::Word) -> u64;

    /// The words in rows. A rest that does not fill a row is left out.
    fn rows(words: &[Self::Word]) -> &[Self::Row];

    /// The words in rows. A rest that does not fill a row is left out.
    fn rows_mut(words: &mut [Self::Word]) -> &mut [Self::Row];

    fn load(self, row: &Self::Row) -> Self::Vector;

    fn store(self, row: &mut Self::Row, x: Self::Vector);

    /// The same word in every lane.
    fn splat(self, word: Self::Word) -> Self::Vector;

    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a − b`, where `b` is the result of [`Field::mul`] or not larger.
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a − b`, where `b` may be a sum of two that are reduced.
    fn sub_sum(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// A smaller residue.
    fn reduce(self, x: Self::Vector) -> Self::Vector;

    /// The same, of a sum of four that are reduced.
    fn reduce_sum(self, x: Self::Vector) -> Self::Vector;

    /// A residue of the least size, of one that is reduced or the result of [`Field::mul`].
    fn settle(self, x: Self::Vector) -> Self::Vector;

    /// `x·factor`, (nearly) reduced.
    fn mul(self, x: Self::Vector, factor: Factor<Self::Vector>) -> Self::Vector;

    /// What makes a factor of a residue of the least size.
    fn ratio(self, value: Self::Vector) -> Self::Vector;

    /// `a·b` of a reduced residue and one that is reduced or the result of [`Field::mul`].
    fn product(self, a: Self::Vector, b: Self::Vector) -> Self::Sum;

    /// `sum + a·b` of such residues, up to [`LEAF_MAX`](super::transform::LEAF_MAX) products in all.
    fn add_product(self, sum: Self::Sum, a: Self::Vector, b: Self::Vector) -> Self::Sum;

    /// The sum as a reduced residue, multiplied by [`Field::sum_scale`].
    fn residue(self, sum: Self::Sum) -> Self::Vector;

    /// The integer by which [`Field::residue`] divides.
    fn sum_scale(self) -> u64;

    /// A square of [`LANES`](Field::LANES) vectors with rows and columns exchanged.
    fn transpose(self, x: [Self::Vector; 8]) -> [Self::Vector; 8];

    /// The lanes of `a` and then `b` with even and with odd numbers.
    fn unzip(self, a: Self::Vector, b: Self::Vector) -> (Self::Vector, Self::Vector);
}

/// A residue with what makes multiplying by it cheap: the quotient of it by the prime (Shoup's trick).
#[derive(Clone, Copy)]
pub(super) struct Factor<V> {
    pub(super) value: V,
    pub(super) ratio: V,
}

/// A piece of work to be compiled for the instructions of a field: all of it is inlined into [`Field::run`].
pub(super) trait Op {
    fn run(self);
}
