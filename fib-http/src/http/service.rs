//! The way of a request: checks, the request's body, and the response.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use hyper::body::Body;
use hyper::header::{CONNECTION, HeaderValue, RETRY_AFTER, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use tokio::time::timeout;
use tracing::{debug, error};

use super::exchange::Exchange;
use super::metrics::{self, Metrics, Snapshot};
use super::pages::Docs;
use super::request::accept::prefers_text;
use super::request::body::drain;
use super::request::host::Hosts;
use super::request::route::{Route, not_found};
use super::request::{self, expect};
use super::response::{JSON, NumberHeads, Payload, Problem, TEXT, content, empty, redirect};
use crate::sequence::{InFlight, Sequence, Shortage};

/// Seconds after which a client may try again.
const RETRY_AFTER_SECONDS: &str = "5";

/// How long a request may wait for room in the budget for responses in flight. A client that does not read is cut for it
/// after a second.
const ROOM_TIMEOUT: Duration = Duration::from_secs(2);

/// What can be chosen about requests and responses.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The names that the service answers to.
    pub(crate) hosts: Hosts,
    /// Whether each request is logged.
    pub(crate) access_log: bool,
}

impl Default for Settings {
    /// For a service that only this machine reaches.
    fn default() -> Self {
        Self { hosts: Hosts::new(&[], true), access_log: false }
    }
}

/// All that the connections share.
pub struct Service {
    settings: Settings,
    sequence: RefCell<Sequence>,
    in_flight: Rc<InFlight>,
    metrics: Rc<Metrics>,
    docs: Docs,
    number_heads: NumberHeads,
    is_stopping: Cell<bool>,
}

impl Service {
    /// A service that gives the numbers of `sequence` to this machine only.
    #[must_use]
    pub fn new(sequence: Sequence) -> Self {
        Self::with_settings(sequence, Settings::default())
    }

