//! A socket that outlives its address: when the address goes, or the way to the peer leads over another one, it is opened anew
//! below ICE, which does not notice; and it follows a peer that does the same. [`path`] has the rules.

mod check;
mod path;

pub(crate) use check::{Credentials, is_request};

use crate::address;
use crate::channels::Tasks;
use crate::datagrams::send_now;
use check::TransactionId;
use path::{Path, Received};
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tracing::{debug, info};
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

/// How often a socket in use looks whether its address is still there. A move costs that much of the time that it takes.
const LOOK: Duration = Duration::from_millis(100);

/// Makes a socket ready for the connection.
pub(crate) type Wrap = Arc<dyn Fn(std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> + Send + Sync>;

/// The credentials of the current ICE generation, which the sockets share; none before the descriptions are exchanged.
pub(crate) type SharedCredentials = Arc<Mutex<Option<Credentials>>>;

/// A socket as ICE sees it, and the real one behind it. Of its locks, only that of the credentials is held while another one,
/// that of the path, is taken.
pub(crate) struct Migrating {
    local: SocketAddr,
    inner: Mutex<Inner>,
    path: Mutex<Path>,
    receiver: Mutex<Option<Waker>>,
    credentials: SharedCredentials,
    wrap: Wrap,
}

struct Inner {
    socket: Arc<dyn AsyncUdpSocket>,
    /// The address that it is bound to; `None` once it takes the one that the route gives it.
    bound: Option<IpAddr>,
}

impl std::fmt::Debug for Migrating {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Migrating")
    }
}

impl Migrating {
    /// Takes over `socket`. Where it may move, a task looks after its address.
    pub(crate) fn new(
        socket: std::net::UdpSocket,
        may_move: bool,
        credentials: SharedCredentials,
        wrap: Wrap,
        tasks: &Tasks,
    ) -> io::Result<Arc<Self>> {
        let local = socket.local_addr()?;
        let inner = Inner { socket: wrap(socket)?, bound: Some(local.ip()) };
        let migrating = Arc::new(Self {
            local,
            inner: Mutex::new(inner),
            path: Mutex::default(),
            receiver: Mutex::default(),
            credentials,
            wrap,
        });
        if may_move && !local.ip().is_loopback() && !local.ip().is_unspecified() {
            tasks.spawn(look_after(Arc::downgrade(&migrating)));
        }
        Ok(migrating)
    }

    /// Opens the socket anew where that is due, and tells the peer.
    fn look(&self, now: Instant) {
        let Some(peer) = lock(&self.path).in_use() else { return };
        let bound = lock(&self.inner).bound;
        if let Some(bound) = bound {
            let gone = !address::exists(bound);
            let elsewhere = || address::towards(peer).is_some_and(|ip| ip != bound);
            if lock(&self.path).is_to_move(now, gone, elsewhere) {
                match self.reopen() {
                    Ok(()) => lock(&self.path).moved(now),
                    Err(error) => debug!("a socket cannot be opened anew: {error}"),
                }
            }
        }
        let told = {
            let credentials = lock(&self.credentials);
            lock(&self.path).tell(now, credentials.as_ref(), new_id)
        };
        if let Some((peer, check)) = told {
            send_now(&*self.socket(), peer, &check);
        }
    }

    /// Opens a socket whose address the route decides, now and later.
    fn reopen(&self) -> io::Result<()> {
        let any = match self.local {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let socket = std::net::UdpSocket::bind(SocketAddr::new(any, 0))?;
        socket.set_nonblocking(true)?;
        let socket = (self.wrap)(socket)?;
        *lock(&self.inner) = Inner { socket, bound: None };
        info!("our address on the network changed: the call moves along");
        // Whoever waits for packets waits at the old socket.
        if let Some(waker) = lock(&self.receiver).take() {
            waker.wake();
        }
        Ok(())
    }

    fn socket(&self) -> Arc<dyn AsyncUdpSocket> {
        lock(&self.inner).socket.clone()
    }
}

impl AsyncUdpSocket for Migrating {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    fn poll_send(&self, context: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let destination = lock(&self.path).sent(transmit.destination, transmit.contents);
        let Transmit { ecn, contents, segment_size, .. } = *transmit;
        let sent =
            self.socket().poll_send(context, &Transmit { destination, ecn, contents, segment_size, src_ip: None });
        match sent {
            // Without a network everything is lost, until there is one again.
            Poll::Ready(Err(error)) if is_lost(&error) => Poll::Ready(Ok(contents.len())),
            sent => sent,
        }
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        {
            let mut receiver = lock(&self.receiver);
            if !receiver.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                *receiver = Some(context.waker().clone());
            }
        }
        loop {
            let socket = self.socket();
            let count = std::task::ready!(socket.poll_recv(context, buffers, meta))?;
            let now = Instant::now();
            let mut kept = 0;
            for index in 0..count.min(meta.len()) {
                let (from, length) = (meta[index].addr, meta[index].len);
                let datagram = &buffers[index][..length.min(buffers[index].len())];
                let received = {
                    let credentials = lock(&self.credentials);
                    lock(&self.path).received(now, from, datagram, credentials.as_ref(), new_id)
                };
                let shown = match received {
                    Received::Pass(shown) => shown,
                    Received::PassAndAsk(shown, check) => {
                        send_now(&*self.socket(), from, &check);
                        shown
                    }
                    Received::Taken => continue,
                };
                meta[index].addr = shown;
                if kept != index {
                    let (before, after) = buffers.split_at_mut(index);
                    before[kept][..length].copy_from_slice(&after[0][..length]);
                    meta[kept] = meta[index];
                }
                kept += 1;
            }
            if kept > 0 {
                return Poll::Ready(Ok(kept));
            }
        }
    }

    fn max_gso_segments(&self) -> usize {
        self.socket().max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.socket().max_gro_segments()
    }
}

async fn look_after(socket: Weak<Migrating>) {
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        match socket.upgrade() {
            Some(socket) => socket.look(Instant::now()),
            None => return,
        }
    }
}

fn is_lost(error: &io::Error) -> bool {
    use io::ErrorKind::{AddrNotAvailable, HostUnreachable, NetworkDown, NetworkUnreachable, PermissionDenied};
    // Linux says "invalid" of a bound address that is gone.
    matches!(
        error.kind(),
        AddrNotAvailable
            | HostUnreachable
            | NetworkDown
            | NetworkUnreachable
            | PermissionDenied
            | io::ErrorKind::InvalidInput
    )
}

/// Nobody can guess it: the standard library's hash has 128 secret bits of the system in each state (SipHash).
fn new_id() -> TransactionId {
    use std::hash::{BuildHasher as _, RandomState};
    let state = RandomState::new();
    let mut id = TransactionId::default();
    id.0[..8].copy_from_slice(&state.hash_one(0).to_be_bytes());
    id.0[8..].copy_from_slice(&state.hash_one(1).to_be_bytes()[..4]);
    id
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
