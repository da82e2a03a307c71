//! `GET /fibonacci/{n}`: numbers by their indices.

mod common;

use common::{Client, Program, Response, Server, used, wait_until};
use fib_core::{Decimal, Natural};

fn request(method: &str, index: impl std::fmt::Display, lines: &str) -> String {
    format!("{method} /fibonacci/{index} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n")
}

fn get(client: &mut Client, index: u64, lines: &str) -> Response {
    client.exchange(request("GET", index, lines))
}

fn head(client: &mut Client, index: u64, lines: &str) -> Response {
    client.send(request("HEAD", index, lines));
    client.read_head()
}

#[test]
fn any_number_is_given_and_none_is_consumed() {
    let server = Server::start(&["--start=7"]);
    let mut client = server.connect();
    // The last three are longer than a window.
    for index in [0, 1, 2, 10, 1000, 1000, 100_000, 1_300_000, 1_300_000, 2_000_000] {
        let expected = Natural::fibonacci(index).expect("memory").to_string();
        let response = get(&mut client, index, "");
        assert_eq!((response.status, response.index()), (200, index), "{}", response.head);
        assert!(response.body == expected.as_bytes(), "F({index})");
        for (name, value) in [
            ("cache-control", "public, max-age=31536000, immutable"),
            ("accept-ranges", "bytes"),
            ("vary", "accept"),
            ("content-type", "application/json"),
            ("cross-origin-resource-policy", "cross-origin"),
            ("access-control-allow-origin", "*"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(response.header(name), Some(value), "{name}");
        }
        assert_eq!(response.header("fibonacci-pass"), None);
        let length = expected.len().to_string();
        assert_eq!(head(&mut client, index, "").header("content-length"), Some(&*length));
    }
    let text = get(&mut client, 10, "Accept: text/plain\r\n");
    assert_eq!((text.header("content-type"), text.text()), (Some("text/plain; charset=utf-8"), "55"));
    drop(client);
    assert_eq!(server.stop(), 7);
}

#[test]
fn the_length_and_the_ends_of_every_number_are_known() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    for (index, length) in [(10_000_001, "2089877"), (1_000_000_000, "208987640"), (u64::MAX, "3855141514259838963")] {
        for range in ["", "Range: bytes=0-0\r\n"] {
            let response = head(&mut client, index, range);
            assert_eq!((response.status, response.header("content-length")), (200, Some(length)), "{}", response.head);
            assert_eq!(response.index(), index);
        }
    }
    for (index, range, digits, content_range) in [
        (1_000_000_000, "0-19", "79523178745546834678", "bytes 0-19/208987640"),
        (1_000_000_000, "-20", "03172326981560546875", "bytes 208987620-208987639/208987640"),
        (u64::MAX, "0-17", "690702890954969422", "bytes 0-17/3855141514259838963"),
        (u64::MAX, "-20", "66019507593362999010", "bytes 3855141514259838943-3855141514259838962/3855141514259838963"),
        (u64::MAX, "3855141514259838961-", "10", "bytes 3855141514259838961-3855141514259838962/3855141514259838963"),
        (u64::MAX, "2-3", "07", "bytes 2-3/3855141514259838963"),
    ] {
        for accept in ["", "Accept: text/plain\r\n"] {
            let response = get(&mut client, index, &format!("Range: bytes={range}\r\n{accept}"));
            assert_eq!((response.status, response.text()), (206, digits), "{}", response.head);
            assert_eq!(response.header("content-range"), Some(content_range));
        }
    }
    assert_eq!(get(&mut client, u64::MAX, "Range: bytes=-1000\r\n").body.len(), 1000);
    let response = get(&mut client, u64::MAX, "Range: bytes=3855141514259838963-\r\n");
    response.assert_problem(416);
    assert_eq!(response.header("content-range"), Some("bytes */3855141514259838963"));
    assert_eq!(server.stop(), 0);
}

