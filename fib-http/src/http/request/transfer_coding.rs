//! How the body of a request is transferred (RFC 9112, section 6.1).

use hyper::StatusCode;
use hyper::header::{HeaderMap, TRANSFER_ENCODING};

use crate::http::response::Problem;

/// Refuses transfer codings other than `chunked`. hyper accepts any of them in front of that one.
///
/// # Errors
/// 501.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let is_chunked = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
    if codings.next().is_none_or(|coding| is_chunked(coding.as_bytes())) && codings.next().is_none() {
        return Ok(());
    }
    let detail = "The only transfer coding that the service knows is chunked.";
    Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "transfer-coding", detail).closing())
}
