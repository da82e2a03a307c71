//! Two neighbouring Fibonacci numbers in short rows of decimal limbs, and their doubling.

/// The base of the limbs: 10 to the power of [`LIMB_DIGITS`].
pub(super) const BASE: u32 = 1_000_000_000;

/// Decimal digits of a limb.
pub(super) const LIMB_DIGITS: usize = 9;

const WIDE_BASE: u64 = BASE as u64;

/// The rows of a [`Pair`]: two for the numbers, two for those that come next, one for a sum.
pub(super) type Rows<const N: usize> = [[u32; N]; 5];

/// Limbs of a short row. Five of them take 400 bytes.
pub(super) const SHORT_ROW: usize = 20;

/// F(k) and F(k − 1), or some of their limbs, the least significant first.
pub(super) struct Pair<'a> {
    /// The limbs of F(k).
    f: &'a mut [u32],
    /// The limbs of F(k − 1).
    g: &'a mut [u32],
    next: [&'a mut [u32]; 2],
    /// F(k) + 2·F(k − 1), limb by limb without carries.
    sum: &'a mut [u32],
}

impl<'a> Pair<'a> {
    /// F(1) and F(0), followed by zeros.
    pub(super) fn new<const N: usize>(rows: &'a mut Rows<N>) -> Self {
        *rows = [[0; N]; 5];
        let [f, g, next_f, next_g, sum] = rows;
        f[0] = 1;
        Self { f, g, next: [next_f, next_g], sum }
    }

    /// The limbs of F(k).
    pub(super) fn f(&self) -> &[u32] {
        self.f
    }

    /// From F(k) and F(k − 1), of which the `len` lowest limbs are read, to F(2k) and F(2k − 1), or with `odd` to F(2k + 1)
    /// and F(2k). Of those, the limbs at the positions from `from` on are written, `count` of them.
    ///
    /// F(2k) = F(k)·(F(k) + 2·F(k − 1)) and F(2k − 1) = F(k)² + F(k − 1)², the square of F(k)·φ + F(k − 1). Nothing is
    /// subtracted, so limbs and columns that are left out make the results smaller.
    pub(super) fn double(&mut self, len: usize, from: usize, count: usize, odd: bool) {
        let (f, g) = (&self.f[..len], &self.g[..len]);
        let sum = &mut self.sum[..len];
        for (sum, (&f, &g)) in sum.iter_mut().zip(f.iter().zip(g)) {
            *sum = f + 2 * g;
        }
        let [next_f, next_g] = &mut self.next;
        let (mut product, mut squares) = (CarryingColumn::default(), CarryingColumn::default());
        for (position, (out_f, out_g)) in (from..).zip(next_f[..count].iter_mut().zip(&mut next_g[..count])) {
            // The limbs i and j with i + j = position.
            let (first, end) = ((position + 1).saturating_sub(len), len.min(position + 1));
            if first < end {
                product.add_products(&f[first..end], &sum[first..end]);
                squares.add_squares(&f[first..end]);
                squares.add_squares(&g[first..end]);
            }
            *out_f = product.next();
            *out_g = squares.next();
        }
        if odd {
            let mut carry = 0;
            for (f, g) in next_f[..count].iter().zip(&mut next_g[..count]) {
                let sum = f + *g + carry;
                carry = u32::from(sum >= BASE);
                *g = sum - carry * BASE;
            }
            self.next.reverse();
        }
        let [next_f, next_g] = &mut self.next;
        core::mem::swap(&mut self.f, next_f);
        core::mem::swap(&mut self.g, next_g);
    }

    /// Moves the `count` limbs of both numbers from the position `from` to the lowest positions.
    pub(super) fn shift_down(&mut self, from: usize, count: usize) {
        self.f.copy_within(from..from + count, 0);
        self.g.copy_within(from..from + count, 0);
    }
}

/// What is taken out of the lower part of a column as soon as it is reached: nine products of limbs. A `u64` has room for
/// twice as much.
const FOLD: u64 = 9 * WIDE_BASE * WIDE_BASE;

/// 2^61 / B.
const RECIPROCAL: u64 = (1 << 61) / WIDE_BASE;

/// The sum of a column of a product, `low + high·B`, with `low` below [`FOLD`].
#[derive(Default)]
struct CarryingColumn {
    low: u64,
    high: u64,
}

impl CarryingColumn {
    /// Adds what is at most [`FOLD`].
    #[inline]
    fn add(&mut self, sum: u64) {
        self.low += sum;
        if self.low >= FOLD {
            self.low -= FOLD;
            self.high += FOLD / WIDE_BASE;
        }
    }

