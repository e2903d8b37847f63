//! What the tests need of a server: a loopback port, and a client that talks to it.

use std::time::Duration;

use call_core::{RoomId, SignalingEvent};
use futures_util::{SinkExt, StreamExt};
use signaling_client::{Signaling, SignalingConfig, parse_server_url};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Longest wait for anything on loopback; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for what has to happen.
#[track_caller]
pub(crate) fn soon<T>(what: impl Future<Output = T>) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        match timeout(PATIENCE, what).await {
            Ok(value) => value,
            Err(_) => panic!("it did not happen in time: {caller}"),
        }
    }
}

/// A free port on loopback.
pub(crate) async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports")
}

/// The next client's WebSocket.
pub(crate) async fn accept(listener: &TcpListener) -> WebSocketStream<TcpStream> {
    let (stream, _) = listener.accept().await.expect("a client comes");
    accept_async(stream).await.expect("a proper request")
}

/// The next message that is not a ping or a pong.
pub(crate) async fn read(socket: &mut WebSocketStream<TcpStream>) -> Message {
    loop {
        match soon(socket.next()).await.expect("an open connection").expect("a good message") {
            Message::Ping(_) | Message::Pong(_) => {}
            message => {
                if message.is_close() {
                    // Writes out tungstenite's answer; the client may be gone already.
                    let _ = socket.flush().await;
                }
                return message;
            }
        }
    }
}

/// How to reach `listener`; `scheme` is `ws` or `wss`.
pub(crate) fn config(scheme: &str, listener: &TcpListener) -> SignalingConfig {
    let port = listener.local_addr().expect("bound").port();
    let url = parse_server_url(&format!("{scheme}://127.0.0.1:{port}")).expect("a good URL");
    SignalingConfig::new(url, RoomId::new("kitchen").expect("a good name"), "alice")
}

/// A client under test and the means to end it.
pub(crate) struct Client {
    pub(crate) signaling: Signaling,
    pub(crate) cancel: CancellationToken,
    pub(crate) tracker: TaskTracker,
}

/// Starts a client.
pub(crate) fn connect(config: SignalingConfig) -> Client {
    let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
    let signaling = signaling_client::connect(config, &tracker, cancel.clone());
    tracker.close();
    Client { signaling, cancel, tracker }
}

impl Client {
    /// The next event, `None` after the last.
    #[track_caller]
    pub(crate) fn event(&mut self) -> impl Future<Output = Option<SignalingEvent>> + '_ {
        soon(self.signaling.events.recv())
    }

    /// The task has ended.
    pub(crate) async fn ended(self) {
        soon(self.tracker.wait()).await;
    }
}
