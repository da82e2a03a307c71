//! The roots of unity of a transform, in tables.
//!
//! Each node `t` of the transform's tree has a root r(t): the block modulo x^2m − r(t)² is split into the blocks modulo
//! x^m − r(t) and x^m + r(t), which are the nodes 2t and 2t + 1 of the next level. With i for a root of order 4:
//!
//! ```text
//! level 0                      x^N − 1
//!                              t = 0
//!                           split by r = 1
//!                     .-----------'-----------.
//! level 1       x^(N/2) − 1             x^(N/2) + 1
//!               t = 0, r = 1            t = 1, r = i
//!               .-----'-----.           .-----'-----.
//! level 2  x^(N/4)−1   x^(N/4)+1   x^(N/4)−i   x^(N/4)+i
//!            t = 0       t = 1       t = 2       t = 3
//!            r = 1       r = i     r = i^(1/2) r = i^(3/2)
//! ```
//!
//! The root of a node depends on `t` only, not on the level. So one table, in the order of `t`, serves all levels, and the
//! table of a transform begins with the tables of all smaller ones. The order is bit-reversed: r(t) is e^(πi·f) (with a root
//! modulo the prime in the place of e^πi), where the binary digits of the fraction f after the point are the bits of `t`, the
//! lowest first. That is r(1) = e^(πi/2), r(2) = e^(πi/4), r(3) = e^(3πi/4).

use super::field::{Factor, Field, Op};
use super::prime::RootsOfUnity;

/// The roots of all nodes, and their inverses.
pub(super) struct RootTables<'a, F: Field> {
    pub(super) forward: RootTable<'a, F>,
    pub(super) inverse: RootTable<'a, F>,
}

/// The root of each node as a [`Factor`]: all values in one slice, all Shoup quotients in another.
pub(super) struct RootTable<'a, F: Field> {
    values: &'a [F::Element],
    quotients: &'a [F::Element],
}

impl<'a, F: Field> RootTables<'a, F> {
    /// Elements of space for each root: the root and its inverse, each with its Shoup quotient.
    pub(super) const ELEMENTS: usize = 4;

    /// Computes the tables of `count` roots, a power of two, in the first [`ELEMENTS`](Self::ELEMENTS)·`count` elements of
    /// `space`.
    pub(super) fn fill(field: F, space: &'a mut [F::Element], count: usize) -> Self {
        let (forward, inverse) = space[..Self::ELEMENTS * count].split_at_mut(2 * count);
        Self { forward: RootTable::fill(field, forward, false), inverse: RootTable::fill(field, inverse, true) }
    }
}

impl<'a, F: Field> RootTable<'a, F> {
    fn fill(field: F, space: &'a mut [F::Element], inverse: bool) -> Self {
        let (values, quotients) = space.split_at_mut(space.len() / 2);
        let prime = field.prime();
        let roots = if inverse { &prime.inverse } else { &prime.forward };
        for (value, &root) in values.iter_mut().zip(&roots.of_node).take(F::LANES) {
            *value = F::element(root);
        }
        field.run(FillTable { field, values: F::rows_mut(values), quotients: F::rows_mut(quotients), roots });
        Self { values, quotients }
    }

    /// The factor of node `t`, in every lane.
    #[inline(always)]
    pub(super) fn splat(&self, field: F, t: usize) -> Factor<F::Vector> {
        Factor { value: field.splat(self.values[t]), quotient: field.splat(self.quotients[t]) }
    }

    /// The factors of a radix-4 butterfly: those of node `t` and of its two children.
    #[inline(always)]
    pub(super) fn radix_4(&self, field: F, t: usize) -> [Factor<F::Vector>; 3] {
        [self.splat(field, t), self.splat(field, 2 * t), self.splat(field, 2 * t + 1)]
    }

    /// The factors of a row of nodes.
    #[inline(always)]
    pub(super) fn row(&self, field: F, row: usize) -> Factor<F::Vector> {
        Factor { value: field.load(&F::rows(self.values)[row]), quotient: field.load(&F::rows(self.quotients)[row]) }
    }
}

/// Computes all roots from those of the first row: the root of a node with one more bit is a known root times a constant.
struct FillTable<'a, F: Field> {
    field: F,
    values: &'a mut [F::Row],
    quotients: &'a mut [F::Row],
    roots: &'a RootsOfUnity,
}

impl<F: Field> Op for FillTable<'_, F> {
    #[inline(always)]
    fn run(self) {
        let field = self.field;
        let mut done = 1;
        while done < self.values.len() {
            let bit = (done * F::LANES).ilog2() as usize;
            let factor = constant(field, self.roots.of_order[bit + 2]);
            let (from, to) = self.values.split_at_mut(done);
            for (from, to) in from.iter().zip(to) {
                field.store(to, field.reduce_fully(field.mul(field.load(from), factor)));
            }
            done *= 2;
        }
        for (value, quotient) in self.values.iter_mut().zip(self.quotients) {
            let root = field.reduce_fully(field.load(value));
            field.store(value, root);
            field.store(quotient, field.shoup_quotient(root));
        }
    }
}

/// The factor for an integer below the prime, in every lane.
#[inline(always)]
pub(super) fn constant<F: Field>(field: F, value: u64) -> Factor<F::Vector> {
    let value = field.reduce_fully(field.splat(F::element(value)));
    let quotient = field.shoup_quotient(value);
    Factor { value, quotient }
}
