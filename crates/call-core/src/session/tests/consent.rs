//! Stories of the person who is asked before a call is answered.

use super::*;

const OFFER: &str = "v=0\r\nm=audio 9 X 1\r\na=mid:0\r\n";
const REFUSED: &str = "v=0\r\nm=audio 0 X 1\r\na=mid:0\r\n";

fn asking() -> SessionConfig {
    SessionConfig { ask: true, ..SessionConfig::default() }
}

fn signals(story: &Story) -> usize {
    let is_sent = |(_, note): &&(Duration, Output)| {
        matches!(note, Output::Signal(SignalCommand::Describe(_) | SignalCommand::Candidate(_)))
    };
    story.notes.iter().filter(is_sent).count()
}

/// Somebody calls, with a candidate.
fn ringing() -> Story {
    let mut story = Story::waiting(asking());
    story.offered(OFFER);
    story.signaling(SignalingEvent::Candidate(candidate("theirs")));
    assert_eq!(story.session.phase(), Phase::Ringing);
    story
}

#[test]
fn until_the_person_accepts_nothing_is_applied_and_nothing_goes_out() {
    let mut story = ringing();
    story.peer(PeerEvent::LocalCandidate(candidate("ours")));
    story.wait(600 * SECOND);
    assert_eq!(story.session.phase(), Phase::Ringing);
    assert_eq!(signals(&story), 0);
    assert!(!story.did(&PeerAction::SetRemote(Description::offer(OFFER))));
    story.tell(Input::Accept);
    assert_eq!(story.session.phase(), Phase::Negotiating);
    assert!(story.did(&PeerAction::AddCandidate(candidate("theirs"))));
    story.peer(PeerEvent::Connected);
    story.assert_goes_on();
}

#[test]
fn who_is_declined_is_told_with_an_answer_that_takes_nothing() {
    let mut story = ringing();
    story.tell(Input::Decline);
    story.assert_ended(&EndReason::Declined);
    let refusal = story.notes.iter().find_map(|(_, note)| match note {
        Output::Signal(SignalCommand::Describe(description)) => Some(description.clone()),
        _ => None,
    });
    assert!(refusal.is_some_and(|answer| answer.sdp.contains("m=audio 0 X 1")));

    let mut caller = Story::new(SessionConfig::default());
    caller.tell(Input::Start);
    caller.joined(OFFERER);
    caller.signaling(SignalingEvent::Description(Description::answer(REFUSED)));
    caller.assert_ended(&EndReason::PeerDeclined);
}

#[test]
fn who_hangs_up_while_it_rings_stops_the_ringing_and_the_next_rings_again() {
    let mut story = ringing();
    story.signaling(SignalingEvent::PeerLeft);
    assert_ne!(story.session.phase(), Phase::Ringing);
    story.tell(Input::Accept);
    story.wait(SECOND);
    story.joined(WAITER);
    assert_eq!(story.session.phase(), Phase::Waiting);
    story.offered(OFFER);
    assert_eq!(story.session.phase(), Phase::Ringing);
    story.tell(Input::HangUp);
    story.assert_ended(&EndReason::HungUp);
}

#[test]
fn where_the_caller_waits_for_our_offer_the_person_is_asked_too() {
    let mut story = Story::waiting(asking());
    story.signaling(SignalingEvent::OfferWanted);
    assert_eq!(story.session.phase(), Phase::Ringing);
    assert_eq!(signals(&story), 0);
    story.tell(Input::Accept);
    assert_eq!(story.signaled(&SignalCommand::Describe(Description::offer("ours"))), 1);
}

#[test]
fn whoever_calls_is_not_asked_and_neither_is_who_was_asked_before() {
    let mut caller = Story::new(asking());
    caller.tell(Input::Start);
    caller.joined(OFFERER);
    caller.signaling(SignalingEvent::Description(Description::answer("theirs")));
    assert_eq!(caller.session.phase(), Phase::Negotiating);

    let mut story = ringing();
    story.tell(Input::Accept);
    story.peer(PeerEvent::Connected);
    story.packets_for(2 * SECOND);
    story.peer(PeerEvent::Failed);
    story.wait(SECOND);
    story.joined(WAITER);
    story.offered("again");
    assert_eq!(story.session.phase(), Phase::Negotiating);
}

#[test]
fn the_wait_for_a_peer_is_over_when_it_rings() {
    let config = SessionConfig { wait: Some(10 * SECOND), ..asking() };
    let mut story = Story::waiting(config);
    story.offered(OFFER);
    story.wait(60 * SECOND);
    assert_eq!(story.session.phase(), Phase::Ringing);
}
