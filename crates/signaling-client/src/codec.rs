//! What every signaling protocol is to the driver: a pure state machine between wire text and [`SignalingEvent`]s.
//! A codec opens no socket, reads no clock and rolls no dice, and nothing that a server or a peer sends makes it panic.
//!
//! One codec lives for one attempt to join: it is asked for the [`address`](Codec::address), told that the WebSocket is
//! [open](Codec::on_open), and from then on told everything that happens until the end. Trying again starts a new codec.
//!
//! The events of a codec are, in this order: [`Joined`](SignalingEvent::Joined) once, whatever the peer sends, and one last
//! word ([`Rejected`](SignalingEvent::Rejected), [`Unreachable`](SignalingEvent::Unreachable) before it joined,
//! [`Lost`](SignalingEvent::Lost) after). Where the one who was there first has to offer, the room is joined with
//! [`Role::offers_first`](call_core::Role) unset, and [`OfferWanted`](SignalingEvent::OfferWanted) follows when somebody came.

use std::fmt;
use std::time::Instant;

use call_core::{Candidate, Description, RoomId, Secret, SignalingEvent};
use thiserror::Error;
use url::Url;

use crate::close::CloseInfo;

/// One signaling connection as its protocol sees it.
pub trait Codec: Send {
    /// The WebSocket to open, with the protocol's own path and query. May hold a key: not to be shown.
    fn address(&self) -> Url;

    /// The WebSocket is open. Comes again after [`Out::Reopen`].
    fn on_open(&mut self, now: Instant) -> Vec<Out>;

    /// A text frame came from the server.
    ///
    /// # Errors
    /// The message cannot be used: count it and go on.
    fn on_text(&mut self, now: Instant, text: &str) -> Result<Vec<Out>, ProtocolError>;

    /// The call wants something. Before the room is joined there is nobody to send to, and nothing is sent.
    fn on_command(&mut self, now: Instant, command: Command) -> Vec<Out>;

    /// When [`on_timeout`](Self::on_timeout) is due, for heartbeats and bounded waits; `None` when only messages matter.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// The time of [`deadline`](Self::deadline) has come. Afterwards the deadline is a later one.
    fn on_timeout(&mut self, now: Instant) -> Vec<Out> {
        let _ = now;
        Vec::new()
    }

    /// The WebSocket ended. Gives the last event, unless it is already out.
    fn on_close(&mut self, info: CloseInfo) -> Option<SignalingEvent>;

    /// Whether the server has answered the join request, with yes or with no, so that the time limit on it is over.
    fn is_answered(&self) -> bool;
}

/// What to ask the server for.
#[derive(Clone, Debug)]
pub struct Join {
    /// The server, as the person gave it and without the name of the protocol.
    pub url: Url,
    /// The room to meet the peer in.
    pub room: RoomId,
    /// Names this client to the server. Need not be unique.
    pub client_id: String,
    /// The signaling key, where the server wants one.
    pub key: Option<Secret>,
    /// Program and version, like `ringback 0.1.0`.
    pub agent: String,
    /// Known to this client only, and the same in all its attempts: shows a server whose it is what an earlier attempt left.
    pub token: Secret,
    /// Different in each attempt: for names that must not come twice.
    pub seed: u64,
}

/// What the call wants from its signaling connection.
#[derive(Clone, Debug)]
pub enum Command {
    /// Pass an offer or answer on to the peer.
    Describe(Description),
    /// Pass one of our ICE candidates on to the peer.
    Candidate(Candidate),
    /// Leave the room and close the connection.
    Leave,
}

/// What the codec wants done, in order.
#[derive(Clone, PartialEq)]
pub enum Out {
    /// Send this text frame.
    Send(String),
    /// Tell the call.
    Event(SignalingEvent),
    /// A part of a message was left out; the rest was used.
    Skipped(ProtocolError),
    /// Close this WebSocket and open [`Codec::address`] again; nothing after it is done. Only before the room is joined:
    /// what the call wants meanwhile is dropped.
    Reopen,
    /// Nothing more will come of this connection: close it. Nothing after it is done.
    Close,
}

impl Out {
    /// Several events and messages in one call are rare; most answers are one.
    pub(crate) fn event(event: SignalingEvent) -> Vec<Self> {
        vec![Self::Event(event)]
    }
}

/// The text may hold an SDP or a key, so only its length is shown.
impl fmt::Debug for Out {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(text) => write!(f, "Send({} bytes)", text.len()),
            Self::Event(event) => f.debug_tuple("Event").field(event).finish(),
            Self::Skipped(error) => f.debug_tuple("Skipped").field(error).finish(),
            Self::Reopen => f.write_str("Reopen"),
            Self::Close => f.write_str("Close"),
        }
    }
}

/// A message from the server that cannot be used. It is left out; the connection goes on.
///
/// No variant carries the message itself: it may hold an SDP or a credential.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProtocolError {
    /// Not a JSON object, or nested deeper than 128 levels.
    #[error("the message is not a JSON object")]
    NotJson,
    /// An object without a text member `type`.
    #[error("the message does not say its type")]
    NoType,
    /// A `type` that the protocol does not define.
    #[error("the message is of the unknown type \"{0}\"")]
    UnknownType(String),
    /// A member is missing or of the wrong type.
    #[error("the message of type \"{0}\" lacks a member or has one of the wrong type")]
    Malformed(&'static str),
    /// A known message at a time when it means nothing.
    #[error("the message of type \"{0}\" came at a time when it means nothing")]
    Unexpected(&'static str),
    /// A message of somebody who is not the peer of this call, or of an earlier call of the peer.
    #[error("the message of type \"{0}\" belongs to another call")]
    Stranger(&'static str),
    /// The server reports that it could not do something, which need not concern the call.
    #[error("the server says \"{0}\"")]
    Complaint(String),
    /// The room was joined, but this many entries of its ICE servers were left out.
    #[error("{0} of the ICE servers that the server handed out cannot be used")]
    IceServers(usize),
    /// ICE servers that came with the answer, when the candidates were being gathered already.
    #[error("the server hands out ICE servers too late to be used: name them with --ice-server")]
    LateIceServers,
    /// The server took what it needed and refused the rest.
    #[error("the server does not take more candidates (HTTP {0})")]
    NoTrickle(u16),
    /// An answer without an address for what it began.
    #[error("the server gave the session no address: it cannot be told of more candidates or of the end")]
    NoSession,
    /// A request beside the point failed.
    #[error("a request failed: {0}")]
    Unanswered(String),
}
