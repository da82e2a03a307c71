//! F(n) for any n from nothing, in decimal digits all the way.
//!
//! Beside the Fibonacci numbers stand the Lucas numbers L(k) = F(k−1) + F(k+1). One product and one square double the index,
//! F(2k) = F(k)·L(k) and L(2k) = L(k)² − 2·(−1)^k, and two halved sums advance it by one, F(k+1) = (F(k) + L(k))/2 and
//! L(k+1) = (5F(k) + L(k))/2 (Knuth, The Art of Computer Programming, section 1.2.8). No intermediate result is negative. The
//! last doubling needs one product only: F(2k) as above, or F(2k+1) = F(k)·L(k+1) + (−1)^k.
//!
//! A [`goal`] is F(2k), F(2k+1) or both, so k is half of the index, rounded down.
//!
//! 1. [`pair`] doubles short numbers in limbs, by schoolbook products ([`basecase`]).
//! 2. [`regroup`] turns limbs into the coefficients of a transform, once. A coefficient has 11 to 16 decimal digits.
//! 3. [`doubling`] doubles long numbers by transforms modulo two [`prime`]s: [`transform`] with the [`butterfly`] down to
//!    products in the [`leaf`], and back. [`plan`] and [`shape`] say how large the transforms are.
//! 4. [`engine`] turns residues into coefficients, by the Chinese remainder and carries, and computes the halved sums.
//! 5. [`regroup`] turns coefficients into limbs, once.
//!
//! [`methods`] allocates all memory and runs these steps. Code generic over `Field` and `Engine` is instantiated for
//! integers ([`integer`] and [`portable`]), and for `f64` with FMA (`vector`, with vectors of two widths). A radix-4
//! butterfly takes 35 instructions in `f64`. It would take 36 with AVX-512 IFMA, and AVX2 has no such instructions: so there is
//! no third engine.
//!
//! All heavy code is compiled in this crate: the public functions that lead here only dispatch.

mod basecase;
mod butterfly;
mod cost;
mod doubling;
mod engine;
mod field;
mod goal;
mod integer;
mod leaf;
mod methods;
mod pair;
mod plan;
mod portable;
mod prime;
mod regroup;
mod roots;
mod shape;
#[cfg(test)]
mod tests;
mod transform;
mod u128_halves;
#[cfg(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable)))]
mod vector;

use alloc::vec::Vec;

use crate::arch;
use crate::error::Exhausted;
use crate::limb::Limb;
use goal::{Admit, Goal};
use integer::Integer;
use methods::{by_basecase, by_transform};
use plan::Plan;
use portable::Portable;

/// From this index on, the portable engine doubles a number by transforms. Measured on Zen 5, where a product of two limbs
/// takes about 2 cycles.
const PORTABLE_THRESHOLD: u64 = 11_000;

/// About how long [`fibonacci_pair`] takes for the index, in picoseconds; `None` for an index that is too long.
pub(crate) fn cost_of_pair(index: u64) -> Option<u64> {
    let k = index.saturating_sub(1) / 2;
    #[cfg(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable)))]
    if let Some(cost) = vector::cost(k) {
        return Some(cost);
    }
    cost::PORTABLE.of_pair::<Integer>(k, PORTABLE_THRESHOLD, &portable::BASES)
}

/// The limbs of F(index).
pub(crate) fn fibonacci(index: u64, admit: Admit<'_>) -> Result<Vec<Limb>, Exhausted> {
    let odd = index % 2 == 1;
    let [mut number, _] = compute(index / 2, Goal::Single { odd }, admit)?;
    trim(&mut number);
    Ok(number)
}

/// The limbs of F(index − 1) and F(index), the one with an even index first. The index is at least 1.
pub(crate) fn fibonacci_pair(index: u64, admit: Admit<'_>) -> Result<[Vec<Limb>; 2], Exhausted> {
    // From F(2k) and F(2k + 1): the index is 2k + 1, or 2k + 2 and one addition away.
    let [mut even, mut odd] = compute((index - 1) / 2, Goal::Pair, admit)?;
    if index.is_multiple_of(2) {
        let carry = arch::add_decimal_in_place(&mut even, &odd, false);
        debug_assert!(!carry, "the sum fits: the numbers of a pair have room for it");
    }
    trim(&mut even);
    trim(&mut odd);
    Ok([even, odd])
}

/// The numbers of the goal, with zeros up to the [lengths](Goal::lengths).
fn compute(k: u64, goal: Goal, admit: Admit<'_>) -> Result<[Vec<Limb>; 2], Exhausted> {
    #[cfg(all(target_feature = "sse2", target_pointer_width = "64", not(fib_portable)))]
    if let Some(numbers) = vector::compute(k, goal, admit) {
        return numbers;
    }
    if k < PORTABLE_THRESHOLD {
        return by_basecase(k, goal, admit);
    }
    let plan = Plan::new::<Integer>(k, goal, &portable::BASES).ok_or(Exhausted::too_long())?;
    by_transform(Portable::new(plan.base), plan, PORTABLE_THRESHOLD, k, goal, admit)
}

/// Drops the zeros at the end of a number whose length was only bounded from above.
fn trim(limbs: &mut Vec<Limb>) {
    while limbs.last() == Some(&0) {
        limbs.pop();
    }
}
