//! An HTTP service that answers each `GET /` with the next Fibonacci number, for as long as memory lasts.
//!
//! One process, one thread, no locks: hyper on tokio's `LocalRuntime`. A request passes through four layers, each in a folder
//! of its own, and none of them knows the one before it: [`net`] turns a port into connections, [`http`] turns a request into
//! a response, [`sequence`] holds the numbers and is the only thing that can consume one, and [`position`] keeps the index of
//! the next one: in memory, in a file, or in a database.
//!
//! [`run`] serves on bound listeners until a signal; reading the arguments, catching signals and binding are left to the
//! program. So tests can run it in a thread on ports of their own. [`net::serve_stream`] is the part that needs no socket.

pub mod config;
mod error;
pub mod health;
pub mod http;
pub mod log;
pub mod net;
pub mod position;
pub mod sequence;

use std::io;
use std::net::TcpListener;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::runtime::{Builder, LocalOptions};
use tracing::info;

pub use crate::config::Config;
pub use crate::error::Error;
use crate::http::Service;
use crate::position::{Position, Store};
use crate::sequence::Sequence;
use crate::sequence::memory::SystemMemory;

/// Serves on `listeners` until a signal, then lets the responses in flight end. Returns the index of the number that would
/// have come next.
///
/// `listen` is called first, in the runtime. What it returns waits for the next signal, and returns its name. A signal during
/// the jump to the position cancels it, and nothing is served. After that, the first signal begins the stop: it is followed
/// by `config.drain_delay`, which the next signal ends early, and by at most `config.grace_period` for the responses in
/// flight, which a further signal ends early.
///
/// # Errors
/// When memory is above its threshold already, when `config.position` cannot be used or its index cannot be reached, or when
/// the runtime cannot be built.
pub fn run<L, S>(
    config: &Config,
    mut memory: SystemMemory,
    listeners: Vec<TcpListener>,
    listen: L,
) -> Result<u64, Error>
where
    L: FnOnce() -> io::Result<S>,
    S: AsyncFnMut() -> &'static str,
{
    let runtime =
        Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).map_err(Error::Runtime)?;
    runtime.block_on(async {
        let mut signal = listen().map_err(Error::Runtime)?;
        memory.check().map_err(Error::MemoryAboveThreshold)?;
        let store =
            Store::open(&config.position, config.start, config.position_timeout).await.map_err(Error::Position)?;
        let next = store.next().index;
        let net_settings = config.net_settings(memory.total());
        let Some(sequence) = start(config, store, memory, &mut signal)? else {
            return Ok(next);
        };
        let service = Rc::new(Service::with_settings(sequence, config.http_settings()));
        net::serve(listeners, &service, &net_settings, signal).await.map_err(Error::Runtime)?;
        log::wait_for_reader();
        service.metrics().lost_numbers().flush();
        let (Position { pass, index }, restarts) = (service.close().await, service.restarts());
        let (requests, refused, connections, since) = service.metrics().summary();
        let seconds = since.as_secs();
        info!(
            requests,
            refused, restarts, connections, seconds, pass, "stopped; the next number would have been F({index})"
        );
        Ok(index)
    })
}

/// The sequence from the next position of `store` on; `None` if a signal comes first.
fn start(
    config: &Config,
    store: Store,
    mut memory: SystemMemory,
    signal: &mut impl AsyncFnMut() -> &'static str,
) -> Result<Option<Sequence>, Error> {
    let next = store.next().index;
    let max_in_flight_bytes = config.max_in_flight_bytes(memory.total());
    let mut received = None;
    let is_cancelled = || {
        // The jump occupies the only thread, so nothing would wake a task that waits for the signal.
        if let Poll::Ready(name) = pin!(signal()).poll(&mut Context::from_waker(Waker::noop())) {
            received = Some(name);
        }
        received.is_some()
    };
    let start = Sequence::resume(store, is_cancelled, memory, config.on_memory_limit());
    if let Some(name) = received {
        log::wait_for_reader();
        info!("{name} during the start: stopped; the next number would have been F({next})");
        return Ok(None);
    }
    Ok(Some(start.map_err(Error::Start)?.with_max_in_flight_bytes(max_in_flight_bytes)))
}
