//! Whether a connected peer is still there, judged by its packets and by the signs of its leaving.
//! A sign is only a doubt: packets that go on refute it; silence, or a second sign, makes it certain.

use crate::EndReason;
use std::time::{Duration, Instant};

/// Packets that come at least this often are a steady flow, whose end means something: media does, a chat does not.
const STEADY: Duration = Duration::from_secs(1);

/// Packets for this long after a doubt arose show that it was wrong.
const REFUTED: Duration = Duration::from_secs(3);

/// From the closing of the connection to the end: a goodbye that came before may still be on its way through the shell.
const GOODBYE_IN_FLIGHT: Duration = Duration::from_millis(200);

/// What is known about a peer's being there.
#[derive(Debug, Default)]
pub(super) struct Presence {
    /// When packets arrived: the latest report and the one before.
    activity: [Option<Instant>; 2],
    doubt: Option<Doubt>,
    /// Nothing more can come from the peer.
    closed: bool,
}

/// A sign that the peer is gone.
#[derive(Debug)]
struct Doubt {
    since: Instant,
    /// What the call ends with when the doubt is right.
    verdict: EndReason,
}

impl Presence {
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn is_doubted(&self) -> bool {
        self.doubt.is_some()
    }

    /// What the call ends with when the peer is gone.
    pub(super) fn verdict(&self) -> EndReason {
        let doubt = self.doubt.as_ref();
        doubt.map_or(EndReason::PeerLost, |doubt| doubt.verdict.clone())
    }

    /// Whether packets came just now, and nothing says that the peer is gone.
    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        let just = |last: Instant| now.saturating_duration_since(last) <= STEADY;
        !self.closed && self.doubt.is_none() && self.activity[0].is_some_and(just)
    }

    /// The peer is in the room again.
    pub(super) fn returned(&mut self) {
        if !self.closed {
            self.doubt = None;
        }
    }

    /// When the doubt, if there is one, becomes a certainty. `silence` is how long a steady flow may pause.
    pub(super) fn silent_at(&self, silence: Duration) -> Option<Instant> {
        let doubt = self.doubt.as_ref()?;
        if self.closed {
            return doubt.since.checked_add(GOODBYE_IN_FLIGHT);
        }
        // Of a peer that was quiet before, silence says nothing: ICE will tell.
        let [Some(last), Some(before)] = self.activity else {
            return None;
        };
        let gaps = [(before, last), (last, doubt.since)];
        let steady = gaps.iter().all(|(from, to)| to.saturating_duration_since(*from) <= STEADY);
        steady.then(|| last.max(doubt.since).checked_add(silence)).flatten()
    }

    /// Packets arrived.
    pub(super) fn active(&mut self, now: Instant) {
        self.activity = [Some(now), self.activity[0]];
        let refuted = |doubt: &Doubt| now.saturating_duration_since(doubt.since) >= REFUTED;
        if !self.closed && self.doubt.as_ref().is_some_and(refuted) {
            self.doubt = None;
        }
    }

    /// Signaling says that the peer left the room.
    pub(super) fn left_room(&mut self, now: Instant) {
        let verdict = EndReason::PeerLost;
        self.doubt.get_or_insert(Doubt { since: now, verdict });
    }

    /// The peer closed the data channel. That it closes in order says more than a word from the server.
    pub(super) fn closed_channel(&mut self, now: Instant) {
        let since = self.doubt.as_ref().map_or(now, |doubt| doubt.since);
        self.doubt = Some(Doubt { since, verdict: EndReason::PeerLeft });
    }

    /// The connection is closed.
    pub(super) fn closed_connection(&mut self, now: Instant) {
        self.closed = true;
        self.doubt = Some(Doubt { since: now, verdict: EndReason::PeerLeft });
    }
}
