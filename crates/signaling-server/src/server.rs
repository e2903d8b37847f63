//! The server as its owner sees it: started, asked where it is, shut down.
//! Dropping it shuts it down too, in the background.

use std::fmt::{self, Write as _};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use call_core::RoomId;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::accept::{self, Shared};
use crate::address;
use crate::config::{ServerConfig, Tls};
use crate::hub::{self, Report};
use crate::rooms::RoomServer;
use crate::tls::{self, Identity, TlsError};

/// Why a server does not start.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The address is taken, not this machine's, or not allowed.
    #[error("cannot listen on {address}: {source}; choose another address or port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// There is no usable certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A running signaling server.
pub struct Server {
    local: SocketAddr,
    pin: Option<[u8; 32]>,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
    hub: mpsc::Sender<Report>,
    shared: Shared,
    running: TaskTracker,
}

impl Server {
    /// Starts to listen. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`ServerError`] when the address or the certificate cannot be used.
    pub async fn start(config: ServerConfig) -> Result<Self, ServerError> {
        let rooms =
            RoomServer::new(config.limits.clone(), config.key.as_ref(), config.ice_servers).with_turn(config.turn);
        let shared = Shared {
            limits: config.limits,
            allow_origins: config.allow_origins,
            acceptor: None,
            last_id: Arc::default(),
        };
        let stop = CancellationToken::new();
        let (hub, inbox) = hub::channel();
        let mut server = Self {
            local: config.listen,
            pin: None,
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
            hub,
            shared,
            running: TaskTracker::new(),
        };
        (server.local, server.pin) = server.also_listen(config.listen, &config.tls).await?;
        // The hub ends when the last connection has let go of its queue.
        server.running.spawn(hub::run(rooms, inbox));
        Ok(server)
    }

    /// Listens on a further address, for the same rooms: plain for this machine, say, and encrypted for the network.
    /// Gives the address with the port that the system chose if 0 was asked for, and the certificate's SHA-256.
    /// Each listener counts its connections on its own.
    ///
    /// # Errors
    /// [`ServerError`] when the address or the certificate cannot be used.
    pub async fn also_listen(
        &mut self,
        address: SocketAddr,
        tls: &Tls,
    ) -> Result<(SocketAddr, Option<[u8; 32]>), ServerError> {
        let unusable = |source| ServerError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(unusable)?;
        let local = listener.local_addr().map_err(unusable)?;
        let (acceptor, pin) = match tls::identity(tls, local)? {
            Some(Identity { acceptor, pin }) => (Some(acceptor), Some(pin)),
            None => (None, None),
        };
        let shared = Arc::new(Shared { acceptor, ..self.shared.clone() });
        self.running.spawn(accept::run(listener, shared, self.hub.clone(), self.stop.clone()));
        Ok((local, pin))
    }

    /// The address it listens on, with the port that the system chose if 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// SHA-256 of its certificate in DER; `None` without TLS.
    pub fn pin_sha256(&self) -> Option<[u8; 32]> {
        self.pin
    }

    /// Where a peer connects to, such as `ws://127.0.0.1:7550/signaling`. A server on all addresses is told by the
    /// one that other machines most likely reach.
    pub fn signaling_url(&self) -> String {
        let scheme = if self.pin.is_some() { "wss" } else { "ws" };
        format!("{scheme}://{}/signaling", address::reachable(self.local))
    }

    /// The link that brings a browser into `room`.
    pub fn page_url(&self, room: &RoomId) -> String {
        page_url(self.local, self.pin.is_some(), room)
    }

    /// Closes every connection with code 1001, waits for them for at most 2 s and returns when nothing is left.
    pub async fn shutdown(self) {
        self.stop.cancel();
        // The hub waits for this queue to be let go of.
        drop(self.hub);
        self.running.close();
        self.running.wait().await;
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("local", &self.local).finish_non_exhaustive()
    }
}

/// The link that brings a browser into `room` through a listener at `address`.
#[must_use]
pub fn page_url(address: SocketAddr, tls: bool, room: &RoomId) -> String {
    let scheme = if tls { "https" } else { "http" };
    format!("{scheme}://{}/?room={}", address::reachable(address), percent_encode(room.as_str()))
}

/// Keeps the unreserved characters of RFC 3986 §2.3.
fn percent_encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => write!(encoded, "%{byte:02X}").expect("writing to a string cannot fail"),
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_room_fits_into_a_link() {
        assert_eq!(percent_encode("kitchen-2"), "kitchen-2");
        assert_eq!(percent_encode("a room/ü&x=1#?"), "a%20room%2F%C3%BC%26x%3D1%23%3F");
    }
}
