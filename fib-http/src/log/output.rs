//! Lines on standard error, written without waiting for whoever reads them.
//!
//! The service has one thread, and a pipe that nobody reads would stop it. A line that cannot be written now is dropped and
//! counted. A line that was written in part is completed before anything else is written, so that lines are never torn.

use std::io;
use std::mem;
use std::time::{Duration, Instant};

/// How long the last lines may wait for the reader, all together.
const FINAL_WAIT: Duration = Duration::from_secs(1);

/// Accepts bytes as far as there is room.
pub(super) trait Sink {
    /// Writes a part of `bytes`. Waits for room until `deadline`, or not at all without one.
    ///
    /// # Errors
    /// `WouldBlock` when there is no room, or another error of the system.
    fn write(&mut self, bytes: &[u8], deadline: Option<Instant>) -> io::Result<usize>;
}

/// A sink for lines.
pub(super) struct Output<S> {
    sink: S,
    /// The end of the last line, which has not been written yet.
    rest: Vec<u8>,
    /// Lines dropped since the start.
    dropped: u64,
    /// How many of them have been reported.
    reported: u64,
    /// What will have been reported by the report that is being written, unless it is dropped itself.
    report: Option<u64>,
    /// When to give up waiting for the reader; `None` while the service must not wait.
    deadline: Option<Instant>,
}

impl<S: Sink> Output<S> {
    pub(super) const fn new(sink: S) -> Self {
        Self { sink, rest: Vec::new(), dropped: 0, reported: 0, report: None, deadline: None }
    }

    pub(super) fn set_sink(&mut self, sink: S) {
        self.sink = sink;
    }

    /// Lines dropped since the start.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// From now on lines may wait for the reader, for [`FINAL_WAIT`] in all.
    pub(super) fn wait_for_reader(&mut self) {
        self.deadline = Some(Instant::now() + FINAL_WAIT);
    }

    /// Writes a line, or drops it.
    pub(super) fn write_line(&mut self, line: &[u8]) {
        let written = if self.complete_line() { self.write(line) } else { 0 };
        if written > 0 {
            self.rest.extend_from_slice(&line[written..]);
        } else if self.report.take().is_none() {
            self.dropped += 1;
        }
    }

    /// The number of lines to report as dropped, once lines can be written again. The report is the line that is written
    /// between this and [`end_report`](Self::end_report).
    pub(super) fn begin_report(&mut self) -> Option<u64> {
        let is_due = self.dropped > self.reported && self.report.is_none() && self.complete_line();
        is_due.then(|| {
            self.report = Some(self.dropped);
            self.dropped - self.reported
        })
    }

    pub(super) fn end_report(&mut self) {
        if let Some(reported) = self.report.take() {
            self.reported = reported;
        }
    }

    /// Writes the rest of the last line. Returns whether nothing of it is missing any more.
    fn complete_line(&mut self) -> bool {
        let mut rest = mem::take(&mut self.rest);
        rest.drain(..self.write(&rest));
        self.rest = rest;
        self.rest.is_empty()
    }

    /// Writes as many of `bytes` as possible; returns how many.
    fn write(&mut self, bytes: &[u8]) -> usize {
        let mut written = 0;
        while written < bytes.len() {
            match self.sink.write(&bytes[written..], self.deadline) {
                Ok(count) if count > 0 => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => break,
            }
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe with room for `room` bytes, and what is in it.
    #[derive(Default)]
    struct Pipe {
        room: usize,
        text: String,
    }

    impl Sink for Pipe {
        fn write(&mut self, bytes: &[u8], _: Option<Instant>) -> io::Result<usize> {
            // In small pieces, as the system may do.
            let count = bytes.len().min(self.room).min(3);
            if count == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.room -= count;
            self.text.push_str(std::str::from_utf8(&bytes[..count]).expect("ASCII"));
            Ok(count)
        }
    }

    /// Writes a line as the subscriber does: after the report that is due.
    fn log(output: &mut Output<Pipe>, line: &str) {
        if let Some(count) = output.begin_report() {
            output.write_line(format!("{count} dropped\n").as_bytes());
            output.end_report();
        }
        output.write_line(line.as_bytes());
    }

    #[test]
    fn lines_are_dropped_counted_and_reported_and_never_torn() {
        let mut output = Output::new(Pipe { room: 9, ..Pipe::default() });
        log(&mut output, "one\n");
        // Written in part: the rest follows later.
        log(&mut output, "second\n");
        assert_eq!(output.sink.text, "one\nsecon");
        log(&mut output, "third\n");
        log(&mut output, "fourth\n");
        assert_eq!(output.dropped(), 2);
        // Room for the rest of the line, not for the report.
        output.sink.room = 2;
        log(&mut output, "fifth\n");
        assert_eq!((output.sink.text.as_str(), output.dropped()), ("one\nsecond\n", 3));
        // Room for a part of the report.
        output.sink.room = 4;
        log(&mut output, "sixth\n");
        assert_eq!(output.dropped(), 4);
        output.sink.room = 1000;
        log(&mut output, "seventh\n");
        log(&mut output, "eighth\n");
        assert_eq!(output.sink.text, "one\nsecond\n3 dropped\n1 dropped\nseventh\neighth\n");
        assert_eq!(output.dropped(), 4);
    }

    #[test]
    fn a_report_that_is_dropped_is_written_again() {
        let mut output = Output::new(Pipe::default());
        log(&mut output, "one\n");
        log(&mut output, "two\n");
        assert_eq!(output.begin_report(), Some(2));
        output.write_line(b"2 dropped\n");
        output.end_report();
        assert_eq!(output.dropped(), 2, "the report does not count");
        output.sink.room = 1000;
        log(&mut output, "three\n");
        assert_eq!(output.sink.text, "2 dropped\nthree\n");
    }
}
