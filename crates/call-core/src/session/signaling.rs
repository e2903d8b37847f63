//! The session's rules for signaling: getting into the room, staying there while it is needed, and doing without it once it is not.
//! A call that is on goes on without its server, and joins the room again once it can: a broken path may need it.

use super::{Peer, PeerAction, Reject, Session, SignalCommand, SignalingEvent};
use crate::end::foreign_words;
use crate::ice_servers;
use crate::{Description, DescriptionKind, EndReason, IceServer, NegotiatorInput, PeerCapabilities, Role};
use std::time::{Duration, Instant};

/// A connection that lasted this long was a good one: the next attempt need not wait long.
const PROVEN: Duration = Duration::from_secs(10);

/// The connection to the signaling server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// Not wanted: before the start, after the end, or because the call goes on without it.
    Off,
    /// Connecting or joining.
    Connecting,
    /// In the room.
    Joined { since: Instant },
    /// Waiting for the next attempt.
    Retrying { at: Instant },
}

impl Link {
    pub(super) fn is_joined(&self) -> bool {
        matches!(self, Self::Joined { .. })
    }

    /// Whether the shell has a connection, or is making one.
    fn is_used(&self) -> bool {
        matches!(self, Self::Connecting | Self::Joined { .. })
    }
}

/// A time in which we are not in the room but need to be.
#[derive(Debug)]
pub(super) struct Outage {
    pub(super) since: Instant,
    /// What the call ends with when the outage lasts too long.
    pub(super) failure: EndReason,
}

impl Outage {
    /// The time before we first joined.
    pub(super) fn first(now: Instant) -> Self {
        let reason = "it did not answer".to_owned();
        Self { since: now, failure: EndReason::SignalingUnreachable { reason } }
    }
}

/// Spreads the attempts of many clients; SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
/// generators", 2014) is more than enough for that.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Uniform in `[0, 1)`.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bits = (z ^ (z >> 31)) >> 32;
        bits as f64 / f64::from(u32::MAX).next_up()
    }
}

impl Session {
    pub(super) fn signaling_event(&mut self, now: Instant, event: SignalingEvent) {
        match event {
            SignalingEvent::Joined { role, capabilities, ice_servers } => {
                self.joined(now, role, capabilities, ice_servers);
            }
            SignalingEvent::IceServers(fresh) if self.link.is_joined() => {
                self.use_ice_servers(ice_servers::renewed(&self.config.ice_servers, &self.ice_servers, &fresh));
            }
            SignalingEvent::IceServers(_) => {}
            SignalingEvent::OfferWanted => self.offer_wanted(now),
            SignalingEvent::Description(description) => self.remote_description(now, description),
            SignalingEvent::Candidate(candidate) => {
                if !self.keep_candidate(&candidate) {
                    self.negotiate(now, NegotiatorInput::RemoteCandidate(candidate));
                }
            }
            SignalingEvent::PeerLeft => self.peer_left(now),
            SignalingEvent::Rejected(Reject::RoomFull) => {
                // When we were in the room before, the second peer may be our own ghost. Some servers let us in first, and the
                // one who is there turns us away: that visit does not count.
                let retry = self.visits > u32::from(self.link.is_joined());
                self.link_lost(now, EndReason::RoomFull, retry);
            }
            SignalingEvent::Rejected(Reject::Refused(reason)) => {
                let reason = foreign_words(&reason);
                self.link_lost(now, EndReason::SignalingRefused { reason }, false);
            }
            SignalingEvent::Unreachable { reason, retry } => {
                let reason = foreign_words(&reason);
                self.link_lost(now, EndReason::SignalingUnreachable { reason }, retry);
            }
            SignalingEvent::Lost { reason } => {
                let reason = format!("the connection broke: {}", foreign_words(&reason));
                self.link_lost(now, EndReason::SignalingUnreachable { reason }, true);
            }
        }
    }

    /// Makes a connection to the server.
    pub(super) fn connect_signaling(&mut self) {
        self.link = Link::Connecting;
        self.signal(SignalCommand::Connect);
    }

    /// Leaves the room for good, if we are in it or on the way.
    pub(super) fn leave_signaling(&mut self) {
        if self.link.is_used() {
            self.signal(SignalCommand::Leave);
        }
        self.link = Link::Off;
    }

    /// Joins the room anew to wait for another peer.
    pub(super) fn rejoin(&mut self, now: Instant) {
        if self.link.is_used() {
            self.signal(SignalCommand::Leave);
        }
        self.retry(now, EndReason::SignalingLost);
    }

    /// Plans the next attempt to join; `failure` is what the call ends with when none succeeds for too long.
    fn retry(&mut self, now: Instant, failure: EndReason) {
        if let Link::Joined { since } = self.link
            && now.saturating_duration_since(since) >= PROVEN
        {
            self.backoff.reset();
        }
        let since = self.outage.as_ref().map_or(now, |outage| outage.since);
        self.outage = Some(Outage { since, failure });
        let wait = self.backoff.next(self.random.next());
        self.link = Link::Retrying { at: now + wait };
    }

