//! The bodies of responses, as hyper asks for them.

use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Buf;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::activity::UnsentResponse;
use super::transport::UNCHECKED_BYTES;
use crate::http::response::Payload;
use crate::http::stream::{Interrupted, NumberStream};

/// The body of a response, which keeps its connection busy.
pub(super) enum TrackedBody {
    /// All of it at once; `None` when hyper has it.
    Whole(Option<TrackedPayload>),
    /// Frames until the stream ends.
    Stream(Box<NumberStream>, UnsentResponse),
}

impl TrackedBody {
    pub(super) fn new(payload: Payload, unsent: UnsentResponse) -> Self {
        match payload.into_stream() {
            Ok(stream) => Self::Stream(stream, unsent),
            Err(payload) => {
                // Without bytes the response is sent with its head.
                Self::Whole(Some(TrackedPayload { payload, unsent }).filter(Buf::has_remaining))
            }
        }
    }
}

impl Body for TrackedBody {
    type Data = TrackedPayload;
    type Error = Interrupted;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<TrackedPayload>, Interrupted>>> {
        match self.get_mut() {
            Self::Whole(payload) => Poll::Ready(payload.take().map(|payload| Ok(Frame::data(payload)))),
            Self::Stream(stream, unsent) => stream
                .poll_frame(context)
                .map_ok(|frame| Frame::data(TrackedPayload { payload: frame.into(), unsent: unsent.with_another() })),
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
            Self::Stream(..) => SizeHint::default(),
        }
    }
}

/// The bytes of a response, or of a frame of a stream, which hyper drops when the system has all of them or when the connection ends.
pub(super) struct TrackedPayload {
    payload: Payload,
    unsent: UnsentResponse,
}

impl Drop for TrackedPayload {
    fn drop(&mut self) {
        // The clock is read once for both.
        let now = Instant::now();
        self.payload.end(now);
        self.unsent.end(now);
        // The system may keep part of a long response long after accepting all of it.
        if let Some(reservation) = self.payload.take_reservation(UNCHECKED_BYTES) {
            self.unsent.keep(reservation);
        }
    }
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
    }
}
