//! Fairness between connections: a long response does not keep the only thread until it is sent.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};

use tokio::task::yield_now;

/// Bytes that a connection writes before it yields to the others. A client that reads as fast as the service writes would
/// otherwise occupy the thread for the length of its response.
pub(crate) const QUANTUM_BYTES: usize = 1 << 20;

/// Counts what one connection writes and makes it yield after each [`QUANTUM_BYTES`].
#[derive(Debug, Default)]
pub(crate) struct Fairness {
    written_bytes: usize,
}

impl Fairness {
    /// The connection has written `bytes` bytes.
    pub(crate) fn record(&mut self, bytes: usize) {
        self.written_bytes += bytes;
    }

    /// Ready when the connection may write. Pending once after each quantum; the task is woken after the others have run.
    pub(crate) fn poll_may_write(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.written_bytes < QUANTUM_BYTES {
            return Poll::Ready(());
        }
        self.written_bytes = 0;
        // This makes the runtime look for input first, which waking the task directly would not.
        pin!(yield_now()).poll(context)
    }
}
