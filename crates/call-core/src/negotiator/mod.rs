//! W3C perfect negotiation as a state machine: one operation on the connection at a time, each result fed back as an input.
//! Two negotiators of opposite politeness agree on a session in every order of offers, answers, candidates and results.

use crate::{Candidate, Description, DescriptionKind, PeerCapabilities};
use std::collections::VecDeque;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NegotiatorInput {
    /// The connection exists; what came before this was kept.
    Opened,
    /// An offer of ours is wanted.
    NegotiationNeeded,
    /// The peer sent a description.
    Remote(Description),
    /// The peer sent a candidate.
    RemoteCandidate(Candidate),
    /// Result of [`NegotiatorOutput::CreateOffer`].
    OfferCreated(Result<Description, String>),
    /// Result of [`NegotiatorOutput::CreateAnswer`].
    AnswerCreated(Result<Description, String>),
    /// Result of [`NegotiatorOutput::SetLocal`].
    LocalSet(Result<(), String>),
    /// Result of [`NegotiatorOutput::SetRemote`].
    RemoteSet(Result<(), String>),
    /// Result of [`NegotiatorOutput::Rollback`].
    RolledBack(Result<(), String>),
}

/// What is to be done. The first five are operations: exactly one runs at a time, and its result comes back as an input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NegotiatorOutput {
    /// Make an offer.
    CreateOffer,
    /// Make an answer.
    CreateAnswer,
    /// Apply our own description.
    SetLocal(Description),
    /// Apply the peer's description.
    SetRemote(Description),
    /// Withdraw the pending offer, ours or the peer's.
    Rollback,
    /// Give a candidate of the peer to the connection; no result is awaited.
    AddCandidate(Candidate),
    /// Send our description to the peer.
    Send(Description),
    /// Something was skipped; the negotiation goes on.
    Warn(String),
    /// An exchange was given up; a later one may succeed.
    Failed(String),
}

/// Where the exchange stands between two operations (W3C `RTCSignalingState`, as far as it can last).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Stable,
    HaveLocalOffer,
    HaveRemoteOffer,
}

/// The one operation that runs, with what its result needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Operation {
    Open,
    CreateOffer,
    CreateAnswer,
    SetLocal(Description),
    SetRemote(DescriptionKind),
    /// Afterwards this offer of the peer is applied, if any.
    Rollback(Option<Description>),
}

/// What the peer sent and an operation keeps waiting.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Inbound {
    Description(Description),
    Candidate(Candidate),
}

/// Negotiates one connection with one peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Negotiator {
    polite: bool,
    capabilities: PeerCapabilities,
    state: State,
    running: Option<Operation>,
    /// An offer of ours is wanted and not yet being made.
    wanted: bool,
    /// From the peer, in its order: a candidate belongs to the description before it.
    inbox: VecDeque<Inbound>,
    /// Candidates that came before any description of the peer was applied.
    early: VecDeque<Candidate>,
    /// A description of the peer is applied, so candidates can be.
    described: bool,
    /// An offer was answered: both descriptions are applied.
    exchanged: bool,
    /// The peer's last description was not applied, so the candidates after it are of no use.
    ignoring: bool,
    /// Something was skipped for want of room, and that was told.
    overflowed: bool,
    outputs: VecDeque<NegotiatorOutput>,
}

impl Negotiator {
    /// What of the peer's may wait: some hundred candidates are a machine with very many addresses, more is an attack.
    pub const QUEUE_LIMIT: usize = 256;

    /// A negotiator that waits for [`NegotiatorInput::Opened`]; until then it keeps what the peer sends.
    #[must_use]
    pub fn new(polite: bool, capabilities: PeerCapabilities) -> Self {
        Self {
            polite,
            capabilities,
            state: State::Stable,
            running: Some(Operation::Open),
            wanted: false,
            inbox: VecDeque::new(),
            early: VecDeque::new(),
            described: false,
            exchanged: false,
            ignoring: false,
            overflowed: false,
            outputs: VecDeque::new(),
        }
    }

