//! The end of the transform: the last levels within one group, and the schoolbook products of its leaves.
//!
//! A group is a block of LANES² leaves with S coefficients each, so S·LANES rows in memory. Down to LANES blocks, whole rows
//! are added and multiplied as in all levels above. Then a block has only S rows, and its halves no longer begin at the start
//! of a row. So the group is transposed: each lane gets a block of its own, and the last log2 LANES levels work on all blocks
//! at once, each lane with its own root. (With one lane, a group is a leaf, and nothing of this is needed.) For example with
//! two lanes and S = 2, where the blocks are A and B, though real vectors have four or eight lanes:
//!
//! ```text
//!                             2 blocks of         transposed:         leaves: A0 A1 and A2 A3
//!            1 block          S rows              one block per lane  modulo x² ∓ r, B likewise
//!
//!  row 0     c0 c1            A0 A1               A0 B0               A0 B0   leaf 0
//!  row 1     c2 c3   ----->   A2 A3   -------->   A2 B2   -------->   A2 B2   leaf 1
//!  row 2     c4 c5   level    B0 B1   squares     A1 B1   level       A1 B1   leaf 0
//!  row 3     c6 c7            B2 B3   0 2, 1 3    A3 B3               A3 B3   leaf 1
//! ```
//!
//! Rows 0 and 2 are one square matrix of LANES by LANES elements, rows 1 and 3 another; each is transposed in place. A leaf
//! product reads the rows of one leaf and multiplies the leaves of all lanes at once. The inverse goes the same way back.

use super::field::{Factor, Field, Op};
use super::roots::{RootTable, RootTables};
use super::shape::{LEAF_MAX, Products};

/// The most lanes of a vector.
const LANES_MAX: usize = 8;

/// Multiplies one group of two transforms with leaves of `leaf` coefficients, in place.
pub(super) fn multiply<F: Field>(
    field: F,
    leaf: usize,
    roots: &RootTables<'_, F>,
    group: usize,
    a: &mut [F::Row],
    b: &mut [F::Row],
    products: Products,
) {
    match (leaf, products) {
        (4, Products::One) => field.run(Group::<F, 4, false> { field, a, b, roots, group }),
        (4, Products::Both) => field.run(Group::<F, 4, true> { field, a, b, roots, group }),
        (5, Products::One) => field.run(Group::<F, 5, false> { field, a, b, roots, group }),
        (5, Products::Both) => field.run(Group::<F, 5, true> { field, a, b, roots, group }),
        (6, Products::One) => field.run(Group::<F, 6, false> { field, a, b, roots, group }),
        (6, Products::Both) => field.run(Group::<F, 6, true> { field, a, b, roots, group }),
        (_, Products::One) => field.run(Group::<F, LEAF_MAX, false> { field, a, b, roots, group }),
        (_, Products::Both) => field.run(Group::<F, LEAF_MAX, true> { field, a, b, roots, group }),
    }
}

/// The work on one group: forward levels, products, inverse levels. `S` is the size of a leaf; `BOTH` asks for
/// [`Products::Both`].
struct Group<'a, F: Field, const S: usize, const BOTH: bool> {
    field: F,
    a: &'a mut [F::Row],
    b: &'a mut [F::Row],
    roots: &'a RootTables<'a, F>,
    group: usize,
}

impl<F: Field, const S: usize, const BOTH: bool> Op for Group<'_, F, S, BOTH> {
    #[inline(always)]
    fn run(self) {
        let field = self.field;
        let (a, b) = (&mut self.a[..S * F::LANES], &mut self.b[..S * F::LANES]);
        let factors = Factors::load(field, &self.roots.forward, self.group);
        forward::<F, S>(field, a, &factors);
        forward::<F, S>(field, b, &factors);
        for leaf in 0..F::LANES {
            // The leaf is modulo x^S − r or x^S + r, where r is the root of its parent.
            let (root, negative) = if F::LANES == 1 {
                (self.roots.forward.splat(field, self.group / 2), self.group % 2 == 1)
            } else {
                (factors.lanes[(F::LANES + leaf) / 2 - 1], leaf % 2 == 1)
            };
            multiply_leaf::<F, S, BOTH>(field, a, b, leaf, root, negative);
        }
        let factors = Factors::load(field, &self.roots.inverse, self.group);
        inverse::<F, S>(field, a, &factors);
        if BOTH {
            inverse::<F, S>(field, b, &factors);
        }
    }
}

