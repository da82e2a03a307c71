//! The bytes of a response's body.

use bytes::{Buf, Bytes};

use crate::http::stream::{Frame, NumberStream};
use crate::sequence::Digits;

/// The bytes of a body, or of a frame of a stream. hyper takes all of it at once and drains it into the socket.
#[derive(Debug)]
pub(crate) enum Payload {
    Bytes(Bytes),
    Digits(Digits),
    Frame(Box<Frame>),
    /// The frames that follow, one at a time. There are no bytes before.
    Stream(Box<NumberStream>),
}

impl Default for Payload {
    /// No bytes.
    fn default() -> Self {
        Self::Bytes(Bytes::new())
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Digits> for Payload {
    fn from(digits: Digits) -> Self {
        Self::Digits(digits)
    }
}

impl From<Frame> for Payload {
    fn from(frame: Frame) -> Self {
        Self::Frame(Box::new(frame))
    }
}

impl From<Box<NumberStream>> for Payload {
    fn from(stream: Box<NumberStream>) -> Self {
        Self::Stream(stream)
    }
}

impl Buf for Payload {
    fn remaining(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.remaining(),
            Self::Digits(digits) => digits.remaining(),
            Self::Frame(frame) => frame.remaining(),
            Self::Stream(_) => 0,
        }
    }

    fn chunk(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes.chunk(),
            Self::Digits(digits) => digits.chunk(),
            Self::Frame(frame) => frame.chunk(),
            Self::Stream(_) => &[],
        }
    }

    fn advance(&mut self, count: usize) {
        match self {
            Self::Bytes(bytes) => bytes.advance(count),
            Self::Digits(digits) => digits.advance(count),
            Self::Frame(frame) => frame.advance(count),
            Self::Stream(_) => assert_eq!(count, 0, "a stream has no bytes of its own"),
        }
    }
}
