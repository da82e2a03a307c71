//! Exact division by the base, and the propagation of carries, a chunk of columns at a time.

use super::float::to_f64;
use super::lanes::Lanes;
use crate::mul::engine::Base;
use crate::mul::u128_halves::low;

/// Vectors side by side in a row.
pub(super) const WIDTH: usize = 4;

/// Rows in a chunk. The columns of a chunk fill a mask of at most 64 bits.
pub(super) const CHUNK: usize = 2;

/// The base B as a divisor.
#[derive(Clone, Copy)]
pub(super) struct Divisor<L: Lanes> {
    pub(super) lanes: L,
    pub(super) base: L::Vector,
    /// A little above 1/B.
    inverse: L::Vector,
}

impl<L: Lanes> Divisor<L> {
    #[inline(always)]
    pub(super) fn new(lanes: L, base: Base) -> Self {
        let base = to_f64(base.value());
        Self { lanes, base: lanes.splat(base), inverse: lanes.splat((1.0 / base).next_up()) }
    }

    /// Quotient and remainder, exact for integers 0 ≤ x < 2^51 − 1.
    ///
    /// Let k = floor(x/B). `inverse` is above 1/B, by at most 3·2^−53 of it: half a unit in the last place is the error of
    /// the division, and [`f64::next_up`] adds one unit.
    ///
    /// - The result is at least k: x·inverse ≥ k, and since k is an `f64`, the rounded product is not below it either.
    /// - The result is less than k + 1: x/B is at most k + 1 − 1/B. The product exceeds x/B by at most 3·2^−53 of it, and
    ///   the rounding adds at most 2^−53 of the product. Both together are less than 1/B as long as x < 2^51 − 1.
    #[inline(always)]
    pub(super) fn divide(self, x: L::Vector) -> [L::Vector; 2] {
        let quotient = self.lanes.floor(self.lanes.mul(x, self.inverse));
        [quotient, self.lanes.sub_mul(x, quotient, self.base)]
    }
}

/// Carry propagation from the lowest column on, a chunk at a time.
pub(super) struct VectorCarries<L: Lanes> {
    divisor: Divisor<L>,
    /// The quotients of the row before by the base. The next row needs that of its last column.
    quotients: L::Vector,
    /// Whether the last column before this chunk carries 1 beyond its quotient.
    ripple: bool,
}

impl<L: Lanes> VectorCarries<L> {
    #[inline(always)]
    pub(super) fn new(divisor: Divisor<L>) -> Self {
        Self { divisor, quotients: divisor.lanes.splat(0.0), ripple: false }
    }

    /// Turns columns, which are integers below 4B, into coefficients below B.
    ///
    /// First each column is divided by B, and its quotient, at most 3, is added to the remainder of the next column. Those
    /// sums are at most B + 2, so from now on a column carries at most 1.
    ///
    /// Then all these carries are found by one addition of bit masks. A column of B or more (`over`) generates a carry. A
    /// column of B − 1 (`passing`) passes on the carry that it receives, others absorb it. The generated carries, moved to
    /// the columns that receive them, are added to the mask of the passing columns: there a carry runs through a whole run
    /// of ones. Bits that then differ from `passing` belong to the columns that receive a carry.
    ///
    /// ```text
    /// column      5    4    3    2    1    0       lowest on the right
    /// value       7   B−1  B−1  B+1   3    0
    /// passing     0    1    1    0    0    0
    /// 2·over      0    0    1    0    0    0
    /// sum         1    0    0    0    0    0
    /// sum ^ passing
    ///             1    1    1    0    0    0       columns 3, 4 and 5 receive a carry
    /// result      8    0    0    1    3    0
    /// ```
    #[inline(always)]
    pub(super) fn propagate(&mut self, columns: &mut [L::Vector; CHUNK]) {
        let Divisor { lanes, base, .. } = self.divisor;
        let (mut over, mut full) = (0, 0);
        let largest = lanes.sub(base, lanes.splat(1.0));
        for (i, column) in columns.iter_mut().enumerate() {
            let [quotients, rest] = self.divisor.divide(*column);
            *column = lanes.add(rest, lanes.shift(self.quotients, quotients));
            self.quotients = quotients;
            over |= lanes.at_least(*column, base) << (i * L::LANES);
            full |= lanes.at_least(*column, largest) << (i * L::LANES);
        }
        let passing = u128::from(full & !over);
        let carries = (passing + 2 * u128::from(over) + u128::from(self.ripple)) ^ passing;
        self.ripple = carries >> (CHUNK * L::LANES) & 1 == 1;
        let [into, out] = [low(carries), low(carries >> 1)];
        let less = lanes.sub(lanes.splat(0.0), base);
        for (i, column) in columns.iter_mut().enumerate() {
            let sum = lanes.add_where(into >> (i * L::LANES), *column, lanes.splat(1.0));
            *column = lanes.add_where(out >> (i * L::LANES), sum, less);
        }
    }
}
