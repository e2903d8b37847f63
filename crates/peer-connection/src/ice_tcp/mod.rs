//! Paths over TCP (RFC 6544), for where no UDP passes between the two: when streams are opened and taken, and how many.
//! To webrtc-rs a stream exists only once it is of use: the other side took it, or proved by a check that it is the peer's.
//!
//! UDP comes first: nothing is opened, and nothing taken in, before ICE had [`HEAD_START`] to find a path without. A stream
//! needs no migration as sockets have it: where its address goes it breaks, and the session restarts ICE.

mod listener;
mod stream;

use crate::address;
use crate::channels::Tasks;
use crate::convert;
use crate::migration::SharedCredentials;
use bytes::Bytes;
use call_core::Candidate;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use stream::Stream;
use tokio::net::TcpSocket;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use tracing::debug;
use webrtc::peer_connection::PeerConnection;
use webrtc::runtime::{AsyncTcpListener, AsyncTcpStream};

/// From the exchange of descriptions on, for UDP alone: enough for a hole through two routers. A relay is taken only after a
/// second, so that a path over TCP, which is direct, comes before that.
const HEAD_START: Duration = Duration::from_millis(600);

/// What does not answer by then is behind a router, or is nobody.
const CONNECTS_WITHIN: Duration = Duration::from_secs(5);

/// Streams of the peer that are in use at a time, on all listeners: one for each of its interfaces, and some more.
const MAX_TAKEN: usize = 8;

/// All that is over TCP in one connection; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct IceTcp(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    allowed: bool,
    /// The addresses of ours; others are not connected from.
    bind: Vec<SocketAddr>,
    credentials: SharedCredentials,
    tasks: Tasks,
    progress: watch::Sender<Progress>,
    /// Streams that webrtc-rs is about to ask for.
    opened: Mutex<HashMap<SocketAddr, Arc<Stream>>>,
    places: Arc<Semaphore>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// When the descriptions were exchanged, last.
    negotiated: Option<Instant>,
    /// ICE has a path.
    settled: bool,
}

impl IceTcp {
    /// With sockets on these addresses, where TCP is allowed.
    pub(crate) fn new(allowed: bool, bind: Vec<SocketAddr>, credentials: SharedCredentials, tasks: Tasks) -> Self {
        let (progress, _) = watch::channel(Progress::default());
        let places = Arc::new(Semaphore::new(MAX_TAKEN));
        Self(Arc::new(Shared { allowed, bind, credentials, tasks, progress, opened: Mutex::default(), places }))
    }

