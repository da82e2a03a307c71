//! One request and its response: what is measured and logged of them, and the memory that the response holds.

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
    /// Those of them that the system has taken.
    sent: usize,
}

impl Exchange {
    /// For a request whose head is complete now.
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

    /// The part of the reservation that counts until the system has transmitted the response, where that is `longer_than` so
    /// many bytes.
    pub(crate) fn take_reservation(&mut self, longer_than: usize) -> Option<Reservation> {
        if self.length <= longer_than {
            return None;
        }
        let mut reservation = self.reservation.take()?;
        reservation.shrink_to_socket(self.length);
        Some(reservation)
    }

    /// The response has this status and a body of `length` bytes.
    pub(crate) fn set_response(&mut self, status: StatusCode, length: usize) {
        self.status = status;
        self.length = length;
    }

    /// The system has taken so many more bytes of the body.
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
            // In quotes, so that a target cannot imitate another part of the line.
            info!(%method, target = ?target.to_string(), status, length, sent, seconds = took.as_secs_f64(), "request");
        }
    }
}
