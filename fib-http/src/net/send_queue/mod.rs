//! What the system holds of a connection's output.
//!
//! By default Linux takes 4 MiB of a response whether the client reads or not. That is memory outside every limit of this
//! service, and it hides whether a client reads at all: such a queue is writable again only when a third of it has drained.

#[cfg(any(target_os = "android", target_os = "linux"))]
mod linux;
#[cfg(not(any(target_os = "android", target_os = "linux")))]
mod other;

#[cfg(any(target_os = "android", target_os = "linux"))]
pub(crate) use self::linux::{await_transmission, is_writable, limit, poll_writable};
#[cfg(not(any(target_os = "android", target_os = "linux")))]
pub(crate) use self::other::{await_transmission, is_writable, limit, poll_writable};
