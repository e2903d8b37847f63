//! Stories of connected calls whose server, path or peer vanishes, or only seems to.

use super::*;

/// A call that does not wait for the peer's return.
fn once() -> SessionConfig {
    SessionConfig { once: true, ..SessionConfig::default() }
}

#[test]
fn the_server_dies_mid_call_and_the_call_goes_on() {
    let mut story = Story::talking(SessionConfig::default());
    story.lost();
    story.packets_for(600 * SECOND);
    story.assert_goes_on();
    assert_eq!(story.warnings(), 1);
}

#[test]
fn a_bye_and_silence_are_a_lost_peer() {
    let mut story = Story::talking(once());
    let left = story.now - story.start;
    story.signaling(SignalingEvent::PeerLeft);
    story.lost();
    story.wait(10 * SECOND);
    story.assert_ended(&EndReason::PeerLost);
    assert_eq!(story.end().map(|(at, _)| at), Some(left + 700 * MS));
    assert_eq!(story.warnings(), 0);
}

#[test]
fn a_bye_and_packets_are_a_call_that_goes_on() {
    let mut story = Story::talking(SessionConfig::default());
    story.signaling(SignalingEvent::PeerLeft);
    story.lost();
    story.packets_for(60 * SECOND);
    story.assert_goes_on();
    // The doubt is refuted: a pause is a pause again.
    story.wait(10 * SECOND);
    story.assert_goes_on();
}

#[test]
fn a_bye_and_a_few_last_packets_are_a_lost_peer() {
    let mut story = Story::talking(once());
    story.signaling(SignalingEvent::PeerLeft);
    story.packets_for(SECOND);
    let last = story.now - story.start;
    story.wait(10 * SECOND);
    story.assert_ended(&EndReason::PeerLost);
    assert_eq!(story.end().map(|(at, _)| at), Some(last + 700 * MS));
}

#[test]
fn a_bye_and_a_closed_channel_are_a_peer_that_left() {
    let bye = Input::Signaling(SignalingEvent::PeerLeft);
    let closed = Input::Peer(PeerEvent::DataClosed);
    for signs in [[bye.clone(), closed.clone()], [closed, bye]] {
        let mut story = Story::talking(SessionConfig::default());
        // The second sign does not start the time anew.
        for sign in signs {
            story.tell(sign);
            story.wait(350 * MS);
        }
        story.assert_ended(&EndReason::PeerLeft);
    }
}

#[test]
fn a_closed_connection_is_a_peer_that_left_unless_a_goodbye_is_on_its_way() {
    // The shell reports a closing once.
    let closed = || {
        let mut story = Story::talking(SessionConfig::default());
        story.closes = false;
        story.peer(PeerEvent::Closed);
        story
    };
    let mut story = closed();
    story.wait(200 * MS);
    story.assert_ended(&EndReason::PeerLeft);

    let mut story = closed();
    story.wait(100 * MS);
    story.peer(PeerEvent::Goodbye { reason: None });
    story.assert_ended(&EndReason::PeerHungUp { reason: None });

    // Packets that the shell reports late come from before.
    let mut story = closed();
    story.now += 10 * SECOND;
    story.peer(PeerEvent::Activity);
    story.wait(MS);
    story.assert_ended(&EndReason::PeerLeft);
}

#[test]
fn a_closed_channel_and_packets_are_a_call_that_goes_on() {
    let mut story = Story::talking(SessionConfig::default());
    story.peer(PeerEvent::DataClosed);
    story.packets_for(10 * SECOND);
    story.wait(10 * SECOND);
    story.assert_goes_on();
}

#[test]
fn the_silence_of_a_quiet_peer_proves_nothing_until_ice_agrees() {
    // Now and then a packet; or a flow that ended before the bye.
    for gaps in [[5 * SECOND, 500 * MS], [250 * MS, 5 * SECOND]] {
        let mut story = Story::connected(once());
        for gap in gaps {
            story.peer(PeerEvent::Activity);
            story.wait(gap);
        }
        story.signaling(SignalingEvent::PeerLeft);
        story.wait(60 * SECOND);
        story.assert_goes_on();
        story.peer(PeerEvent::Disconnected);
        story.assert_ended(&EndReason::PeerLost);
    }
}

#[test]
fn a_broken_path_comes_back() {
    for recovery in [PeerEvent::IceConnected, PeerEvent::Connected] {
        let mut story = Story::talking(SessionConfig::default());
        story.peer(PeerEvent::Disconnected);
        assert_eq!(story.session.phase(), Phase::Reconnecting);
        story.wait(14 * SECOND);
        story.peer(recovery);
        story.wait(60 * SECOND);
        story.assert_goes_on();
    }
}

#[test]
fn a_broken_path_does_not_come_back() {
    let mut story = Story::talking(once());
    story.peer(PeerEvent::Disconnected);
    story.wait(5 * SECOND);
    // Reported again: the time is not counted anew.
    story.peer(PeerEvent::Disconnected);
    story.wait(10 * SECOND);
    story.assert_ended(&EndReason::PeerLost);
}

#[test]
fn a_failed_path_is_a_lost_peer() {
    let mut story = Story::talking(once());
    story.peer(PeerEvent::Failed);
    story.assert_ended(&EndReason::PeerLost);
}

#[test]
fn a_bye_while_the_path_is_broken_is_a_lost_peer() {
    let mut story = Story::talking(once());
    story.peer(PeerEvent::Disconnected);
    story.signaling(SignalingEvent::PeerLeft);
    story.assert_ended(&EndReason::PeerLost);
}

#[test]
fn a_connected_peer_that_left_and_offers_again_gets_another_connection() {
    let mut story = Story::talking(SessionConfig::default());
    story.signaling(SignalingEvent::PeerLeft);
    story.wait(500 * MS);
    story.offered("second run");
    assert_eq!(story.session.phase(), Phase::Negotiating);
    story.peer(PeerEvent::Connected);
    story.assert_goes_on();
    assert_eq!(story.opened(), 2);
}

#[test]
fn a_second_run_that_does_not_connect_is_a_lost_peer() {
    let mut story = Story::talking(once());
    story.carries_out = false;
    story.signaling(SignalingEvent::PeerLeft);
    story.offered("second run");
    story.wait(30 * SECOND);
    story.assert_ended(&EndReason::PeerLost);
}

#[test]
fn a_second_run_that_leaves_before_it_connects_is_a_lost_peer() {
    let mut story = Story::talking(once());
    story.carries_out = false;
    story.signaling(SignalingEvent::PeerLeft);
    story.offered("second run");
    story.signaling(SignalingEvent::PeerLeft);
    story.assert_ended(&EndReason::PeerLost);
}
