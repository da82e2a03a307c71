//! The log of numbers that were taken and not sent whole, so that each gap in what a client has seen can be explained.

use std::cell::{Cell, RefCell};
use std::fmt::Write;
use std::time::Duration;

use tokio::time::Instant;
use tracing::info;

/// The lines that are written at once in each period. What hostile clients lose beyond that is put together in one line.
const LINES: u32 = 10;
const PERIOD: Duration = Duration::from_secs(1);

/// The most ranges of indices in one line.
const RANGES: usize = 256;

/// Writes a line with the index of each lost number, or one line for many of them.
#[derive(Debug)]
pub(crate) struct LostNumbers {
    period_start: Cell<Instant>,
    /// Lines that have been written in this period.
    lines: Cell<u32>,
    /// Ranges of indices, from the first to the last, that are not logged yet.
    pending: RefCell<Vec<(u64, u64)>>,
}

impl LostNumbers {
    pub(crate) fn new() -> Self {
        Self {
            period_start: Cell::new(Instant::now()),
            lines: Cell::new(0),
            // A number can be lost because memory is short, so none is taken then.
            pending: RefCell::new(Vec::with_capacity(RANGES)),
        }
    }

    /// Logs that of the number at `index`, which has `length` digits, the system has taken `sent` digits only.
    pub(crate) fn record(&self, index: u64, sent: usize, length: usize) {
        if self.has_line() {
            info!(index, sent, length, "a number was taken and not sent whole");
        } else {
            self.put_off(index, index);
        }
    }

    /// Logs that the system has not taken all of `count` numbers of a stream, from the index `first` on.
    pub(crate) fn record_several(&self, first: u64, count: u64) {
        let Some(more) = count.checked_sub(1) else { return };
        let last = first.saturating_add(more);
        if self.has_line() {
            self.log(&mut [(first, last)]);
        } else {
            self.put_off(first, last);
        }
    }

    /// Whether there may be another line in this period.
    fn has_line(&self) -> bool {
        let now = Instant::now();
        if now.duration_since(self.period_start.get()) >= PERIOD {
            self.flush();
            self.period_start.set(now);
            self.lines.set(0);
        }
        let has_line = self.lines.get() < LINES;
        self.lines.set(self.lines.get() + u32::from(has_line));
        has_line
    }

    fn put_off(&self, first: u64, last: u64) {
        self.pending.borrow_mut().push((first, last));
        if self.pending.borrow().len() == RANGES {
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
            self.log(&mut pending);
            pending.clear();
        }
    }

    fn log(&self, ranges: &mut [(u64, u64)]) {
        ranges.sort_unstable();
        // A range of more numbers than that cannot have been taken.
        let count: u64 = ranges.iter().map(|(first, last)| (last - first).saturating_add(1)).sum();
        info!(count, indices = text_of(ranges), "numbers were taken and not sent whole");
    }
}

/// Sorted ranges of indices as text, such as `3-5,9`. Adjacent ones become one.
fn text_of(ranges: &[(u64, u64)]) -> String {
    let mut text = String::new();
    for ranges in ranges.chunk_by(|&(_, last), &(first, _)| last.checked_add(1) == Some(first)) {
        // Writing to a string does not fail.
        let _ = match (ranges[0].0, ranges[ranges.len() - 1].1) {
            (first, last) if first == last => write!(text, "{first},"),
            (first, last) => write!(text, "{first}-{last},"),
        };
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
            let ranges: Vec<_> = indices.iter().map(|&index| (index, index)).collect();
            assert_eq!(text_of(&ranges), text);
        }
        assert_eq!(text_of(&[(0, 4), (5, 5), (6, 9), (11, 12)]), "0-9,11-12");
    }

    #[tokio::test(start_paused = true)]
    async fn lines_are_few_and_no_index_is_forgotten() {
        let lost = LostNumbers::new();
        for index in 0..u64::from(LINES) {
            lost.record(index, 0, 1);
        }
        assert!(lost.pending.borrow().is_empty());
        for index in 0..RANGES as u64 - 1 {
            lost.record(index, 0, 1);
        }
        lost.flush_if_due();
        assert_eq!(lost.pending.borrow().len(), RANGES - 1);
        lost.record(1000, 0, 1);
        assert!(lost.pending.borrow().is_empty(), "no more of them in one line");
        lost.record(1001, 0, 1);
        assert_eq!(*lost.pending.borrow(), [(1001, 1001)]);
        lost.record_several(2000, 0);
        lost.record_several(2000, 3);
        assert_eq!(*lost.pending.borrow(), [(1001, 1001), (2000, 2002)]);
        tokio::time::advance(PERIOD).await;
        lost.flush_if_due();
        assert!(lost.pending.borrow().is_empty());
        lost.record(1002, 0, 1);
        assert!(lost.pending.borrow().is_empty(), "a line of its own");
    }
}
