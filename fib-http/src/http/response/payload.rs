//! The bytes of a response's body.

use bytes::{Buf, Bytes};

use crate::sequence::Digits;

/// The bytes of a body. hyper takes all of it at once and drains it into the socket.
#[derive(Debug)]
pub(crate) enum Payload {
    Bytes(Bytes),
    Digits(Digits),
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

impl Buf for Payload {
    fn remaining(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.remaining(),
            Self::Digits(digits) => digits.remaining(),
        }
    }

    fn chunk(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes.chunk(),
            Self::Digits(digits) => digits.chunk(),
        }
    }

    fn advance(&mut self, count: usize) {
        match self {
            Self::Bytes(bytes) => bytes.advance(count),
            Self::Digits(digits) => digits.advance(count),
        }
    }
}
