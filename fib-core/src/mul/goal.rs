//! What to compute from F(k) and L(k), how many limbs the results have, and the callback that can refuse it.

use crate::error::Exhausted;
use crate::radix::Decimal;

/// Which numbers to compute from F(k) and L(k).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// F(2k), or F(2k + 1).
    Single { odd: bool },
    /// F(2k) and F(2k + 1).
    Pair,
}

/// Consulted before anything is allocated, with the number of bytes that the computation allocates in all. It is consulted
/// again, with 0, before the products modulo each prime, and cancels the computation if it refuses.
pub(super) type Admit<'a> = &'a mut dyn FnMut(usize) -> Result<(), Exhausted>;

impl Goal {
    /// Limbs of the two results. Each number of a pair gets as many as F(2k + 2) has. The second result of
    /// [`Single`](Goal::Single) is empty.
    pub(super) fn lengths(self, k: u64) -> Result<[usize; 2], Exhausted> {
        let limbs = |beyond: u64| {
            let index = k.checked_mul(2)?.checked_add(beyond)?;
            Some(Decimal::limbs_for(index))
        };
        let lengths = match self {
            Self::Single { odd } => limbs(odd.into()).map(|len| [len, 0]),
            Self::Pair => limbs(2).map(|len| [len; 2]),
        };
        lengths.ok_or(Exhausted::too_long())
    }
}
