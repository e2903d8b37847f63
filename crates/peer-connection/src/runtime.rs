//! The runtime that webrtc-rs works on: tokio, with large socket buffers, bounded name look-ups and a brisk set-up.
//! Each connection has its own, because each decides by itself how long it is in a hurry.

use crate::handshake::Repeating;
use crate::ice_tcp::IceTcp;
use crate::migration::{Migrating, SharedCredentials, Wrap};
use crate::network::{Carried, Network};
use crate::turn_stream::{StreamServers, WithStreams};
use socket2::SockRef;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tracing::debug;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime, TokioRuntime,
};

/// Kernel buffers of a socket, each way. With the usual 208 KiB a burst overflows them, and SCTP, whose shortest
/// retransmission time is one second, then falls from 100 MB/s to 15.
const SOCKET_BUFFER: usize = 4 << 20;

/// All name look-ups of one connection together: the connection stands still meanwhile, host candidates included.
const LOOKUP_BUDGET: Duration = Duration::from_secs(2);

/// The longest sleep of a connection in a hurry; a remote candidate, for one, does not wake it by itself.
const HURRIED_SLEEP: Duration = Duration::from_millis(5);

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Makes a connection pass through its work without pause while it is being set up.
///
/// The driver of webrtc-rs flushes what is to be sent, then handles events, then sleeps until its next timer, up to
/// 200 ms. What an event caused to be sent (the DTLS hello once ICE has a pair, the SCTP INIT once DTLS is done, the
/// opening of a data channel) lies there until then. In a hurry, each pass that did something is followed by another
/// at once, and no sleep is longer than [`HURRIED_SLEEP`].
#[derive(Debug)]
pub(crate) struct Pace {
    origin: Instant,
    until_millis: AtomicU64,
    /// The last sleep ran to its end: nothing has happened since.
    rested: AtomicBool,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self { origin: Instant::now(), until_millis: AtomicU64::new(0), rested: AtomicBool::new(false) }
    }

    /// In a hurry for `time` from now on, or a little longer where that was said before.
    pub(crate) fn hurry(&self, time: Duration) {
        self.until_millis.fetch_max(self.millis() + time.as_millis() as u64, Relaxed);
    }

    /// No hurry from now on.
    pub(crate) fn rest(&self) {
        self.until_millis.store(0, Relaxed);
    }

    fn is_hurried(&self) -> bool {
        self.millis() < self.until_millis.load(Relaxed)
    }

    fn millis(&self) -> u64 {
        self.origin.elapsed().as_millis() as u64
    }
}

/// Tokio with the above.
#[derive(Debug)]
pub(crate) struct PeerRuntime {
    inner: TokioRuntime,
    pace: Arc<Pace>,
    network: Option<Arc<dyn Network>>,
    streams: StreamServers,
    credentials: SharedCredentials,
    tcp: Option<IceTcp>,
    /// Whether sockets may leave the address that they were bound to.
    may_move: bool,
    lookups_spent_millis: AtomicU64,
}

impl PeerRuntime {
    /// Datagrams go over `network` where there is one, and those to TURN servers behind streams over `streams`.
    pub(crate) fn new(pace: Arc<Pace>, network: Option<Arc<dyn Network>>, streams: StreamServers) -> Self {
        let (credentials, lookups_spent_millis) = (SharedCredentials::default(), AtomicU64::new(0));
        Self {
            inner: TokioRuntime,
            pace,
            network,
            streams,
            credentials,
            tcp: None,
            may_move: false,
            lookups_spent_millis,
        }
    }

    /// With sockets that follow the peer, as it proves itself by `credentials`; and that may move themselves, if they may.
    pub(crate) fn migrating(self, credentials: SharedCredentials, may_move: bool) -> Self {
        Self { credentials, may_move, ..self }
    }

    /// With streams to the peer.
    pub(crate) fn with_tcp(self, tcp: IceTcp) -> Self {
        Self { tcp: Some(tcp), ..self }
    }
}

