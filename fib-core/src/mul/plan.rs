//! The base, the size and the memory for the doubling of a pair of numbers by transforms.

use super::engine::Base;
use super::field::Field;
use super::goal::Goal;
use super::roots::RootTables;
use super::shape::Size;
use crate::radix::Decimal;

/// Zeros after each transform: [`Engine::halve`](super::engine::Engine::halve) reads one element more than a multiple of
/// [`STEP`](super::engine::Engine::STEP), which is at most 32, and 33 is rounded up to whole cache lines.
pub(super) const PADDING: usize = 40;

/// Elements of a cache line. Buffers begin at the start of one.
pub(super) const LINE: usize = 8;

/// The memory of a doubling: see [`Numbers`](super::doubling::Numbers).
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) base: Base,
    /// The size of the largest transform.
    pub(super) size: Size,
    /// Elements from the start of F's coefficients to the start of L's.
    pub(super) stride: usize,
}

impl Plan {
    /// The plan for the products of F(`k`) and of L(`k`) or L(`k` + 1); `None` where they are too long for every base, or for
    /// the roots of unity.
    ///
    /// A single number takes less memory than a pair, since its only product is F·L: see
    /// [`Numbers::single`](super::doubling::Numbers::single).
    pub(super) fn new<F: Field>(k: u64, goal: Goal, bases: &[Base]) -> Option<Self> {
        // L(m) has at most one decimal digit more than F(m), since L(m) < 3·F(m).
        let coefficients = |index: u64, base: Base| {
            let digits = usize::try_from(Decimal::digits_for(index)).ok()?.checked_add(1)?;
            Some(digits.div_ceil(base.digits))
        };
        bases.iter().find_map(|&base| {
            let longest = coefficients(k.checked_add(1)?, base)?;
            let size = Size::at_least::<F>(longest.checked_mul(2)?)?;
            let before = Size::at_least::<F>(2 * coefficients(k / 2 + 1, base)?)?;
            let len = match goal {
                Goal::Pair => size.coefficients::<F>(),
                Goal::Single { .. } => before.coefficients::<F>().max(size.coefficients::<F>() / 2),
            };
            let stride = len.next_multiple_of(LINE) + PADDING;
            (longest as u64 <= base.longest).then_some(Self { base, size, stride })
        })
    }

    /// Elements for the residues of one number modulo the second prime.
    pub(super) fn residues<F: Field>(self) -> usize {
        self.size.coefficients::<F>() + PADDING
    }

    /// Elements of memory in all.
    pub(super) fn elements<F: Field>(self) -> usize {
        2 * self.stride + 2 * self.residues::<F>() + 2 * RootTables::<F>::ELEMENTS * self.size.roots::<F>() + LINE
    }
}
