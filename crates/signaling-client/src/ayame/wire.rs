//! The JSON of Ayame: what each message looks like on the wire, and nothing about when it is sent.
//! Unknown members are ignored, as the real server and its clients do.

use call_core::{Candidate, IceServer, Role};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::codec::ProtocolError;
use crate::ice::{self, CandidateJson};
use crate::text::one_line;

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
    Candidate { ice: CandidateJson<'a> },
    /// We are alive.
    Pong,
}

/// The members of `register` in the order in which the recorded clients send them, and then ours.
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
    /// That we take `iceServers`, with which Ringback's own server hands out fresh credentials.
    pub(crate) renew_ice_servers: bool,
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
    IceServers { ice_servers: Vec<IceServer>, unusable: usize },
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
#[serde(rename_all = "camelCase")]
struct IceServers {
    ice_servers: Value,
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
            "iceServers" => {
                let (ice_servers, unusable) = ice::read_servers(body::<IceServers>(text, "iceServers")?.ice_servers);
                Ok(Self::IceServers { ice_servers, unusable })
            }
            "reject" => {
                let reason = body::<Reject>(text, "reject")?.reason.unwrap_or_default();
                Ok(Self::Reject { reason: one_line(&reason) })
            }
            "offer" => Ok(Self::Offer { sdp: body::<Sdp>(text, "offer")?.sdp }),
            "answer" => Ok(Self::Answer { sdp: body::<Sdp>(text, "answer")?.sdp }),
            "candidate" => {
                let ice = body::<CandidateIn>(text, "candidate")?.ice;
                ice::read_candidate(ice).map(Self::Candidate).ok_or(ProtocolError::Malformed("candidate"))
            }
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
        let (ice_servers, unusable) = ice::read_servers(self.ice_servers);
        Ok(FromServer::Accept {
            // The second to come offers. Who was there first yields in a glare.
            role: Role { offers_first: someone_is_there, polite: !someone_is_there },
            ice_servers,
            unusable,
        })
    }
}
