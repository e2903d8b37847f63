//! The JSON of PeerJS: what each message looks like on the wire, and nothing about when it is sent.
//! What a peer sends is in `payload`, in whose shape PeerJS pages and we agree; a server passes it on as it is.

use call_core::{Candidate, Description, DescriptionKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::codec::ProtocolError;
use crate::description::DescriptionJson;
use crate::ice::{self, CandidateJson};
use crate::text::one_line;

/// Longest name of a client or a connection that is remembered, in bytes: the longest room in hex, and something behind it.
const MAX_NAME_BYTES: usize = 512;
/// What says to a client like us that the peer it called is in a call already. Pages only see that the call was ended.
const BUSY: &str = "busy";

/// What the client sends.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "UPPERCASE")]
pub(super) enum ToServer<'a> {
    /// Calls `dst`.
    Offer { payload: Payload<'a>, dst: &'a str },
    /// Takes the call of `dst`.
    Answer { payload: Payload<'a>, dst: &'a str },
    /// One of our ICE candidates for `dst`.
    Candidate { payload: Payload<'a>, dst: &'a str },
    /// Ends what there is with `dst`.
    Leave {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<Farewell>,
        dst: &'a str,
    },
    /// We are alive.
    Heartbeat,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payload<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sdp: Option<DescriptionJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate: Option<CandidateJson<'a>>,
    #[serde(rename = "type")]
    kind: &'static str,
    connection_id: &'a str,
}

#[derive(Serialize)]
pub(super) struct Farewell {
    reason: &'static str,
}

impl<'a> ToServer<'a> {
    /// The description for `dst`, as part of the call named `connection`; `None` for a rollback.
    pub(super) fn describe(description: &'a Description, connection: &'a str, dst: &'a str) -> Option<Self> {
        let sdp = DescriptionJson::new(description);
        let payload = Payload { sdp, candidate: None, kind: "media", connection_id: connection };
        match description.kind {
            DescriptionKind::Offer => Some(Self::Offer { payload, dst }),
            DescriptionKind::Answer => Some(Self::Answer { payload, dst }),
            DescriptionKind::Rollback => None,
        }
    }

    /// The candidate for `dst`, as part of the call named `connection`.
    pub(super) fn candidate(candidate: &'a Candidate, connection: &'a str, dst: &'a str) -> Self {
        let payload =
            Payload { sdp: None, candidate: Some(candidate.into()), kind: "media", connection_id: connection };
        Self::Candidate { payload, dst }
    }

    /// Turns a caller away.
    pub(super) fn busy(dst: &'a str) -> Self {
        Self::Leave { payload: Some(Farewell { reason: BUSY }), dst }
    }

    /// The message as JSON text.
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers always serialise")
    }
}

/// What the server sends, read into our own words.
pub(super) enum FromServer {
    /// The name is ours.
    Open,
    /// The name is somebody else's.
    IdTaken,
    /// The server does not want us.
    Error(String),
    /// A client says something about a connection.
    Peer { src: String, connection: String, said: Said },
    /// A client ends what there is with us.
    Leave { src: String, busy: bool },
    /// What we sent to `src` reached nobody.
    Expire { src: String },
}

/// What a client says.
pub(super) enum Said {
    Description(Description),
    Candidate(Candidate),
    /// An offer for a connection of data alone.
    DataOffer,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    src: Option<String>,
    #[serde(default)]
    payload: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PayloadIn {
    connection_id: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    sdp: Option<SdpIn>,
    candidate: Option<Value>,
}

#[derive(Deserialize)]
struct SdpIn {
    sdp: String,
}

impl FromServer {
    /// Reads one message.
    ///
    /// # Errors
    /// Every text that is not a PeerJS message, whatever it is instead.
    pub(super) fn parse(text: &str) -> Result<Self, ProtocolError> {
        // The derived readers take an array for a struct as well; PeerJS knows objects only.
        if !text.trim_start().starts_with('{') {
            return Err(ProtocolError::NotJson);
        }
        let Envelope { kind, src, payload } = serde_json::from_str(text)
            .map_err(|error| if error.is_data() { ProtocolError::NoType } else { ProtocolError::NotJson })?;
        let word = |name: &str| payload.get(name).and_then(Value::as_str).map(one_line);
        let src = |kind| name(src, kind);
        match kind.as_str() {
            "OPEN" => Ok(Self::Open),
            "ID-TAKEN" => Ok(Self::IdTaken),
            "ERROR" | "INVALID-KEY" => Ok(Self::Error(word("msg").unwrap_or_default())),
            "OFFER" => said("OFFER", src("OFFER")?, payload),
            "ANSWER" => said("ANSWER", src("ANSWER")?, payload),
            "CANDIDATE" => said("CANDIDATE", src("CANDIDATE")?, payload),
            "LEAVE" => Ok(Self::Leave { src: src("LEAVE")?, busy: word("reason").as_deref() == Some(BUSY) }),
            "EXPIRE" => Ok(Self::Expire { src: src("EXPIRE")? }),
            unknown => Err(ProtocolError::UnknownType(one_line(unknown))),
        }
    }

    /// The message's `type`.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::IdTaken => "ID-TAKEN",
            Self::Error(_) => "ERROR",
            Self::Peer { said, .. } => said.kind(),
            Self::Leave { .. } => "LEAVE",
            Self::Expire { .. } => "EXPIRE",
        }
    }
}

impl Said {
    fn kind(&self) -> &'static str {
        match self {
            Self::Description(Description { kind: DescriptionKind::Answer, .. }) => "ANSWER",
            Self::Description(_) | Self::DataOffer => "OFFER",
            Self::Candidate(_) => "CANDIDATE",
        }
    }
}

fn said(kind: &'static str, src: String, payload: Value) -> Result<FromServer, ProtocolError> {
    let malformed = || ProtocolError::Malformed(kind);
    let payload = Some(payload).filter(Value::is_object).ok_or_else(malformed)?;
    let payload: PayloadIn = serde_json::from_value(payload).map_err(|_| malformed())?;
    let connection = name(Some(payload.connection_id), kind)?;
    let sdp = payload.sdp.map(|sdp| sdp.sdp);
    let said = match kind {
        "OFFER" if payload.kind.as_deref() == Some("data") => Said::DataOffer,
        "OFFER" => Said::Description(Description::offer(sdp.ok_or_else(malformed)?)),
        "ANSWER" => Said::Description(Description::answer(sdp.ok_or_else(malformed)?)),
        _ => {
            let candidate = payload.candidate.unwrap_or_default();
            Said::Candidate(ice::read_candidate(candidate).ok_or_else(malformed)?)
        }
    };
    Ok(FromServer::Peer { src, connection, said })
}

fn name(name: Option<String>, kind: &'static str) -> Result<String, ProtocolError> {
    name.filter(|name| (1..=MAX_NAME_BYTES).contains(&name.len())).ok_or(ProtocolError::Malformed(kind))
}
