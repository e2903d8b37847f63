//! The state machine of one call, from joining the room to the reason why it ended.
//! It is told every event and the time, and answers with what to do; no order of events can make it fail.

mod config;
mod input;
mod output;

pub use config::{SessionConfig, Timeouts};
pub use input::{Input, PeerEvent, Reject, SignalingEvent};
pub use output::{Output, PeerAction, Phase, SignalCommand};

use std::collections::VecDeque;
use std::time::Instant;

/// What a [`Session::deadline`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The next attempt to reach the signaling server.
    Retry,
    /// The attempts to reach the signaling server have lasted too long.
    Signaling,
    /// Nobody came.
    Wait,
    /// The peers found no path.
    Negotiating,
    /// The peer's leaving was reported and the connection did not come up.
    LateConnect,
    /// The peer's leaving was reported and it has fallen silent.
    Silence,
    /// The path did not come back.
    Reconnecting,
    /// The asked-for duration is over.
    Duration,
    /// The shell did not report that the connection is closed.
    Closing,
}

/// One call.
#[derive(Debug)]
pub struct Session {
    outputs: VecDeque<Output>,
    phase: Phase,
}

impl Session {
    /// A call that begins with [`Input::Start`]. `start` is the time now.
    #[must_use]
    pub fn new(_config: SessionConfig, _start: Instant) -> Self {
        Self {
            outputs: VecDeque::new(),
            phase: Phase::Joining,
        }
    }

    /// Takes note of `input`. Never fails: what cannot be used becomes a warning.
    pub fn handle(&mut self, _now: Instant, input: Input) {
        if input == Input::Start {
            self.outputs.push_back(Output::Phase(Phase::Joining));
            self.outputs
                .push_back(Output::Signal(SignalCommand::Connect));
        }
    }

    /// The next thing to do, in order; to be drained after every input.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back with [`Input::Timeout`], and why.
    #[must_use]
    pub fn deadline(&self) -> Option<(Instant, Timer)> {
        None
    }

    /// Where the call stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }
}
