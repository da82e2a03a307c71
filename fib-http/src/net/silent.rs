//! Connections beyond the limit on which no request has begun to arrive.
//!
//! A client can open connections faster than any time limit would free their places. So at the limit only a connection with
//! input gets a place. The others cost a descriptor each, and the oldest of them is closed when there are too many.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tracing::debug;

/// The most connections that wait for their first input. A client sends its request together with the handshake's end, so
/// even among thousands of silent connections a second it is not the oldest of so many.
pub(crate) const MAX_SILENT: usize = 64;

/// Connections that wait for their first input, the oldest first.
#[derive(Default)]
pub(crate) struct SilentConnections(VecDeque<(TcpStream, SocketAddr)>);

impl SilentConnections {
    /// Adds one, and closes the oldest if there are too many.
    pub(crate) fn push(&mut self, accepted: (TcpStream, SocketAddr)) {
        self.0.push_back(accepted);
        if self.0.len() > MAX_SILENT
            && let Some((_, peer)) = self.0.pop_front()
        {
            debug!(%peer, "closed: no request has arrived, and there are too many connections");
        }
    }

    /// Takes the oldest.
    pub(crate) fn pop(&mut self) -> Option<(TcpStream, SocketAddr)> {
        self.0.pop_front()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Waits until input arrives on one of them or its client closes it, and takes it. Nothing is lost when this is dropped
    /// before it is ready.
    pub(crate) async fn next_with_input(&mut self) -> (TcpStream, SocketAddr) {
        poll_fn(|context| {
            // Peeking, because a new connection counts as ready until an attempt to read has failed.
            let has_input = |stream: &TcpStream, context: &mut Context<'_>| {
                stream.poll_peek(context, &mut ReadBuf::new(&mut [0])).is_ready()
            };
            let ready = self.0.iter().position(|(stream, _)| has_input(stream, context));
            ready.and_then(|position| self.0.remove(position)).map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}
