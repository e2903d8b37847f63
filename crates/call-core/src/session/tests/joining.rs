//! Stories of the way into the room, and of waiting there.

use super::*;

fn wait_for(seconds: u64) -> SessionConfig {
    SessionConfig { wait: Some(Duration::from_secs(seconds)), ..SessionConfig::default() }
}

fn unreachable() -> EndReason {
    let reason = "connection refused".to_owned();
    EndReason::SignalingUnreachable { reason }
}

#[test]
fn the_connection_is_opened_before_anybody_comes() {
    let story = Story::waiting(SessionConfig::default());
    assert_eq!(story.opened(), 1);
    assert!(!story.did(&PeerAction::CreateOffer));
}

#[test]
fn our_ice_servers_and_the_servers_are_merged_and_bounded() {
    let server = |url: &str| IceServer { urls: vec![url.to_owned()], username: None, credential: None };
    let mut story = Story::new(SessionConfig {
        ice_servers: vec![server("stun:ours"), server("stun:both")],
        ..SessionConfig::default()
    });
    story.tell(Input::Start);
    let mut ice_servers = vec![server("stun:both"), server("turn:theirs")];
    ice_servers.extend((0..100).map(|number| server(&format!("stun:{number}"))));
    let role = WAITER;
    let capabilities = PeerCapabilities::FULL;
    story.signaling(SignalingEvent::Joined { role, capabilities, ice_servers });
    let Some((_, Output::Peer(PeerAction::Open { ice_servers, .. }))) =
        story.notes.iter().find(|(_, note)| matches!(note, Output::Peer(_)))
    else {
        panic!("no connection was opened");
    };
    let first = [server("stun:ours"), server("stun:both"), server("turn:theirs")];
    assert_eq!(ice_servers[..3], first);
    assert_eq!(ice_servers.len(), 17);
}

#[test]
fn nobody_comes_within_the_wait() {
    let mut story = Story::waiting(wait_for(20));
    story.wait(20 * SECOND - MS);
    assert_eq!(story.end(), None);
    story.wait(MS);
    story.assert_ended(&EndReason::NoPeerCame);
}

#[test]
fn without_a_wait_nothing_presses() {
    let story = Story::waiting(SessionConfig::default());
    assert_eq!(story.session.deadline(), None);
}

#[test]
fn the_wait_goes_on_when_the_room_is_joined_again() {
    let mut story = Story::waiting(wait_for(20));
    story.wait(15 * SECOND);
    story.lost();
    story.wait(SECOND);
    story.joined(WAITER);
    story.wait(5 * SECOND);
    story.assert_ended(&EndReason::NoPeerCame);
}

#[test]
fn the_wait_is_over_once_a_peer_is_there() {
    let mut story = Story::negotiating(wait_for(20));
    story.wait(25 * SECOND);
    assert_eq!(story.session.phase(), Phase::Negotiating);
    story.peer(PeerEvent::Connected);
    story.wait(60 * SECOND);
    story.assert_goes_on();
}

#[test]
fn a_full_room_and_a_refusal_end_at_once() {
    let refused = || "no such key".to_owned();
    for (reject, reason) in [
        (Reject::RoomFull, EndReason::RoomFull),
        (Reject::Refused(refused()), EndReason::SignalingRefused { reason: refused() }),
    ] {
        let mut story = Story::new(SessionConfig::default());
        story.tell(Input::Start);
        story.signaling(SignalingEvent::Rejected(reject));
        story.assert_ended(&reason);
        // The server closed the connection already.
        assert_eq!(story.signaled(&SignalCommand::Leave), 0);
    }
}

#[test]
fn a_room_that_turns_us_away_after_it_let_us_in_is_full() {
    let mut story = Story::new(SessionConfig::default());
    story.tell(Input::Start);
    story.joined(OFFERER);
    story.signaling(SignalingEvent::Rejected(Reject::RoomFull));
    story.assert_ended(&EndReason::RoomFull);
}

#[test]
fn a_wrong_address_is_not_tried_again() {
    let mut story = Story::new(SessionConfig::default());
    story.tell(Input::Start);
    story.unreachable(false);
    story.assert_ended(&unreachable());
}

