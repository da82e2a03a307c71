//! What happens to a request: its checks, its body, and the response.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use hyper::body::Body;
use hyper::header::{ALLOW, CONNECTION, HeaderMap, HeaderValue, VARY};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use tokio::time::timeout;
use tracing::{debug, info};

use super::answer::Answer;
use super::body::ResponseBody;
use super::by_index::{self, ByIndex};
use super::exchange::{Exchange, ResponseObserver};
use super::metrics::{self, Metrics, Snapshot};
use super::pages::{Docs, Document};
use super::refusal::refusal;
use super::request::accept::{accepts_openmetrics, prefers_text};
use super::request::body::discard;
use super::request::conditions::{self, Outcome};
use super::request::host::Hosts;
use super::request::route::{DOCS, Route, not_found};
use super::request::{self, Fields, malformed};
use super::response::{NumberHeads, Payload, Problem, TEXT, content, empty, redirect};
use super::streams::Streams;
use super::text_format;
use crate::position::Position;
use crate::sequence::{InFlight, Sequence, Turn};

/// The largest index of a whole number, unless another one is chosen. Others wait for some milliseconds while it is computed.
pub(crate) const MAX_INDEX: u64 = 10_000_000;

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
    /// The largest index of a number that is given whole for its index.
    pub(crate) max_index: u64,
}

impl Default for Settings {
    /// No further names, and no log of requests.
    fn default() -> Self {
        Self { hosts: Hosts::new(&[]), access_log: false, max_index: MAX_INDEX }
    }
}

/// What is known of a request besides its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// What it asks for.
    pub(crate) route: Route,
    /// Its connection arrives at a loopback address.
    pub(crate) is_loopback: bool,
    /// There is a place for its connection among those that are served.
    pub(crate) has_place: bool,
}

/// What all connections share.
pub struct Service {
    settings: Settings,
    sequence: Rc<RefCell<Sequence>>,
    in_flight: Rc<InFlight>,
    metrics: Rc<Metrics>,
    by_index: ByIndex,
    streams: Streams,
    docs: Docs,
    number_heads: RefCell<NumberHeads>,
    is_stopping: Cell<bool>,
    /// Whether a request for a number waits for a position first, since other processes share it.
    is_shared: bool,
}

impl Service {
    /// A service that gives out the numbers of `sequence`, with default settings.
    #[must_use]
    pub fn new(sequence: Sequence) -> Self {
        Self::with_settings(sequence, Settings::default())
    }

    pub(crate) fn with_settings(sequence: Sequence, settings: Settings) -> Self {
        let in_flight = Rc::clone(sequence.in_flight());
        let is_shared = sequence.is_shared();
        let sequence = Rc::new(RefCell::new(sequence));
        Self {
            by_index: ByIndex::new(settings.max_index),
            streams: Streams::new(Rc::clone(&sequence)),
            settings,
            in_flight,
            is_shared,
            sequence,
            metrics: Rc::new(Metrics::new()),
            docs: Docs::new(),
            number_heads: RefCell::new(NumberHeads::new()),
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

    /// Ends the use of the position in an orderly way, and tells what comes next.
    pub(crate) async fn close(&self) -> Position {
        let leaving = self.sequence.borrow().leave();
        leaving.await;
        self.sequence.borrow_mut().close()
    }

    /// How often a shortage of memory has started a new pass.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.sequence.borrow().restarts()
    }

    /// `count` connections are being served now.
    pub(crate) fn set_connections(&self, count: usize) {
        self.metrics.set_connections(count);
        self.sequence.borrow_mut().set_connections(count);
    }

    /// From now on `/readyz` says that the service stops.
    pub fn stop(&self) {
        self.is_stopping.set(true);
    }

    /// From now on streams end where they are, and no new one begins.
    pub fn end_streams(&self) {
        self.streams.end();
    }

    /// The memory of responses in flight, and the budget for it.
    pub(crate) fn in_flight(&self) -> &InFlight {
        &self.in_flight
    }

    /// Answers one request, or refuses it where there is no place for its connection.
    pub(crate) fn respond<'a, B>(
        &'a self,
        request: Request<B>,
        arrival: Arrival,
        observer: Rc<dyn ResponseObserver>,
    ) -> Answer<'a, Response<ResponseBody>>
    where
        B: Body<Data = Bytes> + 'a,
    {
        let (head, body) = request.into_parts();
        let fields = Fields::of(&head.headers);
        let route = arrival.route;
        let exchange =
            Exchange::start(observer, Rc::clone(&self.metrics), &head, route.label(), self.settings.access_log);
        let mut checked = if arrival.has_place {
            request::check(&head, fields, route, &self.settings.hosts, arrival.is_loopback)
        } else {
            Err(Problem::unavailable("connections", "Too many clients are connected.").closing())
        };
        let needs_turn = self.is_shared && self.takes_number(&head, fields, route);
        let waits = needs_turn || self.in_flight.is_crowded();
        if body.is_end_stream() && (checked.is_err() || !waits) {
            return Answer::ready(self.finish(&head, fields, route, checked, exchange));
        }
        Answer::later(async move {
            if !body.is_end_stream() {
                checked = discard(body, checked, fields.expect).await;
            }
            if checked.is_ok() && self.in_flight.is_crowded() {
                self.wait_for_room(route).await;
            }
            // Where no number is consumed after all, the turn goes to the next request.
            let _turn = if checked.is_ok() && needs_turn {
                self.turn().await.map_err(|problem| checked = Err(problem)).ok()
            } else {
                None
            };
            self.finish(&head, fields, route, checked, exchange)
        })
    }

