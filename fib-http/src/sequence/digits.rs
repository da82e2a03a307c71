//! The decimal digits of a number, as bytes for a socket.

use std::cell::Cell;
use std::collections::TryReserveError;
use std::fmt;
use std::ops::Range;
use std::rc::Rc;

use bytes::Buf;
use fib_core::Natural;

use super::in_flight::Reservation;
use super::shortage::Shortage;

/// The most bytes of text that are in memory for one number. A longer number is rendered window by window. Each window is one
/// write to the socket, and a few long writes cost the system much less than many short ones.
pub const WINDOW_BYTES: usize = 256 * 1024;

/// The text of a number that any number of responses can send, and the share of the budget that it takes.
#[derive(Debug)]
pub(crate) struct SharedText {
    text: Vec<u8>,
    _reservation: Reservation,
}

impl SharedText {
    /// The text of `number`.
    ///
    /// # Errors
    /// If the allocation fails.
    pub(super) fn of(number: &Natural, reservation: Reservation) -> Result<Self, TryReserveError> {
        let mut text = zeros(number.digit_count())?;
        let count = number.copy_digits(0, &mut text);
        debug_assert_eq!(count, text.len());
        Ok(Self { text, _reservation: reservation })
    }
}

/// The decimal digits of a number. They are independent of the sequence: a long number is a copy.
#[derive(Debug)]
pub struct Digits(Form);

#[derive(Debug)]
enum Form {
    /// All of the text is in memory.
    Whole(Text),
    /// A part of a text in memory that others may send too.
    Shared { shared: Rc<SharedText>, range: Range<usize> },
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
            return Ok(Self(Form::Windowed(Box::new(Windowed::new(number.try_clone()?, 0..length)?))));
        }
        let mut text = Text::with_length(length)?;
        let count = number.copy_digits(0, &mut text.bytes);
        debug_assert_eq!(count, length);
        Ok(Self(Form::Whole(text)))
    }

    /// The digits of `shared` in `range`, where 0 is the first digit.
    pub(super) fn shared(shared: &Rc<SharedText>, range: Range<usize>) -> Self {
        Self(Form::Shared { shared: Rc::clone(shared), range })
    }

    /// The digits of `number` in `range`, where 0 is the first digit. This call allocates all the memory that they ever need.
    ///
    /// # Errors
    /// If an allocation fails.
    pub(super) fn part(number: Natural, range: Range<usize>) -> Result<Self, TryReserveError> {
        if range.len() > WINDOW_BYTES {
            return Ok(Self(Form::Windowed(Box::new(Windowed::new(number, range)?))));
        }
        let mut text = Text::with_length(range.len())?;
        let count = number.copy_digits(range.start, &mut text.bytes);
        debug_assert_eq!(count, range.len());
        Ok(Self(Form::Whole(text)))
    }

    /// The memory that [`part`](Self::part) takes for `length` digits, in bytes, besides the number.
    pub(super) fn part_bytes(length: usize) -> usize {
        if length > WINDOW_BYTES { with_gaps(WINDOW_BYTES) } else { length }
    }

    /// The memory that [`of`](Self::of) takes for `number`, in bytes: its text, or its limbs and a window of text. To blocks
    /// as long as those of windowed digits the allocator adds gaps. With glibc, 191 numbers F(10,000,000) in flight took 1.43
    /// times the length of their blocks, so half as much again is counted.
    #[must_use]
    pub fn bytes_for(number: &Natural) -> usize {
        let length = number.digit_count();
        if length > WINDOW_BYTES { with_gaps(size_of_val(number.limbs()) + WINDOW_BYTES) } else { length }
    }
}

impl From<Vec<u8>> for Digits {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Form::Whole(Text { bytes, sent: 0 }))
    }
}

/// What long blocks of `bytes` bytes take, with the gaps between them.
pub(super) fn with_gaps(bytes: usize) -> usize {
    bytes / 2 * 3
}

impl Buf for Digits {
    fn remaining(&self) -> usize {
        match &self.0 {
            Form::Whole(text) => text.bytes.len() - text.sent,
            Form::Shared { range, .. } => range.len(),
            Form::Windowed(digits) => digits.end - digits.sent,
        }
    }

    fn chunk(&self) -> &[u8] {
        match &self.0 {
            Form::Whole(text) => &text.bytes[text.sent..],
            // No longer than a window, so that no response takes long to write.
            Form::Shared { shared, range } => &shared.text[range.start..range.end.min(range.start + WINDOW_BYTES)],
            Form::Windowed(digits) => &digits.window[digits.sent - digits.rendered_from..],
        }
    }

    fn advance(&mut self, count: usize) {
        match &mut self.0 {
            Form::Whole(text) => text.advance(count),
            Form::Shared { range, .. } => {
                assert!(count <= range.len(), "cannot advance past the last digit");
                range.start += count;
            }
            Form::Windowed(digits) => digits.advance(count),
        }
    }
}

