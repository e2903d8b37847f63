//! Runs one signaling connection: WebSocket on one side, commands and events on the other, the codec in between.
//! Every wait in here is bounded, and the task ends with the connection.

use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use call_core::SignalingEvent;
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

use crate::close::CloseInfo;
use crate::codec::{Codec, Command, Out, ProtocolError};
use crate::config::{SignalingConfig, Timeouts};
use crate::keep_alive::{Beat, KeepAlive};
use crate::server_url::Protocol;
use crate::socket::Socket;
use crate::transport::{self, MAX_MESSAGE};
use crate::whip;

/// Commands and events in flight, each way. A peer trickles tens of candidates at once; more than this means that somebody
/// stopped listening, and then the sender had better wait.
const QUEUE: usize = 64;

/// WebSockets opened anew in one attempt to join. A protocol that looks for its place needs one or two; a server that keeps
/// sending us on is broken.
const MAX_REOPENS: u32 = 4;

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
    let span = info_span!("signaling");
    if config.server.protocol == Protocol::Manual {
        tracker.spawn(by_hand(config, wanted, happened, cancel).instrument(span));
    } else if config.server.protocol.is_http() {
        tracker.spawn(whip::run(config, wanted, happened, counter, cancel).instrument(span));
    } else {
        tracker.spawn(run(config, wanted, happened, counter, cancel).instrument(span));
    }
    Signaling { commands, events, skipped }
}

/// Without a server.
async fn by_hand(
    config: SignalingConfig,
    wanted: mpsc::Receiver<Command>,
    happened: mpsc::Sender<SignalingEvent>,
    cancel: CancellationToken,
) {
    match &config.desk {
        Some(desk) => desk.run(wanted, happened, cancel).await,
        None => {
            let reason = "there is none, and nobody to carry the lines".to_owned();
            // The only event, so the queue has room.
            let _ = happened.send(SignalingEvent::Unreachable { reason, retry: false }).await;
        }
    }
}

async fn run(
    config: SignalingConfig,
    wanted: mpsc::Receiver<Command>,
    happened: mpsc::Sender<SignalingEvent>,
    skipped: Arc<AtomicU64>,
    cancel: CancellationToken,
) {
    if config.server.url.scheme() == "wss" && config.tls.insecure && config.tls.pin_sha256.is_none() {
        warn!("the server's certificate is NOT checked (--insecure): anybody on the way can listen in and take part");
    }
    let mut attempt = Attempt::new(&config, wanted, happened, skipped);
    for _ in 0..=MAX_REOPENS {
        let address = attempt.codec.address();
        let opened = tokio::select! {
            biased;
            () = cancel.cancelled() => return,
            () = leave(&mut attempt.wanted) => return,
            opened = transport::open(&address, &config) => opened,
        };
        match opened {
            Ok(socket) => {
                debug!("websocket open");
                match Connection::new(attempt, socket).run(&cancel).await {
                    Some(again) => attempt = again,
                    None => return,
                }
            }
            Err(error) => return attempt.unreachable(error.to_string(), error.may_heal()).await,
        }
    }
    attempt.unreachable("it sends us from one connection to the next: try another room".to_owned(), true).await;
}

/// Waits until the call gives up on a connection that is not open yet.
async fn leave(wanted: &mut mpsc::Receiver<Command>) {
    while !matches!(wanted.recv().await, None | Some(Command::Leave)) {}
}

/// What outlives one WebSocket of an attempt to join.
struct Attempt {
    codec: Box<dyn Codec>,
    /// What the server should speak, for the person.
    protocol: &'static str,
    timeouts: Timeouts,
    /// Events for which the queue had no room yet: those of one message, as while there is one, nothing is read from the server.
    /// Commands are still taken: a call that waits for us to take its command must not wait for ever.
    undelivered: VecDeque<SignalingEvent>,
    wanted: mpsc::Receiver<Command>,
    happened: mpsc::Sender<SignalingEvent>,
    skipped: Arc<AtomicU64>,
}

impl Attempt {
    fn new(
        config: &SignalingConfig,
        wanted: mpsc::Receiver<Command>,
        happened: mpsc::Sender<SignalingEvent>,
        skipped: Arc<AtomicU64>,
    ) -> Self {
        Self {
            codec: config.codec(),
            protocol: config.server.protocol.name(),
            timeouts: config.timeouts,
            undelivered: VecDeque::new(),
            wanted,
            happened,
            skipped,
        }
    }

    /// No connection came about.
    async fn unreachable(self, reason: String, retry: bool) {
        // The only event of this attempt, so the queue has room; an error means that nobody wants to know.
        let _ = self.happened.send(SignalingEvent::Unreachable { reason, retry }).await;
    }
}

/// Why a connection is over.
enum End {
    /// Nothing more to do here: we leave, or the codec has said its last word.
    Ours,
    /// The codec wants another one.
    Reopen,
    /// The server or the line ended it. With the code to close with, if there is anybody left to close with.
    Theirs(CloseInfo, Option<CloseCode>),
}

struct Connection<S> {
    attempt: Attempt,
    socket: Socket<S>,
    keep_alive: KeepAlive,
    answer_due: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    fn new(attempt: Attempt, socket: WebSocketStream<S>) -> Self {
        let timeouts = attempt.timeouts;
        let now = Instant::now();
        Self {
            attempt,
            socket: Socket::new(socket),
            keep_alive: KeepAlive::new(now.into_std(), timeouts.ping, timeouts.dead),
            answer_due: now + timeouts.join,
        }
    }

