//! The metrics at `/metrics`, in the format of `OpenMetrics`.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use hyper::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::lost_numbers::LostNumbers;
use crate::log;
use crate::position::{Figures, Position};
use crate::sequence::Load;
use crate::sequence::memory::Memory;

/// The media type of [`Metrics::text`].
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Bounds of the histograms: 1 µs, 4 µs, ... 4.2 s for a step; 16 µs, 64 µs, ... 67 s for a response.
const STEP_SECONDS: (f64, f64, u16) = (1e-6, 4.0, 12);
const RESPONSE_SECONDS: (f64, f64, u16) = (16e-6, 4.0, 12);

type Level = Gauge<u64, AtomicU64>;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: &'static str,
    status: u16,
}

impl Request {
    /// Methods other than those that are allowed share one name, since clients can make up any number of them.
    fn new(method: &Method, route: &'static str, status: StatusCode) -> Self {
        let method = match *method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            _ => "other",
        };
        Self { method, route, status: status.as_u16() }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Refusal {
    reason: &'static str,
}

/// The position, the responses in flight and the memory when the metrics are asked for.
pub(crate) struct Snapshot {
    pub(crate) position: Position,
    pub(crate) position_figures: Figures,
    pub(crate) digits: u64,
    pub(crate) restarts: u64,
    pub(crate) in_flight: Load,
    pub(crate) memory: Memory,
}

/// All metrics. Those that change with each request cost a few instructions.
pub(crate) struct Metrics {
    registry: Registry,
    since: Instant,
    requests: Family<Request, Counter>,
    /// The member of `requests` that counts numbers, looked up once.
    numbers: Counter,
    stream_numbers: Counter,
    cut_responses: Family<Request, Counter>,
    lost_numbers: LostNumbers,
    refusals: Family<Refusal, Counter>,
    accepted: Counter,
    refused_connections: Counter,
    connections: Level,
    in_flight: Level,
    in_flight_bytes: Level,
    step: Histogram,
    response: Histogram,
    position: Level,
    pass: Level,
    skipped: Counter,
    syncs: Counter,
    sync_seconds: Counter<f64, AtomicU64>,
    statements: Counter,
    statement_seconds: Counter<f64, AtomicU64>,
    position_failures: Counter,
    digits: Level,
    restarts: Counter,
    log_messages_dropped: Counter,
    memory_used: Level,
    memory_total: Level,
    memory_threshold: Level,
    memory_guard_blind: Level,
    /// For the log's last line.
    answered: Cell<u64>,
    refused: Cell<u64>,
    /// The length of the last text: the next one will be about as long.
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
            numbers: requests.get_or_create_owned(&Request { method: "GET", route: "/", status: 200 }),
            requests,
            stream_numbers: Counter::default(),
            cut_responses: Family::default(),
            lost_numbers: LostNumbers::new(),
            refusals: Family::default(),
            accepted: Counter::default(),
            refused_connections: Counter::default(),
            connections: Level::default(),
            in_flight: Level::default(),
            in_flight_bytes: Level::default(),
            step: histogram(STEP_SECONDS),
            response: histogram(RESPONSE_SECONDS),
            position: Level::default(),
            pass: Level::default(),
            skipped: Counter::default(),
            syncs: Counter::default(),
            sync_seconds: Counter::default(),
            statements: Counter::default(),
            statement_seconds: Counter::default(),
            position_failures: Counter::default(),
            digits: Level::default(),
            restarts: Counter::default(),
            log_messages_dropped: Counter::default(),
            memory_used: Level::default(),
            memory_total: Level::default(),
            memory_threshold: Level::default(),
            memory_guard_blind: Level::default(),
            answered: Cell::new(0),
            refused: Cell::new(0),
            length: Cell::new(0),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let r = &mut self.registry;
        r.register("build", "The program", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        r.register("requests", "Requests answered", self.requests.clone());
        r.register(
            "cut_responses",
            "Responses that ended before the system had all of them; those of GET / with 200 are numbers lost",
            self.cut_responses.clone(),
        );
        r.register("stream_numbers", "Numbers given on streams, each of which counts", self.stream_numbers.clone());
        r.register("refusals", "Requests refused, by reason; they consume nothing", self.refusals.clone());
        r.register("position", "Index of the number that comes next", self.position.clone());
        r.register("pass", "Passes before this one in the life of the position", self.pass.clone());
        r.register(
            "position_skipped",
            "Numbers skipped: at the start, because they may have been given before, or taken from a database and not given",
            self.skipped.clone(),
        );
        r.register(
            "position_syncs",
            "Times that the service waited for the disk to have the position",
            self.syncs.clone(),
        );
        r.register_with_unit(
            "position_sync",
            "Time that the service waited for the disk",
            Unit::Seconds,
            self.sync_seconds.clone(),
        );
        r.register("position_statements", "Statements that took positions from the database", self.statements.clone());
        r.register_with_unit(
            "position_statement",
            "Time that these statements took",
            Unit::Seconds,
            self.statement_seconds.clone(),
        );
        let help = "Failed writes of the position, or how often its database could not be used";
        r.register("position_failures", help, self.position_failures.clone());
        r.register("current_digits", "Decimal digits of the number that comes next", self.digits.clone());
        r.register("restarts", "New passes from F(0) because memory was short", self.restarts.clone());
        r.register(
            "log_messages_dropped",
            "Log messages dropped because standard error was not read",
            self.log_messages_dropped.clone(),
        );
        r.register("accepted_connections", "Connections accepted", self.accepted.clone());
        let help = "Connections closed at once because their client had too many";
        r.register("refused_connections", help, self.refused_connections.clone());
        r.register("connections", "Connections being served", self.connections.clone());
        r.register("bodies_in_flight", "Responses that the system has not transmitted", self.in_flight.clone());
        r.register_with_unit(
            "bodies_in_flight",
            "Memory that these responses hold, including what the system holds of them",
            Unit::Bytes,
            self.in_flight_bytes.clone(),
        );
        r.register_with_unit("memory_used", "Memory in use, by the guard", Unit::Bytes, self.memory_used.clone());
        r.register_with_unit("memory_total", "Total memory", Unit::Bytes, self.memory_total.clone());
        r.register_with_unit(
            "memory_threshold",
            "Memory that may be in use",
            Unit::Bytes,
            self.memory_threshold.clone(),
        );
        r.register(
            "memory_guard_blind",
            "Whether the memory in use cannot be read (1) and the last good reading counts",
            self.memory_guard_blind.clone(),
        );
        r.register_with_unit(
            "step",
            "Time to check a request, and to compute and render its number",
            Unit::Seconds,
            self.step.clone(),
        );
        r.register_with_unit(
            "response",
            "Time from the head of a request until the system has all of the response; cut ones are left out",
            Unit::Seconds,
            self.response.clone(),
        );
        self
    }

