//! Two negotiators talk in every order that ordered channels allow, over connections that insist on the W3C rules.
//! Every reachable state is visited, so every order is covered; where nothing is left to happen, both must have agreed.

use super::tests::candidate;
use super::{Negotiator, NegotiatorInput as In, NegotiatorOutput as Out};
use crate::{Candidate, Description, DescriptionKind, PeerCapabilities};
use std::collections::{BTreeSet, HashSet, VecDeque};

/// What travels between the peers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Message {
    Description(Description),
    Candidate(Candidate),
}

/// A connection as the W3C describes it; panics when it is told to do what its state forbids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Connection {
    offers: u8,
    pending_local: Option<String>,
    pending_remote: Option<String>,
    /// The offer last agreed on, and the two descriptions in force.
    agreed: Option<String>,
    local: Option<String>,
    remote: Option<String>,
    added: BTreeSet<String>,
}

impl Connection {
    fn create_offer(&mut self, name: char) -> Description {
        self.offers += 1;
        Description::offer(format!("offer {name}{}", self.offers))
    }

    fn create_answer(&self) -> Description {
        let offer = self.pending_remote.as_ref();
        let offer = offer.expect("an answer needs an offer of the peer");
        Description::answer(format!("answer to {offer}"))
    }

    fn set_local(&mut self, description: &Description) {
        assert_eq!(self.pending_local, None, "our offer is pending");
        let text = description.sdp.clone();
        match description.kind {
            DescriptionKind::Offer => {
                assert_eq!(self.pending_remote, None, "the peer's offer is pending");
                self.pending_local = Some(text);
            }
            _ => {
                let offer = self.pending_remote.take().expect("an offer of the peer");
                assert_eq!(text, format!("answer to {offer}"));
                self.settle(offer.clone(), text, offer);
            }
        }
    }

    fn set_remote(&mut self, description: &Description) {
        let text = description.sdp.clone();
        match description.kind {
            DescriptionKind::Offer => {
                assert_eq!(self.pending_local, None, "our offer is pending");
                self.pending_remote = Some(text);
            }
            _ => {
                let offer = self.pending_local.take().expect("an offer of ours");
                assert_eq!(text, format!("answer to {offer}"), "answers another offer");
                self.settle(offer.clone(), offer, text);
            }
        }
    }

    fn settle(&mut self, agreed: String, local: String, remote: String) {
        self.agreed = Some(agreed);
        self.local = Some(local);
        self.remote = Some(remote);
    }

    fn roll_back(&mut self) {
        let pending = (self.pending_local.take(), self.pending_remote.take());
        assert_ne!(pending, (None, None), "nothing to roll back");
    }

    fn add_candidate(&mut self, candidate: &Candidate) {
        let described = self.remote.is_some() || self.pending_remote.is_some();
        assert!(described, "a candidate before the peer's description");
        self.added.insert(candidate.candidate.clone());
    }
}

/// One peer: negotiator, connection, and what it sent that has not arrived.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Side {
    name: char,
    negotiator: Negotiator,
    connection: Connection,
    operation: Option<Out>,
    opened: bool,
    /// How often it will still wish for an offer.
    wishes: u8,
    /// A candidate was found and not yet sent.
    found: Option<Candidate>,
    sent: VecDeque<Message>,
    troubles: u8,
}

impl Side {
    fn new(name: char, polite: bool, wishes: u8, capabilities: PeerCapabilities) -> Self {
        Self {
            name,
            negotiator: Negotiator::new(polite, capabilities),
            connection: Connection::default(),
            operation: None,
            opened: false,
            wishes,
            found: None,
            sent: VecDeque::new(),
            troubles: 0,
        }
    }

    fn tell(&mut self, input: In) {
        self.negotiator.handle(input);
        while let Some(output) = self.negotiator.poll() {
            match output {
                Out::AddCandidate(candidate) => self.connection.add_candidate(&candidate),
                Out::Send(description) => self.sent.push_back(Message::Description(description)),
                Out::Warn(_) | Out::Failed(_) => self.troubles += 1,
                operation => {
                    assert_eq!(self.operation, None, "two operations at a time");
                    self.operation = Some(operation);
                }
            }
        }
    }

    /// The running operation ends, well or badly.
    fn complete(&mut self, well: bool) {
        let operation = self.operation.take().expect("only called when one runs");
        let outcome = |()| if well { Ok(()) } else { Err("it failed".to_owned()) };
        let result = match operation {
            Out::CreateOffer => {
                let offer = self.connection.create_offer(self.name);
                In::OfferCreated(outcome(()).map(|()| offer))
            }
            Out::CreateAnswer => {
                let answer = self.connection.create_answer();
                In::AnswerCreated(outcome(()).map(|()| answer))
            }
            Out::SetLocal(description) => {
                if well {
                    self.connection.set_local(&description);
                    self.found = Some(candidate(&description.sdp));
                }
                In::LocalSet(outcome(()))
            }
            Out::SetRemote(description) => {
                if well {
                    self.connection.set_remote(&description);
                }
                In::RemoteSet(outcome(()))
            }
            Out::Rollback => {
                if well {
                    self.connection.roll_back();
                }
                In::RolledBack(outcome(()))
            }
            other => panic!("not an operation: {other:?}"),
        };
        self.tell(result);
    }
}

