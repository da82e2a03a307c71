//! How long a jump takes: a model, for the choice between a jump and near jumps.
//!
//! Transforms: a fixed time, and for each doubling its coefficients times `coefficient + level·log2(k)`. Schoolbook products
//! in L limbs: a part for each doubling, one proportional to L, and one to L². Fitted to jumps measured on Zen 5; up to
//! F(2,000,000) the model is off by 10 % at most indices, and by up to 25 % just above the thresholds. Above, where the
//! allocator takes its memory from the system each time, a jump takes up to twice as long.

use super::engine::Base;
use super::field::Field;
use super::goal::Goal;
use super::plan::Plan;
use crate::radix::Decimal;
use crate::small::LUCAS_LAST;

/// The costs of an engine, in picoseconds.
pub(super) struct Transforms {
    fixed: u64,
    coefficient: u64,
    level: u64,
}

pub(super) const PORTABLE: Transforms = Transforms { fixed: 10_000_000, coefficient: 8_500, level: 3_300 };
#[cfg(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable)))]
pub(super) const LANES_4: Transforms = Transforms { fixed: 3_000_000, coefficient: 10_700, level: 600 };
#[cfg(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable)))]
pub(super) const LANES_8: Transforms = Transforms { fixed: 3_400_000, coefficient: 6_000, level: 400 };

impl Transforms {
    /// The cost of doubling up to the pair from k, by transforms from `threshold` on; `None` where they are too long for
    /// every base.
    pub(super) fn of_pair<F: Field>(&self, mut k: u64, threshold: u64, bases: &[Base]) -> Option<u64> {
        if k < threshold {
            return Some(by_basecase(k));
        }
        let mut cost = self.fixed;
        while k >= threshold {
            let size = Plan::new::<F>(k, Goal::Pair, bases)?.size;
            let coefficients = size.coefficients::<F>() as u64;
            cost = cost
                .saturating_add((self.coefficient + self.level * u64::from(k.ilog2())).saturating_mul(coefficients));
            k /= 2;
        }
        Some(cost)
    }
}

/// The same by schoolbook products.
fn by_basecase(k: u64) -> u64 {
    let doublings = u64::from((k / LUCAS_LAST as u64 + 1).ilog2());
    let limbs = Decimal::limbs_for(2 * k + 2) as u64;
    43_000 + 7_000 * doublings + 30_200 * limbs + 254 * limbs * limbs
}