/// The factors of a group's nodes, the root first, then its children: one for the first of log2 LANES levels, two for the
/// second, four for the third.
struct Factors<F: Field> {
    /// For the levels before the group is transposed: the same factor in every lane.
    rows: [Factor<F::Vector>; LANES_MAX - 1],
    /// For the levels afterwards: each lane has the factor of its own block.
    lanes: [Factor<F::Vector>; LANES_MAX - 1],
}

impl<F: Field> Factors<F> {
    #[inline(always)]
    fn load(field: F, table: &RootTable<'_, F>, group: usize) -> Self {
        let first = if F::LANES == 1 { 0 } else { group };
        let mut rows = [table.splat(field, first); LANES_MAX - 1];
        let mut lanes = [table.row(field, first); LANES_MAX - 1];
        if F::LANES >= 4 {
            for node in 0..2 {
                rows[1 + node] = table.splat(field, 2 * group + node);
            }
            [lanes[1], lanes[2]] = unzip_rows(field, table, 2 * group);
        }
        if F::LANES >= 8 {
            for node in 0..4 {
                rows[3 + node] = table.splat(field, 4 * group + node);
            }
            let [even_low, odd_low] = unzip_rows(field, table, 4 * group);
            let [even_high, odd_high] = unzip_rows(field, table, 4 * group + 2);
            [lanes[3], lanes[5]] = unzip(field, [even_low, even_high]);
            [lanes[4], lanes[6]] = unzip(field, [odd_low, odd_high]);
        }
        Self { rows, lanes }
    }
}

/// The even and the odd factors of two rows.
#[inline(always)]
fn unzip_rows<F: Field>(field: F, table: &RootTable<'_, F>, row: usize) -> [Factor<F::Vector>; 2] {
    unzip(field, [table.row(field, row), table.row(field, row + 1)])
}

/// The even and the odd factors of two vectors.
#[inline(always)]
fn unzip<F: Field>(field: F, [a, b]: [Factor<F::Vector>; 2]) -> [Factor<F::Vector>; 2] {
    let values = field.unzip(a.value, b.value);
    let quotients = field.unzip(a.quotient, b.quotient);
    [Factor { value: values.0, quotient: quotients.0 }, Factor { value: values.1, quotient: quotients.1 }]
}

/// The row that has coefficient `c` of all blocks after the transposition of the S squares.
#[inline(always)]
const fn row_of<F: Field, const S: usize>(c: usize) -> usize {
    S * (c % F::LANES) + c / F::LANES
}

/// One vector of each block. Only the first LANES are used.
type Blocks<F> = [<F as Field>::Vector; LANES_MAX];

/// The forward levels of a group. Afterwards leaf `j` of each lane has the coefficients from S·j on.
#[inline(always)]
fn forward<F: Field, const S: usize>(field: F, x: &mut [F::Row], factors: &Factors<F>) {
    if F::LANES == 1 {
        return;
    }
    for square in 0..S {
        let mut y = load(field, x, |j| S * j + square);
        forward_levels(field, &mut y, &factors.rows);
        store(field, x, field.transpose(y), |j| S * j + square);
    }
    for i in 0..S {
        let mut y = load(field, x, |j| row_of::<F, S>(S * j + i));
        forward_levels(field, &mut y, &factors.lanes);
        store(field, x, y, |j| row_of::<F, S>(S * j + i));
    }
}

/// The inverse of [`forward`].
#[inline(always)]
fn inverse<F: Field, const S: usize>(field: F, x: &mut [F::Row], factors: &Factors<F>) {
    if F::LANES == 1 {
        return;
    }
    for i in 0..S {
        let mut y = load(field, x, |j| row_of::<F, S>(S * j + i));
        inverse_levels(field, &mut y, &factors.lanes);
        store(field, x, y, |j| row_of::<F, S>(S * j + i));
    }
    for square in 0..S {
        let mut y = field.transpose(load(field, x, |j| S * j + square));
        inverse_levels(field, &mut y, &factors.rows);
        store(field, x, y, |j| S * j + square);
    }
}

