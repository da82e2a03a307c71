//! The byte stream under a connection: it enforces the deadlines, yields to other connections, and closes in order.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::{Activity, UNCHECKED_BYTES};
use super::deadlines::{Deadlines, Timeouts};
use super::fairness::Fairness;
use super::lingering::LingeringClose;
use super::short_writes;
use super::stream::Stream;

#[cfg(test)]
mod tests;

/// A byte stream with what the service demands of its client.
pub(crate) struct Transport<I: Stream> {
    io: I,
    activity: Rc<Activity>,
    deadlines: Deadlines,
    fairness: Fairness,
    /// Bytes written since nearly all were known to be transmitted.
    unchecked_bytes: usize,
    /// `None` before the sending side is shut down.
    lingering_close: Option<LingeringClose>,
}

impl<I: Stream> Transport<I> {
    pub(crate) fn new(io: I, activity: Rc<Activity>, timeouts: Timeouts) -> Self {
        let deadlines = Deadlines::new(timeouts);
        Self { io, activity, deadlines, fairness: Fairness::default(), unchecked_bytes: 0, lingering_close: None }
    }

    /// Accounts for an attempt to write. A client that takes nothing is waited for until its deadline.
    fn after_write(&mut self, written: Poll<io::Result<usize>>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(bytes)) => {
                self.fairness.record(*bytes);
                self.deadlines.written(*bytes);
                self.unchecked_bytes += *bytes;
                self.activity.advance();
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => return self.poll_blocked(context).map(Err),
        }
        written
    }

    /// For a client that keeps output waiting. Ready with the error that ends the connection.
    fn poll_blocked(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        self.activity.fall_behind(self.deadlines.behind_since());
        let error = ready!(self.deadlines.poll_write_blocked(context));
        self.activity.cut();
        Poll::Ready(error)
    }

    /// Ready when the system has transmitted all output.
    fn poll_transmitted(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let transmitted = self.io.poll_transmitted(context);
        self.after_check(transmitted, context)
    }

    /// Ready when the system has transmitted nearly all output. Costs nothing where little was written.
    fn poll_nearly_transmitted(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unchecked_bytes <= UNCHECKED_BYTES && !self.deadlines.is_waiting() {
            self.deadlines.caught_up();
            return Poll::Ready(Ok(()));
        }
        let transmitted = self.io.poll_nearly_transmitted(context);
        self.after_check(transmitted, context)
    }

    /// Accounts for a check of what the system has transmitted.
    fn after_check(&mut self, transmitted: Poll<()>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if transmitted.is_pending() {
            return self.poll_blocked(context).map(Err);
        }
        self.unchecked_bytes = 0;
        self.activity.transmitted();
        self.deadlines.caught_up();
        Poll::Ready(Ok(()))
    }
}

impl<I: Stream> Drop for Transport<I> {
    fn drop(&mut self) {
        // Without a reset, part of a response whose end is that of the connection would look like all of it.
        if self.activity.is_cut() && (self.activity.has_unsent_responses() || !self.io.is_transmitted()) {
            self.io.discard_untransmitted();
        }
    }
}

impl<I: Stream> AsyncRead for Transport<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.io).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.activity.input_arrived();
        }
        if result.is_pending() && !self.activity.is_busy() {
            let idle_since = self.activity.idle_since();
            let error = ready!(self.deadlines.poll_request(idle_since, context));
            // A client that has yet to read the last response needs no time for another request.
            ready!(self.poll_transmitted(context))?;
            return Poll::Ready(Err(error));
        }
        result
    }
}

impl<I: Stream> AsyncWrite for Transport<I> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.fairness.poll_may_write(context));
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.after_write(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.fairness.poll_may_write(context));
        let mut space = [MaybeUninit::uninit(); short_writes::MAX_BYTES];
        let io = Pin::new(&mut self.io);
        let written = match short_writes::join(slices, &mut space) {
            Some(joined) => io.poll_write(context, joined.filled()),
            None => io.poll_write_vectored(context, slices),
        };
        self.after_write(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.io).poll_flush(context))?;
        self.poll_nearly_transmitted(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering_close.is_none() {
            ready!(self.poll_transmitted(context))?;
            ready!(Pin::new(&mut self.io).poll_shutdown(context))?;
        }
        let Self { io, activity, lingering_close, .. } = &mut *self;
        lingering_close.get_or_insert_with(LingeringClose::new).poll(io, activity, context).map(Ok)
    }
}
