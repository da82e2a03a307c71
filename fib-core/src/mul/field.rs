//! The arithmetic that a transform is written over: residues modulo a prime, one or several at a time.

use super::prime::Prime;

/// Arithmetic modulo one prime on [`LANES`](Field::LANES) residues at a time.
///
/// A value of the type proves that the CPU has the instructions that the methods use.
///
/// Residues may be redundant, which means outside of the range from 0 to p − 1. Each implementation shows how large they
/// get in the transform. There are three degrees:
///
/// - any residue that the transform's bounds allow;
/// - a reduced one, from [`reduce`](Field::reduce), [`reduce_sum`](Field::reduce_sum) or [`residue`](Field::residue);
/// - a fully reduced one, of the smallest range, from [`reduce_fully`](Field::reduce_fully).
pub(super) trait Field: Copy {
    /// A residue, or a coefficient of a number, in memory.
    type Element: Copy + Default;
    /// As many elements as a vector has lanes.
    type Row: Copy;
    /// A row in a register.
    type Vector: Copy;
    /// A sum of products that is not reduced yet.
    type ProductSum: Copy;

    /// Residues in a vector: 1, 4 or 8.
    const LANES: usize;

    /// Runs `op`, compiled for the instructions of this field.
    fn run(self, op: impl Op);

    /// The prime.
    fn prime(self) -> &'static Prime;

    /// The element for an integer below the prime.
    fn element(value: u64) -> Self::Element;

    /// The integer that an element holds. It must be neither negative nor redundant.
    fn value(element: Self::Element) -> u64;

    /// The elements as rows. Elements at the end that do not fill a row are left out.
    fn rows(elements: &[Self::Element]) -> &[Self::Row];

    /// The elements as rows. Elements at the end that do not fill a row are left out.
    fn rows_mut(elements: &mut [Self::Element]) -> &mut [Self::Row];

    fn load(self, row: &Self::Row) -> Self::Vector;

    fn store(self, row: &mut Self::Row, x: Self::Vector);

    /// The same element in every lane.
    fn splat(self, element: Self::Element) -> Self::Vector;

    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a − b`, where `b` is not larger than a result of [`Field::mul`] can be.
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a − b`, where `b` is not larger than a sum of two reduced residues can be.
    fn sub_sum(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// A reduced residue.
    fn reduce(self, x: Self::Vector) -> Self::Vector;

    /// A reduced residue of a sum of four reduced ones.
    fn reduce_sum(self, x: Self::Vector) -> Self::Vector;

    /// A fully reduced residue of a reduced one, or of a result of [`Field::mul`].
    fn reduce_fully(self, x: Self::Vector) -> Self::Vector;

    /// `x·factor`. The result is almost as small as a reduced residue, whatever `x` is.
    fn mul(self, x: Self::Vector, factor: Factor<Self::Vector>) -> Self::Vector;

    /// The Shoup quotient of a fully reduced residue, which makes a [`Factor`] of it.
    fn shoup_quotient(self, value: Self::Vector) -> Self::Vector;

    /// `a·b` of a reduced residue and a reduced one or a result of [`Field::mul`].
    fn product(self, a: Self::Vector, b: Self::Vector) -> Self::ProductSum;

    /// `sum + a·b` of such residues, up to [`LEAF_MAX`](super::shape::LEAF_MAX) products in all.
    fn add_product(self, sum: Self::ProductSum, a: Self::Vector, b: Self::Vector) -> Self::ProductSum;

    /// A reduced residue of the sum divided by [`Field::sum_scale`].
    fn residue(self, sum: Self::ProductSum) -> Self::Vector;

    /// The integer below the prime by which [`Field::residue`] divides.
    fn sum_scale(self) -> u64;

    /// Transposes the square matrix of the first [`LANES`](Field::LANES) vectors.
    fn transpose(self, x: [Self::Vector; 8]) -> [Self::Vector; 8];

    /// The even lanes of `a` followed by those of `b`, and the odd lanes likewise.
    fn unzip(self, a: Self::Vector, b: Self::Vector) -> (Self::Vector, Self::Vector);
}

/// A residue by which others are multiplied. Its Shoup quotient, computed once, saves a division in each product.
#[derive(Clone, Copy)]
pub(super) struct Factor<V> {
    /// Fully reduced.
    pub(super) value: V,
    /// The value divided by the prime, as [`Field::shoup_quotient`] gives it.
    pub(super) quotient: V,
}

/// A piece of work that is inlined into [`Field::run`] and so compiled for the instructions of a field.
pub(super) trait Op {
    fn run(self);
}
