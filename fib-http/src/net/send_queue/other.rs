//! Other systems: `SO_SNDBUF` bounds what the system takes, and it is not known what has been transmitted.

use std::io;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::net::TcpStream;

use crate::sequence::SOCKET_BYTES;

/// Limits what the system takes.
pub(crate) fn limit(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_send_buffer_size(SOCKET_BYTES)
}

/// Does nothing.
pub(crate) fn await_transmission(_: &TcpStream) -> io::Result<()> {
    Ok(())
}

/// Always ready.
pub(crate) fn poll_writable(_: &TcpStream, _: &mut Context<'_>) -> Poll<()> {
    Poll::Ready(())
}

/// Always true.
pub(crate) fn is_writable(_: &TcpStream) -> bool {
    true
}
