//! Which connections are synchronized.

use core::net::IpAddr;
use ipnet::IpNet;
use statesync::connection::ConnectionKey;

/// Which connections are synchronized: all but those from or to the configured networks, and those that
/// cannot pass through a firewall at all (loopback, link-local, unspecified and broadcast addresses, and
/// multicast that stays on its link).
#[derive(Clone, Debug, Default)]
pub struct Scope {
    ignored: Vec<IpNet>,
}

impl Scope {
    /// All connections but those from or to one of `ignored`.
    pub fn new(ignored: impl IntoIterator<Item = IpNet>) -> Self {
        Self { ignored: ignored.into_iter().collect() }
    }

    /// Whether this connection is synchronized.
    #[must_use]
    pub fn includes(&self, key: &ConnectionKey) -> bool {
        [key.source, key.destination].iter().all(|address| {
            !stays_on_link(*address)
                && !self.ignored.iter().any(|network| network.contains(address))
        })
    }
}

fn stays_on_link(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.octets().starts_with(&[224, 0, 0])
        }
        IpAddr::V6(v6) => {
            let link_multicast = matches!(v6.octets(), [0xff, flags, ..] if flags & 0x0f <= 2);
            v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified() || link_multicast
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use statesync::connection::Transport;

    #[test]
    fn local_and_ignored_connections_are_left_out() {
        let scope =
            Scope::new(["10.99.0.0/24".parse().unwrap(), "2001:db8:9::/64".parse().unwrap()]);
        let includes = |source: &str, destination: &str| {
            let transport = Transport::Udp { source: 1, destination: 2 };
            let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
            scope.includes(&ConnectionKey { source, destination, transport })
        };
        assert!(includes("10.1.0.1", "192.0.2.1"));
        assert!(includes("2001:db8::1", "2001:db8:8::1"));
        assert!(includes("10.1.0.1", "239.1.1.1"));
        for (source, destination) in [
            ("10.99.0.1", "192.0.2.1"),
            ("192.0.2.1", "10.99.0.255"),
            ("127.0.0.1", "127.0.0.1"),
            ("169.254.1.1", "192.0.2.1"),
            ("10.1.0.1", "224.0.0.18"),
            ("0.0.0.0", "255.255.255.255"),
            ("::1", "::1"),
            ("fe80::1", "2001:db8::1"),
            ("2001:db8::1", "ff02::1"),
            ("2001:db8:9::1", "2001:db8::1"),
        ] {
            assert!(!includes(source, destination), "{source} {destination}");
        }
    }
}
