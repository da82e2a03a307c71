//! Convolution by a number-theoretic transform.
//!
//! The ring is that of polynomials modulo x^N − 1 and a prime, N = S·2^k. It is split in halves again and again: since
//! x^2m − r² = (x^m − r)(x^m + r), the coefficients from x^m on, multiplied by r, are added to the lower ones for the one
//! half and subtracted for the other. The roots r of all blocks of a level stand in bit-reversed order, one a block, so that
//! one table serves all levels and all sizes (Bernstein, "Multidigit multiplication for mathematicians", sections 2 to 4).
//! It ends at polynomials of S coefficients, which the [`leaf`] multiplies by the school method: so any S from 4 to 7 will
//! do, sizes are dense, and no odd radix is needed.
//!
//! Two levels at a time (radix 4), and depth first: both factors of a block are transformed, multiplied and transformed back
//! before the next block is looked at, so that most of the work happens in the nearest cache, at any size.

use core::mem;

use super::field::{Factor, Field, Op};
use super::leaf;
use super::prime::LOG_ORDER;
use super::roots::{Roots, Table};

/// The fewest and the most coefficients of a leaf.
pub(super) const LEAF_MIN: usize = 4;
/// The most coefficients of a leaf, and so the most products that are summed before they are reduced.
pub(super) const LEAF_MAX: usize = 7;

// So the larger of two sizes never has fewer levels, and its table of roots serves the other.
const _: () = assert!(LEAF_MAX < 2 * LEAF_MIN);

/// The size of a transform: `leaf·LANES²·2^log_groups` coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// Coefficients of a leaf.
    pub(super) leaf: usize,
    /// A group is as many leaves as a vector has lanes, squared. There are at least two groups.
    pub(super) log_groups: usize,
}

impl Size {
    /// The least size with at least `coefficients`; `None` where the roots of unity do not reach.
    pub(super) fn at_least<F: Field>(coefficients: usize) -> Option<Self> {
        let sizes = (LEAF_MIN..=LEAF_MAX).filter_map(|leaf| {
            let groups = coefficients.div_ceil(leaf * F::LANES * F::LANES).max(2);
            let log_groups = groups.checked_next_power_of_two()?.ilog2() as usize;
            let size = Self { leaf, log_groups };
            (size.levels::<F>() <= LOG_ORDER).then_some(size)
        });
        sizes.min_by_key(|size| size.coefficients::<F>())
    }

    pub(super) const fn coefficients<F: Field>(self) -> usize {
        (self.leaf * F::LANES * F::LANES) << self.log_groups
    }

    /// How often a block is halved on the way to the leaves.
    pub(super) const fn levels<F: Field>(self) -> usize {
        self.log_groups + 2 * F::LANES.ilog2() as usize
    }

    /// Levels that [`First`] and [`Last`] do.
    const fn outer_levels(self) -> usize {
        match self.log_groups {
            1 => 1,
            even if even % 2 == 0 => 2,
            _ => 3,
        }
    }

    /// Roots of unity that the transform uses.
    pub(super) const fn roots<F: Field>(self) -> usize {
        1 << (self.levels::<F>() - 1)
    }
}

/// Splits a block in four. Of the first quarter nothing is multiplied on the way, so that it is reduced before: how large
/// residues get is shown where their field is (`words.rs`, `vector/float.rs`).
#[inline(always)]
fn split_4<F: Field>(field: F, x: [F::Vector; 4], w: &[Factor<F::Vector>; 3]) -> [F::Vector; 4] {
    let x0 = field.reduce(x[0]);
    let (x2, x3) = (field.mul(x[2], w[0]), field.mul(x[3], w[0]));
    let (y0, y2) = (field.add(x0, x2), field.sub(x0, x2));
    let (y1, y3) = (field.add(x[1], x3), field.sub(x[1], x3));
    let (y1, y3) = (field.mul(y1, w[1]), field.mul(y3, w[2]));
    [field.add(y0, y1), field.sub(y0, y1), field.add(y2, y3), field.sub(y2, y3)]
}

/// Joins four blocks, with the inverse roots: four times what [`split_4`] was given.
#[inline(always)]
fn join_4<F: Field>(field: F, y: [F::Vector; 4], w: &[Factor<F::Vector>; 3]) -> [F::Vector; 4] {
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
fn parts<T, const N: usize>(slice: &mut [T]) -> [&mut [T]; N] {
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
fn load_4<F: Field>(field: F, x: &[&mut [F::Row]; 4], i: usize) -> [F::Vector; 4] {
    [field.load(&x[0][i]), field.load(&x[1][i]), field.load(&x[2][i]), field.load(&x[3][i])]
}

#[inline(always)]
fn store_4<F: Field>(field: F, x: &mut [&mut [F::Row]; 4], i: usize, y: [F::Vector; 4]) {
    for (part, y) in x.iter_mut().zip(y) {
        field.store(&mut part[i], y);
    }
}

/// [`split_4`] of the block `t`, or with `JOIN` [`join_4`].
struct Radix4<'a, F: Field, const JOIN: bool> {
    field: F,
    x: &'a mut [F::Row],
    table: &'a Table<'a, F>,
    t: usize,
}

impl<F: Field, const JOIN: bool> Op for Radix4<'_, F, JOIN> {
    #[inline(always)]
    fn run(self) {
        let field = self.field;
        let w = self.table.radix_4(field, self.t);
        let mut x = parts(self.x);
        for i in 0..x[3].len() {
            let before = load_4(field, &x, i);
            let after = if JOIN { join_4(field, before, &w) } else { split_4(field, before, &w) };
            store_4(field, &mut x, i, after);
        }
    }
}

