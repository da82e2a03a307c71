//! Arbitrary bytes, splits, pauses and closes over in-memory connections to the real service. The service must not panic or
//! hang, it may answer 5xx only as a refusal, and the position must move exactly with the numbers that `/` and `/stream` give.
//! Numbers by index must be right, and move nothing.
#![no_main]

use std::alloc::System;
use std::rc::Rc;
use std::time::Duration;

use arbitrary::Arbitrary;
use cap::Cap;
use fib_core::{Decimal, Natural};
use fib_fuzz::{PRIMES, remainder, residue};
use fib_http::http::Service;
use fib_http::net::{self, GracefulShutdown, Watcher};
use fib_http::sequence::memory::{Reading, SystemMemory, Threshold};
use fib_http::sequence::{OnMemoryLimit, Sequence};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::{JoinHandle, LocalSet};
use tokio::time::timeout;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Start {
    Zero,
    Small(u8),
    /// Near the length above which the service renders a number piece by piece.
    Long(u8),
}

/// A part of a request.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Fragment<'a> {
    Get,
    Head,
    Post,
    OtherPath(u8),
    Version,
    Version10,
    AcceptText,
    Length(u8),
    HugeLength,
    Chunked,
    Chunk(u8),
    LastChunk,
    Expect,
    Close,
    KeepAlive,
    Upgrade,
    Host(u8),
    Prefetch,
    CrossSite,
    /// A request for a stream, up to the target; zero is for an endless one.
    Stream(u8),
    AcceptEvents,
    /// A request for a number by its index, up to the target.
    ByIndex(u8),
    Range(u16, u8),
    IfNoneMatch(u8),
    End,
    Whole,
    Bytes(&'a [u8]),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Action<'a> {
    Send(u8, Fragment<'a>),
    Read(u8, u16),
    HalfClose(u8),
    Drop(u8),
    Wait(u16),
    /// From now on only small allocations succeed, or all do again.
    Short(bool),
    Stop,
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    start: Start,
    buffer: u16,
    actions: Vec<Action<'a>>,
}

fuzz_target!(|input: Input| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    LocalSet::new().block_on(&runtime, exchange(&input));
    ALLOCATOR.set_limit(usize::MAX).expect("no limit");
});

/// Connections at a time.
const CONNECTIONS: usize = 3;

/// Virtual time that is longer than any time-out of the service. A connection that takes longer hangs.
const HANGS: Duration = Duration::from_secs(24 * 60 * 60);

/// Virtual time after which the service may cut a client that does not read, in milliseconds: at most the write time-out.
const CUT_FROM: u64 = 60_000;

/// Bytes that are left when memory is short: enough for hyper, but less than the headroom that the service demands.
const SHORT_BYTES: usize = 900 * 1024;

struct Connection {
    client: DuplexStream,
    server: JoinHandle<()>,
    received: Vec<u8>,
    /// Whether the client has ended its sending side.
    closed: bool,
}

impl Connection {
    fn open(service: &Rc<Service>, shutdown: Watcher, buffer: usize) -> Self {
        let (client, server) = duplex(buffer);
        let server = tokio::task::spawn_local(net::serve_stream(server, Rc::clone(service), shutdown));
        Self { client, server, received: Vec::new(), closed: false }
    }

    async fn send(&mut self, bytes: &[u8]) {
        if !self.closed {
            // If the service does not read, bytes that do not fit the buffer are dropped.
            let _ = timeout(Duration::from_millis(1), self.client.write_all(bytes)).await;
        }
    }

    async fn read(&mut self, most: usize) {
        let mut piece = vec![0; most];
        if let Ok(Ok(count)) = timeout(Duration::from_millis(1), self.client.read(&mut piece)).await {
            self.received.extend_from_slice(&piece[..count]);
        }
    }

    async fn half_close(&mut self) {
        if !self.closed {
            self.closed = true;
            self.client.shutdown().await.expect("in memory");
        }
    }
}

async fn exchange(input: &Input<'_>) {
    let start = match input.start {
        Start::Zero => 0,
        Start::Small(index) => index.into(),
        Start::Long(index) => 1_254_250 + u64::from(index),
    };
    let memory = SystemMemory::with_readings(Threshold::new(50.0).expect("valid"), || Reading::of_machine(0, u64::MAX));
    let sequence = Sequence::start_at(start, memory, OnMemoryLimit::Refuse).expect("near");
    let service = Rc::new(Service::new(sequence));
    // `None` once the service stops.
    let mut graceful = Some(GracefulShutdown::new());
    let buffer = match input.start {
        Start::Long(_) => 256 + usize::from(input.buffer),
        _ => 1 + usize::from(input.buffer) % 4_096,
    };

    let mut connections: Vec<_> = (0..CONNECTIONS).map(|_| None).collect();
    let (mut short, mut refuses, mut lost, mut waited, mut endless) = (false, false, 0, 0, false);
    let mut seen = Vec::new();
    for &action in &input.actions {
        let limit = if short { ALLOCATOR.allocated() + SHORT_BYTES } else { usize::MAX };
        ALLOCATOR.set_limit(limit).expect("more than is in use");
        match action {
            Action::Send(which, fragment) => {
                let slot = &mut connections[usize::from(which) % CONNECTIONS];
                // A service that stops accepts no connection.
                if slot.is_none() {
                    *slot = graceful.as_ref().map(|graceful| Connection::open(&service, graceful.watcher(), buffer));
                }
                let Some(connection) = slot else { continue };
                refuses |= matches!(fragment, Fragment::Prefetch | Fragment::Bytes(_));
                endless |= matches!(fragment, Fragment::Stream(0) | Fragment::Bytes(_));
                connection.send(&fragment.bytes()).await;
            }
            Action::Read(which, most) => {
                if let Some(connection) = &mut connections[usize::from(which) % CONNECTIONS] {
                    connection.read(most.into()).await;
                }
            }
            Action::HalfClose(which) => {
                if let Some(connection) = &mut connections[usize::from(which) % CONNECTIONS] {
                    connection.half_close().await;
                }
            }
            Action::Drop(which) => {
                if let Some(connection) = connections[usize::from(which) % CONNECTIONS].take() {
                    // The service may be sending responses, which are lost.
                    lost += 1;
                    let Connection { client, server, received, .. } = connection;
                    drop(client);
                    timeout(HANGS, server).await.expect("it ends").expect("no panic");
                    numbers(&received, false, refuses, &mut seen);
                }
            }
            Action::Wait(milliseconds) => {
                waited += u64::from(milliseconds);
                tokio::time::sleep(Duration::from_millis(milliseconds.into())).await;
            }
            Action::Short(now) => {
                short = now;
                refuses = true;
            }
            Action::Stop => {
                service.stop();
                service.end_streams();
                if let Some(graceful) = graceful.take() {
                    tokio::task::spawn_local(graceful.shutdown());
                }
                refuses = true;
            }
        }
    }
    ALLOCATOR.set_limit(usize::MAX).expect("no limit");
    // Each send and each read waits for a millisecond at most.
    let cut = waited + 2 * input.actions.len() as u64 >= CUT_FROM;
    lost += i32::from(cut);
    if endless {
        // From now on all that the service has to send is read. A request for a stream that follows is refused.
        service.end_streams();
        refuses = true;
    }
    for mut connection in connections.into_iter().flatten() {
        connection.half_close().await;
        let rest = connection.client.read_to_end(&mut connection.received);
        timeout(HANGS, rest).await.expect("it answers").expect("in memory");
        timeout(HANGS, connection.server).await.expect("it ends").expect("no panic");
        numbers(&connection.received, !cut, refuses, &mut seen);
    }

    // No number comes twice, and none is skipped.
    seen.sort_unstable();
    let moved = service.index() - start;
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "a number twice: {seen:?}");
    assert!(
        seen.iter().all(|index| (start..service.index()).contains(index)),
        "{seen:?} of {start}..{}",
        service.index()
    );
    assert!(seen.len() as u64 == moved || lost > 0, "{moved} consumed, seen {seen:?}");
}

