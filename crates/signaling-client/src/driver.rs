//! Runs one signaling connection: WebSocket on one side, commands and events on the other, the codec in between.
//! Every wait in here is bounded, and the task ends with the connection.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use call_core::{RoomId, Secret, SignalingEvent};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError as ProtocolViolation;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Error as WsError, Message};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, debug, info_span, warn};
use url::Url;

use crate::ayame::{AyameCodec, CloseInfo, Command, Join, Out};
use crate::keep_alive::{Beat, KeepAlive};
use crate::socket::Socket;
use crate::tls::TlsOptions;
use crate::transport::{self, MAX_MESSAGE};
use crate::wire::ProtocolError;

/// Commands and events in flight, each way. A peer trickles tens of candidates at once; more than this means that somebody
/// stopped listening, and then the sender had better wait.
const QUEUE: usize = 64;

/// Where to meet the peer, and how to get there.
#[derive(Clone, Debug)]
pub struct SignalingConfig {
    /// The server, as [`parse_server_url`](crate::parse_server_url) gives it.
    pub url: Url,
    /// The room to join.
    pub room: RoomId,
    /// Names this client to the server. Need not be unique.
    pub client_id: String,
    /// The signaling key, where the server wants one.
    pub key: Option<Secret>,
    /// Whom to trust on a `wss://` URL.
    pub tls: TlsOptions,
    /// How long to wait for what.
    pub timeouts: Timeouts,
}

impl SignalingConfig {
    /// Joins `room` at `url` without a key, with the system's certificate authorities and the usual time-outs.
    #[must_use]
    pub fn new(url: Url, room: RoomId, client_id: impl Into<String>) -> Self {
        Self {
            url,
            room,
            client_id: client_id.into(),
            key: None,
            tls: TlsOptions::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// How long a signaling connection waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the name look-up to the open WebSocket. 8 s, so that what is wrong is known before a caller who gives a server ten
    /// seconds loses patience.
    pub connect: Duration,
    /// From the open WebSocket to the answer to our join request. 8 s, for the same reason.
    pub join: Duration,
    /// Between two WebSocket pings. 20 s: idle proxies cut after 60 s, some after 30 s.
    pub ping: Duration,
    /// Without a sign of life from the server until it counts as dead. 60 s, as Ayame servers do it with us.
    pub dead: Duration,
    /// For the closing handshake. 2 s.
    pub close: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(8),
            join: Duration::from_secs(8),
            ping: Duration::from_secs(20),
            dead: Duration::from_secs(60),
            close: Duration::from_secs(2),
        }
    }
}

/// The near end of one signaling connection. Dropping either queue leaves the room.
#[derive(Debug)]
pub struct Signaling {
    /// What the call wants. Commands before [`SignalingEvent::Joined`] reach nobody and are dropped, except
    /// [`Command::Leave`].
    pub commands: mpsc::Sender<Command>,
    /// What happens. Ends with the connection; the last event is `Rejected`, `Unreachable` or `Lost`, or none of
    /// them when we left ourselves. An Ayame server closes the connection with its `bye`: `PeerLeft`, then `Lost`.
    pub events: mpsc::Receiver<SignalingEvent>,
    /// Messages or parts of them that were left out because they were malformed.
    pub skipped: Arc<AtomicU64>,
}

/// Makes one connection attempt and, if it succeeds, keeps the connection until it ends. Reconnecting is calling this again.
///
/// The work runs as one task of `tracker`; it ends within [`Timeouts::close`] after `cancel`.
///
/// # Panics
/// Outside a tokio runtime.
pub fn connect(config: SignalingConfig, tracker: &TaskTracker, cancel: CancellationToken) -> Signaling {
    let (commands, wanted) = mpsc::channel(QUEUE);
    let (happened, events) = mpsc::channel(QUEUE);
    let skipped = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&skipped);
    tracker.spawn(run(config, wanted, happened, counter, cancel).instrument(info_span!("signaling")));
    Signaling { commands, events, skipped }
}

async fn run(
    config: SignalingConfig,
    mut wanted: mpsc::Receiver<Command>,
    happened: mpsc::Sender<SignalingEvent>,
    skipped: Arc<AtomicU64>,
    cancel: CancellationToken,
) {
    if config.url.scheme() == "wss" && config.tls.insecure && config.tls.pin_sha256.is_none() {
        warn!("the server's certificate is NOT checked (--insecure): anybody on the way can listen in and take part");
    }
    let opened = tokio::select! {
        biased;
        () = cancel.cancelled() => return,
        () = leave(&mut wanted) => return,
        opened = transport::open(&config.url, &config.tls, config.timeouts.connect) => opened,
    };
    match opened {
        Ok(socket) => {
            debug!("websocket open");
            let connection = Connection::new(&config, socket, wanted, happened, skipped);
            connection.run(cancel).await;
        }
        Err(error) => {
            let event = SignalingEvent::Unreachable { retry: error.may_heal(), reason: error.to_string() };
            // The only event of this connection, so the queue has room; an error means that nobody wants to know.
            let _ = happened.send(event).await;
        }
    }
}

