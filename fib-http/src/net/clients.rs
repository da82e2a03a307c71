//! Which connections belong to one client, and how many it may have.

use std::net::{IpAddr, Ipv6Addr};

/// A client: an IPv4 address, or the first 64 bits of an IPv6 address, of which a client can choose the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Client(IpAddr);

/// How many connections a client may have.
#[derive(Clone, Debug)]
pub(crate) struct ClientLimit {
    /// The most connections of one client.
    pub(crate) max_connections: usize,
    /// Addresses that stand for many clients.
    pub(crate) trusted_proxies: Vec<IpAddr>,
}

impl ClientLimit {
    /// The client at an address; `None` where the address may have any number of connections, as those of this machine and
    /// of proxies may.
    pub(crate) fn client_at(&self, address: IpAddr) -> Option<Client> {
        let address = address.to_canonical();
        if address.is_loopback() || self.trusted_proxies.contains(&address) {
            return None;
        }
        Some(Client(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_client_are_told_from_others() {
        let proxy = "10.0.0.1".parse().expect("an address");
        let limit = ClientLimit { max_connections: 1, trusted_proxies: vec![proxy] };
        let client = |address: &str| limit.client_at(address.parse().expect(address));
        for exempt in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "10.0.0.1", "::ffff:10.0.0.1"] {
            assert_eq!(client(exempt), None, "{exempt}");
        }
        for (one, same) in [("10.0.0.2", "::ffff:10.0.0.2"), ("2001:db8::1", "2001:db8::ffff:0:0:2")] {
            assert!(client(one).is_some() && client(one) == client(same), "{one}");
        }
        for (one, other) in [("10.0.0.2", "10.0.0.3"), ("2001:db8::1", "2001:db8:0:1::1")] {
            assert_ne!(client(one), client(other), "{one}");
        }
    }
}
