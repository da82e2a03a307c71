//! What is done about a shortage of memory: what can be freed is freed, and one that lasts ends a pass.

use coarsetime::Duration;
use tracing::{info, warn};

use super::digits;
use super::lasting::LastingShortage;
use super::memory::EXEMPT_BYTES;
use super::{OnMemoryLimit, Sequence, Shortage};

/// A shortage is logged again when none was logged for this long.
const QUIET: Duration = Duration::from_secs(60);

impl Sequence {
    /// Frees memory so that the next number can be tried again: the number that is kept, or else those of this pass, if it
    /// ends.
    ///
    /// # Errors
    /// `shortage`, if nothing is freed.
    pub(super) fn remedy(&mut self, shortage: Shortage) -> Result<(), Shortage> {
        // A new pass would not help.
        if matches!(shortage, Shortage::Position(_)) {
            return Err(shortage);
        }
        if self.free_unused() {
            return Ok(());
        }
        if !self.ends_pass(&shortage) {
            return Err(shortage);
        }
        self.store.start_pass()?;
        let seconds = self.shortage.take().map_or(0, |shortage| shortage.age().as_secs());
        warn!(seconds, "F({}): {shortage}; a new pass starts at F(0)", self.index());
        self.fibonacci.restart();
        self.restarts += 1;
        Ok(())
    }

    /// Accounts for a refusal, and tells whether it starts a new pass.
    pub(super) fn ends_pass(&mut self, shortage: &Shortage) -> bool {
        let now = self.fibonacci.guard().now();
        match (self.missing(shortage), &mut self.shortage) {
            (None, _) => return false,
            (Some(0), _) => {
                self.shortage = None;
                return false;
            }
            (Some(missing), Some(lasting)) => lasting.seen_again(now, missing),
            (Some(missing), None) => {
                let is_logged = self.logged.is_none_or(|logged| now.duration_since(logged) >= QUIET);
                if is_logged {
                    self.logged = Some(now);
                    warn!("F({}) is refused: {shortage}", self.index());
                }
                self.shortage = Some(LastingShortage::new(now, missing, is_logged));
            }
        }
        let held = self.fibonacci.bytes_held();
        let connections = self.in_flight.connection_bytes() as u64;
        self.on_memory_limit == OnMemoryLimit::Restart
            && held > EXEMPT_BYTES
            && self.shortage.as_ref().is_some_and(|shortage| shortage.ends_pass(held as u64, connections))
    }

    /// The bytes that are missing whatever numbers in flight hold; `None` where that is not known.
    fn missing(&self, shortage: &Shortage) -> Option<u64> {
        match shortage {
            Shortage::InFlight(_) | Shortage::Position(_) => None,
            Shortage::Threshold(above) => Some(above.missing),
            // How much the allocator lacks is unknown, but clients may hold it. Freeing one value
            // either suffices or nothing does.
            Shortage::Number(_) | Shortage::Text(_) => (self.load().bytes == 0).then_some(1),
        }
    }

    /// Called when a number is available.
    pub(super) fn shortage_is_over(&mut self) {
        if self.shortage.take().is_some_and(|shortage| shortage.is_logged()) {
            info!("there is memory again for F({})", self.index());
        }
    }

    /// Frees the number that is kept, and the buffer that waits for the next text. Returns whether there was one of them.
    pub(crate) fn free_unused(&mut self) -> bool {
        let is_freed = self.kept.forget() | digits::free_spare();
        if is_freed {
            self.fibonacci.guard_mut().read_again();
        }
        is_freed
    }
}
