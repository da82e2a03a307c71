//! The accept loop, and the end of all connections when the service stops.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::rc::Rc;
use std::time::Duration;

use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::{Instrument, debug, debug_span, info, info_span, warn};

use super::accept::{self, Acceptor};
use super::activity::Activity;
use super::admission::Admission;
use super::clients::ClientLimit;
use super::connections::Connections;
use super::deadlines::Timeouts;
use super::places::{Places, RESERVED};
use super::silent::MAX_SILENT;
use super::stream::{Opaque, Socket};
use super::{connection, limits, listen, shutdown};
use crate::http::Service;

/// What can be chosen about connections.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How long a connection may be idle, and how long the head of a request may take to arrive.
    pub(crate) keep_alive: Duration,
    /// How late a client may be with reading a response.
    pub(crate) write_timeout: Duration,
    /// How many connections are served at a time.
    pub(crate) max_connections: usize,
    /// How many of them one client may have.
    pub(crate) client_limit: ClientLimit,
    /// How long the service goes on after the first signal, while `/readyz` says that it stops.
    pub(crate) drain_delay: Duration,
    /// How long the responses in flight may take when the service stops.
    pub(crate) grace_period: Duration,
    /// Whether messages about a request name the client.
    pub(crate) access_log: bool,
}

impl Settings {
    fn timeouts(&self) -> Timeouts {
        Timeouts { keep_alive: self.keep_alive, write: self.write_timeout }
    }
}

/// Accepts connections and serves each in a task of its own until a signal and the drain delay after it. Then closes the
/// listeners and lets the responses in flight end, for at most the grace period and until another signal.
///
/// # Errors
/// When the runtime rejects a listener.
pub(crate) async fn serve(
    listeners: Vec<StdListener>,
    service: &Rc<Service>,
    settings: &Settings,
    mut signal: impl AsyncFnMut() -> &'static str,
) -> io::Result<()> {
    let listeners = accept::adopt(listeners)?;
    // The connections beyond the limit need descriptors too.
    let max_connections = limits::connections(settings.max_connections, RESERVED + MAX_SILENT);
    shutdown::notify_ready();
    listen::announce(&listeners);

    let mut acceptor = Acceptor::new(listeners, Places::new(max_connections));
    let in_flight = service.in_flight();
    let mut connections = Connections::default();
    let open = Rc::clone(connections.open());
    let graceful = GracefulShutdown::new();
    let mut stop = Box::pin(drained(&mut signal, service, settings));
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some(()) = connections.ended() => {}
            () = in_flight.room_wanted() => open.end_furthest_behind(),
            (place, stream, peer) = acceptor.next(&open) => {
                service.metrics().connection_accepted();
                let client = settings.client_limit.client_at(peer.ip());
                if client.is_some_and(|client| !open.may_open(client, settings.client_limit.max_connections)) {
                    debug!(%peer, "refused: the client has too many connections");
                    service.metrics().connection_refused();
                    continue;
                }
                let activity = Rc::new(Activity::new(Rc::clone(open.waiters())));
                let place = Rc::new(place);
                let admission = Admission::new(Rc::clone(&place), Rc::clone(&open));
                let serve = serve_peer(
                    stream, peer, Rc::clone(service), Rc::clone(&activity), admission, settings.clone(),
                    graceful.watcher(),
                );
                connections.spawn(activity, client, place, serve);
            }
        }
        service.set_connections(open.count());
    }
    drop(stop);
    drop(acceptor);
    service.end_streams();
    let completed = async {
        tokio::select! {
            biased;
            // Tells all connections, and is pending while one of them is open.
            () = graceful.shutdown() => {}
            () = connections.all_completed() => {}
        }
    };
    tokio::select! {
        biased;
        name = signal() => warn!("{name}: {} connections are cut", open.count()),
        result = timeout(settings.grace_period, completed) => if result.is_err() {
            warn!("{} connections are cut: their responses take too long", open.count());
        },
    }
    connections.abort().await;
    Ok(())
}

/// Waits for a signal, then for the drain delay or another signal.
async fn drained(signal: &mut impl AsyncFnMut() -> &'static str, service: &Service, settings: &Settings) {
    let delay = settings.drain_delay;
    let mut name = signal().await;
    service.stop();
    shutdown::notify_stopping(delay + settings.grace_period);
    if !delay.is_zero() {
        info!("{name}: /readyz now answers 503; the service stops in {delay:?} or at the next signal");
        name = timeout(delay, signal()).await.unwrap_or("drain delay over");
    }
    info!("{name}: stopping after the responses in flight; another signal cuts them");
}

/// Serves the connection of one client.
async fn serve_peer(
    stream: TcpStream,
    peer: SocketAddr,
    service: Rc<Service>,
    activity: Rc<Activity>,
    admission: Admission,
    settings: Settings,
    shutdown: Watcher,
) {
    // A disabled span costs nothing; an enabled one costs time at each request.
    let span = if settings.access_log { info_span!("connection", %peer) } else { debug_span!("connection", %peer) };
    async {
        debug!("accepted");
        // An address that is unknown is treated as the one with the stricter checks.
        let is_loopback = stream.local_addr().map_or(true, |address| address.ip().to_canonical().is_loopback());
        let stream = Socket::new(stream);
        let (admission, timeouts) = (Some(admission), settings.timeouts());
        connection::serve(stream, is_loopback, service, activity, admission, timeouts, shutdown).await;
        debug!("ended");
    }
    .instrument(span)
    .await;
}

/// Serves HTTP/1.1 and 1.0 on any byte stream with the default timeouts, until the client closes it, it fails, or `shutdown`
/// asks for its end. `Host` is checked as on a connection over loopback.
pub async fn serve_stream<I>(io: I, service: Rc<Service>, shutdown: Watcher)
where
    I: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let activity = Rc::new(Activity::new(Rc::default()));
    connection::serve(Opaque(io), true, service, activity, None, Timeouts::default(), shutdown).await;
}
