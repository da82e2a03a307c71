//! How long a client may take to send its request, to read its response, and to end its connection; how the response goes to
//! the system: in turns with those of others, a short one in one piece.

use std::future::Future;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::yield_now;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::seat::Seat;

#[cfg(test)]
mod tests;

/// Bytes per second that a client must take, on average, once it has been slow.
pub(crate) const MINIMUM_RATE: u64 = 1024;

/// Bytes that a connection writes before others have their turn. A client that reads as fast as the service writes would
/// otherwise keep it for as long as its response is.
const TURN_BYTES: usize = 1 << 20;

/// A response up to this length goes to the system as one piece: to copy it costs less than `writev` does more than `send`.
const SHORT_BYTES: usize = 1024;

/// How long a connection that has been shut down waits for its client in silence, and in all.
const LINGER_SILENCE: Duration = Duration::from_secs(2);
const LINGER_TOTAL: Duration = Duration::from_secs(30);

/// A connection whose client may not take its time for ever.
///
/// The head of a request has to be there a keep-alive time after the last response, or after the connection's begin; a
/// connection may be idle as long, which is the same to it. hyper would set a timer for that at each request; here there is
/// one that is set again when it is over, which most often is never.
///
/// A client that takes nothing for the write timeout is cut. So that a byte now and then does not hold a connection for ever,
/// what is taken counts by its length: each [`MINIMUM_RATE`] bytes give a second, up to the whole timeout again. As long as
/// a client keeps up there is no clock and no timer.
///
/// The end lingers: where the client may still be sending, its input is read and thrown away until it ends the connection.
/// Otherwise the system would answer that input with a reset, and a reset takes the response back from a client that has
/// not read it yet.
pub(crate) struct Patient<I> {
    io: I,
    seat: Rc<Seat>,
    keep_alive: Duration,
    write_timeout: Duration,
    /// Bytes written since others had their turn.
    turn: usize,
    /// When the client is cut; `None` while it keeps up.
    deadline: Option<Instant>,
    /// When the end of a connection is not waited for any longer; `None` before it is shut down.
    farewell: Option<Instant>,
    /// The only timer, made when it is needed first. It may be early, then it is set again; it is never late.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<I> Patient<I> {
    pub(crate) fn new(io: I, seat: Rc<Seat>, keep_alive: Duration, write_timeout: Duration) -> Self {
        Self { io, seat, keep_alive, write_timeout, turn: 0, deadline: None, farewell: None, timer: None }
    }

    /// Ready when `deadline` is over.
    fn poll_deadline(&mut self, deadline: Instant, context: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        loop {
            ready!(timer.as_mut().poll(context));
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
    }

    /// Ready unless it is the others' turn; they have had it when this is asked again.
    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.turn < TURN_BYTES {
            return Poll::Ready(());
        }
        self.turn = 0;
        // Lets the runtime look for input first, which waking the task would not.
        pin!(yield_now()).poll(context)
    }

    /// What becomes of an attempt to write: a client that takes nothing is waited for, but not for ever.
    fn judge(&mut self, written: Poll<io::Result<usize>>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(count)) = &written {
            self.turn += count;
        }
        match (&written, self.deadline) {
            (Poll::Ready(Ok(count)), Some(deadline)) => {
                let latest = Instant::now() + self.write_timeout;
                let earned = Duration::from_secs_f64(*count as f64 / MINIMUM_RATE as f64);
                let deadline = Some(deadline + earned).filter(|&deadline| deadline < latest);
                self.deadline = deadline;
                self.seat.stalled.set(deadline.is_some());
            }
            (Poll::Pending, _) => {
                let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + self.write_timeout);
                self.seat.stalled.set(true);
                ready!(self.poll_deadline(deadline, context));
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")));
            }
            _ => {}
        }
        written
    }
}

impl<I: AsyncRead + Unpin> Patient<I> {
    /// Throws input away until the client ends the connection, is silent, or takes too long.
    fn poll_linger(&mut self, farewell: Instant, context: &mut Context<'_>) -> Poll<()> {
        let mut space = [MaybeUninit::<u8>::uninit(); 8192];
        let mut waited = self.seat.expects_input();
        loop {
            let mut input = ReadBuf::uninit(&mut space);
            match Pin::new(&mut self.io).poll_read(context, &mut input) {
                Poll::Ready(Ok(())) if !input.filled().is_empty() => {
                    let now = Instant::now();
                    if now >= farewell {
                        return Poll::Ready(());
                    }
                    // Where there was input, more may be on its way.
                    self.seat.unread.set(true);
                    self.deadline = Some(farewell.min(now + LINGER_SILENCE));
                    waited = true;
                }
                Poll::Pending if waited => {
                    self.seat.lingering.set(true);
                    let silence = || Instant::now() + LINGER_SILENCE;
                    let deadline = *self.deadline.get_or_insert_with(silence);
                    return self.poll_deadline(deadline, context);
                }
                Poll::Ready(_) | Poll::Pending => return Poll::Ready(()),
            }
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Patient<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.io).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.seat.heard();
        }
        if result.is_pending() && !self.seat.is_busy() {
            let deadline = self.seat.since() + self.keep_alive;
            ready!(self.poll_deadline(deadline, context));
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "no request has come")));
        }
        result
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<I> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_turn(context));
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.judge(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_turn(context));
        let mut space = [MaybeUninit::<u8>::uninit(); SHORT_BYTES];
        let mut joined = ReadBuf::uninit(&mut space);
        let io = Pin::new(&mut self.io);
        let written = if slices.iter().map(|slice| slice.len()).sum::<usize>() <= SHORT_BYTES {
            slices.iter().for_each(|slice| joined.put_slice(slice));
            io.poll_write(context, joined.filled())
        } else {
            io.poll_write_vectored(context, slices)
        };
        self.judge(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let farewell = match self.farewell {
            Some(farewell) => farewell,
            None => {
                ready!(Pin::new(&mut self.io).poll_shutdown(context))?;
                self.deadline = None;
                self.seat.stalled.set(false);
                *self.farewell.insert(Instant::now() + LINGER_TOTAL)
            }
        };
        self.poll_linger(farewell, context).map(Ok)
    }
}
