//! `GET /stream`: numbers one after the other.

mod common;

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use common::{Client, PATIENCE, Program, Server, wait_until};
use fib_core::{Decimal, Fibonacci};
use fib_http::sequence::memory::Reading;

fn request(query: &str, lines: &str) -> String {
    format!("GET /stream{query} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n")
}

const EVENTS: &str = "Accept: text/event-stream\r\n";

/// The chunks of one response up to its end; `None` where the connection ends before.
fn body(client: &mut Client) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = client.try_line()?;
        let size = usize::from_str_radix(size.trim_end(), 16).expect("a size");
        let chunk = client.try_bytes(size + 2)?;
        assert!(chunk.ends_with(b"\r\n"));
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(&chunk[..size]);
    }
}

/// What a stream of `count` numbers from `start` on looks like.
fn expected(start: u64, count: u64, events: bool) -> String {
    let mut numbers = Fibonacci::<Decimal>::new();
    numbers.jump_to(start).expect("memory");
    let mut text = String::new();
    for index in start..start + count {
        let number = numbers.advance().expect("memory");
        text += &if events { format!("id: {index}\ndata: {number}\n\n") } else { format!("{number}\n") };
    }
    text
}

/// An `EventSource` asks again after the end, and took as many numbers again and again.
#[test]
fn a_stream_of_a_count_is_not_repeated() {
    let server = Server::start(&[]);
    for (query, lines, status) in [
        ("?count=2", "Accept: text/event-stream\r\nLast-Event-ID: 1\r\n", 204),
        ("?count=2", "Last-Event-ID: \r\n", 204),
        ("?count=0", "Last-Event-ID: 1\r\n", 400),
        ("?count=2", EVENTS, 200),
        ("", "Accept: text/event-stream\r\nLast-Event-ID: 1\r\n", 200),
    ] {
        let before = server.connect().number().index();
        let mut client = server.connect();
        client.send(request(query, lines));
        let head = client.read_head();
        assert_eq!(head.status, status, "{query}, {lines}");
        assert_eq!(head.header("fibonacci-index").is_some(), status == 200);
        drop(client);
        if status != 200 {
            assert_eq!(server.connect().number().index(), before + 1, "{query}, {lines}");
        }
    }
    server.stop();
}

#[test]
fn numbers_come_in_both_forms_and_the_connection_goes_on() {
    for start in [0, 90, 78_000, 1_254_300] {
        let server = Server::start(&[&format!("--start={start}")]);
        let mut client = server.connect();
        let mut next = start;
        for (count, lines, media_type) in [
            (1, "", "text/plain; charset=utf-8"),
            (5, EVENTS, "text/event-stream"),
            (40, "Accept: text/html, */*\r\n", "text/plain; charset=utf-8"),
            (8, EVENTS, "text/event-stream"),
        ] {
            client.send(request(&format!("?count={count}"), lines));
            let head = client.read_head();
            assert_eq!((head.status, head.index()), (200, next), "{}", head.head);
            for (name, value) in [
                ("content-type", media_type),
                ("fibonacci-pass", "0"),
                ("cache-control", "no-store"),
                ("vary", "accept"),
                ("cross-origin-resource-policy", "same-origin"),
                ("transfer-encoding", "chunked"),
            ] {
                assert_eq!(head.header(name), Some(value), "{name}");
            }
            let text = body(&mut client).expect("the end");
            assert!(text == expected(next, count, lines == EVENTS).as_bytes(), "F({next}) and {count} more");
            next += count;
        }
        // In between, numbers are given as ever.
        assert_eq!(client.number().index(), next);
        let metrics = client.exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        for (name, figure) in [
            ("fib_http_stream_numbers_total", 54.0),
            ("fib_http_requests_total{method=\"GET\",route=\"/stream\",status=\"200\"}", 4.0),
            ("fib_http_bodies_in_flight", 0.0),
        ] {
            assert_eq!(metrics.metric(name), figure, "{name}");
        }
        assert_eq!(server.stop(), next + 1);
    }
}

