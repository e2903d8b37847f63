//! The other end of a signaling connection, in the hands of the test: a peer on the real server, or the server itself.
//! It may say whatever it likes; what it hears is awaited with a time-out.

use std::time::Duration;

use call_core::{Candidate, Description, PeerEvent};
use futures_util::{SinkExt as _, StreamExt as _};
use peer_connection::{Peer, PeerConfig, PeerEvents, PeerNotice};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// Long enough for a loaded machine; nothing takes that long where it works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

/// A signaling server that is played by the test.
pub(crate) struct FakeServer(TcpListener);

impl FakeServer {
    pub(crate) async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports"))
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/signaling", self.0.local_addr().expect("it is bound"))
    }

    /// The next client, before it has said anything.
    pub(crate) async fn stream(&self) -> TcpStream {
        within("a client", self.0.accept()).await.expect("a client").0
    }

    /// The next client, after it asked to join.
    pub(crate) async fn registered(&self) -> Line {
        let stream = self.stream().await;
        let socket = within("an upgrade", tokio_tungstenite::accept_async(stream)).await.expect("a WebSocket");
        let mut line = Line(socket);
        line.hear("register").await;
        line
    }

    /// The next client, let into the room: alone, so that it waits, or second, so that it offers.
    pub(crate) async fn joined(&self, second: bool) -> Line {
        let mut line = self.registered().await;
        line.say(&json!({ "type": "accept", "isExistClient": second, "isExistUser": second })).await;
        line
    }
}

/// One end of a signaling connection.
pub(crate) struct Line(WebSocketStream<TcpStream>);

impl Line {
    /// Joins a room of a real server.
    pub(crate) async fn join(url: &str, room: &str) -> Self {
        let place = url.trim_start_matches("ws://").split('/').next().expect("never empty");
        let stream = TcpStream::connect(place).await.expect("the server listens");
        let (socket, _) =
            within("an upgrade", tokio_tungstenite::client_async(url, stream)).await.expect("a WebSocket");
        let mut line = Self(socket);
        line.say(&json!({ "type": "register", "roomId": room, "clientId": "villain" })).await;
        line.hear("accept").await;
        line
    }

    pub(crate) async fn say(&mut self, message: &Value) {
        self.send(Message::text(message.to_string())).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        within("a client that reads", self.0.send(message)).await.expect("the client is there");
    }

    /// Sends what the client may refuse in the middle.
    pub(crate) async fn try_send(&mut self, message: Message) {
        let _ = within("a client that reads or goes", self.0.send(message)).await;
    }

    /// Closes the connection in order, without a reason.
    pub(crate) async fn close(mut self) {
        within("the close", self.0.close(None)).await.expect("the client is there");
    }

    /// The next message, as it came.
    pub(crate) async fn text(&mut self) -> String {
        within("a message", async {
            loop {
                let message = self.0.next().await.expect("the client is there").expect("the client is there");
                if let Message::Text(text) = message {
                    return text.to_string();
                }
            }
        })
        .await
    }

    /// The next message of that type; others are passed over.
    pub(crate) async fn hear(&mut self, kind: &str) -> Value {
        within(kind, async {
            loop {
                let message = self.0.next().await.expect("the client is there").expect("the client is there");
                if let Message::Text(text) = message
                    && let Ok(value) = serde_json::from_str::<Value>(&text)
                    && value["type"] == kind
                {
                    return value;
                }
            }
        })
        .await
    }

    /// Waits until the client has dealt with all that was said before.
    pub(crate) async fn settled(&mut self) {
        self.say(&json!({ "type": "ping" })).await;
        self.hear("pong").await;
    }

    pub(crate) async fn offer(&mut self, sdp: &str) {
        self.say(&json!({ "type": "offer", "sdp": sdp })).await;
    }

    pub(crate) async fn answer(&mut self, sdp: &str) {
        self.say(&json!({ "type": "answer", "sdp": sdp })).await;
    }

    pub(crate) async fn candidate(&mut self, candidate: &str) {
        self.say(&json!({ "type": "candidate", "ice": { "candidate": candidate, "sdpMid": "0", "sdpMLineIndex": 0 } }))
            .await;
    }
}

/// A real peer connection on loopback, for villains that get as far as media.
pub(crate) struct Accomplice {
    pub(crate) peer: Peer,
    events: PeerEvents,
}

impl Accomplice {
    pub(crate) async fn open() -> Self {
        let bind = vec!["127.0.0.1".parse().expect("an address")];
        let (peer, events) =
            Peer::open(PeerConfig { bind, ..PeerConfig::default() }).await.expect("loopback can be bound");
        Self { peer, events }
    }

    /// A good offer, applied here.
    pub(crate) async fn offer(&mut self) -> String {
        let offer = self.peer.create_offer().await.expect("an offer");
        self.peer.set_local(offer.clone()).await.expect("our own");
        offer.sdp
    }

    /// Offers, sends the candidate (there is one, of loopback), and takes the answer.
    pub(crate) async fn call(&mut self, line: &mut Line) {
        let sdp = self.offer().await;
        line.offer(&sdp).await;
        let candidate = self.candidate().await;
        line.candidate(&candidate.candidate).await;
        self.take_answer(line).await;
    }

    pub(crate) async fn take_answer(&mut self, line: &mut Line) {
        let answer = line.hear("answer").await;
        let sdp = answer["sdp"].as_str().expect("an answer has a text");
        self.peer.set_remote(Description::answer(sdp)).await.expect("a good answer");
    }

    /// Answers the offer of a client, with a text that the villain may change, and sends the candidate.
    pub(crate) async fn answer(&mut self, line: &mut Line, change: impl Fn(String) -> String) {
        let offer = line.hear("offer").await;
        let sdp = offer["sdp"].as_str().expect("an offer has a text");
        self.peer.set_remote(Description::offer(sdp)).await.expect("a good offer");
        let answer = self.peer.create_answer().await.expect("an answer");
        self.peer.set_local(answer.clone()).await.expect("our own");
        line.answer(&change(answer.sdp)).await;
        let candidate = self.candidate().await;
        line.candidate(&candidate.candidate).await;
    }

    async fn candidate(&mut self) -> Candidate {
        self.until(|event| match event {
            PeerEvent::LocalCandidate(candidate) if !candidate.is_end_of_candidates() => Some(candidate),
            _ => None,
        })
        .await
    }

    pub(crate) async fn until<T>(&mut self, wanted: impl Fn(PeerEvent) -> Option<T>) -> T {
        within("an event of the connection", async {
            loop {
                if let PeerNotice::Session(event) = self.events.notices.recv().await.expect("the connection reports")
                    && let Some(found) = wanted(event)
                {
                    return found;
                }
            }
        })
        .await
    }

    pub(crate) async fn until_event(&mut self, event: PeerEvent) {
        self.until(|other| (other == event).then_some(())).await;
    }
}
