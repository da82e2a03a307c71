//! From a host and a port to listening sockets.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

#[cfg(target_os = "linux")]
use socket2::SockRef;
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
/// When one of them is not a listening TCP socket.
#[cfg(unix)]
pub fn inherited() -> Result<Option<Vec<TcpListener>>, Error> {
    let mut handed_over = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for position in 0..handed_over.len() {
        let Some(listener) = handed_over.take_tcp_listener(position).map_err(Error::Inherit)? else { continue };
        // socket2 cannot tell on every system.
        #[cfg(target_os = "linux")]
        if !SockRef::from(&listener).is_listener().map_err(Error::Inherit)? {
            return Err(Error::Inherit(io::Error::new(io::ErrorKind::InvalidInput, "one of them does not listen")));
        }
        listeners.push(listener);
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

/// Listens on all addresses of all `hosts`. Port 0 takes a free port, the same one for all of them.
///
/// `::` means all IPv6 addresses and `0.0.0.0` all IPv4 addresses, on every system. An address that this machine does not have
/// is left out if its host has another one, such as `localhost` without IPv6; so is `::` beside other hosts.
///
/// Names are resolved by std, before the runtime starts: tokio's lookup would start a thread.
///
/// # Errors
/// When a host has no address, when none of its addresses can be listened on, or when the port is in use at any of them.
pub fn bind(hosts: &[impl AsRef<str>], port: u16) -> Result<Vec<TcpListener>, Error> {
    let hosts = distinct(hosts.iter().map(|host| resolve(host.as_ref())).collect::<Result<_, _>>()?);
    let mut attempts = if port == 0 { FREE_PORT_ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        match bind_all(&hosts, port) {
            // The port that is free at one address is in use at another.
            Err(Error::Bind { source, .. }) if source.kind() == io::ErrorKind::AddrInUse && attempts > 0 => {}
            result => return result,
        }
    }
}

/// The addresses of `host` with port 0, each once, those of IPv4 first.
///
/// `localhost` means both loopback addresses (RFC 6761), whatever the system's tables say.
pub(crate) fn resolve(host: &str) -> Result<Vec<SocketAddr>, Error> {
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()]);
    }
    let failed = |source| Error::Resolve { host: host.to_owned(), source };
    // An IPv6 address may stand in brackets, as in a URL.
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let mut addresses: Vec<SocketAddr> = (bare, 0).to_socket_addrs().map_err(failed)?.collect();
    for address in &mut addresses {
        // An IPv4 address in the form of an IPv6 one means the IPv4 address: these sockets do not serve both families.
        address.set_ip(address.ip().to_canonical());
    }
    addresses.sort_unstable();
    addresses.dedup();
    if addresses.is_empty() {
        return Err(failed(io::Error::new(io::ErrorKind::NotFound, "it has no address")));
    }
    Ok(addresses)
}

/// The same hosts without the addresses that hosts before them have, or that `0.0.0.0` or `::` covers.
fn distinct(mut hosts: Vec<Vec<SocketAddr>>) -> Vec<Vec<SocketAddr>> {
    let all = hosts.concat();
    let is_covered = |address: &SocketAddr| {
        let covers = |other: &SocketAddr| other.ip().is_unspecified() && other.is_ipv4() == address.is_ipv4();
        !address.ip().is_unspecified() && all.iter().any(covers)
    };
    let mut seen = Vec::new();
    for addresses in &mut hosts {
        addresses.retain(|address| !seen.contains(address) && !is_covered(address));
        seen.extend_from_slice(addresses);
    }
    hosts
}

fn bind_all(hosts: &[Vec<SocketAddr>], mut port: u16) -> Result<Vec<TcpListener>, Error> {
    let mut listeners = Vec::new();
    let mut left_out = Vec::new();
    for addresses in hosts {
        let before = listeners.len();
        for &(mut address) in addresses {
            address.set_port(port);
            match listen(address).and_then(|listener| Ok((listener.local_addr()?, listener))) {
                Ok((bound, listener)) => {
                    port = bound.port();
                    listeners.push(listener);
                }
                Err(source) if is_unavailable(&source) => left_out.push(Error::Bind { address, source }),
                Err(source) => return Err(Error::Bind { address, source }),
            }
        }
        let is_all_of_a_family = addresses.iter().all(|address| address.ip().is_unspecified());
        if listeners.len() == before && !is_all_of_a_family {
            return Err(left_out.pop().expect("each address is listened on or left out"));
        }
    }
    if listeners.is_empty() {
        return Err(left_out.pop().expect("there is a host"));
    }
    for error in left_out {
        info!("{error}; this address is left out");
    }
    Ok(listeners)
}

