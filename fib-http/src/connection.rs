//! HTTP on one connection.

use std::net::SocketAddr;
use std::rc::Rc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tracing::{Instrument, debug, debug_span, info_span};

use crate::headroom;
use crate::patience::Patient;
use crate::seat::Seat;
use crate::service::App;

/// The most output that hyper queues on a connection before it writes. By default it would queue 400 KB.
const BUFFER_BYTES: usize = 64 * 1024;

/// The longest head of a request. What is longer is answered by hyper, with 431.
const HEAD_BYTES: usize = 16 * 1024;

/// Serves a connection from a peer.
pub(crate) async fn serve_peer(stream: TcpStream, peer: SocketAddr, app: Rc<App>, seat: Rc<Seat>) {
    // A span that is not written costs nothing; one that is takes its share of each request.
    let span =
        if app.settings().access_log { info_span!("connection", %peer) } else { debug_span!("connection", %peer) };
    async {
        debug!("accepted");
        if let Err(error) = stream.set_nodelay(true) {
            debug!("TCP_NODELAY: {error}");
        }
        serve_seat(stream, app, seat).await;
        debug!("ended");
    }
    .instrument(span)
    .await;
}

/// Serves HTTP/1.1 and 1.0 on `io` until the client ends it, it fails, or the app stops and the response in flight is out.
pub async fn serve<I>(io: I, app: Rc<App>)
where
    I: AsyncRead + AsyncWrite + Unpin + 'static,
{
    serve_seat(io, app, Rc::new(Seat::new())).await;
}

async fn serve_seat<I>(io: I, app: Rc<App>, seat: Rc<Seat>)
where
    I: AsyncRead + AsyncWrite + Unpin + 'static,
{
    // Here and not before the task is spawned: a connection takes its buffers when it is served.
    if headroom::check().is_err() {
        debug!("turned away: there is no memory");
        return;
    }
    let io = Patient::new(io, Rc::clone(&seat), app.settings().keep_alive, app.settings().write_timeout);
    let service = service_fn(|request| app.respond(request, &seat));
    let mut connection = std::pin::pin!(http().serve_connection(TokioIo::new(io), service));
    let result = tokio::select! {
        biased;
        result = &mut connection => result,
        () = app.stopped() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        debug!("{error}");
    }
}

fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    // How long a head may take is up to `Patient`.
    http.header_read_timeout(None)
        .max_header_size(HEAD_BYTES)
        // A client that shuts down its sending side after a request waits for the number all the same.
        .half_close(true)
        .max_buf_size(BUFFER_BYTES)
        // A body is never copied into one buffer with its head, whatever the transport: it may be long.
        .writev(true);
    http
}
