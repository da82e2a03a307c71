//! Where a browser's request comes from and why it is made: Fetch Metadata, `Sec-Purpose` of the Fetch standard, and where
//! those are missing, `Origin` and `Referer`.
//!
//! A `GET` that takes a number must not happen by accident: not ahead of a click, and not because a page elsewhere has the
//! address in an image or in a frame. Browsers send Fetch Metadata to https and to loopback only, so what reaches a service
//! over plain http from another machine has `Origin` and `Referer` at most.

use hyper::StatusCode;
use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN, REFERER};
use hyper::http::request::Parts;

use super::accept::accepts_html;
use super::host::split_port;
use crate::http::response::Problem;

const SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
const PURPOSE: HeaderName = HeaderName::from_static("purpose");
const X_MOZ: HeaderName = HeaderName::from_static("x-moz");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Refuses requests that no user and no page of this origin has asked for. Clients that send none of these fields are not
/// taken for browsers.
///
/// # Errors
/// 503 for a prefetch, 403 for a request from another site, unless it opens the number in a tab or window of its own.
pub(crate) fn check(head: &Parts) -> Result<(), Problem> {
    let headers = &head.headers;
    if [SEC_PURPOSE, PURPOSE, X_MOZ].into_iter().any(|name| is_prefetch(headers, name)) {
        let detail = "A number is not given ahead of time: this request looks like a prefetch.";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "prefetch", detail));
    }
    let is_cross_site = if headers.contains_key(SEC_FETCH_SITE) {
        values(headers, SEC_FETCH_SITE, "cross-site").any(|is_equal| is_equal) && !is_top_level_navigation(headers)
    } else {
        // A cross-origin navigation by GET has no `Origin`. It can have a `Referer`, as an image can, but only the navigation
        // asks for HTML.
        is_cross_origin(head, ORIGIN) || (is_cross_origin(head, REFERER) && !accepts_html(headers))
    };
    if is_cross_site {
        let detail = "Pages of another site cannot take numbers, except by a link that is followed.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "cross-site", detail));
    }
    Ok(())
}

/// Whether the response replaces a whole page, so that the user sees where it comes from. Frames, `embed` and `object`
/// navigate too, but their destination is another one.
fn is_top_level_navigation(headers: &HeaderMap) -> bool {
    let is_only = |name, value| headers.contains_key(&name) && values(headers, name, value).all(|is_equal| is_equal);
    is_only(SEC_FETCH_MODE, "navigate") && is_only(SEC_FETCH_DEST, "document")
}

/// Whether the field is `prefetch`, perhaps with parameters such as `;prerender`.
fn is_prefetch(headers: &HeaderMap, name: HeaderName) -> bool {
    let purposes = |value: &[u8]| {
        value.split(|byte| b",;".contains(byte)).any(|part| part.trim_ascii().eq_ignore_ascii_case(b"prefetch"))
    };
    headers.get_all(name).iter().any(|value| purposes(value.as_bytes()))
}

/// Whether each of the fields with this name is `value`. No browser sends two, so the stricter reading costs nobody anything.
fn values(headers: &HeaderMap, name: HeaderName, value: &str) -> impl Iterator<Item = bool> {
    headers.get_all(name).iter().map(move |field| field.as_bytes().trim_ascii().eq_ignore_ascii_case(value.as_bytes()))
}

