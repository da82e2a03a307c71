//! Radix-4 butterflies: two levels of the transform, forward and back.

use core::mem;

use super::field::{Factor, Field, Op};
use super::roots::RootTable;

/// Splits a block in four: two levels of forward butterflies. The first quarter is never multiplied, so it is reduced
/// instead. Each field shows how large residues get (`integer.rs`, `vector/float.rs`).
#[inline(always)]
pub(super) fn forward_butterfly<F: Field>(field: F, x: [F::Vector; 4], w: &[Factor<F::Vector>; 3]) -> [F::Vector; 4] {
    let x0 = field.reduce(x[0]);
    let (x2, x3) = (field.mul(x[2], w[0]), field.mul(x[3], w[0]));
    let (y0, y2) = (field.add(x0, x2), field.sub(x0, x2));
    let (y1, y3) = (field.add(x[1], x3), field.sub(x[1], x3));
    let (y1, y3) = (field.mul(y1, w[1]), field.mul(y3, w[2]));
    [field.add(y0, y1), field.sub(y0, y1), field.add(y2, y3), field.sub(y2, y3)]
}

/// The inverse of [`forward_butterfly`], with the inverse roots, multiplied by 4.
#[inline(always)]
pub(super) fn inverse_butterfly<F: Field>(field: F, y: [F::Vector; 4], w: &[Factor<F::Vector>; 3]) -> [F::Vector; 4] {
    let (x0, x1) = (field.add(y[0], y[1]), field.mul(field.sub_sum(y[0], y[1]), w[1]));
    let (x2, x3) = (field.add(y[2], y[3]), field.mul(field.sub_sum(y[2], y[3]), w[2]));
    [
        field.reduce_sum(field.add(x0, x2)),
        field.add(x1, x3),
        field.mul(field.sub_sum(x0, x2), w[0]),
        field.mul(field.sub(x1, x3), w[0]),
    ]
}

/// A slice in `N` parts of the same length.
#[inline(always)]
pub(super) fn equal_parts<T, const N: usize>(slice: &mut [T]) -> [&mut [T]; N] {
    let len = slice.len() / N;
    let mut rest = slice;
    [(); N].map(|()| {
        let (part, after) = mem::take(&mut rest).split_at_mut(len);
        rest = after;
        part
    })
}

/// Row `i` of each part.
#[inline(always)]
pub(super) fn load_4<F: Field>(field: F, x: &[&mut [F::Row]; 4], i: usize) -> [F::Vector; 4] {
    [field.load(&x[0][i]), field.load(&x[1][i]), field.load(&x[2][i]), field.load(&x[3][i])]
}

/// Stores row `i` of each part.
#[inline(always)]
pub(super) fn store_4<F: Field>(field: F, x: &mut [&mut [F::Row]; 4], i: usize, y: [F::Vector; 4]) {
    for (part, y) in x.iter_mut().zip(y) {
        field.store(&mut part[i], y);
    }
}

/// [`forward_butterfly`] on all rows of the block of node `t`, or [`inverse_butterfly`] with `INVERSE`.
pub(super) struct Radix4<'a, F: Field, const INVERSE: bool> {
    pub(super) field: F,
    pub(super) x: &'a mut [F::Row],
    pub(super) table: &'a RootTable<'a, F>,
    pub(super) t: usize,
}

impl<F: Field, const INVERSE: bool> Op for Radix4<'_, F, INVERSE> {
    #[inline(always)]
    fn run(self) {
        let field = self.field;
        let w = self.table.radix_4(field, self.t);
        let mut x = equal_parts(self.x);
        for i in 0..x[3].len() {
            let before = load_4(field, &x, i);
            let after =
                if INVERSE { inverse_butterfly(field, before, &w) } else { forward_butterfly(field, before, &w) };
            store_4(field, &mut x, i, after);
        }
    }
}
