//! The events of MiroTalk P2P, as recorded from its server: their names and what comes with them.
//! The server has more; those of its chat, its whiteboard and its moderation are no part of a call.

use call_core::{Candidate, Description, IceServer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::socket_io::event;
use crate::codec::{Join, ProtocolError};
use crate::description::{DescriptionIn, DescriptionJson};
use crate::ice::{self, CandidateJson};

/// Longest name of a peer that is kept, in bytes; the server gives out 20 letters.
const MAX_ID_BYTES: usize = 64;

/// The request to join. The server takes the members apart, so none may be missing.
#[derive(Serialize)]
struct JoinRequest<'a> {
    channel: &'a str,
    channel_password: Value,
    peer_uuid: &'a str,
    peer_name: &'a str,
    peer_avatar: &'a str,
    peer_token: bool,
    peer_video: bool,
    peer_audio: bool,
    peer_video_status: bool,
    peer_audio_status: bool,
    peer_screen_status: bool,
    peer_hand_status: bool,
    peer_rec_status: bool,
    peer_privacy_status: bool,
    peer_info: PeerInfo<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PeerInfo<'a> {
    os_name: &'a str,
    os_version: &'a str,
    browser_name: &'a str,
    browser_version: &'a str,
}

/// What we call ourselves in a room: the same in all our attempts to join, and nobody else's.
pub(super) fn own_name(join: &Join) -> String {
    let program = join.agent.split(' ').next().unwrap_or_default();
    // Members see the name, so it must not give the token away.
    let digest = Sha256::digest(join.token.expose());
    let tag: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{program} {tag}")
}

/// `join` as a frame. The signaling key is the password of the room.
pub(super) fn join_request(join: &Join, name: &str) -> String {
    let (browser_name, browser_version) = join.agent.split_once(' ').unwrap_or((&join.agent, ""));
    let request = JoinRequest {
        channel: join.room.as_str(),
        channel_password: join.key.as_ref().map_or(Value::from(false), |key| Value::from(key.expose())),
        peer_uuid: &join.client_id,
        peer_name: name,
        peer_avatar: "",
        peer_token: false,
        peer_video: true,
        peer_audio: true,
        peer_video_status: true,
        peer_audio_status: true,
        peer_screen_status: false,
        peer_hand_status: false,
        peer_rec_status: false,
        peer_privacy_status: false,
        peer_info: PeerInfo { os_name: std::env::consts::OS, os_version: "", browser_name, browser_version },
    };
    event("join", &request)
}

#[derive(Serialize)]
struct RelaySdp<'a> {
    peer_id: &'a str,
    session_description: DescriptionJson<'a>,
}

/// An offer or answer for `peer_id` as a frame; `None` for a rollback.
pub(super) fn relay_sdp(peer_id: &str, description: &Description) -> Option<String> {
    let session_description = DescriptionJson::new(description)?;
    Some(event("relaySDP", &RelaySdp { peer_id, session_description }))
}

#[derive(Serialize)]
struct RelayIce<'a> {
    peer_id: &'a str,
    ice_candidate: CandidateJson<'a>,
}

/// A candidate for `peer_id` as a frame.
pub(super) fn relay_ice(peer_id: &str, candidate: &Candidate) -> String {
    event("relayICE", &RelayIce { peer_id, ice_candidate: candidate.into() })
}

/// An event of the server, read into our own words.
pub(super) enum FromServer {
    /// We are in the room.
    ServerInfo,
    AddPeer {
        id: String,
        /// What it calls itself.
        name: String,
        /// What it runs, in the words of its client.
        browser: String,
        /// Whether we offer.
        offers: bool,
        ice_servers: Vec<IceServer>,
        /// Entries of the server's list that were left out.
        unusable: usize,
    },
    RemovePeer {
        id: String,
    },
    Description {
        id: String,
        description: Description,
    },
    Candidate {
        id: String,
        candidate: Candidate,
    },
    Unauthorized,
    RoomIsLocked,
    RoomIsJoinLocked,
    /// No part of a call.
    Other,
}

#[derive(Deserialize)]
struct AddPeer {
    peer_id: String,
    should_create_offer: bool,
    #[serde(default)]
    peers: Value,
    #[serde(default, rename = "iceServers")]
    ice_servers: Value,
}

#[derive(Deserialize)]
struct RemovePeer {
    peer_id: String,
}

#[derive(Deserialize)]
struct SessionDescription {
    peer_id: String,
    session_description: DescriptionIn,
}

#[derive(Deserialize)]
struct IceCandidate {
    peer_id: String,
    ice_candidate: Value,
}

impl FromServer {
    /// Reads one event.
    ///
    /// # Errors
    /// What comes with an event of a call is not what it should be.
    pub(super) fn parse(name: &str, argument: Value) -> Result<Self, ProtocolError> {
        match name {
            "serverInfo" => Ok(Self::ServerInfo),
            "addPeer" => Self::add_peer(argument).ok_or(ProtocolError::Malformed("addPeer")),
            "removePeer" => {
                let id = serde_json::from_value(argument).ok().and_then(|RemovePeer { peer_id }| id(peer_id));
                id.map(|id| Self::RemovePeer { id }).ok_or(ProtocolError::Malformed("removePeer"))
            }
            "sessionDescription" => Self::description(argument).ok_or(ProtocolError::Malformed("sessionDescription")),
            "iceCandidate" => Self::candidate(argument).ok_or(ProtocolError::Malformed("iceCandidate")),
            "unauthorized" => Ok(Self::Unauthorized),
            "roomIsLocked" => Ok(Self::RoomIsLocked),
            "roomIsJoinLocked" => Ok(Self::RoomIsJoinLocked),
            _ => Ok(Self::Other),
        }
    }

    fn add_peer(argument: Value) -> Option<Self> {
        let read: AddPeer = serde_json::from_value(argument).ok()?;
        let member = read.peers.get(&read.peer_id);
        let of_member = |key| member.and_then(|member| member.get(key)?.as_str()).unwrap_or_default().to_owned();
        let (name, browser) = (of_member("peer_name"), of_member("browser"));
        let (ice_servers, unusable) = ice::read_servers(read.ice_servers);
        Some(Self::AddPeer {
            id: id(read.peer_id)?,
            name,
            browser,
            offers: read.should_create_offer,
            ice_servers,
            unusable,
        })
    }

    fn description(argument: Value) -> Option<Self> {
        let read: SessionDescription = serde_json::from_value(argument).ok()?;
        Some(Self::Description { id: id(read.peer_id)?, description: read.session_description.read()? })
    }

    fn candidate(argument: Value) -> Option<Self> {
        let read: IceCandidate = serde_json::from_value(argument).ok()?;
        Some(Self::Candidate { id: id(read.peer_id)?, candidate: ice::read_candidate(read.ice_candidate)? })
    }

    /// The name of the event on the wire.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::ServerInfo => "serverInfo",
            Self::AddPeer { .. } => "addPeer",
            Self::RemovePeer { .. } => "removePeer",
            Self::Description { .. } => "sessionDescription",
            Self::Candidate { .. } => "iceCandidate",
            Self::Unauthorized => "unauthorized",
            Self::RoomIsLocked => "roomIsLocked",
            Self::RoomIsJoinLocked => "roomIsJoinLocked",
            Self::Other => "other",
        }
    }
}

fn id(id: String) -> Option<String> {
    (1..=MAX_ID_BYTES).contains(&id.len()).then_some(id)
}