/// Whether the field is present and its URL does not have the host and port that the request is for. The scheme is left out:
/// a proxy may end TLS in front of the service.
fn is_cross_origin(head: &Parts, name: HeaderName) -> bool {
    let host_field = || head.headers.get(HOST).and_then(|field| field.to_str().ok());
    let own = || head.uri.authority().map(hyper::http::uri::Authority::as_str).or_else(host_field);
    let is_same = |url: &str| {
        let (scheme, rest) = url.split_once("://")?;
        let default_port = match scheme {
            "http" => "80",
            "https" => "443",
            _ => return None,
        };
        let authority = rest.split(['/', '?', '#']).next()?;
        let of = |authority| {
            let (host, port) = split_port(authority)?;
            Some((host, if port.is_empty() { default_port } else { port }))
        };
        let ((host, port), (own_host, own_port)) = (of(authority)?, of(own()?)?);
        Some(host.eq_ignore_ascii_case(own_host) && port == own_port)
    };
    head.headers.get_all(name).iter().any(|url| url.to_str().ok().and_then(is_same) != Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    #[track_caller]
    fn expect(status: u16, target: &str, fields: &[(&str, &str)]) {
        let mut request = Request::builder().uri(target);
        for &(name, value) in fields {
            request = request.header(name, value);
        }
        let (head, ()) = request.body(()).expect("a request").into_parts();
        assert_eq!(check(&head).map_or_else(|p| p.status().as_u16(), |()| 200), status, "{target} {fields:?}");
    }

    #[test]
    fn a_prefetch_is_refused() {
        for (name, value, status) in [
            ("sec-purpose", "prefetch", 503),
            ("sec-purpose", "prefetch;prerender", 503),
            ("sec-purpose", "Prefetch ; anonymous-client-ip", 503),
            ("purpose", "prefetch", 503),
            ("x-moz", "prefetch", 503),
            ("purpose", "preview", 200),
        ] {
            expect(status, "/", &[(name, value)]);
        }
    }

    #[test]
    fn only_a_top_level_navigation_crosses_sites() {
        let cross = |mode, dest| {
            [
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", mode),
                ("sec-fetch-dest", dest),
                ("accept", "text/html"),
            ]
        };
        expect(200, "/", &cross("navigate", "document"));
        for dest in ["iframe", "frame", "embed", "object", "empty", ""] {
            expect(403, "/", &cross("navigate", dest));
        }
        for (mode, dest) in [("no-cors", "image"), ("no-cors", "script"), ("cors", "empty"), ("cors", "document")] {
            expect(403, "/", &cross(mode, dest));
        }
        expect(403, "/", &[("sec-fetch-site", "cross-site")]);
        expect(403, "/", &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")]);
        // Of two fields with the same name, the stricter counts.
        expect(403, "/", &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")]);
        let [site, mode, dest, accept] = cross("navigate", "document");
        expect(403, "/", &[site, mode, dest, accept, ("sec-fetch-dest", "iframe")]);
        for site in ["none", "same-origin", "same-site"] {
            // The origin may be another one: what the browser says about the site is more precise.
            expect(
                200,
                "/",
                &[("sec-fetch-site", site), ("sec-fetch-mode", "cors"), ("origin", "http://other.example")],
            );
        }
    }

    #[test]
    fn without_fetch_metadata_the_origin_must_be_this_one() {
        const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        const IMAGE: (&str, &str) = ("accept", "image/avif,image/webp,*/*;q=0.8");
        for (host, url, same) in [
            ("fib.example", "http://fib.example", true),
            ("fib.example", "http://FIB.example:80", true),
            ("fib.example:80", "http://fib.example", true),
            ("fib.example", "https://fib.example", true),
            ("fib.example:443", "https://fib.example", true),
            ("fib.example:8080", "http://fib.example:8080", true),
            ("[::1]:8080", "http://[::1]:8080", true),
            ("fib.example", "http://fib.example:8080", false),
            ("fib.example:8080", "http://fib.example", false),
            ("fib.example", "http://other.example", false),
            ("fib.example", "http://fib.example.other.example", false),
            ("fib.example", "http://user@fib.example", false),
            ("fib.example", "null", false),
            ("fib.example", "", false),
            ("fib.example", "ftp://fib.example", false),
            ("fib.example", "chrome-extension://fib.example", false),
        ] {
            let refused = if same { 200 } else { 403 };
            expect(refused, "/", &[("host", host), ("origin", url), HTML]);
            expect(refused, "/", &[("host", host), ("referer", url)]);
            expect(refused, "/", &[("host", host), ("referer", &format!("{url}/page?x#y")), IMAGE]);
            // A link from there.
            expect(200, "/", &[("host", host), ("referer", url), HTML]);
            // The target in absolute form counts.
            expect(refused, &format!("http://{host}/"), &[("host", "other.example"), ("origin", url)]);
        }
        expect(403, "/", &[("origin", "http://fib.example")]);
        expect(200, "/", &[("accept", "*/*")]);
    }
}
