//! The bytes of a response's body.

use bytes::{Buf, Bytes};
use tokio::time::Instant;

use crate::http::exchange::Exchange;
use crate::http::stream::{Frame, NumberStream};
use crate::sequence::{Digits, Reservation};

/// The bytes of a body, or of a frame of a stream. hyper takes all of it at once and drains it into the socket.
#[derive(Debug)]
pub(crate) struct Payload {
    content: Content,
    /// Ends when the socket has all bytes, or when it fails.
    exchange: Option<Box<Exchange>>,
}

#[derive(Debug)]
enum Content {
    Bytes(Bytes),
    Digits(Digits),
    Frame(Box<Frame>),
    /// The frames that follow, one at a time. There are no bytes before.
    Stream(Box<NumberStream>),
}

impl Payload {
    /// The same bytes, which own `exchange` until the system has taken them.
    pub(crate) fn with_exchange(self, exchange: Box<Exchange>) -> Self {
        match self.content {
            Content::Stream(stream) => {
                stream.set_exchange(exchange);
                stream.into()
            }
            content => Self { content, exchange: Some(exchange) },
        }
    }

    /// The stream, if this is one.
    pub(crate) fn into_stream(self) -> Result<Box<NumberStream>, Self> {
        match self.content {
            Content::Stream(stream) => Ok(stream),
            content => Err(Self { content, ..self }),
        }
    }

    /// See [`Exchange::end`].
    pub(crate) fn end(&mut self, now: Instant) {
        if let Some(exchange) = &mut self.exchange {
            exchange.end(now);
        }
    }

    /// See [`Exchange::take_reservation`].
    pub(crate) fn take_reservation(&mut self, longer_than: usize) -> Option<Reservation> {
        self.exchange.as_mut()?.take_reservation(longer_than)
    }
}

impl Default for Payload {
    /// No bytes.
    fn default() -> Self {
        Self::from(Bytes::new())
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self { content: Content::Bytes(bytes), exchange: None }
    }
}

impl From<Digits> for Payload {
    fn from(digits: Digits) -> Self {
        Self { content: Content::Digits(digits), exchange: None }
    }
}

impl From<Frame> for Payload {
    fn from(frame: Frame) -> Self {
        Self { content: Content::Frame(Box::new(frame)), exchange: None }
    }
}

impl From<Box<NumberStream>> for Payload {
    fn from(stream: Box<NumberStream>) -> Self {
        Self { content: Content::Stream(stream), exchange: None }
    }
}

impl Buf for Payload {
    fn remaining(&self) -> usize {
        match &self.content {
            Content::Bytes(bytes) => bytes.remaining(),
            Content::Digits(digits) => digits.remaining(),
            Content::Frame(frame) => frame.remaining(),
            Content::Stream(_) => 0,
        }
    }

    fn chunk(&self) -> &[u8] {
        match &self.content {
            Content::Bytes(bytes) => bytes.chunk(),
            Content::Digits(digits) => digits.chunk(),
            Content::Frame(frame) => frame.chunk(),
            Content::Stream(_) => &[],
        }
    }

    fn advance(&mut self, count: usize) {
        match &mut self.content {
            Content::Bytes(bytes) => bytes.advance(count),
            Content::Digits(digits) => digits.advance(count),
            Content::Frame(frame) => frame.advance(count),
            Content::Stream(_) => assert_eq!(count, 0, "a stream has no bytes of its own"),
        }
        if let Some(exchange) = &mut self.exchange {
            exchange.record_sent(count);
        }
    }
}
