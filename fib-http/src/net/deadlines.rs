//! How long a client may take to send a request and to read a response.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Bytes per second that a client must take, on average, once it has kept the service waiting.
pub(crate) const MINIMUM_RATE: u64 = 1024;

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// From the last response, or from the start of the connection, until the head of a request is complete.
    pub(crate) keep_alive: Duration,
    /// While the client takes nothing of a response.
    pub(crate) write: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { keep_alive: Duration::from_secs(30), write: Duration::from_secs(60) }
    }
}

/// The deadlines of one connection.
///
/// The head of a request must be complete a keep-alive time after the last response, or after the start of the connection.
/// hyper would set a timer for that at each request; here one timer serves all requests and is set again only when it expires,
/// which rarely happens.
///
/// A client that takes nothing for the write timeout is cut. What it takes earns it time by its length, so that a byte now and
/// then does not hold a connection for ever: each [`MINIMUM_RATE`] bytes earn a second, up to the whole timeout again. As long
/// as a client keeps up, no clock is read and no timer runs.
#[derive(Debug)]
pub(crate) struct Deadlines {
    timeouts: Timeouts,
    /// When a client that has kept the service waiting is cut; `None` while it keeps up.
    write_deadline: Option<Instant>,
    timer: Timer,
}

impl Deadlines {
    pub(crate) fn new(timeouts: Timeouts) -> Self {
        Self { timeouts, write_deadline: None, timer: Timer::default() }
    }

    /// For a connection that waits for a request since `idle_since`. Ready with the error that ends it.
    pub(crate) fn poll_request(&mut self, idle_since: Instant, context: &mut Context<'_>) -> Poll<io::Error> {
        ready!(self.timer.poll_until(idle_since + self.timeouts.keep_alive, context));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "no request has arrived"))
    }

    /// The client has taken `bytes` more. Returns whether it is still behind.
    pub(crate) fn written(&mut self, bytes: usize) -> bool {
        if let Some(deadline) = self.write_deadline {
            let latest = Instant::now() + self.timeouts.write;
            let earned = Duration::from_secs_f64(bytes as f64 / MINIMUM_RATE as f64);
            self.write_deadline = Some(deadline + earned).filter(|&deadline| deadline < latest);
        }
        self.write_deadline.is_some()
    }

    /// For a connection whose client takes nothing now. Ready with the error that ends it.
    pub(crate) fn poll_write_blocked(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let deadline = *self.write_deadline.get_or_insert_with(|| Instant::now() + self.timeouts.write);
        ready!(self.timer.poll_until(deadline, context));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the client does not read"))
    }
}

/// A timer that is created when it is first needed. It may fire early and is then set again; it never fires late.
#[derive(Debug, Default)]
pub(crate) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Ready when `deadline` has passed.
    pub(crate) fn poll_until(&mut self, deadline: Instant, context: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        loop {
            ready!(sleep.as_mut().poll(context));
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}
