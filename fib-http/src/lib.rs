//! An HTTP service that answers each `GET /` with the next Fibonacci number, for as long as memory lasts.
//!
//! One process, one thread, no locks: hyper on tokio's `LocalRuntime`. A request passes through three layers, each in a folder
//! of its own, and none of them knows the one before it: [`net`] turns a port into connections, [`http`] turns a request into
//! a response, [`sequence`] holds the position and is the only thing that can move it.
//!
//! [`run`] is the whole program after its arguments. It takes bound listeners and a future that ends it, so that tests can run
//! it in a thread on ports of their own. [`net::serve_stream`] is the part that needs no socket.

pub mod config;
mod error;
pub mod http;
pub mod log;
pub mod net;
pub mod sequence;

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::rc::Rc;

use tokio::runtime::{Builder, LocalOptions};
use tracing::info;

pub use crate::config::Config;
pub use crate::error::Error;
use crate::http::Service;
use crate::net::listen;
use crate::sequence::Sequence;
use crate::sequence::memory::SystemMemory;

/// Serves on `listeners` until the future that `shutdown` makes is ready, then lets responses in flight end, until the future
/// that the first one gave is ready too. Returns the index of the number that would have come next.
///
/// `shutdown` is called in the runtime when all is ready to serve, just before the line `listening on http://...` is
/// logged.
///
/// # Errors
/// When memory is above its threshold already, when `config.start` cannot be reached, or when the runtime cannot be built.
pub fn run<S, F>(
    config: &Config,
    mut memory: SystemMemory,
    listeners: Vec<TcpListener>,
    shutdown: S,
) -> Result<u64, Error>
where
    S: FnOnce() -> io::Result<F>,
    F: Future,
    F::Output: Future<Output = ()>,
{
    memory.check().map_err(Error::MemoryAboveThreshold)?;
    let max_in_flight_bytes = config.max_in_flight_bytes(memory.total());
    let sequence = Sequence::start_at(config.start, memory, config.on_memory_limit)
        .map_err(Error::Start)?
        .with_max_in_flight_bytes(max_in_flight_bytes);
    let service = Rc::new(Service::with_settings(sequence, config.http_settings(listen::are_loopback(&listeners))));
    let runtime =
        Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).map_err(Error::Runtime)?;
    runtime.block_on(net::serve(listeners, &service, &config.net_settings(), shutdown)).map_err(Error::Runtime)?;
    let (index, restarts) = (service.index(), service.restarts());
    let (requests, refused, connections, since) = service.metrics().summary();
    let seconds = since.as_secs();
    info!(requests, refused, restarts, connections, seconds, "stopped; the next number would have been F({index})");
    Ok(index)
}