/// Whether this machine does not have the address, or nothing of its family.
fn is_unavailable(error: &io::Error) -> bool {
    #[cfg(unix)]
    const NO_FAMILY: i32 = rustix::io::Errno::AFNOSUPPORT.raw_os_error();
    // WSAEAFNOSUPPORT
    #[cfg(not(unix))]
    const NO_FAMILY: i32 = 10_047;

    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(NO_FAMILY)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    if let SocketAddr::V6(v6) = address {
        // The system lets :: be listened on when no interface can have an IPv6 address.
        if v6.ip().is_unspecified() && !has_ipv6_address() {
            return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, "this machine has no IPv6 address"));
        }
        if v6.ip().is_unicast_link_local() && v6.scope_id() == 0 {
            let message = "a link-local address needs its interface, as in fe80::1%eth0";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
    }
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // Otherwise it is up to the system whether :: means IPv4 too.
        socket.set_only_v6(true)?;
    }
    // On Unix this does not share a port that is in use, but takes one whose last connections have not expired yet. On Windows
    // it would share the port. SO_EXCLUSIVEADDRUSE, which keeps 0.0.0.0 and 127.0.0.1 from sharing one there, has no safe API.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Whether any interface has an IPv6 address. The loopback interface has one, unless IPv6 is turned off for it.
fn has_ipv6_address() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
        || std::fs::read("/proc/net/if_inet6").is_ok_and(|addresses| !addresses.is_empty())
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
        resolve(host).expect(host).iter().map(|address| address.ip().to_string()).collect()
    }

    #[test]
    fn hosts_become_addresses() {
        assert_eq!(addresses("localhost"), ["127.0.0.1", "::1"]);
        assert_eq!(addresses("LocalHost"), ["127.0.0.1", "::1"]);
        assert_eq!(addresses("127.0.0.2"), ["127.0.0.2"]);
        assert_eq!(addresses("::1"), ["::1"]);
        assert_eq!(addresses("[::1]"), ["::1"]);
        assert_eq!(addresses("::ffff:127.0.0.1"), ["127.0.0.1"]);
        assert!(matches!(resolve("no such host"), Err(Error::Resolve { .. })));
    }

    #[test]
    fn a_free_port_is_the_same_at_all_addresses() {
        let listeners = bind(&["localhost"], 0).expect("a free port");
        let ports: Vec<u16> = listeners.iter().map(|l| l.local_addr().expect("bound").port()).collect();
        assert!(ports.iter().all(|&port| port == ports[0] && port != 0), "{ports:?}");
    }

    #[test]
    fn a_port_in_use_is_an_error_even_at_one_address() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = taken.local_addr().expect("bound").port();
        let error = bind(&["localhost"], port).expect_err("in use");
        assert_eq!(error.to_string(), format!("cannot listen on 127.0.0.1:{port}: the port is in use"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_interface_of_a_link_local_address_is_kept() {
        // The loopback interface is the first one.
        for host in ["fe80::1%lo", "[fe80::1%lo]", "fe80::1%1"] {
            let addresses = resolve(host).expect(host);
            assert_eq!(addresses, [std::net::SocketAddrV6::new("fe80::1".parse().expect("valid"), 0, 0, 1).into()]);
        }
        let error = bind(&["fe80::1"], 0).expect_err("no interface");
        assert!(error.to_string().contains("%eth0"), "{error}");
    }

    #[test]
    fn an_address_is_listened_on_once() {
        let distinct = |hosts: &[&str]| {
            let hosts = distinct(hosts.iter().map(|host| resolve(host).expect(host)).collect());
            hosts.concat().iter().map(|address| address.ip().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(distinct(&["localhost", "127.0.0.1", "::1"]), ["127.0.0.1", "::1"]);
        assert_eq!(distinct(&["127.0.0.1", "0.0.0.0", "::1"]), ["0.0.0.0", "::1"]);
        assert_eq!(distinct(&["localhost", "0.0.0.0", "::", "::"]), ["0.0.0.0", "::"]);
    }

    #[test]
    fn a_host_without_any_address_here_is_an_error() {
        // Reserved for documentation (RFC 5737), so this machine does not have it.
        let error = bind(&["127.0.0.1", "192.0.2.1"], 0).expect_err("not here");
        assert!(error.to_string().contains("192.0.2.1"), "{error}");
    }
}
