//! From requests to responses.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use hyper::body::Body as RequestBody;
use hyper::header::{CONNECTION, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{debug, error};

use crate::body::{Body, Payload};
use crate::docs::Docs;
use crate::fetch_metadata;
use crate::fields::Fields;
use crate::host::Hosts;
use crate::inflight::{InFlight, Ticket};
use crate::metrics::{self, Metrics, Snapshot};
use crate::negotiate::prefers_text;
use crate::problem::Problem;
pub use crate::request_body::REQUEST_BODY_BYTES;
use crate::request_body::{check_expectations, drain, waits};
pub use crate::response::FIBONACCI_INDEX;
use crate::response::{JSON, NumberHeads, TEXT, content, empty, redirect};
pub use crate::route::TARGET_BYTES;
use crate::route::{Route, check_target, label, not_found};
use crate::seat::Seat;
use crate::sequence::{Sequence, Shortage};

/// The most that bodies on their way hold, in bytes, where nothing else is said.
pub const MAX_INFLIGHT_BYTES: usize = 256 * 1024 * 1024;

/// Seconds after which a client may try again.
const RETRY_AFTER_SECONDS: &str = "5";

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

/// A response, given or to come.
pub(crate) enum Answer {
    Given(Option<Response<Body>>),
    Awaited(Pin<Box<dyn Future<Output = Response<Body>>>>),
}

impl Future for Answer {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Given(response) => Poll::Ready(Ok(response.take().expect("a future is not polled after its end"))),
            Self::Awaited(response) => response.as_mut().poll(context).map(Ok),
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
    number_heads: NumberHeads,
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
            number_heads: NumberHeads::new(),
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

    /// Answers one request. Nearly all come without a body, and are answered at once.
    pub(crate) fn respond<B>(self: &Rc<Self>, request: Request<B>, seat: &Rc<Seat>) -> Answer
    where
        B: RequestBody<Data = Bytes> + 'static,
    {
        let (head, body) = request.into_parts();
        let now = Instant::now();
        let ticket = Ticket::new(Rc::clone(&self.in_flight), Rc::clone(seat), &head, now);
        if body.is_end_stream() {
            return Answer::Given(Some(self.answer(&head, now, Ok(true), ticket)));
        }
        let app = Rc::clone(self);
        Answer::Awaited(Box::pin(async move {
            // Whoever waits to be told to send a body is not told to if it is for nothing.
            let read = !waits(&head.headers) || app.judge(&head, &Fields::of(&head.headers)).is_ok();
            let drained = if read { drain(body).await.map(|()| true) } else { Ok(false) };
            app.answer(&head, Instant::now(), drained, ticket)
        }))
    }

    /// The response to a request whose body has been read, or not. Nothing is awaited here: a number that is consumed is in
    /// the response.
    fn answer(
        &self,
        head: &Parts,
        begun: Instant,
        drained: Result<bool, Problem>,
        mut ticket: Ticket,
    ) -> Response<Body> {
        let fields = Fields::of(&head.headers);
        let answer = match (self.judge(head, &fields), drained) {
            (Ok(route), Ok(_)) => shielded(|| {
                let as_text = fields.accept && prefers_text(&head.headers);
                self.content(route, as_text, begun, &mut ticket)
            }),
            (Err(problem), Ok(true)) => Err(problem),
            // The rest of the body stands where the next request would.
            (Err(problem), Ok(false) | Err(_)) | (Ok(_), Err(problem)) => {
                ticket.leaves_input();
                Err(problem.closing())
            }
        };
        let mut response = answer.unwrap_or_else(|problem| {
            debug!(status = problem.status().as_u16(), reason = problem.reason(), "refused");
            self.metrics.refused(problem.reason());
            problem.into_response()
        });
        self.metrics.answered(label(&head.uri), response.status());
        if fields.transfer_encoding {
            // hyper does not tell whether a Content-Length stood beside it, and then the connection must end (RFC 9112,
            // section 6.1).
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        ticket.tell(response.status(), response.body().remaining());
        response.map(|payload| Body::new(payload.with(ticket)))
    }

    /// All that can be checked of a request before its body is read.
    fn judge<'a>(&self, head: &'a Parts, fields: &Fields) -> Result<Route<'a>, Problem> {
        check_target(head)?;
        self.settings.hosts.check(head)?;
        if fields.expect {
            check_expectations(&head.headers)?;
        }
        let route = Route::of(head)?;
        if route == Route::Number && fields.fetch_metadata {
            fetch_metadata::check(&head.headers)?;
        }
        Ok(route)
    }

    fn content(
        &self,
        route: Route<'_>,
        as_text: bool,
        begun: Instant,
        ticket: &mut Ticket,
    ) -> Result<Response<Payload>, Problem> {
        Ok(match route {
            Route::Number => self.number(as_text, begun, ticket)?,
            Route::NumberHead => self.number_heads.without_index(as_text),
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
    fn number(&self, as_text: bool, begun: Instant, ticket: &mut Ticket) -> Result<Response<Payload>, Problem> {
        let (index, bytes, payload) = self
            .sequence
            .borrow_mut()
            .next(|number, index| {
                let bytes = Payload::bytes_for(number);
                self.in_flight.admit(bytes)?;
                Ok((index, bytes, Payload::of(number)?))
            })
            .map_err(|shortage| refusal(&shortage))?;
        self.metrics.stepped(begun.elapsed());
        ticket.hold(bytes);
        Ok(self.number_heads.with_index(as_text, index, payload))
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
            in_flight: self.in_flight.load(),
            memory: sequence.memory(),
        };
        let text = self.metrics.text(&now).map_err(|_| internal("The metrics cannot be written."))?;
        Ok(content(HeaderValue::from_static(metrics::MEDIA_TYPE), text))
    }
}

/// A panic on the way costs its request and its connection, and consumes nothing.
fn shielded<T>(content: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
    catch_unwind(AssertUnwindSafe(content))
        .unwrap_or_else(|_| Err(internal("The service failed at this request. No number was consumed.").closing()))
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