    /// Counts a request that was answered.
    pub(crate) fn answered(&self, method: &Method, route: &'static str, status: StatusCode) {
        self.answered.set(self.answered.get() + 1);
        match (method, route, status) {
            (&Method::GET, "/", StatusCode::OK) => self.numbers.inc(),
            _ => self.requests.get_or_create(&Request::new(method, route, status)).inc(),
        };
    }

    /// Counts numbers given on streams.
    pub(crate) fn streamed(&self, count: u64) {
        self.stream_numbers.inc_by(count);
    }

    /// Counts a request whose head was rejected, so that it has neither a method nor a route.
    pub(crate) fn rejected(&self, reason: &'static str, status: StatusCode) {
        self.refused(reason);
        self.answered.set(self.answered.get() + 1);
        self.requests.get_or_create(&Request { method: "other", route: "other", status: status.as_u16() }).inc();
    }

    /// Counts a response of which the system has not taken everything.
    pub(crate) fn cut(&self, method: &Method, route: &'static str, status: StatusCode) {
        self.cut_responses.get_or_create(&Request::new(method, route, status)).inc();
    }

    /// The log of numbers that were not sent whole.
    pub(crate) fn lost_numbers(&self) -> &LostNumbers {
        &self.lost_numbers
    }

    /// Counts a request that was refused.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.refused.set(self.refused.get() + 1);
        self.refusals.get_or_create(&Refusal { reason }).inc();
    }

    /// Counts a connection that was accepted.
    pub(crate) fn connection_accepted(&self) {
        self.accepted.inc();
    }

    /// A connection was closed at once because its client has too many.
    pub(crate) fn connection_refused(&self) {
        self.refused_connections.inc();
    }

    /// Sets how many connections are being served.
    pub(crate) fn set_connections(&self, count: usize) {
        self.connections.set(count as u64);
    }

    /// Records how long it took to check a request, and to compute and render its number.
    pub(crate) fn stepped(&self, time: Duration) {
        self.step.observe(time.as_secs_f64());
    }

    /// Records how long it took until the system had a response.
    pub(crate) fn responded(&self, time: Duration) {
        self.response.observe(time.as_secs_f64());
    }

    /// All metrics as text. Consumes nothing.
    ///
    /// # Errors
    /// When the library reports one.
    pub(crate) fn text(&self, now: &Snapshot) -> Result<String, fmt::Error> {
        self.position.set(now.position.index);
        self.pass.set(now.position.pass);
        let Figures { skipped, syncs, sync_time, statements, statement_time, failures } = now.position_figures;
        self.skipped.inc_by(skipped - self.skipped.get());
        self.syncs.inc_by(syncs - self.syncs.get());
        self.sync_seconds.inc_by(sync_time.as_secs_f64() - self.sync_seconds.get());
        self.statements.inc_by(statements - self.statements.get());
        self.statement_seconds.inc_by(statement_time.as_secs_f64() - self.statement_seconds.get());
        self.position_failures.inc_by(failures - self.position_failures.get());
        self.digits.set(now.digits);
        self.restarts.inc_by(now.restarts - self.restarts.get());
        self.log_messages_dropped.inc_by(log::dropped() - self.log_messages_dropped.get());
        self.in_flight.set(now.in_flight.responses);
        self.in_flight_bytes.set(now.in_flight.bytes);
        // Zeros where nothing is known.
        self.memory_used.set(now.memory.usage.map_or(0, |usage| usage.used));
        self.memory_total.set(now.memory.usage.map_or(0, |usage| usage.total));
        self.memory_threshold.set(now.memory.usage.map_or(0, |usage| usage.allowed));
        self.memory_guard_blind.set((!now.memory.is_known).into());
        let mut text = String::with_capacity(self.length.get());
        encode(&mut text, &self.registry)?;
        self.length.set(text.len());
        Ok(text)
    }

    /// For the log's last line: requests answered, how many of them were refused, connections, and the time since the start.
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
