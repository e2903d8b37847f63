//! Stories of two peers that look for a path, and of peers and servers that vanish meanwhile.

use super::*;

#[test]
fn no_path_is_found_in_time() {
    let mut story = Story::negotiating(SessionConfig::default());
    story.wait(30 * SECOND - MS);
    assert_eq!(story.end(), None);
    story.wait(MS);
    story.assert_ended(&EndReason::NoMediaPath);
}

#[test]
fn ice_gives_up() {
    let mut story = Story::negotiating(SessionConfig::default());
    story.peer(PeerEvent::Failed);
    story.assert_ended(&EndReason::NoMediaPath);
}

#[test]
fn candidates_go_both_ways_but_not_before_our_description() {
    let mut story = Story::waiting(SessionConfig::default());
    story.peer(PeerEvent::LocalCandidate(candidate("ours, early")));
    story.signaling(SignalingEvent::Candidate(candidate("theirs, early")));
    story.offered("first");
    story.peer(PeerEvent::LocalCandidate(candidate("ours, late")));
    story.peer(PeerEvent::LocalCandidate(candidate("")));
    story.signaling(SignalingEvent::Candidate(candidate("theirs, late")));
    let sent = |note: &Output| match note {
        Output::Signal(SignalCommand::Candidate(candidate)) => Some(candidate.candidate.clone()),
        Output::Signal(SignalCommand::Describe(_)) => Some("description".to_owned()),
        _ => None,
    };
    let sent: Vec<_> = story.notes.iter().filter_map(|(_, note)| sent(note)).collect();
    assert_eq!(sent, ["description", "ours, early", "ours, late"]);
    for text in ["theirs, early", "theirs, late"] {
        assert!(story.did(&PeerAction::AddCandidate(candidate(text))));
    }
}

#[test]
fn an_offer_is_made_when_the_one_who_comes_waits_for_it() {
    let mut story = Story::waiting(SessionConfig::default());
    let offer = SignalCommand::Describe(Description::offer("ours"));
    assert_eq!(story.signaled(&offer), 0);
    story.signaling(SignalingEvent::OfferWanted);
    assert_eq!(story.signaled(&offer), 1);
    story.signaling(SignalingEvent::Description(Description::answer("theirs")));
    story.peer(PeerEvent::Connected);
    story.assert_goes_on();
}

#[test]
fn another_who_waits_for_our_offer_after_a_bye_is_another_generation() {
    let mut story = Story::negotiating(SessionConfig::default());
    story.signaling(SignalingEvent::PeerLeft);
    story.signaling(SignalingEvent::OfferWanted);
    assert_eq!(story.opened(), 2);
    assert_eq!(story.signaled(&SignalCommand::Describe(Description::offer("ours"))), 1);
}

#[test]
fn a_peer_that_takes_no_changes_is_not_offered_any() {
    let mut story = Story::new(SessionConfig::default());
    story.tell(Input::Start);
    story.joined_with(WAITER, PeerCapabilities { renegotiation: false, ..PeerCapabilities::FULL });
    story.offered("first");
    story.peer(PeerEvent::Connected);
    story.peer(PeerEvent::NegotiationNeeded);
    assert!(!story.did(&PeerAction::CreateOffer));
    assert_eq!(story.warnings(), 1);
}

#[test]
fn without_trickle_a_description_waits_for_its_candidates() {
    let once = PeerCapabilities { trickle: false, ..PeerCapabilities::FULL };
    let whole = |lines: &str| SignalCommand::Describe(Description::offer(format!("ours\r\nm=audio\r\n{lines}")));
    for (ends, waited) in [(true, Duration::ZERO), (false, 3 * SECOND)] {
        let mut story = Story::new(SessionConfig::default());
        story.tell(Input::Start);
        story.carries_out = false;
        story.joined_with(OFFERER, once);
        let offer = Description::offer("ours\nm=audio\n");
        story.peer(PeerEvent::Opened(Ok(())));
        story.peer(PeerEvent::OfferCreated(Ok(offer)));
        story.peer(PeerEvent::LocalSet(Ok(())));
        story.peer(PeerEvent::LocalCandidate(candidate("candidate:1")));
        let sent = whole("a=candidate:1\r\na=end-of-candidates\r\n");
        assert_eq!(story.signaled(&sent), 0);
        if ends {
            story.peer(PeerEvent::LocalCandidate(candidate("")));
        }
        story.wait(waited);
        assert_eq!(story.signaled(&sent), 1);
        story.peer(PeerEvent::LocalCandidate(candidate("candidate:late")));
        assert_eq!(story.signaled(&SignalCommand::Candidate(candidate("candidate:late"))), 0);
        assert_ne!(story.session.deadline().map(|(_, timer)| timer), Some(Timer::Gathering));
    }
}

