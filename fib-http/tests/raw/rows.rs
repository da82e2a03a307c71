//! The rows: requests, and what is to happen.

use fib_http::http::{REQUEST_BODY_BYTES, TARGET_BYTES};

/// What a row expects to happen to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    Kept,
    Closed,
}
pub(crate) use After::{Closed, Kept};

/// The status where a connection ends without an answer.
pub(crate) const NONE: u16 = 0;

/// A row: what it is, the request's bytes, the status, what happens to the connection, the numbers consumed.
pub(crate) type Row = (&'static str, Vec<u8>, u16, After, u64);

/// The bytes that were sent are all there will be: the client shuts down its sending side.
pub(crate) const END: &str = "<end>";

pub(crate) fn row(name: &'static str, request: impl AsRef<[u8]>, status: u16, after: After, consumed: u64) -> Row {
    (name, request.as_ref().to_vec(), status, after, consumed)
}

/// A request with some more lines in its head.
pub(crate) fn request(method: &str, target: &str, lines: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n")
}

/// A request for a number with some more lines in its head.
pub(crate) fn get(lines: &str) -> String {
    request("GET", "/", lines)
}

/// A request for a number with this `Host`.
pub(crate) fn host(lines: &str) -> String {
    format!("GET / HTTP/1.1\r\n{lines}\r\n")
}

/// A request with this target.
pub(crate) fn target(target: &str) -> String {
    request("GET", target, "")
}

pub(crate) fn good() -> Vec<Row> {
    let most = usize::try_from(REQUEST_BODY_BYTES).expect("small");
    vec![
        row("plain", get(""), 200, Kept, 1),
        row("asked to close", get("Connection: close\r\n"), 200, Closed, 1),
        row("HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 200, Closed, 1),
        row("HTTP/1.0 kept", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, Kept, 1),
        row("half-closed", get("") + END, 200, Closed, 1),
        row("an empty line before", "\r\n".to_owned() + &get(""), 200, Kept, 1),
        row("empty lines before", "\r\n\r\n\r\n".to_owned() + &get(""), 200, Kept, 1),
        row("lines end with LF only", "GET / HTTP/1.1\nHost: localhost\n\n", 200, Kept, 1),
        row("a body", get(&format!("Content-Length: {most}\r\n")) + &"x".repeat(most), 200, Kept, 1),
        row("100-continue", get("Content-Length: 1\r\nExpect: 100-continue\r\n") + "x", 100, Kept, 1),
        row(
            "upgrade to h2c",
            get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"),
            200,
            Kept,
            1,
        ),
        row("absolute form", target("http://localhost:80/"), 200, Kept, 1),
        row("a long target", target(&format!("/?{}", "x".repeat(TARGET_BYTES - 2))), 200, Kept, 1),
        row("100 headers", get(&"X: y\r\n".repeat(99)), 200, Kept, 1),
        row(
            "navigation from elsewhere",
            get("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"),
            200,
            Kept,
            1,
        ),
        row("an old link from elsewhere", get("Referer: http://other.example/\r\nAccept: text/html\r\n"), 200, Kept, 1),
        row("a link in our own pages", get("Referer: http://localhost/docs/\r\n"), 200, Kept, 1),
        row("the same site", get("Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\n"), 200, Kept, 1),
    ]
}

pub(crate) fn bodies() -> Vec<Row> {
    let too_long = REQUEST_BODY_BYTES + 1;
    let sent = "x".repeat(4 << 20);
    vec![
        row("a long body, declared", get(&format!("Content-Length: {too_long}\r\n")), 413, Closed, 0),
        row("a long body, sent", get(&format!("Content-Length: {}\r\n", sent.len())) + &sent, 413, Closed, 0),
        row(
            "a long body, chunked",
            get("Transfer-Encoding: chunked\r\n") + &format!("{:x}\r\n{sent}\r\n0\r\n\r\n", sent.len()),
            413,
            Closed,
            0,
        ),
        row("a body that does not come", get("Content-Length: 5\r\n") + "x", 408, Closed, 0),
        row("a body that ends early", get("Content-Length: 5\r\n") + "x" + END, 400, Closed, 0),
        row("unknown expectation", get("Expect: miracles\r\n"), 417, Kept, 0),
        row("unknown expectation and a body", get("Content-Length: 5\r\nExpect: miracles\r\n"), 417, Closed, 0),
        row("100-continue and more", get("Content-Length: 5\r\nExpect: 100-continue, miracles\r\n"), 417, Closed, 0),
        row(
            "a long body that waits",
            get(&format!("Content-Length: {too_long}\r\nExpect: 100-continue\r\n")),
            413,
            Closed,
            0,
        ),
        row("POST that waits", request("POST", "/", "Content-Length: 1\r\nExpect: 100-continue\r\n"), 405, Closed, 0),
    ]
}

pub(crate) fn hosts() -> Vec<Row> {
    vec![
        row("no Host", host(""), 400, Kept, 0),
        row("two Hosts", host("Host: localhost\r\nHost: localhost\r\n"), 400, Kept, 0),
        row("two Hosts, HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, Closed, 0),
        row("an empty Host", host("Host:\r\n"), 400, Kept, 0),
        row("a Host with a path", host("Host: localhost/\r\n"), 400, Kept, 0),
        row("a Host with a user", host("Host: me@localhost\r\n"), 400, Kept, 0),
        row("a Host with a bad port", host("Host: localhost:http\r\n"), 400, Kept, 0),
        row("a Host that is no UTF-8", b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n", 400, Kept, 0),
        row("a rebound Host", host("Host: evil.example\r\n"), 421, Kept, 0),
        row("a rebound Host, healthz", "GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, Kept, 0),
        row("an IPv4 literal", host("Host: 127.0.0.1:8080\r\n"), 200, Kept, 1),
        row("an IPv6 literal", host("Host: [::1]\r\n"), 200, Kept, 1),
        row("absolute form of another", target("http://evil.example/"), 421, Kept, 0),
        row("absolute form with a user", target("http://me@localhost/"), 400, Kept, 0),
        row("absolute form without Host", "GET http://localhost/ HTTP/1.1\r\n\r\n", 400, Kept, 0),
        row("another scheme", target("ftp://localhost/"), 400, Kept, 0),
    ]
}

pub(crate) fn targets() -> Vec<Row> {
    vec![
        row("nothing there", target("/nothing"), 404, Kept, 0),
        row("asterisk form", target("*"), 400, Kept, 0),
        row("OPTIONS *", request("OPTIONS", "*", ""), 204, Kept, 0),
        row("OPTIONS * for another", "OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, Kept, 0),
        row("POST *", request("POST", "*", ""), 400, Kept, 0),
        row("authority form", target("localhost:80"), 400, Kept, 0),
        row("CONNECT", request("CONNECT", "localhost:80", ""), 400, Closed, 0),
        row("a target that is too long", target(&format!("/?{}", "x".repeat(TARGET_BYTES - 1))), 414, Kept, 0),
        row("a head that is too long", target(&format!("/?{}", "x".repeat(2 * TARGET_BYTES))), 431, Closed, 0),
        row("a header that is too long", get(&format!("X: {}\r\n", "x".repeat(16 * 1024))), 431, Closed, 0),
        row("101 headers", get(&"X: y\r\n".repeat(100)), 431, Closed, 0),
        row("NUL in the target", request("GET", "/\0", ""), 400, Closed, 0),
        row("a byte that is no UTF-8 in the target", b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, Closed, 0),
        row("a fragment", target("/#x"), 400, Closed, 0),
        row("a fragment alone", target("#x"), 400, Closed, 0),
        row("a fragment after a query", target("/?x#y"), 400, Kept, 0),
        row("a fragment in absolute form", target("http://localhost/#x"), 400, Closed, 0),
        row("a fragment in absolute form without a path", target("http://localhost#x"), 400, Closed, 0),
        row("a number sign elsewhere", get("X#Y: #\r\n"), 200, Kept, 1),
        row("no target", "GET  HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, Closed, 0),
        row("lower-case method", request("get", "/", ""), 501, Kept, 0),
        row("unknown method", request("PROPFIND", "/nothing", ""), 501, Kept, 0),
        row("two slashes", target("/docs//"), 404, Kept, 0),
        row("POST", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\na=b", 405, Kept, 0),
        row("HEAD", request("HEAD", "/", ""), 200, Kept, 0),
    ]
}

pub(crate) fn accidents() -> Vec<Row> {
    vec![
        row("prefetch", get("Sec-Purpose: prefetch\r\n"), 503, Kept, 0),
        row("prerender", get("Sec-Purpose: prefetch;prerender\r\n"), 503, Kept, 0),
        row("prefetch, old", get("Purpose: prefetch\r\n"), 503, Kept, 0),
        row("an image elsewhere", get("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n"), 403, Kept, 0),
        row("prefetch by Firefox", get("X-Moz: prefetch\r\n"), 503, Kept, 0),
        row(
            "a frame elsewhere",
            get("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n"),
            403,
            Kept,
            0,
        ),
        row("a script elsewhere, over plain http", get("Origin: http://other.example\r\n"), 403, Kept, 0),
        row("an opaque origin", get("Origin: null\r\n"), 403, Kept, 0),
        row(
            "an image elsewhere, over plain http",
            get("Referer: http://other.example/\r\nAccept: image/avif,*/*;q=0.8\r\n"),
            403,
            Kept,
            0,
        ),
        row(
            "HEAD for an image elsewhere",
            request("HEAD", "/", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n"),
            403,
            Kept,
            0,
        ),
        row("HEAD as a prefetch", request("HEAD", "/", "Sec-Purpose: prefetch\r\n"), 503, Kept, 0),
        row("a prefetch of the documentation", request("GET", "/healthz", "Sec-Purpose: prefetch\r\n"), 200, Kept, 0),
    ]
}

pub(crate) fn conditions() -> Vec<Row> {
    let health = |lines: &str| request("GET", "/healthz", lines);
    vec![
        row("If-Match", get("If-Match: \"x\"\r\n"), 412, Kept, 0),
        row("If-Match, HEAD", "HEAD / HTTP/1.1\r\nHost: localhost\r\nIf-Match: \"x\"\r\n\r\n", 412, Kept, 0),
        // There is a representation, though it has no entity-tag.
        row("If-Match: *", get("If-Match: *\r\n"), 200, Kept, 1),
        row("If-None-Match", get("If-None-Match: \"x\"\r\n"), 200, Kept, 1),
        row("If-None-Match: *", get("If-None-Match: *\r\n"), 304, Kept, 0),
        row("If-Modified-Since", get("If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n"), 200, Kept, 1),
        row("If-Match elsewhere", health("If-Match: \"x\"\r\n"), 412, Kept, 0),
        // Preconditions count only where the answer would be a success.
        row("If-Match, redirected", "GET /docs HTTP/1.1\r\nHost: localhost\r\nIf-Match: \"x\"\r\n\r\n", 308, Kept, 0),
        row("If-Match, nothing there", "GET /x HTTP/1.1\r\nHost: localhost\r\nIf-Match: \"x\"\r\n\r\n", 404, Kept, 0),
    ]
}

pub(crate) fn other_protocols() -> Vec<Row> {
    vec![
        row("HTTP/0.9", "GET /\r\n\r\n", 400, Closed, 0),
        row("HTTP/0.9, half-closed", "GET /\r\n".to_owned() + END, 400, Closed, 0),
        row("HTTP/2.0", "GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", 505, Closed, 0),
        row("HTTP/1.2", "GET / HTTP/1.2\r\nHost: localhost\r\n\r\n", 505, Closed, 0),
        row("HTTP/1.10", "GET / HTTP/1.10\r\nHost: localhost\r\n\r\n", 400, Closed, 0),
        row("HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", NONE, Closed, 0),
        row("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, Closed, 0),
        row("nothing but an end", END, NONE, Closed, 0),
        row("half a head and an end", "GET / HTTP/1.1\r\nHo".to_owned() + END, NONE, Closed, 0),
        row("rubbish", b"\x00\x01\x02\x03", 400, Closed, 0),
    ]
}

pub(crate) fn smuggling() -> Vec<Row> {
    // The first request of each takes a number or is refused; what follows it must never be taken for another one.
    let followed = |lines: &str, body: &str| get(lines) + body + &get("");
    vec![
        // RFC 9112, section 6.3: the transfer coding counts, and the connection ends.
        row("CL and TE", followed("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 200, Closed, 1),
        row("TE and CL", followed("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 200, Closed, 1),
        row("two lengths that differ", followed("Content-Length: 0\r\nContent-Length: 5\r\n", ""), 400, Closed, 0),
        row("a length twice", get("Content-Length: 1\r\nContent-Length: 1\r\n") + "x", 200, Kept, 1),
        row("a list of lengths", followed("Content-Length: 5, 5\r\n", "xxxxx"), 400, Closed, 0),
        row("a signed length", followed("Content-Length: +5\r\n", "xxxxx"), 400, Closed, 0),
        row("a negative length", followed("Content-Length: -5\r\n", ""), 400, Closed, 0),
        row("a hexadecimal length", followed("Content-Length: 0x5\r\n", "xxxxx"), 400, Closed, 0),
        row("an endless length", followed("Content-Length: 99999999999999999999\r\n", ""), 413, Closed, 0),
        row("the longest length", followed("Content-Length: 18446744073709551615\r\n", ""), 413, Closed, 0),
        row("TE gzip", followed("Transfer-Encoding: gzip\r\n", ""), 400, Closed, 0),
        row("TE gzip, chunked", followed("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501, Closed, 0),
        row("TE chunked, chunked", followed("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 501, Closed, 0),
        row(
            "TE gzip and TE chunked",
            followed("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
            501,
            Closed,
            0,
        ),
        row("TE Chunked", followed("Transfer-Encoding: Chunked\r\n", "0\r\n\r\n"), 200, Closed, 1),
        row("TE xchunked", followed("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400, Closed, 0),
        row("TE chunked, gzip", followed("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"), 400, Closed, 0),
        row("TE and HTTP/1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, Closed, 0),
        row("a space before the colon", followed("Content-Length : 5\r\n", "xxxxx"), 400, Closed, 0),
        row("a folded line", followed("X: a\r\n b\r\n", ""), 400, Closed, 0),
        row("a folded length", followed("Content-Length:\r\n 5\r\n", "xxxxx"), 400, Closed, 0),
        row("CR alone", followed("X: a\rContent-Length: 5\r\n", "xxxxx"), 400, Closed, 0),
        row("LF alone within a head", get("X: a\nY: b\r\n"), 200, Kept, 1),
        row("NUL in a value", followed("X: a\0b\r\n", ""), 400, Closed, 0),
        row("NUL in a name", followed("X\0: a\r\n", ""), 400, Closed, 0),
        row("a name without a value", followed("X\r\n", ""), 400, Closed, 0),
        row("a space before the first header", "GET / HTTP/1.1\r\n Host: localhost\r\n\r\n", 400, Closed, 0),
        row("a chunk with LF only", followed("Transfer-Encoding: chunked\r\n", "1\nx\n0\n\n"), 400, Closed, 0),
        row("a chunk of a bad size", followed("Transfer-Encoding: chunked\r\n", "x\r\n\r\n"), 400, Closed, 0),
        row(
            "a chunk of an endless size",
            followed("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n"),
            400,
            Closed,
            0,
        ),
        row(
            "a chunk longer than its size",
            followed("Transfer-Encoding: chunked\r\n", "1\r\nxx\r\n0\r\n\r\n"),
            400,
            Closed,
            0,
        ),
    ]
}

/// Numbers by their indices, and streams. Neither a number by its index nor a refused stream consumes a number.
pub(crate) fn other_numbers() -> Vec<Row> {
    let with = |path: &str, lines: &str| request("GET", path, lines);
    let huge = "/fibonacci/18446744073709551615";
    let cross_site = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n";
    vec![
        row("an index", target("/fibonacci/10"), 200, Kept, 0),
        row("an index and a query", target("/fibonacci/10?x"), 200, Kept, 0),
        row("an index in absolute form", target("http://localhost/fibonacci/10"), 200, Kept, 0),
        row("an index, HTTP/1.0", "GET /fibonacci/10 HTTP/1.0\r\n\r\n", 200, Closed, 0),
        row("an index, HTTP/2.0", "GET /fibonacci/10 HTTP/2.0\r\nHost: localhost\r\n\r\n", 505, Closed, 0),
        row("an index, HEAD", request("HEAD", huge, ""), 200, Kept, 0),
        row("an index, POST", request("POST", "/fibonacci/10", ""), 405, Kept, 0),
        row("an index from another site", with("/fibonacci/10", cross_site), 200, Kept, 0),
        row("an index, prefetch", with("/fibonacci/10", "Sec-Purpose: prefetch\r\n"), 200, Kept, 0),
        row("no index", target("/fibonacci/"), 404, Kept, 0),
        row("no slash either", target("/fibonacci"), 404, Kept, 0),
        row("a sign", target("/fibonacci/-1"), 404, Kept, 0),
        row("leading zeros", target("/fibonacci/010"), 404, Kept, 0),
        row("an encoded digit", target("/fibonacci/%31"), 404, Kept, 0),
        row("a slash behind the index", target("/fibonacci/10/"), 404, Kept, 0),
        row("an index that is too large", target("/fibonacci/18446744073709551616"), 404, Kept, 0),
        row("a very long index", target(&format!("/fibonacci/{}", "9".repeat(4000))), 404, Kept, 0),
        row("a number that nobody can hold", target(huge), 403, Kept, 0),
        row("its end", with(huge, "Range: bytes=-1000\r\n"), 206, Kept, 0),
        row("more than its end", with(huge, "Range: bytes=-1001\r\n"), 403, Kept, 0),
        row("behind its end", with(huge, "Range: bytes=18446744073709551615-\r\n"), 416, Kept, 0),
        row("a range", with("/fibonacci/100", "Range: bytes=5-7\r\n"), 206, Kept, 0),
        row("several ranges", with("/fibonacci/100", "Range: bytes=0-1,3-4\r\n"), 200, Kept, 0),
        row("two lines of ranges", with("/fibonacci/100", "Range: bytes=0-1\r\nRange: bytes=0-1\r\n"), 200, Kept, 0),
        row("a range backwards", with("/fibonacci/100", "Range: bytes=7-5\r\n"), 200, Kept, 0),
        row("a range of no bytes", with("/fibonacci/100", "Range: bytes=-0\r\n"), 416, Kept, 0),
        row("a range of another unit", with("/fibonacci/100", "Range: digits=0-1\r\n"), 200, Kept, 0),
        row(
            "bytes that are no text as a range",
            b"GET /fibonacci/100 HTTP/1.1\r\nHost: localhost\r\nRange: \xff\r\n\r\n",
            200,
            Kept,
            0,
        ),
        row("a range at /", get("Range: bytes=0-0\r\n"), 200, Kept, 1),
        row("a stream, HEAD", request("HEAD", "/stream", ""), 200, Kept, 0),
        row("a stream, POST", request("POST", "/stream", ""), 405, Kept, 0),
        row("a stream of another host", "GET /stream HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, Kept, 0),
        row("a stream without a host", "GET /stream HTTP/1.1\r\n\r\n", 400, Kept, 0),
        row("a stream of nothing", target("/stream?count=0"), 400, Kept, 0),
        row("a stream of more than there is", target("/stream?count=18446744073709551616"), 400, Kept, 0),
        row("a stream of something else", target("/stream?cuont=1"), 400, Kept, 0),
        row("a stream of nothing, HEAD", request("HEAD", "/stream?count=0", ""), 400, Kept, 0),
        row("a stream of nothing, If-Match", with("/stream?count=0", "If-Match: \"x\"\r\n"), 400, Kept, 0),
        row("a stream, If-Match", with("/stream", "If-Match: \"x\"\r\n"), 412, Kept, 0),
        row("a stream, If-None-Match: *", with("/stream", "If-None-Match: *\r\n"), 304, Kept, 0),
        row("a stream from another site", with("/stream", cross_site), 403, Kept, 0),
        row("a stream, prefetch", with("/stream", "Sec-Purpose: prefetch\r\n"), 503, Kept, 0),
    ]
}
