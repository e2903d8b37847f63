//! The JSON of Ayame: what each message looks like on the wire, and nothing about when it is sent.
//! Unknown members are ignored, as the real server and its clients do.

use call_core::{Candidate, IceServer, Role, Secret};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::text::one_line;

/// Servers kept from one `accept`: the peer connection asks each of them for candidates, so a hostile list costs sockets.
const MAX_ICE_SERVERS: usize = 16;
/// URLs kept from one ICE server, for the same reason.
const MAX_URLS: usize = 8;
/// The longest host name with scheme, port and query around it; a longer URL is no URL.
const MAX_URL_BYTES: usize = 512;

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
    /// A `type` that Ayame does not define.
    #[error("the message is of the unknown type \"{0}\"")]
    UnknownType(String),
    /// A member is missing or of the wrong type.
    #[error("the message of type \"{0}\" lacks a member or has one of the wrong type")]
    Malformed(&'static str),
    /// A known message at a time when it means nothing.
    #[error("the message of type \"{0}\" came at a time when it means nothing")]
    Unexpected(&'static str),
    /// The room was joined, but this many entries of its `iceServers` were left out.
    #[error("{0} of the ICE servers that the server handed out cannot be used")]
    IceServers(usize),
}

/// What the client sends.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum ToServer<'a> {
    /// Asks to join a room.
    Register(Register<'a>),
    /// An SDP offer for the peer.
    Offer { sdp: &'a str },
    /// An SDP answer for the peer.
    Answer { sdp: &'a str },
    /// One of our ICE candidates for the peer.
    Candidate { ice: IceOut<'a> },
    /// We are alive.
    Pong,
}

/// The members of `register` in the order in which the recorded clients send them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Register<'a> {
    pub(crate) room_id: &'a str,
    pub(crate) client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<&'a str>,
    // Some servers read only this name; those that read both let it win.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signaling_key: Option<&'a str>,
    pub(crate) ayame_client: &'a str,
}

/// RTCIceCandidateInit as we send it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IceOut<'a> {
    candidate: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sdp_mid: Option<&'a str>,
    #[serde(rename = "sdpMLineIndex", skip_serializing_if = "Option::is_none")]
    sdp_m_line_index: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username_fragment: Option<&'a str>,
}

impl<'a> From<&'a Candidate> for IceOut<'a> {
    fn from(candidate: &'a Candidate) -> Self {
        Self {
            candidate: &candidate.candidate,
            sdp_mid: candidate.sdp_mid.as_deref(),
            sdp_m_line_index: candidate.sdp_m_line_index,
            username_fragment: candidate.username_fragment.as_deref(),
        }
    }
}

impl ToServer<'_> {
    /// The message as JSON text.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers always serialise")
    }
}

/// What the server sends, read into our own words.
pub(crate) enum FromServer {
    Accept { role: Role, ice_servers: Vec<IceServer>, unusable: usize },
    Reject { reason: String },
    Offer { sdp: String },
    Answer { sdp: String },
    Candidate(Candidate),
    Ping,
    Bye,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Accept {
    is_exist_client: Option<bool>,
    // The legacy name of the same member.
    is_exist_user: Option<bool>,
    #[serde(default)]
    ice_servers: Value,
}

#[derive(Deserialize)]
struct IceServerIn {
    urls: OneOrMany,
    username: Option<String>,
    credential: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
struct Reject {
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Sdp {
    sdp: String,
}

#[derive(Deserialize)]
struct CandidateIn {
    ice: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IceIn {
    // A browser ends its candidates with an empty text or null.
    #[serde(default)]
    candidate: Option<String>,
    sdp_mid: Option<String>,
    #[serde(rename = "sdpMLineIndex")]
    sdp_m_line_index: Option<u16>,
    username_fragment: Option<String>,
}

impl FromServer {
    /// Reads one message.
    ///
    /// # Errors
    /// Every text that is not an Ayame message, whatever it is instead.
    pub(crate) fn parse(text: &str) -> Result<Self, ProtocolError> {
        // The derived readers take an array for a struct as well; Ayame knows objects only.
        if !text.trim_start().starts_with('{') {
            return Err(ProtocolError::NotJson);
        }
        let envelope: Envelope = serde_json::from_str(text)
            .map_err(|error| if error.is_data() { ProtocolError::NoType } else { ProtocolError::NotJson })?;
        match envelope.kind.as_str() {
            "accept" => body::<Accept>(text, "accept")?.read(),
            "reject" => {
                let reason = body::<Reject>(text, "reject")?.reason.unwrap_or_default();
                Ok(Self::Reject { reason: one_line(&reason) })
            }
            "offer" => Ok(Self::Offer { sdp: body::<Sdp>(text, "offer")?.sdp }),
            "answer" => Ok(Self::Answer { sdp: body::<Sdp>(text, "answer")?.sdp }),
            "candidate" => body::<CandidateIn>(text, "candidate")?.read(),
            "ping" => Ok(Self::Ping),
            "bye" => Ok(Self::Bye),
            unknown => Err(ProtocolError::UnknownType(one_line(unknown))),
        }
    }
}

fn body<T: DeserializeOwned>(text: &str, kind: &'static str) -> Result<T, ProtocolError> {
    serde_json::from_str(text).map_err(|_| ProtocolError::Malformed(kind))
}

impl Accept {
    fn read(self) -> Result<FromServer, ProtocolError> {
        let someone_is_there = self.is_exist_client.or(self.is_exist_user).ok_or(ProtocolError::Malformed("accept"))?;
        let listed = match self.ice_servers {
            Value::Null => Vec::new(),
            Value::Array(entries) => entries,
            // Not a list at all: one entry that cannot be used.
            other => vec![other],
        };
        let total = listed.len();
        let ice_servers: Vec<IceServer> =
            listed.into_iter().filter_map(read_ice_server).take(MAX_ICE_SERVERS).collect();
        Ok(FromServer::Accept {
            // The second to come offers. Who was there first yields in a glare.
            role: Role { offers_first: someone_is_there, polite: !someone_is_there },
            unusable: total - ice_servers.len(),
            ice_servers,
        })
    }
}

fn read_ice_server(entry: Value) -> Option<IceServer> {
    let entry: IceServerIn = serde_json::from_value(entry).ok()?;
    let mut urls = match entry.urls {
        OneOrMany::One(url) => vec![url],
        OneOrMany::Many(urls) => urls,
    };
    urls.retain(|url| url.len() <= MAX_URL_BYTES);
    urls.truncate(MAX_URLS);
    (!urls.is_empty()).then(|| IceServer {
        urls,
        username: entry.username,
        credential: entry.credential.map(Secret::new),
    })
}

impl CandidateIn {
    fn read(self) -> Result<FromServer, ProtocolError> {
        let ice = match self.ice {
            Value::Null => IceIn { candidate: None, sdp_mid: None, sdp_m_line_index: None, username_fragment: None },
            object @ Value::Object(_) => {
                serde_json::from_value(object).map_err(|_| ProtocolError::Malformed("candidate"))?
            }
            _ => return Err(ProtocolError::Malformed("candidate")),
        };
        let candidate = ice.candidate.unwrap_or_default();
        Ok(FromServer::Candidate(Candidate {
            // Some senders pass the whole SDP line on.
            candidate: candidate.strip_prefix("a=").unwrap_or(&candidate).to_owned(),
            sdp_mid: ice.sdp_mid,
            sdp_m_line_index: ice.sdp_m_line_index,
            username_fragment: ice.username_fragment,
        }))
    }
}
