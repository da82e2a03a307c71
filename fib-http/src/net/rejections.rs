//! Responses to heads that hyper rejects.
//!
//! hyper answers a head that it cannot parse before the service sees it: with a bare status, and without telling anyone before
//! the connection has ended. This layer between hyper and the transport keeps what has arrived of a head, recognizes such a
//! response, and sends the service's problem details in its place.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use hyper::StatusCode;
use hyper::ext::ReasonPhrase;
use hyper::header::X_CONTENT_TYPE_OPTIONS;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::Activity;
use crate::http::{MALFORMED_IN_TARGETS, Service};

/// How much of the input is kept. That tells what is wrong with nearly all heads.
const KEPT_BYTES: usize = 4 * 1024;

/// A byte stream on which rejections have problem details.
pub(crate) struct Rejections<I> {
    io: I,
    activity: Rc<Activity>,
    service: Rc<Service>,
    /// The beginning of the input since the connection was last idle.
    input: Vec<u8>,
    /// Requests that had arrived before that.
    requests_before: u64,
    replacement: Option<Replacement>,
}

/// What is sent in place of `replaces` bytes.
struct Replacement {
    bytes: Vec<u8>,
    written: usize,
    replaces: usize,
}

impl<I> Rejections<I> {
    pub(crate) fn new(io: I, activity: Rc<Activity>, service: Rc<Service>) -> Self {
        Self { io, activity, service, input: Vec::new(), requests_before: 0, replacement: None }
    }

    /// Keeps input. `continues` says whether a part of a head has arrived before.
    fn keep(&mut self, bytes: &[u8], continues: bool) {
        // What arrives while a request is being answered is its body.
        let is_body = self.activity.is_busy();
        if is_body || !continues {
            self.input.clear();
            self.requests_before = self.activity.requests();
        }
        if !is_body {
            let count = bytes.len().min(KEPT_BYTES.saturating_sub(self.input.len()));
            self.input.extend_from_slice(&bytes[..count]);
        }
    }

    /// Whether hyper, which wants to send `bytes` now, responds with them to a head that it rejects.
    fn replaces(&mut self, bytes: &[u8]) -> bool {
        // All other responses belong to a request that makes the connection busy.
        if self.replacement.is_none() && !self.activity.is_busy() {
            self.replacement = rejection(bytes).map(|(status, head)| Replacement {
                bytes: self.replacement(status, head),
                written: 0,
                replaces: bytes.len(),
            });
        }
        self.replacement.is_some()
    }

    /// The response that is sent in place of hyper's `head`. It keeps hyper's version and date.
    fn replacement(&self, status: StatusCode, head: &str) -> Vec<u8> {
        let requests_before = self.activity.requests() - self.requests_before;
        let mut response = self.service.reject(status, &self.input, requests_before);
        let (version, _) = head.split_once(' ').unwrap_or_default();
        let status = response.status();
        let reason = response.extensions().get::<ReasonPhrase>().map(ReasonPhrase::as_bytes);
        let reason = reason.unwrap_or_else(|| status.canonical_reason().unwrap_or_default().as_bytes());
        let mut bytes = Vec::with_capacity(512);
        bytes.extend_from_slice(format!("{version} {} ", status.as_u16()).as_bytes());
        bytes.extend_from_slice(reason);
        for (name, value) in response.headers() {
            bytes.extend_from_slice(format!("\r\n{name}: ").as_bytes());
            bytes.extend_from_slice(value.as_bytes());
        }
        for date in head.lines().filter(|line| line.starts_with("date:")) {
            bytes.extend_from_slice(format!("\r\n{date}").as_bytes());
        }
        let body = response.body_mut();
        bytes.extend_from_slice(format!("\r\ncontent-length: {}\r\n\r\n", body.remaining()).as_bytes());
        while body.has_remaining() {
            let chunk = body.chunk();
            bytes.extend_from_slice(chunk);
            let count = chunk.len();
            body.advance(count);
        }
        bytes
    }
}

impl<I: AsyncWrite + Unpin> Rejections<I> {
    /// Sends the replacement. Reports hyper's bytes as written once the whole replacement is.
    fn poll_write_replacement(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(replacement) = &mut self.replacement else { return Poll::Ready(Ok(0)) };
        while replacement.written < replacement.bytes.len() {
            let rest = &replacement.bytes[replacement.written..];
            match ready!(Pin::new(&mut self.io).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => replacement.written += count,
            }
        }
        let replaces = replacement.replaces;
        self.replacement = None;
        Poll::Ready(Ok(replaces))
    }
}

/// The status and the text of hyper's response to a head that it rejects; `None` if `bytes` are something else.
fn rejection(bytes: &[u8]) -> Option<(StatusCode, &str)> {
    let code = bytes.strip_prefix(b"HTTP/1.")?.get(2..5).filter(|code| code[0] == b'4')?;
    let head = std::str::from_utf8(bytes).ok()?.strip_suffix("\r\n\r\n")?;
    // The service's own responses, which may have no body either, all have this field.
    (!head.contains(X_CONTENT_TYPE_OPTIONS.as_str())).then_some((StatusCode::from_bytes(code).ok()?, head))
}

impl<I: AsyncRead + Unpin> AsyncRead for Rejections<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let continues = self.activity.is_receiving_head();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(context, buffer))?;
        let bytes = &mut buffer.filled_mut()[before..];
        // hyper would cut a fragment off a target and serve the rest, but the target of a request has none (RFC 9112, section
        // 3.2). With this byte in place of `#` the target is malformed. Header fields allow both, where neither means anything
        // to the service, and bodies are discarded. (Storing each byte lets the compiler use vectors.)
        for byte in &mut *bytes {
            *byte = if *byte == b'#' { MALFORMED_IN_TARGETS } else { *byte };
        }
        self.keep(bytes, continues);
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Rejections<I> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.replaces(bytes) {
            return self.poll_write_replacement(context);
        }
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if slices.first().is_some_and(|first| self.replaces(first)) {
            return self.poll_write_replacement(context);
        }
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
