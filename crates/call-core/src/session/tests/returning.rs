//! Stories of what comes back: the server, the path, and the peer.

use super::*;

/// A description of the connection `whose`, in its ICE generation `ufrag`.
fn sdp(whose: &str, ufrag: &str) -> String {
    format!("v=0\r\na=fingerprint:sha-256 {whose}\r\na=ice-ufrag:{ufrag}\r\n")
}

/// The call is on, with a peer whose certificate is known.
fn talking() -> Story {
    let mut story = Story::waiting(SessionConfig::default());
    story.offered(&sdp("AA", "one"));
    story.peer(PeerEvent::Connected);
    story.packets_for(2 * SECOND);
    story
}

fn answered(story: &mut Story, sdp: &str) {
    story.signaling(SignalingEvent::Description(Description::answer(sdp)));
}

#[test]
fn the_server_comes_back_and_the_call_knows_nothing_of_it() {
    for role in [WAITER, OFFERER] {
        let mut story = talking();
        story.lost();
        story.packets_for(SECOND);
        assert_eq!(story.signaled(&SignalCommand::Connect), 2, "soon tried again");
        let before = story.notes.len();
        story.unreachable(true);
        story.packets_for(20 * SECOND);
        story.joined(role);
        story.packets_for(5 * SECOND);
        story.assert_goes_on();
        let is_harmless = |note: &Output| matches!(note, Output::Signal(SignalCommand::Connect) | Output::Inform(_));
        assert!(story.notes[before..].iter().all(|(_, note)| is_harmless(note)), "{:?}", &story.notes[before..]);
    }
}

#[test]
fn a_server_that_stays_away_is_asked_ever_more_rarely_and_never_given_up() {
    let mut story = talking();
    story.lost();
    let mut attempts = Vec::new();
    while attempts.len() < 40 {
        let before = story.signaled(&SignalCommand::Connect);
        story.packets_for(SECOND);
        if story.signaled(&SignalCommand::Connect) > before {
            attempts.push(story.now);
            story.unreachable(true);
        }
    }
    story.assert_goes_on();
    let spread = |attempts: &[Instant]| *attempts.last().expect("some") - attempts[0];
    assert!(spread(&attempts[..5]) < 20 * SECOND);
    assert!(spread(&attempts[20..]) > 120 * SECOND, "{:?}", spread(&attempts[20..]));
    assert_eq!(story.warnings(), 1, "the person is told once");
}

#[test]
fn a_room_that_stays_taken_is_given_up_and_an_attempt_on_its_way_is_taken_back() {
    let mut story = talking();
    story.lost();
    while story.signaled(&SignalCommand::Connect) < 2 {
        story.packets_for(SECOND);
    }
    story.signaling(SignalingEvent::Rejected(Reject::RoomFull));
    while story.signaled(&SignalCommand::Connect) < 3 {
        story.packets_for(250 * MS);
    }
    // The server says nothing to this attempt.
    story.packets_for(100 * SECOND);
    story.assert_goes_on();
    assert_eq!(story.signaled(&SignalCommand::Leave), 1, "the shell still has a connection");
    assert_eq!(story.signaled(&SignalCommand::Connect), 3);
}

#[test]
fn a_call_by_hand_asks_for_no_other_lines_while_it_is_on_or_after_it() {
    let mut story = Story::new(SessionConfig::default());
    story.tell(Input::Start);
    story.joined_with(WAITER, PeerCapabilities { by_hand: true, ..PeerCapabilities::FULL });
    story.offered(&sdp("AA", "one"));
    story.peer(PeerEvent::Connected);
    story.lost();
    story.packets_for(60 * SECOND);
    story.assert_goes_on();
    assert_eq!(story.warnings(), 0);
    story.peer(PeerEvent::Failed);
    story.assert_ended(&EndReason::PeerLost);
    assert_eq!(story.signaled(&SignalCommand::Connect), 1);
}

fn relay(password: &str) -> crate::IceServer {
    crate::IceServer {
        urls: vec!["turn:relay.example".to_owned()],
        username: Some("until".to_owned()),
        credential: Some(crate::Secret::new(password)),
    }
}

fn joined_with_relay(password: &str) -> SignalingEvent {
    let ice_servers = vec![relay(password)];
    SignalingEvent::Joined { role: WAITER, capabilities: PeerCapabilities::FULL, ice_servers }
}

