//! Calls in which anything happens at any time: nothing panics, nothing grows, and every call can be ended.
//! Proptest shrinks a failure to the few inputs that matter.

use super::*;
use crate::Negotiator;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// One input at most: every waiting candidate goes out, and the call ends.
const OUTPUTS_PER_INPUT: usize = Negotiator::QUEUE_LIMIT + 16;

fn description() -> impl Strategy<Value = Description> {
    let kind =
        prop_oneof![Just(DescriptionKind::Offer), Just(DescriptionKind::Answer), Just(DescriptionKind::Rollback),];
    (kind, "[a-c]").prop_map(|(kind, sdp)| Description { kind, sdp })
}

fn result<T: Clone + std::fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Result<T, String>> {
    prop_oneof![
        4 => value.prop_map(Ok),
        1 => Just(Err("failed".to_owned())),
    ]
}

fn signaling_event() -> impl Strategy<Value = SignalingEvent> {
    let role = any::<(bool, bool)>().prop_map(|(offers_first, polite)| Role { offers_first, polite });
    let reason = || "lost".to_owned();
    prop_oneof![
        4 => (role, any::<(bool, bool)>()).prop_map(|(role, (renegotiation, trickle))| SignalingEvent::Joined {
            role,
            capabilities: PeerCapabilities { renegotiation, trickle, ..PeerCapabilities::FULL },
            ice_servers: Vec::new(),
        }),
        1 => Just(SignalingEvent::IceServers(Vec::new())),
        1 => Just(SignalingEvent::OfferWanted),
        4 => description().prop_map(SignalingEvent::Description),
        2 => "[a-c]?".prop_map(|text| SignalingEvent::Candidate(candidate(&text))),
        1 => Just(SignalingEvent::PeerLeft),
        1 => Just(SignalingEvent::Rejected(Reject::RoomFull)),
        1 => Just(SignalingEvent::Rejected(Reject::Refused(reason()))),
        1 => any::<bool>().prop_map(move |retry| SignalingEvent::Unreachable { reason: reason(), retry }),
        1 => Just(SignalingEvent::Lost { reason: reason() }),
    ]
}

fn peer_event() -> impl Strategy<Value = PeerEvent> {
    prop_oneof![
        4 => result(Just(())).prop_map(PeerEvent::Opened),
        1 => Just(PeerEvent::NegotiationNeeded),
        2 => result(description()).prop_map(PeerEvent::OfferCreated),
        2 => result(description()).prop_map(PeerEvent::AnswerCreated),
        2 => result(Just(())).prop_map(PeerEvent::LocalSet),
        2 => result(Just(())).prop_map(PeerEvent::RemoteSet),
        1 => result(Just(())).prop_map(PeerEvent::RolledBack),
        1 => "[a-c]?".prop_map(|text| PeerEvent::LocalCandidate(candidate(&text))),
        1 => Just(PeerEvent::IceConnected),
        4 => Just(PeerEvent::Connected),
        1 => Just(PeerEvent::Disconnected),
        1 => Just(PeerEvent::Failed),
        1 => Just(PeerEvent::DataOpen),
        1 => Just(PeerEvent::Goodbye { reason: None }),
        1 => Just(PeerEvent::DataClosed),
        4 => Just(PeerEvent::Activity),
        1 => Just(PeerEvent::Closed),
    ]
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        2 => Just(Input::Start),
        16 => signaling_event().prop_map(Input::Signaling),
        24 => peer_event().prop_map(Input::Peer),
        8 => Just(Input::Timeout),
        1 => prop_oneof![
            Just(Input::Accept),
            Just(Input::Decline),
            Just(Input::HangUp),
            Just(Input::Interrupt),
            Just(Input::DeviceFailed("failed".to_owned())),
        ],
    ]
}

/// Inputs, each some milliseconds after the one before.
fn inputs() -> impl Strategy<Value = Vec<(u64, Input)>> {
    vec((prop_oneof![0..20_u64, 0..20_000_u64], input()), 0..200)
}

