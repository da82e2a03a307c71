//! Bodies that come with a request: nothing here has a use for them.

use std::pin::pin;
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::Body;
use hyper::header::{EXPECT, HeaderMap};
use tokio::time::timeout;

use crate::problem::Problem;

/// The most of a request's body that is read, and thrown away, so that the connection can go on.
pub const REQUEST_BODY_BYTES: u64 = 64 * 1024;

/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether the client waits with the body until it is told to go on.
pub(crate) fn waits(headers: &HeaderMap) -> bool {
    headers.contains_key(EXPECT)
}

/// Refuses expectations other than `100-continue`, which hyper meets when the body is read (RFC 9110, section 10.1.1).
///
/// # Errors
/// 417.
pub(crate) fn check_expectations(headers: &HeaderMap) -> Result<(), Problem> {
    let known = |value: &[u8]| value.trim_ascii().eq_ignore_ascii_case(b"100-continue");
    if headers.get_all(EXPECT).iter().all(|value| known(value.as_bytes())) {
        return Ok(());
    }
    let detail = "The only expectation that can be met is 100-continue.";
    Err(Problem::new(StatusCode::EXPECTATION_FAILED, "expectation", detail))
}

/// Reads a body to its end.
///
/// # Errors
/// Where it is too long, too slow or malformed. The rest of it stands where the next request would then.
pub(crate) async fn drain<B: Body<Data = Bytes>>(body: B) -> Result<(), Problem> {
    // Where the length is declared, nothing needs to be read to know.
    if body.size_hint().lower() > REQUEST_BODY_BYTES {
        return Err(too_large());
    }
    let read = async {
        let mut body = pin!(body);
        let mut rest = REQUEST_BODY_BYTES;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                let detail = "The request's body is malformed or incomplete.";
                return Err(Problem::new(StatusCode::BAD_REQUEST, "body", detail));
            };
            let length = frame.data_ref().map_or(0, Buf::remaining);
            rest = rest.checked_sub(length as u64).ok_or_else(too_large)?;
        }
        Ok(())
    };
    timeout(PATIENCE, read).await.unwrap_or_else(|_| {
        let detail = "The request's body did not come within a second.";
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body", detail))
    })
}

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body", "The request has a body of more than 64 KiB.")
}
