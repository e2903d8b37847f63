//! The JSON of GStreamer's signalling: what each message looks like on the wire, and nothing about when it is sent.
//! Unknown members are ignored; of a candidate the server passes on only its text and its position.

use call_core::{Candidate, Description};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::codec::ProtocolError;
use crate::description::{DescriptionIn, DescriptionJson};
use crate::ice;
use crate::text::one_line;

/// Longest name of a peer or a session that is remembered, in bytes: the server's are UUIDs.
const MAX_NAME_BYTES: usize = 128;

/// What the client sends.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum ToServer<'a> {
    /// What we are to others.
    SetPeerStatus { roles: &'static [&'static str], meta: Meta<'a> },
    /// Asks who produces.
    List,
    /// Calls a producer.
    StartSession { peer_id: &'a str },
    /// A description or a candidate for the other side of a session.
    Peer {
        session_id: &'a str,
        #[serde(flatten)]
        said: SaidOut<'a>,
    },
    /// Ends a session.
    EndSession { session_id: &'a str },
}

/// What others see of a producer.
#[derive(Serialize)]
pub(super) struct Meta<'a> {
    pub(super) name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum SaidOut<'a> {
    Sdp(DescriptionJson<'a>),
    Ice {
        candidate: &'a str,
        #[serde(rename = "sdpMLineIndex")]
        sdp_m_line_index: u16,
    },
}

impl<'a> ToServer<'a> {
    /// The description; `None` for a rollback.
    pub(super) fn describe(session_id: &'a str, description: &'a Description) -> Option<Self> {
        Some(Self::Peer { session_id, said: SaidOut::Sdp(DescriptionJson::new(description)?) })
    }

    /// The candidate. Without a position it is of the first section, whose transport all share.
    pub(super) fn candidate(session_id: &'a str, candidate: &'a Candidate) -> Self {
        let sdp_m_line_index = candidate.sdp_m_line_index.unwrap_or(0);
        Self::Peer { session_id, said: SaidOut::Ice { candidate: &candidate.candidate, sdp_m_line_index } }
    }

    /// The message as JSON text.
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers always serialise")
    }
}

/// What the server sends, read into our own words.
pub(super) enum FromServer {
    /// Our name.
    Welcome {
        peer: String,
    },
    /// Those who produce, with the name that each gave itself.
    List(Vec<Producer>),
    /// A consumer calls us, maybe with an offer.
    StartSession {
        session: String,
        offer: Option<String>,
    },
    /// Our call of a producer has begun.
    SessionStarted {
        peer: String,
        session: String,
    },
    /// The other side of a session says something.
    Peer {
        session: String,
        said: Said,
    },
    EndSession {
        session: String,
    },
    /// Somebody has come, changed or gone; also ourselves.
    PeerStatusChanged,
    Error(String),
}

pub(super) struct Producer {
    pub(super) id: String,
    pub(super) name: Option<String>,
}

/// What the other side of a session says.
pub(super) enum Said {
    Description(Description),
    Candidate(Candidate),
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct ListIn {
    producers: Vec<Value>,
}

#[derive(Deserialize)]
struct ProducerIn {
    id: String,
    #[serde(default)]
    meta: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ids {
    peer_id: Option<String>,
    session_id: Option<String>,
    offer: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PeerIn {
    session_id: String,
    sdp: Option<DescriptionIn>,
    ice: Option<Value>,
}

#[derive(Deserialize)]
struct ErrorIn {
    #[serde(default)]
    details: String,
}

impl FromServer {
    /// Reads one message.
    ///
    /// # Errors
    /// Every text that is not a message of this protocol, whatever it is instead.
    pub(super) fn parse(text: &str) -> Result<Self, ProtocolError> {
        // The derived readers take an array for a struct as well; the protocol knows objects only.
        if !text.trim_start().starts_with('{') {
            return Err(ProtocolError::NotJson);
        }
        let envelope: Envelope = serde_json::from_str(text)
            .map_err(|error| if error.is_data() { ProtocolError::NoType } else { ProtocolError::NotJson })?;
        match envelope.kind.as_str() {
            "welcome" => Ok(Self::Welcome { peer: name(body::<Ids>(text, "welcome")?.peer_id, "welcome")? }),
            "list" => Ok(Self::List(read_list(body(text, "list")?))),
            "startSession" => {
                let Ids { session_id, offer, .. } = body(text, "startSession")?;
                Ok(Self::StartSession { session: name(session_id, "startSession")?, offer })
            }
            "sessionStarted" => {
                let Ids { peer_id, session_id, .. } = body(text, "sessionStarted")?;
                let (peer, session) = (name(peer_id, "sessionStarted")?, name(session_id, "sessionStarted")?);
                Ok(Self::SessionStarted { peer, session })
            }
            "peer" => body::<PeerIn>(text, "peer")?.read(),
            "endSession" => {
                Ok(Self::EndSession { session: name(body::<Ids>(text, "endSession")?.session_id, "endSession")? })
            }
            "peerStatusChanged" => Ok(Self::PeerStatusChanged),
            "error" => Ok(Self::Error(one_line(&body::<ErrorIn>(text, "error")?.details))),
            unknown => Err(ProtocolError::UnknownType(one_line(unknown))),
        }
    }

    /// The message's `type`.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Welcome { .. } => "welcome",
            Self::List(_) => "list",
            Self::StartSession { .. } => "startSession",
            Self::SessionStarted { .. } => "sessionStarted",
            Self::Peer { .. } => "peer",
            Self::EndSession { .. } => "endSession",
            Self::PeerStatusChanged => "peerStatusChanged",
            Self::Error(_) => "error",
        }
    }
}

impl PeerIn {
    fn read(self) -> Result<FromServer, ProtocolError> {
        let malformed = || ProtocolError::Malformed("peer");
        let said = match (self.sdp, self.ice) {
            (Some(sdp), _) => Said::Description(sdp.read().ok_or_else(malformed)?),
            (None, Some(ice)) => Said::Candidate(ice::read_candidate(ice).ok_or_else(malformed)?),
            (None, None) => return Err(malformed()),
        };
        Ok(FromServer::Peer { session: name(Some(self.session_id), "peer")?, said })
    }
}

fn body<T: DeserializeOwned>(text: &str, kind: &'static str) -> Result<T, ProtocolError> {
    serde_json::from_str(text).map_err(|_| ProtocolError::Malformed(kind))
}

/// The entries that can be used; a strange one does not hide the others.
fn read_list(list: ListIn) -> Vec<Producer> {
    let read = |entry| {
        let ProducerIn { id, meta } = serde_json::from_value(entry).ok()?;
        let id = name(Some(id), "list").ok()?;
        Some(Producer { id, name: meta.get("name").and_then(Value::as_str).map(str::to_owned) })
    };
    list.producers.into_iter().filter_map(read).collect()
}

fn name(name: Option<String>, kind: &'static str) -> Result<String, ProtocolError> {
    name.filter(|name| (1..=MAX_NAME_BYTES).contains(&name.len())).ok_or(ProtocolError::Malformed(kind))
}
