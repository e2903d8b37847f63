//! PeerJS as its client speaks it. It knows no rooms, so whoever claims the room's name hosts it, and whoever finds it taken
//! is a guest that calls it.
//!
//! A page with PeerJS that calls the room's name is a guest like any other. There is no word for a peer's going: pages say
//! nothing, and of a host that lost its network the name stays taken for up to 90 s. A guest that gets no answer reports that
//! its peer left, so that the session tries again and claims the name as soon as it is free.

mod names;
#[cfg(test)]
mod tests;
mod wire;

use std::time::{Duration, Instant};

use call_core::{Description, DescriptionKind, PeerCapabilities, Reject, Role, Secret, SignalingEvent};
use url::Url;

use crate::close::CloseInfo;
use crate::codec::{Codec, Command, Join, Out, ProtocolError};
use wire::{FromServer, Said, ToServer};

/// The key of a server that was given none.
const DEFAULT_KEY: &str = "peerjs";
/// The version of PeerJS whose messages these are.
const VERSION: &str = "1.5.5";
/// Between two signs of life, as PeerJS pages send them; a server gives up on who is silent for 60 s or 90 s.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// For a word of refusal. A server that recognises our token lets us in without a word; one that refuses does so at once.
const SILENT_CONSENT: Duration = Duration::from_secs(1);
/// For the host's answer to our call, as long as a telephone rings. The host may be a person at a page, or gone.
const ANSWER: Duration = Duration::from_secs(30);

/// PeerJS closes a connection for which another offer comes, and has no word for a page that goes.
const CAPABILITIES: PeerCapabilities =
    PeerCapabilities { renegotiation: false, presence: false, server_ice: false, ..PeerCapabilities::FULL };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The WebSocket is open or about to be; nothing is known of our name.
    Entering,
    Joined,
    /// The last event is out.
    Over,
}

/// What our name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Host,
    /// With the number of names that were taken before.
    Guest(u32),
}

/// The one call that there is, with its name for both sides.
#[derive(Debug)]
struct Call {
    peer: String,
    connection: String,
    answered: bool,
}

/// One signaling connection, as PeerJS sees it.
#[derive(Debug)]
pub struct PeerJsCodec {
    join: Join,
    host: String,
    part: Part,
    state: State,
    call: Option<Call>,
    /// Calls made so far; none may have the name of another.
    calls: u64,
    consent_due: Option<Instant>,
    heartbeat_due: Option<Instant>,
    answer_due: Option<Instant>,
}

impl PeerJsCodec {
    /// A codec for one attempt, whose first connection is about to open.
    #[must_use]
    pub fn new(join: Join) -> Self {
        Self {
            host: names::host(&join.room),
            join,
            part: Part::Host,
            state: State::Entering,
            call: None,
            calls: 0,
            consent_due: None,
            heartbeat_due: None,
            answer_due: None,
        }
    }

    /// Our name is ours.
    fn joined(&mut self) -> Out {
        self.state = State::Joined;
        self.consent_due = None;
        let offers_first = self.part != Part::Host;
        Out::Event(SignalingEvent::Joined {
            role: Role { offers_first, polite: !offers_first },
            capabilities: CAPABILITIES,
            ice_servers: Vec::new(),
        })
    }

    /// Our name is somebody else's.
    fn taken(&mut self) -> Vec<Out> {
        self.part = match self.part {
            Part::Host => Part::Guest(0),
            Part::Guest(number) => Part::Guest(number + 1),
        };
        vec![Out::Reopen]
    }

    /// The server does not want us, in its words.
    fn refused(&mut self, words: &str) -> Vec<Out> {
        self.over();
        let event = if words.to_ascii_lowercase().contains("limit") {
            SignalingEvent::Unreachable { reason: format!("the server has no room for us ({words})"), retry: true }
        } else {
            SignalingEvent::Rejected(Reject::Refused(
                match (words.to_ascii_lowercase().contains("key"), &self.join.key) {
                    (true, Some(_)) => format!("it does not accept the key ({words}): check --key"),
                    (true, None) => {
                        format!("it wants another key than \"{DEFAULT_KEY}\" ({words}): pass it with --key")
                    }
                    (false, _) if words.is_empty() => "it gave no reason".to_owned(),
                    (false, _) => words.to_owned(),
                },
            ))
        };
        vec![Out::Event(event), Out::Close]
    }

