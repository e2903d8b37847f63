//! GStreamer's signalling as its client speaks it. It knows no rooms but producers and their consumers, so the room is the name
//! of a producer: whoever finds one consumes it, whoever finds none becomes it.
//!
//! A `webrtcsink` whose `meta` has the room as its `name` is called like any of us, and any consumer may call us. The producer
//! makes all offers; a consumer can only answer, except for the offer with which it may call.
//!
//! Two that find nobody at the same time both become producers. Each then looks again: who has the larger name steps back and
//! calls the other, who waits for that.

#[cfg(test)]
mod tests;
mod wire;

use std::time::{Duration, Instant};

use call_core::{Description, DescriptionKind, PeerCapabilities, Reject, Role, SignalingEvent};
use url::Url;

use crate::close::CloseInfo;
use crate::codec::{Codec, Command, Join, Out, ProtocolError};
use wire::{FromServer, Meta, Producer, Said, ToServer};

/// For another new producer to step back and call us.
const STEP_BACK: Duration = Duration::from_secs(1);
/// For the first word of a producer that we called. The server never finds out that a peer is dead, so it may be one. In all
/// below the ten seconds that a caller gives a server; a small camera may need some to start its encoder.
const FIRST_WORD: Duration = Duration::from_secs(6);
/// Times that we look for a producer in one attempt: others come and go meanwhile, but not for ever.
const MAX_LOOKS: usize = 6;

const CONSUMER: PeerCapabilities = PeerCapabilities {
    // The server refuses offers of a consumer.
    renegotiation: false,
    candidate_needs_mid: false,
    server_ice: false,
    ..PeerCapabilities::FULL
};
const PRODUCER: PeerCapabilities = PeerCapabilities { renegotiation: true, ..CONSUMER };

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// The server has not told us our name.
    Entering,
    /// As a consumer, for a producer.
    Looking,
    /// As a new producer, for others like us.
    LookingAgain,
    /// For another new producer, named here, to call us.
    SteppingBack {
        other: String,
        until: Instant,
    },
    /// For the server to begin our call of a producer.
    Calling {
        producer: String,
    },
    /// For the first word of the producer that we called.
    Ringing {
        producer: String,
        session: String,
        until: Instant,
    },
    /// In the room, with the session of the call that there is.
    Producing {
        session: Option<String>,
    },
    Consuming {
        session: Option<String>,
    },
    /// The last event is out.
    Over,
}

/// One signaling connection, as GStreamer's signalling sees it.
#[derive(Debug)]
pub struct GstCodec {
    join: Join,
    state: State,
    /// Our name.
    peer: String,
    looks: usize,
    /// Producers that did not answer; at most one a look.
    dead: Vec<String>,
}

impl GstCodec {
    /// A codec for one connection that is about to open.
    #[must_use]
    pub fn new(join: Join) -> Self {
        Self { join, state: State::Entering, peer: String::new(), looks: 0, dead: Vec::new() }
    }

