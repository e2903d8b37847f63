//! W3C perfect negotiation as a state machine: one operation on the connection at a time, each result fed back as an input.
//! Two negotiators of opposite politeness agree on a session in every order of offers, answers, candidates and results.

use crate::{Candidate, Description};
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
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// Negotiates one connection with one peer.
#[derive(Debug)]
pub struct Negotiator {
    #[expect(dead_code)]
    polite: bool,
    outputs: VecDeque<NegotiatorOutput>,
}

impl Negotiator {
    /// A negotiator that waits for [`NegotiatorInput::Opened`].
    #[must_use]
    pub fn new(polite: bool) -> Self {
        Self {
            polite,
            outputs: VecDeque::new(),
        }
    }

    /// Takes note of `input`; what follows from it is in [`Negotiator::poll`].
    pub fn handle(&mut self, _input: NegotiatorInput) {}

    /// The next thing to do, in order.
    pub fn poll(&mut self) -> Option<NegotiatorOutput> {
        self.outputs.pop_front()
    }
}
