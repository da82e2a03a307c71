//! The end of the transform: groups of blocks whose vectors are turned so that each lane has its own block, the last
//! levels of the transform on those, and the products of the leaves by the school method.

use super::field::{Factor, Field, Op};
use super::roots::{Roots, Table};
use super::transform::{LEAF_MAX, Products};

/// The most lanes of a vector.
const LANES_MAX: usize = 8;

/// Multiplies the blocks of one group: LANES blocks of `leaf` rows.
pub(super) fn multiply<F: Field>(
    field: F,
    leaf: usize,
    roots: &Roots<'_, F>,
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

struct Group<'a, F: Field, const S: usize, const BOTH: bool> {
    field: F,
    a: &'a mut [F::Row],
    b: &'a mut [F::Row],
    roots: &'a Roots<'a, F>,
    group: usize,
}

impl<F: Field, const S: usize, const BOTH: bool> Op for Group<'_, F, S, BOTH> {
    #[inline(always)]
    fn run(self) {
        let field = self.field;
        let (a, b) = (&mut self.a[..S * F::LANES], &mut self.b[..S * F::LANES]);
        let factors = Factors::load(field, &self.roots.forward, self.group);
        split::<F, S>(field, a, &factors);
        split::<F, S>(field, b, &factors);
        for leaf in 0..F::LANES {
            // The leaf is modulo x^S − r or x^S + r, with the root r of the node above it.
            let (root, negative) = if F::LANES == 1 {
                (self.roots.forward.splat(field, self.group / 2), self.group % 2 == 1)
            } else {
                (factors.lanes[(F::LANES + leaf) / 2 - 1], leaf % 2 == 1)
            };
            multiply_leaf::<F, S, BOTH>(field, a, b, leaf, root, negative);
        }
        let factors = Factors::load(field, &self.roots.inverse, self.group);
        join::<F, S>(field, a, &factors);
        if BOTH {
            join::<F, S>(field, b, &factors);
        }
    }
}

/// The factors of a group: those by which it is split in as many blocks as a vector has lanes, the same in every lane, and
/// those by which each of these blocks is split again, each lane its own.
struct Factors<F: Field> {
    rows: [Factor<F::Vector>; LANES_MAX - 1],
    lanes: [Factor<F::Vector>; LANES_MAX - 1],
}

impl<F: Field> Factors<F> {
    /// One node for the first of log2 LANES levels, two for the second, four for the third; then as many vectors.
    #[inline(always)]
    fn load(field: F, table: &Table<'_, F>, group: usize) -> Self {
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

/// Of two rows of factors those with even and those with odd numbers.
#[inline(always)]
fn unzip_rows<F: Field>(field: F, table: &Table<'_, F>, row: usize) -> [Factor<F::Vector>; 2] {
    unzip(field, [table.row(field, row), table.row(field, row + 1)])
}

/// The factors with even and with odd numbers.
#[inline(always)]
fn unzip<F: Field>(field: F, [a, b]: [Factor<F::Vector>; 2]) -> [Factor<F::Vector>; 2] {
    let values = field.unzip(a.value, b.value);
    let ratios = field.unzip(a.ratio, b.ratio);
    [Factor { value: values.0, ratio: ratios.0 }, Factor { value: values.1, ratio: ratios.1 }]
}

/// The row with coefficient `c` of all blocks of a group, after its squares have been turned: S squares stand side by side.
#[inline(always)]
const fn row_of<F: Field, const S: usize>(c: usize) -> usize {
    S * (c % F::LANES) + c / F::LANES
}

/// As many residues as a vector has lanes, each in the place of its block.
type Blocks<F> = [<F as Field>::Vector; LANES_MAX];

/// Splits a group down to leaves: leaf `j` of each lane has the coefficients from S·j on.
#[inline(always)]
fn split<F: Field, const S: usize>(field: F, x: &mut [F::Row], factors: &Factors<F>) {
    if F::LANES == 1 {
        return;
    }
    for square in 0..S {
        let mut y = load(field, x, |j| S * j + square);
        split_blocks(field, &mut y, &factors.rows);
        store(field, x, field.transpose(y), |j| S * j + square);
    }
    for i in 0..S {
        let mut y = load(field, x, |j| row_of::<F, S>(S * j + i));
        split_blocks(field, &mut y, &factors.lanes);
        store(field, x, y, |j| row_of::<F, S>(S * j + i));
    }
}

/// The inverse of [`split`].
#[inline(always)]
fn join<F: Field, const S: usize>(field: F, x: &mut [F::Row], factors: &Factors<F>) {
    if F::LANES == 1 {
        return;
    }
    for i in 0..S {
        let mut y = load(field, x, |j| row_of::<F, S>(S * j + i));
        join_blocks(field, &mut y, &factors.lanes);
        store(field, x, y, |j| row_of::<F, S>(S * j + i));
    }
    for square in 0..S {
        let mut y = field.transpose(load(field, x, |j| S * j + square));
        join_blocks(field, &mut y, &factors.rows);
        store(field, x, y, |j| S * j + square);
    }
}

/// Splits a block in LANES blocks, by halves. Only the first is never multiplied on the way, so that it is reduced before.
#[inline(always)]
fn split_blocks<F: Field>(field: F, y: &mut Blocks<F>, factors: &[Factor<F::Vector>; LANES_MAX - 1]) {
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

/// The inverse of [`split_blocks`]. The sums that grow from level to level are reduced: those of four blocks before they
/// are added again, and at the end those that would be too large for the levels above.
#[inline(always)]
fn join_blocks<F: Field>(field: F, y: &mut Blocks<F>, factors: &[Factor<F::Vector>; LANES_MAX - 1]) {
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

/// The row of each block.
#[inline(always)]
fn load<F: Field>(field: F, x: &[F::Row], row: impl Fn(usize) -> usize) -> Blocks<F> {
    let mut y = [field.load(&x[row(0)]); LANES_MAX];
    for (j, y) in y.iter_mut().enumerate().take(F::LANES).skip(1) {
        *y = field.load(&x[row(j)]);
    }
    y
}

#[inline(always)]
fn store<F: Field>(field: F, x: &mut [F::Row], y: Blocks<F>, row: impl Fn(usize) -> usize) {
    for (j, y) in y.into_iter().enumerate().take(F::LANES) {
        field.store(&mut x[row(j)], y);
    }
}

/// The products of leaf `leaf` modulo x^S ∓ root, in place.
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
    let zero = field.splat(F::word(0));
    let (mut x, mut y, mut wrapped) = ([zero; S], [zero; S], [zero; S]);
    for i in 0..S {
        x[i] = field.reduce(field.load(&a[row(i)]));
        y[i] = field.reduce(field.load(&b[row(i)]));
    }
    // What has run over the end comes back multiplied by the root.
    for i in 1..S {
        let product = field.mul(y[i], root);
        wrapped[i] = if negative { field.sub(zero, product) } else { product };
    }
    for k in 0..S {
        let product = column(field, &x, &y, &wrapped, k);
        field.store(&mut a[row(k)], product);
        if BOTH {
            let square = column(field, &y, &y, &wrapped, k);
            field.store(&mut b[row(k)], square);
        }
    }
}

/// Coefficient `k` of x·y.
#[inline(always)]
fn column<F: Field, const S: usize>(
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