    /// Runs the connection to its end. Gives the attempt back when it wants another one.
    async fn run(mut self, cancel: &CancellationToken) -> Option<Attempt> {
        let end = tokio::select! {
            biased;
            () = cancel.cancelled() => End::Ours,
            end = self.serve() => end,
        };
        let Self { mut attempt, socket, .. } = self;
        let close = attempt.timeouts.close;
        let (last, code) = match end {
            End::Reopen => {
                socket.close(CloseCode::Normal, close).await;
                return Some(attempt);
            }
            End::Ours => (None, Some(CloseCode::Normal)),
            End::Theirs(info, code) => (attempt.codec.on_close(info), code),
        };
        let Attempt { mut wanted, happened, undelivered, .. } = attempt;
        // A call that is stuck sending us a command gets an error now, and reads on.
        wanted.close();
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
                socket.close(code, close).await;
            }
        };
        tokio::join!(tell, farewell);
        debug!("connection over");
        None
    }

    /// Carries messages both ways until the connection is over.
    async fn serve(&mut self) -> End {
        let joining = self.attempt.codec.on_open(now());
        let mut flow = self.perform(joining);
        loop {
            if let ControlFlow::Break(end) = flow {
                return end;
            }
            // Looked at on every turn, so that a server that talks without end about other things is left as well.
            if !self.attempt.codec.is_answered() && Instant::now() >= self.answer_due {
                return self.unanswered();
            }
            let listening = self.attempt.undelivered.is_empty();
            let wake = self.deadline();
            let due = self.attempt.codec.deadline();
            let attempt = &mut self.attempt;
            // In this order a flood from the server cannot drown our own commands, and what has arrived already counts
            // before the clock does.
            flow = tokio::select! {
                biased;
                command = attempt.wanted.recv() => {
                    let command = command.unwrap_or(Command::Leave);
                    if matches!(command, Command::Leave) {
                        // Who leaves wants to hear no more.
                        attempt.undelivered.clear();
                    }
                    let out = attempt.codec.on_command(now(), command);
                    self.perform(out)
                }
                () = attempt.happened.closed() => ControlFlow::Break(End::Ours),
                () = deliver(&attempt.happened, &mut attempt.undelivered), if !listening => {
                    // While the call did not listen to us, we did not listen to the server: that silence was ours.
                    self.keep_alive.heard(now());
                    ControlFlow::Continue(())
                }
                received = self.socket.next(listening) => self.receive(received),
                () = sleep_until(wake), if listening => self.tick(),
                () = at(due) => {
                    let out = attempt.codec.on_timeout(now());
                    self.perform(out)
                }
            };
        }
    }

    fn deadline(&self) -> Instant {
        let beat = Instant::from_std(self.keep_alive.deadline());
        if self.attempt.codec.is_answered() { beat } else { beat.min(self.answer_due) }
    }

    fn unanswered(&self) -> End {
        let Attempt { timeouts, protocol, .. } = &self.attempt;
        let reason = format!(
            "the server did not answer the join request within {:?}: does it speak {protocol}? check the URL",
            timeouts.join
        );
        End::Theirs(CloseInfo::Broken(reason), Some(CloseCode::Normal))
    }

    fn tick(&mut self) -> ControlFlow<End> {
        match self.keep_alive.poll(now()) {
            None => ControlFlow::Continue(()),
            Some(Beat::Ping) => self.queue(Message::Ping(Bytes::new())),
            Some(Beat::Dead) => broken(format!("the server has been silent for {:?}", self.attempt.timeouts.dead)),
        }
    }

    fn receive(&mut self, received: Option<Result<Message, WsError>>) -> ControlFlow<End> {
        self.keep_alive.heard(now());
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
        match self.attempt.codec.on_text(now(), text) {
            Ok(out) => self.perform(out),
            Err(error) => self.skip(&error),
        }
    }

    fn perform(&mut self, out: Vec<Out>) -> ControlFlow<End> {
        for step in out {
            match step {
                Out::Send(text) => self.queue(Message::text(text))?,
                Out::Skipped(error) => self.skip(&error)?,
                Out::Reopen => return ControlFlow::Break(End::Reopen),
                Out::Close => return ControlFlow::Break(End::Ours),
                Out::Event(event) => self.attempt.undelivered.push_back(event),
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
        if self.attempt.skipped.fetch_add(1, Ordering::Relaxed) == 0 {
            warn!(%error, "skipped a signaling message; further ones are only counted");
        } else {
            debug!(%error, "skipped a signaling message");
        }
        ControlFlow::Continue(())
    }
}

/// Moves the first event into the queue once it has room.
pub(crate) async fn deliver(queue: &mpsc::Sender<SignalingEvent>, waiting: &mut VecDeque<SignalingEvent>) {
    if let (Ok(room), Some(event)) = (queue.reserve().await, waiting.pop_front()) {
        room.send(event);
    }
}

/// The time as codecs know it.
pub(crate) fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// Waits for a time that may never come.
pub(crate) async fn at(due: Option<std::time::Instant>) {
    match due {
        Some(due) => sleep_until(Instant::from_std(due)).await,
        None => std::future::pending().await,
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
