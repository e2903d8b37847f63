//! The network in memory in real time: a thread that delivers each datagram when the core says, and the sockets at its ends.
//! The core decides what is lost, late or queued; nothing leaves this process. Sockets are named by their port on this
//! machine, which the core knows at the address of the host that opened them.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use call_engine::{Network, NetworkSocket};
use lab::network::memory::MemoryNetwork;
use lab::network::place::Port;

/// Datagrams that a socket holds for its reader: 4 MiB of full ones, as the real sockets do.
const INBOX: usize = 3_000;

/// The network and its thread, which ends when the last handle is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Wire(Arc<Owner>);

/// The network as one of its hosts sees it.
#[derive(Debug)]
pub(crate) struct Host {
    wire: Wire,
    port: Port,
}

/// Ends the thread with the last handle; the thread itself holds only what is inside.
#[derive(Debug)]
struct Owner(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Something was sent, or it is over.
    changed: Condvar,
}

struct State {
    network: MemoryNetwork,
    /// By their addresses in the network in memory.
    inboxes: HashMap<SocketAddr, Inbox>,
    /// From addresses of this machine to those in the network.
    places: HashMap<SocketAddr, SocketAddr>,
    over: bool,
}

struct Inbox {
    /// Its address on this machine.
    local: SocketAddr,
    datagrams: VecDeque<(SocketAddr, Vec<u8>)>,
    reader: Option<Waker>,
}

impl Wire {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(network: MemoryNetwork) -> std::io::Result<Self> {
        let state = State { network, inboxes: HashMap::new(), places: HashMap::new(), over: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let carrying = shared.clone();
        std::thread::Builder::new().name("wire".into()).spawn(move || carrying.carry())?;
        Ok(Self(Arc::new(Owner(shared))))
    }

    /// The network as this host sees it.
    pub(crate) fn host(&self, port: Port) -> Arc<dyn Network> {
        Arc::new(Host { wire: self.clone(), port })
    }

    /// Looks at the network, for its counters.
    pub(crate) fn look<T>(&self, at: impl FnOnce(&mut MemoryNetwork) -> T) -> T {
        at(&mut self.0.0.lock().network)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.lock().over = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn carry(&self) {
        let mut state = self.lock();
        while !state.over {
            let now = Instant::now();
            state.deliver(now);
            state = match state.network.deadline() {
                Some(due) => {
                    let wait = due.saturating_duration_since(now);
                    self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

impl State {
    fn deliver(&mut self, now: Instant) {
        while let Some(delivery) = self.network.poll(now) {
            let sender = self.inboxes.get(&delivery.from).map(|inbox| inbox.local);
            // Nobody has that address (any more): lost, as anywhere.
            let (Some(from), Some(inbox)) = (sender, self.inboxes.get_mut(&delivery.to)) else { continue };
            if inbox.datagrams.len() < INBOX {
                inbox.datagrams.push_back((from, delivery.payload));
            }
            if let Some(reader) = inbox.reader.take() {
                reader.wake();
            }
        }
    }
}

impl Network for Host {
    fn open(&self, local: SocketAddr) -> Arc<dyn NetworkSocket> {
        let shared = self.wire.0.0.clone();
        let ip = MemoryNetwork::address(self.port).unwrap_or(local.ip());
        let place = SocketAddr::new(ip, local.port());
        {
            let mut state = shared.lock();
            state.places.insert(local, place);
            state.inboxes.insert(place, Inbox { local, datagrams: VecDeque::new(), reader: None });
        }
        Arc::new(Socket { local, place, shared })
    }
}

struct Socket {
    local: SocketAddr,
    place: SocketAddr,
    shared: Arc<Shared>,
}

impl NetworkSocket for Socket {
    fn send(&self, to: SocketAddr, datagram: &[u8]) {
        let mut state = self.shared.lock();
        let Some(to) = state.places.get(&to).copied() else { return };
        state.network.send(Instant::now(), self.place, to, datagram.to_vec());
        drop(state);
        self.shared.changed.notify_all();
    }

    fn poll_receive(&self, context: &mut Context<'_>) -> Poll<(SocketAddr, Vec<u8>)> {
        let mut state = self.shared.lock();
        let Some(inbox) = state.inboxes.get_mut(&self.place) else { return Poll::Pending };
        match inbox.datagrams.pop_front() {
            Some(datagram) => Poll::Ready(datagram),
            None => {
                inbox.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.places.remove(&self.local);
        state.inboxes.remove(&self.place);
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Socket({})", self.local)
    }
}
