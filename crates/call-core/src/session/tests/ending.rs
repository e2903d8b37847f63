//! Stories of the end: from our side, from the peer's, and by the clock.

use super::*;

fn lasting(seconds: u64) -> SessionConfig {
    SessionConfig { duration: Some(Duration::from_secs(seconds)), ..SessionConfig::default() }
}

#[test]
fn hanging_up_says_goodbye_leaves_and_closes() {
    let mut story = Story::talking(SessionConfig::default());
    let before = story.notes.len();
    story.tell(Input::HangUp);
    let reason = "hung up".to_owned();
    let ended: Vec<_> = story.notes[before..].iter().map(|(_, note)| note).collect();
    let expected = [
        Output::Peer(PeerAction::SendGoodbye { reason }),
        Output::Signal(SignalCommand::Leave),
        Output::Peer(PeerAction::Close),
        Output::Phase(Phase::Ending),
        Output::Phase(Phase::Ended),
        Output::Ended(EndReason::HungUp),
    ];
    assert_eq!(ended, expected.iter().collect::<Vec<_>>());
}

#[test]
fn a_connection_that_does_not_close_holds_the_end_up_for_a_second() {
    let mut story = Story::talking(SessionConfig::default());
    story.closes = false;
    let hung_up = story.now - story.start;
    story.tell(Input::HangUp);
    assert_eq!(story.session.phase(), Phase::Ending);
    story.wait(5 * SECOND);
    story.assert_ended(&EndReason::HungUp);
    assert_eq!(story.end().map(|(at, _)| at), Some(hung_up + SECOND));
}

#[test]
fn a_connection_that_was_replaced_does_not_hold_the_end_up() {
    let mut story = Story::negotiating(SessionConfig::default());
    story.closes = false;
    story.signaling(SignalingEvent::PeerLeft);
    story.wait(3 * SECOND);
    story.wait(SECOND);
    story.joined(WAITER);
    story.tell(Input::HangUp);
    story.peer(PeerEvent::Closed);
    story.assert_ended(&EndReason::HungUp);
}

#[test]
fn only_the_first_reason_counts() {
    let mut story = Story::talking(SessionConfig::default());
    story.closes = false;
    story.tell(Input::Interrupt);
    story.tell(Input::HangUp);
    story.peer(PeerEvent::Goodbye { reason: None });
    story.tell(Input::DeviceFailed("unplugged".to_owned()));
    story.peer(PeerEvent::Closed);
    story.assert_ended(&EndReason::Interrupted);
    let notes = story.notes.len();
    story.tell(Input::Start);
    story.tell(Input::Timeout);
    story.peer(PeerEvent::Closed);
    assert_eq!(story.notes.len(), notes);
}

#[test]
fn a_goodbye_of_the_peer_ends_at_once_and_is_not_returned() {
    let mut story = Story::talking(SessionConfig::default());
    let now = story.now - story.start;
    // Words of the peer are shown in a terminal.
    let reason = Some(" off to\u{1b}[2J lunch\n".to_owned());
    story.peer(PeerEvent::Goodbye { reason });
    let reason = Some("off to [2J lunch".to_owned());
    story.assert_ended(&EndReason::PeerHungUp { reason });
    assert_eq!(story.end().map(|(at, _)| at), Some(now));
    let said = |note: &Output| matches!(note, Output::Peer(PeerAction::SendGoodbye { .. }));
    assert!(!story.notes.iter().any(|(_, note)| said(note)));
    assert_eq!(story.signaled(&SignalCommand::Leave), 1);
}

#[test]
fn the_duration_counts_from_the_connected_call() {
    let mut story = Story::negotiating(lasting(10));
    story.wait(5 * SECOND);
    story.peer(PeerEvent::Connected);
    story.peer(PeerEvent::DataOpen);
    story.packets_for(9 * SECOND);
    story.assert_goes_on();
    story.wait(SECOND);
    story.assert_ended(&EndReason::DurationReached);
    let reason = "duration reached".to_owned();
    assert!(story.did(&PeerAction::SendGoodbye { reason }));
}

#[test]
fn the_duration_goes_on_while_the_path_is_broken() {
    let mut story = Story::connected(lasting(10));
    story.wait(5 * SECOND);
    story.peer(PeerEvent::Disconnected);
    story.wait(5 * SECOND);
    story.assert_ended(&EndReason::DurationReached);
}

#[test]
fn nobody_is_told_goodbye_without_an_open_channel() {
    let unopened = Story::negotiating(SessionConfig::default());
    let mut closed = Story::talking(SessionConfig::default());
    closed.peer(PeerEvent::DataClosed);
    let mut gone = Story::talking(SessionConfig::default());
    gone.peer(PeerEvent::Closed);
    for mut story in [unopened, closed, gone] {
        story.tell(Input::HangUp);
        story.assert_ended(&EndReason::HungUp);
        assert!(!story.did(&PeerAction::SendGoodbye { reason: "hung up".to_owned() }));
        assert_eq!(story.signaled(&SignalCommand::Leave), 1);
    }
}

#[test]
fn the_duration_goes_on_with_a_second_run_of_the_peer() {
    let mut story = Story::connected(lasting(10));
    story.wait(5 * SECOND);
    story.signaling(SignalingEvent::PeerLeft);
    story.offered("second run");
    story.peer(PeerEvent::Connected);
    story.wait(5 * SECOND);
    story.assert_ended(&EndReason::DurationReached);
}

#[test]
fn a_call_can_be_hung_up_at_any_time() {
    let config = SessionConfig::default;
    let retrying = || {
        let mut story = Story::new(config());
        story.tell(Input::Start);
        story.unreachable(true);
        story
    };
    let not_started = Story::new(config());
    for mut story in [not_started, retrying(), Story::waiting(config())] {
        story.tell(Input::HangUp);
        story.assert_ended(&EndReason::HungUp);
    }
}

#[test]
fn a_failed_device_ends_the_call_and_says_which() {
    let mut story = Story::talking(SessionConfig::default());
    let reason = "the speaker was unplugged".to_owned();
    story.tell(Input::DeviceFailed(reason.clone()));
    story.assert_ended(&EndReason::DeviceFailure { reason });
    assert!(story.did(&PeerAction::SendGoodbye { reason: "device failure".to_owned() }));
}

#[test]
fn limits_that_no_clock_reaches_are_none() {
    let forever = Duration::MAX;
    let mut story = Story::connected(SessionConfig {
        wait: Some(forever),
        duration: Some(forever),
        timeouts: Timeouts {
            negotiating: forever,
            by_hand: forever,
            gathering: forever,
            reconnecting: forever,
            restart: forever,
            joining: forever,
            signaling: forever,
            ghost: forever,
            silence: forever,
            late_connect: forever,
            closing: SECOND,
        },
        ..SessionConfig::default()
    });
    story.peer(PeerEvent::Disconnected);
    story.wait(2 * SECOND);
    assert_eq!(story.session.deadline(), None);
}