    fn status(&self, roles: &'static [&'static str]) -> Out {
        send(&ToServer::SetPeerStatus { roles, meta: Meta { name: self.join.room.as_str() } })
    }

    /// Looks for a producer to call.
    fn look(&mut self) -> Vec<Out> {
        self.looks += 1;
        if self.looks > MAX_LOOKS {
            self.state = State::Over;
            let reason = "those who were in the room left it before we could meet".to_owned();
            return vec![Out::Event(SignalingEvent::Unreachable { reason, retry: true }), Out::Close];
        }
        self.state = State::Looking;
        vec![self.status(&["listener"]), send(&ToServer::List)]
    }

    fn call(&mut self, producer: String) -> Vec<Out> {
        let out = vec![send(&ToServer::StartSession { peer_id: &producer })];
        self.state = State::Calling { producer };
        out
    }

    /// Those who produce under the room's name, but for ourselves and the dead. The first of them by name is the one to call.
    fn in_the_room(&self, producers: Vec<Producer>) -> Option<String> {
        let name = Some(self.join.room.as_str());
        let here =
            producers.into_iter().filter(|producer| producer.name.as_deref() == name).map(|producer| producer.id);
        here.filter(|id| *id != self.peer && !self.dead.contains(id)).min()
    }

    fn found(&mut self, now: Instant, producers: Vec<Producer>) -> Vec<Out> {
        let other = self.in_the_room(producers);
        match (&self.state, other) {
            (State::Looking, Some(producer)) => self.call(producer),
            (State::Looking, None) => {
                self.state = State::LookingAgain;
                vec![self.status(&["producer", "listener"]), send(&ToServer::List)]
            }
            (State::LookingAgain, None) => self.joined(State::Producing { session: None }),
            (State::LookingAgain, Some(other)) if other < self.peer => self.step_back(other),
            (State::LookingAgain, Some(other)) => {
                self.state = State::SteppingBack { other, until: now + STEP_BACK };
                Vec::new()
            }
            // What happened meanwhile has answered the question.
            _ => Vec::new(),
        }
    }

    /// Produces no more and calls `other`.
    fn step_back(&mut self, other: String) -> Vec<Out> {
        let mut out = vec![self.status(&["listener"])];
        out.extend(self.call(other));
        out
    }

    fn joined(&mut self, state: State) -> Vec<Out> {
        let is_consumer = matches!(state, State::Consuming { .. });
        self.state = state;
        Out::event(SignalingEvent::Joined {
            // The producer offers when somebody comes, and never has to give way.
            role: Role { offers_first: false, polite: is_consumer },
            capabilities: if is_consumer { CONSUMER } else { PRODUCER },
            ice_servers: Vec::new(),
        })
    }

    /// A consumer calls.
    fn called(&mut self, id: String, offer: Option<String>) -> Result<Vec<Out>, ProtocolError> {
        let mut out = match &self.state {
            State::LookingAgain | State::SteppingBack { .. } => self.joined(State::Producing { session: None }),
            State::Producing { session: None } => Vec::new(),
            State::Over => return Ok(Vec::new()),
            _ => {
                // A call is between two.
                let stranger = Out::Skipped(ProtocolError::Stranger("startSession"));
                return Ok(vec![send(&ToServer::EndSession { session_id: &id }), stranger]);
            }
        };
        self.state = State::Producing { session: Some(id) };
        out.push(Out::Event(match offer {
            Some(sdp) => SignalingEvent::Description(Description::offer(sdp)),
            None => SignalingEvent::OfferWanted,
        }));
        Ok(out)
    }

    /// The other side of session `id` says something.
    fn heard(&mut self, id: String, said: Said) -> Result<Vec<Out>, ProtocolError> {
        let mut out = match &self.state {
            State::Ringing { session, .. } if *session == id => self.joined(State::Consuming { session: Some(id) }),
            State::Producing { session: Some(session) } | State::Consuming { session: Some(session) }
                if *session == id =>
            {
                Vec::new()
            }
            _ => return Err(ProtocolError::Stranger("peer")),
        };
        out.push(Out::Event(match said {
            Said::Description(description) => SignalingEvent::Description(description),
            Said::Candidate(candidate) => SignalingEvent::Candidate(candidate),
        }));
        Ok(out)
    }

    fn ended(&mut self, id: &str) -> Result<Vec<Out>, ProtocolError> {
        match &mut self.state {
            // Before it said a word: it is in a call already.
            State::Ringing { session, .. } if session == id => {
                self.state = State::Over;
                Ok(vec![Out::Event(SignalingEvent::Rejected(Reject::RoomFull)), Out::Close])
            }
            State::Producing { session } | State::Consuming { session } if session.as_deref() == Some(id) => {
                *session = None;
                Ok(Out::event(SignalingEvent::PeerLeft))
            }
            _ => Err(ProtocolError::Stranger("endSession")),
        }
    }

    /// The server could not do something, in its words.
    fn failed(&mut self, words: String) -> Result<Vec<Out>, ProtocolError> {
        match self.state {
            // The producer has left, or has stepped back as we did.
            State::Calling { .. } => Ok(self.look()),
            State::Entering | State::Looking | State::LookingAgain => {
                self.state = State::Over;
                Ok(vec![Out::Event(SignalingEvent::Rejected(Reject::Refused(words))), Out::Close])
            }
            _ => Err(ProtocolError::Complaint(words)),
        }
    }

    fn session(&self) -> Option<&str> {
        match &self.state {
            State::Producing { session } | State::Consuming { session } => session.as_deref(),
            State::Ringing { session, .. } => Some(session),
            _ => None,
        }
    }
}