#[test]
fn a_server_that_is_down_from_the_start_is_tried_for_ten_seconds() {
    let mut story = Story::new(SessionConfig::default());
    story.tell(Input::Start);
    while story.end().is_none() {
        let connects = story.signaled(&SignalCommand::Connect);
        story.unreachable(true);
        // Full jitter: never longer than the cap.
        story.wait(Backoff::CAP);
        assert!(story.signaled(&SignalCommand::Connect) > connects || story.end().is_some());
    }
    story.assert_ended(&unreachable());
    assert_eq!(story.end().map(|(at, _)| at), Some(10 * SECOND));
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let mut story = Story::new(SessionConfig::default());
    story.tell(Input::Start);
    story.wait(10 * SECOND);
    let Some((_, EndReason::SignalingUnreachable { .. })) = story.end() else {
        panic!("{:?}", story.end());
    };
    assert_eq!(story.signaled(&SignalCommand::Leave), 1);
}

#[test]
fn the_waits_between_attempts_grow_and_differ_between_processes() {
    let attempts = |seed| {
        let mut story = Story::new(SessionConfig {
            seed,
            timeouts: Timeouts { joining: Duration::MAX, ..Timeouts::default() },
            ..SessionConfig::default()
        });
        story.tell(Input::Start);
        let mut waits = Vec::new();
        for _ in 0..20 {
            story.unreachable(true);
            let (at, timer) = story.session.deadline().expect("another attempt");
            assert_eq!(timer, Timer::Retry);
            waits.push(at - story.now);
            story.wait(at - story.now);
        }
        waits
    };
    let waits = attempts(1);
    for (attempt, wait) in waits.iter().enumerate() {
        let widest = Backoff::BASE * 2_u32.pow(attempt.min(6) as u32);
        assert!(*wait <= widest.min(Backoff::CAP));
    }
    assert!(waits[10..].iter().max() > waits[..4].iter().max());
    assert_ne!(waits, attempts(2));
}

#[test]
fn a_proven_connection_starts_the_backoff_over() {
    let mut story = Story::waiting(SessionConfig::default());
    for _ in 0..10 {
        story.wait(10 * SECOND);
        story.lost();
        assert_eq!(story.session.phase(), Phase::Joining);
        story.wait(Backoff::BASE);
        assert_eq!(story.session.deadline().map(|(_, timer)| timer), Some(Timer::Signaling));
        story.joined(WAITER);
        assert_eq!(story.session.phase(), Phase::Waiting);
    }
    // One connection a generation, and each but the last is closed.
    assert_eq!(story.opened(), 11);
    assert_eq!(story.count(&Output::Peer(PeerAction::Close)), 10);
}

#[test]
fn a_server_lost_while_waiting_is_given_up_after_a_minute() {
    let mut story = Story::waiting(SessionConfig::default());
    story.lost();
    for _ in 0..60 {
        story.wait(SECOND);
        story.unreachable(true);
    }
    story.assert_ended(&EndReason::SignalingLost);
}

#[test]
fn a_room_full_of_our_own_ghost_is_tried_until_the_ghost_is_gone() {
    let mut story = Story::waiting(SessionConfig::default());
    story.lost();
    for _ in 0..80 {
        story.wait(SECOND);
        story.signaling(SignalingEvent::Rejected(Reject::RoomFull));
    }
    assert_eq!(story.end(), None);
    story.wait(10 * SECOND);
    story.assert_ended(&EndReason::RoomFull);
}

#[test]
fn a_server_that_lets_us_in_twice_is_heard_once() {
    let mut story = Story::waiting(SessionConfig::default());
    story.joined(OFFERER);
    assert_eq!((story.opened(), story.warnings()), (1, 1));
}

#[test]
fn a_connection_that_cannot_be_opened_ends_the_call() {
    let mut story = Story::new(SessionConfig::default());
    story.carries_out = false;
    story.tell(Input::Start);
    story.joined(WAITER);
    story.peer(PeerEvent::Opened(Err("no network interface".to_owned())));
    let reason = "could not open a peer connection: no network interface".to_owned();
    story.assert_ended(&EndReason::Internal { reason });
}