/// Indices of short and long numbers, of numbers around those whose ends suffice for a short range, and beyond the largest
/// index.
const INDICES: [u64; 10] = [0, 1, 10, 93, 1_000, 4_782, 10_000, 100_000, 10_000_001, u64::MAX];

impl Fragment<'_> {
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Get => b"GET / ".into(),
            Self::Head => b"HEAD / ".into(),
            Self::Post => b"POST / ".into(),
            Self::OtherPath(which) => {
                let paths = ["healthz", "readyz", "metrics", "docs", "docs/", "openapi.json", "robots.txt", "x"];
                let path = paths[usize::from(which) % paths.len()];
                let method = ["GET", "HEAD", "PUT"][usize::from(which) / paths.len() % 3];
                format!("{method} /{path} ").into_bytes()
            }
            Self::Version => b"HTTP/1.1\r\nHost: localhost\r\n".into(),
            Self::Version10 => b"HTTP/1.0\r\n".into(),
            Self::AcceptText => b"Accept: text/plain;q=0.9, */*;q=0.1\r\n".into(),
            Self::Length(length) => format!("Content-Length: {length}\r\n").into_bytes(),
            Self::HugeLength => b"Content-Length: 65537\r\n".into(),
            Self::Chunked => b"Transfer-Encoding: chunked\r\n".into(),
            Self::Chunk(length) => {
                let mut chunk = format!("{length:x}\r\n").into_bytes();
                chunk.resize(chunk.len() + usize::from(length), b'x');
                chunk.extend(b"\r\n");
                chunk
            }
            Self::LastChunk => b"0\r\n\r\n".into(),
            Self::Expect => b"Expect: 100-continue\r\n".into(),
            Self::Close => b"Connection: close\r\n".into(),
            Self::KeepAlive => b"Connection: keep-alive\r\n".into(),
            Self::Upgrade => b"Connection: upgrade\r\nUpgrade: websocket\r\n".into(),
            Self::Host(which) => {
                let names = ["localhost:80", "127.0.0.1", "[::1]:1", "example.org", "", "a b", "a/", "me@localhost"];
                format!("Host: {}\r\n", names[usize::from(which) % names.len()]).into_bytes()
            }
            Self::Prefetch => b"Sec-Purpose: prefetch\r\n".into(),
            Self::CrossSite => b"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n".into(),
            Self::Stream(0) => b"GET /stream ".into(),
            Self::Stream(count) => format!("GET /stream?count={count} ").into_bytes(),
            Self::AcceptEvents => b"Accept: text/event-stream\r\n".into(),
            Self::ByIndex(which) => {
                let index = INDICES[usize::from(which) % INDICES.len()];
                let method = ["GET", "HEAD"][usize::from(which) / INDICES.len() % 2];
                format!("{method} /fibonacci/{index} ").into_bytes()
            }
            Self::Range(first, count) => match (first, count) {
                (0, count) => format!("Range: bytes=-{count}\r\n"),
                (first, 0) => format!("Range: bytes={first}-\r\n"),
                (first, count) => format!("Range: bytes={first}-{}\r\n", u32::from(first) + u32::from(count)),
            }
            .into_bytes(),
            Self::IfNoneMatch(which) => {
                let index = INDICES[usize::from(which) % INDICES.len()];
                format!("If-None-Match: \"{index}-json\"\r\n").into_bytes()
            }
            Self::End => b"\r\n".into(),
            Self::Whole => b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
            Self::Bytes(bytes) => bytes.into(),
        }
    }
}

