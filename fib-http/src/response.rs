//! The forms that responses have.

use bytes::Bytes;
use hyper::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};

use crate::body::Payload;

/// The header that tells a number's index.
pub const FIBONACCI_INDEX: HeaderName = HeaderName::from_static("fibonacci-index");

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

pub(crate) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A response with what all responses have in common.
pub(crate) fn response(status: StatusCode, payload: Payload) -> Response<Payload> {
    let mut response = Response::new(payload);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    response
}

pub(crate) fn content(media_type: HeaderValue, bytes: impl Into<Bytes>) -> Response<Payload> {
    let mut response = response(StatusCode::OK, Payload::from(bytes.into()));
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

pub(crate) fn empty(status: StatusCode) -> Response<Payload> {
    response(status, Payload::default())
}

pub(crate) fn redirect(location: &'static str) -> Response<Payload> {
    let mut response = empty(StatusCode::PERMANENT_REDIRECT);
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(location));
    response
}

/// The fields of responses to `GET /`, made once: to copy them costs less than to insert them.
#[derive(Debug)]
pub(crate) struct NumberHeads {
    json: HeaderMap,
    text: HeaderMap,
}

impl NumberHeads {
    pub(crate) fn new() -> Self {
        let fields = |media_type| {
            // With room, so that a copy need not grow.
            let mut fields = HeaderMap::with_capacity(8);
            fields.extend(content(media_type, Bytes::new()).into_parts().0.headers);
            fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            fields.insert(VARY, HeaderValue::from_static("accept"));
            // Keeps the place.
            fields.insert(FIBONACCI_INDEX, HeaderValue::from(0));
            fields
        };
        Self { json: fields(JSON), text: fields(TEXT) }
    }

    /// A response with the number of an index.
    pub(crate) fn with_index(&self, as_text: bool, index: u64, payload: Payload) -> Response<Payload> {
        let mut response = self.copy(as_text, payload);
        // It is there already, and to put another in its place is cheaper than an insertion.
        if let Some(value) = response.headers_mut().get_mut(FIBONACCI_INDEX) {
            *value = HeaderValue::from(index);
        }
        response
    }

    /// What can be known before a number is consumed.
    pub(crate) fn without_index(&self, as_text: bool) -> Response<Payload> {
        let mut response = self.copy(as_text, Payload::default());
        response.headers_mut().remove(FIBONACCI_INDEX);
        response
    }

    fn copy(&self, as_text: bool, payload: Payload) -> Response<Payload> {
        let mut response = Response::new(payload);
        *response.headers_mut() = if as_text { &self.text } else { &self.json }.clone();
        response
    }
}
