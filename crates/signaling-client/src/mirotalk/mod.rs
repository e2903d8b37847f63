//! MiroTalk P2P as its web client speaks it: rooms on a Socket.IO server, in which the newcomer offers.
//! A call is between two, so the first other member is the peer, and what further members say is left out.
//!
//! The web client takes every offer, also in a glare, so that it always yields: we never do. Toward another of ours, which
//! the server tells us by its name, the newcomer yields.

mod socket_io;
mod wire;

use std::time::{Duration, Instant};

use call_core::{PeerCapabilities, Reject, Role, SignalingEvent};
use url::Url;

use crate::close::CloseInfo;
use crate::codec::{Codec, Command, Join, Out, ProtocolError};
use socket_io::Frame;
use wire::FromServer;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The WebSocket is open or about to be; the server has not said its first word.
    Opening,
    /// We asked for the namespace.
    Connecting,
    /// We asked for the room.
    Joining,
    Joined,
    /// The last event is out.
    Over,
}

/// One signaling connection, as MiroTalk sees it.
#[derive(Debug)]
pub struct MiroTalkCodec {
    join: Join,
    /// What we call ourselves in the room.
    name: String,
    state: State,
    /// The one other member that the call is with.
    peer: Option<String>,
    /// How long the server may say nothing, and until when; known from its first word on.
    silence: Duration,
    dead_at: Option<Instant>,
}

impl MiroTalkCodec {
    /// A codec for one connection that is about to open.
    #[must_use]
    pub fn new(join: Join) -> Self {
        let name = wire::own_name(&join);
        Self { join, name, state: State::Opening, peer: None, silence: Duration::ZERO, dead_at: None }
    }

    fn frame(&mut self, now: Instant, frame: Frame) -> Result<Vec<Out>, ProtocolError> {
        match (frame, self.state) {
            (Frame::Open { silence }, State::Opening) => {
                self.state = State::Connecting;
                self.silence = silence;
                self.dead_at = Some(now + silence);
                Ok(vec![Out::Send(socket_io::CONNECT.to_owned())])
            }
            (Frame::Connected, State::Connecting) => {
                self.state = State::Joining;
                Ok(vec![Out::Send(wire::join_request(&self.join, &self.name))])
            }
            (Frame::Refused(message), State::Connecting) => {
                Ok(self.reject(format!("it does not let us in ({message})")))
            }
            (Frame::Event { name, argument }, State::Joining | State::Joined) => {
                self.event(FromServer::parse(&name, argument)?)
            }
            (Frame::Ping, _) => Ok(vec![Out::Send(socket_io::PONG.to_owned())]),
            (Frame::Idle, _) => Ok(Vec::new()),
            (Frame::Ended, _) => Ok(self.end(CloseInfo::Broken("the server ended the conversation".to_owned()))),
            (Frame::Open { .. }, _) => Err(ProtocolError::Unexpected("open")),
            (Frame::Connected | Frame::Refused(_), _) => Err(ProtocolError::Unexpected("connect")),
            (Frame::Event { .. }, _) => Err(ProtocolError::Unexpected("event")),
        }
    }

    fn event(&mut self, event: FromServer) -> Result<Vec<Out>, ProtocolError> {
        let kind = event.kind();
        match (event, self.state) {
            // Who is alone hears only this; who is not hears of the others first.
            (FromServer::ServerInfo, State::Joining) => {
                Ok(Out::event(self.joined(Role { offers_first: false, polite: false }, Vec::new())))
            }
            // What is left of an earlier connection of ours, until the server notices that it is dead.
            (FromServer::AddPeer { name, browser, .. }, _) if name == self.name && self.is_ours(&browser) => {
                Ok(Vec::new())
            }
            (FromServer::AddPeer { id, browser, offers, ice_servers, unusable, .. }, State::Joining) => {
                self.peer = Some(id);
                let skipped = (unusable > 0).then_some(Out::Skipped(ProtocolError::IceServers(unusable)));
                let role = Role { offers_first: offers, polite: offers && self.is_ours(&browser) };
                let joined = Out::Event(self.joined(role, ice_servers));
                Ok(skipped.into_iter().chain([joined]).collect())
            }
            (FromServer::AddPeer { id, offers, .. }, State::Joined) if self.peer.is_none() => {
                self.peer = Some(id);
                Ok(if offers { Out::event(SignalingEvent::OfferWanted) } else { Vec::new() })
            }
            (FromServer::RemovePeer { id }, State::Joined) if self.peer.as_ref() == Some(&id) => {
                self.peer = None;
                Ok(Out::event(SignalingEvent::PeerLeft))
            }
            (FromServer::Description { id, description }, State::Joined) if self.peer.as_ref() == Some(&id) => {
                Ok(Out::event(SignalingEvent::Description(description)))
            }
            (FromServer::Candidate { id, candidate }, State::Joined) if self.peer.as_ref() == Some(&id) => {
                Ok(Out::event(SignalingEvent::Candidate(candidate)))
            }
            (FromServer::Unauthorized, State::Joining) => {
                Ok(self.reject("it lets only people in who signed in on its page (unauthorized)".to_owned()))
            }
            (FromServer::RoomIsLocked, State::Joining) => {
                let advice = match self.join.key {
                    Some(_) => "the room is locked, and its password is another one: check --key",
                    None => "the room is locked: pass its password with --key",
                };
                Ok(self.reject(advice.to_owned()))
            }
            (FromServer::RoomIsJoinLocked, State::Joining) => {
                Ok(self.reject("the room takes nobody in at the moment: ask who is in it to unlock it".to_owned()))
            }
            // Told again when something of the room changes; further members come and go.
            (FromServer::ServerInfo | FromServer::RemovePeer { .. } | FromServer::Other, _) => Ok(Vec::new()),
            (
                FromServer::AddPeer { .. } | FromServer::Description { .. } | FromServer::Candidate { .. },
                State::Joined,
            ) => Err(ProtocolError::Stranger(kind)),
            _ => Err(ProtocolError::Unexpected(kind)),
        }
    }

