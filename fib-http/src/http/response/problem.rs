//! Errors as problem details (RFC 9457).

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use super::heads::head;
use super::payload::Payload;

/// The media type of problem details.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// An error that becomes a response. It has no `type` of its own: its status describes it.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    reason: &'static str,
    detail: &'static str,
    header: Option<(HeaderName, &'static str)>,
    closes: bool,
}

impl Problem {
    /// `reason` is the label in the metrics, `detail` a sentence for the client.
    pub(crate) fn new(status: StatusCode, reason: &'static str, detail: &'static str) -> Self {
        Self { status, reason, detail, header: None, closes: false }
    }

    /// Adds a header field to the response.
    pub(crate) fn with(self, name: HeaderName, value: &'static str) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    /// Closes the connection after the response.
    pub(crate) fn closing(self) -> Self {
        Self { closes: true, ..self }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn reason(&self) -> &'static str {
        self.reason
    }

    pub(crate) fn into_response(self) -> Response<Payload> {
        let details = serde_json::json!({
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = head(self.status, Payload::from(Bytes::from(details.to_string())));
        let headers = response.headers_mut();
        if let Some((name, value)) = self.header {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if self.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
