//! One request and its response: what is measured and logged about them, and the memory that the response holds.

use std::rc::Rc;

use hyper::http::request::Parts;
use hyper::{Method, StatusCode, Uri};
use tokio::time::Instant;
use tracing::info;

use super::metrics::Metrics;
use crate::sequence::Reservation;

/// What a connection learns about a response.
pub(crate) trait ResponseObserver {
    /// The service closes the connection after the response, and the client may already be sending what follows.
    fn connection_closes(&self);

    /// A response is being made.
    fn response_begun(&self);

    /// The system has the whole response, or the connection has failed. The body has `length` bytes, for which `reservation`
    /// holds memory.
    fn response_ended(&self, now: Instant, length: usize, reservation: Option<Reservation>);
}

/// A request that is being answered. It ends, and is recorded, when this is dropped: when the system has the whole response,
/// or when the connection has failed.
pub(crate) struct Exchange {
    observer: Rc<dyn ResponseObserver>,
    metrics: Rc<Metrics>,
    started: Instant,
    method: Method,
    /// How the metrics name what is asked for.
    route: &'static str,
    /// The index of the response's number.
    number: Option<u64>,
    /// How many numbers a stream has.
    stream_numbers: u64,
    /// The memory that the response holds.
    reservation: Option<Reservation>,
    /// The target, for the access log.
    logged: Option<Box<Uri>>,
    /// `None` until there is a response.
    status: Option<StatusCode>,
    /// Bytes of the body that are to be sent.
    length: usize,
    /// How many of them the system has taken.
    sent: usize,
}

impl Exchange {
    /// Starts when the request's head is complete. In a box: it moves along with the response many times.
    pub(crate) fn start(
        observer: Rc<dyn ResponseObserver>,
        metrics: Rc<Metrics>,
        head: &Parts,
        route: &'static str,
        access_log: bool,
    ) -> Box<Self> {
        observer.response_begun();
        let logged = access_log.then(|| Box::new(head.uri.clone()));
        let (started, method) = (Instant::now(), head.method.clone());
        Box::new(Self {
            observer,
            metrics,
            started,
            method,
            route,
            number: None,
            stream_numbers: 0,
            reservation: None,
            logged,
            status: None,
            length: 0,
            sent: 0,
        })
    }

    /// When the request's head was complete.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// The response has the number at `index`.
    pub(crate) fn set_number(&mut self, index: u64) {
        self.number = Some(index);
    }

    /// Keeps `reservation` until the end of the exchange.
    pub(crate) fn keep(&mut self, reservation: Reservation) {
        self.reservation = Some(reservation);
    }

    /// The service closes the connection after the response.
    pub(crate) fn closes_connection(&self) {
        self.observer.connection_closes();
    }

    /// Sets the response's status and the length of its body in bytes. The request is answered now.
    pub(crate) fn set_response(&mut self, status: StatusCode, length: usize) {
        self.metrics.answered(&self.method, self.route, status);
        self.status = Some(status);
        // The body that tells the length of a response to HEAD is not sent.
        self.length = if self.method == Method::HEAD { 0 } else { length };
    }

    /// The response, a stream, has `bytes` bytes more.
    pub(crate) fn lengthen(&mut self, bytes: usize) {
        self.length += bytes;
    }

    /// The response, a stream, has `count` numbers more.
    pub(crate) fn add_numbers(&mut self, count: u64) {
        self.stream_numbers += count;
        self.metrics.streamed(count);
    }

    /// `count` numbers of a stream, from the index `first` on, were taken and not sent whole.
    pub(crate) fn record_lost(&self, first: u64, count: u64) {
        self.metrics.lost_numbers().record_several(first, count);
    }

    /// A stream cannot go on for `reason`.
    pub(crate) fn refuse(&self, reason: &'static str) {
        self.metrics.refused(reason);
    }

    /// Records that the system has taken `bytes` more of the body.
    pub(crate) fn record_sent(&mut self, bytes: usize) {
        self.sent += bytes;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let now = Instant::now();
        let took = now.duration_since(self.started);
        let (length, sent) = (self.length, self.sent);
        match self.status {
            Some(status) if sent < length => {
                self.metrics.cut(&self.method, self.route, status);
                if let Some(index) = self.number {
                    self.metrics.lost_numbers().record(index, sent, length);
                }
            }
            Some(_) => self.metrics.responded(took),
            // The client has gone while its body was being read.
            None => {}
        }
        if let Some(target) = &self.logged {
            let (method, status) = (&self.method, self.status.map(|status| status.as_u16()));
            // As a string, which the text format puts in quotes: a target cannot imitate another part of the line.
            let target = &*target.to_string();
            // A short time as a fraction of a second would be written with an exponent.
            let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            match self.stream_numbers {
                0 => info!(%method, target, status, length, sent, microseconds, "request"),
                numbers => info!(%method, target, status, length, sent, numbers, microseconds, "request"),
            }
        }
        self.metrics.lost_numbers().flush_if_due();
        self.observer.response_ended(now, length, self.reservation.take());
    }
}
