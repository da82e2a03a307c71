//! What a connection is doing, as far as its deadlines and the other connections depend on it.

use std::cell::Cell;
use std::rc::Rc;

use tokio::time::Instant;

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
    /// The socket takes no more output.
    write_blocked: Cell<bool>,
    /// All output is sent and the sending side is shut down; what the client still sends is discarded.
    lingering: Cell<bool>,
    /// The client may be sending something that the service will not read as a request.
    leaves_input_unread: Cell<bool>,
    /// When the last response was sent, or else when the connection began.
    idle_since: Cell<Instant>,
}

/// A connection that can be closed in favour of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Idle {
    /// The client has announced a request: the connection is new, or part of a head has arrived. Such a connection is closed
    /// after those that have nothing pending, hence the first field.
    pub(crate) awaits_request: bool,
    /// When the last response was sent, or else when the connection began.
    pub(crate) since: Instant,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self {
            unsent_responses: Cell::new(0),
            requests: Cell::new(0),
            receives_head: Cell::new(false),
            write_blocked: Cell::new(false),
            lingering: Cell::new(false),
            leaves_input_unread: Cell::new(false),
            idle_since: Cell::new(Instant::now()),
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
        UnsentResponse(Rc::clone(self))
    }

    /// How many requests have arrived.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.get()
    }

    /// Records whether the socket takes no more output.
    pub(crate) fn set_write_blocked(&self, blocked: bool) {
        self.write_blocked.set(blocked);
    }

    /// The connection waits for the client to close its side.
    pub(crate) fn start_lingering(&self) {
        self.lingering.set(true);
    }

    /// The service ends the connection although the client may still be sending.
    pub(crate) fn leave_input_unread(&self) {
        self.leaves_input_unread.set(true);
    }

    /// Whether part of a request's head has arrived and nothing else is going on.
    pub(crate) fn is_receiving_head(&self) -> bool {
        self.receives_head.get() && !self.is_busy()
    }

    /// Whether closing the connection now would lose something.
    pub(crate) fn is_busy(&self) -> bool {
        self.unsent_responses.get() > 0 || self.write_blocked.get() || self.lingering.get()
    }

    /// Whether the client may send more than the end of the connection.
    pub(crate) fn expects_input(&self) -> bool {
        self.leaves_input_unread.get() || self.receives_head.get()
    }

    /// When the last response was sent, or else when the connection began.
    pub(crate) fn idle_since(&self) -> Instant {
        self.idle_since.get()
    }

    /// How the connection ranks among those that can be closed in favour of another; `None` while it is needed.
    pub(crate) fn idle(&self) -> Option<Idle> {
        let awaits_request = self.requests.get() == 0 || self.receives_head.get();
        let is_needed = self.unsent_responses.get() > 0 || self.write_blocked.get();
        (!is_needed).then(|| Idle { awaits_request, since: self.idle_since.get() })
    }
}

/// A response that the system has not taken whole, or that is still being made.
#[derive(Debug)]
pub(crate) struct UnsentResponse(Rc<Activity>);

impl Drop for UnsentResponse {
    fn drop(&mut self) {
        self.0.unsent_responses.set(self.0.unsent_responses.get() - 1);
        self.0.idle_since.set(Instant::now());
    }
}