/// Checks the responses of one connection and collects the indices of the numbers in them.
fn numbers(mut received: &[u8], whole: bool, refuses: bool, seen: &mut Vec<u64>) {
    let mut last = None;
    while let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
        let head = std::str::from_utf8(&received[..end]).expect("ASCII");
        received = &received[end + 4..];
        let field = |name: &str| {
            let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(": "));
            fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        };
        let status: u16 = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        // What the service does not know: a method, a transfer coding, or a version.
        let unknown = matches!(status, 501 | 505);
        assert!(status < 500 || unknown || (status == 503 && refuses), "{head}");
        let index: Option<u64> = field("fibonacci-index").map(|index| index.parse().expect("an index"));
        // Whatever takes a number names its pass.
        let takes = field("fibonacci-pass").is_some();
        if let (Some(index), true, None) = (index, takes, field("content-length")) {
            assert_eq!(status, 200, "{head}");
            let is_chunked = field("transfer-encoding").is_some_and(|coding| coding == "chunked");
            let (text, rest) = if is_chunked { dechunked(received) } else { (received.to_vec(), Some(&[][..])) };
            // A stream that waits too long for a number breaks off.
            assert!(rest.is_some() || !whole || refuses, "a stream without an end");
            let is_events = field("content-type") == Some("text/event-stream");
            let count = stream(&text, is_events, index, whole);
            for index in index..index + count {
                assert!(last.replace(index).is_none_or(|last| last < index), "not in order");
                seen.push(index);
            }
            let Some(rest) = rest else { return };
            received = rest;
            continue;
        }
        let length: usize = match field("content-length").map(str::parse::<u64>) {
            // The length of a number by index may be that of no memory, after a HEAD request.
            Some(length) => usize::try_from(length.expect("a length")).expect("64 bits"),
            None => 0,
        };
        // The response to a HEAD request has the length of a body, but no body. No body begins like a response.
        let body = if received.starts_with(b"H") { &[] } else { &received[..length.min(received.len())] };
        received = &received[body.len()..];
        let Some(index) = index else { continue };
        if !takes {
            let range = field("content-range");
            assert!(matches!((status, range), (200 | 304, None) | (206, Some(_))), "{head}");
            // A HEAD request, or a response that was cut.
            if body.len() == length {
                part(index, body, range);
            } else {
                assert!(body.is_empty() || !whole, "F({index}) was cut");
            }
            continue;
        }
        assert_eq!(status, 200, "{head}");
        assert!(last.replace(index).is_none_or(|last| last < index), "not in order");
        seen.push(index);
        assert_eq!(length as u64, Decimal::digits_for(index));
        if body.len() < length {
            assert!(!whole && received.is_empty(), "F({index}) was cut");
            return;
        }
        check(index, body);
    }
    assert!(!whole || received.is_empty(), "half a response");
}

