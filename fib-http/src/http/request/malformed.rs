//! What is wrong with a head that hyper cannot parse.
//!
//! hyper answers such a head itself, with a status only. This module parses the head again to find a more precise
//! status and the reason.

use httparse::{EMPTY_HEADER, Error, Header, Request, Status};
use hyper::StatusCode;

use super::body;
use crate::http::response::Problem;

/// The most fields of a head: hyper's limit.
const MAX_FIELDS: usize = 100;

/// The problem with the head that hyper rejects with `status`. In `input`, it comes after `requests_before` requests
/// that were not rejected, and may lack its end if that is long.
pub(crate) fn diagnose(status: StatusCode, input: &[u8], requests_before: u64) -> Problem {
    let head = (0..requests_before).fold(input, |rest, _| after_request(rest));
    let mut fields = [EMPTY_HEADER; MAX_FIELDS];
    let mut request = Request::new(&mut fields);
    match request.parse(head) {
        Err(Error::Version) if has_other_version(head) => {
            let detail = "The service speaks HTTP/1.1 and HTTP/1.0.";
            Problem::new(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "version", detail)
        }
        Ok(Status::Complete(_)) if declares_long_body(request.headers) => body::too_large(),
        _ if status == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            Problem::new(status, "head", "The request's head has more than 16 KiB, or more than 100 fields.")
        }
        Err(_) if has_malformed_version(head) => {
            let detail = "The request line is malformed: its version is not of the form HTTP/1.1.";
            Problem::new(status, "head", detail)
        }
        Err(Error::HeaderName | Error::HeaderValue | Error::NewLine) => {
            Problem::new(status, "head", "The request's head is malformed: a header field, or the end of a line.")
        }
        Err(_) => Problem::new(status, "head", "The request line is malformed."),
        Ok(Status::Partial) => Problem::new(status, "head", "The request's head is malformed."),
        Ok(Status::Complete(_)) => Problem::new(status, "head", detail_of_well_formed(request.headers)),
    }
    .closing()
}

/// What follows the request that `input` begins with; nothing if that is not clear.
fn after_request(input: &[u8]) -> &[u8] {
    let mut fields = [EMPTY_HEADER; MAX_FIELDS];
    let mut request = Request::new(&mut fields);
    let Ok(Status::Complete(length)) = request.parse(input) else { return &[] };
    let body = request.headers.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"));
    let body = body.map_or(Some(0), |field| std::str::from_utf8(field.value).ok()?.trim().parse::<usize>().ok());
    body.and_then(|body| input.get(length.checked_add(body)?..)).unwrap_or_default()
}

/// The version with which the first line ends, or what has arrived of it, without `HTTP/`.
fn version(head: &[u8]) -> Option<&[u8]> {
    let line = head.trim_ascii_start().split(|&byte| byte == b'\n').next().unwrap_or_default();
    line.trim_ascii_end().rsplit(|&byte| byte == b' ').next().unwrap_or_default().strip_prefix(b"HTTP/")
}

/// Whether the first line ends with a version of HTTP that the service does not speak.
fn has_other_version(head: &[u8]) -> bool {
    match version(head) {
        Some([b'1', b'.', minor]) => (b'2'..=b'9').contains(minor),
        // hyper rejects a major version before the rest of it has arrived.
        Some([b'0' | b'2'..=b'9'] | [b'0' | b'2'..=b'9', b'.'] | [b'0' | b'2'..=b'9', b'.', b'0'..=b'9']) => true,
        _ => false,
    }
}

/// Whether the first line ends with something that is not a digit, a dot and a digit behind `HTTP/`, such as `HTTP/1.10`.
fn has_malformed_version(head: &[u8]) -> bool {
    version(head).is_some_and(|version| !matches!(version, [b'0'..=b'9', b'.', b'0'..=b'9']))
}

