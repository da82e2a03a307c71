//! Vectors of `f64`, as far as the transform needs them: one engine is written over this trait, two widths implement it.
//!
//! The methods are the instructions, and no more. They take `self` since it proves that the CPU has them.

mod avx2;
mod avx512;
mod wide;

pub(super) use wide::Wide;

use crate::mul::field::Op;

/// Vectors of [`LANES`](Lanes::LANES) numbers.
pub(in crate::mul) trait Lanes: Copy {
    /// As many numbers in memory.
    type Row: Copy;
    type Vector: Copy;

    const LANES: usize;

    /// Runs `op` compiled for these vectors.
    fn run(self, op: impl Op);

    fn rows(words: &[f64]) -> &[Self::Row];

    fn rows_mut(words: &mut [f64]) -> &mut [Self::Row];

    fn load(self, row: &Self::Row) -> Self::Vector;

    fn store(self, row: &mut Self::Row, x: Self::Vector);

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

    /// The lanes with `a >= b`, the first in the lowest bit.
    fn at_least(self, a: Self::Vector, b: Self::Vector) -> u64;

    /// `x + y` in the lanes of the mask, `x` in the others. Bits beyond the lanes do not count.
    fn add_where(self, mask: u64, x: Self::Vector, y: Self::Vector) -> Self::Vector;

    /// `x + y` in the lanes with `x < 0`, `x` in the others. A negative zero is not below zero.
    fn add_where_negative(self, x: Self::Vector, y: Self::Vector) -> Self::Vector;

    /// Each lane of `x` in the place of the next one, and the last lane of `before` in that of the first.
    fn shift(self, before: Self::Vector, x: Self::Vector) -> Self::Vector;
}

/// Single vectors, whose lanes can change places.
pub(in crate::mul) trait Squares: Lanes {
    /// A square of [`LANES`](Lanes::LANES) vectors with rows and columns exchanged.
    fn transpose(self, x: [Self::Vector; 8]) -> [Self::Vector; 8];

    /// The lanes of `a` and then `b` with even and with odd numbers.
    fn unzip(self, a: Self::Vector, b: Self::Vector) -> (Self::Vector, Self::Vector);
}
