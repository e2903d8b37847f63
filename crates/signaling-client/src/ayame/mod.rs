//! Ayame as its client speaks it: a pure state machine between wire text and [`SignalingEvent`]s.
//! It opens no socket and reads no clock, and nothing that a server sends makes it panic.
//!
//! One codec lives as long as one WebSocket: `register`, then `accept` or `reject`, then whatever the peer sends, then
//! `bye` and the close. Reconnecting starts a new codec.

mod wire;

use std::time::Instant;

use call_core::{Description, DescriptionKind, PeerCapabilities, Reject, Secret, SignalingEvent};
use url::Url;

use crate::close::CloseInfo;
use crate::codec::{Codec, Command, Join, Out, ProtocolError};
use wire::{FromServer, Register, ToServer};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// `register` is sent or about to be; no answer yet.
    Joining,
    Joined,
    /// The last event is out.
    Over,
}

/// One signaling connection, as Ayame sees it.
#[derive(Debug)]
pub struct AyameCodec {
    join: Join,
    state: State,
}

impl AyameCodec {
    /// A codec for one connection that is about to open.
    #[must_use]
    pub fn new(join: Join) -> Self {
        Self { join, state: State::Joining }
    }

    /// The reason continues a sentence like `the signaling server refused: `.
    fn rejection(&self, reason: &str) -> Reject {
        // What the recorded servers say: "full", "InvalidSignalingKey", "InternalServerError", or a webhook's own words.
        if reason.eq_ignore_ascii_case("full") {
            return Reject::RoomFull;
        }
        let about_the_key = reason.to_ascii_lowercase().contains("key");
        Reject::Refused(match (about_the_key, &self.join.key) {
            (true, Some(_)) => format!("it does not accept the signaling key ({reason}): check --key"),
            (true, None) => format!("it wants a signaling key ({reason}): pass it with --key"),
            (false, _) if reason.is_empty() => "it gave no reason".to_owned(),
            (false, _) => reason.to_owned(),
        })
    }
}

impl Codec for AyameCodec {
    fn address(&self) -> Url {
        self.join.url.clone()
    }

    fn is_answered(&self) -> bool {
        self.state != State::Joining
    }

    fn on_open(&mut self, _now: Instant) -> Vec<Out> {
        let key = self.join.key.as_ref().map(Secret::expose);
        vec![send(&ToServer::Register(Register {
            room_id: self.join.room.as_str(),
            client_id: &self.join.client_id,
            key,
            signaling_key: key,
            ayame_client: &self.join.agent,
            renew_ice_servers: true,
        }))]
    }

    fn on_text(&mut self, _now: Instant, text: &str) -> Result<Vec<Out>, ProtocolError> {
        if self.state == State::Over {
            return Ok(Vec::new());
        }
        match (FromServer::parse(text)?, self.state) {
            (FromServer::Ping, _) => Ok(vec![send(&ToServer::Pong)]),
            (FromServer::Accept { role, ice_servers, unusable }, State::Joining) => {
                self.state = State::Joined;
                let capabilities = PeerCapabilities::FULL;
                Ok(with_skipped(unusable, SignalingEvent::Joined { role, capabilities, ice_servers }))
            }
            (FromServer::IceServers { ice_servers, unusable }, State::Joined) => {
                Ok(with_skipped(unusable, SignalingEvent::IceServers(ice_servers)))
            }
            (FromServer::Reject { reason }, State::Joining) => {
                self.state = State::Over;
                Ok(vec![Out::Event(SignalingEvent::Rejected(self.rejection(&reason))), Out::Close])
            }
            (FromServer::Offer { sdp }, State::Joined) => Ok(description(DescriptionKind::Offer, sdp)),
            (FromServer::Answer { sdp }, State::Joined) => Ok(description(DescriptionKind::Answer, sdp)),
            (FromServer::Candidate(candidate), State::Joined) => {
                Ok(vec![Out::Event(SignalingEvent::Candidate(candidate))])
            }
            // Ayame deletes the room with its `bye` and closes our connection as well; that is heard as the next event.
            (FromServer::Bye, State::Joined) => Ok(vec![Out::Event(SignalingEvent::PeerLeft)]),
            (message, _) => Err(ProtocolError::Unexpected(message.kind())),
        }
    }

    fn on_command(&mut self, _now: Instant, command: Command) -> Vec<Out> {
        match (command, self.state) {
            (_, State::Over) => Vec::new(),
            (Command::Leave, _) => {
                // Ayame has no word for leaving, and answers a client's `bye` by dropping the connection.
                self.state = State::Over;
                vec![Out::Close]
            }
            (_, State::Joining) => Vec::new(),
            (Command::Describe(Description { kind, sdp }), State::Joined) => match kind {
                DescriptionKind::Offer => vec![send(&ToServer::Offer { sdp: &sdp })],
                DescriptionKind::Answer => vec![send(&ToServer::Answer { sdp: &sdp })],
                // A rollback undoes our own offer and is never told to the peer (RFC 8829 §4.1.10.2).
                DescriptionKind::Rollback => Vec::new(),
            },
            // Momo cannot read an empty candidate, and nobody needs it: Ayame has no end of candidates.
            (Command::Candidate(candidate), State::Joined) if candidate.is_end_of_candidates() => Vec::new(),
            (Command::Candidate(candidate), State::Joined) => {
                vec![send(&ToServer::Candidate { ice: (&candidate).into() })]
            }
        }
    }

    fn on_close(&mut self, info: CloseInfo) -> Option<SignalingEvent> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Over => None,
            State::Joined => Some(info.lost()),
            // Ayame closes with 1000 and no words when it does not like the request.
            State::Joining => Some(
                info.refused("right after the join request", "check the room name, the key and the path of the URL"),
            ),
        }
    }
}

impl FromServer {
    fn kind(&self) -> &'static str {
        match self {
            Self::Accept { .. } => "accept",
            Self::IceServers { .. } => "iceServers",
            Self::Reject { .. } => "reject",
            Self::Offer { .. } => "offer",
            Self::Answer { .. } => "answer",
            Self::Candidate(_) => "candidate",
            Self::Ping => "ping",
            Self::Bye => "bye",
        }
    }
}

fn send(message: &ToServer<'_>) -> Out {
    Out::Send(message.to_text())
}

/// An event with ICE servers, and word of those that are left out of it.
fn with_skipped(unusable: usize, event: SignalingEvent) -> Vec<Out> {
    let skipped = (unusable > 0).then_some(Out::Skipped(ProtocolError::IceServers(unusable)));
    skipped.into_iter().chain([Out::Event(event)]).collect()
}

fn description(kind: DescriptionKind, sdp: String) -> Vec<Out> {
    vec![Out::Event(SignalingEvent::Description(Description { kind, sdp }))]
}