/// Waits until the call gives up on a connection that is not open yet.
async fn leave(wanted: &mut mpsc::Receiver<Command>) {
    while !matches!(wanted.recv().await, None | Some(Command::Leave)) {}
}

/// Why a connection is over.
enum End {
    /// Nothing more to do here: we leave, or the codec has said its last word.
    Ours,
    /// The server or the line ended it. With the code to close with, if there is anybody left to close with.
    Theirs(CloseInfo, Option<CloseCode>),
}

struct Connection<S> {
    socket: Socket<S>,
    codec: AyameCodec,
    keep_alive: KeepAlive,
    timeouts: Timeouts,
    answer_due: Instant,
    /// An event for which the queue had no room yet. While there is one, nothing is read from the server, but commands are
    /// still taken: a call that waits for us to take its command must not wait for ever.
    undelivered: Option<SignalingEvent>,
    wanted: mpsc::Receiver<Command>,
    happened: mpsc::Sender<SignalingEvent>,
    skipped: Arc<AtomicU64>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    fn new(
        config: &SignalingConfig,
        socket: WebSocketStream<S>,
        wanted: mpsc::Receiver<Command>,
        happened: mpsc::Sender<SignalingEvent>,
        skipped: Arc<AtomicU64>,
    ) -> Self {
        let timeouts = config.timeouts;
        let now = Instant::now();
        Self {
            socket: Socket::new(socket),
            codec: AyameCodec::new(Join {
                room: config.room.clone(),
                client_id: config.client_id.clone(),
                key: config.key.clone(),
                agent: concat!("ringback ", env!("CARGO_PKG_VERSION")).to_owned(),
            }),
            keep_alive: KeepAlive::new(now.into_std(), timeouts.ping, timeouts.dead),
            timeouts,
            answer_due: now + timeouts.join,
            undelivered: None,
            wanted,
            happened,
            skipped,
        }
    }

    async fn run(mut self, cancel: CancellationToken) {
        let end = tokio::select! {
            biased;
            () = cancel.cancelled() => End::Ours,
            end = self.serve() => end,
        };
        // A call that is stuck sending us a command gets an error now, and reads on.
        self.wanted.close();
        let (last, code) = match end {
            End::Ours => (None, Some(CloseCode::Normal)),
            End::Theirs(info, code) => (self.codec.on_close(info), code),
        };
        let Self { socket, happened, undelivered, timeouts, .. } = self;
        let tell = async move {
            for event in undelivered.into_iter().chain(last) {
                tokio::select! {
                    () = cancel.cancelled() => return,
                    _ = happened.send(event) => {}
                }
            }
        };
        // Neither waits for the other: the call need not watch our good manners, nor the server our deaf call.
        let farewell = async move {
            if let Some(code) = code {
                socket.close(code, timeouts.close).await;
            }
        };
        tokio::join!(tell, farewell);
        debug!("connection over");
    }

    /// Carries messages both ways until the connection is over.
    async fn serve(&mut self) -> End {
        let register = self.codec.on_open();
        let mut flow = self.perform(register);
        loop {
            if let ControlFlow::Break(end) = flow {
                return end;
            }
            // Looked at on every turn, so that a server that talks without end about other things is left as well.
            if !self.codec.is_answered() && Instant::now() >= self.answer_due {
                return self.unanswered();
            }
            let listening = self.undelivered.is_none();
            let wake = self.deadline();
            // In this order a flood from the server cannot drown our own commands, and what has arrived already counts
            // before the clock does.
            flow = tokio::select! {
                biased;
                command = self.wanted.recv() => {
                    let command = command.unwrap_or(Command::Leave);
                    if matches!(command, Command::Leave) {
                        // Who leaves wants to hear no more.
                        self.undelivered = None;
                    }
                    let out = self.codec.on_command(command);
                    self.perform(out)
                }
                () = self.happened.closed() => ControlFlow::Break(End::Ours),
                () = deliver(&self.happened, &mut self.undelivered), if !listening => {
                    // While the call did not listen to us, we did not listen to the server: that silence was ours.
                    self.keep_alive.heard(Instant::now().into_std());
                    ControlFlow::Continue(())
                }
                received = self.socket.next(), if listening => self.receive(received),
                () = sleep_until(wake), if listening => self.tick(),
            };
        }
    }