    /// Takes note of `input`; what follows from it is in [`Negotiator::poll`].
    pub fn handle(&mut self, input: NegotiatorInput) {
        match input {
            NegotiatorInput::NegotiationNeeded => self.wanted = true,
            NegotiatorInput::Remote(description) => {
                self.receive(Inbound::Description(description));
            }
            NegotiatorInput::RemoteCandidate(candidate) => {
                self.receive(Inbound::Candidate(candidate));
            }
            result => self.conclude(result),
        }
        self.advance();
    }

    /// The next thing to do, in order; to be drained after every input.
    pub fn poll(&mut self) -> Option<NegotiatorOutput> {
        self.outputs.pop_front()
    }

    /// Whether a description of the peer is applied.
    #[must_use]
    pub fn is_described(&self) -> bool {
        self.described
    }

    /// Whether an offer was answered, so that the peers can look for a path without signaling.
    #[must_use]
    pub fn is_exchanged(&self) -> bool {
        self.exchanged
    }

    fn receive(&mut self, inbound: Inbound) {
        if self.inbox.len() < Self::QUEUE_LIMIT {
            self.inbox.push_back(inbound);
        } else {
            self.overflow();
        }
    }

    /// Starts what can be started; an operation that runs comes first, then the peer, then our own wishes.
    fn advance(&mut self) {
        while self.running.is_none() {
            match self.inbox.pop_front() {
                Some(Inbound::Description(description)) => self.take_description(description),
                Some(Inbound::Candidate(candidate)) => self.take_candidate(candidate),
                None if self.wanted && self.state == State::Stable => {
                    self.wanted = false;
                    // The first exchange has to do; what it left out, the peer takes no more.
                    if self.exchanged && !self.capabilities.renegotiation {
                        break;
                    }
                    self.run(Operation::CreateOffer, NegotiatorOutput::CreateOffer);
                }
                None => break,
            }
        }
    }

    fn take_description(&mut self, description: Description) {
        match (description.kind, self.state) {
            // Glare, and we insist: the peer will withdraw its offer.
            (DescriptionKind::Offer, State::HaveLocalOffer) if !self.polite => self.ignoring = true,
            // Glare, and we give way. What our offer was for is still wanted.
            (DescriptionKind::Offer, State::HaveLocalOffer) => {
                self.wanted = true;
                self.roll_back(Some(description));
            }
            (DescriptionKind::Offer, _) | (DescriptionKind::Answer, State::HaveLocalOffer) => {
                self.set_remote(description);
            }
            (DescriptionKind::Answer, _) => {
                self.warn("the peer answered an offer that is not ours: skipped");
            }
            (DescriptionKind::Rollback, _) => {
                self.warn("the peer sent a rollback, which is its own affair: skipped");
            }
        }
    }

    fn take_candidate(&mut self, candidate: Candidate) {
        // The end of the candidates is no address, and ICE ends by itself.
        if self.ignoring || candidate.is_end_of_candidates() {
            return;
        }
        if self.described {
            self.outputs.push_back(NegotiatorOutput::AddCandidate(candidate));
        } else if self.early.len() < Self::QUEUE_LIMIT {
            self.early.push_back(candidate);
        } else {
            self.overflow();
        }
    }

    /// Takes the result of the running operation.
    fn conclude(&mut self, result: NegotiatorInput) {
        use NegotiatorInput as In;
        match (self.running.take(), result) {
            (Some(Operation::Open), In::Opened) => {}
            (Some(Operation::CreateOffer), In::OfferCreated(Ok(offer))) => {
                if self.is_offer_waiting() {
                    // Glare before our offer left the house: giving way costs nothing, whoever is polite.
                    self.wanted = true;
                } else {
                    self.set_local(offer);
                }
            }
            (Some(Operation::CreateOffer), In::OfferCreated(Err(error))) => {
                self.fail(format!("could not make an offer: {error}"));
            }
            (Some(Operation::CreateAnswer), In::AnswerCreated(Ok(answer))) => {
                self.set_local(answer);
            }
            (Some(Operation::CreateAnswer), In::AnswerCreated(Err(error))) => {
                self.fail(format!("could not make an answer: {error}"));
                self.roll_back(None);
            }
            (Some(Operation::SetLocal(description)), In::LocalSet(result)) => {
                self.local_set(description, result);
            }
            (Some(Operation::SetRemote(kind)), In::RemoteSet(result)) => {
                self.remote_set(kind, result);
            }
            (Some(Operation::Rollback(next)), In::RolledBack(result)) => {
                self.rolled_back(next, result);
            }
            (running, _) => {
                self.running = running;
                self.warn("the connection reported a result that nothing waits for: skipped");
            }
        }
    }

