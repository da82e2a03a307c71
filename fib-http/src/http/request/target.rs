//! The form of a request's target (RFC 9112, section 3.2).

use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use crate::http::response::Problem;

/// The longest target of a request, in bytes.
pub const MAX_BYTES: usize = 8 * 1024;

/// A byte that no URI contains, while the names and values of header fields can. hyper accepts it in a query.
pub(crate) const MALFORMED: u8 = b'`';

/// Accepts a path, a URI with one, and the asterisk of `OPTIONS *`.
///
/// # Errors
/// 400 for the forms that only proxies and `OPTIONS` use, 414 for a target that is too long.
pub(crate) fn check(head: &Parts) -> Result<(), Problem> {
    let uri = &head.uri;
    if head.method == Method::CONNECT {
        return Err(bad("This server is not a proxy.").closing());
    }
    let is_asterisk_form = head.method == Method::OPTIONS && uri.path() == "*";
    if !uri.path().starts_with('/') && !is_asterisk_form {
        return Err(bad("The target is neither a path nor a URI."));
    }
    if uri.query().is_some_and(|query| query.as_bytes().contains(&MALFORMED)) {
        return Err(bad("The target is malformed."));
    }
    let length = uri.path_and_query().map_or(0, |path| path.as_str().len())
        + uri.authority().map_or(0, |authority| authority.as_str().len());
    if length > MAX_BYTES {
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "target", "The target has more than 8 KiB."));
    }
    Ok(())
}

fn bad(detail: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "target", detail)
}
