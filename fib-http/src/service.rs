//! From requests to responses.

use std::cell::{Cell, RefCell};
use std::pin::pin;

use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::body::Body as RequestBody;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, VARY,
};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::Notify;
use tracing::debug;

use crate::body::{Body, Payload};
use crate::docs::Docs;
use crate::negotiate::prefers_text;
use crate::problem::Problem;
use crate::sequence::{Sequence, Shortage};

/// The header that tells a number's index.
pub const FIBONACCI_INDEX: HeaderName = HeaderName::from_static("fibonacci-index");

/// The most of a request's body that is read, and thrown away, so that the connection can go on.
pub const REQUEST_BODY_BYTES: u64 = 64 * 1024;

/// Seconds after which a client may try again.
const RETRY_AFTER_SECONDS: &str = "5";

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// All that the connections share.
pub struct App {
    sequence: RefCell<Sequence>,
    docs: Docs,
    stopping: Cell<bool>,
    stop: Notify,
}

impl App {
    /// A service that gives the numbers of `sequence`.
    #[must_use]
    pub fn new(sequence: Sequence) -> Self {
        Self { sequence: RefCell::new(sequence), docs: Docs::new(), stopping: Cell::new(false), stop: Notify::new() }
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
    pub async fn respond<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: RequestBody<Data = Bytes>,
    {
        let (head, body) = request.into_parts();
        let route = Route::of(&head);
        let drained = drain(body).await;
        // Nothing is awaited from here on: a number that is consumed below is in the response.
        match (route, drained) {
            (Ok(route), Ok(())) => self.answer(route, &head.headers).unwrap_or_else(Problem::into_response),
            (Err(problem), Ok(())) => problem.into_response(),
            // The rest of the body stands where the next request would.
            (Err(problem), Err(_)) | (Ok(_), Err(problem)) => problem.with(CONNECTION, "close").into_response(),
        }
    }

    fn answer(&self, route: Route<'_>, headers: &HeaderMap) -> Result<Response<Body>, Problem> {
        Ok(match route {
            Route::Number => self.number(headers)?,
            Route::NumberHead => number_head(headers),
            Route::Healthy => content(TEXT, "ok\n"),
            Route::Ready => self.ready()?,
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
    fn number(&self, headers: &HeaderMap) -> Result<Response<Body>, Problem> {
        let mut response = number_head(headers);
        let (index, payload) = self
            .sequence
            .borrow_mut()
            .next(|number, index| Ok((index, Payload::of(number)?)))
            .map_err(|shortage| short_of_memory(&shortage))?;
        response.headers_mut().insert(FIBONACCI_INDEX, index.into());
        *response.body_mut() = Body::new(payload);
        Ok(response)
    }

    fn ready(&self) -> Result<Response<Body>, Problem> {
        if self.stopping.get() {
            return Err(unavailable("The service is stopping."));
        }
        if !self.sequence.borrow_mut().is_ready() {
            return Err(unavailable(MEMORY_IS_SHORT));
        }
        Ok(content(TEXT, "ready\n"))
    }
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route<'a> {
    Number,
    NumberHead,
    Healthy,
    Ready,
    /// The documentation's address without the slash that its relative links need.
    Docs,
    /// A file of the documentation.
    Asset(&'a str),
    OpenApi,
    Favicon,
    Robots,
}

impl<'a> Route<'a> {
    /// Path first, then method. The query, and the authority of a target in absolute form, don't matter.
    fn of(head: &'a Parts) -> Result<Self, Problem> {
        let route = match head.uri.path() {
            "/" if head.method == Method::HEAD => Self::NumberHead,
            "/" => Self::Number,
            "/healthz" => Self::Healthy,
            "/readyz" => Self::Ready,
            "/docs" => Self::Docs,
            "/openapi.json" => Self::OpenApi,
            "/favicon.ico" => Self::Favicon,
            "/robots.txt" => Self::Robots,
            path => Self::Asset(path.strip_prefix("/docs/").ok_or_else(not_found)?),
        };
        match head.method {
            Method::GET | Method::HEAD => Ok(route),
            _ => Err(method_not_allowed()),
        }
    }
}

/// Reads a request's body to its end.
async fn drain<B: RequestBody<Data = Bytes>>(body: B) -> Result<(), Problem> {
    if body.is_end_stream() {
        return Ok(());
    }
    // Where the length is declared, nothing needs to be read to know.
    if body.size_hint().lower() > REQUEST_BODY_BYTES {
        return Err(too_large());
    }
    let mut body = pin!(body);
    let mut rest = REQUEST_BODY_BYTES;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(malformed()) };
        let length = frame.data_ref().map_or(0, Buf::remaining);
        rest = rest.checked_sub(length as u64).ok_or_else(too_large)?;
    }
    Ok(())
}

/// The response to `GET /` without the number: what can be known before it is consumed.
fn number_head(headers: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::default());
    let media_type = if prefers_text(headers) { TEXT } else { JSON };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, media_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("accept"));
    response
}

fn content(media_type: HeaderValue, bytes: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::new(Payload::Whole(bytes.into())));
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = status;
    response
}

fn redirect(location: &'static str) -> Response<Body> {
    let mut response = empty(StatusCode::PERMANENT_REDIRECT);
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(location));
    response
}

const MEMORY_IS_SHORT: &str = "There is no memory for a longer number.";

fn short_of_memory(shortage: &Shortage) -> Problem {
    debug!("refused: {shortage}");
    unavailable(MEMORY_IS_SHORT)
}

fn unavailable(detail: &'static str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).with(RETRY_AFTER, RETRY_AFTER_SECONDS)
}

fn not_found() -> Problem {
    let detail = "Nothing is here. GET / gives the next Fibonacci number, /docs/ tells more.";
    Problem::new(StatusCode::NOT_FOUND, detail)
}

fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD are allowed here.").with(ALLOW, "GET, HEAD")
}

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "The request has a body of more than 64 KiB.")
}

fn malformed() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "The request's body is malformed or incomplete.")
}
