//! Errors as problem details (RFC 9457).

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use crate::body::{Body, Payload};

/// The media type of problem details.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// An error that becomes a response. Without a `type` of its own: the status says what it is.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: &'static str,
    headers: HeaderMap,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: &'static str) -> Self {
        Self { status, detail, headers: HeaderMap::new() }
    }

    /// With one more header in the response.
    pub(crate) fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let details = serde_json::json!({
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = Response::new(Body::new(Payload::from(Bytes::from(details.to_string()))));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
