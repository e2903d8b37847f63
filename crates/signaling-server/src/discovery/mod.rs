//! Finds the machine on this network that hosts a room, by multicast DNS (RFC 6762) and DNS-SD (RFC 6763).
//! The room's name is not published, only a digest of it.
//!
//! The digest hides a name from a glance, not from a guess: whoever knows or guesses the name finds the room.
//! When two machines began to host the same room at once, [`Found::precedes`] tells both the same one to keep.

mod record;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use call_core::RoomId;
use mdns_sd::{IfKind, Receiver, ResolvedService, ServiceDaemon, ServiceEvent, ServiceInfo};
use thiserror::Error;
use tokio::time::timeout;
use tracing::debug;

use crate::ulid;
use record::Record;

/// The DNS-SD type of a hosted room.
pub const SERVICE_TYPE: &str = "_ringback._tcp.local.";
/// How long to look for a host before there is none. It usually answers in 0.05 to 0.4 s, but keeps silent for a second
/// after it last spoke to the network (RFC 6762 §6), and then answers the second question, asked after 1 s.
pub const PATIENCE: Duration = Duration::from_millis(1500);
/// How long a withdrawal may take; it is one packet.
const WITHDRAW_TIMEOUT: Duration = Duration::from_millis(500);
/// Addresses of one host that are looked at; a machine with more is misbehaving.
const MAX_ADDRESSES: usize = 16;

/// Why discovery does not work on this machine.
#[derive(Debug, Error)]
#[error("cannot use multicast DNS on this machine: {0}; give the server's address instead")]
pub struct DiscoveryError(#[from] mdns_sd::Error);

/// Tells the network that this machine hosts a room, until it is withdrawn or dropped.
pub struct Announcement {
    daemon: ServiceDaemon,
    full_name: String,
    instance: String,
}

impl Announcement {
    /// Announces that `room` is hosted at `listen`, with that certificate pin if it speaks TLS. A loopback address is
    /// announced on this machine only, any other on all its networks.
    ///
    /// # Errors
    /// [`DiscoveryError`] when multicast DNS cannot be used.
    pub fn publish(room: &RoomId, listen: SocketAddr, pin: Option<[u8; 32]>) -> Result<Self, DiscoveryError> {
        let instance = ulid::fresh().to_ascii_lowercase();
        // A name of its own, so that it never clashes with what the machine says about itself.
        let host = format!("ringback-{instance}.local.");
        let properties = Record::new(room, pin).to_txt();
        let service = |addresses: &[IpAddr]| {
            ServiceInfo::new(SERVICE_TYPE, &instance, &host, addresses, listen.port(), &properties[..])
        };
        let mut info =
            if listen.ip().is_unspecified() { service(&[])?.enable_addr_auto() } else { service(&[listen.ip()])? };
        if listen.ip().is_loopback() {
            info.set_interfaces(vec![IfKind::LoopbackV4, IfKind::LoopbackV6]);
        }
        // The instance is random: probing for a clash would only cost most of a second.
        info.set_requires_probe(false);
        let full_name = info.get_fullname().to_owned();
        let daemon = ServiceDaemon::new()?;
        daemon.register(info)?;
        Ok(Self { daemon, full_name, instance })
    }

    /// The name that tells this announcement from others of the same room.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Tells the network that the room is no longer hosted here; takes at most half a second.
    pub async fn withdraw(self) {
        if let Ok(withdrawn) = self.daemon.unregister(&self.full_name) {
            let _ = timeout(WITHDRAW_TIMEOUT, withdrawn.recv_async()).await;
        }
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        let _ = self.daemon.unregister(&self.full_name);
        let _ = self.daemon.shutdown();
    }
}

/// A machine that hosts the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The name that tells this host from others of the same room.
    pub instance: String,
    /// Signaling URLs of the same server, the one to try first in front; never empty.
    pub urls: Vec<String>,
    /// SHA-256 of its certificate, for `wss://` URLs.
    pub pin: Option<[u8; 32]>,
}

