//! Which addresses count as one stranger, and which of this machine's addresses to print.
//! Nothing here sends a packet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// What a limit per address counts by: an IPv4 address, or the /64 that an IPv6 subscriber has for himself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Origin(IpAddr);

impl Origin {
    /// The origin of a connection; an IPv4 address mapped into IPv6 counts as the IPv4 address.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) if !v6.is_loopback() => {
                Self(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))))
            }
            other => Self(other),
        }
    }

    /// Whether it is this machine itself.
    pub(crate) fn is_loopback(self) -> bool {
        self.0.is_loopback()
    }
}

/// This machine's addresses without loopback and link-local ones, which other machines cannot use in a URL.
pub(crate) fn local_addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    interfaces
        .into_iter()
        .filter(|interface| !interface.is_loopback() && !interface.is_link_local())
        .map(|interface| interface.ip())
        .collect()
}

/// The address to tell others for a server that listens on `listen`: itself, or the address of the default route
/// when it listens on all of them.
#[must_use]
pub fn reachable(listen: SocketAddr) -> SocketAddr {
    if !listen.ip().is_unspecified() {
        return listen;
    }
    let ip = default_route_address()
        .or_else(|| local_addresses().into_iter().find(IpAddr::is_ipv4))
        .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    SocketAddr::new(ip, listen.port())
}

/// Connecting a datagram socket only asks the routing table; 192.0.2.1 is for documentation (RFC 5737).
fn default_route_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_subnet_and_a_mapped_address_count_as_one() {
        let of = |text: &str| Origin::of(text.parse().expect("an address"));
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2::9"));
        assert_ne!(of("2001:db8:1:2::9"), of("2001:db8:1:3::9"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
        assert!(of("::1").is_loopback() && of("::ffff:127.0.0.1").is_loopback() && of("127.0.0.9").is_loopback());
        assert!(!of("192.0.2.7").is_loopback());
    }

    #[test]
    fn a_server_on_one_address_is_told_by_that_address() {
        let listen = SocketAddr::from(([127, 0, 0, 1], 7550));
        assert_eq!(reachable(listen), listen);
        assert!(!reachable(SocketAddr::from(([0, 0, 0, 0], 7550))).ip().is_unspecified());
    }
}
