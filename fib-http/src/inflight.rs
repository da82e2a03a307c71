//! Responses on their way: what they hold, how long they take, and what is logged of them.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use hyper::StatusCode;
use hyper::http::request::Parts;
use tokio::time::Instant;
use tracing::info;

use crate::metrics::Metrics;
use crate::seat::Seat;

/// What all responses on their way hold, in bytes, and how much that may be.
#[derive(Debug)]
pub(crate) struct InFlight {
    metrics: Rc<Metrics>,
    budget: usize,
    held: Cell<usize>,
    count: Cell<u64>,
    log: bool,
}

impl InFlight {
    pub(crate) fn new(metrics: Rc<Metrics>, budget: usize, log: bool) -> Self {
        Self { metrics, budget, held: Cell::new(0), count: Cell::new(0), log }
    }

    /// How many numbers are on their way, and the bytes that they hold.
    pub(crate) fn load(&self) -> (u64, u64) {
        (self.count.get(), self.held.get() as u64)
    }

    /// Whether a response that holds so many bytes may join those on their way. One alone always may.
    ///
    /// # Errors
    /// [`OverBudget`] where it has to wait.
    pub(crate) fn admit(&self, bytes: usize) -> Result<(), OverBudget> {
        let held = self.held.get();
        if held == 0 || held.saturating_add(bytes) <= self.budget { Ok(()) } else { Err(OverBudget) }
    }
}

/// The responses on their way hold as much as they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverBudget;

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the responses on their way hold as much memory as they may")
    }
}

/// One request that is being answered, until all of the response is with the system.
#[derive(Debug)]
pub(crate) struct Ticket {
    all: Rc<InFlight>,
    seat: Rc<Seat>,
    started: Instant,
    held: usize,
    /// For the access log: method and target.
    request: Option<Box<(hyper::Method, hyper::Uri)>>,
    status: StatusCode,
    /// Bytes of the body, and those of them that the system took.
    length: usize,
    sent: usize,
}

impl Ticket {
    /// For a request whose head was there at `started`.
    pub(crate) fn new(all: Rc<InFlight>, seat: Rc<Seat>, head: &Parts, started: Instant) -> Self {
        seat.asked();
        let request = all.log.then(|| Box::new((head.method.clone(), head.uri.clone())));
        Self { all, seat, started, held: 0, request, status: StatusCode::OK, length: 0, sent: 0 }
    }

    /// The response holds so many bytes.
    pub(crate) fn hold(&mut self, bytes: usize) {
        self.all.held.set(self.all.held.get() + bytes);
        self.all.count.set(self.all.count.get() + 1);
        self.held = bytes;
    }

    /// The response has this status and a body of so many bytes.
    pub(crate) fn tell(&mut self, status: StatusCode, length: usize) {
        self.status = status;
        self.length = length;
    }

    /// So many more bytes of the body are with the system.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent += bytes;
    }

    /// Its request was not read to its end.
    pub(crate) fn leaves_input(&self) {
        self.seat.unread.set(true);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let now = Instant::now();
        let took = now.duration_since(self.started);
        self.seat.answered(now);
        if self.held > 0 {
            self.all.held.set(self.all.held.get() - self.held);
            self.all.count.set(self.all.count.get() - 1);
        }
        self.all.metrics.responded(took);
        if let Some(request) = &self.request {
            let (method, target) = &**request;
            let (status, length, sent) = (self.status.as_u16(), self.length, self.sent);
            // In quotes, so that a target cannot pass for something else.
            info!(%method, target = ?target.to_string(), status, length, sent, seconds = took.as_secs_f64(), "request");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn ticket(all: &Rc<InFlight>, bytes: usize) -> Ticket {
        let (head, ()) = Request::new(()).into_parts();
        let mut ticket = Ticket::new(Rc::clone(all), Rc::new(Seat::new()), &head, Instant::now());
        ticket.hold(bytes);
        ticket
    }

    #[test]
    fn one_alone_may_exceed_the_budget_and_others_wait() {
        let all = Rc::new(InFlight::new(Rc::new(Metrics::new()), 100, false));
        assert_eq!(all.admit(1000), Ok(()));
        let long = ticket(&all, 1000);
        assert_eq!(all.admit(1), Err(OverBudget));
        drop(long);
        let half = ticket(&all, 50);
        assert_eq!(all.admit(50), Ok(()));
        assert_eq!(all.admit(51), Err(OverBudget));
        assert_eq!(all.admit(usize::MAX), Err(OverBudget));
        drop(half);
        assert_eq!(all.held.get(), 0);
    }
}