#[test]
fn a_stream_without_a_count_goes_on_and_only_what_was_handed_over_is_taken() {
    let mut program = Program::start(&["--access-log"]);
    let mut client = program.connect();
    client.send(request("", ""));
    assert_eq!(client.read_head().index(), 0);
    // The numbers that arrive are right, and in order.
    let mut seen = Vec::new();
    while seen.len() < 1 << 20 {
        let size = client.try_line().expect("a chunk");
        let size = usize::from_str_radix(size.trim_end(), 16).expect("a size");
        let chunk = client.try_bytes(size + 2).expect("a chunk");
        seen.extend_from_slice(&chunk[..size]);
    }
    let text = String::from_utf8(seen).expect("ASCII");
    let count = text.lines().count() as u64 - u64::from(!text.ends_with('\n'));
    assert!(expected(0, count, false) == text[..=text.rfind('\n').expect("a line")]);
    drop(client);
    let request_line = program.wait_for("seconds=").expect("a line");
    let field = |name: &str| -> u64 {
        let (_, rest) = request_line.split_once(name).expect(name);
        rest.split(' ').next().and_then(|value| value.parse().ok()).expect("a number")
    };
    let (numbers, length, sent) = (field("numbers="), field(" length="), field(" sent="));
    assert!(numbers >= count && sent <= length, "{request_line}");
    // What was taken is what was given and what was lost.
    assert_eq!(program.connect().number().index(), numbers);
    if sent < length {
        assert!(program.log.iter().any(|line| line.contains("not sent whole")), "{:?}", program.log);
    }
}

#[test]
fn numbers_that_were_not_sent_are_logged() {
    // Each is longer than the buffers of a socket hold.
    let mut program = Program::start(&["--start=60000000"]);
    let mut client = program.connect();
    client.send(request("", EVENTS));
    assert_eq!(client.read_head().index(), 60_000_000);
    drop(client);
    let line = program.wait_for("not sent whole").expect("a line");
    assert!(line.contains("60000000"), "{line}");
    assert_eq!(
        program.connect().exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").metric("fib_http_position"),
        60_000_001.0
    );
}

#[test]
fn a_client_that_does_not_read_stops_its_stream() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send(request("", ""));
    let position =
        || server.connect().exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").metric("fib_http_position");
    // The buffers of the system fill up, and then nothing more is taken.
    let mut before = -1.0;
    wait_until("the stream stands still", || {
        let now = position();
        let is_still = now == before && now > 0.0;
        before = now;
        thread::sleep(Duration::from_millis(200));
        is_still
    });
    assert!(before < 100_000.0, "{before} numbers are more than the system holds");
    // Others get theirs.
    assert_eq!(server.connect().number().status, 200);
    drop(client);
    server.stop();
}

