//! Convolution by a number-theoretic transform.
//!
//! The ring is that of polynomials modulo x^N − 1 and a prime, where N is S times a power of two. It is split in halves again
//! and again, since x^2m − r² = (x^m − r)(x^m + r). With a + b·x^m for a polynomial modulo x^2m − r², where a and b have m
//! coefficients each, the forward butterfly computes a + r·b modulo x^m − r and a − r·b modulo x^m + r. The
//! [roots](super::roots) r of the blocks of a level stand in bit-reversed order (Bernstein, "Multidigit multiplication for
//! mathematicians", sections 2 to 4). The splitting ends at polynomials of S coefficients, which the [`leaf`] multiplies by
//! the schoolbook method. S is 4, 5, 6 or 7, so sizes are at most a quarter apart and no odd radix is needed.
//!
//! Two levels are done at a time (radix 4), and the walk is depth first: both factors of a block are transformed, multiplied
//! and transformed back before the next block is begun. So most of the work happens in the nearest cache, at any size. For
//! example, a block of 16 groups, from left to right in the order of time:
//!
//! ```text
//! 16 groups   F                        I     F  forward butterflies of both factors
//!  4 groups    F    IF    IF    IF    I      L  products of the leaves of one group
//!  1 group      LLLL  LLLL  LLLL  LLLL       I  inverse butterflies of the products
//! ```
//!
//! Around these blocks [`OuterForward`] and [`OuterInverse`] do the 1 to 3 largest levels, each in one pass over all
//! coefficients.

use super::butterfly::{Radix4, equal_parts, forward_butterfly, inverse_butterfly, load_4, store_4};
use super::field::{Field, Op};
use super::leaf;
use super::roots::RootTables;
use super::shape::{Products, Size};

/// The largest levels, 1 to 3 of them, so that an even number is left for radix 4. The upper half of the input is zero, so
/// the butterflies of the largest level are copies. A single group has no such levels, and its upper half is filled with zeros.
pub(super) struct OuterForward<'a, F: Field> {
    pub(super) field: F,
    /// The coefficients of a number, and zeros up to half of the size; `None` where they are in the lower half of `to`.
    pub(super) input: Option<&'a [F::Row]>,
    pub(super) to: &'a mut [F::Row],
    pub(super) roots: &'a RootTables<'a, F>,
    pub(super) size: Size,
}

impl<F: Field> Op for OuterForward<'_, F> {
    #[inline(always)]
    fn run(self) {
        let Self { field, input, to, roots, size } = self;
        let table = &roots.forward;
        match size.outer_levels() {
            levels @ (0 | 1) => {
                let [low, high] = equal_parts(to);
                if let Some(input) = input {
                    low.copy_from_slice(&input[..low.len()]);
                }
                if levels == 0 {
                    let zero = field.splat(F::element(0));
                    high.iter_mut().for_each(|row| field.store(row, zero));
                } else {
                    high.copy_from_slice(low);
                }
            }
            2 => {
                let root_of_order_4 = table.splat(field, 1);
                let mut to = equal_parts(to);
                let len = to[3].len();
                for i in 0..len {
                    let (x0, x1) = match input {
                        Some(x) => (field.load(&x[i]), field.load(&x[len + i])),
                        None => (field.load(&to[0][i]), field.load(&to[1][i])),
                    };
                    let ix1 = field.mul(x1, root_of_order_4);
                    let y = [field.add(x0, x1), field.sub(x0, x1), field.add(x0, ix1), field.sub(x0, ix1)];
                    store_4(field, &mut to, i, y);
                }
            }
            _ => {
                let w = [table.radix_4(field, 0), table.radix_4(field, 1)];
                let mut to: [_; 2] = equal_parts::<_, 2>(to).map(equal_parts);
                let len = to[1][3].len();
                for i in 0..len {
                    let x = match input {
                        Some(x) => {
                            let [x0, x1, x2, x3] = [&x[i], &x[len + i], &x[2 * len + i], &x[3 * len + i]];
                            [field.load(x0), field.load(x1), field.load(x2), field.load(x3)]
                        }
                        None => load_4(field, &to[0], i),
                    };
                    for (w, half) in w.iter().zip(&mut to) {
                        store_4(field, half, i, forward_butterfly(field, x, w));
                    }
                }
            }
        }
    }
}