#[test]
fn an_answer_that_is_carried_by_hand_has_minutes_and_an_offerer_that_has_it_does_not() {
    let by_hand = PeerCapabilities { by_hand: true, trickle: false, ..PeerCapabilities::FULL };
    let timeouts = Timeouts::default();
    for (role, patience) in [(WAITER, timeouts.by_hand), (OFFERER, timeouts.negotiating)] {
        let mut story = Story::new(SessionConfig::default());
        story.tell(Input::Start);
        story.joined_with(role, by_hand);
        assert!(story.notes.iter().any(|(_, note)| {
            matches!(note, Output::Peer(PeerAction::Open { patience: told, .. }) if *told == patience)
        }));
        // Until the other's line comes, there is all the time in the world.
        story.wait(3600 * SECOND);
        let theirs = if role.offers_first { Description::answer("theirs") } else { Description::offer("theirs") };
        story.signaling(SignalingEvent::Description(theirs));
        story.wait(patience - SECOND);
        assert_eq!(story.session.phase(), Phase::Negotiating);
        story.wait(SECOND);
        assert_eq!(story.session.phase(), Phase::Ended);
    }
}

#[test]
fn a_candidate_names_its_section_where_the_peer_cannot_do_without() {
    for (candidate_needs_mid, mid) in [(true, Some("0")), (false, None)] {
        let mut story = Story::new(SessionConfig::default());
        story.tell(Input::Start);
        story.joined_with(OFFERER, PeerCapabilities { candidate_needs_mid, ..PeerCapabilities::FULL });
        story.peer(PeerEvent::LocalCandidate(candidate("ours")));
        let sent = story.notes.iter().find_map(|(_, note)| match note {
            Output::Signal(SignalCommand::Candidate(candidate)) => Some(candidate.clone()),
            _ => None,
        });
        assert_eq!(sent.expect("sent").sdp_mid.as_deref(), mid);
    }
}

#[test]
fn the_server_dies_while_the_peers_look_for_a_path() {
    let mut story = Story::negotiating(SessionConfig::default());
    story.lost();
    assert_eq!(story.session.phase(), Phase::Negotiating);
    let candidate = candidate("nobody carries it");
    story.peer(PeerEvent::LocalCandidate(candidate.clone()));
    assert_eq!(story.signaled(&SignalCommand::Candidate(candidate)), 0);
    story.wait(5 * SECOND);
    story.peer(PeerEvent::Connected);
    story.assert_goes_on();
}

#[test]
fn the_server_dies_before_the_offer_is_answered() {
    let mut story = Story::new(SessionConfig::default());
    story.tell(Input::Start);
    story.joined(OFFERER);
    story.lost();
    assert!(story.did(&PeerAction::Close));
    story.wait(SECOND);
    story.joined(WAITER);
    story.offered("after the restart");
    assert_eq!(story.session.phase(), Phase::Negotiating);
}

#[test]
fn the_peer_leaves_before_it_answers_and_another_comes() {
    let mut story = Story::new(SessionConfig::default());
    story.tell(Input::Start);
    story.joined(OFFERER);
    story.signaling(SignalingEvent::PeerLeft);
    // The server closes the connection with the bye; that is no second loss.
    story.lost();
    assert!(story.did(&PeerAction::Close));
    assert_eq!(story.signaled(&SignalCommand::Leave), 1);
    assert_eq!(story.warnings(), 0);
    assert_eq!(story.session.phase(), Phase::Joining);
    story.wait(SECOND);
    assert_eq!(story.signaled(&SignalCommand::Connect), 2);
    story.joined(WAITER);
    story.offered("another");
    story.peer(PeerEvent::Connected);
    story.assert_goes_on();
    assert_eq!(story.opened(), 2);
}

#[test]
fn the_peer_vanishes_while_looking_for_a_path_and_another_comes() {
    let mut story = Story::negotiating(SessionConfig::default());
    story.signaling(SignalingEvent::PeerLeft);
    story.wait(2 * SECOND);
    // Said again: the time is not counted anew.
    story.signaling(SignalingEvent::PeerLeft);
    story.lost();
    story.wait(SECOND - MS);
    assert_eq!(story.session.phase(), Phase::Negotiating);
    story.wait(MS);
    assert_eq!(story.session.phase(), Phase::Joining);
    story.wait(SECOND);
    story.joined(WAITER);
    story.offered("another");
    story.peer(PeerEvent::Connected);
    story.assert_goes_on();
}

#[test]
fn ice_gives_up_on_a_peer_that_left_and_another_comes() {
    let mut story = Story::negotiating(SessionConfig::default());
    story.signaling(SignalingEvent::PeerLeft);
    story.peer(PeerEvent::Failed);
    assert_eq!(story.session.phase(), Phase::Joining);
}

