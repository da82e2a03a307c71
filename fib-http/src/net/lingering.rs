//! The lingering close of a connection (RFC 9112, section 9.6).
//!
//! Where the client may still be sending, its input is read and discarded until it closes the connection. Otherwise the
//! system would answer that input with a reset, and a reset deletes the response from the buffers of a client that has not
//! read it yet.

use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;

use super::activity::Activity;
use super::deadlines::Timer;

/// How long a client may be silent during a lingering close.
pub(crate) const SILENCE: Duration = Duration::from_secs(2);

/// How long a lingering close may take in all.
pub(crate) const TOTAL: Duration = Duration::from_secs(30);

/// A connection whose sending side has been shut down.
#[derive(Debug)]
pub(crate) struct LingeringClose {
    /// When the connection ends, whatever the client does.
    end: Instant,
    /// When the client has been silent for too long; `None` before it was first waited for.
    silence_end: Option<Instant>,
    timer: Timer,
}

impl LingeringClose {
    pub(crate) fn new() -> Self {
        Self { end: Instant::now() + TOTAL, silence_end: None, timer: Timer::default() }
    }

    /// Discards input until the client closes the connection, is silent, or takes too long.
    pub(crate) fn poll<I: AsyncRead + Unpin>(
        &mut self,
        io: &mut I,
        activity: &Activity,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let mut space = [MaybeUninit::<u8>::uninit(); 8192];
        loop {
            let mut input = ReadBuf::uninit(&mut space);
            match Pin::new(&mut *io).poll_read(context, &mut input) {
                Poll::Ready(Ok(())) if !input.filled().is_empty() => {
                    let now = Instant::now();
                    if now >= self.end {
                        return Poll::Ready(());
                    }
                    // More input may follow.
                    activity.leave_input_unread();
                    self.silence_end = Some(self.end.min(now + SILENCE));
                }
                Poll::Pending if activity.expects_input() => {
                    activity.start_lingering();
                    let deadline = *self.silence_end.get_or_insert_with(|| Instant::now() + SILENCE);
                    return self.timer.poll_until(deadline, context);
                }
                Poll::Ready(_) | Poll::Pending => return Poll::Ready(()),
            }
        }
    }
}
