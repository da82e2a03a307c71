//! Accepting connections, each when there is a place for it.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

use super::connections::OpenConnections;
use super::places::{Place, Places};
use super::silent::SilentConnections;

/// The pause after a failure to accept that the next attempt would meet again, such as too many open files. It doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A failure to accept is logged if none was seen for this long.
const QUIET: Duration = Duration::from_secs(60);

/// The most unread input that the system holds of a connection, in bytes. Linux doubles it for its own use. Requests are short,
/// and by default clients that nobody reads could put 6 MB each there.
const RECEIVE_BUFFER_BYTES: usize = 16 * 1024;

/// Registers listeners with the current runtime. Their connections inherit the receive buffer.
pub(crate) fn adopt(listeners: Vec<StdListener>) -> io::Result<Vec<TcpListener>> {
    let adopt = |listener: StdListener| {
        listener.set_nonblocking(true)?;
        if let Err(error) = SockRef::from(&listener).set_recv_buffer_size(RECEIVE_BUFFER_BYTES) {
            debug!("SO_RCVBUF: {error}");
        }
        TcpListener::from_std(listener)
    };
    listeners.into_iter().map(adopt).collect()
}

/// Accepts connections from all listeners, and decides which of them may have a place.
pub(crate) struct Acceptor {
    listeners: Listeners,
    places: Rc<Places>,
    silent: SilentConnections,
    /// The connection that waits for a place.
    accepted: Option<(TcpStream, SocketAddr)>,
    /// Whether another connection was ended for this one.
    place_is_freed: Cell<bool>,
}

/// Sockets that listen.
struct Listeners {
    sockets: Vec<TcpListener>,
    /// The one that is asked first. It changes with each connection, so that none of them starves.
    first: usize,
    pause: Duration,
    last_failure: Option<Instant>,
}

impl Acceptor {
    pub(crate) fn new(sockets: Vec<TcpListener>, places: Rc<Places>) -> Self {
        let listeners = Listeners { sockets, first: 0, pause: FIRST_PAUSE, last_failure: None };
        let silent = SilentConnections::default();
        Self { listeners, places, silent, accepted: None, place_is_freed: Cell::new(false) }
    }

    /// The next connection. After any failure to accept this tries again, after a pause where the next attempt would
    /// meet the same failure.
    ///
    /// If no place is free, not even a reserved one, this ends another of the `open` connections as soon as one may be ended.
    /// Nothing is lost when this is dropped before it is ready.
    pub(crate) async fn next(&mut self, open: &OpenConnections) -> (Place, TcpStream, SocketAddr) {
        loop {
            let Some((stream, peer)) = self.accepted.take() else {
                self.accepted = Some(self.candidate().await);
                continue;
            };
            if let Some(place) = self.places.free() {
                self.place_is_freed.set(false);
                return (place, stream, peer);
            }
            self.accepted = Some((stream, peer));
            let place = open.free_place(&self.place_is_freed, |_| true, self.places.next()).await;
            self.place_is_freed.set(false);
            if let Some((stream, peer)) = self.accepted.take() {
                return (place, stream, peer);
            }
        }
    }

    /// A connection that may have a place: any while a regular one is free, or else one on which input has arrived.
    async fn candidate(&mut self) -> (TcpStream, SocketAddr) {
        let Self { listeners, places, silent, .. } = self;
        loop {
            if places.has_regular() {
                return match silent.pop() {
                    Some(oldest) => oldest,
                    None => listeners.accept_or_retry().await,
                };
            }
            tokio::select! {
                biased;
                candidate = silent.next_with_input() => return candidate,
                () = places.regular(), if !silent.is_empty() => {}
                accepted = listeners.accept_or_retry() => silent.push(accepted),
            }
        }
    }
}

impl Listeners {
    async fn accept_or_retry(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.accept().await {
                Ok(accepted) => {
                    self.pause = FIRST_PAUSE;
                    return accepted;
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
            warn!("cannot accept connections; trying again: {error}");
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        sleep(pause).await;
    }

    /// The next connection at any listener.
    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let Self { sockets, first, .. } = self;
        poll_fn(|context| {
            *first = first.wrapping_add(1);
            for offset in 0..sockets.len() {
                let socket = &sockets[first.wrapping_add(offset) % sockets.len()];
                if let Poll::Ready(accepted) = socket.poll_accept(context) {
                    return Poll::Ready(accepted);
                }
            }
            Poll::Pending
        })
        .await
    }
}
