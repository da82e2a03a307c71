//! HTTP on one connection.

use std::rc::Rc;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;
use tracing::debug;

use super::activity::Activity;
use super::admission::Admission;
use super::deadlines::Timeouts;
use super::rejections::Rejections;
use super::stream::Stream;
use super::transport::Transport;
use crate::http::{Answer, Arrival, ResponseBody, ResponseObserver, Route, Service};
use crate::sequence::headroom;

/// The longest head of a request. hyper rejects a longer one with 431.
const HEAD_BYTES: usize = 16 * 1024;

/// The most input that hyper buffers on a connection, and the most output that it queues before it writes. By default both
/// would be 400 KB, and clients that send the half of a request could fill the memory with them.
const BUFFER_BYTES: usize = HEAD_BYTES;

/// Serves HTTP/1.1 and 1.0 on `io` until the client closes it, it fails, or `shutdown` asks for its end and the response in
/// flight is sent. `is_loopback` says whether it arrives at a loopback address.
pub(crate) async fn serve<I: Stream + 'static>(
    io: I,
    is_loopback: bool,
    service: Rc<Service>,
    activity: Rc<Activity>,
    admission: Option<Admission>,
    timeouts: Timeouts,
    shutdown: Watcher,
) {
    // A connection allocates its buffers when it is served, so this belongs here and not before the task is spawned.
    if headroom::check().is_err() {
        debug!("refused: there is no memory for a connection");
        return;
    }
    let transport = Transport::new(io, Rc::clone(&activity), timeouts);
    let io = TokioIo::new(Rejections::new(transport, Rc::clone(&activity), Rc::clone(&service)));
    let respond = service_fn(|request| respond(&service, &activity, is_loopback, admission.as_ref(), request));
    if let Err(error) = shutdown.watch(builder().serve_connection(io, respond)).await {
        if error.is_parse_version_h2() {
            // The one rejection that hyper does not answer.
            service.metrics().refused("version");
        }
        debug!("{error}");
    }
}

fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    // `Deadlines` limits the time that a head may take.
    builder
        .header_read_timeout(None)
        .max_header_size(HEAD_BYTES)
        // A client that shuts down its sending side after a request still waits for the number.
        .half_close(true)
        .max_buf_size(BUFFER_BYTES)
        // A body may be long, so it is never copied into one buffer with its head, whatever the transport.
        .writev(true);
    builder
}

/// Answers one request, and keeps the connection busy until the system has the whole response.
fn respond<'a>(
    service: &'a Service,
    activity: &'a Rc<Activity>,
    is_loopback: bool,
    admission: Option<&'a Admission>,
    request: Request<Incoming>,
) -> Answer<'a, Response<ResponseBody>> {
    let pending = activity.request_arrived();
    let observer = Rc::clone(activity) as Rc<dyn ResponseObserver>;
    let arrival = Arrival { route: Route::of(request.uri().path()), is_loopback, has_place: true };
    match admission {
        Some(admission) if !admission.is_regular() && !arrival.route.is_for_operators() => Answer::later(async move {
            let has_place = admission.admit().await;
            let response = service.respond(request, Arrival { has_place, ..arrival }, observer);
            drop(pending);
            let Ok(response) = response.await;
            response
        }),
        _ => service.respond(request, arrival, observer),
    }
}
