//! Which local addresses the sockets are bound to.
//! A wildcard stands for every interface but loopback, so that one is named where it is wanted or nothing else is there.

use rtc::shared::ifaces::ifaces;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use tracing::debug;

/// The addresses to bind, each with a port of the system's choice; never none.
pub(crate) fn to_bind(named: &[IpAddr], include_loopback: bool) -> Vec<SocketAddr> {
    choose(named, include_loopback, &interfaces())
}

/// Whether one of `addresses` is loopback, which ICE leaves out unless told not to.
pub(crate) fn has_loopback(addresses: &[SocketAddr]) -> bool {
    addresses.iter().any(|address| address.ip().is_loopback())
}

/// Whether one of our interfaces has this address.
pub(crate) fn exists(address: IpAddr) -> bool {
    interfaces().contains(&address)
}

/// The address of ours that packets to `peer` go out from, by the system's routes; nothing is sent.
pub(crate) fn towards(peer: SocketAddr) -> Option<IpAddr> {
    let any = match peer {
        SocketAddr::V4(_) => SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0),
        SocketAddr::V6(_) => SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0),
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(peer).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

fn choose(named: &[IpAddr], include_loopback: bool, interfaces: &[IpAddr]) -> Vec<SocketAddr> {
    let mut chosen = named.to_vec();
    if named.is_empty() {
        // A wildcard of a family without interface would become a candidate that nobody can reach.
        if interfaces.iter().any(IpAddr::is_ipv4) {
            chosen.push(Ipv4Addr::UNSPECIFIED.into());
        }
        if interfaces.iter().any(IpAddr::is_ipv6) {
            chosen.push(Ipv6Addr::UNSPECIFIED.into());
        }
        if include_loopback || chosen.is_empty() {
            chosen.push(Ipv4Addr::LOCALHOST.into());
        }
    }
    chosen.into_iter().map(|address| SocketAddr::new(address, 0)).collect()
}

/// Addresses that a peer could reach: webrtc-rs leaves out the same ones when it expands a wildcard.
fn interfaces() -> Vec<IpAddr> {
    let found = ifaces().unwrap_or_else(|error| {
        debug!("the network interfaces cannot be listed: {error}");
        Vec::new()
    });
    let reachable = |address: &IpAddr| {
        let link_local = match address {
            IpAddr::V4(address) => address.is_link_local(),
            IpAddr::V6(address) => address.is_unicast_link_local(),
        };
        !address.is_loopback() && !address.is_unspecified() && !link_local
    };
    found.into_iter().filter_map(|interface| interface.addr).map(|address| address.ip()).filter(reachable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(named: &[&str], include_loopback: bool, interfaces: &[&str]) -> Vec<String> {
        let parse = |list: &[&str]| list.iter().map(|text| text.parse().expect("an address")).collect::<Vec<IpAddr>>();
        choose(&parse(named), include_loopback, &parse(interfaces)).iter().map(SocketAddr::to_string).collect()
    }

    #[test]
    fn every_interface_by_default_and_loopback_where_it_is_wanted_or_all_there_is() {
        assert_eq!(chosen(&[], false, &["192.0.2.2"]), ["0.0.0.0:0"]);
        assert_eq!(chosen(&[], false, &["fd00::2", "192.0.2.2"]), ["0.0.0.0:0", "[::]:0"]);
        assert_eq!(chosen(&[], true, &["192.0.2.2"]), ["0.0.0.0:0", "127.0.0.1:0"]);
        assert_eq!(chosen(&[], false, &[]), ["127.0.0.1:0"]);
        assert_eq!(chosen(&["192.0.2.7"], true, &["192.0.2.2"]), ["192.0.2.7:0"]);
    }
}
