//! Connections: accepting them, and serving HTTP on each.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::{debug, error, warn};

use crate::headroom;
use crate::service::App;

/// How long responses in flight may take when the service stops.
const GRACE_PERIOD: Duration = Duration::from_secs(10);

/// A pause after a failure to accept that the next attempt would meet again, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The most that hyper keeps of a connection's input, and the most output that it queues before it writes.
const BUFFER_BYTES: usize = 64 * 1024;

/// Hands listeners over to the runtime that this is called in.
pub(crate) fn adopt(listeners: Vec<StdListener>) -> io::Result<Vec<TcpListener>> {
    let adopt = |listener: StdListener| {
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    };
    listeners.into_iter().map(adopt).collect()
}

/// Accepts connections and serves each in a task of its own until `shutdown` is ready; then closes the listeners and waits
/// for the responses in flight.
pub(crate) async fn accept_until(shutdown: impl Future<Output = ()>, listeners: Vec<TcpListener>, app: &Rc<App>) {
    let mut shutdown = pin!(shutdown);
    let mut connections = JoinSet::new();
    let mut turn = 0;
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = connections.join_next() => report(ended),
            accepted = accept(&listeners, &mut turn) => match accepted {
                Ok((stream, peer)) => {
                    debug!(%peer, "accepted");
                    let app = Rc::clone(app);
                    connections.spawn_local(async move {
                        if let Err(error) = stream.set_nodelay(true) {
                            debug!(%peer, "TCP_NODELAY: {error}");
                        }
                        serve(stream, app).await;
                    });
                }
                Err(error) => {
                    debug!("accept: {error}");
                    if !is_about_one_connection(&error) {
                        sleep(ACCEPT_PAUSE).await;
                    }
                }
            },
        }
    }
    drop(listeners);
    app.stop();
    let all_ended = async {
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    };
    if timeout(GRACE_PERIOD, all_ended).await.is_err() {
        warn!("{} connections are cut: their responses take too long", connections.len());
        connections.shutdown().await;
    }
}

/// The next connection at any listener. `turn` tells which one is asked first, so that none has to wait for ever.
async fn accept(listeners: &[TcpListener], turn: &mut usize) -> io::Result<(TcpStream, SocketAddr)> {
    poll_fn(|context| {
        *turn = turn.wrapping_add(1);
        for offset in 0..listeners.len() {
            let listener = &listeners[turn.wrapping_add(offset) % listeners.len()];
            if let Poll::Ready(accepted) = listener.poll_accept(context) {
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    })
    .await
}

/// Whether a failure to accept concerns a connection that has gone already, and not the next one too.
fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

/// The end of a connection's task: a panic costs that connection and nothing else.
fn report(ended: Result<(), JoinError>) {
    if let Err(panic) = ended {
        error!("a connection's task failed: {panic}");
    }
}

/// Serves HTTP/1.1 and 1.0 on `io` until the client ends it, it fails, or the app stops and the response in flight is out.
pub async fn serve<I>(io: I, app: Rc<App>)
where
    I: AsyncRead + AsyncWrite + Unpin + 'static,
{
    // Here and not before the task is spawned: a connection takes its buffers when it is served.
    if headroom::check().is_err() {
        debug!("a connection is turned away: there is no memory");
        return;
    }
    let service = service_fn(|request| {
        let app = Rc::clone(&app);
        async move { Ok::<_, Infallible>(app.respond(request).await) }
    });
    let mut connection = pin!(http().serve_connection(TokioIo::new(io), service));
    let result = tokio::select! {
        biased;
        result = &mut connection => result,
        () = app.stopped() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        debug!("connection: {error}");
    }
}

fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        // A client that shuts down its sending side after a request waits for the number all the same.
        .half_close(true)
        .max_buf_size(BUFFER_BYTES)
        // A body is never copied into one buffer with its head, whatever the transport: it may be long.
        .writev(true);
    http
}
