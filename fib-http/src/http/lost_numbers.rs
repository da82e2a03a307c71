//! The log of numbers that were taken and not sent whole, so that each gap in what a client has seen can be explained.

use std::cell::{Cell, RefCell};
use std::fmt::Write;
use std::time::Duration;

use tokio::time::Instant;
use tracing::info;

/// The lines that are written at once in each period. What hostile clients lose beyond that is put together in one line.
const LINES: u32 = 10;
const PERIOD: Duration = Duration::from_secs(1);

/// The most indices in one line.
const INDICES: usize = 256;

/// Writes a line with the index of each lost number, or one line for many of them.
#[derive(Debug)]
pub(crate) struct LostNumbers {
    period_start: Cell<Instant>,
    /// Lines that have been written in this period.
    lines: Cell<u32>,
    /// Indices that are not logged yet.
    pending: RefCell<Vec<u64>>,
}

impl LostNumbers {
    pub(crate) fn new() -> Self {
        Self {
            period_start: Cell::new(Instant::now()),
            lines: Cell::new(0),
            // A number can be lost because memory is short, so none is taken then.
            pending: RefCell::new(Vec::with_capacity(INDICES)),
        }
    }

    /// Logs that of the number at `index`, which has `length` digits, the system has taken `sent` digits only.
    pub(crate) fn record(&self, index: u64, sent: usize, length: usize) {
        let now = Instant::now();
        if now.duration_since(self.period_start.get()) >= PERIOD {
            self.flush();
            self.period_start.set(now);
            self.lines.set(0);
        }
        if self.lines.get() < LINES {
            self.lines.set(self.lines.get() + 1);
            info!(index, sent, length, "a number was taken and not sent whole");
            return;
        }
        self.pending.borrow_mut().push(index);
        if self.pending.borrow().len() == INDICES {
            self.flush();
        }
    }

    /// Logs what is pending from a period that has passed.
    pub(crate) fn flush_if_due(&self) {
        if !self.pending.borrow().is_empty() && self.period_start.get().elapsed() >= PERIOD {
            self.flush();
        }
    }

    /// Logs what is pending.
    pub(crate) fn flush(&self) {
        let mut pending = self.pending.borrow_mut();
        if !pending.is_empty() {
            pending.sort_unstable();
            info!(count = pending.len(), indices = ranges(&pending), "numbers were taken and not sent whole");
            pending.clear();
        }
    }
}

/// Sorted indices as text, such as `3-5,9`.
fn ranges(indices: &[u64]) -> String {
    let mut text = String::new();
    for range in indices.chunk_by(|&a, &b| a.checked_add(1) == Some(b)) {
        if let [first, .., last] = range {
            // Writing to a string does not fail.
            let _ = write!(text, "{first}-{last},");
        } else {
            let _ = write!(text, "{},", range[0]);
        }
    }
    text.pop();
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_written_as_ranges() {
        for (indices, text) in [
            (&[][..], ""),
            (&[7], "7"),
            (&[7, 8], "7-8"),
            (&[0, 2, 3, 4, 6, 9, 10, u64::MAX], "0,2-4,6,9-10,18446744073709551615"),
            // Of two passes.
            (&[1, 1, 2], "1,1-2"),
        ] {
            assert_eq!(ranges(indices), text);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn lines_are_few_and_no_index_is_forgotten() {
        let lost = LostNumbers::new();
        for index in 0..u64::from(LINES) {
            lost.record(index, 0, 1);
        }
        assert!(lost.pending.borrow().is_empty());
        for index in 0..INDICES as u64 - 1 {
            lost.record(index, 0, 1);
        }
        lost.flush_if_due();
        assert_eq!(lost.pending.borrow().len(), INDICES - 1);
        lost.record(1000, 0, 1);
        assert!(lost.pending.borrow().is_empty(), "no more of them in one line");
        lost.record(1001, 0, 1);
        assert_eq!(*lost.pending.borrow(), [1001]);
        tokio::time::advance(PERIOD).await;
        lost.flush_if_due();
        assert!(lost.pending.borrow().is_empty());
        lost.record(1002, 0, 1);
        assert!(lost.pending.borrow().is_empty(), "a line of its own");
    }
}
