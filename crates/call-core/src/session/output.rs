//! Everything that a session asks of its shells, and what it tells the person.
//! The shell carries outputs out in the order in which they come.

use crate::{Candidate, Description, EndReason, IceServer};
use std::time::Duration;

/// What is to be done or shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// For the signaling connection.
    Signal(SignalCommand),
    /// For the peer connection.
    Peer(PeerAction),
    /// The call entered this phase.
    Phase(Phase),
    /// Something to tell the person; the call goes on.
    Warn(String),
    /// Good news for the person.
    Inform(String),
    /// The call is over: the last output.
    Ended(EndReason),
}

/// What the signaling connection is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignalCommand {
    /// Make a new connection and join the room. A former connection and what it still reports are to be dropped.
    Connect,
    /// Send our description to the peer.
    Describe(Description),
    /// Send a candidate of ours to the peer.
    Candidate(Candidate),
    /// Leave the room and close the connection.
    Leave,
}

/// What the peer connection is to do. Operations from [`CreateOffer`](Self::CreateOffer) to
/// [`Rollback`](Self::Rollback) run one at a time; each is answered by its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerAction {
    /// Open a new connection.
    Open {
        /// Ours and those of the signaling server.
        ice_servers: Vec<IceServer>,
        /// For how long the connection may find no path.
        patience: Duration,
    },
    /// Make an offer.
    CreateOffer,
    /// Make an answer.
    CreateAnswer,
    /// Apply our own description.
    SetLocal(Description),
    /// Apply the peer's description.
    SetRemote(Description),
    /// Withdraw the pending offer, ours or the peer's.
    Rollback,
    /// Use these ICE servers from now on: their credentials are fresher than those of the connection.
    SetIceServers {
        /// Ours and those of the signaling server.
        ice_servers: Vec<IceServer>,
    },
    /// Let the next offer restart ICE (RFC 8445 §9): look for a path from all addresses that there are then.
    RestartIce,
    /// Use a candidate of the peer; no result is awaited, a bad one is skipped.
    AddCandidate(Candidate),
    /// Say goodbye over the data channel; on its way before the [`Close`](Self::Close) that follows is carried out.
    SendGoodbye {
        /// Why we go, in words for the peer.
        reason: String,
    },
    /// Close the connection and report [`Closed`](crate::PeerEvent::Closed).
    Close,
}

/// Where a call stands, for the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// On the way into the room.
    Joining,
    /// In the room; no answer from a peer yet.
    Waiting,
    /// Somebody calls, and waits for the person's word.
    Ringing,
    /// Descriptions are exchanged; looking for a path.
    Negotiating,
    /// The call is on.
    Connected,
    /// The call's path is broken and may come back.
    Reconnecting,
    /// Saying goodbye and closing.
    Ending,
    /// Over.
    Ended,
}
