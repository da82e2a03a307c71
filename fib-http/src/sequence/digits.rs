//! The decimal digits of a number, as bytes for a socket.

use std::collections::TryReserveError;
use std::fmt;

use bytes::{Buf, Bytes};
use fib_core::Natural;

use super::shortage::Shortage;

/// The most bytes of text that are in memory for one number. A longer number is rendered window by window. Each window is one
/// write to the socket, and a few long writes cost the system much less than many short ones.
pub const WINDOW_BYTES: usize = 256 * 1024;

/// The decimal digits of a number. They are independent of the sequence: a long number is a copy.
#[derive(Debug)]
pub struct Digits(Form);

#[derive(Debug)]
enum Form {
    /// All of the text is in memory.
    Whole(Bytes),
    /// The text is rendered as the socket drains. The box keeps the enum small.
    Windowed(Box<Windowed>),
}

impl Digits {
    /// The decimal digits of `number`. This call allocates all the memory that they ever need.
    ///
    /// # Errors
    /// [`Shortage`] if an allocation fails.
    pub fn of(number: &Natural) -> Result<Self, Shortage> {
        let length = number.digit_count();
        if length > WINDOW_BYTES {
            return Ok(Self(Form::Windowed(Box::new(Windowed::new(number.try_clone()?)?))));
        }
        let mut text = zeros(length)?;
        let count = number.copy_digits(0, &mut text);
        debug_assert_eq!(count, length);
        Ok(Self(Form::Whole(text.into())))
    }

    /// The memory that [`of`](Self::of) takes for `number`, in bytes: its text, or its limbs and a window of text. To blocks as
    /// long as those of windowed digits the allocator adds gaps. With glibc, 191 numbers F(10,000,000) in flight took 1.43 times
    /// the length of their blocks, so half as much again is counted.
    #[must_use]
    pub fn bytes_for(number: &Natural) -> usize {
        let length = number.digit_count();
        if length > WINDOW_BYTES { (size_of_val(number.limbs()) + WINDOW_BYTES) / 2 * 3 } else { length }
    }
}

impl Buf for Digits {
    fn remaining(&self) -> usize {
        match &self.0 {
            Form::Whole(bytes) => bytes.remaining(),
            Form::Windowed(digits) => digits.length - digits.sent,
        }
    }

    fn chunk(&self) -> &[u8] {
        match &self.0 {
            Form::Whole(bytes) => bytes.chunk(),
            Form::Windowed(digits) => &digits.window[digits.sent - digits.rendered_from..],
        }
    }

    fn advance(&mut self, count: usize) {
        match &mut self.0 {
            Form::Whole(bytes) => bytes.advance(count),
            Form::Windowed(digits) => digits.advance(count),
        }
    }
}

/// A copy of a number. One window of its digits is rendered at a time. Nothing is allocated after its creation.
struct Windowed {
    number: Natural,
    /// The count of the number's digits.
    length: usize,
    /// The count of digits that have been sent.
    sent: usize,
    /// The digits from `rendered_from` on.
    window: Vec<u8>,
    rendered_from: usize,
}

impl Windowed {
    fn new(number: Natural) -> Result<Self, TryReserveError> {
        let mut digits =
            Self { length: number.digit_count(), number, sent: 0, window: zeros(WINDOW_BYTES)?, rendered_from: 0 };
        digits.render();
        Ok(digits)
    }

    /// Renders the window that starts with the first unsent digit.
    fn render(&mut self) {
        self.rendered_from = self.sent;
        let count = self.number.copy_digits(self.sent, &mut self.window);
        self.window.truncate(count);
    }

    fn advance(&mut self, count: usize) {
        assert!(count <= self.length - self.sent, "cannot advance past the last digit");
        self.sent += count;
        if self.sent >= self.rendered_from + self.window.len() {
            self.render();
        }
    }
}

impl fmt::Debug for Windowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Windowed").field("length", &self.length).field("sent", &self.sent).finish_non_exhaustive()
    }
}

fn zeros(length: usize) -> Result<Vec<u8>, TryReserveError> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length)?;
    bytes.resize(length, 0);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `length` digits whose pattern does not repeat at a limb or a window.
    fn digits(length: usize) -> String {
        let mut state = 1_u32;
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                char::from(b'1' + (state >> 24) as u8 % 9)
            })
            .collect()
    }

    #[test]
    fn all_digits_come_whatever_the_steps() {
        for length in [1, 18, 19, 20, WINDOW_BYTES, WINDOW_BYTES + 1, 3 * WINDOW_BYTES, 800_001] {
            let text = digits(length);
            let number: Natural = text.parse().expect("digits");
            for step in [4099, WINDOW_BYTES - 1, WINDOW_BYTES, WINDOW_BYTES + 1, usize::MAX] {
                let mut digits_left = Digits::of(&number).expect("memory");
                let mut sent = 0;
                while digits_left.has_remaining() {
                    assert_eq!(digits_left.remaining(), length - sent);
                    let chunk = digits_left.chunk();
                    assert!(!chunk.is_empty() && chunk.len() <= WINDOW_BYTES);
                    assert_eq!(chunk, &text.as_bytes()[sent..sent + chunk.len()]);
                    // A step may be longer than the chunk: `Buf` allows that.
                    let count = step.min(digits_left.remaining());
                    digits_left.advance(count);
                    sent += count;
                }
                assert_eq!(sent, length);
                assert!(digits_left.chunk().is_empty());
            }
        }
    }

    #[test]
    #[should_panic(expected = "past the last digit")]
    fn advancing_past_the_end_panics() {
        let number: Natural = digits(WINDOW_BYTES + 1).parse().expect("digits");
        Digits::of(&number).expect("memory").advance(WINDOW_BYTES + 2);
    }
}
