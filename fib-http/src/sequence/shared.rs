//! A position that other processes share: each number needs a turn, and others take numbers in between.

use std::io;

use fib_core::{Decimal, Limb};

use super::memory::EXEMPT_BYTES;
use super::{RESPONSE_BYTES, SOCKET_BYTES, Sequence, Shortage, Turn};
use crate::position::Unavailable;
use crate::position::postgres::SharedStore;

impl Sequence {
    /// Whether [`take`](Self::take) needs a [`turn`](Self::turn), since other processes share the position.
    pub(crate) fn is_shared(&self) -> bool {
        self.store.shared().is_some()
    }

    /// What precedes [`take`](Self::take) where the position is shared: the right to take a position, to be kept until `take`
    /// has returned. No position is taken where there is no memory for the number; what is taken and cannot be given
    /// nevertheless goes to the next request.
    ///
    /// # Errors
    /// The shortage, where memory is too short for the furthest number that may come.
    pub(crate) fn turn(&mut self) -> Result<impl Future<Output = Result<Turn, Unavailable>> + use<>, Shortage> {
        while let Err(shortage) = self.check_furthest() {
            self.remedy(shortage)?;
        }
        let turn = self.store.shared().map(SharedStore::turn);
        let turn = turn.ok_or_else(|| Unavailable::new(io::Error::other("the position is not shared")))?;
        Ok(turn)
    }

    /// Checks that there is memory for the number that comes next if no other process takes one.
    fn check_furthest(&mut self) -> Result<(), Shortage> {
        let index = self.store.next().index;
        let bytes = Decimal::limbs_for(index) * size_of::<Limb>();
        let length = usize::try_from(Decimal::digits_for(index)).unwrap_or(usize::MAX);
        let growth = (2 * bytes).saturating_sub(self.fibonacci.bytes_held());
        if 2 * bytes > EXEMPT_BYTES {
            let needed = growth.saturating_add(bytes).saturating_add(length.min(SOCKET_BYTES));
            self.fibonacci.guard_mut().admit_bytes(needed as u64)?;
        }
        Ok(self.headroom.check_before(RESPONSE_BYTES.saturating_add(growth).saturating_add(bytes))?)
    }

    /// Goes to the next position, past the numbers that other processes have taken.
    pub(super) fn follow(&mut self) -> Result<(), Shortage> {
        let index = self.store.next().index;
        if index < self.fibonacci.index() {
            // A new pass.
            self.fibonacci.restart();
        }
        if index != self.fibonacci.index() {
            self.fibonacci.jump_to(index).map_err(|exhausted| self.shortage_of(exhausted))?;
        }
        Ok(())
    }

    /// What precedes [`close`](Self::close): a position that is shared is left to the other processes.
    pub(crate) fn leave(&self) -> impl Future<Output = ()> + use<> {
        let leaving = self.store.shared().map(SharedStore::leave);
        async move {
            if let Some(leaving) = leaving {
                leaving.await;
            }
        }
    }
}