    fn joined(&mut self, now: Instant, role: Role, capabilities: PeerCapabilities, ice_servers: Vec<IceServer>) {
        if self.link != Link::Connecting {
            return self.warn("the signaling server let us into the room again: skipped");
        }
        self.link = Link::Joined { since: now };
        self.outage = None;
        if self.wait_until.is_none() {
            self.wait_until = self.config.wait.and_then(|wait| now.checked_add(wait));
        }
        self.role = Some(role);
        self.visits = self.visits.saturating_add(1);
        self.capabilities = capabilities;
        self.use_ice_servers(ice_servers::merged(&self.config.ice_servers, ice_servers));
        if self.peer.is_some() {
            // The call went on meanwhile. What it lost with the server may be a path.
            return self.rejoined(now);
        }
        self.open_peer(role.polite);
        if role.offers_first {
            self.negotiate(now, NegotiatorInput::NegotiationNeeded);
        }
    }

    /// Uses these for connections to come, and for the next ICE restart of the one that is there. A server that hands out
    /// credentials at the join only is not asked again when they expire: leaving the room to join anew would end the call
    /// of a peer that takes our `bye` for the end. Relays in use go on, and the next outage of the server brings fresh ones.
    fn use_ice_servers(&mut self, ice_servers: Vec<IceServer>) {
        if self.ice_servers == ice_servers {
            return;
        }
        self.ice_servers.clone_from(&ice_servers);
        if self.peer.is_some() {
            self.act(PeerAction::SetIceServers { ice_servers });
        }
    }

    /// Whether the call cannot go on without the server: no two descriptions are exchanged.
    pub(super) fn needs_signaling(&self) -> bool {
        self.peer.as_ref().is_none_or(|peer| !peer.is_exchanged())
    }

    /// The attempts to get into the room have lasted too long.
    pub(super) fn signaling_given_up(&mut self, now: Instant) {
        let failure = self.outage.take().map_or(EndReason::SignalingLost, |outage| outage.failure);
        if !self.needs_signaling() {
            // An attempt may be on its way.
            self.leave_signaling();
            return self.warn(format!("{failure}; the call goes on without it"));
        }
        let lost = self.connected_at.is_some();
        self.finish(now, if lost { EndReason::PeerLost } else { failure });
    }

    /// The wait for a peer is over.
    pub(super) fn nobody_came(&mut self, now: Instant) {
        let returned = self.connected_at.is_some();
        self.finish(now, if returned { EndReason::PeerLost } else { EndReason::NoPeerCame });
    }

    /// Somebody came after us and waits for our offer.
    fn offer_wanted(&mut self, now: Instant) {
        let is_on = |peer: &Peer| peer.is_connected() && !peer.is_disconnected() && !peer.has_left();
        // That may be the peer of the call that is on, which joined again.
        if self.link.is_joined() && !self.peer.as_ref().is_some_and(is_on) {
            self.replace_left_peer(now);
            if !self.rings(None) {
                self.negotiate(now, NegotiatorInput::NegotiationNeeded);
            }
        }
    }

    fn remote_description(&mut self, now: Instant, description: Description) {
        if self.link.is_joined() && !self.place(now, &description) {
            return;
        }
        if self.is_declined(&description) {
            return self.finish(now, EndReason::PeerDeclined);
        }
        let is_offer = description.kind == DescriptionKind::Offer;
        if !(is_offer && self.link.is_joined() && self.rings(Some(&description))) {
            self.negotiate(now, NegotiatorInput::Remote(description));
        }
    }

    /// The connection to the server ended, or none came about. `retry` is whether another attempt makes sense.
    fn link_lost(&mut self, now: Instant, failure: EndReason, retry: bool) {
        if !self.link.is_used() {
            return;
        }
        if self.capabilities.by_hand && !self.needs_signaling() {
            // What was to be carried has been.
            self.link = Link::Off;
        } else if !self.needs_signaling() {
            // A server that reports the peer's leaving may close our connection with it: no news. Nor is the next failure.
            let is_news = self.outage.is_none() && !self.peer.as_ref().is_some_and(Peer::has_left);
            if is_news {
                self.warn(format!("{failure}; the call goes on without it"));
            }
            match retry {
                true => self.retry(now, failure),
                false => self.link = Link::Off,
            }
        } else if retry {
            self.warn(format!("{failure}; trying again"));
            self.drop_peer();
            // Once we were in the room, how the last attempt failed matters less than that we are out of it.
            let lost = self.role.is_some() && failure != EndReason::RoomFull;
            self.retry(now, if lost { EndReason::SignalingLost } else { failure });
        } else {
            self.link = Link::Off;
            self.finish(now, failure);
        }
    }
}
