//! What a call waits for, as one type and the futures that bring it about.
//! A source that is not there never happens; each future may be dropped at any time without losing anything.

use call_core::Input;
use media_core::Bitrate;
use peer_connection::{DataChannel, PeerNotice};
use tokio::sync::{mpsc, watch};

use crate::call::Command;
use crate::media::MediaNotice;

/// One thing that happened, from whichever shell.
pub(crate) enum Happening {
    Session(Input),
    Command(Command),
    Peer(PeerNotice),
    Channel(DataChannel),
    Media(MediaNotice),
    MediaOpened(Result<(), String>),
    Target(Bitrate),
    Refresh,
    /// The result of an action on a connection that was replaced.
    Outdated,
}

/// The next message of a queue that may not be there; never, when it is not or has ended.
pub(crate) async fn optional<T>(queue: Option<&mut mpsc::Receiver<T>>) -> Option<T> {
    match queue {
        Some(queue) => queue.recv().await,
        None => std::future::pending().await,
    }
}

/// Waits for a point in time.
pub(crate) async fn at(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// The next value of an estimate.
pub(crate) async fn changed(target: Option<&mut watch::Receiver<Bitrate>>) -> Option<Bitrate> {
    match target {
        Some(target) => target.changed().await.ok().map(|()| *target.borrow_and_update()),
        None => std::future::pending().await,
    }
}
