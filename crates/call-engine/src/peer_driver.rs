//! Runs the session's peer actions one after another on one peer connection, and reports each result as an input of the session.
//! Results carry the connection's epoch, so that those of a connection that was replaced can be told apart.

use call_core::{PeerAction, PeerEvent};
use peer_connection::{Peer, PeerEvents};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, debug, debug_span};

/// Generation of a peer connection within one call.
pub(crate) type Epoch = u32;

/// The result of an action on the connection of that epoch.
pub(crate) type PeerResult = (Epoch, PeerEvent);

/// Actions in flight: an offer, an answer and a burst of trickled candidates.
const ACTION_CAPACITY: usize = 256;

/// Places that candidates leave free: the one operation that the negotiator has in flight, the goodbye and the close.
const RESERVED: usize = 8;

/// A peer connection and the task that works on it.
pub(crate) struct PeerDriver {
    pub(crate) peer: Peer,
    pub(crate) events: PeerEvents,
    actions: mpsc::Sender<PeerAction>,
}

impl PeerDriver {
    /// Takes over an open connection; results arrive on `results`.
    pub(crate) fn start(
        peer: Peer,
        events: PeerEvents,
        epoch: Epoch,
        results: mpsc::Sender<PeerResult>,
        tracker: &TaskTracker,
    ) -> Self {
        let (actions, queue) = mpsc::channel(ACTION_CAPACITY);
        let worker = peer.clone();
        tracker.spawn(run(worker, queue, epoch, results).instrument(debug_span!("peer", epoch)));
        Self { peer, events, actions }
    }

    /// Queues an action. A peer that sends more candidates than the queue holds loses the surplus, and nothing else; nor does
    /// a server that sends credentials.
    pub(crate) fn perform(&self, action: PeerAction) {
        let surplus = matches!(action, PeerAction::AddCandidate(_) | PeerAction::SetIceServers { .. })
            && self.actions.capacity() <= RESERVED;
        if surplus || self.actions.try_send(action).is_err() {
            debug!("an action on the peer connection was dropped: its queue is full or closed");
        }
    }
}

async fn run(peer: Peer, mut actions: mpsc::Receiver<PeerAction>, epoch: Epoch, results: mpsc::Sender<PeerResult>) {
    while let Some(action) = actions.recv().await {
        let closing = matches!(action, PeerAction::Close);
        if let Some(result) = perform(&peer, action).await
            && results.send((epoch, result)).await.is_err()
        {
            break;
        }
        if closing {
            return;
        }
    }
    peer.close().await;
}

async fn perform(peer: &Peer, action: PeerAction) -> Option<PeerEvent> {
    match action {
        PeerAction::Open { .. } => None,
        PeerAction::CreateOffer => Some(PeerEvent::OfferCreated(peer.create_offer().await.map_err(text))),
        PeerAction::CreateAnswer => Some(PeerEvent::AnswerCreated(peer.create_answer().await.map_err(text))),
        PeerAction::SetLocal(description) => Some(PeerEvent::LocalSet(peer.set_local(description).await.map_err(text))),
        PeerAction::SetRemote(description) => {
            Some(PeerEvent::RemoteSet(peer.set_remote(description).await.map_err(text)))
        }
        PeerAction::Rollback => Some(PeerEvent::RolledBack(peer.rollback().await.map_err(text))),
        PeerAction::SetIceServers { ice_servers } => {
            peer.set_ice_servers(&ice_servers).await;
            None
        }
        PeerAction::RestartIce => {
            peer.restart_ice().await;
            None
        }
        PeerAction::AddCandidate(candidate) => {
            if let Err(error) = peer.add_candidate(candidate).await {
                debug!("a candidate of the peer was skipped: {error:?}");
            }
            None
        }
        PeerAction::SendGoodbye { reason } => {
            peer.send_goodbye(&reason).await;
            None
        }
        PeerAction::Close => {
            peer.close().await;
            Some(PeerEvent::Closed)
        }
    }
}

/// The words for the person; the details, which may quote the peer's description, only for the log.
fn text(error: peer_connection::PeerError) -> String {
    debug!("an operation on the peer connection failed: {error:?}");
    error.to_string()
}
