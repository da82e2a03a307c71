//! From requests to responses.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use hyper::body::Body as RequestBody;
use hyper::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
    TRANSFER_ENCODING, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use tokio::sync::Notify;
use tracing::{debug, error};

use crate::body::{Body, Payload};
use crate::docs::Docs;
use crate::fetch_metadata;
use crate::host::Hosts;
use crate::inflight::{InFlight, Ticket};
use crate::metrics::{self, Metrics, Snapshot};
use crate::negotiate::prefers_text;
use crate::problem::Problem;
pub use crate::request_body::REQUEST_BODY_BYTES;
use crate::request_body::{check_expectations, drain, waits};
pub use crate::route::TARGET_BYTES;
use crate::route::{Route, check_target, label, not_found};
use crate::seat::Seat;
use crate::sequence::{Sequence, Shortage};

/// The header that tells a number's index.
pub const FIBONACCI_INDEX: HeaderName = HeaderName::from_static("fibonacci-index");

/// The most that bodies on their way hold, in bytes, where nothing else is said.
pub const MAX_INFLIGHT_BYTES: usize = 256 * 1024 * 1024;

/// Seconds after which a client may try again.
const RETRY_AFTER_SECONDS: &str = "5";

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What can be chosen about a service.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) hosts: Hosts,
    pub(crate) keep_alive: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) max_inflight_bytes: usize,
    pub(crate) access_log: bool,
}

impl Default for Settings {
    /// What the flags are by default, for a service that only this machine reaches.
    fn default() -> Self {
        Self {
            hosts: Hosts::new(&[], true),
            keep_alive: Duration::from_secs(30),
            write_timeout: Duration::from_secs(60),
            max_inflight_bytes: MAX_INFLIGHT_BYTES,
            access_log: false,
        }
    }
}

/// All that the connections share.
pub struct App {
    settings: Settings,
    sequence: RefCell<Sequence>,
    metrics: Rc<Metrics>,
    in_flight: Rc<InFlight>,
    docs: Docs,
    stopping: Cell<bool>,
    stop: Notify,
}

impl App {
    /// A service that gives the numbers of `sequence`, to this machine only.
    #[must_use]
    pub fn new(sequence: Sequence) -> Self {
        Self::with_settings(sequence, Settings::default())
    }

    pub(crate) fn with_settings(sequence: Sequence, settings: Settings) -> Self {
        let metrics = Rc::new(Metrics::new());
        let in_flight = InFlight::new(Rc::clone(&metrics), settings.max_inflight_bytes, settings.access_log);
        Self {
            settings,
            sequence: RefCell::new(sequence),
            metrics,
            in_flight: Rc::new(in_flight),
            docs: Docs::new(),
            stopping: Cell::new(false),
            stop: Notify::new(),
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The index of the number that comes next.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.sequence.borrow().index()
    }

    /// How often a shortage of memory has started a new pass.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.sequence.borrow().restarts()
    }

    /// From now on each connection ends after the response that it is at.
    pub fn stop(&self) {
        self.stopping.set(true);
        self.stop.notify_waiters();
    }

    /// Waits for [`stop`](Self::stop).
    pub async fn stopped(&self) {
        let notified = self.stop.notified();
        if !self.stopping.get() {
            notified.await;
        }
    }

    /// Answers one request.
    pub(crate) async fn respond<B>(&self, request: Request<B>, seat: &Rc<Seat>) -> Response<Body>
    where
        B: RequestBody<Data = Bytes>,
    {
        let (head, body) = request.into_parts();
        let mut ticket = Ticket::new(Rc::clone(&self.in_flight), Rc::clone(seat), &head);
        let route = self.judge(&head);
        // Whoever waits to be told to send a body is not told to if it is for nothing.
        let read = body.is_end_stream() || !(route.is_err() && waits(&head.headers));
        let drained = if read { drain(body).await.map(|()| true) } else { Ok(false) };
        // Nothing is awaited from here on: a number that is consumed below is in the response.
        let answer = match (route, drained) {
            (Ok(route), Ok(_)) => self.answer(route, &head.headers, &mut ticket),
            (Err(problem), Ok(true)) => Err(problem),
            // The rest of the body stands where the next request would.
            (Err(problem), Ok(false) | Err(_)) | (Ok(_), Err(problem)) => {
                ticket.leaves_input();
                Err(problem.closing())
            }
        };
        let route = label(&head.uri);
        let mut response = answer.unwrap_or_else(|problem| {
            debug!(status = problem.status().as_u16(), reason = problem.reason(), "refused");
            self.metrics.refused(problem.reason());
            problem.into_response()
        });
        self.metrics.answered(route, response.status());
        finish(&head, response.headers_mut());
        ticket.tell(response.status(), response.body().remaining());
        response.map(|payload| Body::new(payload.with(ticket)))
    }

