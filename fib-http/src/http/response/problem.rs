//! Errors as problem details (RFC 9457).

use std::num::NonZeroU64;

use bytes::Bytes;
use hyper::ext::ReasonPhrase;
use hyper::header::{CACHE_CONTROL, CONNECTION, CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use tracing::error;

use super::heads::head;
use super::payload::Payload;

/// The reason phrase of 413 in RFC 9110. hyper has the one of an older RFC.
const CONTENT_TOO_LARGE: &str = "Content Too Large";

/// Seconds after which a refused client may try again.
const RETRY_AFTER_SECONDS: &str = "5";

/// The media type of problem details.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// An error that becomes a response. It has no `type` of its own: its status describes it.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    reason: &'static str,
    detail: &'static str,
    header: Option<(HeaderName, &'static str)>,
    /// For 416: the length of the representation, for `Content-Range`.
    length: Option<NonZeroU64>,
    closes: bool,
}

impl Problem {
    /// `reason` is the label in the metrics, `detail` a sentence for the client.
    pub(crate) fn new(status: StatusCode, reason: &'static str, detail: &'static str) -> Self {
        Self { status, reason, detail, header: None, length: None, closes: false }
    }

    /// 503, with the time after which the client may try again.
    pub(crate) fn unavailable(reason: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, reason, detail).with(RETRY_AFTER, RETRY_AFTER_SECONDS)
    }

    /// 503, while the service is stopping.
    pub(crate) fn stopping() -> Self {
        Self::unavailable("stopping", "The service is stopping.")
    }

    /// 416, for a representation of `length` bytes.
    pub(crate) fn range_not_satisfiable(length: u64) -> Self {
        let detail = "The range contains no byte of the representation. Content-Range tells its length.";
        let problem = Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "range", detail);
        Self { length: NonZeroU64::new(length), ..problem }
    }

    /// 500. Logs `detail` as an error.
    pub(crate) fn internal(detail: &'static str) -> Self {
        error!("{detail}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failure", detail)
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

    #[cfg(test)]
    pub(crate) fn detail(&self) -> &'static str {
        self.detail
    }

    pub(crate) fn into_response(self) -> Response<Payload> {
        let details = serde_json::json!({
            "title": title(self.status),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = head(self.status, Payload::from(Bytes::from(details.to_string())));
        if self.status == StatusCode::PAYLOAD_TOO_LARGE {
            response.extensions_mut().insert(ReasonPhrase::from_static(CONTENT_TOO_LARGE.as_bytes()));
        }
        let headers = response.headers_mut();
        if let Some((name, value)) = self.header {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Some(length) = self.length {
            headers.extend(HeaderValue::try_from(format!("bytes */{length}")).map(|range| (CONTENT_RANGE, range)));
        }
        if self.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// The reason phrase of a status.
pub(crate) fn title(status: StatusCode) -> Option<&'static str> {
    if status == StatusCode::PAYLOAD_TOO_LARGE { Some(CONTENT_TOO_LARGE) } else { status.canonical_reason() }
}