/// Checks the digits of F(`index`).
fn check(index: u64, digits: &[u8]) {
    assert!(digits.iter().all(u8::is_ascii_digit), "F({index}) has other bytes than digits");
    assert_eq!(digits.len() as u64, Decimal::digits_for(index), "F({index})");
    for m in PRIMES {
        let values = digits.iter().rev().map(|byte| u64::from(byte - b'0'));
        assert_eq!(remainder(values, 10, m), residue(index, m), "F({index}) modulo {m}");
    }
}

/// Checks a body with a number by its index, or with a part of one. It is empty after a condition that does not hold.
fn part(index: u64, body: &[u8], range: Option<&str>) {
    let Some(range) = range else {
        if !body.is_empty() {
            check(index, body);
        }
        return;
    };
    let length = Decimal::digits_for(index);
    let range = range.strip_prefix("bytes ").and_then(|range| range.strip_suffix(&format!("/{length}")));
    let (first, last) = range.and_then(|range| range.split_once('-')).expect("a range of the number");
    let (first, last): (u64, u64) = (first.parse().expect("a position"), last.parse().expect("a position"));
    assert_eq!(body.len() as u64, last - first + 1, "F({index}), {range:?}");
    assert!(last < length && body.iter().all(u8::is_ascii_digit), "F({index}), {range:?}");
    if index <= 100_000 {
        let digits = Natural::fibonacci(index).expect("memory").to_string();
        let expected = &digits.as_bytes()[first.try_into().expect("short")..=last.try_into().expect("short")];
        assert!(body == expected, "F({index}), {range:?}");
    }
}

/// The content of a chunked body, and what follows it; `None` if it has no end.
fn dechunked(mut received: &[u8]) -> (Vec<u8>, Option<&[u8]>) {
    let mut text = Vec::new();
    while let Some(end) = received.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&received[..end]).expect("ASCII");
        let size = usize::from_str_radix(size, 16).expect("a size");
        received = &received[end + 2..];
        let chunk = &received[..size.min(received.len())];
        text.extend_from_slice(chunk);
        let Some(rest) = received.get(size + 2..) else { break };
        assert_eq!(&received[size..size + 2], b"\r\n");
        received = rest;
        if size == 0 {
            return (text, Some(received));
        }
    }
    (text, None)
}

/// Checks the numbers of a stream from F(`index`) on, and counts those that are there whole.
fn stream(text: &[u8], is_events: bool, index: u64, whole: bool) -> u64 {
    let text = std::str::from_utf8(text).expect("ASCII");
    let (end, mut count, mut rest) = (if is_events { "\n\n" } else { "\n" }, 0, text);
    while let Some((number, after)) = rest.split_once(end) {
        rest = after;
        if is_events && number.starts_with(": ") {
            continue;
        }
        let start = if is_events { format!("id: {}\ndata: ", index + count) } else { String::new() };
        let digits = number.strip_prefix(&start).unwrap_or_else(|| panic!("{number:?} instead of {start:?}"));
        check(index + count, digits.as_bytes());
        count += 1;
    }
    assert!(rest.is_empty() || !whole, "a stream ends within a number: {rest:?}");
    count
}
