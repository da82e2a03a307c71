//! Accepting connections, at most so many at a time.

use std::future::{pending, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, warn};

use super::connections::OpenConnections;

/// The pause after a failure to accept that the next attempt would meet again, such as too many open files. It doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A failure to accept is logged again when there was none for so long.
const QUIET: Duration = Duration::from_secs(60);

/// How often the acceptor checks, at the limit, whether another client waits and whether a connection can be closed.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Hands listeners over to the current runtime.
pub(crate) fn adopt(listeners: Vec<StdListener>) -> io::Result<Vec<TcpListener>> {
    let adopt = |listener: StdListener| {
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    };
    listeners.into_iter().map(adopt).collect()
}

/// Accepts connections from all listeners.
pub(crate) struct Acceptor {
    listeners: Vec<TcpListener>,
    /// The listener that is asked first. It changes with each connection, so that none of them starves.
    first: usize,
    /// One permit for each connection that there may be. It is taken before a connection is accepted.
    permits: Arc<Semaphore>,
    pause: Duration,
    last_failure: Option<Instant>,
}

impl Acceptor {
    pub(crate) fn new(listeners: Vec<TcpListener>, max_connections: usize) -> Self {
        let permits = Arc::new(Semaphore::new(max_connections));
        Self { listeners, first: 0, permits, pause: FIRST_PAUSE, last_failure: None }
    }

    /// The next connection. Any failure to accept is followed by another attempt, after a pause where that is of use.
    ///
    /// The connection counts until its permit is dropped. At the limit an idle connection among `open` is closed for a new one.
    pub(crate) async fn next(&mut self, open: &OpenConnections) -> (OwnedSemaphorePermit, TcpStream, SocketAddr) {
        loop {
            let permit = self.permit(open).await;
            match self.accept().await {
                Ok((stream, peer)) => {
                    self.pause = FIRST_PAUSE;
                    return (permit, stream, peer);
                }
                // This concerns a connection that is gone, not the next one.
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) =>
                {
                    debug!("accept: {error}");
                }
                Err(error) => self.back_off(&error).await,
            }
        }
    }

    async fn back_off(&mut self, error: &io::Error) {
        let now = Instant::now();
        if self.last_failure.replace(now).is_none_or(|last| now.duration_since(last) >= QUIET) {
            warn!("no connection can be accepted, more attempts follow: {error}");
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        sleep(pause).await;
    }

    /// Permission to accept one more connection. At the limit, an idle connection is closed when another client waits.
    async fn permit(&self, open: &OpenConnections) -> OwnedSemaphorePermit {
        let permit = || async {
            match Arc::clone(&self.permits).acquire_owned().await {
                Ok(permit) => permit,
                // The semaphore is never closed.
                Err(_) => pending().await,
            }
        };
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return permit;
        }
        tokio::select! {
            biased;
            permit = permit() => return permit,
            () = client_waits(&self.listeners) => {}
        }
        while !open.close_idle() {
            if let Ok(permit) = timeout(POLL_INTERVAL, permit()).await {
                return permit;
            }
        }
        permit().await
    }

    /// The next connection at any listener.
    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let Self { listeners, first, .. } = self;
        poll_fn(|context| {
            *first = first.wrapping_add(1);
            for offset in 0..listeners.len() {
                let listener = &listeners[first.wrapping_add(offset) % listeners.len()];
                if let Poll::Ready(accepted) = listener.poll_accept(context) {
                    return Poll::Ready(accepted);
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Waits until a client waits at any of the listeners, without accepting it. The runtime offers no such wait, so this polls.
#[cfg(unix)]
async fn client_waits(listeners: &[TcpListener]) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let waits = || {
        let mut watched: Vec<_> = listeners.iter().map(|listener| PollFd::new(listener, PollFlags::IN)).collect();
        poll(&mut watched, Some(&Timespec::default())).is_ok_and(|count| count > 0)
    };
    while !waits() {
        sleep(POLL_INTERVAL).await;
    }
}

/// Never ready: this is not known here, so clients wait until a connection ends.
#[cfg(not(unix))]
async fn client_waits(_: &[TcpListener]) {
    pending().await
}
