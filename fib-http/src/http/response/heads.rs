//! The heads of responses: a status and its header fields.

use bytes::Bytes;
use hyper::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};

use super::payload::Payload;
use crate::position::Position;

/// The field that contains a number's index.
pub(crate) const FIBONACCI_INDEX: HeaderName = HeaderName::from_static("fibonacci-index");

/// The field that contains a number's pass.
pub(crate) const FIBONACCI_PASS: HeaderName = HeaderName::from_static("fibonacci-pass");

pub(crate) const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

pub(crate) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A response with the header fields that every response has.
pub(crate) fn head(status: StatusCode, payload: Payload) -> Response<Payload> {
    let mut response = Response::new(payload);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    response
}

pub(crate) fn content(media_type: HeaderValue, bytes: impl Into<Bytes>) -> Response<Payload> {
    let mut response = head(StatusCode::OK, Payload::from(bytes.into()));
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

pub(crate) fn empty(status: StatusCode) -> Response<Payload> {
    head(status, Payload::default())
}

pub(crate) fn redirect(location: &'static str) -> Response<Payload> {
    let mut response = empty(StatusCode::PERMANENT_REDIRECT);
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(location));
    response
}

/// The header fields of responses to `GET /`, made once: copying them costs less than inserting them.
#[derive(Debug)]
pub(crate) struct NumberHeads {
    json: HeaderMap,
    text: HeaderMap,
    /// The pass that both contain.
    pass: u64,
}

impl NumberHeads {
    pub(crate) fn new() -> Self {
        let fields = |media_type| {
            // With spare capacity, so that a copy does not have to grow.
            let mut fields = HeaderMap::with_capacity(8);
            // A placeholder for the index, static so that copying it costs little.
            fields.insert(FIBONACCI_INDEX, HeaderValue::from_static("0"));
            fields.insert(FIBONACCI_PASS, HeaderValue::from_static("0"));
            fields.extend(content(media_type, Bytes::new()).into_parts().0.headers);
            fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            fields.insert(VARY, HeaderValue::from_static("accept"));
            fields
        };
        Self { json: fields(JSON), text: fields(TEXT), pass: 0 }
    }

    /// A response with the number at `position`.
    pub(crate) fn with_position(&mut self, as_text: bool, position: Position, payload: Payload) -> Response<Payload> {
        if self.pass != position.pass {
            self.set_pass(position.pass);
        }
        let mut response = self.copy(as_text, payload);
        // The placeholder exists. It is the first field, so that finding it costs less than a lookup.
        if let Some((_, value)) = response.headers_mut().iter_mut().find(|(name, _)| *name == FIBONACCI_INDEX) {
            *value = HeaderValue::from(position.index);
        }
        response
    }

    fn set_pass(&mut self, pass: u64) {
        self.pass = pass;
        for fields in [&mut self.json, &mut self.text] {
            fields.insert(FIBONACCI_PASS, HeaderValue::from(pass));
        }
    }

    /// A response with the fields that are known before a number is consumed.
    pub(crate) fn without_index(&self, as_text: bool) -> Response<Payload> {
        let mut response = self.copy(as_text, Payload::default());
        response.headers_mut().remove(FIBONACCI_INDEX);
        response.headers_mut().remove(FIBONACCI_PASS);
        response
    }

    fn copy(&self, as_text: bool, payload: Payload) -> Response<Payload> {
        let mut response = Response::new(payload);
        *response.headers_mut() = if as_text { &self.text } else { &self.json }.clone();
        response
    }
}
