//! Single stories about what a peer or a connection can do, well or wrong.
//! The orders in which two peers can meet are in `glare.rs`.

use super::{Negotiator, NegotiatorInput as In, NegotiatorOutput as Out};
use crate::{Candidate, Description, DescriptionKind, PeerCapabilities};

pub(super) fn candidate(text: &str) -> Candidate {
    Candidate { candidate: text.to_owned(), ..Candidate::default() }
}

/// A negotiator that is told inputs and drained after each.
struct Story {
    negotiator: Negotiator,
}

impl Story {
    fn new(polite: bool) -> Self {
        let mut story = Self { negotiator: Negotiator::new(polite, PeerCapabilities::FULL) };
        assert_eq!(story.tell(In::Opened), []);
        story
    }

    fn tell(&mut self, input: In) -> Vec<Out> {
        self.negotiator.handle(input);
        std::iter::from_fn(|| self.negotiator.poll()).collect()
    }

    /// Has an offer of ours out.
    fn offering(polite: bool) -> Self {
        let mut story = Self::new(polite);
        story.tell(In::NegotiationNeeded);
        story.tell(In::OfferCreated(Ok(ours())));
        let sent = story.tell(In::LocalSet(Ok(())));
        assert_eq!(sent, [Out::Send(ours())]);
        story
    }
}

fn ours() -> Description {
    Description::offer("ours")
}

fn theirs() -> Description {
    Description::offer("theirs")
}

fn answer() -> Description {
    Description::answer("answer")
}

fn is_warning(outputs: &[Out]) -> bool {
    matches!(outputs, [Out::Warn(_)])
}

#[test]
fn the_polite_peer_yields_and_asks_again_later() {
    let mut story = Story::offering(true);
    assert_eq!(story.tell(In::Remote(theirs())), [Out::Rollback]);
    let applied = story.tell(In::RolledBack(Ok(())));
    assert_eq!(applied, [Out::SetRemote(theirs())]);
    assert_eq!(story.tell(In::RemoteSet(Ok(()))), [Out::CreateAnswer]);
    let local = story.tell(In::AnswerCreated(Ok(answer())));
    assert_eq!(local, [Out::SetLocal(answer())]);
    let done = story.tell(In::LocalSet(Ok(())));
    assert_eq!(done, [Out::Send(answer()), Out::CreateOffer]);
}

#[test]
fn a_peer_that_takes_no_second_offer_gets_none() {
    let once = PeerCapabilities { renegotiation: false, ..PeerCapabilities::FULL };
    let mut story = Story { negotiator: Negotiator::new(true, once) };
    story.tell(In::Opened);
    story.tell(In::NegotiationNeeded);
    story.tell(In::OfferCreated(Ok(ours())));
    assert_eq!(story.tell(In::LocalSet(Ok(()))), [Out::Send(ours())]);
    story.tell(In::Remote(answer()));
    story.tell(In::RemoteSet(Ok(())));
    assert_eq!(story.tell(In::NegotiationNeeded), []);
    // An offer of its own is answered all the same.
    assert_eq!(story.tell(In::Remote(theirs())), [Out::SetRemote(theirs())]);
}

#[test]
fn the_impolite_peer_ignores_the_offer_and_its_candidates() {
    let mut story = Story::offering(false);
    assert_eq!(story.tell(In::Remote(theirs())), []);
    assert_eq!(story.tell(In::RemoteCandidate(candidate("stale"))), []);
    let applied = story.tell(In::Remote(answer()));
    assert_eq!(applied, [Out::SetRemote(answer())]);
    story.tell(In::RemoteCandidate(candidate("good")));
    let added = story.tell(In::RemoteSet(Ok(())));
    assert_eq!(added, [Out::AddCandidate(candidate("good"))]);
}

#[test]
fn an_offer_that_was_not_sent_yet_is_dropped_without_a_rollback() {
    for polite in [true, false] {
        let mut story = Story::new(polite);
        assert_eq!(story.tell(In::NegotiationNeeded), [Out::CreateOffer]);
        assert_eq!(story.tell(In::Remote(theirs())), []);
        let applied = story.tell(In::OfferCreated(Ok(ours())));
        assert_eq!(applied, [Out::SetRemote(theirs())]);
    }
}

#[test]
fn what_comes_before_the_connection_is_open_is_kept() {
    let mut negotiator = Negotiator::new(true, PeerCapabilities::FULL);
    negotiator.handle(In::RemoteCandidate(candidate("early")));
    negotiator.handle(In::Remote(theirs()));
    assert_eq!(negotiator.poll(), None);
    let mut story = Story { negotiator };
    assert_eq!(story.tell(In::Opened), [Out::SetRemote(theirs())]);
    let next = story.tell(In::RemoteSet(Ok(())));
    let early = Out::AddCandidate(candidate("early"));
    assert_eq!(next, [early, Out::CreateAnswer]);
}