    /// All that can be checked of a request before its body is read.
    fn judge<'a>(&self, head: &'a Parts) -> Result<Route<'a>, Problem> {
        check_target(head)?;
        self.settings.hosts.check(head)?;
        check_expectations(&head.headers)?;
        let route = Route::of(head)?;
        if route == Route::Number {
            fetch_metadata::check(&head.headers)?;
        }
        Ok(route)
    }

    /// A panic on the way costs its request and its connection, and consumes nothing.
    fn answer(&self, route: Route<'_>, headers: &HeaderMap, ticket: &mut Ticket) -> Result<Response<Payload>, Problem> {
        catch_unwind(AssertUnwindSafe(|| self.content(route, headers, ticket)))
            .unwrap_or_else(|_| Err(internal("The service failed at this request. No number was consumed.").closing()))
    }

    fn content(
        &self,
        route: Route<'_>,
        headers: &HeaderMap,
        ticket: &mut Ticket,
    ) -> Result<Response<Payload>, Problem> {
        Ok(match route {
            Route::Number => self.number(headers, ticket)?,
            Route::NumberHead => number_head(headers),
            Route::Healthy => content(TEXT, "ok\n"),
            Route::Ready => self.ready()?,
            Route::Metrics => self.figures()?,
            Route::Docs => redirect("/docs/"),
            Route::Asset(path) => {
                let (media_type, bytes) = self.docs.asset(path).ok_or_else(not_found)?;
                content(media_type, bytes)
            }
            Route::OpenApi => content(JSON, self.docs.openapi()),
            Route::Favicon => empty(StatusCode::NO_CONTENT),
            Route::Robots => content(TEXT, "User-agent: *\nDisallow: /\n"),
        })
    }

    /// Consumes the next number.
    fn number(&self, headers: &HeaderMap, ticket: &mut Ticket) -> Result<Response<Payload>, Problem> {
        let mut response = number_head(headers);
        let start = Instant::now();
        let (index, bytes, payload) = self
            .sequence
            .borrow_mut()
            .next(|number, index| {
                let bytes = Payload::bytes_for(number);
                self.in_flight.admit(bytes)?;
                Ok((index, bytes, Payload::of(number)?))
            })
            .map_err(|shortage| refusal(&shortage))?;
        self.metrics.stepped(start.elapsed());
        ticket.hold(bytes);
        response.headers_mut().insert(FIBONACCI_INDEX, index.into());
        *response.body_mut() = payload;
        Ok(response)
    }

    fn ready(&self) -> Result<Response<Payload>, Problem> {
        if self.stopping.get() {
            return Err(unavailable("stopping", "The service is stopping."));
        }
        if !self.sequence.borrow_mut().is_ready() {
            return Err(unavailable("memory", MEMORY_IS_SHORT));
        }
        Ok(content(TEXT, "ready\n"))
    }

    fn figures(&self) -> Result<Response<Payload>, Problem> {
        let mut sequence = self.sequence.borrow_mut();
        let now = Snapshot {
            index: sequence.index(),
            digits: sequence.digits(),
            restarts: sequence.restarts(),
            memory: sequence.memory(),
        };
        let text = self.metrics.text(&now).map_err(|_| internal("The metrics cannot be written."))?;
        Ok(content(HeaderValue::from_static(metrics::MEDIA_TYPE), text))
    }
}

/// The response to `GET /` without the number: what can be known before it is consumed.
fn number_head(headers: &HeaderMap) -> Response<Payload> {
    let mut response = Response::new(Payload::default());
    let media_type = if prefers_text(headers) { TEXT } else { JSON };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, media_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("accept"));
    response
}

fn content(media_type: HeaderValue, bytes: impl Into<Bytes>) -> Response<Payload> {
    let mut response = Response::new(Payload::from(bytes.into()));
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

fn empty(status: StatusCode) -> Response<Payload> {
    let mut response = Response::new(Payload::default());
    *response.status_mut() = status;
    response
}

fn redirect(location: &'static str) -> Response<Payload> {
    let mut response = empty(StatusCode::PERMANENT_REDIRECT);
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(location));
    response
}

/// What all responses have in common.
fn finish(request: &Parts, headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    // hyper does not tell whether a Content-Length stood beside it, and then the connection must end (RFC 9112, section 6.1).
    if request.headers.contains_key(TRANSFER_ENCODING) {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

const MEMORY_IS_SHORT: &str = "There is no memory for a longer number.";

fn refusal(shortage: &Shortage) -> Problem {
    debug!("refused: {shortage}");
    match shortage {
        Shortage::InFlight(_) => unavailable("in-flight", "Too many long numbers are on their way to slow clients."),
        Shortage::Number(_) | Shortage::Response(_) => unavailable("memory", MEMORY_IS_SHORT),
    }
}

fn unavailable(reason: &'static str, detail: &'static str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, reason, detail).with(RETRY_AFTER, RETRY_AFTER_SECONDS)
}

fn internal(detail: &'static str) -> Problem {
    error!("{detail}");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failure", detail)
}