    fn over(&mut self) {
        self.state = State::Over;
        self.consent_due = None;
        self.heartbeat_due = None;
        self.answer_due = None;
    }

    /// The peer is gone, or never was there.
    fn peer_left(&mut self) -> Vec<Out> {
        self.call = None;
        self.answer_due = None;
        Out::event(SignalingEvent::PeerLeft)
    }

    fn is_peer(&self, name: &str) -> bool {
        self.call.as_ref().is_some_and(|call| call.peer == name)
    }

    /// A message to a client that has its name.
    fn receive(&mut self, message: FromServer) -> Result<Vec<Out>, ProtocolError> {
        let kind = message.kind();
        match message {
            FromServer::Peer { src, connection, said: Said::Description(offer) }
                if offer.kind == DescriptionKind::Offer =>
            {
                self.called(src, connection, offer)
            }
            FromServer::Peer { src, connection, said } => {
                let call = self.call.as_mut().filter(|call| call.peer == src && call.connection == connection);
                let call = call.ok_or(ProtocolError::Stranger(kind))?;
                match said {
                    Said::Description(answer) if !call.answered => {
                        call.answered = true;
                        self.answer_due = None;
                        Ok(Out::event(SignalingEvent::Description(answer)))
                    }
                    Said::Candidate(candidate) => Ok(Out::event(SignalingEvent::Candidate(candidate))),
                    Said::Description(_) | Said::DataOffer => Err(ProtocolError::Unexpected(kind)),
                }
            }
            FromServer::Leave { src, busy } if self.is_peer(&src) => {
                if busy && self.call.as_ref().is_some_and(|call| !call.answered) {
                    self.over();
                    return Ok(vec![Out::Event(SignalingEvent::Rejected(Reject::RoomFull)), Out::Close]);
                }
                Ok(self.peer_left())
            }
            FromServer::Expire { src } if self.is_peer(&src) => Ok(self.peer_left()),
            FromServer::Leave { .. } | FromServer::Expire { .. } => Err(ProtocolError::Stranger(kind)),
            // Said before we had our name, or late.
            FromServer::Open | FromServer::IdTaken | FromServer::Error(_) => Err(ProtocolError::Unexpected(kind)),
        }
    }

    /// Somebody calls.
    fn called(&mut self, src: String, connection: String, offer: Description) -> Result<Vec<Out>, ProtocolError> {
        if self.part != Part::Host {
            return Err(ProtocolError::Stranger("OFFER"));
        }
        let mut out = Vec::new();
        match &self.call {
            Some(call) if call.peer != src => {
                let skipped = Out::Skipped(ProtocolError::Stranger("OFFER"));
                return Ok(vec![send(&ToServer::busy(&src)), skipped]);
            }
            Some(call) if call.connection == connection => return Err(ProtocolError::Unexpected("OFFER")),
            // The peer begins anew: what there was between us it has forgotten.
            Some(call) if call.answered => out.push(Out::Event(SignalingEvent::PeerLeft)),
            _ => {}
        }
        self.call = Some(Call { peer: src, connection, answered: false });
        out.push(Out::Event(SignalingEvent::Description(offer)));
        Ok(out)
    }

    fn describe(&mut self, now: Instant, description: &Description) -> Vec<Out> {
        if description.kind == DescriptionKind::Offer {
            if self.part == Part::Host {
                return Vec::new();
            }
            let connection = format!("mc_{:016x}", self.join.seed.wrapping_add(self.calls));
            self.calls += 1;
            self.call = Some(Call { peer: self.host.clone(), connection, answered: false });
            self.answer_due = Some(now + ANSWER);
        }
        let Some(call) = &mut self.call else { return Vec::new() };
        call.answered |= description.kind == DescriptionKind::Answer;
        let message = ToServer::describe(description, &call.connection, &call.peer);
        message.iter().map(send).collect()
    }
}

