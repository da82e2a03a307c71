//! The doubling of two neighbouring Fibonacci numbers in the place of themselves, by schoolbook products, in both radices.
//!
//! F(2k) = F(k)·(F(k) + 2·F(k − 1)), F(2k − 1) = F(k)² + F(k − 1)², and F(2k + 1) is the sum of both (Knuth, The Art of
//! Computer Programming, section 1.2.8). Both results are computed together, column by column, the lowest column first. The
//! factors move up before, so that a limb of a result replaces only limbs that no later column needs: no other memory is
//! needed.

use crate::limb::{Limb, WideLimb};

/// Picoseconds for each pair of limbs of the result, and for each of its limbs. Measured on Zen 5, for 30 to 1,000 limbs.
const PRODUCT: u64 = 375;
const COLUMN: u64 = 30_000;

/// From F(k) and F(k − 1) to F(2k) and F(2k − 1), or with `odd` to F(2k + 1) and F(2k). `even` is whether k is even.
///
/// In `values` the number with an even index comes first. Both slices have room for the longer result, and hold zeros from the
/// end of a number on. `lens` are the lengths of the longer factor, F(k), and of the longer result.
///
/// With `len` limbs, the factors move up by len − 1. The column c needs their limbs from c − len + 1 on, and its results
/// replace just the limbs at c − len + 1, after they were read. The longer result has at least 2·len − 1 limbs, so there is
/// room.
#[inline(never)]
pub(crate) fn double<const BASE: WideLimb>(
    values: [&mut [Limb]; 2],
    [len, result_len]: [usize; 2],
    even: bool,
    odd: bool,
) {
    let [even_value, odd_value] = values;
    let offset = len - 1;
    for value in [&mut *even_value, &mut *odd_value] {
        value.copy_within(..len, offset);
    }
    let [mut double, mut before] = [Column::default(), Column::default()];
    for position in 0..result_len {
        // The limbs i and j with i + j = position.
        let (first, end) = ((position + 1).saturating_sub(len), len.min(position + 1));
        if first < end {
            let limbs = offset + first..offset + end;
            let [f, g] = if even { [&*even_value, &*odd_value] } else { [&*odd_value, &*even_value] };
            let [f, g] = [&f[limbs.clone()], &g[limbs]];
            let [square_f, square_g, product] = [squares(f), squares(g), products(f, g)];
            double.add_columns([&square_f, &product, &product]);
            before.add_columns([&square_f, &square_g]);
            if odd {
                // Now `before` becomes F(2k + 1).
                before.add_columns([&square_f, &product, &product]);
            }
        }
        even_value[position] = double.next::<BASE>();
        odd_value[position] = before.next::<BASE>();
    }
    debug_assert!(double.is_zero() && before.is_zero(), "the results have as many limbs as was computed");
}

/// About how long it takes to double up to a pair of `len` limbs, in picoseconds, as [`arch::Costs`](crate::arch::Costs)
/// counts.
pub(crate) fn cost(len: usize) -> u64 {
    let len = len as u64;
    len.saturating_mul(len.saturating_mul(PRODUCT).saturating_add(COLUMN))
}

/// The sum of the products of the first limb of `a` and the last one of `b`, the second one and the last but one, and so on.
fn products(a: &[Limb], b: &[Limb]) -> Column {
    let mut column = Column::default();
    for (&a, &b) in a.iter().zip(b.iter().rev()) {
        column.add(WideLimb::from(a) * WideLimb::from(b));
    }
    column
}

/// [`products`] of a row with itself. Those of two different limbs are computed once and count twice.
fn squares(row: &[Limb]) -> Column {
    let half = row.len() / 2;
    let pairs = products(&row[..half], &row[row.len() - half..]);
    let mut column = Column::default();
    column.add_columns([&pairs, &pairs]);
    if row.len() % 2 == 1 {
        column.add(WideLimb::from(row[half]) * WideLimb::from(row[half]));
    }
    column
}

/// The sum of a column of a product, `low + high·2^128` (2^64).
#[derive(Default)]
struct Column {
    low: WideLimb,
    high: Limb,
}

impl Column {
    #[inline]
    fn add(&mut self, product: WideLimb) {
        let (low, carry) = self.low.overflowing_add(product);
        self.low = low;
        self.high += Limb::from(carry);
    }

    fn add_columns<const N: usize>(&mut self, columns: [&Self; N]) {
        for column in columns {
            self.add(column.low);
            self.high += column.high;
        }
    }

    /// The limb of this column. What is left is carried to the next one.
    #[expect(clippy::cast_possible_truncation, reason = "quotients and remainders by the base are limbs")]
    fn next<const BASE: WideLimb>(&mut self) -> Limb {
        let mut rest = 0;
        let mut quotients = [0; 3];
        let limbs = [self.high, (self.low >> Limb::BITS) as Limb, self.low as Limb];
        for (quotient, limb) in quotients.iter_mut().zip(limbs) {
            let dividend = rest << Limb::BITS | WideLimb::from(limb);
            *quotient = dividend / BASE;
            rest = dividend % BASE;
        }
        let [high, middle, low] = quotients;
        *self = Self { low: middle << Limb::BITS | low, high: high as Limb };
        rest as Limb
    }

    fn is_zero(&self) -> bool {
        self.low == 0 && self.high == 0
    }
}
