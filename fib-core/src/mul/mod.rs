//! The jump: F(n) for any n from nothing, in decimal digits all the way.
//!
//! With the Lucas numbers L(k) = F(k−1) + F(k+1) beside the Fibonacci numbers an index is doubled by one product and one
//! square, F(2k) = F(k)·L(k) and L(2k) = L(k)² − 2·(−1)^k, and goes on by one with two halved sums, F(k+1) =
//! (F(k) + L(k))/2 and L(k+1) = (5F(k) + L(k))/2 (Knuth, The Art of Computer Programming, section 1.2.8). Nothing is
//! negative on the way. The last doubling needs one product only: F(2k) as above, or F(2k+1) = F(k)·L(k+1) + (−1)^k.
//!
//! 1. [`pair`]: short numbers, in limbs, by the school method ([`basecase`]).
//! 2. [`digits`]: limbs are split into the smaller digits of a transform, once.
//! 3. [`doubling`] by transforms modulo two [`prime`]s: [`transform`] down to products in the [`leaf`] and back.
//! 4. [`engine`]: by the Chinese remainder and carries back to digits; the halved sums.
//! 5. [`digits`]: joined to limbs, once.
//!
//! What is written over the traits `Field` and `Engine` exists twice: in integers ([`words`] and [`portable`]), and in `f64`
//! with FMA (`vector`, over vectors of two widths). Splitting a block in four takes 35 instructions in `f64`, and would take
//! 36 with AVX-512 IFMA, which AVX2 does not have: so there is no third.
//!
//! All that is heavy is compiled in this crate: the public functions that lead here only dispatch.

mod basecase;
mod digits;
mod doubling;
mod engine;
mod field;
mod halves;
mod leaf;
mod pair;
mod portable;
mod prime;
mod roots;
#[cfg(test)]
mod tests;
mod transform;
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(fib_limb32)))]
mod vector;
mod words;

use alloc::vec::Vec;

use crate::arch;
use crate::error::Exhausted;
use crate::limb::{LIMB_BYTES, Limb};
use crate::radix::Decimal;
use crate::storage::{Heap, sealed::Limbs};
use doubling::{Numbers, Plan};
use engine::{Engine, Word};
use pair::Pair;
use portable::Portable;
use words::Words;

/// From this index on a number is doubled by a transform of the portable engine. Measured on Zen 5, where 3 cycles are a
/// product of two limbs.
const PORTABLE_THRESHOLD: u64 = 7_000;

/// Asked before anything is allocated, with all the bytes that will be.
type Admit<'a> = &'a mut dyn FnMut(usize) -> Result<(), Exhausted>;

/// Which numbers to compute from F(k) and L(k).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// F(2k), or F(2k + 1).
    Single { odd: bool },
    /// F(2k) and F(2k + 1).
    Pair,
}

/// F(index).
pub(crate) fn fibonacci(index: u64, admit: Admit<'_>) -> Result<Heap, Exhausted> {
    let odd = index % 2 == 1;
    let [mut number, _] = compute(index / 2, Goal::Single { odd }, admit)?;
    number.trim();
    Ok(number)
}

/// F(index − 1) and F(index), the one with an even index first, for an index of at least 1.
pub(crate) fn fibonacci_pair(index: u64, admit: Admit<'_>) -> Result<[Heap; 2], Exhausted> {
    // From F(2k) and F(2k + 1): the index is 2k + 1, or 2k + 2 and one addition away.
    let [mut even, mut odd] = compute((index - 1) / 2, Goal::Pair, admit)?;
    if index.is_multiple_of(2) {
        let carry = arch::add_decimal_in_place(even.limbs_mut(), odd.limbs(), false);
        debug_assert!(!carry, "there was room for the sum");
    }
    even.trim();
    odd.trim();
    Ok([even, odd])
}

/// The numbers of the goal, with room for the number after a pair; beside a single one stands an empty one.
fn compute(last: u64, goal: Goal, admit: Admit<'_>) -> Result<[Heap; 2], Exhausted> {
    #[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(fib_limb32)))]
    if let Some(numbers) = vector::compute(last, goal, admit) {
        return numbers;
    }
    if last < PORTABLE_THRESHOLD {
        return by_basecase(last, goal, admit);
    }
    let plan = Plan::new::<Words>(last, goal, &portable::BASES).ok_or(Exhausted::capacity())?;
    by_transform(Portable::new(plan.base), plan, PORTABLE_THRESHOLD, last, goal, admit)
}

/// Limbs of the numbers of a goal.
fn lengths(last: u64, goal: Goal) -> Result<[usize; 2], Exhausted> {
    let limbs = |beyond: u64| {
        let index = last.checked_mul(2)?.checked_add(beyond)?;
        Some(Decimal::limbs_for(index))
    };
    let lengths = match goal {
        Goal::Single { odd } => limbs(odd.into()).map(|len| [len, 0]),
        Goal::Pair => limbs(2).map(|len| [len; 2]),
    };
    lengths.ok_or(Exhausted::capacity())
}

fn by_basecase(last: u64, goal: Goal, admit: Admit<'_>) -> Result<[Heap; 2], Exhausted> {
    let lengths = lengths(last, goal)?;
    let space = Pair::space(2 * last + 1).ok_or(Exhausted::capacity())?;
    admit((lengths[0] + lengths[1] + space) * LIMB_BYTES)?;
    let mut space = zeroed::<Limb>(space)?;
    let mut numbers = [Heap::zeroed(lengths[0])?, Heap::zeroed(lengths[1])?];
    let pair = Pair::new(last, &mut space);
    match goal {
        Goal::Single { odd } => pair.single(odd, numbers[0].limbs_mut()),
        Goal::Pair => pair.pair(numbers.each_mut().map(Heap::limbs_mut)),
    }
    Ok(numbers)
}

fn by_transform<E: Engine>(
    engine: E,
    plan: Plan,
    threshold: u64,
    last: u64,
    goal: Goal,
    admit: Admit<'_>,
) -> Result<[Heap; 2], Exhausted> {
    let lengths = lengths(last, goal)?;
    // The first bits of the index, as few as reach the threshold.
    let mut first = last;
    while first / 2 >= threshold {
        first /= 2;
    }
    let small = Pair::space(first).ok_or(Exhausted::capacity())?;
    let words = plan.words::<E::Field>();
    let bytes = (lengths[0] + lengths[1] + small).checked_mul(LIMB_BYTES);
    let bytes = bytes.and_then(|bytes| bytes.checked_add(words.checked_mul(size_of::<Word<E>>())?));
    admit(bytes.ok_or(Exhausted::capacity())?)?;
    let mut small = zeroed::<Limb>(small)?;
    let mut space = zeroed::<Word<E>>(words)?;
    let mut numbers = [Heap::zeroed(lengths[0])?, Heap::zeroed(lengths[1])?];
    let pair = Pair::new(first, &mut small);
    let mut doubled = Numbers::new(engine, plan, &pair, &mut space);
    doubled.double_up_to(last);
    match goal {
        Goal::Single { odd } => doubled.single(odd, numbers[0].limbs_mut()),
        Goal::Pair => doubled.pair(numbers.each_mut().map(Heap::limbs_mut)),
    }
    Ok(numbers)
}

/// `len` zeros.
fn zeroed<T: Copy + Default>(len: usize) -> Result<Vec<T>, Exhausted> {
    let mut space = Vec::new();
    space.try_reserve_exact(len).map_err(|_| Exhausted::allocation())?;
    space.resize(len, T::default());
    Ok(space)
}
