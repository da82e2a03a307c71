//! HTTP as it goes over the wire, and what consumes a number.

mod common;

use common::{Client, GET, Server, has_ipv6};
use fib_http::http::REQUEST_BODY_BYTES;

/// A server and a connection to it that is at F(`start`).
fn at(start: &str) -> (Server, Client) {
    let server = Server::start(&["--start", start]);
    let client = server.connect();
    (server, client)
}

#[test]
fn a_number_has_the_headers_that_it_should_have() {
    let (_server, mut client) = at("100");
    let response = client.number();
    assert!(response.head.starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(response.text(), "354224848179261915075");
    for (name, value) in [
        ("content-type", "application/json"),
        ("content-length", "21"),
        ("cache-control", "no-store"),
        ("vary", "accept"),
        ("fibonacci-index", "100"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(response.header(name), Some(value), "{name}");
    }
    assert!(response.header("date").is_some());
    assert_eq!(response.header("transfer-encoding"), None);
}

#[test]
fn a_connection_is_kept() {
    let (server, mut client) = at("0");
    for index in 0..100 {
        assert_eq!(client.number().index(), index);
    }
    let closing = client.exchange("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(closing.header("connection"), Some("close"));
    assert!(client.ended());
    assert_eq!(server.stop(), 101);
}

#[test]
fn requests_can_be_pipelined() {
    let (server, mut client) = at("0");
    client.send(GET.repeat(500));
    for index in 0..500 {
        assert_eq!(client.read().index(), index);
    }
    drop(client);
    assert_eq!(server.stop(), 500);
}

#[test]
fn a_client_that_has_said_all_still_gets_its_numbers() {
    let (server, mut client) = at("0");
    client.send(GET.repeat(3));
    client.half_close();
    for index in 0..3 {
        assert_eq!(client.read().index(), index);
    }
    assert!(client.ended());
    assert_eq!(server.stop(), 3);
}

#[test]
fn http_1_0_is_spoken() {
    let (server, mut client) = at("10");
    let response = client.exchange("GET / HTTP/1.0\r\n\r\n");
    assert!(response.head.starts_with("HTTP/1.0 200 OK\r\n"), "{}", response.head);
    assert_eq!(response.text(), "55");
    assert!(client.ended());

    let mut client = server.connect();
    for index in 11..14 {
        let response = client.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        assert_eq!(response.header("connection"), Some("keep-alive"));
        assert_eq!(response.index(), index);
    }
}

#[test]
fn head_tells_what_can_be_known_and_consumes_nothing() {
    let (server, mut client) = at("10");
    client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain\r\n\r\n");
    let response = client.read_head();
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("vary"), Some("accept"));
    for unknown in ["content-length", "transfer-encoding", "fibonacci-index"] {
        assert_eq!(response.header(unknown), None, "{unknown}");
    }
    // The next response comes right after the head: there is no body.
    assert_eq!(client.number().index(), 10);
    // Nothing else either.
    client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let raw = String::from_utf8(client.rest()).expect("UTF-8");
    assert!(raw.starts_with("HTTP/1.1 200 OK\r\n"), "{raw}");
    assert_eq!(raw.find("\r\n\r\n"), Some(raw.len() - 4), "{raw}");
    assert_eq!(server.stop(), 11);
}

#[test]
fn refused_requests_consume_nothing() {
    let (server, mut client) = at("10");
    for (request, status) in [
        ("GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("GET /docs/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("GET //  HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        ("GET // HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("GET /%2f HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\na=b", 405),
        ("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 405),
        ("DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        ("OPTIONS / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        ("TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        ("PATCH / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        ("QUERY / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        ("get / HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
        ("PROPFIND /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
        ("POST /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", 505),
        ("GET /\r\n\r\n", 400),
        ("\x16\x03\x01\x02\x00\x01", 400),
    ] {
        let response = server.connect().exchange(request);
        assert_eq!(response.status, status, "{request}");
        response.assert_problem(status);
        let allow = response.header("allow");
        assert_eq!(allow, (status == 405).then_some("GET, HEAD"), "{request}");
    }
    assert_eq!(client.number().index(), 10);
    assert_eq!(server.stop(), 11);
}

#[test]
fn the_server_as_a_whole_tells_its_methods() {
    let (server, mut client) = at("10");
    let response = client.exchange("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!((response.status, response.header("allow")), (204, Some("GET, HEAD, OPTIONS")));
    assert_eq!(server.stop(), 10);
}

#[test]
fn a_condition_that_forbids_an_answer_consumes_nothing() {
    let (server, mut client) = at("10");
    let response = client.exchange("GET / HTTP/1.1\r\nHost: localhost\r\nIf-Match: \"x\"\r\n\r\n");
    response.assert_problem(412);
    let response = client.exchange("GET / HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: *\r\n\r\n");
    assert_eq!((response.status, response.header("fibonacci-index")), (304, None));
    assert_eq!((response.header("cache-control"), response.header("vary")), (Some("no-store"), Some("accept")));
    assert_eq!(server.stop(), 10);
}

#[test]
fn the_target_s_query_and_authority_do_not_matter() {
    let (_server, mut client) = at("0");
    for (index, target) in
        ["/?", "/?x=1", "/?/nothing", "http://localhost/", "http://localhost", "http://127.0.0.1?x=/a"]
            .iter()
            .enumerate()
    {
        let response = client.exchange(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        assert_eq!((response.status, response.index()), (200, index as u64), "{target}");
    }
}

#[test]
fn the_form_is_negotiated() {
    let (_server, mut client) = at("0");
    for (accept, media_type) in [
        ("", "application/json"),
        ("Accept: */*\r\n", "application/json"),
        ("Accept: text/plain\r\n", "text/plain; charset=utf-8"),
        ("Accept: text/plain;q=0.5, application/json;q=0.4\r\n", "text/plain; charset=utf-8"),
        ("Accept: text/plain;q=0.5\r\nAccept: application/json\r\n", "application/json"),
        ("Accept: image/png\r\n", "application/json"),
    ] {
        let response = client.exchange(format!("GET / HTTP/1.1\r\nHost: localhost\r\n{accept}\r\n"));
        assert_eq!(response.status, 200);
        assert_eq!(response.header("content-type"), Some(media_type), "{accept}");
        assert_eq!(response.header("vary"), Some("accept"));
    }
}

#[test]
fn a_short_body_on_get_is_thrown_away_and_the_connection_kept() {
    let (server, mut client) = at("10");
    let longest = "x".repeat(usize::try_from(REQUEST_BODY_BYTES).expect("small"));
    for (index, request) in [
        "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nGET".to_owned(),
        format!("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {REQUEST_BODY_BYTES}\r\n\r\n{longest}"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(client.exchange(request).index(), 10 + index as u64);
    }
    // Nobody can tell whether a length stood beside the encoding, so that the connection ends.
    let chunked = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{REQUEST_BODY_BYTES:x}\r\n{longest}\r\n0\r\n\r\n"
    );
    let response = client.exchange(chunked);
    assert_eq!((response.index(), response.header("connection")), (12, Some("close")));
    assert!(client.ended());
    assert_eq!(server.stop(), 13);
}

#[test]
fn a_number_is_not_consumed_before_the_body_is_there() {
    let (server, mut client) = at("10");
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nGE");
    assert_eq!(server.connect().number().index(), 10);
    client.send("T");
    // On a machine that is very busy the rest comes too late, and then nothing is consumed either.
    let response = client.read();
    assert!(response.status == 408 || response.index() == 11, "{}", response.head);
    let next = if response.status == 408 { 11 } else { 12 };

    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nGE");
    client.half_close();
    let response = client.read();
    response.assert_problem(400);
    assert_eq!(response.header("connection"), Some("close"));
    assert_eq!(server.stop(), next);
}

#[test]
fn a_long_body_is_refused_and_the_connection_ended() {
    let (server, _) = at("10");
    let too_long = REQUEST_BODY_BYTES + 1;
    let bytes = "x".repeat(usize::try_from(too_long).expect("small"));
    for request in [
        // Declared: refused before a byte of it has come.
        format!("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {too_long}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{too_long:x}\r\n{bytes}\r\n"),
    ] {
        let mut client = server.connect();
        let response = client.exchange(request);
        response.assert_problem(413);
        assert_eq!(response.header("connection"), Some("close"));
        assert!(response.head.starts_with("HTTP/1.1 413 Content Too Large\r\n"), "{}", response.head);
        assert!(response.text().contains(r#""title":"Content Too Large""#), "{}", response.text());
    }
    // A method that is not allowed is the better reason.
    let response =
        server.connect().exchange(format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {too_long}\r\n\r\n"));
    response.assert_problem(405);
    assert_eq!(response.header("connection"), Some("close"));
    assert_eq!(server.stop(), 10);
}

#[test]
fn both_loopback_addresses_share_one_position() {
    let (server, _) = at("10");
    assert_eq!(server.addresses.len(), if has_ipv6() { 2 } else { 1 });
    for (index, &address) in server.addresses.iter().cycle().take(6).enumerate() {
        assert_eq!(Client::connect(address).number().index(), 10 + index as u64, "{address}");
    }
}

#[cfg(feature = "postgres")]
#[test]
fn preconditions_count_only_where_there_would_be_a_number() {
    // Nobody listens there, so a request that waits for a position gets no answer.
    let server = Server::start(&["--position=postgresql://fib@127.0.0.1:1/fib", "--position-timeout=86400"]);
    for (target, status) in [("GET /", 503), ("GET /readyz", 503), ("GET /stream", 503)] {
        for condition in ["If-None-Match: *", "If-Match: \"x\""] {
            let mut client = server.connect();
            client.send(format!("{target} HTTP/1.1\r\nHost: localhost\r\n{condition}\r\n\r\n"));
            assert_eq!(client.read_head().status, status, "{target}, {condition}");
        }
    }
    // A HEAD of the next number succeeds without a position, so its preconditions count.
    for target in ["/", "/stream"] {
        for (lines, status) in [("", 200), ("If-None-Match: *\r\n", 304)] {
            let mut client = server.connect();
            client.send(format!("HEAD {target} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n"));
            assert_eq!(client.read_head().status, status, "{target}, {lines}");
        }
    }
    // A request that is refused waits for no position.
    let mut client = server.connect();
    client.exchange("GET /stream?count=0 HTTP/1.1\r\nHost: localhost\r\n\r\n").assert_problem(400);
    assert_eq!(server.stop(), 0);
}