impl Codec for PeerJsCodec {
    fn address(&self) -> Url {
        let mut url = self.join.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("peerjs");
        }
        let name = match self.part {
            Part::Host => self.host.clone(),
            Part::Guest(number) => names::guest(&self.host, &self.join.token, number),
        };
        url.query_pairs_mut()
            .append_pair("key", self.join.key.as_ref().map_or(DEFAULT_KEY, Secret::expose))
            .append_pair("id", &name)
            .append_pair("token", self.join.token.expose())
            .append_pair("version", VERSION);
        url
    }

    fn on_open(&mut self, now: Instant) -> Vec<Out> {
        self.consent_due = Some(now + SILENT_CONSENT);
        self.heartbeat_due = Some(now + HEARTBEAT);
        Vec::new()
    }

    fn on_text(&mut self, _now: Instant, text: &str) -> Result<Vec<Out>, ProtocolError> {
        if self.state == State::Over {
            return Ok(Vec::new());
        }
        match (FromServer::parse(text)?, self.state) {
            (FromServer::Open, State::Entering) => Ok(vec![self.joined()]),
            (FromServer::IdTaken, State::Entering) => Ok(self.taken()),
            (FromServer::Error(words), State::Entering) => Ok(self.refused(&words)),
            // A client to which something is sent has its name.
            (message, State::Entering) => {
                let joined = self.joined();
                let out = self.receive(message).unwrap_or_else(|error| vec![Out::Skipped(error)]);
                Ok([joined].into_iter().chain(out).collect())
            }
            // It took its time, and we took its silence for consent.
            (FromServer::IdTaken, _) => {
                self.over();
                let reason = "the server gave our name to somebody else".to_owned();
                Ok(vec![Out::Event(SignalingEvent::Lost { reason }), Out::Close])
            }
            (FromServer::Error(words), _) => Err(ProtocolError::Complaint(words)),
            (message, _) => self.receive(message),
        }
    }

    fn on_command(&mut self, now: Instant, command: Command) -> Vec<Out> {
        match (command, self.state) {
            (_, State::Over) => Vec::new(),
            (Command::Leave, _) => {
                self.over();
                let farewell = self.call.take().map(|call| send(&ToServer::Leave { payload: None, dst: &call.peer }));
                farewell.into_iter().chain([Out::Close]).collect()
            }
            (_, State::Entering) => Vec::new(),
            (Command::Describe(description), State::Joined) => self.describe(now, &description),
            (Command::Candidate(candidate), State::Joined) => match &self.call {
                Some(call) if !candidate.is_end_of_candidates() => {
                    vec![send(&ToServer::candidate(&candidate, &call.connection, &call.peer))]
                }
                _ => Vec::new(),
            },
        }
    }

    fn deadline(&self) -> Option<Instant> {
        [self.consent_due, self.heartbeat_due, self.answer_due].into_iter().flatten().min()
    }

    fn on_timeout(&mut self, now: Instant) -> Vec<Out> {
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        let mut out = Vec::new();
        if is_due(self.consent_due) {
            out.push(self.joined());
        }
        if is_due(self.heartbeat_due) {
            self.heartbeat_due = Some(now + HEARTBEAT);
            out.push(send(&ToServer::Heartbeat));
        }
        if is_due(self.answer_due) {
            out.extend(self.peer_left());
        }
        out
    }

    fn on_close(&mut self, info: CloseInfo) -> Option<SignalingEvent> {
        let state = self.state;
        self.over();
        match state {
            State::Over => None,
            State::Joined => Some(info.lost()),
            State::Entering => Some(info.refused("without a word", "check the path of the URL and the key")),
        }
    }

    fn is_answered(&self) -> bool {
        self.state != State::Entering
    }
}

fn send(message: &ToServer<'_>) -> Out {
    Out::Send(message.to_text())
}
