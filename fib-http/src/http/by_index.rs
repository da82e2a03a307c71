//! `GET /fibonacci/{n}`: any number by its index. It consumes nothing, and it is the same for ever.

use std::cell::RefCell;
use std::ops::Range;

use bytes::Bytes;
use fib_core::Decimal;
use hyper::header::{
    ACCEPT_RANGES, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, ETAG,
    HeaderMap, HeaderValue, VARY,
};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

use super::exchange::Exchange;
use super::refusal::refusal;
use super::request::Fields;
use super::request::conditions::{self, Outcome};
use super::request::range::{self, Part};
use super::response::{CROSS_ORIGIN_RESOURCE_POLICY, FIBONACCI_INDEX, JSON, Payload, Problem, TEXT, content, empty};
use crate::sequence::{Sequence, digits_at_an_end};

/// How long a browser may keep the answer to a preflight, in seconds: a day, the most that any browser allows.
const PREFLIGHT_SECONDS: &str = "86400";

/// Answers requests for numbers by their indices.
#[derive(Debug)]
pub(super) struct ByIndex {
    /// Whole numbers, and any range of them, are given up to this index.
    max_index: u64,
    /// The header fields that are the same for all numbers, made once: copying them costs less than inserting them.
    json: HeaderMap,
    text: HeaderMap,
}

impl ByIndex {
    pub(super) fn new(max_index: u64) -> Self {
        let fields = |media_type| {
            // With spare capacity, so that a copy does not have to grow.
            let mut fields = HeaderMap::with_capacity(12);
            fields.extend(content(media_type, Bytes::new()).into_parts().0.headers);
            share(&mut fields);
            fields.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
            fields.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            fields.insert(VARY, HeaderValue::from_static("accept"));
            fields
        };
        Self { max_index, json: fields(JSON), text: fields(TEXT) }
    }

    /// The response to a request for F(`index`).
    ///
    /// # Errors
    /// 403 beyond the largest index, unless the ends of the number suffice; 412, 416, and 503.
    pub(super) fn response(
        &self,
        sequence: &RefCell<Sequence>,
        head: &Parts,
        fields: Fields,
        index: u64,
        as_text: bool,
        exchange: &mut Exchange,
    ) -> Result<Response<Payload>, Problem> {
        let length = Decimal::digits_for(index);
        let tag = tag(index, as_text);
        if head.method == Method::HEAD {
            // A range applies to GET only. The length is known without the number.
            if is_not_modified(head, fields, &tag)? {
                return Ok(self.head(StatusCode::NOT_MODIFIED, index, as_text, tag, Payload::default()));
            }
            let mut response = self.head(StatusCode::OK, index, as_text, tag, Payload::default());
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
            return Ok(response);
        }
        let part = range::requested(&head.headers, &tag, length);
        let (status, range) = match part {
            Part::Whole => (StatusCode::OK, 0..length),
            Part::Range(range) => (StatusCode::PARTIAL_CONTENT, range),
            Part::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, 0..0),
        };
        let is_beyond = index > self.max_index;
        let end = if is_beyond { at_an_end(index, &range, status) } else { None };
        if is_beyond && end.is_none() {
            // Preconditions do not count here, since without them the answer would not be a success (RFC 9110, section 13.2.1).
            return Err(out_of_reach());
        }
        if is_not_modified(head, fields, &tag)? {
            return Ok(self.head(StatusCode::NOT_MODIFIED, index, as_text, tag, Payload::default()));
        }
        if status == StatusCode::RANGE_NOT_SATISFIABLE {
            return Err(Problem::range_not_satisfiable(length));
        }
        let payload = if let Some(end) = end {
            Payload::from(Bytes::from(end))
        } else {
            let digits = sequence.borrow_mut().digits_of(index, range.clone());
            let (digits, reservation) = digits.map_err(|shortage| refusal(&shortage))?;
            exchange.keep(reservation);
            digits.into()
        };
        let mut response = self.head(status, index, as_text, tag, payload);
        if status == StatusCode::PARTIAL_CONTENT {
            let range = format!("bytes {}-{}/{length}", range.start, range.end - 1);
            response.headers_mut().extend(HeaderValue::try_from(range).map(|range| (CONTENT_RANGE, range)));
        }
        Ok(response)
    }

    fn head(&self, status: StatusCode, index: u64, as_text: bool, tag: String, payload: Payload) -> Response<Payload> {
        let mut response = Response::new(payload);
        *response.status_mut() = status;
        let fields = response.headers_mut();
        *fields = if as_text { &self.text } else { &self.json }.clone();
        fields.insert(FIBONACCI_INDEX, HeaderValue::from(index));
        fields.extend(HeaderValue::try_from(tag).map(|tag| (ETAG, tag)));
        response
    }
}

/// Lets pages of other sites read a response. Nothing is taken here, so they may ask for what they like.
pub(super) fn share(fields: &mut HeaderMap) {
    fields.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    fields.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
}

/// The response to `OPTIONS`, which lists the methods `allowed`. A browser asks for it before a page of another site may send a
/// field such as `If-None-Match`, or a `Range` of the last digits (Fetch standard, section "CORS protocol").
pub(super) fn preflight(allowed: &'static str) -> Response<Payload> {
    let mut response = empty(StatusCode::NO_CONTENT);
    let fields = response.headers_mut();
    share(fields);
    fields.insert(ALLOW, HeaderValue::from_static(allowed));
    fields.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(allowed));
    fields.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
    fields.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_SECONDS));
    response
}

/// The strong entity-tag, which follows from the index: a number never changes.
fn tag(index: u64, as_text: bool) -> String {
    format!("\"{index}-{}\"", if as_text { "text" } else { "json" })
}

fn is_not_modified(head: &Parts, fields: Fields, tag: &str) -> Result<bool, Problem> {
    Ok(fields.conditional && conditions::evaluate(&head.headers, Some(tag))? == Outcome::NotModified)
}

/// The digits in `range`, if they are asked for and can be had without the number. There are none in a range that is not
/// satisfiable.
fn at_an_end(index: u64, range: &Range<u64>, status: StatusCode) -> Option<Vec<u8>> {
    match status {
        StatusCode::RANGE_NOT_SATISFIABLE => Some(Vec::new()),
        StatusCode::PARTIAL_CONTENT => digits_at_an_end(index, range.clone()),
        _ => None,
    }
}

/// 403, not 404 or 503: the number exists, and another try would not help.
fn out_of_reach() -> Problem {
    let detail = "The index is beyond --max-index. HEAD tells the length of this number, and a request for one range within its \
                  first or its last 1,000 digits is answered, such as bytes=0-999 or bytes=-1000. Several ranges at once \
                  count as the whole number.";
    Problem::new(StatusCode::FORBIDDEN, "max-index", detail)
}
