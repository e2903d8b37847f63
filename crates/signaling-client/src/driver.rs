//! Runs one signaling connection: WebSocket on one side, commands and events on the other, the codec in between.
//! Every wait in here is bounded, and the task ends with the connection.

mod connection;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use call_core::SignalingEvent;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, debug, info_span, warn};

use crate::codec::{Codec, Command};
use crate::config::{SignalingConfig, Timeouts};
use crate::server_url::Protocol;
use crate::transport;
use crate::whip;
use connection::Connection;

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

#[cfg(test)]
mod tests;
