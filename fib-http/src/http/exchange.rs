//! One request and its response: what is measured and logged about them, and the memory that the response holds.

use std::rc::Rc;

use hyper::http::request::Parts;
use hyper::{Method, StatusCode, Uri};
use tokio::time::Instant;
use tracing::info;

use super::metrics::Metrics;
use crate::sequence::Reservation;

/// A request that is being answered. It ends, and is recorded, when this is dropped: when the system has the whole response,
/// or when the connection has failed.
#[derive(Debug)]
pub(crate) struct Exchange {
    metrics: Rc<Metrics>,
    started: Instant,
    /// The memory that the response's number holds.
    reservation: Option<Reservation>,
    /// Method and target, for the access log.
    logged: Option<Box<(Method, Uri)>>,
    status: StatusCode,
    /// Bytes of the response's body.
    length: usize,
    /// How many of them the system has taken.
    sent: usize,
}

impl Exchange {
    /// Starts when the request's head is complete.
    pub(crate) fn start(metrics: Rc<Metrics>, head: &Parts, access_log: bool) -> Self {
        let logged = access_log.then(|| Box::new((head.method.clone(), head.uri.clone())));
        let started = Instant::now();
        Self { metrics, started, reservation: None, logged, status: StatusCode::OK, length: 0, sent: 0 }
    }

    /// When the request's head was complete.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Keeps `reservation` until the end of the exchange.
    pub(crate) fn keep(&mut self, reservation: Reservation) {
        self.reservation = Some(reservation);
    }

    /// Sets the response's status and the length of its body in bytes.
    pub(crate) fn set_response(&mut self, status: StatusCode, length: usize) {
        self.status = status;
        self.length = length;
    }

    /// Records that the system has taken `bytes` more of the body.
    pub(crate) fn record_sent(&mut self, bytes: usize) {
        self.sent += bytes;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let took = self.started.elapsed();
        self.metrics.responded(took);
        if let Some(request) = &self.logged {
            let (method, target) = &**request;
            let (status, length, sent) = (self.status.as_u16(), self.length, self.sent);
            // As a string, which the text format puts in quotes: a target cannot imitate another part of the line.
            let target = &*target.to_string();
            info!(%method, target, status, length, sent, seconds = took.as_secs_f64(), "request");
        }
    }
}