#[test]
fn beyond_the_largest_index_a_problem_says_what_can_be_had() {
    let server = Server::start(&["--max-index=1000"]);
    let mut client = server.connect();
    assert_eq!(get(&mut client, 1000, "").body.len(), 209);
    // Preconditions count only where the answer would be a success.
    for lines in [
        "",
        "If-None-Match: *\r\n",
        "Range: bytes=0-1000\r\n",
        "Range: bytes=0-\r\n",
        "Range: bytes=-1001\r\n",
        "Range: bytes=0-1,3-4\r\n",
        "Range: bytes=0-1\r\nIf-Range: \"other\"\r\n",
    ] {
        let response = get(&mut client, 10_000, lines);
        response.assert_problem(403);
        for hint in ["bytes=-1000", "one range", "Several ranges"] {
            assert!(response.text().contains(hint), "{}", response.text());
        }
        // A page of another site can read why.
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
        assert_eq!(response.header("cross-origin-resource-policy"), Some("cross-origin"));
    }
    let tag = head(&mut client, 10_000, "").header("etag").expect("a tag").to_owned();
    for (lines, status) in [
        ("Range: bytes=0-999\r\n".to_owned(), 206),
        ("Range: bytes=1090-\r\n".to_owned(), 206),
        (format!("Range: bytes=0-1\r\nIf-Range: {tag}\r\n"), 206),
        (format!("Range: bytes=0-1\r\nIf-None-Match: {tag}\r\n"), 304),
    ] {
        client.send(request("GET", 10_000, &lines));
        let response = if status == 304 { client.read_head() } else { client.read() };
        assert_eq!(response.status, status, "{lines}: {}", response.head);
    }
    assert_eq!(head(&mut client, 10_000, &format!("If-None-Match: {tag}\r\n")).status, 304);
    assert_eq!(server.stop(), 0);
}

#[test]
fn preconditions_and_ranges_follow_the_entity_tag() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let tag_of = |response: &Response| response.header("etag").expect("a tag").to_owned();
    let json = tag_of(&get(&mut client, 100, ""));
    let text = tag_of(&get(&mut client, 100, "Accept: text/plain\r\n"));
    assert!(json != text && !json.starts_with("W/"), "{json} {text}");
    assert_ne!(json, tag_of(&get(&mut client, 101, "")));
    assert_eq!(json, tag_of(&get(&mut client, 100, "Range: bytes=0-1\r\n")));
    for (lines, status, body) in [
        (format!("If-None-Match: {json}\r\n"), 304, ""),
        (format!("If-None-Match: W/{json}\r\n"), 304, ""),
        ("If-None-Match: *\r\n".to_owned(), 304, ""),
        (format!("If-None-Match: {text}\r\n"), 200, "354224848179261915075"),
        (format!("If-None-Match: {text}\r\nAccept: text/plain\r\n"), 304, ""),
        (format!("If-Match: {json}\r\n"), 200, "354224848179261915075"),
        (format!("If-Range: {json}\r\nRange: bytes=0-2\r\n"), 206, "354"),
        (format!("If-Range: {text}\r\nRange: bytes=0-2\r\n"), 200, "354224848179261915075"),
        ("Range: bytes=-3\r\n".to_owned(), 206, "075"),
        ("Range: bytes=5-5\r\n".to_owned(), 206, "4"),
        ("Range: bytes=0-2,4-5\r\n".to_owned(), 200, "354224848179261915075"),
        ("Range: digits=0-2\r\n".to_owned(), 200, "354224848179261915075"),
    ] {
        client.send(request("GET", 100, &lines));
        let response = if status == 304 { client.read_head() } else { client.read() };
        assert_eq!((response.status, response.text()), (status, body), "{lines}: {}", response.head);
        assert!(response.header("etag").is_some() && response.header("cache-control").is_some());
    }
    get(&mut client, 100, "If-Match: \"x\"\r\n").assert_problem(412);
    let response = get(&mut client, 100, "Range: bytes=21-\r\n");
    response.assert_problem(416);
    assert_eq!(response.header("content-range"), Some("bytes */21"));
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_download_can_be_resumed_at_any_place() {
    const INDEX: u64 = 3_000_000;

    let server = Server::start(&[]);
    let mut client = server.connect();
    let whole = get(&mut client, INDEX, "").body;
    assert_eq!(whole.len() as u64, Decimal::digits_for(INDEX));
    for from in [1, 1000, 262_144, 300_000, whole.len() - 262_145, whole.len() - 1001, whole.len() - 1] {
        let rest = get(&mut client, INDEX, &format!("Range: bytes={from}-\r\n"));
        assert_eq!(rest.status, 206, "{}", rest.head);
        assert!(rest.body == whole[from..], "from {from}");
    }
    assert_eq!(server.stop(), 0);
}

