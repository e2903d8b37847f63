//! A signaling protocol that a mapping file describes: JSON or plain text, with a peer that offers or waits.
//! `mapping.md` beside this file says what such a file can hold; everything else here follows from it.

mod hole;
mod line;
mod mapping;
mod meaning;
mod section;
mod shape;

use std::sync::Arc;
use std::time::Instant;

use call_core::{Candidate, Description, DescriptionKind, IceServer, PeerCapabilities, Reject, Role, SignalingEvent};
use serde_json::Value;
use url::Url;

use crate::close::CloseInfo;
use crate::codec::{Codec, Command, Join, Out, ProtocolError};
use crate::ice;
use crate::text::one_line;
use hole::{Hole, Values, is_name};
use line::{Line, is_same};
use mapping::Offers;
pub use mapping::{Mapping, MappingError};
use meaning::Meaning;
use shape::{Message, Shape};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The server has not let us into the room yet.
    Joining,
    Joined,
    /// The last event is out.
    Over,
}

/// One signaling connection, as a mapping file sees it.
#[derive(Debug)]
pub struct CustomCodec {
    join: Join,
    mapping: Arc<Mapping>,
    state: State,
    /// Our own name, which the server may change when it lets us in.
    me: Value,
    /// The one other member that the call is with, where the protocol names it.
    peer: Option<Value>,
    keep_alive_due: Option<Instant>,
}

impl CustomCodec {
    /// A codec for one connection that is about to open. The URL in `join` is not used: the mapping has its own.
    #[must_use]
    pub fn new(join: Join, mapping: Arc<Mapping>) -> Self {
        let room = Values::from([(Hole::Room, Value::from(join.room.as_str()))]);
        let name = |line: &Line| Value::from(line.fill(&room, |_, value| value.to_owned()).unwrap_or_default());
        let me = mapping.me.as_ref().map_or_else(|| Value::from(join.client_id.as_str()), name);
        let peer = mapping.peer.as_ref().map(name);
        Self { join, mapping, state: State::Joining, me, peer, keep_alive_due: None }
    }

    /// What every message of ours can hold.
    fn values(&self) -> Values {
        let known = [
            (Hole::Me, Some(self.me.clone())),
            (Hole::Room, Some(Value::from(self.join.room.as_str()))),
            (Hole::Agent, Some(Value::from(self.join.agent.as_str()))),
            (Hole::Key, self.join.key.as_ref().map(|key| Value::from(key.expose()))),
            (Hole::Peer, self.peer.clone()),
        ];
        known.into_iter().filter_map(|(hole, value)| Some((hole, value?))).collect()
    }

    /// The message, unless it needs a peer and nobody is there.
    fn fill(&self, shape: &Shape, more: impl IntoIterator<Item = (Hole, Value)>) -> Option<Out> {
        let mut values = self.values();
        values.extend(more);
        shape.fill(&values).ok().map(Out::Send)
    }

    fn fill_all(&self, shapes: &[Shape]) -> Vec<Out> {
        shapes.iter().filter_map(|shape| self.fill(shape, [])).collect()
    }

    /// What a message means, and its values. Messages to others mean nothing.
    fn read(&self, message: &Message<'_>) -> Option<(Meaning, Values)> {
        self.mapping.receive.iter().find_map(|(meaning, shape)| {
            let values = shape.read(message)?;
            // In the answer to the join request, the server tells us our name; anywhere else it says who is meant.
            let names_us = matches!(meaning, Meaning::Joined | Meaning::Alone);
            let for_us = names_us || values.get(&Hole::Me).is_none_or(|me| is_same(me, &self.me));
            let here = values.get(&Hole::Room).is_none_or(|room| is_same(room, &self.join.room.as_str().into()));
            (for_us && here).then_some((*meaning, values))
        })
    }