#[test]
fn a_peer_that_ends_signaling_once_it_is_connected_is_waited_for() {
    let mut story = Story::negotiating(SessionConfig::default());
    story.signaling(SignalingEvent::PeerLeft);
    story.lost();
    story.wait(2 * SECOND);
    story.peer(PeerEvent::Connected);
    story.packets_for(10 * SECOND);
    story.assert_goes_on();
}

#[test]
fn a_peer_that_left_just_before_the_connection_came_up_is_gone_when_the_path_breaks() {
    let mut story = Story::negotiating(SessionConfig { once: true, ..SessionConfig::default() });
    story.signaling(SignalingEvent::PeerLeft);
    story.peer(PeerEvent::Connected);
    story.wait(5 * SECOND);
    story.assert_goes_on();
    story.peer(PeerEvent::Disconnected);
    story.assert_ended(&EndReason::PeerLost);
}

#[test]
fn an_offer_after_a_bye_is_another_generation() {
    let mut story = Story::negotiating(SessionConfig::default());
    story.signaling(SignalingEvent::PeerLeft);
    story.offered("second run");
    assert_eq!(story.opened(), 2);
    story.wait(10 * SECOND);
    assert_eq!(story.session.phase(), Phase::Negotiating);
    story.peer(PeerEvent::Connected);
    story.assert_goes_on();
}

#[test]
fn an_offer_without_a_bye_is_negotiated_on_the_same_connection() {
    let mut story = Story::talking(SessionConfig::default());
    story.offered("with another track");
    assert_eq!(story.opened(), 1);
    let applied = PeerAction::SetRemote(Description::offer("with another track"));
    assert!(story.did(&applied));
    let answer = SignalCommand::Describe(Description::answer("ours"));
    assert_eq!(story.signaled(&answer), 2);
    story.assert_goes_on();
}

#[test]
fn a_change_of_ours_is_offered_once_connected_and_only_with_signaling() {
    let mut story = Story::negotiating(SessionConfig::default());
    story.peer(PeerEvent::NegotiationNeeded);
    assert!(!story.did(&PeerAction::CreateOffer));
    story.peer(PeerEvent::Connected);
    story.peer(PeerEvent::NegotiationNeeded);
    let offers = |story: &Story| story.count(&Output::Peer(PeerAction::CreateOffer));
    assert_eq!(offers(&story), 1);
    story.lost();
    story.peer(PeerEvent::NegotiationNeeded);
    assert_eq!((offers(&story), story.warnings()), (1, 2));
}

#[test]
fn an_answer_that_nobody_can_carry_is_not_sent() {
    let mut story = Story::talking(SessionConfig::default());
    story.carries_out = false;
    story.offered("with another track");
    story.lost();
    story.peer(PeerEvent::RemoteSet(Ok(())));
    story.peer(PeerEvent::AnswerCreated(Ok(Description::answer("too late"))));
    story.peer(PeerEvent::LocalSet(Ok(())));
    story.assert_goes_on();
    assert_eq!(story.signaled(&SignalCommand::Describe(Description::answer("too late"))), 0);
}

#[test]
fn a_garbage_offer_is_skipped_and_told() {
    let mut story = Story::waiting(SessionConfig::default());
    story.carries_out = false;
    story.offered("garbage");
    story.peer(PeerEvent::RemoteSet(Err("no version".to_owned())));
    assert_eq!(story.session.phase(), Phase::Waiting);
    assert_eq!(story.warnings(), 1);
    story.carries_out = true;
    story.offered("good");
    assert_eq!(story.session.phase(), Phase::Negotiating);
}

#[test]
fn a_garbage_answer_ends_a_call_that_has_not_begun() {
    let mut story = Story::new(SessionConfig::default());
    story.tell(Input::Start);
    story.joined(OFFERER);
    story.carries_out = false;
    let garbage = Description::answer("garbage");
    story.signaling(SignalingEvent::Description(garbage));
    story.peer(PeerEvent::RemoteSet(Err("no version".to_owned())));
    story.assert_ended(&EndReason::NoMediaPath);
    assert_eq!(story.warnings(), 1);
}

#[test]
fn a_failed_change_leaves_the_call_as_it_is() {
    let mut story = Story::talking(SessionConfig::default());
    story.carries_out = false;
    story.peer(PeerEvent::NegotiationNeeded);
    story.peer(PeerEvent::OfferCreated(Err("no codec".to_owned())));
    story.assert_goes_on();
    assert_eq!(story.warnings(), 1);
}

#[test]
fn what_comes_before_the_room_is_joined_is_skipped() {
    let mut story = Story::new(SessionConfig::default());
    story.tell(Input::Start);
    story.offered("too early");
    story.signaling(SignalingEvent::Candidate(candidate("too early")));
    story.signaling(SignalingEvent::PeerLeft);
    story.peer(PeerEvent::Connected);
    assert_eq!(story.phases(), [Phase::Joining]);
    assert_eq!(story.notes.len(), 2);
}
