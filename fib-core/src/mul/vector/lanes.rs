//! Vectors of `f64`: the operations that the transform needs. The engine is written over this trait, and two widths implement
//! it.
//!
//! Each method is one instruction or a few. It takes `self`, which proves that the CPU has them.

/// What the implementations of [`Lanes`] have in common: the types, and the methods that are one call of an intrinsic or of a
/// function that is compiled for the same instructions.
macro_rules! vectors {
    ($lanes:literal lanes of $vector:ty; $($method:ident($($x:ident),*) = $function:ident($($argument:ident),*);)*) => {
        type Row = [f64; $lanes];
        type Vector = $vector;

        const LANES: usize = $lanes;

        #[inline(always)]
        fn rows(elements: &[f64]) -> &[Self::Row] {
            elements.as_chunks().0
        }

        #[inline(always)]
        fn rows_mut(elements: &mut [f64]) -> &mut [Self::Row] {
            elements.as_chunks_mut().0
        }

        $(
            #[inline(always)]
            fn $method(self, $($x: Self::Vector),*) -> Self::Vector {
                // SAFETY: `self` proves that the CPU has the features.
                unsafe { $function($($argument),*) }
            }
        )*
    };
}

mod avx2;
mod avx512;
pub(super) mod wide;

use crate::mul::field::Op;

/// Vectors of [`LANES`](Lanes::LANES) lanes.
pub(in crate::mul) trait Lanes: Copy {
    /// A vector in memory.
    type Row: Copy;
    /// A vector in a register.
    type Vector: Copy;

    const LANES: usize;

    /// Runs `op`, compiled for these vectors.
    fn run(self, op: impl Op);

    /// The elements as rows. Elements at the end that do not fill a row are left out.
    fn rows(elements: &[f64]) -> &[Self::Row];

    /// The elements as rows. Elements at the end that do not fill a row are left out.
    fn rows_mut(elements: &mut [f64]) -> &mut [Self::Row];

    fn load(self, row: &Self::Row) -> Self::Vector;

    fn store(self, row: &mut Self::Row, x: Self::Vector);

    /// The same number in every lane.
    fn splat(self, x: f64) -> Self::Vector;

    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    fn div(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a·b + c`, rounded once.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;

    /// `a·b − c`, rounded once.
    fn mul_sub(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;

    /// `c − a·b`, rounded once.
    fn sub_mul(self, c: Self::Vector, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    fn floor(self, x: Self::Vector) -> Self::Vector;

    /// A bit for each lane, the first lane in the lowest bit: 1 where `a >= b`.
    fn at_least(self, a: Self::Vector, b: Self::Vector) -> u64;

    /// `x + y` in the lanes of the mask, `x` in the others. Bits beyond the lanes are ignored.
    fn add_where(self, mask: u64, x: Self::Vector, y: Self::Vector) -> Self::Vector;

    /// `x + y` in the lanes with `x < 0`, `x` in the others. A negative zero is not less than 0.
    fn add_where_negative(self, x: Self::Vector, y: Self::Vector) -> Self::Vector;

    /// Moves each lane of `x` up by one, and the last lane of `before` into the first.
    fn shift(self, before: Self::Vector, x: Self::Vector) -> Self::Vector;
}

/// Single vectors, whose lanes can be permuted.
pub(in crate::mul) trait Permute: Lanes {
    /// Transposes the square matrix of the first [`LANES`](Lanes::LANES) vectors.
    fn transpose(self, x: [Self::Vector; 8]) -> [Self::Vector; 8];

    /// The even lanes of `a` followed by those of `b`, and the odd lanes likewise.
    fn unzip(self, a: Self::Vector, b: Self::Vector) -> (Self::Vector, Self::Vector);
}
