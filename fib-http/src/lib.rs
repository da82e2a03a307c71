//! An HTTP service that answers each `GET /` with the next Fibonacci number, for as long as memory lasts.
//!
//! One process, one thread, no locks: hyper on tokio's `LocalRuntime`. The state of the service is one position in the
//! sequence, and [`Sequence`] is the only thing that can move it. [`run`] is the whole program after its arguments; it takes
//! bound listeners and a future that ends it, so that tests can run it in a thread on ports of their own.
//! [`connection::serve`] is the part that needs no socket.

mod accept;
pub mod body;
pub mod config;
pub mod connection;
mod docs;
mod error;
mod fetch_metadata;
mod fields;
mod headroom;
pub mod host;
mod inflight;
mod limits;
pub mod listen;
pub mod log;
pub mod memory;
mod metrics;
mod negotiate;
mod patience;
mod problem;
mod request_body;
mod response;
mod route;
mod seat;
mod sequence;
pub mod service;
pub mod shutdown;

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::rc::Rc;

pub use config::Config;
pub use error::Error;
pub use memory::SystemMemory;
pub use sequence::{OnMemoryLimit, Sequence, Shortage};
use tokio::runtime::{Builder, LocalOptions};
use tracing::info;

use crate::service::App;

/// Serves on `listeners` until the future that `shutdown` makes is ready, then lets responses in flight end, until the future
/// that this one gave is ready too. Returns the index of the number that would have come next.
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
    let settings = config.settings(memory.total(), listen::are_loopback(&listeners));
    let max_connections = limits::connections(config.max_connections);
    let sequence = Sequence::start_at(config.start, memory, config.on_memory_limit)?;
    let runtime =
        Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).map_err(Error::Runtime)?;
    runtime.block_on(async {
        let listeners = accept::adopt(listeners).map_err(Error::Runtime)?;
        let shutdown = shutdown().map_err(Error::Runtime)?;
        shutdown::notify_ready();
        listen::announce(&listeners);
        let app = Rc::new(App::with_settings(sequence, settings));
        accept::accept_until(shutdown, listeners, &app, max_connections, config.grace_period).await;
        let (index, restarts) = (app.index(), app.restarts());
        let (requests, refused, connections, since) = app.metrics().summary();
        let seconds = since.as_secs();
        info!(requests, refused, restarts, connections, seconds, "stopped; the next number would have been F({index})");
        Ok(index)
    })
}