thread_local! {
    /// The buffer of the last long text that has been sent. The next one is written over it: to get a new buffer and to clear
    /// it takes 3 % of the time of a response of 209 KB.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The shortest text whose buffer is used again. Shorter ones are cleared in no time.
const SPARE_BYTES: usize = 64 * 1024;

/// Frees the buffer that waits for the next long text, if there is one.
pub(super) fn free_spare() -> bool {
    SPARE.take().capacity() > 0
}

/// A text that is whole in memory.
struct Text {
    bytes: Vec<u8>,
    sent: usize,
}

impl Text {
    /// A text of `length` bytes of any value.
    fn with_length(length: usize) -> Result<Self, TryReserveError> {
        let mut bytes = if length < SPARE_BYTES { Vec::new() } else { SPARE.take() };
        if bytes.capacity() < length {
            bytes = Vec::new();
            // The next numbers are a little longer.
            let capacity = if length < SPARE_BYTES { length } else { length.next_multiple_of(4096) };
            bytes.try_reserve_exact(capacity)?;
        }
        bytes.resize(length, 0);
        Ok(Self { bytes, sent: 0 })
    }

    fn advance(&mut self, count: usize) {
        assert!(count <= self.bytes.len() - self.sent, "cannot advance past the last digit");
        self.sent += count;
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        if self.bytes.len() >= SPARE_BYTES {
            SPARE.set(std::mem::take(&mut self.bytes));
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text").field("length", &self.bytes.len()).field("sent", &self.sent).finish()
    }
}

/// A number, of whose digits one window at a time is rendered. Nothing is allocated after its creation.
struct Windowed {
    number: Natural,
    /// The digit before which to end.
    end: usize,
    /// The first digit that has not been sent.
    sent: usize,
    /// The digits from `rendered_from` on.
    window: Vec<u8>,
    rendered_from: usize,
}

impl Windowed {
    fn new(number: Natural, range: Range<usize>) -> Result<Self, TryReserveError> {
        let Range { start, end } = range;
        let mut digits = Self { number, end, sent: start, window: zeros(WINDOW_BYTES)?, rendered_from: start };
        digits.render();
        Ok(digits)
    }

    /// Renders the window that starts with the first unsent digit.
    fn render(&mut self) {
        self.rendered_from = self.sent;
        self.window.truncate(self.end - self.sent);
        let count = self.number.copy_digits(self.sent, &mut self.window);
        self.window.truncate(count);
    }

    fn advance(&mut self, count: usize) {
        assert!(count <= self.end - self.sent, "cannot advance past the last digit");
        self.sent += count;
        if self.sent >= self.rendered_from + self.window.len() {
            self.render();
        }
    }
}

impl fmt::Debug for Windowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Windowed").field("end", &self.end).field("sent", &self.sent).finish_non_exhaustive()
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
    use super::super::in_flight::InFlight;
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
    fn the_buffer_of_a_long_text_is_used_again() {
        free_spare();
        let [longer, shorter, short] = [100_000, 70_000, 1000].map(digits);
        let whole = |text: &str| Digits::of(&text.parse().expect("digits")).expect("memory");
        let first = whole(&longer).chunk().as_ptr();
        for text in [&longer, &shorter, &longer] {
            let again = whole(text);
            assert_eq!(again.chunk(), text.as_bytes());
            assert_eq!(again.chunk().as_ptr(), first);
            // The buffer is not taken from a text that is being sent.
            assert_ne!(whole(text).chunk().as_ptr(), first);
            assert_eq!(whole(&short).chunk(), short.as_bytes());
            free_spare();
            assert_eq!(again.chunk(), text.as_bytes());
        }
        assert!(free_spare() && !free_spare());
    }

    #[test]
    fn a_part_has_the_digits_of_its_range() {
        let length = 3 * WINDOW_BYTES;
        let text = digits(length);
        let number: Natural = text.parse().expect("digits");
        let in_flight = Rc::new(InFlight::new(usize::MAX));
        let reservation = in_flight.reserve(length, 0).expect("room");
        let shared = Rc::new(SharedText::of(&number, reservation).expect("memory"));
        for range in [
            0..0,
            0..1,
            5..5 + WINDOW_BYTES,
            5..6 + WINDOW_BYTES,
            1..length,
            0..length,
            length - 1..length,
            length - WINDOW_BYTES - 1..length,
            100..2 * WINDOW_BYTES + 101,
        ] {
            let rendered = Digits::part(number.try_clone().expect("memory"), range.clone()).expect("memory");
            for mut part in [rendered, Digits::shared(&shared, range.clone())] {
                assert!(part.chunk().len() <= WINDOW_BYTES);
                let bytes = part.copy_to_bytes(part.remaining());
                assert_eq!(bytes, text.as_bytes()[range.clone()], "{range:?}");
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