/// Whether `Content-Length` is one number, and more than is read.
fn declares_long_body(fields: &[Header<'_>]) -> bool {
    let mut lengths = fields.iter().filter(|field| field.name.eq_ignore_ascii_case("content-length"));
    let (Some(length), None) = (lengths.next(), lengths.next()) else { return false };
    let is_long = |length: &str| length.parse().map_or(true, |length: u64| length > body::MAX_BYTES);
    let digits = length.value.trim_ascii();
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) && std::str::from_utf8(digits).is_ok_and(is_long)
}

/// What hyper has against a head whose lines are well-formed.
fn detail_of_well_formed(fields: &[Header<'_>]) -> &'static str {
    let has = |name: &str| fields.iter().any(|field| field.name.eq_ignore_ascii_case(name));
    if has("transfer-encoding") {
        "The transfer coding of the request's body does not end in chunked, or the request's version has none."
    } else if has("content-length") {
        "Content-Length is not one number, or the target is malformed."
    } else {
        "The target is malformed."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_diagnosed() {
        let head = |lines: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
        for (head, status, text) in [
            ("GET / HTTP/2.0\r\n\r\n".to_owned(), 505, "speaks"),
            ("\r\n\r\nGET / HTTP/1.2\r\n\r\n".to_owned(), 505, "speaks"),
            ("GET / HTTP/2.".to_owned(), 505, "speaks"),
            ("GET / HTTP/3".to_owned(), 505, "speaks"),
            ("GET / HTTP/0.9\r\n\r\n".to_owned(), 505, "speaks"),
            ("GET / HTTP/1\r\n\r\n".to_owned(), 400, "its version"),
            ("GET / HTTP/1.10\r\n\r\n".to_owned(), 400, "its version"),
            ("GET / HTTP/1.10".to_owned(), 400, "its version"),
            ("GET / HTTP/1.1x\r\n\r\n".to_owned(), 400, "its version"),
            ("GET / HTTP/10.0\r\n\r\n".to_owned(), 400, "its version"),
            ("GET /  HTTP/1.1\r\n\r\n".to_owned(), 400, "line"),
            ("GET / HTTP/11\r\n\r\n".to_owned(), 400, "its version"),
            ("GET / HTTQ/1.1\r\n\r\n".to_owned(), 400, "line"),
            ("GET /\r\n\r\n".to_owned(), 400, "line"),
            ("\0".to_owned(), 400, "line"),
            (String::new(), 400, "head"),
            (head("Content-Length: 18446744073709551615\r\n"), 413, "body"),
            (head("Content-Length: 99999999999999999999\r\n"), 413, "body"),
            (head("Content-Length: 1\r\n"), 400, "Content-Length"),
            (head("Content-Length: x\r\n"), 400, "Content-Length"),
            (head("Content-Length:\r\n"), 400, "Content-Length"),
            (head("Content-Length: 99999\r\nContent-Length: 99998\r\n"), 400, "Content-Length"),
            (head("Transfer-Encoding: gzip\r\n"), 400, "chunked"),
            (head("X : y\r\n"), 400, "field"),
            (head("X: \0\r\n"), 400, "field"),
        ] {
            let problem = diagnose(StatusCode::BAD_REQUEST, head.as_bytes(), 0);
            assert_eq!(problem.status().as_u16(), status, "{head:?}");
            assert!(problem.detail().contains(text), "{head:?}: {}", problem.detail());
            let requests = "HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nContent-Length: 3\r\n\r\n\n\n\n";
            let problem = diagnose(StatusCode::BAD_REQUEST, format!("{requests}{head}").as_bytes(), 2);
            assert_eq!(problem.status().as_u16(), status, "{head:?}");
        }
        // What stands before it is not all there.
        for requests in ["GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nContent-Length: 9\r\n\r\n", "\0"] {
            assert_eq!(diagnose(StatusCode::BAD_REQUEST, requests.as_bytes(), 1).status().as_u16(), 400);
        }
        let long = head(&"X: y\r\n".repeat(101));
        let long = diagnose(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, long.as_bytes(), 0);
        assert_eq!((long.status().as_u16(), long.reason()), (431, "head"));
    }
}