impl Runtime for PeerRuntime {
    fn spawn(&self, future: Boxed<'static, ()>) -> Box<dyn JoinHandle> {
        self.inner.spawn(future)
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let tasks = &self.streams.tasks;
        if let Some(network) = &self.network {
            return Ok(Repeating::new(Arc::new(Carried::new(&**network, socket)?), tasks));
        }
        let wrap: Wrap = Arc::new(|socket| {
            enlarge(&socket);
            TokioRuntime.wrap_udp_socket(socket)
        });
        let wrapped = Migrating::new(socket, self.may_move, self.credentials.clone(), wrap, tasks)?;
        let carried: Arc<dyn AsyncUdpSocket> = if self.streams.servers.is_empty() {
            wrapped
        } else {
            Arc::new(WithStreams::new(wrapped, self.streams.clone()))
        };
        Ok(Repeating::new(carried, tasks))
    }

    fn wrap_tcp_listener(&self, listener: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        self.tcp.as_ref().ok_or(io::ErrorKind::Unsupported)?.listen(listener)
    }

    fn connect_tcp<'a>(&'a self, address: SocketAddr) -> Boxed<'a, io::Result<Arc<dyn AsyncTcpStream>>> {
        // It asks for what is open already: our rules on what a stranger may have us connect to are all in one place.
        let stream = self.tcp.as_ref().ok_or(io::ErrorKind::Unsupported.into()).and_then(|tcp| tcp.take(address));
        Box::pin(std::future::ready(stream))
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Boxed<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            if let Some(made_up) = StreamServers::look_up(host) {
                return Ok(made_up);
            }
            let spent = Duration::from_millis(self.lookups_spent_millis.load(Relaxed));
            let began = Instant::now();
            let found = tokio::time::timeout(LOOKUP_BUDGET.saturating_sub(spent), self.inner.resolve_host(host)).await;
            self.lookups_spent_millis.fetch_add(began.elapsed().as_millis() as u64, Relaxed);
            found.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "the name look-up took too long")))
        })
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        if !self.pace.is_hurried() {
            return self.inner.sleep(duration);
        }
        let pace = self.pace.clone();
        let rest = self.inner.sleep(duration.min(HURRIED_SLEEP));
        let rested = pace.rested.swap(false, Relaxed);
        Box::pin(async move {
            if rested {
                rest.await;
            }
            pace.rested.store(true, Relaxed);
        })
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        self.inner.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.inner.block_on(future);
    }
}

fn enlarge(socket: &std::net::UdpSocket) {
    let options = SockRef::from(socket);
    for (direction, set) in [
        ("receive", options.set_recv_buffer_size(SOCKET_BUFFER)),
        ("send", options.set_send_buffer_size(SOCKET_BUFFER)),
    ] {
        if let Err(error) = set {
            debug!("the {direction} buffer of a socket keeps its size: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn in_a_hurry_a_pass_that_did_something_is_followed_by_another_at_once() {
        let pace = Arc::new(Pace::new());
        let runtime = PeerRuntime::new(pace.clone(), None, StreamServers::default());
        pace.hurry(Duration::from_secs(60));
        let poll = |mut sleep: Boxed<'static, ()>| {
            sleep.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready()
        };
        let day = Duration::from_secs(86_400);
        assert!(poll(runtime.sleep(day)), "the first pass did something");
        assert!(!poll(runtime.sleep(day)), "nothing happened since: sleep");
        assert!(poll(runtime.sleep(day)), "the sleep was cut short: something happened");
        pace.rest();
        assert!(!poll(runtime.sleep(day)));
    }

    #[tokio::test]
    async fn sockets_get_large_buffers() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
        let probe = socket.try_clone().expect("a second handle");
        let before = SockRef::from(&probe).recv_buffer_size().expect("readable");
        let runtime = PeerRuntime::new(Arc::new(Pace::new()), None, StreamServers::default());
        socket.set_nonblocking(true).expect("settable");
        let _wrapped = runtime.wrap_udp_socket(socket).expect("wrapped");
        assert!(SockRef::from(&probe).recv_buffer_size().expect("readable") >= before);
    }
}
