//! A network in memory: datagrams between the virtual sockets of a and b, by the same profiles as between namespaces.
//! Pure and told the time, so that it runs in virtual time in a test and in real time under a thread that owns it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use super::link::Packet;
use super::place::{LinkName, Port};
use super::profile::Profile;
use super::star::{LinkState, Star};

/// The address of a's virtual sockets, of whatever port (RFC 5737: a network for documentation, never on a real one).
pub const ADDRESS_A: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));

/// The address of b's.
pub const ADDRESS_B: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 2));

/// IPv4 and UDP headers: 20 and 8 bytes (RFC 791 §3.1, RFC 768). They use capacity as the payload does.
pub const HEADER_BYTES: u64 = 28;

/// A datagram that has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When it was due.
    pub at: Instant,
    /// Whose socket it is for.
    pub to: SocketAddr,
    /// Who sent it.
    pub from: SocketAddr,
    /// What was sent.
    pub payload: Vec<u8>,
}

/// The network. The same profile, seed and calls give the same deliveries.
#[derive(Debug)]
pub struct MemoryNetwork {
    star: Star<Datagram>,
    /// The star counts its time from here.
    origin: Instant,
    unroutable: u64,
}

#[derive(Clone, Debug)]
struct Datagram {
    to: SocketAddr,
    from: SocketAddr,
    payload: Vec<u8>,
}

impl Packet for Datagram {
    fn wire_bytes(&self) -> u64 {
        HEADER_BYTES + self.payload.len() as u64
    }
}

impl MemoryNetwork {
    /// A network whose profile begins now.
    pub fn new(profile: Profile, seed: u64, now: Instant) -> Self {
        let mut star = Star::new(profile, seed);
        star.start(Duration::ZERO);
        Self { star, origin: now, unroutable: 0 }
    }

    /// The profile begins again now, so that what went before (setting up a call) took none of its time.
    pub fn start_profile(&mut self, now: Instant) {
        let now = self.time(now);
        self.star.start(now);
    }

    /// The address of that host's sockets; `None` for the server, which is not part of this network.
    pub fn address(port: Port) -> Option<IpAddr> {
        match port {
            Port::A => Some(ADDRESS_A),
            Port::B => Some(ADDRESS_B),
            Port::S => None,
        }
    }

    /// A datagram leaves a socket. One within a host arrives at once; one from or to an address that is neither
    /// [`ADDRESS_A`] nor [`ADDRESS_B`] is counted as unroutable and gone.
    pub fn send(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, payload: Vec<u8>) {
        let (Some(sender), Some(receiver)) = (side(from), side(to)) else {
            self.unroutable += 1;
            return;
        };
        let now = self.time(now);
        let datagram = Datagram { to, from, payload };
        if sender == receiver {
            self.star.deliver(now, receiver, datagram);
        } else {
            self.star.send(now, sender, receiver, datagram);
        }
    }

    /// The next datagram that has arrived by `now`. Whether a socket still has that address is the caller's to know.
    pub fn poll(&mut self, now: Instant) -> Option<Delivery> {
        let now = self.time(now);
        let arrival = self.star.poll(now)?;
        let Datagram { to, from, payload } = arrival.packet;
        Some(Delivery { at: self.origin + arrival.at, to, from, payload })
    }

    /// When to call [`MemoryNetwork::poll`] next; `None`: not before something is sent.
    pub fn deadline(&self) -> Option<Instant> {
        self.star.deadline().map(|at| self.origin + at)
    }

    /// How a link stands.
    pub fn link(&mut self, now: Instant, name: LinkName) -> LinkState {
        let now = self.time(now);
        self.star.link(now, name)
    }

    /// Datagrams from or to an address that this network does not have.
    pub fn unroutable(&self) -> u64 {
        self.unroutable
    }

    fn time(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.origin)
    }
}

fn side(address: SocketAddr) -> Option<Port> {
    [Port::A, Port::B].into_iter().find(|port| MemoryNetwork::address(*port) == Some(address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn a(port: u16) -> SocketAddr {
        SocketAddr::new(ADDRESS_A, port)
    }

    fn b(port: u16) -> SocketAddr {
        SocketAddr::new(ADDRESS_B, port)
    }

    fn network(text: &str, seed: u64, now: Instant) -> MemoryNetwork {
        MemoryNetwork::new(Profile::parse(text).unwrap(), seed, now)
    }

    #[test]
    fn a_datagram_arrives_with_its_addresses_after_the_delay() {
        let start = Instant::now();
        let mut network = network("both 0s delay=20ms", 1, start);
        network.send(start, a(5000), b(6000), vec![1, 2, 3]);
        assert_eq!(network.deadline(), Some(start + MS * 20));
        assert_eq!(network.poll(start + MS * 19), None);
        let delivery = Delivery { at: start + MS * 20, to: b(6000), from: a(5000), payload: vec![1, 2, 3] };
        assert_eq!(network.poll(start + MS * 25), Some(delivery));
        assert_eq!(network.deadline(), None);
    }

    #[test]
    fn within_a_host_nothing_is_delayed_or_lost() {
        let start = Instant::now();
        let mut network = network("both 0s delay=20ms loss=100%", 1, start);
        network.send(start + MS, a(5000), a(5001), vec![0; 100]);
        assert_eq!(network.deadline(), Some(start + MS));
        assert_eq!(network.poll(start + MS).map(|delivery| delivery.to), Some(a(5001)));
    }

    #[test]
    fn an_address_of_neither_host_leads_nowhere() {
        let start = Instant::now();
        let mut network = network("", 1, start);
        for stranger in ["198.51.100.3:1", "127.0.0.1:1", "[::1]:1"] {
            network.send(start, a(5000), stranger.parse().unwrap(), vec![0]);
            network.send(start, stranger.parse().unwrap(), b(5000), vec![0]);
        }
        assert_eq!((network.unroutable(), network.poll(start + MS)), (6, None));
    }

    #[test]
    fn headers_use_capacity_too() {
        let start = Instant::now();
        let mut network = network("ab 0s rate=800kbit", 1, start);
        for _ in 0..10 {
            network.send(start, a(1), b(1), vec![0; 972]);
        }
        let last = std::iter::from_fn(|| network.poll(start + MS * 1000)).last().unwrap();
        assert_eq!(last.at, start + MS * 100);
        let state = network.link(start + MS * 1000, Port::A.up());
        assert_eq!(state.counters.delivered.bytes, 10_000);
    }

    #[test]
    fn the_same_seed_loses_the_same_datagrams_and_another_one_others() {
        let start = Instant::now();
        let arrived = |seed| {
            let mut network = network("both 0s delay=30ms jitter=5ms loss=10%", seed, start);
            for number in 0..500u32 {
                network.send(start + MS * number, a(1), b(1), number.to_be_bytes().to_vec());
            }
            std::iter::from_fn(|| network.poll(start + MS * 5000)).collect::<Vec<Delivery>>()
        };
        assert_eq!(arrived(4), arrived(4));
        assert_ne!(arrived(4), arrived(5));
        assert!((420..480).contains(&arrived(4).len()), "{}", arrived(4).len());
    }

    #[test]
    fn setting_up_takes_no_time_of_the_profile() {
        let start = Instant::now();
        let mut network = network("both 0s delay=10ms\nboth 1s down=on", 1, start);
        network.start_profile(start + MS * 900);
        network.send(start + MS * 1800, a(1), b(1), vec![0]);
        assert!(network.poll(start + MS * 1810).is_some());
        network.send(start + MS * 1900, a(1), b(1), vec![0]);
        assert!(network.poll(start + MS * 3000).is_none());
    }
}
