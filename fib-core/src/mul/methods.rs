//! The two methods to compute the numbers of a goal. Each asks for all of its memory and allocates it.
//! After that, only a cancellation makes it fail.

use alloc::vec::Vec;

use super::doubling::Numbers;
use super::engine::{Element, Engine};
use super::goal::{Admit, Goal};
use super::pair::FibonacciLucas;
use super::plan::Plan;
use crate::error::Exhausted;
use crate::limb::{LIMB_BYTES, Limb};

/// The numbers of the goal by schoolbook products.
pub(super) fn by_basecase(k: u64, goal: Goal, admit: Admit<'_>) -> Result<[Vec<Limb>; 2], Exhausted> {
    let lengths = goal.lengths(k)?;
    let space = FibonacciLucas::space(2 * k + 1).ok_or(Exhausted::too_long())?;
    admit((lengths[0] + lengths[1] + space) * LIMB_BYTES)?;
    let mut space = zeroed::<Limb>(space)?;
    let mut numbers = [zeroed(lengths[0])?, zeroed(lengths[1])?];
    let pair = FibonacciLucas::new(k, &mut space);
    match goal {
        Goal::Single { odd } => pair.single(odd, &mut numbers[0]),
        Goal::Pair => pair.pair(numbers.each_mut().map(Vec::as_mut_slice)),
    }
    Ok(numbers)
}

/// The numbers of the goal: by schoolbook products up to the first index that reaches `threshold`, then by transforms.
pub(super) fn by_transform<E: Engine>(
    engine: E,
    plan: Plan,
    threshold: u64,
    k: u64,
    goal: Goal,
    admit: Admit<'_>,
) -> Result<[Vec<Limb>; 2], Exhausted> {
    let lengths = goal.lengths(k)?;
    // The shortest prefix of the bits of k that reaches the threshold.
    let mut first = k;
    while first / 2 >= threshold {
        first /= 2;
    }
    let small = FibonacciLucas::space(first).ok_or(Exhausted::too_long())?;
    let elements = plan.elements::<E::Field>();
    let bytes = (lengths[0] + lengths[1] + small).checked_mul(LIMB_BYTES);
    let bytes = bytes.and_then(|bytes| bytes.checked_add(elements.checked_mul(size_of::<Element<E>>())?));
    admit(bytes.ok_or(Exhausted::too_long())?)?;
    let mut small = zeroed::<Limb>(small)?;
    let mut space = zeroed::<Element<E>>(elements)?;
    let mut numbers = [zeroed(lengths[0])?, zeroed(lengths[1])?];
    let pair = FibonacciLucas::new(first, &mut small);
    let mut doubled = Numbers::new(engine, plan, &pair, &mut space);
    doubled.double_up_to(k, admit)?;
    match goal {
        Goal::Single { odd } => doubled.single(odd, &mut numbers[0], admit)?,
        Goal::Pair => doubled.pair(numbers.each_mut().map(Vec::as_mut_slice), admit)?,
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
