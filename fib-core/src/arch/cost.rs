//! What a step of a sequence costs, and what a product of a matrix and its pair of numbers costs.
//!
//! Both take a fixed time and a time for each limb. Measured on Zen 5, from 2 limbs to 110,000. Only ratios decide: a product
//! pays from 4 to 10 steps on with vectors or portable code, and from 17 with AVX2, which has no kernel for it.

use super::matrix;

/// The costs of one radix and kernel, in picoseconds. Only their ratios matter.
pub struct Costs {
    /// A step of numbers of n limbs takes `step[0] + step[1]·n`.
    pub(crate) step: [u64; 2],
    /// A product takes `product[0] + product[1]·n`.
    pub(crate) product: [u64; 2],
    /// The most steps that one product can stand for.
    pub(crate) steps_max: usize,
}

pub(crate) static BINARY: Costs = Costs { step: [7_000, 300], product: [65_000, 1_550], steps_max: matrix::STEPS_MAX };

pub(super) static DECIMAL_PORTABLE: Costs =
    Costs { step: [9_000, 390], product: [45_000, 3_550], steps_max: matrix::STEPS_MAX };

impl Costs {
    pub(crate) const fn step(&self, limbs: usize) -> u64 {
        cost(self.step, limbs)
    }

    pub(crate) const fn product(&self, limbs: usize) -> u64 {
        cost(self.product, limbs)
    }
}

const fn cost([fixed, limb]: [u64; 2], limbs: usize) -> u64 {
    limb.saturating_mul(limbs as u64).saturating_add(fixed)
}
