//! From a host and a port to listening sockets.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};
use tracing::info;

use crate::error::Error;

/// Connections that may wait to be accepted. The system may allow fewer (on Linux `net.core.somaxconn`).
const BACKLOG: i32 = 2048;

/// Attempts to find a port that is free at all addresses.
const FREE_PORT_ATTEMPTS: usize = 32;

/// The listening sockets that a service manager passes (`LISTEN_FDS`); `None` if there are none.
///
/// # Errors
/// When one of them is not a TCP socket.
#[cfg(unix)]
pub fn inherited() -> Result<Option<Vec<TcpListener>>, Error> {
    let mut handed_over = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for position in 0..handed_over.len() {
        listeners.extend(handed_over.take_tcp_listener(position).map_err(Error::Inherit)?);
    }
    Ok(Some(listeners).filter(|listeners| !listeners.is_empty()))
}

/// The listening sockets that a service manager passes: none on this system.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn inherited() -> Result<Option<Vec<TcpListener>>, Error> {
    Ok(None)
}

/// Listens on all addresses of `host`. Port 0 takes a free port, the same one for all of them.
///
/// Names are resolved by std, before the runtime starts: tokio's lookup would start a thread.
///
/// # Errors
/// When the host has no address, when none of its addresses can be listened on, or when the port is in use at any of them.
pub fn bind(host: &str, port: u16) -> Result<Vec<TcpListener>, Error> {
    let addresses = resolve(host)?;
    let mut attempts = if port == 0 { FREE_PORT_ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        match bind_all(&addresses, port) {
            // The port that is free at one address is in use at another.
            Err(Error::Bind { source, .. }) if source.kind() == io::ErrorKind::AddrInUse && attempts > 0 => {}
            result => return result,
        }
    }
}

/// The addresses of `host`, each once, those of IPv4 first.
///
/// `localhost` means both loopback addresses (RFC 6761), whatever the system's tables say.
fn resolve(host: &str) -> Result<Vec<IpAddr>, Error> {
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let failed = |source| Error::Resolve { host: host.to_owned(), source };
    // An IPv6 address may stand in brackets, as in a URL.
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let mut addresses: Vec<IpAddr> = (bare, 0).to_socket_addrs().map_err(failed)?.map(|a| a.ip()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    if addresses.is_empty() {
        return Err(failed(io::Error::new(io::ErrorKind::NotFound, "it has no address")));
    }
    Ok(addresses)
}

fn bind_all(addresses: &[IpAddr], mut port: u16) -> Result<Vec<TcpListener>, Error> {
    let mut listeners = Vec::with_capacity(addresses.len());
    let mut missing = None;
    for &ip in addresses {
        let address = SocketAddr::new(ip, port);
        match listen(address).and_then(|listener| Ok((listener.local_addr()?, listener))) {
            Ok((bound, listener)) => {
                port = bound.port();
                listeners.push(listener);
            }
            Err(source) => {
                let fatal = matches!(source.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied);
                let error = Error::Bind { address, source };
                if fatal || addresses.len() == 1 {
                    return Err(error);
                }
                // Such as ::1 on a machine without IPv6.
                info!("{error}; going on without");
                missing = Some(error);
            }
        }
    }
    match missing {
        Some(error) if listeners.is_empty() => Err(error),
        _ => Ok(listeners),
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // Otherwise it is up to the system whether :: means IPv4 too.
        socket.set_only_v6(true)?;
    }
    // On Unix this does not share a port that is in use, but takes one whose last connections have not expired yet.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Whether only this machine can reach the listeners.
pub(crate) fn are_loopback(listeners: &[TcpListener]) -> bool {
    listeners
        .iter()
        .all(|listener| listener.local_addr().is_ok_and(|address| address.ip().to_canonical().is_loopback()))
}

/// Logs where the service can be reached, an IPv4 address last: the line that scripts wait for.
pub(crate) fn announce(listeners: &[tokio::net::TcpListener]) {
    let mut addresses: Vec<SocketAddr> = listeners.iter().filter_map(|l| l.local_addr().ok()).collect();
    addresses.sort_unstable_by(|a, b| b.cmp(a));
    for address in addresses {
        info!("listening on http://{address}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(host: &str) -> Vec<String> {
        resolve(host).expect(host).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn hosts_become_addresses() {
        assert_eq!(addresses("localhost"), ["127.0.0.1", "::1"]);
        assert_eq!(addresses("LocalHost"), ["127.0.0.1", "::1"]);
        assert_eq!(addresses("127.0.0.2"), ["127.0.0.2"]);
        assert_eq!(addresses("::1"), ["::1"]);
        assert_eq!(addresses("[::1]"), ["::1"]);
        assert!(matches!(resolve("no such host"), Err(Error::Resolve { .. })));
    }

    #[test]
    fn a_free_port_is_the_same_at_all_addresses() {
        let listeners = bind("localhost", 0).expect("a free port");
        let ports: Vec<u16> = listeners.iter().map(|l| l.local_addr().expect("bound").port()).collect();
        assert!(ports.iter().all(|&port| port == ports[0] && port != 0), "{ports:?}");
    }

    #[test]
    fn loopback_addresses_are_recognised() {
        let at = |host| bind(host, 0).expect("a free port");
        assert!(are_loopback(&at("localhost")));
        assert!(!are_loopback(&at("0.0.0.0")));
        let mut both = at("127.0.0.1");
        both.extend(at("0.0.0.0"));
        assert!(!are_loopback(&both));
    }

    #[test]
    fn a_port_in_use_is_an_error_even_at_one_address() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = taken.local_addr().expect("bound").port();
        let error = bind("localhost", port).expect_err("in use");
        assert_eq!(error.to_string(), format!("cannot listen on 127.0.0.1:{port}: the port is in use"));
    }
}