impl Found {
    /// Whether everyone should use this host and not `announcement`, when both host the same room.
    pub fn precedes(&self, announcement: &Announcement) -> bool {
        self.instance.as_str() < announcement.instance()
    }

    fn from_service(service: &ResolvedService, wanted: &RoomId) -> Option<Self> {
        let txt: HashMap<String, String> = service.txt_properties.clone().into_property_map_str();
        let record = Record::from_txt(|key| txt.get(key).map(String::as_str))?;
        let instance = service.fullname.split('.').next()?.to_owned();
        if !record.is_about(wanted) || instance.is_empty() {
            return None;
        }
        let addresses = service.addresses.iter().take(MAX_ADDRESSES).map(|address| address.to_ip_addr());
        let urls = urls(addresses.collect(), service.port, record.pin().is_some());
        (!urls.is_empty()).then(|| Self { instance, urls, pin: record.pin() })
    }
}

/// Looks for the hosts of a room.
pub struct Browser {
    daemon: ServiceDaemon,
    events: Receiver<ServiceEvent>,
    room: RoomId,
}

impl Browser {
    /// Starts to ask the network, and goes on asking until dropped.
    ///
    /// # Errors
    /// [`DiscoveryError`] when multicast DNS cannot be used.
    pub fn start(room: &RoomId) -> Result<Self, DiscoveryError> {
        let daemon = ServiceDaemon::new()?;
        let events = daemon.browse(SERVICE_TYPE)?;
        Ok(Self { daemon, events, room: room.clone() })
    }

    /// The next host; one whose addresses changed is told again. `None` when the search ended.
    /// Nothing is lost when the future is dropped.
    pub async fn next(&self) -> Option<Found> {
        loop {
            let event = self.events.recv_async().await.ok()?;
            if let ServiceEvent::ServiceResolved(service) = event {
                match Found::from_service(&service, &self.room) {
                    Some(found) => return Some(found),
                    None => debug!("ignoring a service that is not about this room"),
                }
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.daemon.shutdown();
    }
}

/// Looks for a host of `room` for at most `patience`, [`PATIENCE`] as a rule.
///
/// # Errors
/// [`DiscoveryError`] when multicast DNS cannot be used.
pub async fn find(room: &RoomId, patience: Duration) -> Result<Option<Found>, DiscoveryError> {
    let browser = Browser::start(room)?;
    Ok(timeout(patience, browser.next()).await.ok().flatten())
}

/// The URLs for a host's addresses: IPv4 before IPv6, and loopback last, which only works on the same machine.
/// Link-local IPv6 addresses need a scope that a URL cannot carry and are left out.
fn urls(mut addresses: Vec<IpAddr>, port: u16, tls: bool) -> Vec<String> {
    let link_local = |ip: &Ipv6Addr| ip.segments()[0] & 0xffc0 == 0xfe80;
    addresses.retain(|ip| !ip.is_unspecified() && !matches!(ip, IpAddr::V6(v6) if link_local(v6)));
    addresses.sort_by_key(|ip| (ip.is_loopback(), ip.is_ipv6(), *ip));
    addresses.dedup();
    let scheme = if tls { "wss" } else { "ws" };
    addresses.into_iter().map(|ip| format!("{scheme}://{}/signaling", SocketAddr::new(ip, port))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_most_likely_to_work_comes_first() {
        let addresses = ["::1", "fe80::1", "127.0.0.1", "2001:db8::7", "192.0.2.7", "0.0.0.0"];
        let addresses = addresses.iter().map(|text| text.parse().expect("an address")).collect();
        assert_eq!(
            urls(addresses, 7550, true),
            [
                "wss://192.0.2.7:7550/signaling",
                "wss://[2001:db8::7]:7550/signaling",
                "wss://127.0.0.1:7550/signaling",
                "wss://[::1]:7550/signaling"
            ]
        );
        assert_eq!(urls(Vec::new(), 7550, false), Vec::<String>::new());
    }
}
