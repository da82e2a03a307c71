//! The forms of a stream: lines of text, and server-sent events.

use std::io::Write;

use fib_core::Natural;

/// How the numbers of a stream are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The digits of a number, and the end of the line.
    Lines,
    /// An event for each number, of type `message`: its index as the identifier, its digits as the data.
    Events,
}

impl Form {
    /// What precedes the digits of F(`index`).
    pub(super) fn write_start(self, index: u64, text: &mut Vec<u8>) {
        if self == Self::Events {
            // Writing to memory does not fail.
            let _ = write!(text, "id: {index}\ndata: ");
        }
    }

    /// What follows the digits of a number.
    pub(super) fn end(self) -> &'static str {
        match self {
            Self::Lines => "\n",
            Self::Events => "\n\n",
        }
    }

    /// The most bytes around the digits of a number.
    pub(super) fn most_bytes_around(self) -> usize {
        match self {
            Self::Lines => 1,
            Self::Events => "id: 18446744073709551615\ndata: \n\n".len(),
        }
    }

    /// Appends F(`index`), for which `text` has room.
    pub(super) fn write(self, index: u64, number: &Natural, text: &mut Vec<u8>) {
        self.write_start(index, text);
        let before = text.len();
        text.resize(before + number.digit_count(), 0);
        let count = number.copy_digits(0, &mut text[before..]);
        debug_assert_eq!(count, number.digit_count());
        text.extend_from_slice(self.end().as_bytes());
    }

    /// How many of the numbers in `text`, which [`write`](Self::write) has written, are in its first `sent` bytes, with their
    /// ends.
    pub(super) fn whole_numbers(self, text: &[u8], sent: usize) -> u64 {
        let lines = text[..sent].iter().filter(|&&byte| byte == b'\n').count() as u64;
        match self {
            Self::Lines => lines,
            // Three lines: the identifier, the data, and an empty one.
            Self::Events => lines / 3,
        }
    }

    /// What is sent to a client that waits, so that it and those in between see a connection that is alive. `None` where the
    /// form has no such thing.
    pub(super) fn heartbeat(self) -> Option<&'static str> {
        (self == Self::Events).then_some(": waiting for the next number\n\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_and_counted() {
        for (form, expected, ends) in [
            (Form::Lines, "34\n55\n89\n", [3, 6, 9]),
            (Form::Events, "id: 9\ndata: 34\n\nid: 10\ndata: 55\n\nid: 11\ndata: 89\n\n", [16, 33, 50]),
        ] {
            let mut text = Vec::new();
            for index in 9..12 {
                let before = text.len();
                let number = Natural::fibonacci(index).expect("memory");
                form.write(index, &number, &mut text);
                assert!(text.len() - before <= number.digit_count() + form.most_bytes_around());
            }
            assert_eq!(text, expected.as_bytes());
            for sent in 0..=text.len() {
                let whole = ends.iter().filter(|&&end| end <= sent).count() as u64;
                assert_eq!(form.whole_numbers(&text, sent), whole, "{form:?}, {sent}");
            }
        }
    }
}