    fn understand(&mut self, meaning: Meaning, values: Values) -> Result<Vec<Out>, ProtocolError> {
        if values.get(&Hole::Peer).is_some_and(|peer| is_same(peer, &self.me)) {
            // Some servers send everybody everything.
            return Ok(Vec::new());
        }
        match (meaning, self.state) {
            (Meaning::Ignored, _) => Ok(Vec::new()),
            (Meaning::Joined | Meaning::Alone, State::Joining) => Ok(self.joined(meaning, values)),
            (Meaning::Full, State::Joining) => Ok(self.reject(Reject::RoomFull)),
            (Meaning::Refused, State::Joining) => {
                let reason = words(&values);
                let reason = if reason.is_empty() { "it gave no reason".to_owned() } else { reason };
                Ok(self.reject(Reject::Refused(reason)))
            }
            (Meaning::Refused, State::Joined) => Err(ProtocolError::Complaint(words(&values))),
            (Meaning::PeerJoined, State::Joined) => {
                self.meet(meaning, &values)?;
                let wanted = matches!(self.mapping.offers, Offers::Member | Offers::We);
                Ok(if wanted { Out::event(SignalingEvent::OfferWanted) } else { Vec::new() })
            }
            (Meaning::PeerLeft, State::Joined) => {
                if values.get(&Hole::Peer).is_some_and(|peer| self.peer.as_ref() != Some(peer)) {
                    // Who left was no part of the call.
                    return Ok(Vec::new());
                }
                if self.mapping.peer.is_none() {
                    self.peer = None;
                }
                Ok(Out::event(SignalingEvent::PeerLeft))
            }
            (Meaning::Offer | Meaning::Answer, State::Joined) => {
                self.meet(meaning, &values)?;
                let kind = if meaning == Meaning::Offer { DescriptionKind::Offer } else { DescriptionKind::Answer };
                let sdp = text(&values, Hole::Sdp).unwrap_or_default();
                Ok(Out::event(SignalingEvent::Description(Description { kind, sdp })))
            }
            (Meaning::Candidate, State::Joined) => {
                self.meet(meaning, &values)?;
                Ok(Out::event(SignalingEvent::Candidate(candidate(&values))))
            }
            _ => Err(ProtocolError::Unexpected(meaning.key())),
        }
    }

    /// Checks that a message is from the peer. The first who offers or comes is.
    fn meet(&mut self, meaning: Meaning, values: &Values) -> Result<(), ProtocolError> {
        match (values.get(&Hole::Peer), &self.peer) {
            (Some(sender), Some(peer)) if sender != peer => Err(ProtocolError::Stranger(meaning.key())),
            (Some(sender), None) if matches!(meaning, Meaning::PeerJoined | Meaning::Offer) => {
                self.peer = Some(sender.clone());
                Ok(())
            }
            (Some(_), None) => Err(ProtocolError::Stranger(meaning.key())),
            _ => Ok(()),
        }
    }

    fn joined(&mut self, meaning: Meaning, mut values: Values) -> Vec<Out> {
        if let Some(me) = values.remove(&Hole::Me) {
            self.me = me;
        }
        let others = others(&values, &self.me);
        if others.as_ref().is_some_and(|others| others.len() > 1) {
            // They have each other.
            return self.reject(Reject::RoomFull);
        }
        let someone = match (meaning, values.get(&Hole::Someone)) {
            (Meaning::Alone, _) => Some(false),
            (_, Some(someone)) => Some(someone.as_bool().unwrap_or(*someone == "true")),
            _ => match &others {
                Some(others) => Some(!others.is_empty()),
                None => self.mapping.hears_of(Meaning::Alone).then_some(true),
            },
        };
        if self.peer.is_none() {
            self.peer = values.remove(&Hole::Peer).or_else(|| others?.into_iter().next());
        }
        let (ice_servers, unusable) = ice::read_servers(values.remove(&Hole::IceServers).unwrap_or_default());
        let skipped = (unusable > 0).then_some(Out::Skipped(ProtocolError::IceServers(unusable)));
        skipped.into_iter().chain([self.enter(someone, ice_servers)]).collect()
    }

    /// We are in the room; `someone` is whether somebody else is, if that is known.
    fn enter(&mut self, someone: Option<bool>, ice_servers: Vec<IceServer>) -> Out {
        self.state = State::Joined;
        let role = match self.mapping.offers {
            // Who was there first yields, as with Ayame.
            Offers::Newcomer => Role { offers_first: someone == Some(true), polite: someone != Some(true) },
            Offers::Member => Role { offers_first: false, polite: someone != Some(false) },
            Offers::We => Role { offers_first: someone != Some(false), polite: false },
            Offers::Peer => Role { offers_first: false, polite: true },
        };
        let capabilities = PeerCapabilities {
            renegotiation: self.mapping.renegotiation,
            trickle: self.mapping.send.candidate.is_some(),
            candidate_needs_mid: true,
            presence: self.mapping.hears_of(Meaning::PeerLeft),
            server_ice: self.mapping.hears(Hole::IceServers),
            by_hand: false,
        };
        Out::Event(SignalingEvent::Joined { role, capabilities, ice_servers })
    }

    fn reject(&mut self, reject: Reject) -> Vec<Out> {
        self.over();
        vec![Out::Event(SignalingEvent::Rejected(reject)), Out::Close]
    }

    fn over(&mut self) {
        self.state = State::Over;
        self.keep_alive_due = None;
    }
}

impl Codec for CustomCodec {
    fn address(&self) -> Url {
        self.mapping.address(&self.values())
    }

    fn on_open(&mut self, now: Instant) -> Vec<Out> {
        self.keep_alive_due = self.mapping.send.keep_alive.as_ref().map(|(every, _)| now + *every);
        let mut out = self.fill_all(&self.mapping.send.open);
        if !self.mapping.hears_of(Meaning::Joined) && !self.mapping.hears_of(Meaning::Alone) {
            out.push(self.enter(None, Vec::new()));
        }
        out
    }

