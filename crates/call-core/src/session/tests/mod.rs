//! Stories of calls in virtual time: a session with a shell that carries out every operation at once.
//! A story says what happens and when; the notebook of the shell says what came of it.

mod consent;
mod ending;
mod joining;
mod negotiating;
mod random;
mod returning;
mod silence;

use super::*;
use crate::{Candidate, Description, DescriptionKind};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

const OFFERER: Role = Role { offers_first: true, polite: false };
const WAITER: Role = Role { offers_first: false, polite: true };

/// A session, the time, and a shell.
struct Story {
    session: Session,
    now: Instant,
    start: Instant,
    /// What the session put out, with the time since the start.
    notes: Vec<(Duration, Output)>,
    /// Whether the shell answers operations by itself, and closes when told to.
    carries_out: bool,
    closes: bool,
}

impl Story {
    fn new(config: SessionConfig) -> Self {
        let start = Instant::now();
        Self {
            session: Session::new(config, start),
            now: start,
            start,
            notes: Vec::new(),
            carries_out: true,
            closes: true,
        }
    }

    /// In the room, alone.
    fn waiting(config: SessionConfig) -> Self {
        let mut story = Self::new(config);
        story.tell(Input::Start);
        story.joined(WAITER);
        assert_eq!(story.session.phase(), Phase::Waiting);
        story
    }

    /// Descriptions are exchanged.
    fn negotiating(config: SessionConfig) -> Self {
        let mut story = Self::waiting(config);
        story.offered("first");
        assert_eq!(story.session.phase(), Phase::Negotiating);
        story
    }

    /// The call is on, with the data channel open; no packets yet.
    fn connected(config: SessionConfig) -> Self {
        let mut story = Self::negotiating(config);
        story.peer(PeerEvent::IceConnected);
        story.peer(PeerEvent::Connected);
        story.peer(PeerEvent::DataOpen);
        assert_eq!(story.session.phase(), Phase::Connected);
        story
    }

    /// The call is on and media has been flowing for two seconds.
    fn talking(config: SessionConfig) -> Self {
        let mut story = Self::connected(config);
        story.packets_for(2 * SECOND);
        story
    }

