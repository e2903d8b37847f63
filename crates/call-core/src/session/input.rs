//! Everything that can happen to a call.
//! The shells report it in the order in which it happened; any order is legal for the session.

use crate::{Candidate, Description, IceServer, PeerCapabilities, Role};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Begin: join the room.
    Start,
    /// The signaling connection reports.
    Signaling(SignalingEvent),
    /// The peer connection reports.
    Peer(PeerEvent),
    /// The person takes the call that rings.
    Accept,
    /// The person does not take the call that rings.
    Decline,
    /// The person hangs up.
    HangUp,
    /// The program is told to stop.
    Interrupt,
    /// A device that the call cannot do without failed, and how.
    DeviceFailed(String),
    /// The time of [`Session::deadline`](crate::Session::deadline) has come.
    Timeout,
}

/// What the signaling connection reports. [`Rejected`](Self::Rejected), [`Unreachable`](Self::Unreachable) and
/// [`Lost`](Self::Lost) are the last words of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignalingEvent {
    /// We are in the room.
    Joined {
        /// Our part towards the peer that is there or will come.
        role: Role,
        /// What can be done with that peer.
        capabilities: PeerCapabilities,
        /// ICE servers that the signaling server hands out.
        ice_servers: Vec<IceServer>,
    },
    /// The server hands out fresh credentials for ICE servers that it named before.
    IceServers(Vec<IceServer>),
    /// A peer came into the room after us and waits for our offer. Where the peer offers by itself, nothing tells of its coming.
    OfferWanted,
    /// The peer's description.
    Description(Description),
    /// A candidate of the peer.
    Candidate(Candidate),
    /// The peer left the room. Ambiguous: it may be gone, or only its signaling connection.
    PeerLeft,
    /// The server turned us away.
    Rejected(Reject),
    /// No connection came about.
    Unreachable {
        /// What failed, for the person.
        reason: String,
        /// Whether another attempt may succeed; not so for a wrong address or certificate.
        retry: bool,
    },
    /// The connection broke.
    Lost {
        /// What failed, for the person.
        reason: String,
    },
}

/// How the signaling server turned us away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reject {
    /// Two peers are in the room.
    RoomFull,
    /// Anything else, in the server's words: a wrong key, for example.
    Refused(String),
}

/// What the peer connection reports. Once told to close a connection, the shell reports nothing of it but
/// [`Closed`](Self::Closed), and once told to open another, nothing at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerEvent {
    /// Result of [`PeerAction::Open`](crate::PeerAction::Open).
    Opened(Result<(), String>),
    /// The program changed the connection so that a new offer is needed; the session makes the first offer by itself.
    NegotiationNeeded,
    /// Result of [`PeerAction::CreateOffer`](crate::PeerAction::CreateOffer).
    OfferCreated(Result<Description, String>),
    /// Result of [`PeerAction::CreateAnswer`](crate::PeerAction::CreateAnswer).
    AnswerCreated(Result<Description, String>),
    /// Result of [`PeerAction::SetLocal`](crate::PeerAction::SetLocal).
    LocalSet(Result<(), String>),
    /// Result of [`PeerAction::SetRemote`](crate::PeerAction::SetRemote).
    RemoteSet(Result<(), String>),
    /// Result of [`PeerAction::Rollback`](crate::PeerAction::Rollback).
    RolledBack(Result<(), String>),
    /// A candidate of ours was found.
    LocalCandidate(Candidate),
    /// ICE found a path.
    IceConnected,
    /// ICE and DTLS are up: media and data can flow.
    Connected,
    /// The path is broken for the moment.
    Disconnected,
    /// ICE or DTLS gave up.
    Failed,
    /// The data channel that carries the goodbye is open.
    DataOpen,
    /// The peer said goodbye.
    Goodbye {
        /// The peer's words, if any.
        reason: Option<String>,
    },
    /// The peer closed the data channel.
    DataClosed,
    /// Packets arrived from the peer; reported at most four times a second.
    Activity,
    /// The connection is closed, by us or by the peer.
    Closed,
}