    /// What to listen on: none where TCP is not allowed.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        if self.0.allowed { self.0.bind.clone() } else { Vec::new() }
    }

    /// The descriptions are exchanged: the credentials are those.
    pub(crate) fn negotiated(&self) {
        self.0.progress.send_modify(|progress| progress.negotiated = Some(Instant::now()));
    }

    /// ICE has found a path, or has lost it.
    pub(crate) fn settled(&self, settled: bool) {
        self.0.progress.send_modify(|progress| progress.settled = settled);
    }

    /// Whether a stream may be opened to this address, which a stranger chose: none that stands for many, for this machine where
    /// ICE does not use it, or for a service of the system other than the web's (as browsers have it).
    pub(crate) fn permits(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        self.0.allowed
            && (address.port() >= 1024 || [80, 443].contains(&address.port()))
            && !(ip.is_unspecified() || ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST))
            && (!ip.is_loopback() || address::has_loopback(&self.0.bind))
    }

    /// Opens a stream to the peer when UDP does not find it, and gives the candidate to ICE then.
    pub(crate) fn reach(&self, address: SocketAddr, candidate: Candidate, connection: Arc<dyn PeerConnection>) {
        let this = self.clone();
        self.0.tasks.spawn(async move {
            if !this.is_wanted(Instant::now()).await {
                return;
            }
            match tokio::time::timeout(CONNECTS_WITHIN, this.connect(address)).await {
                Ok(Ok(stream)) if !this.0.progress.borrow().settled => {
                    this.opened().insert(address, stream);
                    if let Err(error) = connection.add_ice_candidate(convert::candidate_init(candidate)).await {
                        debug!("a candidate over TCP is not accepted: {error}");
                        this.opened().remove(&address);
                    }
                }
                Ok(Ok(_)) => {}
                Ok(Err(error)) => debug!("a candidate over TCP is not reached: {error}"),
                Err(_) => debug!("a candidate over TCP does not answer"),
            }
        });
    }

    /// The stream that [`reach`](Self::reach) opened.
    ///
    /// # Errors
    /// There is none: nobody else opens streams.
    pub(crate) fn take(&self, address: SocketAddr) -> io::Result<Arc<dyn AsyncTcpStream>> {
        let stream = self.opened().remove(&address).ok_or(io::ErrorKind::NotConnected)?;
        Ok(stream)
    }

    /// Listens for the peer.
    ///
    /// # Errors
    /// The socket is of no use.
    pub(crate) fn listen(&self, socket: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        Ok(listener::Listener::start(self.clone(), socket)?)
    }

    /// Once UDP has had its time since then: whether there is still no path.
    async fn is_wanted(&self, since: Instant) -> bool {
        let mut progress = self.0.progress.subscribe();
        // The sender is in `self`.
        let Ok(negotiated) = progress.wait_for(|progress| progress.negotiated.is_some()).await.map(|found| *found)
        else {
            return false;
        };
        let since = negotiated.negotiated.map_or(since, |negotiated| negotiated.max(since));
        tokio::time::sleep_until(since + HEAD_START).await;
        !self.0.progress.borrow().settled
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<Arc<Stream>> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // From an address of ours, as ICE knows no other: the one that the route leads out from, where there is a choice.
        let ours = || self.0.bind.iter().filter(|ours| ours.is_ipv4() == address.is_ipv4());
        if !ours().any(|ours| ours.ip().is_unspecified()) {
            let towards = address::towards(address);
            let from = ours().find(|ours| Some(ours.ip()) == towards).or(ours().next());
            socket.bind(*from.ok_or(io::ErrorKind::AddrNotAvailable)?)?;
        }
        Stream::start(socket.connect(address).await?, Bytes::new(), None, &self.0.tasks)
    }

    fn opened(&self) -> MutexGuard<'_, HashMap<SocketAddr, Arc<Stream>>> {
        self.0.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(bind: &str, allowed: bool) -> IceTcp {
        let bind = vec![bind.parse().expect("an address")];
        IceTcp::new(allowed, bind, SharedCredentials::default(), Tasks::default())
    }

    #[test]
    fn only_addresses_of_single_other_machines_are_connected_to() {
        let (open, local, shut) = (on("0.0.0.0:0", true), on("127.0.0.1:0", true), on("127.0.0.1:0", false));
        for (address, permitted) in [
            ("192.0.2.1:50000", true),
            ("192.0.2.1:443", true),
            ("[fd00::1]:1024", true),
            ("192.0.2.1:25", false),
            ("192.0.2.1:9", false),
            ("192.0.2.1:0", false),
            ("0.0.0.0:50000", false),
            ("[::]:50000", false),
            ("224.0.0.1:50000", false),
            ("[ff02::1]:50000", false),
            ("255.255.255.255:50000", false),
            ("127.0.0.1:50000", false),
            ("[::ffff:127.0.0.1]:50000", false),
        ] {
            let address = address.parse().expect("an address");
            assert_eq!(open.permits(address), permitted, "{address}");
            assert!(!shut.permits(address), "{address}");
        }
        assert!(local.permits("127.0.0.1:50000".parse().expect("an address")));
        assert!(shut.addresses().is_empty() && !local.addresses().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn udp_has_a_head_start_from_the_exchange_of_descriptions_on() {
        let tcp = on("127.0.0.1:0", true);
        let asked = Instant::now();
        let wanted = tokio::spawn({
            let tcp = tcp.clone();
            async move { (tcp.is_wanted(asked).await, Instant::now()) }
        });
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!wanted.is_finished(), "nobody knows the peer yet");
        tcp.negotiated();
        let (wanted, at) = wanted.await.expect("no panic");
        assert!(wanted && at >= asked + Duration::from_secs(60) + HEAD_START);
        tcp.settled(true);
        assert!(!tcp.is_wanted(Instant::now()).await);
        tcp.settled(false);
        assert!(tcp.is_wanted(Instant::now()).await);
    }
}