/// log2 LANES levels of forward butterflies. Only the first vector is never multiplied, so it is reduced instead.
#[inline(always)]
fn forward_levels<F: Field>(field: F, y: &mut Blocks<F>, factors: &[Factor<F::Vector>; LANES_MAX - 1]) {
    y[0] = field.reduce(y[0]);
    let mut half = F::LANES / 2;
    while half > 0 {
        let first = F::LANES / (2 * half) - 1;
        for block in 0..F::LANES / (2 * half) {
            for j in 2 * half * block..2 * half * block + half {
                let product = field.mul(y[j + half], factors[first + block]);
                (y[j], y[j + half]) = (field.add(y[j], product), field.sub(y[j], product));
            }
        }
        half /= 2;
    }
}

/// The inverse of [`forward_levels`], multiplied by LANES. Sums grow from level to level, so some are reduced: a sum of four
/// before it is added again, and after the last level those that would be too large for the levels above.
#[inline(always)]
fn inverse_levels<F: Field>(field: F, y: &mut Blocks<F>, factors: &[Factor<F::Vector>; LANES_MAX - 1]) {
    let mut half = 1;
    while half < F::LANES {
        let first = F::LANES / (2 * half) - 1;
        for block in 0..F::LANES / (2 * half) {
            for j in 2 * half * block..2 * half * block + half {
                let difference = field.sub_sum(y[j], y[j + half]);
                y[j] = field.add(y[j], y[j + half]);
                y[j + half] = field.mul(difference, factors[first + block]);
            }
            if half == 2 {
                y[4 * block] = field.reduce_sum(y[4 * block]);
            } else if half == 4 {
                y[1] = field.reduce_sum(y[1]);
                y[2] = field.reduce_sum(y[2]);
            }
        }
        half *= 2;
    }
}

/// Loads one row of each block.
#[inline(always)]
fn load<F: Field>(field: F, x: &[F::Row], row: impl Fn(usize) -> usize) -> Blocks<F> {
    let mut y = [field.load(&x[row(0)]); LANES_MAX];
    for (j, y) in y.iter_mut().enumerate().take(F::LANES).skip(1) {
        *y = field.load(&x[row(j)]);
    }
    y
}

/// Stores one row of each block.
#[inline(always)]
fn store<F: Field>(field: F, x: &mut [F::Row], y: Blocks<F>, row: impl Fn(usize) -> usize) {
    for (j, y) in y.into_iter().enumerate().take(F::LANES) {
        field.store(&mut x[row(j)], y);
    }
}

/// The schoolbook products of leaf `leaf`, modulo x^S − root, or x^S + root where `negative`, in place.
#[inline(always)]
fn multiply_leaf<F: Field, const S: usize, const BOTH: bool>(
    field: F,
    a: &mut [F::Row],
    b: &mut [F::Row],
    leaf: usize,
    root: Factor<F::Vector>,
    negative: bool,
) {
    let row = |i: usize| row_of::<F, S>(S * leaf + i);
    let zero = field.splat(F::element(0));
    let (mut x, mut y, mut wrapped) = ([zero; S], [zero; S], [zero; S]);
    for i in 0..S {
        x[i] = field.reduce(field.load(&a[row(i)]));
        y[i] = field.reduce(field.load(&b[row(i)]));
    }
    // x^S is ±root: a product whose degree is S or more wraps around, multiplied by ±root.
    for i in 1..S {
        let product = field.mul(y[i], root);
        wrapped[i] = if negative { field.sub(zero, product) } else { product };
    }
    for k in 0..S {
        let product = coefficient(field, &x, &y, &wrapped, k);
        field.store(&mut a[row(k)], product);
        if BOTH {
            let square = coefficient(field, &y, &y, &wrapped, k);
            field.store(&mut b[row(k)], square);
        }
    }
}

/// Coefficient `k` of x·y.
#[inline(always)]
fn coefficient<F: Field, const S: usize>(
    field: F,
    x: &[F::Vector; S],
    y: &[F::Vector; S],
    wrapped: &[F::Vector; S],
    k: usize,
) -> F::Vector {
    let mut factors = *y;
    for (i, factor) in factors.iter_mut().enumerate() {
        *factor = if i <= k { y[k - i] } else { wrapped[S + k - i] };
    }
    let mut sum = field.product(x[0], factors[0]);
    for i in 1..S {
        sum = field.add_product(sum, x[i], factors[i]);
    }
    field.residue(sum)
}