/// The first levels, 1 to 3 of them, so that an even number is left for radix 4. The upper half of the coefficients is zero,
/// so that the first level is a copy.
pub(super) struct First<'a, F: Field> {
    pub(super) field: F,
    /// The digits, at least half of the coefficients; `None` where they are in the lower half of `to` itself.
    pub(super) digits: Option<&'a [F::Row]>,
    pub(super) to: &'a mut [F::Row],
    pub(super) roots: &'a Roots<'a, F>,
    pub(super) size: Size,
}

impl<F: Field> Op for First<'_, F> {
    #[inline(always)]
    fn run(self) {
        let Self { field, digits, to, roots, size } = self;
        let table = &roots.forward;
        match size.outer_levels() {
            1 => {
                let [low, high] = parts(to);
                if let Some(digits) = digits {
                    low.copy_from_slice(&digits[..low.len()]);
                }
                high.copy_from_slice(low);
            }
            2 => {
                let quarter_turn = table.splat(field, 1);
                let mut to = parts(to);
                let len = to[3].len();
                for i in 0..len {
                    let (x0, x1) = match digits {
                        Some(x) => (field.load(&x[i]), field.load(&x[len + i])),
                        None => (field.load(&to[0][i]), field.load(&to[1][i])),
                    };
                    let turned = field.mul(x1, quarter_turn);
                    let split = [field.add(x0, x1), field.sub(x0, x1), field.add(x0, turned), field.sub(x0, turned)];
                    store_4(field, &mut to, i, split);
                }
            }
            _ => {
                let w = [table.radix_4(field, 0), table.radix_4(field, 1)];
                let mut to: [_; 2] = parts::<_, 2>(to).map(parts);
                let len = to[1][3].len();
                for i in 0..len {
                    let x = match digits {
                        Some(x) => {
                            let [x0, x1, x2, x3] = [&x[i], &x[len + i], &x[2 * len + i], &x[3 * len + i]];
                            [field.load(x0), field.load(x1), field.load(x2), field.load(x3)]
                        }
                        None => load_4(field, &to[0], i),
                    };
                    for (w, half) in w.iter().zip(&mut to) {
                        store_4(field, half, i, split_4(field, x, w));
                    }
                }
            }
        }
    }
}

/// The inverse of [`First`], in place, all coefficients of the result.
struct Last<'a, F: Field> {
    field: F,
    x: &'a mut [F::Row],
    roots: &'a Roots<'a, F>,
    levels: usize,
}

impl<F: Field> Op for Last<'_, F> {
    #[inline(always)]
    fn run(self) {
        let field = self.field;
        let table = &self.roots.inverse;
        match self.levels {
            1 => {
                let [low, high] = parts(self.x);
                for (low, high) in low.iter_mut().zip(high) {
                    let (x0, x1) = (field.load(low), field.load(high));
                    field.store(low, field.add(x0, x1));
                    field.store(high, field.sub_sum(x0, x1));
                }
            }
            2 => Radix4::<F, true> { field, x: self.x, table, t: 0 }.run(),
            _ => {
                let w = [table.radix_4(field, 0), table.radix_4(field, 1)];
                let [low, high] = parts(self.x);
                let (mut low, mut high) = (parts(low), parts(high));
                for i in 0..low[3].len().min(high[3].len()) {
                    let x0 = join_4(field, load_4(field, &low, i), &w[0]);
                    let x1 = join_4(field, load_4(field, &high, i), &w[1]);
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

/// What to multiply.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Products {
    /// a·b, in the place of a. What is left of b is of no use.
    One,
    /// a·b in the place of a, and b² in the place of b.
    Both,
}

/// Multiplies what [`First`] has made of two polynomials. The coefficients of the products come out multiplied by
/// 2^levels / [`Field::sum_scale`].
pub(super) fn multiply<F: Field>(
    field: F,
    size: Size,
    roots: &Roots<'_, F>,
    a: &mut [F::Row],
    b: &mut [F::Row],
    products: Products,
) {
    let outer = size.outer_levels();
    let inner = (size.log_groups - outer) / 2;
    let group_rows = size.leaf * F::LANES;
    for group in 0..1_usize << size.log_groups {
        // The blocks that begin at this group, the largest first; then the group; then the blocks that end with it.
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
    field.run(Last { field, x: a, roots, levels });
    if products == Products::Both {
        field.run(Last { field, x: b, roots, levels });
    }
}
