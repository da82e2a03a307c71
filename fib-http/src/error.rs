//! Why the program cannot do what it was asked to.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use crate::position::OpenError;
use crate::sequence::StartError;
use crate::sequence::memory::{Bytes, Usage};

/// Why the program cannot start, or do another task. `Display` gives one line for a person.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The host's name has no address.
    Resolve {
        /// The host's name.
        host: String,
        /// What the system says.
        source: io::Error,
    },
    /// An address cannot be listened on.
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A socket passed by the service manager cannot be used.
    Inherit(io::Error),
    /// The limit on open files is too low for a single connection.
    OpenFiles {
        /// The limit.
        limit: u64,
        /// The lowest limit that suffices.
        needed: u64,
    },
    /// More memory is in use than the threshold allows.
    MemoryAboveThreshold(Usage),
    /// The position cannot be used.
    Position(OpenError),
    /// The first number cannot be computed.
    Start(StartError),
    /// A service that was asked for its health does not answer, or is not well.
    Health {
        /// What was asked.
        url: String,
        /// What came instead.
        source: io::Error,
    },
    /// The asynchronous runtime or a signal handler cannot be set up.
    Runtime(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve { host, source } => {
                write!(f, "cannot resolve the host '{host}' (--host or FIB_HTTP_HOST): {source}")
            }
            Self::Bind { address, source } if source.kind() == io::ErrorKind::AddrInUse => {
                write!(f, "cannot listen on {address}: the port is in use")
            }
            Self::Bind { address, source } => write!(f, "cannot listen on {address}: {source}"),
            Self::Inherit(source) => write!(f, "cannot use the sockets of LISTEN_FDS: {source}"),
            Self::OpenFiles { limit, needed } => {
                write!(f, "the limit on open files is {limit}, and at least {needed} are needed")
            }
            Self::MemoryAboveThreshold(usage) => write!(
                f,
                "memory is above --memory-threshold already: {} of {} in use ({:.1} %), {} allowed",
                Bytes(usage.used),
                Bytes(usage.total),
                usage.percent(),
                Bytes(usage.allowed),
            ),
            Self::Position(error) => error.fmt(f),
            Self::Start(error) => error.fmt(f),
            Self::Health { url, source } => write!(f, "{url}: {source}"),
            Self::Runtime(source) => write!(f, "cannot set up the runtime: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Resolve { source, .. }
            | Self::Bind { source, .. }
            | Self::Health { source, .. }
            | Self::Inherit(source)
            | Self::Runtime(source) => Some(source),
            Self::Position(error) => std::error::Error::source(error),
            Self::Start(error) => std::error::Error::source(error),
            Self::OpenFiles { .. } | Self::MemoryAboveThreshold(_) => None,
        }
    }
}
