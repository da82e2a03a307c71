//! The byte stream under a connection: it enforces the deadlines, yields to other connections, and closes in order.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::Activity;
use super::deadlines::{Deadlines, Timeouts};
use super::fairness::Fairness;
use super::lingering::LingeringClose;
use super::short_writes;

#[cfg(test)]
mod tests;

/// A socket, or another byte stream, with what the service demands of its client.
pub(crate) struct Transport<I> {
    io: I,
    activity: Rc<Activity>,
    deadlines: Deadlines,
    fairness: Fairness,
    /// `None` before the sending side is shut down.
    lingering_close: Option<LingeringClose>,
}

impl<I> Transport<I> {
    pub(crate) fn new(io: I, activity: Rc<Activity>, timeouts: Timeouts) -> Self {
        let deadlines = Deadlines::new(timeouts);
        Self { io, activity, deadlines, fairness: Fairness::default(), lingering_close: None }
    }

    /// Accounts for an attempt to write. A client that takes nothing is waited for until its deadline.
    fn after_write(&mut self, written: Poll<io::Result<usize>>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(bytes)) => {
                self.fairness.record(*bytes);
                self.activity.set_write_blocked(self.deadlines.written(*bytes));
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                self.activity.set_write_blocked(true);
                return self.deadlines.poll_write_blocked(context).map(Err);
            }
        }
        written
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Transport<I> {
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
            return self.deadlines.poll_request(idle_since, context).map(Err);
        }
        result
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Transport<I> {
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
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { io, activity, lingering_close, .. } = &mut *self;
        if lingering_close.is_none() {
            ready!(Pin::new(&mut *io).poll_shutdown(context))?;
            activity.set_write_blocked(false);
        }
        lingering_close.get_or_insert_with(LingeringClose::new).poll(io, activity, context).map(Ok)
    }
}