    fn deadline(&self) -> Instant {
        let beat = Instant::from_std(self.keep_alive.deadline());
        if self.codec.is_answered() { beat } else { beat.min(self.answer_due) }
    }

    fn unanswered(&self) -> End {
        let reason = format!(
            "the server did not answer the join request within {:?}: is it an Ayame server? check the URL",
            self.timeouts.join
        );
        End::Theirs(CloseInfo::Broken(reason), Some(CloseCode::Normal))
    }

    fn tick(&mut self) -> ControlFlow<End> {
        match self.keep_alive.poll(Instant::now().into_std()) {
            None => ControlFlow::Continue(()),
            Some(Beat::Ping) => self.queue(Message::Ping(Bytes::new())),
            Some(Beat::Dead) => broken(format!("the server has been silent for {:?}", self.timeouts.dead)),
        }
    }

    fn receive(&mut self, received: Option<Result<Message, WsError>>) -> ControlFlow<End> {
        self.keep_alive.heard(Instant::now().into_std());
        match received {
            Some(Ok(Message::Text(text))) => self.understand(&text),
            Some(Ok(Message::Binary(bytes))) => match std::str::from_utf8(&bytes) {
                Ok(text) => self.understand(text),
                Err(_) => self.skip(&ProtocolError::NotJson),
            },
            // tungstenite answers pings by itself.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => ControlFlow::Continue(()),
            Some(Ok(Message::Close(frame))) => {
                let (code, reason) = match frame {
                    Some(frame) => (u16::from(frame.code), frame.reason.to_string()),
                    None => (1005, String::new()),
                };
                ControlFlow::Break(End::Theirs(CloseInfo::Frame { code, reason }, Some(CloseCode::Normal)))
            }
            Some(Err(error)) => self.failed(&error),
            None => cut(),
        }
    }

    fn understand(&mut self, text: &str) -> ControlFlow<End> {
        match self.codec.on_text(text) {
            Ok(out) => self.perform(out),
            Err(error) => self.skip(&error),
        }
    }

    fn perform(&mut self, out: Vec<Out>) -> ControlFlow<End> {
        for step in out {
            match step {
                Out::Send(text) => self.queue(Message::text(text))?,
                Out::Skipped(error) => self.skip(&error)?,
                Out::Close => return ControlFlow::Break(End::Ours),
                // One message gives one event, and no other is read before it is delivered.
                Out::Event(event) => self.undelivered = Some(event),
            }
        }
        ControlFlow::Continue(())
    }

    fn queue(&mut self, message: Message) -> ControlFlow<End> {
        match self.socket.queue(message) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&self, error: &WsError) -> ControlFlow<End> {
        match error {
            WsError::Capacity(_) => ControlFlow::Break(End::Theirs(
                CloseInfo::Broken(format!("the server sent a message of more than {} KiB", MAX_MESSAGE / 1024)),
                Some(CloseCode::Size),
            )),
            WsError::WriteBufferFull(_) => broken("the server takes no more messages".to_owned()),
            WsError::Protocol(ProtocolViolation::ResetWithoutClosingHandshake) => cut(),
            WsError::Io(error) if is_cut(error.kind()) => cut(),
            WsError::Protocol(_) => {
                ControlFlow::Break(End::Theirs(CloseInfo::Broken(error.to_string()), Some(CloseCode::Protocol)))
            }
            error => broken(error.to_string()),
        }
    }

    /// Leaves a message out. The first is worth a warning; a server that sends one often sends thousands.
    fn skip(&self, error: &ProtocolError) -> ControlFlow<End> {
        if self.skipped.fetch_add(1, Ordering::Relaxed) == 0 {
            warn!(%error, "skipped a signaling message; further ones are only counted");
        } else {
            debug!(%error, "skipped a signaling message");
        }
        ControlFlow::Continue(())
    }
}

/// Moves the event in `slot` into the queue once it has room.
async fn deliver(queue: &mpsc::Sender<SignalingEvent>, slot: &mut Option<SignalingEvent>) {
    if let (Ok(room), Some(event)) = (queue.reserve().await, slot.take()) {
        room.send(event);
    }
}

fn broken(reason: String) -> ControlFlow<End> {
    ControlFlow::Break(End::Theirs(CloseInfo::Broken(reason), None))
}

/// How the end of the line shows, with and without TLS.
fn is_cut(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

fn cut() -> ControlFlow<End> {
    broken("the line was cut without a close frame".to_owned())
}

#[cfg(test)]
mod tests;