    fn on_text(&mut self, _now: Instant, text: &str) -> Result<Vec<Out>, ProtocolError> {
        if self.state == State::Over {
            return Ok(Vec::new());
        }
        let message = Message::new(text);
        let reply = self.mapping.replies.iter().find(|(to, _)| to.read(&message).is_some());
        let reply = reply.map(|(_, shapes)| self.fill_all(shapes));
        match (self.read(&message), reply) {
            (Some((meaning, values)), reply) => {
                let mut out = reply.unwrap_or_default();
                out.extend(self.understand(meaning, values)?);
                Ok(out)
            }
            (None, Some(reply)) => Ok(reply),
            (None, None) => Err(ProtocolError::NoType),
        }
    }

    fn on_command(&mut self, _now: Instant, command: Command) -> Vec<Out> {
        if self.state == State::Over {
            return Vec::new();
        }
        let send = &self.mapping.send;
        let filled = match command {
            Command::Leave => {
                let farewell = send.leave.as_ref().filter(|_| self.state == State::Joined);
                let farewell = farewell.and_then(|shape| self.fill(shape, []));
                self.over();
                return farewell.into_iter().chain([Out::Close]).collect();
            }
            _ if self.state == State::Joining => None,
            Command::Describe(Description { kind, sdp }) => match kind {
                DescriptionKind::Offer => self.fill(&send.offer, [(Hole::Sdp, Value::from(sdp))]),
                DescriptionKind::Answer => self.fill(&send.answer, [(Hole::Sdp, Value::from(sdp))]),
                // A rollback undoes our own offer and is never told to the peer (RFC 8829 §4.1.10.2).
                DescriptionKind::Rollback => None,
            },
            Command::Candidate(candidate) if candidate.is_end_of_candidates() => {
                send.end_of_candidates.as_ref().and_then(|shape| self.fill(shape, []))
            }
            Command::Candidate(Candidate { candidate, sdp_mid, sdp_m_line_index, username_fragment }) => {
                let values = [
                    (Hole::Candidate, Some(Value::from(candidate))),
                    (Hole::Mid, sdp_mid.map(Value::from)),
                    (Hole::Index, sdp_m_line_index.map(Value::from)),
                    (Hole::Ufrag, username_fragment.map(Value::from)),
                ];
                let values = values.into_iter().filter_map(|(hole, value)| Some((hole, value?)));
                send.candidate.as_ref().and_then(|shape| self.fill(shape, values))
            }
        };
        filled.into_iter().collect()
    }

    fn deadline(&self) -> Option<Instant> {
        self.keep_alive_due
    }

    fn on_timeout(&mut self, now: Instant) -> Vec<Out> {
        match (&self.mapping.send.keep_alive, self.keep_alive_due) {
            (Some((every, shape)), Some(due)) if due <= now => {
                self.keep_alive_due = Some(now + *every);
                self.fill(shape, []).into_iter().collect()
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
                Some(info.refused("before we were in the room", "check the room name, the key and the mapping file"))
            }
        }
    }

    fn is_answered(&self) -> bool {
        self.state != State::Joining
    }
}

fn text(values: &Values, hole: Hole) -> Option<String> {
    values.get(&hole)?.as_str().map(str::to_owned)
}

/// The server's reason, fit to be shown.
fn words(values: &Values) -> String {
    one_line(&text(values, Hole::Reason).unwrap_or_default())
}

fn candidate(values: &Values) -> Candidate {
    let candidate = text(values, Hole::Candidate).unwrap_or_default();
    let index = values.get(&Hole::Index).and_then(|index| match index {
        Value::String(text) => text.parse().ok(),
        number => number.as_u64().and_then(|number| number.try_into().ok()),
    });
    Candidate {
        // Some senders pass the whole SDP line on.
        candidate: candidate.strip_prefix("a=").map_or_else(|| candidate.clone(), str::to_owned),
        sdp_mid: text(values, Hole::Mid),
        sdp_m_line_index: index,
        username_fragment: text(values, Hole::Ufrag),
    }
}

/// The other members, where the server names them: as words of a line, or as a JSON list. At most two, as more make no difference.
fn others(values: &Values, me: &Value) -> Option<Vec<Value>> {
    let others: Vec<Value> = match values.get(&Hole::Others)? {
        Value::Array(names) => {
            names.iter().filter(|name| is_name(name) && !is_same(name, me)).take(2).cloned().collect()
        }
        Value::String(words) => words
            .split_whitespace()
            .map(Value::from)
            .filter(|name| is_name(name) && !is_same(name, me))
            .take(2)
            .collect(),
        _ => return None,
    };
    Some(others)
}

#[cfg(test)]
mod tests;