impl Codec for GstCodec {
    fn address(&self) -> Url {
        self.join.url.clone()
    }

    fn on_open(&mut self, _now: Instant) -> Vec<Out> {
        Vec::new()
    }

    fn on_text(&mut self, now: Instant, text: &str) -> Result<Vec<Out>, ProtocolError> {
        if self.state == State::Over {
            return Ok(Vec::new());
        }
        let message = FromServer::parse(text)?;
        let kind = message.kind();
        match message {
            FromServer::Welcome { peer } if self.state == State::Entering => {
                self.peer = peer;
                Ok(self.look())
            }
            FromServer::List(producers) => Ok(self.found(now, producers)),
            FromServer::StartSession { session, offer } => self.called(session, offer),
            FromServer::SessionStarted { peer, session } => match &self.state {
                State::Calling { producer } if *producer == peer => {
                    self.state = State::Ringing { producer: peer, session, until: now + FIRST_WORD };
                    Ok(Vec::new())
                }
                _ => Err(ProtocolError::Unexpected(kind)),
            },
            FromServer::Peer { session, said } => self.heard(session, said),
            FromServer::EndSession { session } => self.ended(&session),
            FromServer::Error(words) => self.failed(words),
            FromServer::PeerStatusChanged => Ok(Vec::new()),
            FromServer::Welcome { .. } => Err(ProtocolError::Unexpected(kind)),
        }
    }

    fn on_command(&mut self, _now: Instant, command: Command) -> Vec<Out> {
        let message = match (&command, &self.state) {
            (_, State::Over) => return Vec::new(),
            (Command::Leave, _) => {
                let farewell = self.session().map(|session_id| send(&ToServer::EndSession { session_id }));
                self.state = State::Over;
                return farewell.into_iter().chain([Out::Close]).collect();
            }
            (Command::Describe(Description { kind: DescriptionKind::Offer, .. }), State::Consuming { .. }) => None,
            (
                Command::Describe(description),
                State::Producing { session: Some(session) } | State::Consuming { session: Some(session) },
            ) => ToServer::describe(session, description),
            (
                Command::Candidate(candidate),
                State::Producing { session: Some(session) } | State::Consuming { session: Some(session) },
            ) if !candidate.is_end_of_candidates() => Some(ToServer::candidate(session, candidate)),
            _ => None,
        };
        message.iter().map(send).collect()
    }

    fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::SteppingBack { until, .. } | State::Ringing { until, .. } => Some(until),
            _ => None,
        }
    }

    fn on_timeout(&mut self, now: Instant) -> Vec<Out> {
        match &self.state {
            // It is not one of us, or it has not seen us.
            State::SteppingBack { other, until } if *until <= now => {
                let other = other.clone();
                self.step_back(other)
            }
            State::Ringing { producer, session, until } if *until <= now => {
                let mut out = vec![send(&ToServer::EndSession { session_id: session })];
                self.dead.push(producer.clone());
                out.extend(self.look());
                out
            }
            _ => Vec::new(),
        }
    }

    fn on_close(&mut self, info: CloseInfo) -> Option<SignalingEvent> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Over => None,
            State::Producing { .. } | State::Consuming { .. } => Some(info.lost()),
            _ => Some(info.unanswered(|meaning| {
                let reason = format!("it closed the connection before we found anybody ({meaning}): check the URL");
                SignalingEvent::Unreachable { reason, retry: true }
            })),
        }
    }

    /// A producer that takes its time has an end of its own.
    fn is_answered(&self) -> bool {
        use State::{Consuming, Over, Producing, Ringing};
        matches!(self.state, Producing { .. } | Consuming { .. } | Ringing { .. } | Over)
    }
}

fn send(message: &ToServer<'_>) -> Out {
    Out::Send(message.to_text())
}
