//! The state machine of one call, from joining the room to the reason why it ended.
//! It is told every event and the time, and answers with what to do; no order of events can make it fail.

mod config;
mod consent;
mod input;
mod introduction;
mod output;
mod peer;
mod presence;
mod restart;
mod signaling;
mod timers;

pub use config::{SessionConfig, Timeouts};
pub use input::{Input, PeerEvent, Reject, SignalingEvent};
pub use output::{Output, PeerAction, Phase, SignalCommand};
pub use timers::Timer;

use crate::{Backoff, EndReason, IceServer, PeerCapabilities, Role};
use consent::Ringing;
use peer::Peer;
use signaling::{Link, Outage, Random};
use std::collections::VecDeque;
use std::time::Instant;

/// One call.
///
/// Its phase follows from the signaling link and the peer: `peer` is `None` until the room is joined, and from then on
/// there is one, opened before anybody came, because that saves its set-up time when somebody does.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    started: bool,
    link: Link,
    /// Since when and why we are not in the room, while we need to be.
    outage: Option<Outage>,
    backoff: Backoff,
    random: Random,
    /// Our part, from the last time that we joined; `None` before the first.
    role: Option<Role>,
    /// How often we joined.
    visits: u32,
    /// What can be done with the peer, from the last time that we joined.
    capabilities: PeerCapabilities,
    /// Ours and the server's, from the last time that we joined.
    ice_servers: Vec<IceServer>,
    /// When the wait for a peer is over; set when we first joined, and kept when we join again.
    wait_until: Option<Instant>,
    peer: Option<Peer>,
    /// Somebody calls, and the person was asked.
    ringing: Option<Ringing>,
    /// The person has taken a call.
    accepted: bool,
    /// The last connection was told to close and has not reported it.
    closing: bool,
    /// When the call was first connected.
    connected_at: Option<Instant>,
    end: Option<End>,
    phase: Phase,
    outputs: VecDeque<Output>,
}

/// The end of the call, from the decision on.
#[derive(Debug)]
struct End {
    reason: EndReason,
    decided_at: Instant,
}

impl Session {
    /// A call that begins with [`Input::Start`]. `start` is the time now: from here on the server has to be reached.
    #[must_use]
    pub fn new(config: SessionConfig, start: Instant) -> Self {
        Self {
            started: false,
            link: Link::Off,
            outage: Some(Outage::first(start)),
            backoff: Backoff::new(),
            random: Random::new(config.seed),
            role: None,
            visits: 0,
            capabilities: PeerCapabilities::FULL,
            ice_servers: Vec::new(),
            wait_until: None,
            peer: None,
            ringing: None,
            accepted: false,
            closing: false,
            connected_at: None,
            end: None,
            phase: Phase::Joining,
            outputs: VecDeque::new(),
            config,
        }
    }

    /// Takes note of `input`. Never fails: what cannot be used is skipped, with a warning where the person should know.
    pub fn handle(&mut self, now: Instant, input: Input) {
        match (&self.end, input) {
            (_, Input::Timeout) => self.expire(now),
            (_, Input::Peer(PeerEvent::Closed)) => self.peer_closed(now),
            // Deciding the end twice would tell two reasons.
            (Some(_), _) => {}
            (None, Input::Start) => self.start(),
            (None, Input::Signaling(event)) => self.signaling_event(now, event),
            (None, Input::Peer(event)) => self.peer_event(now, event),
            (None, Input::Accept) => self.accept(now),
            (None, Input::Decline) => self.decline(now),
            (None, Input::HangUp) => self.finish(now, EndReason::HungUp),
            (None, Input::Interrupt) => self.finish(now, EndReason::Interrupted),
            (None, Input::DeviceFailed(reason)) => {
                self.finish(now, EndReason::DeviceFailure { reason });
            }
        }
        self.show_phase(self.current_phase());
    }

    /// The next thing to do, in order; to be drained after every input.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Where the call stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    fn start(&mut self) {
        if !self.started {
            self.started = true;
            self.outputs.push_back(Output::Phase(Phase::Joining));
            self.connect_signaling();
        }
    }

    fn current_phase(&self) -> Phase {
        if self.phase == Phase::Ended {
            return Phase::Ended;
        }
        if self.end.is_some() {
            return Phase::Ending;
        }
        match &self.peer {
            Some(peer) if peer.is_disconnected() => Phase::Reconnecting,
            Some(peer) if peer.is_connected() => Phase::Connected,
            Some(_) if self.is_ringing() => Phase::Ringing,
            Some(peer) if peer.is_negotiating() => Phase::Negotiating,
            Some(_) => Phase::Waiting,
            None => Phase::Joining,
        }
    }

    /// The end is decided, and the shell is still closing the connection.
    fn is_ending(&self) -> bool {
        self.end.is_some() && self.phase != Phase::Ended
    }

    fn show_phase(&mut self, phase: Phase) {
        if self.phase != phase {
            self.phase = phase;
            self.outputs.push_back(Output::Phase(phase));
        }
    }

    /// Decides the end: says goodbye, leaves the room, closes the connection, and waits until that is done.
    fn finish(&mut self, now: Instant, reason: EndReason) {
        if self.end.is_some() {
            return;
        }
        if let Some(words) = reason.goodbye()
            && self.peer.as_ref().is_some_and(Peer::hears_goodbye)
        {
            let reason = words.to_owned();
            self.act(PeerAction::SendGoodbye { reason });
        }
        self.leave_signaling();
        self.drop_peer();
        self.end = Some(End { reason, decided_at: now });
        if !self.closing {
            self.conclude();
        }
    }

    /// Ends the call whose end was decided.
    fn conclude(&mut self) {
        if let Some(end) = self.end.as_ref().filter(|_| self.is_ending()) {
            let ended = Output::Ended(end.reason.clone());
            self.show_phase(Phase::Ended);
            self.outputs.push_back(ended);
        }
    }

    fn act(&mut self, action: PeerAction) {
        self.outputs.push_back(Output::Peer(action));
    }

    fn signal(&mut self, command: SignalCommand) {
        self.outputs.push_back(Output::Signal(command));
    }

    fn warn(&mut self, text: impl Into<String>) {
        self.outputs.push_back(Output::Warn(text.into()));
    }
}

#[cfg(test)]
mod tests;
