//! What a client expects of the service before it sends the request's body (RFC 9110, section 10.1.1).

use hyper::StatusCode;
use hyper::header::{EXPECT, HeaderMap};

use crate::http::response::Problem;

/// Refuses expectations other than `100-continue`, which hyper meets when the body is read.
///
/// # Errors
/// 417.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Problem> {
    let is_known = |value: &[u8]| value.trim_ascii().eq_ignore_ascii_case(b"100-continue");
    if headers.get_all(EXPECT).iter().all(|value| is_known(value.as_bytes())) {
        return Ok(());
    }
    let detail = "The only expectation that can be met is 100-continue.";
    Err(Problem::new(StatusCode::EXPECTATION_FAILED, "expectation", detail))
}
