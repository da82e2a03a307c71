//! What a connection is doing, as far as its deadlines and the other connections depend on it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::sequence::Reservation;

/// How long a client may be behind with reading if other clients are waiting.
pub(crate) const TOLERANCE: Duration = Duration::from_secs(1);

/// How long a request's head may take to arrive when other clients wait. A client that has a request sends it at once, so this is
/// short: those that send nothing would otherwise keep /healthz waiting.
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
    /// Told when the connection becomes idle or falls behind.
    waiters: Rc<Waiters>,
}

/// Those who wait for a connection that can be ended.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    count: Cell<usize>,
    changed: Notify,
}

/// A reason why a connection can be ended in favour of another one. Those that come first in the order are ended first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Evictable {
    /// Nothing is pending since then.
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

impl Waiters {
    /// Waits until a connection has become idle or has fallen behind.
    pub(crate) async fn changed(&self) {
        struct Waiting<'a>(&'a Cell<usize>);

        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.set(self.0.get() - 1);
            }
        }

        self.count.set(self.count.get() + 1);
        let _waiting = Waiting(&self.count);
        self.changed.notified().await;
    }

    fn notify(&self) {
        if self.count.get() > 0 {
            self.changed.notify_waiters();
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

    /// A request's head is complete. The response counts as unsent until the returned value is dropped.
    pub(crate) fn request_arrived(self: &Rc<Self>) -> UnsentResponse {
        self.requests.set(self.requests.get() + 1);
        self.receives_head.set(false);
        self.unsent_responses.set(self.unsent_responses.get() + 1);
        UnsentResponse { activity: Rc::clone(self), ended: None }
    }

    /// How many requests have arrived.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.get()
    }

    /// The client keeps output waiting, and has earned no time for that since `since`.
    pub(crate) fn fall_behind(&self, since: Instant) {
        if self.behind_since.replace(Some(since)) != Some(since) {
            self.waiters.notify();
        }
    }

    /// The client has taken output.
    pub(crate) fn advance(&self) {
        self.behind_since.set(None);
    }

    /// Keeps the memory of a response that the system has accepted completely. It is accounted for until
    /// [`transmitted`](Self::transmitted).
    pub(crate) fn keep(&self, reservation: Reservation) {
        *self.reservation.borrow_mut() = Some(reservation);
    }

    /// The system has transmitted all output.
    pub(crate) fn transmitted(&self) {
        drop(self.reservation.take());
        if self.behind_since.replace(None).is_some() {
            self.idle_since.set(Instant::now());
            self.waiters.notify();
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

    /// Whether part of a request's head has arrived and nothing else is going on.
    pub(crate) fn is_receiving_head(&self) -> bool {
        self.receives_head.get() && !self.is_busy()
    }

    /// Whether closing the connection now would lose something.
    pub(crate) fn is_busy(&self) -> bool {
        self.unsent_responses.get() > 0 || self.behind_since.get().is_some() || self.lingering.get()
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
        if self.unsent_responses.get() > 0 {
            return None;
        }
        let since = self.idle_since.get();
        let awaits_request = self.requests.get() == 0 || self.receives_head.get();
        Some(if awaits_request { Evictable::AwaitsRequest(since) } else { Evictable::Idle(since) })
    }
}

/// A response that the system has not taken whole, or that is still being made.
#[derive(Debug)]
pub(crate) struct UnsentResponse {
    activity: Rc<Activity>,
    /// When the response ended, if that is known before this is dropped.
    ended: Option<Instant>,
}

impl UnsentResponse {
    /// Another part of the same response. The response counts as unsent until both are dropped.
    pub(crate) fn with_another(&self) -> Self {
        let unsent = &self.activity.unsent_responses;
        unsent.set(unsent.get() + 1);
        Self { activity: Rc::clone(&self.activity), ended: None }
    }

    /// The response ends now.
    pub(crate) fn end(&mut self, now: Instant) {
        self.ended = Some(now);
    }

    /// See [`Activity::keep`].
    pub(crate) fn keep(&self, reservation: Reservation) {
        self.activity.keep(reservation);
    }
}

impl Drop for UnsentResponse {
    fn drop(&mut self) {
        let Self { activity, ended } = self;
        activity.unsent_responses.set(activity.unsent_responses.get() - 1);
        activity.idle_since.set(ended.unwrap_or_else(Instant::now));
        activity.waiters.notify();
    }
}