/// Two peers and the channels between them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    sides: [Side; 2],
    /// How many operations may still fail.
    failures: u8,
}

impl World {
    fn new(wishes: [u8; 2], failures: u8) -> Self {
        Self::with(PeerCapabilities::FULL, wishes, failures)
    }

    fn with(capabilities: PeerCapabilities, wishes: [u8; 2], failures: u8) -> Self {
        let impolite = Side::new('I', false, wishes[0], capabilities);
        let polite = Side::new('P', true, wishes[1], capabilities);
        Self { sides: [impolite, polite], failures }
    }

    /// Every world that can come next.
    fn successors(&self) -> Vec<Self> {
        let mut next = Vec::new();
        let mut add = |change: &dyn Fn(&mut Self)| {
            let mut world = self.clone();
            change(&mut world);
            next.push(world);
        };
        for me in 0..2 {
            let side = &self.sides[me];
            if !side.opened {
                add(&|world| {
                    world.sides[me].opened = true;
                    world.sides[me].tell(In::Opened);
                });
            }
            if side.wishes > 0 {
                add(&|world| {
                    world.sides[me].wishes -= 1;
                    world.sides[me].tell(In::NegotiationNeeded);
                });
            }
            if side.operation.is_some() {
                add(&|world| world.sides[me].complete(true));
            }
            if side.operation.is_some() && self.failures > 0 {
                add(&|world| {
                    world.failures -= 1;
                    world.sides[me].complete(false);
                });
            }
            if side.found.is_some() {
                add(&|world| {
                    let found = world.sides[me].found.take();
                    world.sides[me].sent.extend(found.map(Message::Candidate));
                });
            }
            if !side.sent.is_empty() {
                add(&|world| {
                    let message = world.sides[me].sent.pop_front();
                    let input = match message.expect("checked above") {
                        Message::Description(description) => In::Remote(description),
                        Message::Candidate(candidate) => In::RemoteCandidate(candidate),
                    };
                    world.sides[1 - me].tell(input);
                });
            }
        }
        next
    }

    /// Walks through every reachable world, at least `least` of them, to those in which nothing is left to happen.
    fn explore(self, least: usize) -> Vec<Self> {
        let mut seen = HashSet::from([self.clone()]);
        let mut open = vec![self];
        let mut quiet = Vec::new();
        while let Some(world) = open.pop() {
            let successors = world.successors();
            if successors.is_empty() {
                quiet.push(world);
                continue;
            }
            for successor in successors {
                if seen.insert(successor.clone()) {
                    open.push(successor);
                }
            }
        }
        assert!(seen.len() >= least, "only {} worlds", seen.len());
        quiet
    }

    fn assert_agreed(&self) {
        let [one, other] = &self.sides;
        for (me, peer) in [(one, other), (other, one)] {
            let (mine, theirs) = (&me.connection, &peer.connection);
            assert_eq!((&mine.pending_local, &mine.pending_remote), (&None, &None));
            assert!(mine.agreed.is_some(), "nothing agreed: {self:?}");
            assert_eq!(mine.agreed, theirs.agreed);
            assert_eq!(mine.local, theirs.remote);
            let in_force = mine.local.as_ref().expect("agreed on, so set");
            assert!(theirs.added.contains(in_force), "the candidate of {in_force} was lost: {self:?}");
            assert_eq!(me.troubles, 0);
        }
    }
}

#[test]
fn one_offer_is_agreed_on_in_every_order() {
    for wishes in [[1, 0], [0, 1]] {
        for world in World::new(wishes, 0).explore(50) {
            world.assert_agreed();
        }
    }
}

#[test]
fn glare_is_resolved_in_every_order() {
    for world in World::new([1, 1], 0).explore(1_000) {
        world.assert_agreed();
    }
}

#[test]
fn repeated_glare_is_resolved_in_every_order() {
    for world in World::new([2, 2], 0).explore(100_000) {
        world.assert_agreed();
    }
}

#[test]
fn without_renegotiation_one_exchange_is_all_there_is_in_every_order() {
    let once = PeerCapabilities { renegotiation: false, ..PeerCapabilities::FULL };
    for world in World::with(once, [2, 2], 0).explore(1_000) {
        world.assert_agreed();
        let [impolite, polite] = &world.sides;
        // Who has agreed offers no more; an offer made before that was the first of its side.
        assert!(impolite.connection.offers <= 1 && polite.connection.offers <= 1, "{world:?}");
    }
}

#[test]
fn any_two_failing_operations_are_survived_in_every_order() {
    for world in World::new([1, 1], 2).explore(5_000) {
        let failed = 2 - world.failures;
        let troubles: u8 = world.sides.iter().map(|side| side.troubles).sum();
        // Each failure is told, and no operation is left running.
        assert!(troubles >= failed, "{world:?}");
        assert!(world.sides.iter().all(|side| side.operation.is_none()));
    }
}