#[test]
fn refused_requests_take_no_number() {
    let server = Server::start(&["--start=5"]);
    let mut client = server.connect();
    for (request, status) in [
        (request("?count=0", ""), 400),
        (request("?count=x", ""), 400),
        (request("?n=1", ""), 400),
        (request("", "Sec-Purpose: prefetch\r\n"), 503),
        (request("", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\n"), 403),
        (request("", "If-Match: \"x\"\r\n"), 412),
        ("POST /stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".to_owned(), 405),
    ] {
        client.exchange(&request).assert_problem(status);
    }
    client.send("HEAD /stream HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
    let head = client.read_head();
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    client.send(request("", "If-None-Match: *\r\n"));
    assert_eq!(client.read_head().status, 304);
    assert_eq!(server.stop(), 5);
}

#[test]
fn http_1_0_gets_a_stream_too() {
    let server = Server::start(&["--start=10"]);
    let mut client = server.connect();
    client.send("GET /stream?count=3 HTTP/1.0\r\n\r\n");
    assert_eq!(client.read_head().status, 200);
    assert_eq!(client.rest(), b"55\n89\n144\n");
    assert_eq!(server.stop(), 13);
}

#[test]
#[cfg_attr(not(unix), ignore = "a signal ends the program")]
fn streams_end_in_order_when_the_service_stops() {
    for lines in ["", EVENTS] {
        let mut program = Program::start(&[]);
        let mut client = program.connect();
        client.send(request("", lines));
        assert_eq!(client.read_head().status, 200);
        // One client reads on, and the other one stands still.
        let reader = thread::spawn(move || body(&mut client).expect("an orderly end"));
        let mut asleep = program.connect();
        asleep.send(request("", lines));
        assert_eq!(asleep.read_head().status, 200);
        thread::sleep(Duration::from_millis(300));
        program.signal("TERM");
        let asleep = body(&mut asleep).expect("an orderly end");
        let seen = reader.join().expect("no panic");
        assert!(seen.ends_with(b"\n") && asleep.ends_with(b"\n"));
        assert!(program.wait().success());
        assert!(!program.log.iter().any(|line| line.contains("not sent whole")), "{:?}", program.log);
        let numbers = |text: &[u8]| text.iter().filter(|&&byte| byte == b'\n').count();
        let lines = (numbers(&seen) + numbers(&asleep)) / if lines.is_empty() { 1 } else { 3 };
        let last = program.log.last().expect("a line");
        assert!(last.contains(&format!("would have been F({lines})")), "{last}, {lines} seen");
    }
}

#[test]
fn a_stream_ends_with_its_pass() {
    let memory = Arc::new(AtomicU64::new(0));
    let readings = Arc::clone(&memory);
    // More is missing than clients hold, and less than the pass does: so it ends after a second.
    let server = Server::with_readings(&["--start=4000000"], move || {
        Reading::of_machine(readings.load(Ordering::Relaxed), 1 << 30)
    });
    let mut client = server.connect();
    client.send(request("", EVENTS));
    assert_eq!(client.read_head().index(), 4_000_000);
    client.try_line().expect("a chunk");
    memory.store((1 << 29) + 500_000, Ordering::Relaxed);
    let stream = client.into_stream();
    stream.get_ref().set_read_timeout(Some(PATIENCE)).expect("a time");
    let rest = to_end(stream);
    assert!(rest.ends_with(b"\r\n0\r\n\r\n"), "the stream ends in order");
    memory.store(0, Ordering::Relaxed);
    let mut client = server.connect();
    client.send(request("?count=2", ""));
    let head = client.read_head();
    assert_eq!((head.index(), head.header("fibonacci-pass")), (0, Some("1")));
    assert_eq!(body(&mut client).expect("the end"), b"0\n1\n");
    assert_eq!(server.stop(), 2);
}

/// Everything up to the last chunk.
fn to_end(mut stream: BufReader<TcpStream>) -> Vec<u8> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n0\r\n\r\n") {
        let piece = stream.fill_buf().expect("an orderly end");
        assert!(!piece.is_empty(), "it ended");
        text.extend_from_slice(piece);
        let count = piece.len();
        stream.consume(count);
    }
    text
}

#[test]
fn a_stream_waits_for_memory_and_goes_on() {
    let memory = Arc::new(AtomicU64::new(0));
    let readings = Arc::clone(&memory);
    let flags = ["--start=370000", "--on-memory-limit=refuse"];
    let server = Server::with_readings(&flags, move || Reading::of_machine(readings.load(Ordering::Relaxed), 1 << 30));
    let mut client = server.connect();
    client.send(request("?count=2000", ""));
    assert_eq!(client.read_head().index(), 370_000);
    memory.store((1 << 29) + 100, Ordering::Relaxed);
    thread::sleep(Duration::from_millis(800));
    memory.store(0, Ordering::Relaxed);
    let text = body(&mut client).expect("the end");
    assert!(text == expected(370_000, 2000, false).as_bytes());
    assert_eq!(server.stop(), 372_000);
}
