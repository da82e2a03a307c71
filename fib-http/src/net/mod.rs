//! From a port to a connection that behaves: sockets, the accept loop, deadlines, and the end of all connections.

mod accept;
mod activity;
mod admission;
mod body;
mod clients;
mod connection;
mod connections;
mod deadlines;
mod fairness;
pub mod limits;
mod lingering;
pub mod listen;
mod places;
mod rejections;
mod send_queue;
mod server;
mod short_writes;
pub mod shutdown;
mod stream;
mod transport;

pub use hyper_util::server::graceful::{GracefulShutdown, Watcher};

pub(crate) use self::clients::ClientLimit;
pub(crate) use self::deadlines::Timeouts;
pub use self::server::serve_stream;
pub(crate) use self::server::{Settings, serve};
