//! The byte stream that a connection is served on, and what the system still holds of what was written to it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tracing::debug;

use super::send_queue;

/// A byte stream under a connection.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {
    /// Ready when the system has transmitted all that was written: none of it waits for room at the client.
    fn poll_transmitted(&mut self, context: &mut Context<'_>) -> Poll<()>;

    /// Ready when the system has transmitted all that was written but for a few KiB. This is cheaper.
    fn poll_nearly_transmitted(&mut self, context: &mut Context<'_>) -> Poll<()>;

    /// Whether the system has transmitted all that was written.
    fn is_transmitted(&mut self) -> bool;

    /// When the stream ends, what the system has not transmitted is discarded.
    fn discard_untransmitted(&self);
}

/// A TCP connection of which the system holds a bounded part of the output.
pub(crate) struct Socket {
    stream: TcpStream,
    /// The socket counts as writable only when everything is transmitted.
    awaits_transmission: bool,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> Self {
        if let Err(error) = stream.set_nodelay(true) {
            debug!("TCP_NODELAY: {error}");
        }
        if let Err(error) = send_queue::limit(&stream) {
            debug!("the send queue cannot be limited: {error}");
        }
        Self { stream, awaits_transmission: false }
    }

    fn await_transmission(&mut self) {
        if !self.awaits_transmission {
            self.awaits_transmission = send_queue::await_transmission(&self.stream).is_ok();
        }
    }

    fn prepare_write(&mut self) {
        if self.awaits_transmission {
            self.awaits_transmission = send_queue::limit(&self.stream).is_err();
        }
    }
}

impl Stream for Socket {
    fn poll_transmitted(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.await_transmission();
        if send_queue::poll_writable(&self.stream, context).is_pending() {
            return Poll::Pending;
        }
        self.prepare_write();
        Poll::Ready(())
    }

    fn poll_nearly_transmitted(&mut self, context: &mut Context<'_>) -> Poll<()> {
        send_queue::poll_writable(&self.stream, context)
    }

    fn is_transmitted(&mut self) -> bool {
        self.await_transmission();
        send_queue::is_writable(&self.stream)
    }

    fn discard_untransmitted(&self) {
        if let Err(error) = self.stream.set_zero_linger() {
            debug!("SO_LINGER: {error}");
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.prepare_write();
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.prepare_write();
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A byte stream about which only writing is known: what was written counts as transmitted.
pub(crate) struct Opaque<I>(pub(crate) I);

impl<I: AsyncRead + AsyncWrite + Unpin> Stream for Opaque<I> {
    fn poll_transmitted(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn poll_nearly_transmitted(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn is_transmitted(&mut self) -> bool {
        true
    }

    fn discard_untransmitted(&self) {}
}

impl<I: AsyncRead + Unpin> AsyncRead for Opaque<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Opaque<I> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
