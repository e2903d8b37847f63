//! Ayame as its client speaks it: a pure state machine between wire text and [`SignalingEvent`]s.
//! It opens no socket and reads no clock, and nothing that a server sends makes it panic.
//!
//! One codec lives as long as one WebSocket: `register`, then `accept` or `reject`, then whatever the peer sends, then
//! `bye` and the close. Reconnecting starts a new codec.

use std::fmt;

use call_core::{Candidate, Description, DescriptionKind, Reject, RoomId, Secret, SignalingEvent};

use crate::text::one_line;
use crate::wire::{FromServer, ProtocolError, Register, ToServer};

/// What to ask the server for.
#[derive(Clone, Debug)]
pub struct Join {
    /// The room to meet the peer in.
    pub room: RoomId,
    /// Names this client to the server. Need not be unique.
    pub client_id: String,
    /// The signaling key, where the server wants one.
    pub key: Option<Secret>,
    /// Program and version, like `ringback 0.1.0`.
    pub agent: String,
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
    /// Nothing more will come of this connection: close it.
    Close,
}

/// The text may hold an SDP or a key, so only its length is shown.
impl fmt::Debug for Out {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(text) => write!(f, "Send({} bytes)", text.len()),
            Self::Event(event) => f.debug_tuple("Event").field(event).finish(),
            Self::Skipped(error) => f.debug_tuple("Skipped").field(error).finish(),
            Self::Close => f.write_str("Close"),
        }
    }
}

/// How the WebSocket ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseInfo {
    /// The server sent a close frame (RFC 6455 §7.4).
    Frame {
        /// Its status code; 1005 when the frame had none.
        code: u16,
        /// Its words, often empty.
        reason: String,
    },
    /// It ended without a close frame; the sentence says how.
    Broken(String),
}

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

    /// Whether the server has answered the join request, with yes or with no.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.state != State::Joining
    }

    /// The WebSocket is open.
    pub fn on_open(&mut self) -> Vec<Out> {
        let key = self.join.key.as_ref().map(Secret::expose);
        vec![send(&ToServer::Register(Register {
            room_id: self.join.room.as_str(),
            client_id: &self.join.client_id,
            key,
            signaling_key: key,
            ayame_client: &self.join.agent,
        }))]
    }

    /// A text frame came from the server.
    ///
    /// # Errors
    /// The message cannot be used: count it and go on.
    pub fn on_text(&mut self, text: &str) -> Result<Vec<Out>, ProtocolError> {
        if self.state == State::Over {
            return Ok(Vec::new());
        }
        match (FromServer::parse(text)?, self.state) {
            (FromServer::Ping, _) => Ok(vec![send(&ToServer::Pong)]),
            (FromServer::Accept { role, ice_servers, unusable }, State::Joining) => {
                self.state = State::Joined;
                let skipped = (unusable > 0).then_some(Out::Skipped(ProtocolError::IceServers(unusable)));
                let joined = Out::Event(SignalingEvent::Joined { role, ice_servers });
                Ok(skipped.into_iter().chain([joined]).collect())
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

    /// The call wants something. Before the room is joined there is nobody to send to, and nothing is sent.
    pub fn on_command(&mut self, command: Command) -> Vec<Out> {
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

    /// The WebSocket ended. Gives the last event, unless it is already out.
    pub fn on_close(&mut self, info: CloseInfo) -> Option<SignalingEvent> {
        let state = std::mem::replace(&mut self.state, State::Over);
        match (state, info) {
            (State::Over, _) => None,
            (State::Joined, CloseInfo::Broken(reason)) => Some(SignalingEvent::Lost { reason }),
            (State::Joined, CloseInfo::Frame { code, reason }) => {
                let reason = format!("the server closed the connection ({})", meaning(code, &reason));
                Some(SignalingEvent::Lost { reason })
            }
            (State::Joining, CloseInfo::Broken(reason)) => Some(SignalingEvent::Unreachable { reason, retry: true }),
            (State::Joining, CloseInfo::Frame { code, reason }) if server_side(code) => {
                let reason =
                    format!("the server closed the connection before it let us join ({})", meaning(code, &reason));
                Some(SignalingEvent::Unreachable { reason, retry: true })
            }
            // Ayame closes with 1000 and no words when it does not like the request.
            (State::Joining, CloseInfo::Frame { code, reason }) => {
                Some(SignalingEvent::Rejected(Reject::Refused(format!(
                    "it closed the connection right after the join request ({}): check the room name, the key and the path of the URL",
                    meaning(code, &reason)
                ))))
            }
        }
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

impl FromServer {
    fn kind(&self) -> &'static str {
        match self {
            Self::Accept { .. } => "accept",
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

fn description(kind: DescriptionKind, sdp: String) -> Vec<Out> {
    vec![Out::Event(SignalingEvent::Description(Description { kind, sdp }))]
}

/// Codes that blame the server's own state, not our request: going away, internal error, restart, overload, bad gateway.
fn server_side(code: u16) -> bool {
    matches!(code, 1001 | 1011..=1014)
}

/// A close code in words (IANA WebSocket close code registry), with the server's own words where it had some.
fn meaning(code: u16, reason: &str) -> String {
    let words = match code {
        1000 | 1005 => "it gave no reason",
        1001 => "it is shutting down",
        1002 => "protocol error",
        1003 | 1007 => "it could not read our message",
        1008 => "against its policy",
        1009 => "our message was too big",
        1011 => "internal error",
        1012 => "it is restarting",
        1013 => "it is overloaded",
        1014 => "bad gateway",
        _ => "",
    };
    match (words, one_line(reason).as_str()) {
        ("", "") => format!("code {code}"),
        ("", said) => format!("code {code}, \"{said}\""),
        (words, "") => format!("code {code}, {words}"),
        (_, said) => format!("code {code}, \"{said}\""),
    }
}