fn config() -> impl Strategy<Value = SessionConfig> {
    let seconds = || proptest::option::of((0..100_u64).prop_map(Duration::from_secs));
    (seconds(), seconds(), any::<u64>(), any::<(bool, bool)>()).prop_map(|(wait, duration, seed, (ask, once))| {
        SessionConfig { ask, once, wait, duration, seed, ..SessionConfig::default() }
    })
}

/// Feeds one input and checks what holds after every one.
fn tell(session: &mut Session, now: Instant, input: Input) -> Vec<Output> {
    let was_over = session.phase() == Phase::Ended;
    let timeout = input == Input::Timeout;
    session.handle(now, input);
    let outputs: Vec<_> = std::iter::from_fn(|| session.poll()).collect();
    assert!(outputs.len() <= OUTPUTS_PER_INPUT);
    if was_over {
        assert_eq!(outputs, []);
    }
    let ended = outputs.iter().position(|output| matches!(output, Output::Ended(_)));
    assert!(ended.is_none_or(|position| position + 1 == outputs.len()));
    assert_eq!(ended.is_some(), !was_over && session.phase() == Phase::Ended);
    // The end is never lost: it is told, decided with a timer, or still to be decided.
    assert_eq!(session.phase() == Phase::Ending, matches!(session.deadline(), Some((_, Timer::Closing))));
    if timeout {
        assert!(session.deadline().is_none_or(|(at, _)| at > now), "a timer is stuck");
    }
    outputs
}

/// Waits for nothing but timers until the call is over.
fn hang_up(session: &mut Session, mut now: Instant) {
    tell(session, now, Input::HangUp);
    if session.phase() == Phase::Ending {
        let (at, timer) = session.deadline().expect("ending has a limit");
        assert_eq!(timer, Timer::Closing);
        now = now.max(at);
        tell(session, now, Input::Timeout);
    }
    assert_eq!(session.phase(), Phase::Ended);
    assert_eq!(session.deadline(), None);
}

/// The same calls in every run.
fn settings() -> ProptestConfig {
    ProptestConfig { cases: 1000, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn anything_may_happen(config in config(), inputs in inputs()) {
        let mut now = Instant::now();
        let mut session = Session::new(config, now);
        for (wait, input) in inputs {
            now += Duration::from_millis(wait);
            tell(&mut session, now, input);
        }
        hang_up(&mut session, now);
    }

    #[test]
    fn anything_may_happen_over_a_shell_that_works(config in config(), inputs in inputs()) {
        let mut story = Story::new(config);
        story.tell(Input::Start);
        for (wait, input) in inputs {
            story.wait(Duration::from_millis(wait));
            story.tell(input);
        }
        let closings = story.count(&Output::Peer(PeerAction::Close));
        prop_assert!(story.opened() - closings <= 1, "a connection was leaked");
        story.tell(Input::HangUp);
        story.wait(SECOND);
        prop_assert_eq!(story.session.phase(), Phase::Ended);
        let closings = story.count(&Output::Peer(PeerAction::Close));
        prop_assert_eq!(story.opened(), closings, "a connection was leaked");
    }

    #[test]
    fn time_may_run_backwards(inputs in inputs()) {
        let start = Instant::now() + Duration::from_secs(10_000);
        let mut session = Session::new(SessionConfig::default(), start);
        let mut now = start;
        for (wait, input) in inputs {
            now -= Duration::from_millis(wait.min(40));
            tell(&mut session, now, input);
        }
        hang_up(&mut session, now);
    }
}

#[test]
fn a_flood_of_candidates_is_bounded() {
    let mut story = Story::waiting(SessionConfig::default());
    for _ in 0..2 * Negotiator::QUEUE_LIMIT {
        story.peer(PeerEvent::LocalCandidate(candidate("ours")));
        story.signaling(SignalingEvent::Candidate(candidate("theirs")));
    }
    story.offered("at last");
    let is_sent = |(_, note): &&(Duration, Output)| matches!(note, Output::Signal(SignalCommand::Candidate(_)));
    assert_eq!(story.notes.iter().filter(is_sent).count(), Negotiator::QUEUE_LIMIT);
    let added = Output::Peer(PeerAction::AddCandidate(candidate("theirs")));
    assert_eq!(story.count(&added), Negotiator::QUEUE_LIMIT);
}
