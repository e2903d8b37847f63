//! Sockets on the hosts of a lab, and threads that measure without being late themselves.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use lab::network::lab::Lab;
use lab::network::place::Port;

/// A UDP socket on a host.
pub(crate) fn socket(lab: &Lab, host: Port, port: u16) -> UdpSocket {
    lab.inside(host, || UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))).unwrap().unwrap()
}

/// Where that socket is reached from the same side of the routers.
pub(crate) fn address(lab: &Lab, host: Port, port: u16) -> SocketAddr {
    SocketAddr::new(lab.address(host), port)
}

/// The next datagram within so long, and who sent it.
pub(crate) fn receive(socket: &UdpSocket, within: Duration) -> Option<(Vec<u8>, SocketAddr)> {
    let mut buffer = [0; 2048];
    socket.set_read_timeout(Some(within.max(Duration::from_micros(1)))).unwrap();
    let (bytes, from) = socket.recv_from(&mut buffer).ok()?;
    Some((buffer[..bytes].to_vec(), from))
}

/// Sends back whatever comes, until an empty datagram.
pub(crate) fn echo(socket: &UdpSocket) {
    be_punctual();
    while let Some((datagram, from)) =
        receive(socket, Duration::from_secs(10)).filter(|(datagram, _)| !datagram.is_empty())
    {
        socket.send_to(&datagram, from).unwrap();
    }
}

/// Ends an [`echo`] from its own host, where nothing is lost.
pub(crate) fn end_echo(lab: &Lab, host: Port, port: u16) {
    let own = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    socket(lab, host, 0).send_to(&[], own).unwrap();
}

/// Sends datagrams of this size for so long at this many bits a second, headers included.
pub(crate) fn flood(socket: &UdpSocket, to: SocketAddr, size: usize, bits_per_second: f64, length: Duration) -> u64 {
    be_punctual();
    let start = Instant::now();
    let mut sent = 0;
    while start.elapsed() < length {
        let due = start.elapsed().as_secs_f64() * bits_per_second / 8.0 / (size + 28) as f64;
        while (sent as f64) < due {
            socket.send_to(&vec![0; size], to).unwrap();
            sent += 1;
        }
        // Nothing comes: the wait is the pace.
        receive(socket, Duration::from_millis(1));
    }
    sent
}

/// Asks for real-time priority, so that a busy machine does not add its own delay; without the right to it, goes on.
pub(crate) fn be_punctual() {
    let priority = libc::sched_param { sched_priority: 5 };
    // SAFETY: the call changes the calling thread alone; `priority` outlives it.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &raw const priority) };
}
