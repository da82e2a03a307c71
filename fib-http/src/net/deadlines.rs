//! How long a client may take to send a request and to read a response.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Bytes per second that a client must read, on average.
pub(crate) const MINIMUM_RATE: u64 = 1024;

/// The most bytes of earlier responses that a client has not read when it asks again: what its receive buffer holds.
pub(crate) const MAX_UNREAD_BYTES: u64 = 8 * 1024 * 1024;

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// From the last response, or from the start of the connection, until the head of a request is complete.
    pub(crate) keep_alive: Duration,
    /// That a client may be late with reading a response, beyond the time that [`MINIMUM_RATE`] gives it.
    pub(crate) write: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { keep_alive: Duration::from_secs(75), write: Duration::from_secs(60) }
    }
}

/// The deadlines of one connection.
///
/// The head of a request must be complete a keep-alive time after the last response, or after the start of the connection.
/// hyper would set a timer for that at each request; here one timer serves all requests and is set again only when it expires,
/// which rarely happens.
///
/// A client that reads [`MINIMUM_RATE`] on average is never cut. What it reads cannot be seen: the system takes a part of the
/// response ahead of it, the client's system another one, and both then take nothing for minutes until a large part of their
/// buffers is free again. But the system has always taken at least as much as the client has read. So each byte that the
/// system takes earns time, from the response's first one on, and a client is cut when it keeps output waiting for longer
/// than the write timeout beyond the time earned. As long as a client keeps up, no clock is read and no timer runs.
#[derive(Debug)]
pub(crate) struct Deadlines {
    timeouts: Timeouts,
    /// The bytes that the system has taken and that have not earned time yet.
    taken: u64,
    /// The bytes of earlier responses that have not earned time yet.
    taken_before: u64,
    /// The end of the time earned; `None` before the client has kept output waiting.
    earned_until: Option<Instant>,
    /// The client has kept output of this response waiting.
    has_waited: bool,
    /// Since when the client has taken nothing; `None` while it takes.
    blocked_since: Option<Instant>,
    timer: Timer,
}

impl Deadlines {
    pub(crate) fn new(timeouts: Timeouts) -> Self {
        Self {
            timeouts,
            taken: 0,
            taken_before: 0,
            earned_until: None,
            has_waited: false,
            blocked_since: None,
            timer: Timer::default(),
        }
    }

    /// For a connection that waits for a request since `idle_since`. Ready with the error that ends it.
    pub(crate) fn poll_request(&mut self, idle_since: Instant, context: &mut Context<'_>) -> Poll<io::Error> {
        ready!(self.timer.poll_until(idle_since + self.timeouts.keep_alive, context));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "no request has arrived"))
    }

    /// The system has taken `bytes` more.
    pub(crate) fn written(&mut self, bytes: usize) {
        self.taken += bytes as u64;
        self.blocked_since = None;
    }

    /// Whether the client keeps output waiting.
    pub(crate) fn is_waiting(&self) -> bool {
        self.blocked_since.is_some()
    }

    /// The system has transmitted all output. What follows belongs to another response.
    pub(crate) fn caught_up(&mut self) {
        self.taken_before = (self.taken_before + self.taken).min(MAX_UNREAD_BYTES);
        self.taken = 0;
        self.has_waited = false;
        self.blocked_since = None;
    }

    /// For a connection whose client keeps output waiting. Tells since when the client has taken nothing without having earned
    /// the time.
    pub(crate) fn behind_since(&mut self) -> Instant {
        if let (Some(blocked), Some(earned)) = (self.blocked_since, self.earned_until) {
            return blocked.min(earned);
        }
        let now = Instant::now();
        let mut earned = self.earned_until.unwrap_or(now);
        if !self.has_waited {
            // Another response: its time begins now, or when the client has read what it may still have of those before.
            earned = (earned.max(now) + time_for(self.taken_before)).min(now + time_for(MAX_UNREAD_BYTES));
            self.taken_before = 0;
            self.has_waited = true;
        }
        let earned = earned + time_for(self.taken);
        self.taken = 0;
        self.earned_until = Some(earned);
        self.blocked_since = Some(now);
        earned.min(now)
    }

    /// After [`behind_since`](Self::behind_since). Ready with the error that ends the connection.
    pub(crate) fn poll_write_blocked(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let earned_until = self.earned_until.unwrap_or_else(Instant::now);
        ready!(self.timer.poll_until(earned_until + self.timeouts.write, context));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the client does not read"))
    }
}

/// The time in which a client at the lowest rate reads `bytes`.
fn time_for(bytes: u64) -> Duration {
    Duration::from_millis(bytes.saturating_mul(1000) / MINIMUM_RATE)
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