    /// The response to a head that hyper rejects with `status`. In `input`, `requests_before` other requests
    /// come before it.
    pub(crate) fn reject(&self, status: StatusCode, input: &[u8], requests_before: u64) -> Response<Payload> {
        let problem = malformed::diagnose(status, input, requests_before);
        let (status, reason) = (problem.status(), problem.reason());
        debug!(status = status.as_u16(), reason, "refused");
        if self.settings.access_log {
            info!(status = status.as_u16(), reason, "request");
        }
        self.metrics.rejected(reason, status);
        problem.into_response()
    }

    /// Whether a request that no check refuses takes a number.
    fn takes_number(&self, head: &Parts, fields: Fields, route: Route) -> bool {
        let is_for_number = match route {
            Route::Number => true,
            Route::Stream => self.streams.can_begin(head),
            _ => false,
        };
        is_for_number && head.method == Method::GET && !has_false_precondition(head, fields)
    }

    /// Waits for the right to take a position that is shared.
    async fn turn(&self) -> Result<Turn, Problem> {
        let turn = self.sequence.borrow_mut().turn().map_err(|shortage| refusal(&shortage))?;
        turn.await.map_err(|unavailable| refusal(&unavailable.into()))
    }

    /// Waits until the response fits the budget for responses in flight, or for as long as it may.
    async fn wait_for_room(&self, route: Route) {
        let wait = async {
            while !self.has_room(route) {
                self.in_flight.wait_for_room().await;
            }
        };
        // Without room the request is refused by what follows.
        let _ = timeout(ROOM_TIMEOUT, wait).await;
    }

    fn has_room(&self, route: Route) -> bool {
        match route {
            Route::Number | Route::Stream => self.sequence.borrow_mut().has_room(),
            Route::ByIndex(_) => self.in_flight.has_room(0, usize::MAX),
            Route::Docs | Route::OpenApi => {
                let has_room = || self.in_flight.has_room(0, usize::MAX);
                has_room() || (self.sequence.borrow_mut().free_unused() && has_room())
            }
            _ => true,
        }
    }

    /// The response to a request whose body has been read. Nothing waits from here on, so a number that is consumed reaches
    /// the response.
    fn finish(
        &self,
        head: &Parts,
        fields: Fields,
        route: Route,
        checked: Result<(), Problem>,
        mut exchange: Box<Exchange>,
    ) -> Response<ResponseBody> {
        let answer = checked.and_then(|()| contain_panics(|| self.content(head, fields, route, &mut exchange)));
        let mut response = answer.unwrap_or_else(|problem| {
            debug!(status = problem.status().as_u16(), reason = problem.reason(), "refused");
            self.metrics.refused(problem.reason());
            let mut response = problem.into_response();
            if matches!(route, Route::ByIndex(_) | Route::BadIndex(_)) {
                by_index::share(response.headers_mut());
            }
            response
        });
        if fields.transfer_encoding {
            // If there was a Content-Length too, the connection must be closed (RFC 9112, section 6.1). hyper does not say.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if response.headers().keys().any(|name| *name == CONNECTION) {
            exchange.closes_connection();
        }
        exchange.set_response(response.status(), response.body().remaining());
        response.map(|payload| ResponseBody::new(payload, exchange))
    }