    fn local_set(&mut self, description: Description, result: Result<(), String>) {
        match (result, self.state) {
            (Ok(()), State::HaveRemoteOffer) => {
                self.state = State::Stable;
                self.exchanged = true;
                self.outputs.push_back(NegotiatorOutput::Send(description));
            }
            (Ok(()), _) => {
                self.state = State::HaveLocalOffer;
                self.outputs.push_back(NegotiatorOutput::Send(description));
            }
            (Err(error), State::HaveRemoteOffer) => {
                self.fail(format!("could not apply our own answer: {error}"));
                self.roll_back(None);
            }
            (Err(error), _) => self.fail(format!("could not apply our own offer: {error}")),
        }
    }

    fn remote_set(&mut self, kind: DescriptionKind, result: Result<(), String>) {
        match (result, kind) {
            (Ok(()), DescriptionKind::Answer) => {
                self.state = State::Stable;
                self.exchanged = true;
                self.use_early_candidates();
            }
            (Ok(()), _) => {
                self.state = State::HaveRemoteOffer;
                self.use_early_candidates();
                self.run(Operation::CreateAnswer, NegotiatorOutput::CreateAnswer);
            }
            (Err(error), DescriptionKind::Answer) => {
                self.ignoring = true;
                self.fail(format!("the peer's answer cannot be used: {error}"));
                self.roll_back(None);
            }
            // The peer may send a better one.
            (Err(error), _) => {
                self.ignoring = true;
                self.warn(format!("the peer's offer cannot be used: {error}"));
            }
        }
    }

    fn rolled_back(&mut self, next: Option<Description>, result: Result<(), String>) {
        match result {
            Ok(()) => {
                self.state = State::Stable;
                // Without a former exchange, the description that the candidates belong to is gone with the offer.
                self.described = self.exchanged;
                if let Some(description) = next {
                    self.set_remote(description);
                }
            }
            Err(error) => {
                self.ignoring |= next.is_some();
                self.fail(format!("could not withdraw an offer: {error}"));
            }
        }
    }

    fn use_early_candidates(&mut self) {
        self.described = true;
        let early = self.early.drain(..);
        self.outputs.extend(early.map(NegotiatorOutput::AddCandidate));
    }

    fn is_offer_waiting(&self) -> bool {
        let is_offer = |inbound: &Inbound| matches!(inbound, Inbound::Description(description) if description.kind == DescriptionKind::Offer);
        self.inbox.iter().any(is_offer)
    }

    fn set_local(&mut self, description: Description) {
        self.run(Operation::SetLocal(description.clone()), NegotiatorOutput::SetLocal(description));
    }

    fn set_remote(&mut self, description: Description) {
        self.ignoring = false;
        self.run(Operation::SetRemote(description.kind), NegotiatorOutput::SetRemote(description));
    }

    fn roll_back(&mut self, next: Option<Description>) {
        self.run(Operation::Rollback(next), NegotiatorOutput::Rollback);
    }

    fn run(&mut self, operation: Operation, output: NegotiatorOutput) {
        self.running = Some(operation);
        self.outputs.push_back(output);
    }

    /// Tells it once: a flood of warnings is a flood too.
    fn overflow(&mut self) {
        if !std::mem::replace(&mut self.overflowed, true) {
            self.warn("the peer sends more than can wait: what came last was skipped");
        }
    }

    fn warn(&mut self, text: impl Into<String>) {
        self.outputs.push_back(NegotiatorOutput::Warn(text.into()));
    }

    fn fail(&mut self, text: String) {
        self.outputs.push_back(NegotiatorOutput::Failed(text));
    }
}

#[cfg(test)]
mod glare;
#[cfg(test)]
mod tests;