    /// Whether a member runs the same program as we; the server writes its name before its version.
    fn is_ours(&self, browser: &str) -> bool {
        let name = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
        name(browser) == name(&self.join.agent)
    }

    fn joined(&mut self, role: Role, ice_servers: Vec<call_core::IceServer>) -> SignalingEvent {
        self.state = State::Joined;
        SignalingEvent::Joined { role, capabilities: PeerCapabilities::FULL, ice_servers }
    }

    fn reject(&mut self, reason: String) -> Vec<Out> {
        self.over();
        vec![Out::Event(SignalingEvent::Rejected(Reject::Refused(reason))), Out::Close]
    }

    /// We end the connection, because the server is of no use any more.
    fn end(&mut self, info: CloseInfo) -> Vec<Out> {
        let last = self.on_close(info).map(Out::Event);
        last.into_iter().chain([Out::Close]).collect()
    }

    fn over(&mut self) {
        self.state = State::Over;
        self.dead_at = None;
    }
}

impl Codec for MiroTalkCodec {
    fn address(&self) -> Url {
        let mut url = self.join.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("socket.io").push("");
        }
        url.set_query(Some(socket_io::QUERY));
        url
    }

    /// The server speaks first.
    fn on_open(&mut self, _now: Instant) -> Vec<Out> {
        Vec::new()
    }

    fn on_text(&mut self, now: Instant, text: &str) -> Result<Vec<Out>, ProtocolError> {
        if self.state == State::Over {
            return Ok(Vec::new());
        }
        if self.dead_at.is_some() {
            self.dead_at = Some(now + self.silence);
        }
        self.frame(now, Frame::parse(text)?)
    }

    fn on_command(&mut self, _now: Instant, command: Command) -> Vec<Out> {
        if self.state == State::Over {
            return Vec::new();
        }
        let frame = match (command, &self.peer) {
            (Command::Leave, _) => {
                self.over();
                return vec![Out::Close];
            }
            (Command::Describe(description), Some(peer)) => wire::relay_sdp(peer, &description),
            // The web client cannot read an empty candidate, and nobody needs it.
            (Command::Candidate(candidate), _) if candidate.is_end_of_candidates() => None,
            (Command::Candidate(candidate), Some(peer)) => Some(wire::relay_ice(peer, &candidate)),
            (_, None) => None,
        };
        frame.into_iter().map(Out::Send).collect()
    }

    fn deadline(&self) -> Option<Instant> {
        self.dead_at
    }

    fn on_timeout(&mut self, now: Instant) -> Vec<Out> {
        match self.dead_at {
            Some(dead_at) if dead_at <= now => {
                self.end(CloseInfo::Broken(format!("the server has been silent for {:?}", self.silence)))
            }
            _ => Vec::new(),
        }
    }

    fn on_close(&mut self, info: CloseInfo) -> Option<SignalingEvent> {
        let state = self.state;
        self.over();
        match state {
            State::Over => None,
            State::Joined => Some(info.lost()),
            State::Opening | State::Connecting | State::Joining => {
                Some(info.refused("before we were in the room", "is it a MiroTalk P2P server? check the URL"))
            }
        }
    }

    fn is_answered(&self) -> bool {
        matches!(self.state, State::Joined | State::Over)
    }
}

#[cfg(test)]
mod tests;
