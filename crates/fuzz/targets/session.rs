//! A whole call with anything happening at any time. The shells are never told what makes no sense to them, timers act once,
//! and there is one end, after which there is silence.
#![no_main]

use std::time::{Duration, Instant};

use call_core::{
    Candidate, Description, DescriptionKind, EndReason, IceServer, Input, Output, PeerAction, PeerCapabilities,
    PeerEvent, Phase, Reject, Role, Session, SessionConfig, SignalCommand, SignalingEvent,
};
use fuzz::{Script, assert_showable};
use libfuzzer_sys::fuzz_target;

/// Of one input: both queues of candidates, and some steps more.
const MOST_OUTPUTS: usize = 600;

fuzz_target!(|data: &[u8]| {
    let mut script = Script::new(data);
    let word = script.byte();
    let optional = |bit: u8| (word & bit != 0).then(|| Duration::from_millis(u64::from(word) * 100));
    let config =
        SessionConfig { wait: optional(1), duration: optional(2), seed: word.into(), ..SessionConfig::default() };
    let now = Instant::now();
    let mut shell = Shell {
        session: Session::new(config, now),
        now,
        phase: Phase::Joining,
        link: Link::Off,
        open: false,
        running: None,
        ended: false,
    };
    if word & 0x80 == 0 {
        shell.handle(Input::Start);
    }
    while !script.is_over() {
        shell.step(&mut script);
    }
    shell.handle(Input::HangUp);
    shell.handle(Input::Peer(PeerEvent::Closed));
    assert!(shell.ended, "hung up and closed, and no end");
});

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Off,
    Connecting,
    Joined,
}

/// What the peer connection is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Open,
    CreateOffer,
    CreateAnswer,
    SetLocal,
    SetRemote,
    Rollback,
}

/// Shells that check what they are told to do.
struct Shell {
    session: Session,
    now: Instant,
    phase: Phase,
    link: Link,
    open: bool,
    running: Option<Operation>,
    ended: bool,
}

impl Shell {
    fn step(&mut self, script: &mut Script) {
        let word = script.byte();
        let (good, flag) = (word & 0x80 == 0, word & 0x40 != 0);
        let error = || Err("no".to_owned());
        let done = if good { Ok(()) } else { error() };
        let peer = |event| Input::Peer(event);
        let signaling = |event| Input::Signaling(event);
        let input = match word & 0x1f {
            0 => Input::Start,
            1 => {
                let server = IceServer { urls: vec![text(script)], username: None, credential: None };
                let role = Role { offers_first: good, polite: !good };
                let capabilities = PeerCapabilities { renegotiation: !flag, trickle: !flag, ..PeerCapabilities::FULL };
                let ice_servers = vec![server; script.byte().into()];
                signaling(SignalingEvent::Joined { role, capabilities, ice_servers })
            }
            2 => signaling(SignalingEvent::Description(Description::offer(text(script)))),
            3 => signaling(SignalingEvent::Description(Description::answer(text(script)))),
            4 => {
                let kind = DescriptionKind::Rollback;
                signaling(SignalingEvent::Description(Description { kind, sdp: String::new() }))
            }
            5 => {
                let candidate = candidate(script);
                return (0..script.byte())
                    .for_each(|_| self.handle(signaling(SignalingEvent::Candidate(candidate.clone()))));
            }
            6 if flag => signaling(SignalingEvent::OfferWanted),
            6 => signaling(SignalingEvent::PeerLeft),
            7 => {
                signaling(SignalingEvent::Rejected(if good { Reject::RoomFull } else { Reject::Refused(text(script)) }))
            }
            8 => signaling(SignalingEvent::Unreachable { reason: text(script), retry: good }),
            9 => signaling(SignalingEvent::Lost { reason: text(script) }),
            10 => peer(PeerEvent::NegotiationNeeded),
            11 => {
                let candidate = candidate(script);
                return (0..script.byte())
                    .for_each(|_| self.handle(peer(PeerEvent::LocalCandidate(candidate.clone()))));
            }
            12 => peer(PeerEvent::IceConnected),
            13 => peer(PeerEvent::Connected),
            14 => peer(PeerEvent::Disconnected),
            15 => peer(PeerEvent::Failed),
            16 => peer(PeerEvent::DataOpen),
            17 => peer(PeerEvent::Goodbye { reason: good.then(|| text(script)) }),
            18 => peer(PeerEvent::DataClosed),
            19 => peer(PeerEvent::Activity),
            20 => peer(PeerEvent::Closed),
            21 if flag => Input::HangUp,
            21 => Input::DeviceFailed("it is gone".to_owned()),
            22 => result(Operation::Open, done),
            23 => result(Operation::CreateOffer, done),
            24 => result(Operation::SetRemote, done),
            25 => {
                self.now += Duration::from_millis(script.u16().into());
                return;
            }
            26 => {
                self.now += Duration::from_millis(script.u16().into());
                Input::Timeout
            }
            27 => {
                if let Some((at, _)) = self.session.deadline() {
                    self.now = self.now.max(at);
                }
                Input::Timeout
            }
            28 => {
                let name = Some(text(script));
                let server = IceServer { urls: vec![text(script)], username: name, credential: None };
                signaling(SignalingEvent::IceServers(vec![server; script.byte().into()]))
            }
            // As a real connection does it.
            _ => match self.running {
                Some(operation) => result(operation, done),
                None => return,
            },
        };
        self.handle(input);
    }

