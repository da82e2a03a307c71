//! The end of the transform: groups of blocks whose vectors are turned so that each lane has its own block, the last
//! levels of the transform on those, and the products of the leaves by the school method.

use super::field::{Factor, Field, Op};
use super::transform::{LEAF_MAX, Products, Roots, Table};

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
        let factors = lane_factors(field, &self.roots.forward, self.group);
        split_lanes::<F, S>(field, a, &factors);
        split_lanes::<F, S>(field, b, &factors);
        for leaf in 0..F::LANES {
            // The leaf is modulo x^S − r or x^S + r, with the root r of the node above it.
            let (root, negative) = if F::LANES == 1 {
                (self.roots.forward.splat(field, self.group / 2), self.group % 2 == 1)
            } else {
                (factors[(F::LANES + leaf) / 2 - 1], leaf % 2 == 1)
            };
            multiply_leaf::<F, S, BOTH>(field, a, b, leaf, root, negative);
        }
        let factors = lane_factors(field, &self.roots.inverse, self.group);
        join_lanes::<F, S>(field, a, &factors);
        if BOTH {
            join_lanes::<F, S>(field, b, &factors);
        }
    }
}

/// The factors of the last levels, log2 LANES of them: one vector of nodes for the first, two for the second, four for the
/// third, the lanes being the blocks of the group.
#[inline(always)]
fn lane_factors<F: Field>(field: F, table: &Table<'_, F>, group: usize) -> [Factor<F::Vector>; LANES_MAX - 1] {
    let mut factors = [table.row(field, if F::LANES == 1 { 0 } else { group }); LANES_MAX - 1];
    if F::LANES >= 4 {
        let rows = [0, 1].map(|row| table.row(field, 2 * group + row));
        [factors[1], factors[2]] = unzip(field, rows);
    }
    if F::LANES >= 8 {
        let (low, high) = (4 * group, 4 * group + 2);
        let [even_low, odd_low] = unzip(field, [0, 1].map(|row| table.row(field, low + row)));
        let [even_high, odd_high] = unzip(field, [0, 1].map(|row| table.row(field, high + row)));
        [factors[3], factors[5]] = unzip(field, [even_low, even_high]);
        [factors[4], factors[6]] = unzip(field, [odd_low, odd_high]);
    }
    factors
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

/// Turns the group, and splits its blocks down to leaves: leaf `j` has the coefficients from S·j on.
///
/// Sums are not reduced on the way: each of the (up to three) levels adds one reduced product.
#[inline(always)]
fn split_lanes<F: Field, const S: usize>(field: F, x: &mut [F::Row], factors: &[Factor<F::Vector>; LANES_MAX - 1]) {
    if F::LANES == 1 {
        return;
    }
    for square in 0..S {
        field.transpose(&mut x[square..], S);
    }
    for i in 0..S {
        let mut y = load_column::<F, S>(field, x, i);
        let mut first = 0;
        let mut half = F::LANES / 2;
        while half > 0 {
            for block in 0..F::LANES / (2 * half) {
                for j in 2 * half * block..2 * half * block + half {
                    let product = field.mul(y[j + half], factors[first + block]);
                    (y[j], y[j + half]) = (field.add(y[j], product), field.sub(y[j], product));
                }
            }
            first = 2 * first + 1;
            half /= 2;
        }
        for (j, &y) in y.iter().enumerate().take(F::LANES) {
            field.store(&mut x[row_of::<F, S>(S * j + i)], y);
        }
    }
}

/// The inverse of [`split_lanes`]. On reduced leaves the sums grow to LANES/2 times the prime; where that is too much for
/// the levels above, they are reduced.
#[inline(always)]
fn join_lanes<F: Field, const S: usize>(field: F, x: &mut [F::Row], factors: &[Factor<F::Vector>; LANES_MAX - 1]) {
    if F::LANES == 1 {
        return;
    }
    for i in 0..S {
        let mut y = load_column::<F, S>(field, x, i);
        let mut half = 1;
        while half < F::LANES {
            let first = F::LANES / (2 * half) - 1;
            for block in 0..F::LANES / (2 * half) {
                for j in 2 * half * block..2 * half * block + half {
                    let difference = field.sub(y[j], y[j + half]);
                    y[j] = field.add(y[j], y[j + half]);
                    y[j + half] = field.mul(difference, factors[first + block]);
                }
            }
            half *= 2;
        }
        for y in &mut y[..F::LANES / 4] {
            *y = field.reduce(*y);
        }
        for (j, &y) in y.iter().enumerate().take(F::LANES) {
            field.store(&mut x[row_of::<F, S>(S * j + i)], y);
        }
    }
    for square in 0..S {
        field.transpose(&mut x[square..], S);
    }
}

/// Coefficient `i` of every leaf.
#[inline(always)]
fn load_column<F: Field, const S: usize>(field: F, x: &[F::Row], i: usize) -> [F::Vector; LANES_MAX] {
    let mut y = [field.load(&x[row_of::<F, S>(i)]); LANES_MAX];
    for (j, y) in y.iter_mut().enumerate().take(F::LANES) {
        *y = field.load(&x[row_of::<F, S>(S * j + i)]);
    }
    y
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
    let rows: [usize; S] = core::array::from_fn(|i| row_of::<F, S>(S * leaf + i));
    let x = rows.map(|row| field.reduce(field.load(&a[row])));
    let y = rows.map(|row| field.reduce(field.load(&b[row])));
    // What has run over the end comes back multiplied by the root.
    let wrapped = y.map(|y| {
        let product = field.mul(y, root);
        field.reduce(if negative { field.sub(field.splat(F::word(0)), product) } else { product })
    });
    for k in 0..S {
        let factor = |i: usize| if i <= k { y[k - i] } else { wrapped[S + k - i] };
        let mut sum = field.product(x[0], factor(0));
        for (i, &x) in x.iter().enumerate().skip(1) {
            sum = field.add_product(sum, x, factor(i));
        }
        field.store(&mut a[rows[k]], field.residue(sum));
        if BOTH {
            let mut sum = field.product(y[0], factor(0));
            for (i, &y) in y.iter().enumerate().skip(1) {
                sum = field.add_product(sum, y, factor(i));
            }
            field.store(&mut b[rows[k]], field.residue(sum));
        }
    }
}
