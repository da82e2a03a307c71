//! The body of a request. The service does not use it, but has to read past it to reach the next request.

use std::pin::pin;
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::Body;
use tokio::time::timeout;

use crate::http::response::Problem;

/// The most bytes of a request's body that are read and discarded so that the connection can go on.
pub const MAX_BYTES: u64 = 64 * 1024;

/// How long reading a body may take.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Reads the body of a request to its end and discards it, where `checked` is what the checks of its head have found, and
/// `expects` whether the client waits for `100 Continue`.
///
/// # Errors
/// What the checks have found, or 400, 408 or 413 if the body is malformed, too slow or too long.
pub(crate) async fn discard<B: Body<Data = Bytes>>(
    body: B,
    checked: Result<(), Problem>,
    expects: bool,
) -> Result<(), Problem> {
    match checked {
        // The client does not get its `100 Continue`, and so does not send the body.
        Err(problem) if expects => Err(problem.closing()),
        checked => match drain(body).await {
            Ok(()) => checked,
            // The rest of the body precedes the next request.
            Err(problem) => Err(checked.err().unwrap_or(problem).closing()),
        },
    }
}

/// Reads a body to its end and discards it.
///
/// # Errors
/// 400, 408 or 413 if the body is malformed, too slow or too long. The rest of it is then still unread.
async fn drain<B: Body<Data = Bytes>>(body: B) -> Result<(), Problem> {
    // A body whose declared length is too long is not read at all.
    if body.size_hint().lower() > MAX_BYTES {
        return Err(too_large());
    }
    let read = async {
        let mut body = pin!(body);
        let mut rest = MAX_BYTES;
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
    timeout(TIMEOUT, read).await.unwrap_or_else(|_| {
        let detail = "The request's body did not arrive within a second.";
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body", detail))
    })
}

/// 413.
pub(super) fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body", "The request has a body of more than 64 KiB.")
}
