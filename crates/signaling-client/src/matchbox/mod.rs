//! matchbox as its client speaks it: rooms in which whoever was there first offers to each newcomer.
//! A call is between two, so the first other member is the peer, and what further members say is left out.
//!
//! The protocol has no word for a full room. We tell who comes third by an answer without an SDP, to an offer that was never
//! made: other clients, which wait for an offer, ignore it.

mod wire;

use std::time::{Duration, Instant};

use call_core::{Description, DescriptionKind, PeerCapabilities, Reject, Role, SignalingEvent};
use url::Url;

use crate::close::CloseInfo;
use crate::codec::{Codec, Command, Join, Out, ProtocolError};
use wire::{Data, FromServer, ToServer};

/// Between two signs of life. matchbox's own clients send one every 10 s; idle proxies cut after 30 s or 60 s.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// matchbox's clients ignore every offer but the first.
const CAPABILITIES: PeerCapabilities =
    PeerCapabilities { renegotiation: false, server_ice: false, ..PeerCapabilities::FULL };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The server has not given us a name yet.
    Joining,
    Joined,
    /// The last event is out.
    Over,
}

/// One signaling connection, as matchbox sees it.
#[derive(Debug)]
pub struct MatchboxCodec {
    join: Join,
    state: State,
    /// The one other member that the call is with.
    peer: Option<String>,
    keep_alive_due: Option<Instant>,
}

impl MatchboxCodec {
    /// A codec for one connection that is about to open.
    #[must_use]
    pub fn new(join: Join) -> Self {
        Self { join, state: State::Joining, peer: None, keep_alive_due: None }
    }

    fn receive(&mut self, message: FromServer) -> Result<Vec<Out>, ProtocolError> {
        let kind = message.kind();
        match (message, self.state) {
            (FromServer::IdAssigned, State::Joining) => {
                self.state = State::Joined;
                // Whether somebody is there shows only when they offer.
                Ok(Out::event(SignalingEvent::Joined {
                    role: Role { offers_first: false, polite: true },
                    capabilities: CAPABILITIES,
                    ice_servers: Vec::new(),
                }))
            }
            (FromServer::NewPeer(id), State::Joined) if self.peer.is_none() => {
                self.peer = Some(id);
                Ok(Out::event(SignalingEvent::OfferWanted))
            }
            (FromServer::PeerLeft(id), State::Joined) if self.peer.as_ref() == Some(&id) => {
                self.peer = None;
                Ok(Out::event(SignalingEvent::PeerLeft))
            }
            // Those who left were no part of the call.
            (FromServer::PeerLeft(_), State::Joined) => Ok(Vec::new()),
            (FromServer::Description { description, .. }, State::Joined)
                if self.peer.is_none() && description == Description::answer("") =>
            {
                self.over();
                Ok(vec![Out::Event(SignalingEvent::Rejected(Reject::RoomFull)), Out::Close])
            }
            (FromServer::Description { sender, description }, State::Joined) => {
                if self.peer.is_none() && description.kind == DescriptionKind::Offer {
                    self.peer = Some(sender.clone());
                }
                self.of_the_peer(&sender, kind, SignalingEvent::Description(description))
            }
            (FromServer::NewPeer(receiver), State::Joined) => {
                let busy = ToServer::Signal { receiver: &receiver, data: Data::Answer("") };
                Ok(vec![Out::Send(busy.to_text()), Out::Skipped(ProtocolError::Stranger(kind))])
            }
            (FromServer::Candidate { sender, candidate }, State::Joined) => {
                self.of_the_peer(&sender, kind, SignalingEvent::Candidate(candidate))
            }
            _ => Err(ProtocolError::Unexpected(kind)),
        }
    }

    fn of_the_peer(&self, sender: &str, kind: &'static str, event: SignalingEvent) -> Result<Vec<Out>, ProtocolError> {
        match self.peer.as_deref() == Some(sender) {
            true => Ok(Out::event(event)),
            false => Err(ProtocolError::Stranger(kind)),
        }
    }

    fn over(&mut self) {
        self.state = State::Over;
        self.keep_alive_due = None;
    }
}

impl Codec for MatchboxCodec {
    /// The room is the last part of the path. A query like `?next=2` stays: it asks for groups of two.
    fn address(&self) -> Url {
        let mut url = self.join.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(self.join.room.as_str());
        }
        url
    }

    fn on_open(&mut self, now: Instant) -> Vec<Out> {
        self.keep_alive_due = Some(now + KEEP_ALIVE);
        Vec::new()
    }

    fn on_text(&mut self, _now: Instant, text: &str) -> Result<Vec<Out>, ProtocolError> {
        match self.state {
            State::Over => Ok(Vec::new()),
            _ => self.receive(FromServer::parse(text)?),
        }
    }

    fn on_command(&mut self, _now: Instant, command: Command) -> Vec<Out> {
        if self.state == State::Over {
            return Vec::new();
        }
        let data = match &command {
            Command::Leave => {
                self.over();
                return vec![Out::Close];
            }
            Command::Describe(Description { kind: DescriptionKind::Offer, sdp }) => Data::Offer(sdp),
            Command::Describe(Description { kind: DescriptionKind::Answer, sdp }) => Data::Answer(sdp),
            // A rollback undoes our own offer and is never told to the peer (RFC 8829 §4.1.10.2).
            Command::Describe(Description { kind: DescriptionKind::Rollback, .. }) => return Vec::new(),
            Command::Candidate(candidate) => candidate.into(),
        };
        match &self.peer {
            Some(receiver) => vec![Out::Send(ToServer::Signal { receiver, data }.to_text())],
            None => Vec::new(),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.keep_alive_due
    }

    fn on_timeout(&mut self, now: Instant) -> Vec<Out> {
        match &mut self.keep_alive_due {
            Some(due) if *due <= now => {
                *due = now + KEEP_ALIVE;
                vec![Out::Send(ToServer::KeepAlive.to_text())]
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
            State::Joining => {
                Some(info.refused("before it gave us a name in the room", "is it a matchbox server? check the URL"))
            }
        }
    }

    fn is_answered(&self) -> bool {
        self.state != State::Joining
    }
}

#[cfg(test)]
mod tests;