#[test]
fn pages_elsewhere_may_ask_and_hosts_are_checked() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    for lines in [
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n",
        "Sec-Purpose: prefetch\r\n",
        "Origin: http://other.example\r\n",
    ] {
        assert_eq!(get(&mut client, 10, lines).text(), "55");
    }
    let rebound = "GET /fibonacci/10 HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    client.exchange(rebound).assert_problem(421);
    let post = client.exchange(request("POST", 10, "Content-Length: 0\r\n"));
    post.assert_problem(405);
    assert_eq!(post.header("allow"), Some("GET, HEAD, OPTIONS"));
    for (index, text) in
        [("", "missing"), ("-1", "decimal"), ("01", "zeros"), ("18446744073709551616", "18446744073709551615")]
    {
        let response = client.exchange(request("GET", index, ""));
        response.assert_problem(404);
        assert!(response.text().contains(text), "{index}: {}", response.text());
    }
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_preflight_allows_every_method_and_field_that_is_of_use() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let origin = "Origin: https://other.example\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\n";
    let asked = "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: if-none-match,range\r\n";
    let mut preflight = |path: &str| {
        client.send(format!("OPTIONS {path} HTTP/1.1\r\nHost: localhost\r\n{origin}{asked}\r\n"));
        client.read()
    };
    for index in ["10", "18446744073709551615"] {
        let response = preflight(&format!("/fibonacci/{index}"));
        assert_eq!(response.status, 204, "{}", response.head);
        for (name, value) in [
            ("access-control-allow-origin", "*"),
            ("access-control-allow-methods", "GET, HEAD, OPTIONS"),
            ("access-control-allow-headers", "*"),
            ("access-control-max-age", "86400"),
            ("allow", "GET, HEAD, OPTIONS"),
        ] {
            assert_eq!(response.header(name), Some(value), "{name}");
        }
    }
    preflight("/fibonacci/x").assert_problem(404);
    // What takes numbers is for pages of the same origin only.
    for path in ["/", "/stream"] {
        let response = preflight(path);
        response.assert_problem(405);
        assert_eq!(response.header("access-control-allow-origin"), None);
    }
    assert_eq!(server.stop(), 0);
}

#[test]
fn what_is_kept_goes_first_when_memory_is_short() {
    // F(1,000,000) is kept, and the numbers after F(2,000,000) exceed the rest of the budget.
    let server = Server::start(&["--start=2000000", "--max-inflight-bytes=1260000"]);
    let mut client = server.connect();
    assert_eq!(get(&mut client, 1_000_000, "").status, 200);
    let held = |client: &mut Client| {
        let metrics = client.exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        metrics.metric("fib_http_bodies_in_flight_bytes")
    };
    assert!(held(&mut client) > 100_000.0);
    assert_eq!(client.number().index(), 2_000_000);
    assert_eq!(held(&mut client), 0.0, "it was freed");
    assert_eq!(get(&mut client, 1_000_000, "").status, 200);
    assert_eq!(server.stop(), 2_000_001);
}

/// The number was kept, and then left no room for its own digits.
#[test]
fn a_number_alone_may_exceed_the_budget() {
    let server = Server::start(&["--max-inflight-bytes=400000"]);
    let mut client = server.connect();
    for index in [740_000, 1_000_000, 2_000_000, 740_000] {
        assert_eq!(get(&mut client, index, "").status, 200, "{index}");
    }
    assert_eq!(server.stop(), 0);
}

#[test]
fn what_is_kept_makes_room_for_a_page_and_for_a_stream() {
    for (target, taken) in [("/docs/swagger-ui-bundle.js", 0), ("/stream?count=1", 1)] {
        // F(54,000), which has 11,285 digits, may be kept, and leaves no room for either.
        let server = Server::start(&["--max-inflight-bytes=50000"]);
        let mut client = server.connect();
        assert_eq!(get(&mut client, 54_000, "Range: bytes=5000-5099\r\n").status, 206);
        wait_until("nothing but the number is held", || {
            let metrics = client.exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
            (10_000.0..12_000.0).contains(&metrics.metric("fib_http_bodies_in_flight_bytes"))
        });
        client.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        assert_eq!(client.read_head().status, 200, "{target}");
        drop(client);
        assert_eq!(server.stop(), taken);
    }
}

#[test]
fn a_shortage_refuses_a_number_and_ends_no_pass() {
    let server = Server::with_readings(&[], || used(500_000));
    let mut client = server.connect();
    for _ in 0..5 {
        get(&mut client, 3_000_000, "").assert_problem(503);
    }
    // What needs no memory is answered.
    assert_eq!(get(&mut client, 3_000_000, "Range: bytes=-3\r\n").status, 206);
    assert_eq!(get(&mut client, 1000, "").body.len(), 209);
    assert_eq!(head(&mut client, 3_000_000, "").status, 200);
    assert_eq!(server.stop(), 0);
}

#[test]
#[cfg_attr(not(unix), ignore = "a signal ends the program")]
fn a_reader_who_goes_away_loses_no_number() {
    let mut program = Program::start(&["--max-index=100000000"]);
    let mut client = program.connect();
    client.send(request("GET", 100_000_000, ""));
    assert_eq!(client.read_head().status, 200);
    drop(client);
    assert_eq!(program.connect().number().index(), 0);
    program.signal("TERM");
    program.wait();
    assert!(!program.log.iter().any(|line| line.contains("not sent whole")), "{:?}", program.log);
}
