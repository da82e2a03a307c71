//! The size of a transform and of its leaves, and which products it computes.

use super::field::Field;
use super::prime::LOG_ORDER;

/// The fewest coefficients of a leaf.
pub(super) const LEAF_MIN: usize = 4;
/// The most coefficients of a leaf, and so the most products that are summed before the sum is reduced.
pub(super) const LEAF_MAX: usize = 7;

// So the larger of two sizes never has fewer levels, and its table of roots serves the other one.
const _: () = assert!(LEAF_MAX < 2 * LEAF_MIN);

/// The size of a transform: `leaf·LANES²·2^log_groups` coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// Coefficients of a leaf.
    pub(super) leaf: usize,
    /// The binary logarithm of the number of groups, at least [`Size::log_groups_min`]. A group has LANES² leaves.
    pub(super) log_groups: usize,
}

impl Size {
    /// The smallest size with at least `coefficients` coefficients; `None` where there are no roots of unity of the order.
    pub(super) fn at_least<F: Field>(coefficients: usize) -> Option<Self> {
        let sizes = (LEAF_MIN..=LEAF_MAX).filter_map(|leaf| {
            let groups = coefficients.div_ceil(leaf * F::LANES * F::LANES).max(1 << Self::log_groups_min::<F>());
            let log_groups = groups.checked_next_power_of_two()?.ilog2() as usize;
            let size = Self { leaf, log_groups };
            (size.levels::<F>() <= LOG_ORDER).then_some(size)
        });
        sizes.min_by_key(|size| size.coefficients::<F>())
    }

    /// The least [`Size::log_groups`]. With one lane, a single group has no levels, and so no roots.
    pub(super) const fn log_groups_min<F: Field>() -> usize {
        (F::LANES == 1) as usize
    }

    /// Coefficients of the transform.
    pub(super) const fn coefficients<F: Field>(self) -> usize {
        (self.leaf * F::LANES * F::LANES) << self.log_groups
    }

    /// Levels of the transform: how often the ring is split in halves down to the leaves.
    pub(super) const fn levels<F: Field>(self) -> usize {
        self.log_groups + 2 * F::LANES.ilog2() as usize
    }

    /// The largest levels, which are done apart so that an even number is left for radix 4.
    pub(super) const fn outer_levels(self) -> usize {
        match self.log_groups {
            less @ (0 | 1) => less,
            even if even % 2 == 0 => 2,
            _ => 3,
        }
    }

    /// Roots of unity that the transform uses.
    pub(super) const fn roots<F: Field>(self) -> usize {
        1 << (self.levels::<F>() - 1)
    }
}

/// Which products of two polynomials a and b to compute.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Products {
    /// a·b in the place of a. The contents of b are unspecified afterwards.
    One,
    /// a·b in the place of a, and b² in the place of b.
    Both,
}
