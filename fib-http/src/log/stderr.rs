//! Standard error, without waiting for its reader.

use std::io;
use std::time::Instant;

use super::output::Sink;

/// Standard error of this process.
pub(super) struct Stderr {
    /// A description of its own for the same pipe or terminal.
    #[cfg(unix)]
    own: Option<std::os::fd::OwnedFd>,
}

#[cfg(unix)]
impl Stderr {
    /// The descriptor that other processes may share.
    pub(super) const fn shared() -> Self {
        Self { own: None }
    }

    /// Another description of the same pipe or terminal where the system gives one: it is made non-blocking, which would
    /// affect all others who share the inherited one.
    pub(super) fn open() -> Self {
        Self { own: reopened() }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn reopened() -> Option<std::os::fd::OwnedFd> {
    use rustix::fs::{FileType, Mode, OFlags, fstat, open};

    let kind = FileType::from_raw_mode(fstat(io::stderr()).ok()?.st_mode);
    // A file has a position, which must stay shared. A socket cannot be opened.
    if !matches!(kind, FileType::Fifo | FileType::CharacterDevice) {
        return None;
    }
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    // Fails without /proc, and where another user has made the pipe.
    open("/proc/self/fd/2", flags, Mode::empty()).ok()
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn reopened() -> Option<std::os::fd::OwnedFd> {
    None
}

#[cfg(unix)]
impl Sink for Stderr {
    fn write(&mut self, bytes: &[u8], deadline: Option<Instant>) -> io::Result<usize> {
        use std::os::fd::AsFd;
        use std::time::Duration;

        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        use rustix::pipe::PIPE_BUF;

        let stderr = io::stderr();
        let (fd, most) = match &self.own {
            Some(own) => (own.as_fd(), usize::MAX),
            // The system has room for this many bytes where it says that there is room.
            None => (stderr.as_fd(), PIPE_BUF),
        };
        // A non-blocking description needs no question first.
        let needs_poll = self.own.is_none() || deadline.is_some();
        let time = deadline.map_or(Duration::ZERO, |deadline| deadline.saturating_duration_since(Instant::now()));
        let time = Timespec::try_from(time).unwrap_or_default();
        if needs_poll && poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::OUT)], Some(&time))? == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(rustix::io::write(fd, &bytes[..bytes.len().min(most)])?)
    }
}

#[cfg(not(unix))]
impl Stderr {
    pub(super) const fn shared() -> Self {
        Self {}
    }

    pub(super) fn open() -> Self {
        Self {}
    }
}

#[cfg(not(unix))]
impl Sink for Stderr {
    /// Waits for the reader: this system has no other way.
    fn write(&mut self, bytes: &[u8], _: Option<Instant>) -> io::Result<usize> {
        io::Write::write(&mut io::stderr(), bytes)
    }
}