    pub(crate) fn with_settings(sequence: Sequence, settings: Settings) -> Self {
        Self {
            settings,
            in_flight: Rc::clone(sequence.in_flight()),
            sequence: RefCell::new(sequence),
            metrics: Rc::new(Metrics::new()),
            docs: Docs::new(),
            number_heads: NumberHeads::new(),
            is_stopping: Cell::new(false),
        }
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

    /// From now on `/readyz` says that the service stops.
    pub fn stop(&self) {
        self.is_stopping.set(true);
    }

    /// Whether a path belongs to what tells operators how the service is.
    pub(crate) fn is_for_operators(path: &str) -> bool {
        matches!(Route::of(path), Route::Healthy | Route::Ready | Route::Metrics)
    }

    /// The memory of responses in flight, and the budget for it.
    pub(crate) fn in_flight(&self) -> &InFlight {
        &self.in_flight
    }

    /// Answers one request, or refuses it where there is no place for its connection. Nearly all requests have no body and are
    /// answered without waiting.
    pub(crate) async fn respond<B>(&self, request: Request<B>, has_place: bool) -> Response<Payload>
    where
        B: Body<Data = Bytes>,
    {
        let (head, body) = request.into_parts();
        let exchange = Exchange::start(Rc::clone(&self.metrics), &head, self.settings.access_log);
        let route = Route::of(head.uri.path());
        let mut checked = request::check(&head, route, &self.settings.hosts);
        if !has_place {
            checked = Err(unavailable("connections", "Too many clients are connected.").closing());
        }
        if !body.is_end_stream() {
            checked = match checked {
                // A client that waits to be told to send the body is not told to in vain.
                Err(problem) if expect::is_present(&head.headers) => Err(problem.closing()),
                checked => match drain(body).await {
                    Ok(()) => checked,
                    // The rest of the body stands in front of the next request.
                    Err(problem) => Err(checked.err().unwrap_or(problem).closing()),
                },
            };
        }
        if checked.is_ok() && self.in_flight.is_crowded() {
            // In a box: the futures of all other requests stay small.
            Box::pin(self.wait_for_room(route)).await;
        }
        self.finish(&head, route, checked, exchange)
    }

    /// Waits until the response fits the budget for responses in flight, or for as long as it may.
    async fn wait_for_room(&self, route: Route<'_>) {
        let wait = async {
            while !self.has_room(route) {
                self.in_flight.wait_for_room().await;
            }
        };
        // Without room the request is refused by what follows.
        let _ = timeout(ROOM_TIMEOUT, wait).await;
    }

    fn has_room(&self, route: Route<'_>) -> bool {
        match route {
            Route::Number => self.sequence.borrow_mut().has_room(),
            Route::Docs(_) | Route::OpenApi => self.in_flight.has_room(0, usize::MAX),
            _ => true,
        }
    }

    /// The response to a request whose body has been dealt with. Nothing waits from here on, so that a number that is consumed
    /// is in the response.
    fn finish(
        &self,
        head: &Parts,
        route: Route<'_>,
        checked: Result<(), Problem>,
        mut exchange: Exchange,
    ) -> Response<Payload> {
        let answer = checked.and_then(|()| contain_panics(|| self.content(head, route, &mut exchange)));
        let mut response = answer.unwrap_or_else(|problem| {
            debug!(status = problem.status().as_u16(), reason = problem.reason(), "refused");
            self.metrics.refused(problem.reason());
            problem.into_response()
        });
        if head.headers.contains_key(TRANSFER_ENCODING) {
            // hyper does not tell whether there was a Content-Length too, and in that case the connection must be closed
            // (RFC 9112, section 6.1).
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        self.metrics.answered(route.label(), response.status());
        exchange.set_response(response.status(), response.body().remaining());
        response.map(|payload| payload.with_exchange(exchange))
    }

    fn content(&self, head: &Parts, route: Route<'_>, exchange: &mut Exchange) -> Result<Response<Payload>, Problem> {
        Ok(match route {
            Route::Number if head.method == Method::HEAD => {
                self.number_heads.without_index(prefers_text(&head.headers))
            }
            Route::Number => self.number(prefers_text(&head.headers), exchange)?,
            Route::Healthy => content(TEXT, "ok\n"),
            Route::Ready => self.readiness()?,
            Route::Metrics => self.figures()?,
            Route::DocsWithoutSlash => redirect("/docs/"),
            Route::Docs(path) => {
                let (media_type, bytes) = self.docs.asset(path).ok_or_else(not_found)?;
                self.document(content(media_type, bytes), exchange)?
            }
            Route::OpenApi => self.document(content(JSON, self.docs.openapi()), exchange)?,
            Route::Favicon => empty(StatusCode::NO_CONTENT),
            Route::Robots => content(TEXT, "User-agent: *\nDisallow: /\n"),
            Route::Unknown => return Err(not_found()),
        })
    }

    /// Consumes the next number.
    fn number(&self, as_text: bool, exchange: &mut Exchange) -> Result<Response<Payload>, Problem> {
        let number = self.sequence.borrow_mut().take().map_err(|shortage| refusal(&shortage))?;
        self.metrics.stepped(exchange.started().elapsed());
        exchange.keep(number.reservation);
        Ok(self.number_heads.with_index(as_text, number.index, number.digits.into()))
    }

    /// A response whose body takes no memory of this process. What the system holds of it does.
    fn document(&self, response: Response<Payload>, exchange: &mut Exchange) -> Result<Response<Payload>, Problem> {
        let reservation = self.in_flight.reserve(0, response.body().remaining());
        exchange.keep(reservation.map_err(|over| refusal(&over.into()))?);
        Ok(response)
    }

    fn readiness(&self) -> Result<Response<Payload>, Problem> {
        if self.is_stopping.get() {
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
            digits: sequence.digit_count(),
            restarts: sequence.restarts(),
            in_flight: sequence.load(),
            memory: sequence.memory_usage(),
        };
        let text = self.metrics.text(&now).map_err(|_| internal("The metrics cannot be written."))?;
        Ok(content(HeaderValue::from_static(metrics::MEDIA_TYPE), text))
    }
}

/// Turns a panic into a response with status 500. It costs its request and its connection, and consumes nothing.
fn contain_panics<T>(content: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
    catch_unwind(AssertUnwindSafe(content)).unwrap_or_else(|_| {
        Err(internal("The service failed to answer this request. No number was consumed.").closing())
    })
}

const MEMORY_IS_SHORT: &str = "There is no memory for a longer number.";

fn refusal(shortage: &Shortage) -> Problem {
    debug!("refused: {shortage}");
    match shortage {
        Shortage::InFlight(_) => unavailable("in-flight", "Too many long numbers are in flight to slow clients."),
        Shortage::Number(_) | Shortage::Text(_) => unavailable("memory", MEMORY_IS_SHORT),
    }
}

fn unavailable(reason: &'static str, detail: &'static str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, reason, detail).with(RETRY_AFTER, RETRY_AFTER_SECONDS)
}

fn internal(detail: &'static str) -> Problem {
    error!("{detail}");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failure", detail)
}
