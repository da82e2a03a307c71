//! What a step of a sequence costs, and what a product of a matrix and its pair of numbers costs.
//!
//! Both take a fixed time and a time for each limb. Measured on Zen 5, from 2 limbs to 110,000. Only ratios decide: a product pays
//! from 4 to 10 steps on with vectors or portable code, and from 17 with AVX2, which has no kernel for it.

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

#[cfg(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable)))]
pub(super) static DECIMAL_AVX2: Costs =
    Costs { step: [8_500, 240], product: [45_000, 3_550], steps_max: matrix::STEPS_MAX };

#[cfg(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable)))]
pub(super) static DECIMAL_AVX512: Costs =
    Costs { step: [9_000, 108], product: [38_000, 650], steps_max: super::x86_64::AVX512_STEPS_MAX };

impl Costs {
    pub(crate) const fn step(&self, limbs: usize) -> u64 {
        self.step[0] + self.step[1] * limbs as u64
    }

    pub(crate) const fn product(&self, limbs: usize) -> u64 {
        self.product[0] + self.product[1] * limbs as u64
    }
}
