//! When the session loses patience, and what it does then.
//! A timer acts only when the shell says that its time has come: an event that is told first is heard first.

use super::Session;
use super::signaling::Link;
use crate::EndReason;
use std::time::{Duration, Instant};

/// What a [`Session::deadline`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The next attempt to reach the signaling server.
    Retry,
    /// The attempts to reach the signaling server have lasted too long.
    Signaling,
    /// Nobody came.
    Wait,
    /// Our candidates have been looked for long enough.
    Gathering,
    /// The peers found no path.
    Negotiating,
    /// The peer is said to have left, and the connection did not come up afterwards.
    LateConnect,
    /// The peer is said to have left, and it has fallen silent.
    Silence,
    /// The path is broken: time for an ICE restart.
    Restart,
    /// The path did not come back.
    Reconnecting,
    /// The asked-for duration is over.
    Duration,
    /// The shell did not report that the connection is closed.
    Closing,
}

impl Session {
    /// When to come back with [`Input::Timeout`](crate::Input::Timeout), and why; `None` when only events matter.
    #[must_use]
    pub fn deadline(&self) -> Option<(Instant, Timer)> {
        let timeouts = &self.config.timeouts;
        if let Some(end) = &self.end {
            let at = self.is_ending().then_some(end.decided_at);
            return Some((after(at, timeouts.closing)?, Timer::Closing));
        }
        let peer = self.peer.as_ref();
        let unconnected = peer.filter(|peer| !peer.is_connected());
        let connected = peer.filter(|peer| peer.is_connected());
        let negotiating = unconnected.and_then(|peer| peer.negotiating_since).filter(|_| !self.is_ringing());
        let waiting = peer.is_none_or(|peer| !peer.is_connected()) && negotiating.is_none() && !self.is_ringing();
        let retry = match self.link {
            Link::Retrying { at } => Some(at),
            _ => None,
        };
        let outage = self.outage.as_ref().and_then(|outage| {
            let limit = match outage.failure {
                // A call that is on can wait for its server for ever, but not for a room that is taken.
                _ if !self.needs_signaling() && outage.failure != EndReason::RoomFull => return None,
                EndReason::RoomFull => timeouts.ghost,
                _ if self.role.is_none() => timeouts.joining,
                _ => timeouts.signaling,
            };
            outage.since.checked_add(limit)
        });
        let left = unconnected.and_then(|peer| peer.left_at);
        let disconnected = peer.and_then(|peer| peer.disconnected_since);
        let duration = self.config.duration.unwrap_or(Duration::MAX);
        let candidates = [
            (retry, Timer::Retry),
            (outage, Timer::Signaling),
            (self.wait_until.filter(|_| waiting), Timer::Wait),
            (after(peer.and_then(|peer| peer.introduction.held_since()), timeouts.gathering), Timer::Gathering),
            (after(negotiating, self.patience()), Timer::Negotiating),
            (after(left, timeouts.late_connect), Timer::LateConnect),
            (connected.and_then(|peer| peer.presence.silent_at(timeouts.silence)), Timer::Silence),
            (connected.and_then(|peer| peer.restart_at), Timer::Restart),
            (after(disconnected, timeouts.reconnecting), Timer::Reconnecting),
            (after(self.connected_at, duration), Timer::Duration),
        ];
        let set = candidates.into_iter().filter_map(|(at, timer)| Some((at?, timer)));
        set.min_by_key(|&(at, _)| at)
    }

    /// Acts on every timer whose time has come. Each one, when it acts, is set no more or set anew for later.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((at, timer)) = self.deadline()
            && at <= now
        {
            match timer {
                Timer::Retry => self.connect_signaling(),
                Timer::Signaling => self.signaling_given_up(now),
                Timer::Wait => self.nobody_came(now),
                Timer::Gathering => self.release(),
                Timer::Negotiating => self.give_up(now),
                Timer::LateConnect => self.wait_for_another(now),
                Timer::Silence => self.gone(now),
                Timer::Restart => self.restart_ice(now),
                Timer::Reconnecting => self.lost(now),
                Timer::Duration => self.finish(now, EndReason::DurationReached),
                Timer::Closing => self.conclude(),
            }
        }
    }
}

/// A time that never comes counts as none.
fn after(since: Option<Instant>, wait: Duration) -> Option<Instant> {
    since?.checked_add(wait)
}
