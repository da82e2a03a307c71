//! What a connection is doing, as far as its deadlines and the other connections depend on it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::http::ResponseObserver;
use crate::sequence::{Reservation, Waiters};

/// After this much output, in bytes, check that the system has transmitted it. A check costs some system calls, and little
/// output is nearly always transmitted at once. Up to this much output of each connection is not counted in the budget.
pub(crate) const UNCHECKED_BYTES: usize = 16 * 1024;

/// How long a client may be behind with reading if other clients are waiting.
pub(crate) const TOLERANCE: Duration = Duration::from_secs(1);

/// How long a request's head may take to arrive when other clients wait. A client that has a request sends it at once, so
/// this is short: those that send nothing would otherwise keep /healthz waiting.
pub(crate) const HEAD_TOLERANCE: Duration = Duration::from_millis(200);

/// The state of one connection. The transport reports what it reads and writes, the service's side reports requests and
/// responses.
#[derive(Debug)]
pub(crate) struct Activity {
    /// Responses that the system has not taken whole.
    unsent_responses: Cell<u32>,
    /// Requests whose heads were complete.
    requests: Cell<u64>,
    /// Part of a request's head has arrived.
    receives_head: Cell<bool>,
    /// The time since which the client has been behind; `None` while no output waits.
    behind_since: Cell<Option<Instant>>,
    /// All output is sent and the sending side is shut down; what the client still sends is discarded.
    lingering: Cell<bool>,
    /// The client may be sending something that the service will not read as a request.
    leaves_input_unread: Cell<bool>,
    /// The connection is ended before its time, and takes its output along.
    is_cut: Cell<bool>,
    /// When the last response was sent, or else when the connection began.
    idle_since: Cell<Instant>,
    /// The memory of a response until the system has transmitted it.
    reservation: RefCell<Option<Reservation>>,
    /// Those who wait for a connection that can be ended: told when this one becomes idle or falls behind.
    waiters: Rc<Waiters>,
}

/// A reason why a connection can be ended in favour of another one. Those that come first in the order are ended first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Evictable {
    /// The connection has been idle since then.
    Idle(Instant),
    /// The client has announced a request: since then the connection has been new, or part of a head has arrived.
    AwaitsRequest(Instant),
    /// The client has been behind with reading its response since then.
    Behind(Instant),
}

impl Evictable {
    /// When the connection can be ended.
    pub(crate) fn from(self) -> Instant {
        match self {
            Self::Idle(since) => since,
            Self::AwaitsRequest(since) => since + HEAD_TOLERANCE,
            Self::Behind(since) => since + TOLERANCE,
        }
    }
}

impl Activity {
    pub(crate) fn new(waiters: Rc<Waiters>) -> Self {
        Self {
            unsent_responses: Cell::new(0),
            requests: Cell::new(0),
            receives_head: Cell::new(false),
            behind_since: Cell::new(None),
            lingering: Cell::new(false),
            leaves_input_unread: Cell::new(false),
            is_cut: Cell::new(false),
            idle_since: Cell::new(Instant::now()),
            reservation: RefCell::new(None),
            waiters,
        }
    }

    /// Input has arrived.
    pub(crate) fn input_arrived(&self) {
        self.receives_head.set(true);
    }

    /// A request's head is complete. The connection is busy at least until the returned value is dropped.
    pub(crate) fn request_arrived(&self) -> PendingRequest<'_> {
        self.requests.set(self.requests.get() + 1);
        self.receives_head.set(false);
        self.unsent_responses.set(self.unsent_responses.get() + 1);
        PendingRequest(self)
    }

    /// The end of a request that had no response yet, or of a response.
    fn one_ended(&self, now: impl FnOnce() -> Instant) {
        let rest = self.unsent_responses.get() - 1;
        self.unsent_responses.set(rest);
        if rest == 0 {
            self.idle_since.set(now());
            self.waiters.notify_all();
        }
    }

    /// How many requests have arrived.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.get()
    }

    /// The client keeps output waiting, and has earned no time for that since `since`.
    pub(crate) fn fall_behind(&self, since: Instant) {
        if self.behind_since.replace(Some(since)) != Some(since) {
            self.waiters.notify_all();
        }
    }

    /// The client has taken output.
    pub(crate) fn advance(&self) {
        self.behind_since.set(None);
    }

    /// The system has transmitted all output.
    pub(crate) fn transmitted(&self) {
        drop(self.reservation.take());
        if self.behind_since.replace(None).is_some() {
            self.idle_since.set(Instant::now());
            self.waiters.notify_all();
        }
    }

    /// The connection waits for the client to close its side.
    pub(crate) fn start_lingering(&self) {
        self.lingering.set(true);
    }

    /// The service ends the connection although the client may still be sending.
    pub(crate) fn leave_input_unread(&self) {
        self.leaves_input_unread.set(true);
    }

    /// The connection ends before its time, because its client does not read or because another one needs its place.
    pub(crate) fn cut(&self) {
        self.is_cut.set(true);
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut.get()
    }

    /// Whether a request waits for its response, or the system has not accepted all of a response.
    pub(crate) fn has_unsent_responses(&self) -> bool {
        self.unsent_responses.get() > 0
    }

    /// Whether part of a request's head has arrived and nothing else is going on.
    pub(crate) fn is_receiving_head(&self) -> bool {
        self.receives_head.get() && !self.is_busy()
    }

    /// Whether closing the connection now would lose something.
    pub(crate) fn is_busy(&self) -> bool {
        self.has_unsent_responses() || self.behind_since.get().is_some() || self.lingering.get()
    }

    /// Whether the client may send more than the end of the connection.
    pub(crate) fn expects_input(&self) -> bool {
        self.leaves_input_unread.get() || self.receives_head.get()
    }

    /// When the last response was sent, or else when the connection began.
    pub(crate) fn idle_since(&self) -> Instant {
        self.idle_since.get()
    }

    /// Why the connection can be ended in favour of another one; `None` while it is needed.
    pub(crate) fn evictable(&self) -> Option<Evictable> {
        if let Some(since) = self.behind_since.get() {
            return Some(Evictable::Behind(since));
        }
        if self.has_unsent_responses() {
            return None;
        }
        let since = self.idle_since.get();
        let awaits_request = self.requests.get() == 0 || self.receives_head.get();
        Some(if awaits_request { Evictable::AwaitsRequest(since) } else { Evictable::Idle(since) })
    }
}

impl ResponseObserver for Activity {
    fn connection_closes(&self) {
        self.leave_input_unread();
    }

    fn response_begun(&self) {
        self.unsent_responses.set(self.unsent_responses.get() + 1);
    }

    fn response_ended(&self, now: Instant, length: usize, reservation: Option<Reservation>) {
        // The system may keep part of a long response long after accepting all of it.
        if let Some(mut reservation) = reservation.filter(|_| length > UNCHECKED_BYTES) {
            reservation.shrink_to_socket(length);
            *self.reservation.borrow_mut() = Some(reservation);
        }
        self.one_ended(|| now);
    }
}

/// A request that has arrived, until its response is being made.
#[derive(Debug)]
pub(crate) struct PendingRequest<'a>(&'a Activity);

impl Drop for PendingRequest<'_> {
    fn drop(&mut self) {
        self.0.one_ended(Instant::now);
    }
}
