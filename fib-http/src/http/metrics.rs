//! What an operator can see at `/metrics`, in the format of `OpenMetrics`.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::sequence::Load;
use crate::sequence::memory::Usage;

/// The media type of what [`Metrics::text`] gives.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Bounds of the histograms: 1 µs, 4 µs, ... 4.2 s for a step; 16 µs, 64 µs, ... 67 s for a response.
const STEP_SECONDS: (f64, f64, u16) = (1e-6, 4.0, 12);
const RESPONSE_SECONDS: (f64, f64, u16) = (16e-6, 4.0, 12);

type Level = Gauge<u64, AtomicU64>;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Refusal {
    reason: &'static str,
}

/// What the position, the responses and the memory are at the time of a look.
pub(crate) struct Snapshot {
    pub(crate) index: u64,
    pub(crate) digits: usize,
    pub(crate) restarts: u64,
    pub(crate) in_flight: Load,
    pub(crate) memory: Usage,
}

/// Counts, levels and times. What changes with each request costs a few instructions.
pub(crate) struct Metrics {
    registry: Registry,
    since: Instant,
    requests: Family<Request, Counter>,
    /// The one of `requests` that matters for speed.
    numbers: Counter,
    refusals: Family<Refusal, Counter>,
    accepted: Counter,
    refused_connections: Counter,
    connections: Level,
    in_flight: Level,
    in_flight_bytes: Level,
    step: Histogram,
    response: Histogram,
    position: Level,
    digits: Level,
    restarts: Counter,
    memory_used: Level,
    memory_total: Level,
    memory_threshold: Level,
    /// For the summary at the end.
    answered: Cell<u64>,
    refused: Cell<u64>,
    /// What was written last: the next one will be about as long.
    length: Cell<usize>,
}

impl Metrics {
    #[must_use]
    pub(crate) fn new() -> Self {
        let histogram = |(start, factor, count)| Histogram::new(exponential_buckets(start, factor, count));
        let requests = Family::<Request, Counter>::default();
        let metrics = Self {
            registry: Registry::with_prefix("fib_http"),
            since: Instant::now(),
            numbers: requests.get_or_create_owned(&Request { route: "/", status: 200 }),
            requests,
            refusals: Family::default(),
            accepted: Counter::default(),
            refused_connections: Counter::default(),
            connections: Level::default(),
            in_flight: Level::default(),
            in_flight_bytes: Level::default(),
            step: histogram(STEP_SECONDS),
            response: histogram(RESPONSE_SECONDS),
            position: Level::default(),
            digits: Level::default(),
            restarts: Counter::default(),
            memory_used: Level::default(),
            memory_total: Level::default(),
            memory_threshold: Level::default(),
            answered: Cell::new(0),
            refused: Cell::new(0),
            length: Cell::new(0),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let r = &mut self.registry;
        r.register("build", "The program", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        r.register("requests", "Requests answered, by route and status", self.requests.clone());
        r.register("refusals", "Requests refused, by reason; they consume nothing", self.refusals.clone());
        r.register("position", "Index of the number that comes next", self.position.clone());
        r.register("current_digits", "Decimal digits of the number that comes next", self.digits.clone());
        r.register("restarts", "New passes from F(0) because memory was short", self.restarts.clone());
        r.register("accepted_connections", "Connections accepted", self.accepted.clone());
        let help = "Connections closed at once because their client had too many";
        r.register("refused_connections", help, self.refused_connections.clone());
        r.register("connections", "Connections being served", self.connections.clone());
        r.register("bodies_in_flight", "Responses that the system has not transmitted", self.in_flight.clone());
        r.register_with_unit(
            "bodies_in_flight",
            "Memory that these responses hold, what the system holds of them included",
            Unit::Bytes,
            self.in_flight_bytes.clone(),
        );
        r.register_with_unit("memory_used", "Memory in use, by the guard", Unit::Bytes, self.memory_used.clone());
        r.register_with_unit("memory_total", "Memory that there is", Unit::Bytes, self.memory_total.clone());
        r.register_with_unit(
            "memory_threshold",
            "Memory in use above which numbers do not grow",
            Unit::Bytes,
            self.memory_threshold.clone(),
        );
        r.register_with_unit(
            "step",
            "Time to check a request, and to compute and render its number",
            Unit::Seconds,
            self.step.clone(),
        );
        r.register_with_unit(
            "response",
            "Time from the head of a request until the system has all of the response",
            Unit::Seconds,
            self.response.clone(),
        );
        self
    }

    /// A request on a route was answered.
    pub(crate) fn answered(&self, route: &'static str, status: StatusCode) {
        self.answered.set(self.answered.get() + 1);
        match (route, status) {
            ("/", StatusCode::OK) => self.numbers.inc(),
            _ => self.requests.get_or_create(&Request { route, status: status.as_u16() }).inc(),
        };
    }

    /// A request was refused.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.refused.set(self.refused.get() + 1);
        self.refusals.get_or_create(&Refusal { reason }).inc();
    }

    /// A connection was accepted.
    pub(crate) fn connection_accepted(&self) {
        self.accepted.inc();
    }

    /// A connection was closed at once because its client has too many.
    pub(crate) fn connection_refused(&self) {
        self.refused_connections.inc();
    }

    /// So many connections are being served now.
    pub(crate) fn set_connections(&self, count: usize) {
        self.connections.set(count as u64);
    }

    /// A request was checked, and its number computed and rendered.
    pub(crate) fn stepped(&self, time: Duration) {
        self.step.observe(time.as_secs_f64());
    }

    /// A response is with the system.
    pub(crate) fn responded(&self, time: Duration) {
        self.response.observe(time.as_secs_f64());
    }

    /// All of it as text. Consumes nothing.
    ///
    /// # Errors
    /// As the library says.
    pub(crate) fn text(&self, now: &Snapshot) -> Result<String, fmt::Error> {
        self.position.set(now.index);
        self.digits.set(now.digits as u64);
        self.restarts.inc_by(now.restarts - self.restarts.get());
        self.in_flight.set(now.in_flight.responses);
        self.in_flight_bytes.set(now.in_flight.bytes);
        self.memory_used.set(now.memory.used);
        self.memory_total.set(now.memory.total);
        self.memory_threshold.set(now.memory.allowed);
        let mut text = String::with_capacity(self.length.get());
        encode(&mut text, &self.registry)?;
        self.length.set(text.len());
        Ok(text)
    }

    /// For the log's last line: requests answered, refused ones among them, connections, and the time since the start.
    pub(crate) fn summary(&self) -> (u64, u64, u64, Duration) {
        (self.answered.get(), self.refused.get(), self.accepted.get(), self.since.elapsed())
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics")
            .field("answered", &self.answered)
            .field("refused", &self.refused)
            .finish_non_exhaustive()
    }
}