    /// Adds the products of the first limb of `a` and the last one of `b`, the second one and the last but one, and so on.
    /// Limbs of `a` are below B, those of `b` below 3B, so three products are below [`FOLD`].
    #[inline]
    fn add_products(&mut self, a: &[u32], b: &[u32]) {
        let (a_chunks, a_rest) = a.as_chunks::<3>();
        let (b_rest, b_chunks) = b.as_rchunks::<3>();
        for (&[a0, a1, a2], &[b0, b1, b2]) in a_chunks.iter().zip(b_chunks.iter().rev()) {
            self.add(multiply(a0, b2) + multiply(a1, b1) + multiply(a2, b0));
        }
        for (&a, &b) in a_rest.iter().zip(b_rest.iter().rev()) {
            self.add(multiply(a, b));
        }
    }

    /// Adds the products of limbs of `row` whose positions sum to the last one. Those of two different limbs are computed once
    /// and count twice.
    #[inline]
    fn add_squares(&mut self, row: &[u32]) {
        let half = row.len() / 2;
        let mut pairs = Self::default();
        pairs.add_products(&row[..half], &row[row.len() - half..]);
        self.high += 2 * pairs.high;
        self.add(pairs.low);
        self.add(pairs.low);
        if row.len() % 2 == 1 {
            self.add(multiply(row[half], row[half]));
        }
    }

    /// The limb of this column. What is left is carried to the next one.
    ///
    /// The quotient by the base comes from the highest 32 bits of `low`, which is below 2^63, and is at most 7 too small: less
    /// than 2.2 by the bits left out, 4 by the rounding of the reciprocal, 1 by its own. The division of a `u64` is a function
    /// of hundreds of instructions on 32-bit targets.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the rest is below 8·B, and the limb below 2^32")]
    fn next(&mut self) -> u32 {
        let quotient = ((self.low >> 31) * RECIPROCAL) >> 30;
        let rest = self.low - quotient * WIDE_BASE;
        // The base is 1,953,125·2^9.
        let correction = (rest >> 9) as u32 / (BASE >> 9);
        *self = Self { low: quotient + u64::from(correction) + self.high, high: 0 };
        (rest as u32).wrapping_sub(correction.wrapping_mul(BASE))
    }
}

#[inline]
fn multiply(a: u32, b: u32) -> u64 {
    u64::from(a) * u64::from(b)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::{BASE, Pair, Rows};

    /// The limbs of a sum of columns, by plain long multiplication of the columns from `from` on.
    fn limbs(column: impl Fn(usize) -> u128, from: usize, count: usize) -> Vec<u32> {
        let mut carry = 0;
        let limbs = (from..from + count).map(|position| {
            let sum = column(position) + carry;
            carry = sum / u128::from(BASE);
            u32::try_from(sum % u128::from(BASE)).unwrap()
        });
        limbs.collect()
    }

    fn check<const N: usize>(f: &[u32], g: &[u32]) {
        let len = f.len();
        let products = |x: &[u32], y: &[u32], position: usize| -> u128 {
            let positions = (position + 1).saturating_sub(len)..len.min(position + 1);
            positions.map(|i| u128::from(x[i]) * u128::from(y[position - i])).sum()
        };
        let double = |position| products(f, f, position) + 2 * products(f, g, position);
        let before = |position| products(f, f, position) + products(g, g, position);
        let after = |position| double(position) + before(position);
        for (from, count) in [(0, len), (0, 2 * len + 1), (len / 2, 2 * len + 1 - len / 2), (2 * len - 2, 3)] {
            let [double, before, after] =
                [limbs(double, from, count), limbs(before, from, count), limbs(after, from, count)];
            for (odd, expected) in [(false, [double.clone(), before]), (true, [after, double])] {
                let mut rows: Rows<N> = [[0; N]; 5];
                let mut pair = Pair::new(&mut rows);
                pair.f[..len].copy_from_slice(f);
                pair.g[..len].copy_from_slice(g);
                pair.double(len, from, count, odd);
                assert_eq!([&pair.f[..count], &pair.g[..count]], expected, "{len} limbs, from {from}");
            }
        }
    }

    /// The largest limbs fill a column as far as it goes.
    #[test]
    fn doubling_agrees_with_long_multiplication() {
        let mut state = 1_u64;
        let mut random = |len| -> Vec<u32> {
            let limbs = (0..len).map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                u32::try_from(state >> 33).unwrap() % BASE
            });
            limbs.collect()
        };
        for len in (1..40).chain(110..=127) {
            let [largest, zero] = [BASE - 1, 0].map(|limb| [limb; 127]);
            check::<255>(&largest[..len], &largest[..len]);
            check::<255>(&largest[..len], &zero[..len]);
            check::<255>(&random(len), &random(len));
        }
    }
}