#[test]
fn credentials_that_a_server_hands_out_anew_go_to_the_connection_before_its_restart() {
    let mut story = Story::new(SessionConfig::default());
    story.tell(Input::Start);
    story.signaling(joined_with_relay("old"));
    story.offered(&sdp("AA", "one"));
    story.peer(PeerEvent::Connected);
    for (password, times) in [("old", 0), ("new", 1)] {
        story.lost();
        story.peer(PeerEvent::Disconnected);
        story.wait(SECOND);
        story.signaling(joined_with_relay(password));
        let set = PeerAction::SetIceServers { ice_servers: vec![relay("new")] };
        assert_eq!(story.count(&Output::Peer(set)), times);
        story.peer(PeerEvent::Connected);
    }
    let at = |wanted: &dyn Fn(&PeerAction) -> bool| {
        story.notes.iter().rposition(|(_, note)| matches!(note, Output::Peer(action) if wanted(action)))
    };
    let set = at(&|action| matches!(action, PeerAction::SetIceServers { .. }));
    assert!(set.is_some() && set < at(&|action| *action == PeerAction::RestartIce));
}

#[test]
fn credentials_that_come_during_a_call_are_for_its_restarts_and_for_the_next_call() {
    let mut story = Story::new(SessionConfig::default());
    story.tell(Input::Start);
    story.signaling(joined_with_relay("old"));
    story.offered(&sdp("AA", "one"));
    story.peer(PeerEvent::Connected);
    for password in ["old", "new", "new"] {
        story.signaling(SignalingEvent::IceServers(vec![relay(password)]));
    }
    let sets = |story: &Story| {
        let set = |(_, note): &(_, Output)| match note {
            Output::Peer(PeerAction::SetIceServers { ice_servers }) => Some(ice_servers.clone()),
            _ => None,
        };
        story.notes.iter().filter_map(set).collect::<Vec<_>>()
    };
    assert_eq!(sets(&story), [[relay("new")]], "what is known is not set again");
    story.assert_goes_on();
    story.peer(PeerEvent::Disconnected);
    story.offered(&sdp("BB", "one"));
    let opened = |(_, note): &(_, Output)| match note {
        Output::Peer(PeerAction::Open { ice_servers, .. }) => Some(ice_servers.clone()),
        _ => None,
    };
    assert_eq!(story.notes.iter().filter_map(opened).collect::<Vec<_>>(), [[relay("old")], [relay("new")]]);
    // Out of the room, nobody is there to hand anything out.
    story.peer(PeerEvent::Connected);
    story.lost();
    story.signaling(SignalingEvent::IceServers(vec![relay("stray")]));
    assert_eq!(sets(&story).len(), 1);
}

#[test]
fn a_server_that_refuses_us_mid_call_is_left_alone() {
    let mut story = talking();
    story.lost();
    story.packets_for(SECOND);
    let reason = "wrong key".to_owned();
    story.signaling(SignalingEvent::Rejected(Reject::Refused(reason)));
    story.packets_for(600 * SECOND);
    story.assert_goes_on();
    assert_eq!(story.signaled(&SignalCommand::Connect), 2);
}

#[test]
fn our_own_ghost_in_the_room_is_waited_for_ninety_seconds_and_no_longer() {
    let mut story = talking();
    story.lost();
    let lost = story.now;
    for _ in 0..600 {
        let before = story.signaled(&SignalCommand::Connect);
        story.packets_for(SECOND);
        if story.signaled(&SignalCommand::Connect) > before {
            story.signaling(SignalingEvent::Rejected(Reject::RoomFull));
        }
    }
    story.assert_goes_on();
    let is_attempt = |(_, note): &&(Duration, Output)| *note == Output::Signal(SignalCommand::Connect);
    let last = story.notes.iter().rfind(is_attempt).map(|(at, _)| *at).expect("some attempts");
    assert!(last <= lost - story.start + 90 * SECOND, "{last:?}");
}

#[test]
fn a_path_that_breaks_is_restarted_through_the_server() {
    let mut story = talking();
    story.peer(PeerEvent::Disconnected);
    assert_eq!(story.session.phase(), Phase::Reconnecting);
    story.wait(SECOND);
    assert!(!story.did(&PeerAction::RestartIce), "the impolite one goes first");
    story.wait(SECOND);
    assert!(story.did(&PeerAction::RestartIce));
    assert_eq!(story.signaled(&SignalCommand::Describe(Description::offer("ours"))), 1);
    answered(&mut story, &sdp("AA", "two"));
    story.peer(PeerEvent::IceConnected);
    story.packets_for(60 * SECOND);
    story.assert_goes_on();
    assert_eq!(story.opened(), 1);
    let restarts = story.count(&Output::Peer(PeerAction::RestartIce));
    assert_eq!(restarts, 1, "none is wanted any more");
}

#[test]
fn a_path_that_breaks_with_the_server_is_restarted_when_that_is_back() {
    let mut story = talking();
    story.lost();
    story.unreachable(true);
    story.peer(PeerEvent::Disconnected);
    story.wait(100 * MS);
    let connects = story.signaled(&SignalCommand::Connect);
    assert!(connects >= 2, "it is asked at once");
    story.wait(5 * SECOND);
    assert!(!story.did(&PeerAction::RestartIce), "over what?");
    story.joined(OFFERER);
    assert!(story.did(&PeerAction::RestartIce));
    assert_eq!(story.opened(), 1);
}

