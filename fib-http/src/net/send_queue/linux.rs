//! Linux: `TCP_NOTSENT_LOWAT` bounds what waits to be transmitted. Unlike `SO_SNDBUF` it does not bound what is on its way, so
//! that long and fast paths stay fast.

use std::io;
use std::task::{Context, Poll};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::net::activity::UNCHECKED_BYTES;

/// The bytes that may wait to be transmitted. Linux checks this only when it needs another buffer, and has been seen to take
/// about 110 KiB more. The socket is writable while fewer bytes wait, so that one look tells that nearly all is transmitted.
#[expect(clippy::cast_possible_truncation, reason = "16 KiB")]
const LIMIT: u32 = UNCHECKED_BYTES as u32;

/// Limits what waits to be transmitted.
pub(crate) fn limit(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_tcp_notsent_lowat(LIMIT)
}

/// From now on the socket is writable only while nothing waits to be transmitted.
pub(crate) fn await_transmission(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_tcp_notsent_lowat(1)
}

/// Ready when the socket is writable, or when the connection has failed.
pub(crate) fn poll_writable(stream: &TcpStream, context: &mut Context<'_>) -> Poll<()> {
    // The runtime remembers an earlier state of the socket. A refusal makes it forget that.
    let look = || if is_writable(stream) { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) };
    loop {
        if stream.try_io(Interest::WRITABLE, look).is_ok() {
            return Poll::Ready(());
        }
        match stream.poll_write_ready(context) {
            Poll::Ready(Ok(())) => {}
            // A later write tells what has failed.
            Poll::Ready(Err(_)) => return Poll::Ready(()),
            Poll::Pending => return Poll::Pending,
        }
    }
}

/// Whether the socket is writable, or the connection has failed.
pub(crate) fn is_writable(stream: &TcpStream) -> bool {
    let mut watched = [PollFd::new(stream, PollFlags::OUT)];
    // A failed look must not keep a connection for ever.
    poll(&mut watched, Some(&Timespec::default())).map_or(true, |count| count > 0)
}