    /// Feeds an input, and then the results of what the shell did about it.
    fn tell(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            self.session.handle(self.now, input);
            while let Some(output) = self.session.poll() {
                self.notes.push((self.now - self.start, output.clone()));
                if matches!(output, Output::Peer(PeerAction::Open { .. })) {
                    // Of a former connection nothing is reported any more.
                    inputs.clear();
                }
                inputs.extend(self.result_of(&output).map(Input::Peer));
            }
        }
    }

    fn result_of(&self, output: &Output) -> Option<PeerEvent> {
        let Output::Peer(action) = output else {
            return None;
        };
        let event = match action {
            PeerAction::Close if self.closes => return Some(PeerEvent::Closed),
            PeerAction::Open { .. } => PeerEvent::Opened(Ok(())),
            PeerAction::CreateOffer => PeerEvent::OfferCreated(Ok(Description::offer("ours"))),
            PeerAction::CreateAnswer => PeerEvent::AnswerCreated(Ok(Description::answer("ours"))),
            PeerAction::SetLocal(_) => PeerEvent::LocalSet(Ok(())),
            PeerAction::SetRemote(_) => PeerEvent::RemoteSet(Ok(())),
            PeerAction::Rollback => PeerEvent::RolledBack(Ok(())),
            _ => return None,
        };
        self.carries_out.then_some(event)
    }

    fn signaling(&mut self, event: SignalingEvent) {
        self.tell(Input::Signaling(event));
    }

    fn peer(&mut self, event: PeerEvent) {
        self.tell(Input::Peer(event));
    }

    fn joined(&mut self, role: Role) {
        self.joined_with(role, PeerCapabilities::FULL);
    }

    fn joined_with(&mut self, role: Role, capabilities: PeerCapabilities) {
        let ice_servers = Vec::new();
        self.signaling(SignalingEvent::Joined { role, capabilities, ice_servers });
    }

    fn offered(&mut self, sdp: &str) {
        self.signaling(SignalingEvent::Description(Description::offer(sdp)));
    }

    fn lost(&mut self) {
        let reason = "end of stream".to_owned();
        self.signaling(SignalingEvent::Lost { reason });
    }

    fn unreachable(&mut self, retry: bool) {
        let reason = "connection refused".to_owned();
        self.signaling(SignalingEvent::Unreachable { reason, retry });
    }

    /// Lets time pass; timers act on time.
    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some((at, _)) = self.session.deadline()
            && at <= until
        {
            self.now = self.now.max(at);
            self.tell(Input::Timeout);
        }
        self.now = until;
    }

    /// Media flows for this long.
    fn packets_for(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.wait(250 * MS);
            self.peer(PeerEvent::Activity);
        }
    }

    /// How often the session put this out.
    fn count(&self, wanted: &Output) -> usize {
        self.notes.iter().filter(|(_, note)| note == wanted).count()
    }

    fn did(&self, action: &PeerAction) -> bool {
        self.count(&Output::Peer(action.clone())) > 0
    }

    fn signaled(&self, command: &SignalCommand) -> usize {
        self.count(&Output::Signal(command.clone()))
    }

    fn opened(&self) -> usize {
        let is_open = |(_, note): &&(_, Output)| matches!(note, Output::Peer(PeerAction::Open { .. }));
        self.notes.iter().filter(is_open).count()
    }

    fn warnings(&self) -> usize {
        let is_warning = |(_, note): &&(_, Output)| matches!(note, Output::Warn(_));
        self.notes.iter().filter(is_warning).count()
    }

    fn phases(&self) -> Vec<Phase> {
        let phase = |(_, note): &(_, Output)| match note {
            Output::Phase(phase) => Some(*phase),
            _ => None,
        };
        self.notes.iter().filter_map(phase).collect()
    }

    /// When and why the call ended.
    fn end(&self) -> Option<(Duration, EndReason)> {
        match self.notes.last() {
            Some((at, Output::Ended(reason))) => Some((*at, reason.clone())),
            _ => None,
        }
    }

    #[track_caller]
    fn assert_ended(&self, reason: &EndReason) {
        assert_eq!(self.end().map(|(_, reason)| reason).as_ref(), Some(reason));
        assert_eq!(self.session.phase(), Phase::Ended);
        assert_eq!(self.session.deadline(), None);
    }

    #[track_caller]
    fn assert_goes_on(&self) {
        assert_eq!(self.end(), None);
        assert_eq!(self.session.phase(), Phase::Connected);
    }
}

fn candidate(text: &str) -> Candidate {
    Candidate { candidate: text.to_owned(), ..Candidate::default() }
}

#[test]
fn a_call_of_the_one_who_waits() {
    let story = Story::talking(SessionConfig::default());
    let phases = [Phase::Joining, Phase::Waiting, Phase::Negotiating, Phase::Connected];
    assert_eq!(story.phases(), phases);
    let described = SignalCommand::Describe(Description::answer("ours"));
    assert_eq!(story.signaled(&described), 1);
}

#[test]
fn a_call_of_the_one_who_comes() {
    let mut story = Story::new(SessionConfig::default());
    story.tell(Input::Start);
    story.joined(OFFERER);
    let described = SignalCommand::Describe(Description::offer("ours"));
    assert_eq!(story.signaled(&described), 1);
    // Nobody has answered yet.
    assert_eq!(story.session.phase(), Phase::Waiting);
    let answer = Description { kind: DescriptionKind::Answer, sdp: "theirs".to_owned() };
    story.signaling(SignalingEvent::Description(answer));
    assert_eq!(story.session.phase(), Phase::Negotiating);
    story.peer(PeerEvent::Connected);
    story.assert_goes_on();
}
