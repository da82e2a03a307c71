//! `GET /stream`: one number after the other on one connection.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, VARY};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

use super::refusal::refusal;
use super::request::accept::accepts_event_stream;
use super::request::{conditions, query};
use super::response::{FIBONACCI_INDEX, FIBONACCI_PASS, Payload, Problem, TEXT, empty};
use super::stream::{FRAME_BYTES, Form, NumberStream};
use crate::sequence::Sequence;

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// Tells proxies such as nginx not to collect the numbers before they pass them on.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

const LAST_EVENT_ID: &str = "last-event-id";

/// Makes the streams.
#[derive(Debug)]
pub(super) struct Streams {
    sequence: Rc<RefCell<Sequence>>,
    /// Whether streams end where they are.
    are_ending: Rc<Cell<bool>>,
}

impl Streams {
    pub(super) fn new(sequence: Rc<RefCell<Sequence>>) -> Self {
        Self { sequence, are_ending: Rc::default() }
    }

    /// All streams end where they are, and no new one begins.
    pub(super) fn end(&self) {
        self.are_ending.set(true);
    }

    /// Whether a request is for a stream that can begin, as far as is known without its first number.
    pub(super) fn can_begin(&self, head: &Parts) -> bool {
        let count = query::count(head.uri.query());
        !self.are_ending.get() && count.is_ok_and(|count| !is_repeated(head, count))
    }

    /// The response to a request for a stream. Where other processes share the position, the caller has a turn. Consumes its
    /// first numbers, unless the request is a `HEAD`, is repeated, or has a false precondition. `is_conditional` says whether it
    /// has preconditions.
    ///
    /// # Errors
    /// 400 for the query, 412, and 503 where the first number is not available.
    pub(super) fn response(&self, head: &Parts, is_conditional: bool) -> Result<Response<Payload>, Problem> {
        let count = query::count(head.uri.query())?;
        let form = form(&head.headers);
        if self.are_ending.get() {
            return Err(Problem::stopping());
        }
        if is_repeated(head, count) {
            let mut response = empty(StatusCode::NO_CONTENT);
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            return Ok(response);
        }
        let mut response = self::head(form);
        if is_conditional {
            if head.method == Method::GET {
                // Its preconditions count only where there would be a stream.
                self.sequence.borrow_mut().check().map_err(|shortage| refusal(&shortage))?;
            }
            response = conditions::apply(&head.headers, response)?;
        }
        if head.method == Method::HEAD || response.status() == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        let room = self.sequence.borrow_mut().reserve(FRAME_BYTES, FRAME_BYTES);
        let room = room.map_err(|over| refusal(&over.into()))?;
        let mut stream = NumberStream::new(Rc::clone(&self.sequence), form, count, Rc::clone(&self.are_ending), room);
        let first = stream.begin().map_err(|shortage| refusal(&shortage))?;
        *response.body_mut() = Payload::from(Box::new(stream));
        let fields = response.headers_mut();
        fields.insert(FIBONACCI_INDEX, HeaderValue::from(first.index));
        fields.insert(FIBONACCI_PASS, HeaderValue::from(first.pass));
        Ok(response)
    }
}

/// Whether a client that has had a stream of `count` numbers asks for it again. An `EventSource` does so when the stream has
/// ended, and would take as many numbers again and again; 204 stops it (HTML, section 9.2.3).
fn is_repeated(head: &Parts, count: Option<u64>) -> bool {
    count.is_some() && head.headers.contains_key(LAST_EVENT_ID)
}

fn form(headers: &HeaderMap) -> Form {
    if accepts_event_stream(headers) { Form::Events } else { Form::Lines }
}

fn head(form: Form) -> Response<Payload> {
    let mut response = empty(StatusCode::OK);
    let fields = response.headers_mut();
    let media_type = match form {
        Form::Lines => TEXT,
        Form::Events => EVENT_STREAM,
    };
    fields.insert(CONTENT_TYPE, media_type);
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    fields.insert(VARY, HeaderValue::from_static("accept"));
    fields.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}