    fn content(
        &self,
        head: &Parts,
        fields: Fields,
        route: Route,
        exchange: &mut Exchange,
    ) -> Result<Response<Payload>, Problem> {
        let as_text = || fields.accept && prefers_text(&head.headers);
        Ok(match route {
            Route::Number if head.method == Method::HEAD || has_false_precondition(head, fields) => {
                self.without_number(head, as_text())?
            }
            Route::Number => self.number(as_text(), exchange)?,
            Route::ByIndex(_) if head.method == Method::OPTIONS => by_index::preflight(route.allowed()),
            Route::ByIndex(index) => {
                self.by_index.response(&self.sequence, head, fields, index, as_text(), exchange)?
            }
            Route::Stream => self.streams.response(head, fields.conditional)?,
            Route::Healthy => conditions::apply(&head.headers, content(TEXT, "ok\n"))?,
            Route::Ready => conditions::apply(&head.headers, self.readiness()?)?,
            Route::Metrics => conditions::apply(&head.headers, self.metrics_page(&head.headers)?)?,
            Route::DocsWithoutSlash => redirect(DOCS),
            // The checks have refused what is unknown, but not yet a file of the documentation that does not exist.
            Route::Docs | Route::Unknown | Route::BadIndex(_) => {
                let path = head.uri.path().strip_prefix(DOCS);
                let file = path.and_then(|path| self.docs.file(path)).ok_or_else(not_found)?;
                self.document(&file, &head.headers, exchange)?
            }
            Route::OpenApi => self.document(self.docs.openapi(), &head.headers, exchange)?,
            Route::Favicon => empty(StatusCode::NO_CONTENT),
            Route::Robots => conditions::apply(&head.headers, content(TEXT, "User-agent: *\nDisallow: /\n"))?,
            Route::Server => {
                let mut response = empty(StatusCode::NO_CONTENT);
                response.headers_mut().insert(ALLOW, HeaderValue::from_static(route.allowed()));
                response
            }
        })
    }

    /// Consumes the next number.
    fn number(&self, as_text: bool, exchange: &mut Exchange) -> Result<Response<Payload>, Problem> {
        let number = self.sequence.borrow_mut().take().map_err(|shortage| refusal(&shortage))?;
        self.metrics.stepped(exchange.started().elapsed());
        exchange.set_number(number.position.index);
        exchange.keep(number.reservation);
        Ok(self.number_heads.borrow_mut().with_position(as_text, number.position, number.digits.into()))
    }

    /// The response to a request for the next number that takes none: a `HEAD`, or a `GET` with a false precondition.
    fn without_number(&self, head: &Parts, as_text: bool) -> Result<Response<Payload>, Problem> {
        if head.method == Method::GET {
            // Its preconditions count only where there would be a number (RFC 9110, section 13.2.1).
            self.sequence.borrow_mut().check().map_err(|shortage| refusal(&shortage))?;
        }
        conditions::apply(&head.headers, self.number_heads.borrow().without_index(as_text))
    }

    /// A page that stays the same. Its body takes no memory of this process, but what the system holds of it does.
    fn document(
        &self,
        document: &Document,
        headers: &HeaderMap,
        exchange: &mut Exchange,
    ) -> Result<Response<Payload>, Problem> {
        let response = document.response(headers).or_else(|problem| {
            let helps = problem.status() == StatusCode::SERVICE_UNAVAILABLE && self.sequence.borrow_mut().free_unused();
            if helps { document.response(headers) } else { Err(problem) }
        })?;
        let reservation = self.sequence.borrow_mut().reserve(0, response.body().remaining());
        exchange.keep(reservation.map_err(|over| refusal(&over.into()))?);
        Ok(response)
    }

    fn readiness(&self) -> Result<Response<Payload>, Problem> {
        if self.is_stopping.get() {
            return Err(Problem::stopping());
        }
        let mut sequence = self.sequence.borrow_mut();
        sequence.check().map_err(|shortage| refusal(&shortage))?;
        let is_guarded = sequence.memory().is_known;
        Ok(content(TEXT, if is_guarded { "ready\n" } else { "ready, but the memory in use cannot be read\n" }))
    }

    fn metrics_page(&self, headers: &HeaderMap) -> Result<Response<Payload>, Problem> {
        let mut sequence = self.sequence.borrow_mut();
        let now = Snapshot {
            position: sequence.position(),
            position_figures: sequence.position_figures(),
            digits: sequence.digit_count(),
            restarts: sequence.restarts(),
            in_flight: sequence.load(),
            memory: sequence.memory(),
        };
        let text = self.metrics.text(&now).map_err(|_| Problem::internal("The metrics cannot be written."))?;
        let mut response = if accepts_openmetrics(headers) {
            content(HeaderValue::from_static(metrics::MEDIA_TYPE), text)
        } else {
            content(HeaderValue::from_static(text_format::MEDIA_TYPE), text_format::from_openmetrics(&text))
        };
        response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
        Ok(response)
    }
}

/// Whether a precondition of a request for a representation without an entity-tag is false, so that the answer is 304 or 412.
fn has_false_precondition(head: &Parts, fields: Fields) -> bool {
    fields.conditional && !matches!(conditions::evaluate(&head.headers, None), Ok(Outcome::Proceed))
}

/// Turns a panic into a response with status 500. The request and its connection end; no number is consumed.
fn contain_panics<T>(content: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
    catch_unwind(AssertUnwindSafe(content)).unwrap_or_else(|_| {
        Err(Problem::internal("The service failed to answer this request. No number was consumed.").closing())
    })
}
