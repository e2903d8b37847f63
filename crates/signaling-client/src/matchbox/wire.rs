//! The JSON of matchbox: enums in serde's default form, so that each message is an object with one member that names it.
//! What `data` holds is between the peers; the server passes it on unread.

use call_core::{Candidate, Description, DescriptionKind};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::codec::ProtocolError;
use crate::ice::{self, CandidateJson};
use crate::text::one_line;

/// Longest name of a peer that is kept, in bytes; the server gives out UUIDs of 36.
const MAX_ID_BYTES: usize = 64;

/// What the client sends.
#[derive(Serialize)]
pub(super) enum ToServer<'a> {
    /// Keeps proxies from cutting a silent line; the server does not answer.
    KeepAlive,
    /// Something for a peer.
    Signal { receiver: &'a str, data: Data<'a> },
}

#[derive(Serialize)]
pub(super) enum Data<'a> {
    Offer(&'a str),
    Answer(&'a str),
    /// The JSON text of an `RTCIceCandidateInit`, or `null` at the end of the candidates.
    IceCandidate(String),
}

impl ToServer<'_> {
    /// The message as JSON text.
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers always serialise")
    }
}

impl From<&Candidate> for Data<'_> {
    fn from(candidate: &Candidate) -> Self {
        let json = match candidate.is_end_of_candidates() {
            true => Ok("null".to_owned()),
            false => serde_json::to_string(&CandidateJson::from(candidate)),
        };
        Self::IceCandidate(json.expect("strings and numbers always serialise"))
    }
}

/// What the server sends, read into our own words.
pub(super) enum FromServer {
    /// We are in the room. Our own name in it is of no use to us.
    IdAssigned,
    /// Somebody came after us.
    NewPeer(String),
    PeerLeft(String),
    Description {
        sender: String,
        description: Description,
    },
    Candidate {
        sender: String,
        candidate: Candidate,
    },
}

impl FromServer {
    /// Reads one message.
    ///
    /// # Errors
    /// Every text that is not a matchbox message, whatever it is instead.
    pub(super) fn parse(text: &str) -> Result<Self, ProtocolError> {
        let (kind, body) = only_member(serde_json::from_str(text).map_err(|_| ProtocolError::NotJson)?)?;
        match kind.as_str() {
            "IdAssigned" => id(body).map(|_| Self::IdAssigned).ok_or(ProtocolError::Malformed("IdAssigned")),
            "NewPeer" => id(body).map(Self::NewPeer).ok_or(ProtocolError::Malformed("NewPeer")),
            "PeerLeft" => id(body).map(Self::PeerLeft).ok_or(ProtocolError::Malformed("PeerLeft")),
            "Signal" => {
                let Value::Object(mut signal) = body else { return Err(ProtocolError::Malformed("Signal")) };
                let mut member = |name| signal.remove(name).ok_or(ProtocolError::Malformed("Signal"));
                let sender = id(member("sender")?).ok_or(ProtocolError::Malformed("Signal"))?;
                Self::signal(sender, member("data")?)
            }
            unknown => Err(ProtocolError::UnknownType(one_line(unknown))),
        }
    }

    fn signal(sender: String, data: Value) -> Result<Self, ProtocolError> {
        let (kind, body) = only_member(data)?;
        match (kind.as_str(), body) {
            ("Offer", Value::String(sdp)) => Ok(Self::Description { sender, description: Description::offer(sdp) }),
            ("Answer", Value::String(sdp)) => Ok(Self::Description { sender, description: Description::answer(sdp) }),
            ("IceCandidate", Value::String(json)) => {
                let candidate = serde_json::from_str(&json).ok().and_then(ice::read_candidate);
                let candidate = candidate.ok_or(ProtocolError::Malformed("IceCandidate"))?;
                Ok(Self::Candidate { sender, candidate: without_empty_mid(candidate) })
            }
            ("Offer", _) => Err(ProtocolError::Malformed("Offer")),
            ("Answer", _) => Err(ProtocolError::Malformed("Answer")),
            ("IceCandidate", _) => Err(ProtocolError::Malformed("IceCandidate")),
            (unknown, _) => Err(ProtocolError::UnknownType(one_line(unknown))),
        }
    }

    /// The name of the message on the wire.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::IdAssigned => "IdAssigned",
            Self::NewPeer(_) => "NewPeer",
            Self::PeerLeft(_) => "PeerLeft",
            Self::Description { description, .. } => match description.kind {
                DescriptionKind::Offer => "Offer",
                _ => "Answer",
            },
            Self::Candidate { .. } => "IceCandidate",
        }
    }
}

fn only_member(value: Value) -> Result<(String, Value), ProtocolError> {
    match value {
        Value::Object(object) if object.len() == 1 => Map::into_iter(object).next().ok_or(ProtocolError::NoType),
        Value::Object(_) => Err(ProtocolError::NoType),
        _ => Err(ProtocolError::NotJson),
    }
}

fn id(value: Value) -> Option<String> {
    match value {
        Value::String(id) if (1..=MAX_ID_BYTES).contains(&id.len()) => Some(id),
        _ => None,
    }
}

/// matchbox's own clients write an empty `sdpMid` and mean the index alone.
fn without_empty_mid(mut candidate: Candidate) -> Candidate {
    candidate.sdp_mid = candidate.sdp_mid.filter(|mid| !mid.is_empty());
    candidate
}
