//! The one task that owns the rooms: it feeds them what the connections report and carries out what they decide.
//! It never waits for a connection; one that does not keep up is dropped.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::config::Limits;
use crate::rooms::{ConnectionId, Input, Output, RoomServer};
use crate::ulid;

/// Reports waiting for the hub. When it is full the connections wait, and with them their senders' TCP windows.
const INBOX: usize = 1024;

/// What a connection tells the hub.
#[derive(Debug)]
pub(crate) enum Report {
    Opened { id: ConnectionId, address: IpAddr, outbox: Outbox },
    Input { id: ConnectionId, input: Input },
}

/// What the hub tells a connection.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Text(String),
    Close { code: u16, reason: &'static str },
}

/// The hub's end of a connection's bounded queue.
#[derive(Debug)]
pub(crate) struct Outbox {
    messages: mpsc::Sender<Outgoing>,
    bytes: Arc<AtomicUsize>,
    most_bytes: usize,
    overflow: CancellationToken,
}

/// The connection's end.
#[derive(Debug)]
pub(crate) struct Outlet {
    messages: mpsc::Receiver<Outgoing>,
    bytes: Arc<AtomicUsize>,
    /// Cancelled when the peer is too slow for its queue.
    pub(crate) overflow: CancellationToken,
}

/// A queue with the bounds of `limits`.
pub(crate) fn outbox(limits: &Limits) -> (Outbox, Outlet) {
    let (sender, receiver) = mpsc::channel(limits.queue_messages.max(1));
    let bytes = Arc::new(AtomicUsize::new(0));
    let overflow = CancellationToken::new();
    let outbox =
        Outbox { messages: sender, bytes: bytes.clone(), most_bytes: limits.queue_bytes, overflow: overflow.clone() };
    (outbox, Outlet { messages: receiver, bytes, overflow })
}

impl Outbox {
    /// Queues a message; false when the peer is too slow for it, and is told so by `overflow`.
    fn push(&self, outgoing: Outgoing) -> bool {
        let size = match &outgoing {
            Outgoing::Text(text) => text.len(),
            Outgoing::Close { .. } => 0,
        };
        let queued = self.bytes.fetch_add(size, Ordering::Relaxed) + size;
        // A connection that already ended is not slow; its report is on the way.
        let fits = queued <= self.most_bytes
            && !matches!(self.messages.try_send(outgoing), Err(mpsc::error::TrySendError::Full(_)));
        if !fits {
            self.overflow.cancel();
        }
        fits
    }
}

impl Outlet {
    /// The next message; `None` when the hub is gone.
    pub(crate) async fn next(&mut self) -> Option<Outgoing> {
        let outgoing = self.messages.recv().await?;
        if let Outgoing::Text(text) = &outgoing {
            self.bytes.fetch_sub(text.len(), Ordering::Relaxed);
        }
        Some(outgoing)
    }
}

/// Starts the hub's queue; run the hub with [`run`].
pub(crate) fn channel() -> (mpsc::Sender<Report>, mpsc::Receiver<Report>) {
    mpsc::channel(INBOX)
}

/// Runs the rooms until the last connection and the listener let go of the hub's queue.
pub(crate) async fn run(mut rooms: RoomServer, mut inbox: mpsc::Receiver<Report>) {
    let mut outboxes: HashMap<ConnectionId, Outbox> = HashMap::new();
    loop {
        while let Some(output) = rooms.poll() {
            let (to, outgoing) = match output {
                Output::Send { to, text } => (to, Outgoing::Text(text)),
                Output::Close { to, code, reason } => (to, Outgoing::Close { code, reason }),
            };
            if outboxes.get(&to).is_some_and(|outbox| !outbox.push(outgoing)) {
                debug!(connection = to.0, "dropping a peer that is too slow");
                outboxes.remove(&to);
                rooms.handle(Instant::now(), to, Input::Closed);
            }
        }
        let deadline = rooms.deadline();
        let time_out = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            report = inbox.recv() => match report {
                None => return,
                Some(Report::Opened { id, address, outbox }) => {
                    outboxes.insert(id, outbox);
                    rooms.handle(Instant::now(), id, Input::Opened { address, label: ulid::fresh() });
                }
                Some(Report::Input { id, input }) => {
                    if input == Input::Closed {
                        outboxes.remove(&id);
                    }
                    rooms.tell_time(since_1970());
                    rooms.handle(Instant::now(), id, input);
                }
            },
            () = time_out => {
                rooms.tell_time(since_1970());
                rooms.handle_timeout(Instant::now());
            }
        }
    }
}

/// A clock before 1970 only gives credentials that nobody takes.
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: usize) -> Outgoing {
        Outgoing::Text("x".repeat(bytes))
    }

    #[tokio::test]
    async fn a_slow_peer_is_dropped_by_messages_and_by_bytes() {
        let limits = Limits { queue_messages: 3, queue_bytes: 100, ..Limits::default() };
        let (outbox, outlet) = outbox(&limits);
        assert!(outbox.push(text(1)) && outbox.push(text(1)) && outbox.push(text(1)));
        assert!(!outbox.push(text(1)) && outlet.overflow.is_cancelled());

        let (outbox, mut outlet) = super::outbox(&limits);
        assert!(outbox.push(text(60)));
        assert!(outlet.next().await.is_some());
        assert!(outbox.push(text(60)) && !outlet.overflow.is_cancelled(), "what was taken no longer counts");
        assert!(!outbox.push(text(60)) && outlet.overflow.is_cancelled());
    }

    #[test]
    fn a_gone_peer_is_not_a_slow_one() {
        let (outbox, outlet) = outbox(&Limits::default());
        drop(outlet);
        assert!(outbox.push(text(1)));
    }
}