#[test]
fn the_peers_restart_is_answered_on_the_same_connection_and_candidates_follow_the_answer() {
    let mut story = talking();
    let before = story.notes.len();
    story.carries_out = false;
    story.offered(&sdp("AA", "two"));
    story.peer(PeerEvent::RemoteSet(Ok(())));
    story.peer(PeerEvent::AnswerCreated(Ok(Description::answer("ours"))));
    story.peer(PeerEvent::LocalCandidate(candidate("new")));
    let sent = |story: &Story| {
        let signals = story.notes[before..].iter().filter(|(_, note)| matches!(note, Output::Signal(_)));
        signals.map(|(_, note)| note.clone()).collect::<Vec<_>>()
    };
    assert_eq!(sent(&story), []);
    story.peer(PeerEvent::LocalSet(Ok(())));
    let sent = sent(&story);
    assert!(matches!(
        sent[..],
        [Output::Signal(SignalCommand::Describe(_)), Output::Signal(SignalCommand::Candidate(_))]
    ));
    assert_eq!(story.opened(), 1);
}

#[test]
fn a_peer_that_only_rejoined_is_not_taken_for_another() {
    let mut story = talking();
    story.signaling(SignalingEvent::PeerLeft);
    story.packets_for(500 * MS);
    story.offered(&sdp("AA", "two"));
    assert_eq!(story.opened(), 1);
    // The doubt is gone with its return: a pause is a pause.
    story.wait(10 * SECOND);
    story.assert_goes_on();
}

#[test]
fn a_stranger_cannot_take_the_place_of_a_call_that_is_on() {
    let mut story = talking();
    story.offered(&sdp("BB", "one"));
    answered(&mut story, &sdp("BB", "one"));
    story.packets_for(SECOND);
    story.assert_goes_on();
    assert_eq!(story.opened(), 1);
    assert_eq!(story.warnings(), 2);
}

#[test]
fn a_lost_peer_is_told_and_its_next_run_is_connected() {
    let mut story = talking();
    let lost = story.now;
    story.signaling(SignalingEvent::PeerLeft);
    story.wait(SECOND);
    assert_eq!(story.warnings(), 1);
    assert!(story.did(&PeerAction::Close));
    assert!(story.now - lost <= 10 * SECOND);
    story.wait(SECOND);
    assert_eq!(story.signaled(&SignalCommand::Connect), 2);
    story.joined(WAITER);
    assert_eq!(story.session.phase(), Phase::Waiting);
    story.wait(3600 * SECOND);
    story.offered(&sdp("BB", "one"));
    story.peer(PeerEvent::Connected);
    story.assert_goes_on();
    assert_eq!(story.opened(), 2);
}

#[test]
fn a_peer_that_restarts_before_it_is_missed_takes_its_place_again() {
    let mut story = talking();
    // Its server died with it: nothing says that it left.
    story.wait(2 * SECOND);
    story.offered(&sdp("BB", "one"));
    assert_eq!(story.opened(), 2);
    story.peer(PeerEvent::Connected);
    story.assert_goes_on();
}

#[test]
fn an_answer_of_the_peers_next_run_to_an_offer_for_the_last_one_begins_anew() {
    let mut story = talking();
    story.peer(PeerEvent::Disconnected);
    story.wait(2 * SECOND);
    answered(&mut story, &sdp("BB", "one"));
    assert_eq!(story.opened(), 2);
    assert_eq!(story.signaled(&SignalCommand::Describe(Description::offer("ours"))), 2);
    answered(&mut story, &sdp("BB", "one"));
    story.peer(PeerEvent::Connected);
    story.assert_goes_on();
}

#[test]
fn the_wait_for_a_return_is_as_long_as_the_wait_for_the_first_coming() {
    let config = SessionConfig { wait: Some(30 * SECOND), ..SessionConfig::default() };
    let mut story = Story::talking(config);
    story.packets_for(60 * SECOND);
    story.peer(PeerEvent::Failed);
    story.wait(SECOND);
    story.joined(WAITER);
    story.wait(29 * SECOND);
    assert_eq!(story.end(), None);
    story.wait(2 * SECOND);
    story.assert_ended(&EndReason::PeerLost);
}

#[test]
fn a_peer_and_a_server_that_are_both_lost_are_a_lost_peer() {
    let mut story = talking();
    story.peer(PeerEvent::Failed);
    for _ in 0..70 {
        story.wait(SECOND);
        story.unreachable(true);
    }
    story.assert_ended(&EndReason::PeerLost);
}
