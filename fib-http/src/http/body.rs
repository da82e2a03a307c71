//! The bodies of responses, as hyper asks for them.

use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Buf;
use hyper::body::{Body, Frame, SizeHint};

use super::exchange::Exchange;
use super::response::Payload;
use super::stream::{Interrupted, NumberStream};

/// The body of a response.
pub(crate) enum ResponseBody {
    /// All of it at once; `None` when hyper has it.
    Whole(Option<TrackedPayload>),
    /// Frames until the stream ends.
    Stream(Box<NumberStream>),
}

impl ResponseBody {
    /// The body with these bytes. `exchange` ends when the system has all of them.
    pub(super) fn new(payload: Payload, exchange: Box<Exchange>) -> Self {
        match payload {
            Payload::Stream(stream) => {
                stream.set_exchange(exchange);
                Self::Stream(stream)
            }
            // Without bytes the response is sent with its head.
            payload => {
                Self::Whole(Some(TrackedPayload { payload, exchange: Some(exchange) }).filter(Buf::has_remaining))
            }
        }
    }
}

impl Body for ResponseBody {
    type Data = TrackedPayload;
    type Error = Interrupted;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<TrackedPayload>, Interrupted>>> {
        match self.get_mut() {
            Self::Whole(payload) => Poll::Ready(payload.take().map(|payload| Ok(Frame::data(payload)))),
            Self::Stream(stream) => stream
                .poll_frame(context)
                .map_ok(|frame| Frame::data(TrackedPayload { payload: frame.into(), exchange: None })),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(payload) => {
                SizeHint::with_exact(payload.as_ref().map_or(0, |payload| payload.remaining() as u64))
            }
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

/// The bytes of a body, or of a frame of a stream. hyper drops them when the system has all of them, or when the connection
/// ends.
pub(crate) struct TrackedPayload {
    payload: Payload,
    /// Ends with these bytes. The frames of a stream share theirs.
    exchange: Option<Box<Exchange>>,
}

impl Buf for TrackedPayload {
    fn remaining(&self) -> usize {
        self.payload.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.payload.chunk()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.payload.chunks_vectored(slices)
    }

    fn advance(&mut self, count: usize) {
        self.payload.advance(count);
        if let Some(exchange) = &mut self.exchange {
            exchange.record_sent(count);
        }
    }
}
