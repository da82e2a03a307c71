//! The vector engine: residues in `f64`, several in a vector, and its choice by the kernel in use.

mod carry;
pub(in crate::mul) mod combine;
pub(in crate::mul) mod float;
mod halve;
mod lanes;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use self::carry::WIDTH;
use self::combine::{BASES, Combine, INVERSE};
use self::float::{Float, fields};
use self::halve::Halve;
use self::lanes::wide::Wide;
use self::lanes::{Lanes, Permute};
use super::cost;
use super::engine::{Base, Engine, HalvedSum, Scales};
use super::goal::{Admit, Goal};
use super::methods::{by_basecase, by_transform};
use super::plan::Plan;
use crate::arch::kernel::Kernel;
use crate::arch::{Avx2Fma, Avx512, current_kernel};
use crate::error::Exhausted;
use crate::limb::Limb;

/// From this index on, vectors of four lanes double a number by transforms. Measured on Zen 5, as the one below.
const LANES_4_THRESHOLD: u64 = 5_000;

/// The same for eight lanes.
const LANES_8_THRESHOLD: u64 = 5_000;

/// The numbers of the goal; `None` where the portable kernel is in use, the CPU lacks FMA, or the numbers are too long for the
/// bases of the vectors.
pub(super) fn compute(k: u64, goal: Goal, admit: Admit<'_>) -> Option<Result<[Vec<Limb>; 2], Exhausted>> {
    match current_kernel() {
        Kernel::Portable => None,
        Kernel::Avx2 => by_vectors(Avx2Fma::new()?, LANES_4_THRESHOLD, k, goal, admit),
        Kernel::Avx512 => by_vectors(Avx512::new()?, LANES_8_THRESHOLD, k, goal, admit),
    }
}

/// [`cost_of_pair`](super::cost_of_pair) of the doubling from k, by the vectors in use.
pub(super) fn cost(k: u64) -> Option<u64> {
    match current_kernel() {
        Kernel::Portable => None,
        Kernel::Avx2 => {
            Avx2Fma::new().and_then(|_| cost::LANES_4.of_pair::<Float<Avx2Fma>>(k, LANES_4_THRESHOLD, &BASES))
        }
        Kernel::Avx512 => {
            Avx512::new().and_then(|_| cost::LANES_8.of_pair::<Float<Avx512>>(k, LANES_8_THRESHOLD, &BASES))
        }
    }
}

fn by_vectors<L: Permute>(
    lanes: L,
    threshold: u64,
    k: u64,
    goal: Goal,
    admit: Admit<'_>,
) -> Option<Result<[Vec<Limb>; 2], Exhausted>> {
    if k < threshold {
        return Some(by_basecase(k, goal, admit));
    }
    let plan = Plan::new::<Float<L>>(k, goal, &BASES)?;
    Some(by_transform(Vector::new(lanes, plan.base), plan, threshold, k, goal, admit))
}

/// The engine on vectors of one width.
#[derive(Clone, Copy)]
pub(super) struct Vector<L> {
    lanes: L,
    base: Base,
}

impl<L: Lanes> Vector<L> {
    pub(super) const fn new(lanes: L, base: Base) -> Self {
        Self { lanes, base }
    }
}

impl<L: Permute> Engine for Vector<L> {
    type Field = Float<L>;

    const STEP: usize = WIDTH * L::LANES;

    fn fields(self) -> [Float<L>; 2] {
        fields(self.lanes)
    }

    fn base(self) -> Base {
        self.base
    }

    fn combine(self, [first, second]: [&mut [f64]; 2], levels: usize) {
        let scales = Scales::new(self.fields(), INVERSE, levels);
        let fields = fields(Wide::<L, WIDTH>(self.lanes));
        self.lanes.run(Combine { fields, scales, base: self.base, first, second });
    }

    fn halve(self, f: &mut [f64], l: &mut [f64], which: HalvedSum) {
        let lanes = Wide::<L, WIDTH>(self.lanes);
        lanes.run(Halve { lanes, base: self.base, f, l, which });
    }
}
