//! What a response carries.

use std::collections::TryReserveError;
use std::fmt;

use bytes::{Buf, Bytes};
use fib_core::Natural;
use http_body_util::Full;

use crate::inflight::Ticket;
use crate::sequence::Shortage;

/// The body of a response.
pub type Body = Full<Payload>;

/// The most text that is in memory for one response: longer numbers are rendered piece by piece. A piece is one write to the
/// socket, and few long writes cost the system much less than many short ones.
pub const WINDOW_BYTES: usize = 256 * 1024;

/// The bytes of a body. hyper takes it whole and drains it into the socket.
#[derive(Debug)]
pub struct Payload {
    content: Content,
    /// Given back when the socket has it all, or will not.
    ticket: Option<Ticket>,
}

#[derive(Debug)]
enum Content {
    /// All of it is in memory.
    Whole(Bytes),
    /// It is rendered as the socket drains. In a box, since all payloads would be as large otherwise.
    Digits(Box<Digits>),
}

impl Payload {
    /// The decimal digits of `number`. All memory that the response will ever need is taken here.
    ///
    /// # Errors
    /// [`Shortage`] where there is no such memory.
    pub fn of(number: &Natural) -> Result<Self, Shortage> {
        let length = number.digit_count();
        if length > WINDOW_BYTES {
            return Ok(Content::Digits(Box::new(Digits::new(number.try_clone()?)?)).into());
        }
        let mut text = zeros(length)?;
        let count = number.copy_digits(0, &mut text);
        debug_assert_eq!(count, length);
        Ok(Content::Whole(text.into()).into())
    }

    /// The bytes that [`of`](Self::of) takes for `number`: of text, or of limbs and a window of text.
    #[must_use]
    pub fn bytes_for(number: &Natural) -> usize {
        let length = number.digit_count();
        if length > WINDOW_BYTES { size_of_val(number.limbs()) + WINDOW_BYTES } else { length }
    }

    /// Holds the request's ticket until this is with the system.
    pub(crate) fn with(mut self, ticket: Ticket) -> Self {
        self.ticket = Some(ticket);
        self
    }
}

impl Default for Payload {
    /// No bytes.
    fn default() -> Self {
        Self::from(Bytes::new())
    }
}

impl From<Content> for Payload {
    fn from(content: Content) -> Self {
        Self { content, ticket: None }
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Content::Whole(bytes).into()
    }
}

impl Buf for Payload {
    fn remaining(&self) -> usize {
        match &self.content {
            Content::Whole(bytes) => bytes.remaining(),
            Content::Digits(digits) => digits.length - digits.sent,
        }
    }

    fn chunk(&self) -> &[u8] {
        match &self.content {
            Content::Whole(bytes) => bytes.chunk(),
            Content::Digits(digits) => &digits.window[digits.sent - digits.rendered_from..],
        }
    }

    fn advance(&mut self, count: usize) {
        match &mut self.content {
            Content::Whole(bytes) => bytes.advance(count),
            Content::Digits(digits) => digits.advance(count),
        }
        if let Some(ticket) = &mut self.ticket {
            ticket.sent(count);
        }
    }
}

/// A number of its own, of which a window of digits is rendered at a time: no allocation after the first.
pub struct Digits {
    number: Natural,
    /// Digits of the number.
    length: usize,
    /// Digits that are done with.
    sent: usize,
    /// The digits from `rendered_from` on.
    window: Vec<u8>,
    rendered_from: usize,
}

impl Digits {
    fn new(number: Natural) -> Result<Self, TryReserveError> {
        let mut digits =
            Self { length: number.digit_count(), number, sent: 0, window: zeros(WINDOW_BYTES)?, rendered_from: 0 };
        digits.render();
        Ok(digits)
    }

    /// Renders the window that starts with the first digit not sent.
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

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digits").field("length", &self.length).field("sent", &self.sent).finish_non_exhaustive()
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

    /// A number of `length` digits without a pattern that repeats at a limb or a window.
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
    fn a_payload_gives_all_digits_whatever_the_steps() {
        for length in [1, 18, 19, 20, WINDOW_BYTES, WINDOW_BYTES + 1, 3 * WINDOW_BYTES, 800_001] {
            let text = digits(length);
            let number: Natural = text.parse().expect("digits");
            for step in [4099, WINDOW_BYTES - 1, WINDOW_BYTES, WINDOW_BYTES + 1, usize::MAX] {
                let mut payload = Payload::of(&number).expect("memory");
                let mut sent = 0;
                while payload.has_remaining() {
                    assert_eq!(payload.remaining(), length - sent);
                    let chunk = payload.chunk();
                    assert!(!chunk.is_empty() && chunk.len() <= WINDOW_BYTES);
                    assert_eq!(chunk, &text.as_bytes()[sent..sent + chunk.len()]);
                    // A step may pass more than the chunk: whoever advances need not have looked.
                    let count = step.min(payload.remaining());
                    payload.advance(count);
                    sent += count;
                }
                assert_eq!(sent, length);
                assert!(payload.chunk().is_empty());
            }
        }
    }

    #[test]
    #[should_panic(expected = "past the last digit")]
    fn advancing_past_the_end_panics() {
        let number: Natural = digits(WINDOW_BYTES + 1).parse().expect("digits");
        Payload::of(&number).expect("memory").advance(WINDOW_BYTES + 2);
    }
}
