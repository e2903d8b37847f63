//! What each kind of router does to addresses and to packets that nobody asked for, and which pairs a hole punch connects.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use lab::network::lab::Lab;
use lab::network::nat::Nat;
use lab::network::place::Port;

use crate::probe::{address, receive, socket};
use crate::ready::{lab, turn_with_routers};

/// Packets that come at all come within this: a thousand times what the lab needs.
const LONG: Duration = Duration::from_secs(2);

/// Packets that have not come within this do not.
const SHORT: Duration = Duration::from_millis(300);

/// A datagram from a host to a server's socket, and back; where the server saw it come from.
fn ask(host: &UdpSocket, server: &UdpSocket, to: SocketAddr, within: Duration) -> Option<SocketAddr> {
    host.send_to(b"ask", to).unwrap();
    let (_, seen) = receive(server, within)?;
    server.send_to(b"answer", seen).unwrap();
    assert_eq!(receive(host, LONG).expect("answers pass").1, to);
    Some(seen)
}

#[test]
fn each_kind_maps_and_filters_as_its_name_says() {
    let Some(_turn) = turn_with_routers() else { return };
    for (nat, same_mapping, open) in
        [(Nat::None, true, true), (Nat::Full, true, true), (Nat::Cone, true, false), (Nat::Symmetric, false, false)]
    {
        let lab = lab("", nat, Nat::None);
        let host = socket(&lab, Port::A, 40_000);
        let servers = [9000, 9001, 9002].map(|port| socket(&lab, Port::S, port));
        let seen = |server: usize| {
            let to = address(&lab, Port::S, 9000 + server as u16);
            ask(&host, &servers[server], to, LONG).expect("questions pass")
        };
        let (first, second) = (seen(0), seen(1));
        assert_eq!(first == second, same_mapping, "{nat}: {first}, {second}");
        let outside: std::net::IpAddr = [10, 201, 0, 1].into();
        assert_eq!((first.ip(), second.ip()), (outside, outside), "{nat} hides the host");
        // Nothing was sent to the third.
        servers[2].send_to(b"unasked", first).unwrap();
        assert_eq!(receive(&host, if open { LONG } else { SHORT }).is_some(), open, "{nat}");
    }
}

#[test]
fn where_udp_is_dropped_tcp_still_passes() {
    let Some(_turn) = turn_with_routers() else { return };
    let lab = lab("", Nat::NoUdp, Nat::None);
    let (host, server) = (socket(&lab, Port::A, 40_000), socket(&lab, Port::S, 9000));
    assert_eq!(ask(&host, &server, address(&lab, Port::S, 9000), SHORT), None);
    let to = address(&lab, Port::S, 9000);
    let _listener = lab.inside(Port::S, || TcpListener::bind(to)).unwrap().unwrap();
    lab.inside(Port::A, || TcpStream::connect_timeout(&to, LONG)).unwrap().unwrap();
}

/// One side of a hole punch.
struct Puncher {
    socket: UdpSocket,
    /// Where the other is, as the server saw it; then as its packets come.
    peer: SocketAddr,
    reached: bool,
}

impl Puncher {
    fn send(&self) {
        self.socket.send_to(b"punch", self.peer).unwrap();
    }

    fn listen(&mut self) {
        if let Some((_, from)) = receive(&self.socket, Duration::from_millis(20)) {
            (self.peer, self.reached) = (from, true);
        }
    }
}

/// Whether packets pass both ways after both sides learned from the server where the other is.
fn punched(lab: &Lab) -> bool {
    let server = socket(lab, Port::S, 9000);
    let register = |host| {
        let socket = socket(lab, host, 41_000);
        ask(&socket, &server, address(lab, Port::S, 9000), SHORT).map(|seen| (socket, seen))
    };
    let (Some((a, a_seen)), Some((b, b_seen))) = (register(Port::A), register(Port::B)) else { return false };
    let mut sides = [(a, b_seen), (b, a_seen)].map(|(socket, peer)| Puncher { socket, peer, reached: false });
    for _ in 0..20 {
        sides.iter().for_each(Puncher::send);
        sides.iter_mut().for_each(Puncher::listen);
        if sides.iter().all(|side| side.reached) {
            return true;
        }
    }
    false
}

#[test]
fn a_hole_punch_connects_the_pairs_of_the_table_and_no_others() {
    let Some(_turn) = turn_with_routers() else { return };
    for (position, one) in Nat::ALL.into_iter().enumerate() {
        for other in Nat::ALL.into_iter().skip(position) {
            let strict = |nat| matches!(nat, Nat::Cone | Nat::Symmetric);
            let unforeseeable = [one, other].contains(&Nat::Symmetric) && strict(one) && strict(other);
            let connects = !unforeseeable && ![one, other].contains(&Nat::NoUdp);
            let lab = lab("both 0s delay=2ms", one, other);
            assert_eq!(punched(&lab), connects, "{one} and {other}");
        }
    }
}