#[test]
fn stale_answers_and_rollbacks_are_skipped() {
    let mut story = Story::new(true);
    assert!(is_warning(&story.tell(In::Remote(answer()))));
    let rollback = Description { kind: DescriptionKind::Rollback, sdp: String::new() };
    assert!(is_warning(&story.tell(In::Remote(rollback))));
    assert_eq!(story.tell(In::NegotiationNeeded), [Out::CreateOffer]);
}

#[test]
fn a_second_answer_is_skipped() {
    let mut story = Story::offering(false);
    story.tell(In::Remote(answer()));
    story.tell(In::RemoteSet(Ok(())));
    assert!(story.negotiator.is_exchanged());
    assert!(is_warning(&story.tell(In::Remote(answer()))));
}

#[test]
fn results_that_nothing_waits_for_are_skipped() {
    let mut story = Story::new(false);
    for result in [
        In::Opened,
        In::OfferCreated(Ok(ours())),
        In::AnswerCreated(Err(String::new())),
        In::LocalSet(Ok(())),
        In::RemoteSet(Err(String::new())),
        In::RolledBack(Ok(())),
    ] {
        assert!(is_warning(&story.tell(result)));
    }
    // One of another operation does not end the one that runs.
    assert_eq!(story.tell(In::NegotiationNeeded), [Out::CreateOffer]);
    assert!(is_warning(&story.tell(In::LocalSet(Ok(())))));
    let local = story.tell(In::OfferCreated(Ok(ours())));
    assert_eq!(local, [Out::SetLocal(ours())]);
}

#[test]
fn a_broken_offer_is_skipped_and_a_better_one_taken() {
    let mut story = Story::new(true);
    story.tell(In::Remote(theirs()));
    assert!(is_warning(&story.tell(In::RemoteSet(Err("no m-line".into())))));
    assert_eq!(story.tell(In::RemoteCandidate(candidate("of it"))), []);
    let again = story.tell(In::Remote(theirs()));
    assert_eq!(again, [Out::SetRemote(theirs())]);
    let next = story.tell(In::RemoteSet(Ok(())));
    assert_eq!(next, [Out::CreateAnswer]);
}

#[test]
fn a_broken_answer_fails_the_exchange_but_not_the_next() {
    let mut story = Story::offering(false);
    story.tell(In::Remote(answer()));
    let outputs = story.tell(In::RemoteSet(Err("no m-line".into())));
    assert!(matches!(outputs[..], [Out::Failed(_), Out::Rollback]));
    assert_eq!(story.tell(In::RolledBack(Ok(()))), []);
    let next = story.tell(In::Remote(theirs()));
    assert_eq!(next, [Out::SetRemote(theirs())]);
    assert!(!story.negotiator.is_exchanged());
}

#[test]
fn an_answer_that_cannot_be_made_withdraws_the_offer() {
    for result in [In::AnswerCreated(Err("no codec".into())), In::AnswerCreated(Ok(answer()))] {
        let mut story = Story::new(true);
        story.tell(In::Remote(theirs()));
        story.tell(In::RemoteSet(Ok(())));
        let mut outputs = story.tell(result);
        if outputs == [Out::SetLocal(answer())] {
            outputs = story.tell(In::LocalSet(Err("no codec".into())));
        }
        assert!(matches!(outputs[..], [Out::Failed(_), Out::Rollback]));
        story.tell(In::RolledBack(Ok(())));
        assert!(!story.negotiator.is_described());
    }
}

#[test]
fn a_failed_rollback_leaves_our_offer_standing() {
    let mut story = Story::offering(true);
    story.tell(In::Remote(theirs()));
    let outputs = story.tell(In::RolledBack(Err("stuck".into())));
    assert!(matches!(outputs[..], [Out::Failed(_)]));
    assert_eq!(story.tell(In::RemoteCandidate(candidate("of theirs"))), []);
    let next = story.tell(In::Remote(answer()));
    assert_eq!(next, [Out::SetRemote(answer())]);
    let added = story.tell(In::RemoteSet(Ok(())));
    assert!(!added.contains(&Out::AddCandidate(candidate("of theirs"))));
}

#[test]
fn the_end_of_candidates_is_understood_and_not_passed_on() {
    let mut story = Story::new(true);
    story.tell(In::Remote(theirs()));
    story.tell(In::RemoteSet(Ok(())));
    story.tell(In::AnswerCreated(Ok(answer())));
    story.tell(In::LocalSet(Ok(())));
    assert_eq!(story.tell(In::RemoteCandidate(candidate(""))), []);
}

#[test]
fn a_flood_is_bounded_and_told_once() {
    let mut story = Story::new(true);
    let flood = |story: &mut Story| {
        let told = (0..2 * Negotiator::QUEUE_LIMIT).flat_map(|_| story.tell(In::RemoteCandidate(candidate("flood"))));
        told.filter(|output| matches!(output, Out::Warn(_))).count()
    };
    // Without a description.
    assert_eq!(flood(&mut story), 1);
    assert_eq!(story.negotiator.early.len(), Negotiator::QUEUE_LIMIT);
    // While an operation runs.
    story.tell(In::Remote(theirs()));
    assert_eq!(flood(&mut story), 0);
    assert_eq!(story.negotiator.inbox.len(), Negotiator::QUEUE_LIMIT);
}
