//! What browsers tell about the reason of a request (Fetch Metadata, and `Sec-Purpose` of the Fetch standard).
//!
//! A `GET` that takes a number must not happen by accident: not ahead of a click, and not because a page elsewhere has the
//! address in an image.

use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderName};

use crate::http::response::Problem;

const SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
const PURPOSE: HeaderName = HeaderName::from_static("purpose");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Refuses what nobody has asked for. Clients that send none of these headers are not browsers.
///
/// # Errors
/// 503 for a prefetch, 403 for a page elsewhere, unless it navigates here.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Problem> {
    if is_prefetch(headers, SEC_PURPOSE) || is_prefetch(headers, PURPOSE) {
        let detail = "A number is not given ahead of time: this request looks like a prefetch.";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "prefetch", detail));
    }
    if is(headers, SEC_FETCH_SITE, "cross-site") && !is(headers, SEC_FETCH_MODE, "navigate") {
        let detail = "Pages of another site cannot take numbers, except by a navigation.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "cross-site", detail));
    }
    Ok(())
}

/// The header says `prefetch`, perhaps with parameters such as `;prerender`.
fn is_prefetch(headers: &HeaderMap, name: HeaderName) -> bool {
    let purposes = |value: &[u8]| {
        value.split(|byte| b",;".contains(byte)).any(|part| part.trim_ascii().eq_ignore_ascii_case(b"prefetch"))
    };
    headers.get_all(name).iter().any(|value| purposes(value.as_bytes()))
}

fn is(headers: &HeaderMap, name: HeaderName, value: &str) -> bool {
    headers.get(name).is_some_and(|field| field.as_bytes().trim_ascii().eq_ignore_ascii_case(value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn only_what_was_asked_for_passes() {
        for (fields, status) in [
            (&[][..], 200),
            (&[("sec-purpose", "prefetch")], 503),
            (&[("sec-purpose", "prefetch;prerender")], 503),
            (&[("sec-purpose", "Prefetch ; anonymous-client-ip")], 503),
            (&[("purpose", "prefetch")], 503),
            (&[("purpose", "preview")], 200),
            (&[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")], 200),
            (&[("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors")], 200),
            (&[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "no-cors")], 200),
            (&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], 200),
            (&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")], 403),
            (&[("sec-fetch-site", "cross-site")], 403),
        ] {
            let mut headers = HeaderMap::new();
            for &(name, value) in fields {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(check(&headers).map_or_else(|p| p.status().as_u16(), |()| 200), status, "{fields:?}");
        }
    }
}
