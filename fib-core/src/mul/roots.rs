//! The roots of unity of a transform, in tables.

use super::field::{Factor, Field, Op};
use super::prime;

/// For each node `t` the root r by which it is split and its inverse, in bit-reversed order: the table of a size begins
/// with the tables of all smaller ones.
pub(super) struct Roots<'a, F: Field> {
    pub(super) forward: Table<'a, F>,
    pub(super) inverse: Table<'a, F>,
}

/// Factors, their parts in two slices.
pub(super) struct Table<'a, F: Field> {
    values: &'a [F::Word],
    ratios: &'a [F::Word],
}

impl<'a, F: Field> Roots<'a, F> {
    /// Slices that [`Roots::fill`] needs for each root.
    pub(super) const WORDS: usize = 4;

    /// Computes the table in `space`, of which it takes [`Roots::WORDS`] words for each of `count` roots (a power of two).
    pub(super) fn fill(field: F, space: &'a mut [F::Word], count: usize) -> Self {
        let (forward, inverse) = space[..Self::WORDS * count].split_at_mut(2 * count);
        Self { forward: Table::fill(field, forward, false), inverse: Table::fill(field, inverse, true) }
    }
}

impl<'a, F: Field> Table<'a, F> {
    fn fill(field: F, space: &'a mut [F::Word], inverse: bool) -> Self {
        let (values, ratios) = space.split_at_mut(space.len() / 2);
        let prime = field.prime();
        let roots = if inverse { &prime.inverse } else { &prime.forward };
        for (value, &root) in values.iter_mut().zip(&roots.of_node).take(F::LANES) {
            *value = F::word(root);
        }
        field.run(FillRoots { field, values: F::rows_mut(values), ratios: F::rows_mut(ratios), roots });
        Self { values, ratios }
    }

    /// The factor of one node, in every lane.
    #[inline(always)]
    pub(super) fn splat(&self, field: F, t: usize) -> Factor<F::Vector> {
        Factor { value: field.splat(self.values[t]), ratio: field.splat(self.ratios[t]) }
    }

    /// The factors by which a block is split in four: of the node itself and of its two children.
    #[inline(always)]
    pub(super) fn radix_4(&self, field: F, t: usize) -> [Factor<F::Vector>; 3] {
        [self.splat(field, t), self.splat(field, 2 * t), self.splat(field, 2 * t + 1)]
    }

    /// The factors of a row of nodes.
    #[inline(always)]
    pub(super) fn row(&self, field: F, row: usize) -> Factor<F::Vector> {
        Factor { value: field.load(&F::rows(self.values)[row]), ratio: field.load(&F::rows(self.ratios)[row]) }
    }
}

/// From the first row of roots to all: one more bit of the node's number multiplies the root by another constant.
struct FillRoots<'a, F: Field> {
    field: F,
    values: &'a mut [F::Row],
    ratios: &'a mut [F::Row],
    roots: &'a prime::Roots,
}

impl<F: Field> Op for FillRoots<'_, F> {
    #[inline(always)]
    fn run(self) {
        let field = self.field;
        let mut done = 1;
        while done < self.values.len() {
            let bit = (done * F::LANES).ilog2() as usize;
            let factor = constant(field, self.roots.of_order[bit + 2]);
            let (from, to) = self.values.split_at_mut(done);
            for (from, to) in from.iter().zip(to) {
                field.store(to, field.settle(field.mul(field.load(from), factor)));
            }
            done *= 2;
        }
        for (value, ratio) in self.values.iter_mut().zip(self.ratios) {
            let least = field.settle(field.load(value));
            field.store(value, least);
            field.store(ratio, field.ratio(least));
        }
    }
}

/// The factor for an integer below the prime, in every lane.
#[inline(always)]
pub(super) fn constant<F: Field>(field: F, value: u64) -> Factor<F::Vector> {
    let value = field.settle(field.splat(F::word(value)));
    let ratio = field.ratio(value);
    Factor { value, ratio }
}