    fn handle(&mut self, input: Input) {
        let timeout = input == Input::Timeout;
        self.note(&input);
        self.session.handle(self.now, input);
        let mut outputs = 0;
        while let Some(output) = self.session.poll() {
            outputs += 1;
            assert!(!self.ended, "{output:?} after the end");
            match output {
                Output::Signal(command) => self.signal(&command),
                Output::Peer(action) => self.act(&action),
                Output::Phase(phase) => {
                    assert!(phase != self.phase || phase == Phase::Joining, "{phase:?} again");
                    assert!(
                        self.phase != Phase::Ending || phase == Phase::Ended,
                        "{phase:?} after the end was decided"
                    );
                    self.phase = phase;
                }
                Output::Warn(text) | Output::Inform(text) => assert_showable(&text),
                Output::Ended(reason) => self.end(&reason),
            }
        }
        assert!(outputs <= MOST_OUTPUTS, "{outputs} outputs of one input");
        assert_eq!(self.session.phase(), self.phase);
        assert!(!timeout || self.session.deadline().is_none_or(|(at, _)| at > self.now), "a deadline that stays");
        assert!(!self.ended || self.session.deadline().is_none());
    }

    /// What the shells know when they report this.
    fn note(&mut self, input: &Input) {
        use SignalingEvent as Event;
        match input {
            Input::Signaling(Event::Joined { .. }) if self.link == Link::Connecting => self.link = Link::Joined,
            Input::Signaling(Event::Rejected(_) | Event::Unreachable { .. } | Event::Lost { .. })
                if !matches!(self.phase, Phase::Ending | Phase::Ended) =>
            {
                self.link = Link::Off;
            }
            Input::Peer(event) => {
                let operation = match event {
                    PeerEvent::Opened(_) => Operation::Open,
                    PeerEvent::OfferCreated(_) => Operation::CreateOffer,
                    PeerEvent::AnswerCreated(_) => Operation::CreateAnswer,
                    PeerEvent::LocalSet(_) => Operation::SetLocal,
                    PeerEvent::RemoteSet(_) => Operation::SetRemote,
                    PeerEvent::RolledBack(_) => Operation::Rollback,
                    _ => return,
                };
                self.running = self.running.filter(|running| *running != operation);
            }
            _ => {}
        }
    }

    fn signal(&mut self, command: &SignalCommand) {
        match command {
            SignalCommand::Connect => {
                assert_eq!(self.link, Link::Off, "a connection while there is one");
                self.link = Link::Connecting;
            }
            SignalCommand::Describe(_) => assert_eq!(self.link, Link::Joined),
            SignalCommand::Candidate(candidate) => {
                assert_eq!(self.link, Link::Joined);
                assert!(!candidate.is_end_of_candidates());
            }
            SignalCommand::Leave => {
                assert_ne!(self.link, Link::Off, "left what we are not in");
                self.link = Link::Off;
            }
        }
    }

    fn act(&mut self, action: &PeerAction) {
        let operation = match action {
            PeerAction::Open { ice_servers, .. } => {
                assert!(!self.open, "a connection while there is one");
                assert!(ice_servers.len() <= 16, "{} ICE servers", ice_servers.len());
                (self.open, self.running) = (true, None);
                Operation::Open
            }
            PeerAction::Close => {
                assert!(self.open, "closed twice");
                (self.open, self.running) = (false, None);
                return;
            }
            PeerAction::CreateOffer => Operation::CreateOffer,
            PeerAction::CreateAnswer => Operation::CreateAnswer,
            PeerAction::SetLocal(_) => Operation::SetLocal,
            PeerAction::SetRemote(_) => Operation::SetRemote,
            PeerAction::Rollback => Operation::Rollback,
            PeerAction::SetIceServers { .. }
            | PeerAction::RestartIce
            | PeerAction::AddCandidate(_)
            | PeerAction::SendGoodbye { .. } => {
                return assert!(self.open, "{action:?} without a connection");
            }
        };
        assert!(self.open, "{action:?} without a connection");
        assert_eq!(self.running.replace(operation), None, "{action:?} while another operation runs");
    }

    fn end(&mut self, reason: &EndReason) {
        assert_showable(&reason.to_string());
        assert_eq!((self.phase, self.link, self.open), (Phase::Ended, Link::Off, false));
        self.ended = true;
    }
}

fn result(operation: Operation, done: Result<(), String>) -> Input {
    let made = |description| done.clone().map(|()| description);
    Input::Peer(match operation {
        Operation::Open => PeerEvent::Opened(done),
        Operation::CreateOffer => PeerEvent::OfferCreated(made(Description::offer("ours"))),
        Operation::CreateAnswer => PeerEvent::AnswerCreated(made(Description::answer("ours"))),
        Operation::SetLocal => PeerEvent::LocalSet(done),
        Operation::SetRemote => PeerEvent::RemoteSet(done),
        Operation::Rollback => PeerEvent::RolledBack(done),
    })
}

fn candidate(script: &mut Script) -> Candidate {
    Candidate { candidate: text(script), ..Candidate::default() }
}

fn text(script: &mut Script) -> String {
    String::from_utf8_lossy(script.short()).into_owned()
}
