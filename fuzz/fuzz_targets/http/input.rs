//! What the clients do: parts of requests, and when they are sent.

use arbitrary::Arbitrary;

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Start {
    Zero,
    Small(u8),
    /// Near the length above which the service renders a number piece by piece.
    Long(u8),
}

/// A part of a request.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Fragment<'a> {
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
pub(crate) enum Action<'a> {
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
pub(crate) struct Input<'a> {
    pub(crate) start: Start,
    pub(crate) buffer: u16,
    pub(crate) actions: Vec<Action<'a>>,
}

/// Indices of short and long numbers, of numbers around those whose ends suffice for a short range, and beyond the largest
/// index.
const INDICES: [u64; 10] = [0, 1, 10, 93, 1_000, 4_782, 10_000, 100_000, 10_000_001, u64::MAX];

impl Fragment<'_> {
    /// The bytes that are sent.
    pub(crate) fn bytes(self) -> Vec<u8> {
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