/// The inverse of [`OuterForward`], in place, for all coefficients.
struct OuterInverse<'a, F: Field> {
    field: F,
    x: &'a mut [F::Row],
    roots: &'a RootTables<'a, F>,
    levels: usize,
}

impl<F: Field> Op for OuterInverse<'_, F> {
    #[inline(always)]
    fn run(self) {
        let field = self.field;
        let table = &self.roots.inverse;
        match self.levels {
            0 => {}
            1 => {
                let [low, high] = equal_parts(self.x);
                for (low, high) in low.iter_mut().zip(high) {
                    let (x0, x1) = (field.load(low), field.load(high));
                    field.store(low, field.add(x0, x1));
                    field.store(high, field.sub_sum(x0, x1));
                }
            }
            2 => Radix4::<F, true> { field, x: self.x, table, t: 0 }.run(),
            _ => {
                let w = [table.radix_4(field, 0), table.radix_4(field, 1)];
                let [low, high] = equal_parts(self.x);
                let (mut low, mut high) = (equal_parts(low), equal_parts(high));
                for i in 0..low[3].len().min(high[3].len()) {
                    let x0 = inverse_butterfly(field, load_4(field, &low, i), &w[0]);
                    let x1 = inverse_butterfly(field, load_4(field, &high, i), &w[1]);
                    let mut sums = x0;
                    let mut differences = x0;
                    for part in 0..4 {
                        sums[part] = field.add(x0[part], x1[part]);
                        differences[part] = field.sub_sum(x0[part], x1[part]);
                    }
                    store_4(field, &mut low, i, sums);
                    store_4(field, &mut high, i, differences);
                }
            }
        }
    }
}

/// Multiplies two polynomials that [`OuterForward`] has been applied to. The results are the coefficients of the products
/// multiplied by 2^levels / [`Field::sum_scale`].
pub(super) fn multiply<F: Field>(
    field: F,
    size: Size,
    roots: &RootTables<'_, F>,
    a: &mut [F::Row],
    b: &mut [F::Row],
    products: Products,
) {
    let outer = size.outer_levels();
    let inner = (size.log_groups - outer) / 2;
    let group_rows = size.leaf * F::LANES;
    for group in 0..1_usize << size.log_groups {
        // Forward butterflies of the blocks that begin at this group, the largest first; the products of its leaves; then
        // inverse butterflies of the blocks that end with it, the smallest first.
        for level in (1..=inner).rev().filter(|level| group % (1 << (2 * level)) == 0) {
            let t = group >> (2 * level);
            let block = group * group_rows..(group + (1 << (2 * level))) * group_rows;
            for x in [&mut a[block.clone()], &mut b[block]] {
                let table = &roots.forward;
                field.run(Radix4::<F, false> { field, x, table, t });
            }
        }
        let block = group * group_rows..(group + 1) * group_rows;
        leaf::multiply(field, size.leaf, roots, group, &mut a[block.clone()], &mut b[block], products);
        for level in (1..=inner).take_while(|level| (group + 1) % (1 << (2 * level)) == 0) {
            let t = group >> (2 * level);
            let block = (t << (2 * level)) * group_rows..(group + 1) * group_rows;
            let table = &roots.inverse;
            field.run(Radix4::<F, true> { field, x: &mut a[block.clone()], table, t });
            if products == Products::Both {
                let x = &mut b[block];
                field.run(Radix4::<F, true> { field, x, table, t });
            }
        }
    }
    let levels = outer;
    field.run(OuterInverse { field, x: a, roots, levels });
    if products == Products::Both {
        field.run(OuterInverse { field, x: b, roots, levels });
    }
}
