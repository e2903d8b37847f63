//! The session's rules for the connection to the peer, from its opening to its loss.
//! Before it is connected, a peer that leaves makes room for another; afterwards, its own packets say whether it is gone.

use super::introduction::Introduction;
use super::presence::Presence;
use super::{PeerAction, PeerEvent, Session};
use crate::end::foreign_words;
use crate::{
    Description, DescriptionKind, EndReason, Negotiator, NegotiatorInput as In, NegotiatorOutput as Out,
    PeerCapabilities,
};
use std::time::{Duration, Instant};

/// Warnings about one peer: the first ones tell what is wrong, a flood of them only hides the rest.
const WARNING_LIMIT: u32 = 5;

/// One generation of the connection to a peer.
#[derive(Debug)]
pub(super) struct Peer {
    polite: bool,
    negotiator: Negotiator,
    pub(super) introduction: Introduction,
    /// The fingerprint of the peer's certificate, from the descriptions that were applied.
    fingerprint: Option<String>,
    /// The ICE generation of the peer.
    ice_ufrag: Option<String>,
    hears_goodbye: bool,
    connected: bool,
    warnings: u32,
    /// When the first description of the peer was applied.
    pub(super) negotiating_since: Option<Instant>,
    pub(super) disconnected_since: Option<Instant>,
    /// When the next ICE restart is due.
    pub(super) restart_at: Option<Instant>,
    /// When signaling reported that the peer left.
    pub(super) left_at: Option<Instant>,
    pub(super) presence: Presence,
}

impl Peer {
    fn new(polite: bool, capabilities: PeerCapabilities) -> Self {
        Self {
            polite,
            negotiator: Negotiator::new(polite, capabilities),
            introduction: Introduction::default(),
            fingerprint: None,
            ice_ufrag: None,
            hears_goodbye: false,
            connected: false,
            warnings: 0,
            negotiating_since: None,
            disconnected_since: None,
            restart_at: None,
            left_at: None,
            presence: Presence::default(),
        }
    }

    pub(super) fn is_negotiating(&self) -> bool {
        self.negotiating_since.is_some() && !self.connected
    }

    pub(super) fn is_exchanged(&self) -> bool {
        self.negotiator.is_exchanged()
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connected
    }

    pub(super) fn is_disconnected(&self) -> bool {
        self.disconnected_since.is_some()
    }

    pub(super) fn is_polite(&self) -> bool {
        self.polite
    }

    /// Whether the description is of the connection that we have agreed with; `None` where that cannot be told.
    pub(super) fn is_same(&self, description: &Description) -> Option<bool> {
        let agreed = self.fingerprint.as_deref().filter(|_| self.is_exchanged())?;
        Some(agreed == description.fingerprint()?)
    }

    /// Whether the description begins another ICE generation.
    pub(super) fn is_restart(&self, description: &Description) -> bool {
        description.kind == DescriptionKind::Offer && self.ice_ufrag.as_deref() != description.ice_ufrag()
    }

    /// Whether the call is on beyond doubt.
    pub(super) fn is_well(&self, now: Instant) -> bool {
        self.connected && !self.is_disconnected() && self.presence.is_fresh(now)
    }

    /// What signaling says of the peer's leaving was only about signaling: here it is again.
    pub(super) fn returned(&mut self) {
        self.left_at = None;
        self.presence.returned();
    }

    /// Remembers whose description this is.
    fn note(&mut self, description: &Description) {
        if self.fingerprint.is_none() || !self.is_exchanged() {
            self.fingerprint = description.fingerprint().map(str::to_owned);
        }
        self.ice_ufrag = description.ice_ufrag().map(str::to_owned);
    }

    /// The path is there.
    fn mended(&mut self) {
        (self.disconnected_since, self.restart_at) = (None, None);
    }

    pub(super) fn hears_goodbye(&self) -> bool {
        self.hears_goodbye
    }

    pub(super) fn has_left(&self) -> bool {
        self.left_at.is_some()
    }
}

impl Session {
    pub(super) fn open_peer(&mut self, polite: bool) {
        self.peer = Some(Peer::new(polite, self.capabilities));
        let ice_servers = self.ice_servers.clone();
        let patience = self.patience();
        self.act(PeerAction::Open { ice_servers, patience });
    }

    /// How long the exchanged descriptions may lead to no connection. Whoever answers by hand waits for the person who carries
    /// the answer; whoever offered has it in the moment from which this is counted.
    pub(super) fn patience(&self) -> Duration {
        let timeouts = &self.config.timeouts;
        let carried = self.capabilities.by_hand && self.role.is_some_and(|role| !role.offers_first);
        if carried { timeouts.by_hand } else { timeouts.negotiating }
    }

    /// Closes the connection, if there is one.
    pub(super) fn drop_peer(&mut self) {
        self.ringing = None;
        if let Some(peer) = self.peer.take() {
            self.closing = !peer.presence.is_closed();
            self.act(PeerAction::Close);
        }
    }

    /// An offer came: one from a peer that left is a new run of it, or another peer, that knows nothing of our connection.
    pub(super) fn replace_left_peer(&mut self, now: Instant) {
        if self.peer.as_ref().is_some_and(Peer::has_left) {
            self.replace_peer(now);
        }
    }

    /// Opens another connection in the place of this one.
    pub(super) fn replace_peer(&mut self, now: Instant) {
        if let Some(role) = self.role {
            self.drop_peer();
            self.open_peer(role.polite);
            if let Some(peer) = &mut self.peer {
                peer.negotiating_since = Some(now);
            }
        }
    }

    pub(super) fn peer_event(&mut self, now: Instant, event: PeerEvent) {
        let Some(peer) = &mut self.peer else {
            return;
        };
        match event {
            PeerEvent::Opened(Ok(())) => self.negotiate(now, In::Opened),
            PeerEvent::Opened(Err(error)) => {
                let reason = format!("could not open a peer connection: {error}");
                self.finish(now, EndReason::Internal { reason });
            }
            PeerEvent::NegotiationNeeded => self.negotiation_needed(now),
            PeerEvent::OfferCreated(result) => self.negotiate(now, In::OfferCreated(result)),
            PeerEvent::AnswerCreated(result) => self.negotiate(now, In::AnswerCreated(result)),
            PeerEvent::LocalSet(result) => self.negotiate(now, In::LocalSet(result)),
            PeerEvent::RemoteSet(result) => self.negotiate(now, In::RemoteSet(result)),
            PeerEvent::RolledBack(result) => self.negotiate(now, In::RolledBack(result)),
            PeerEvent::LocalCandidate(candidate) => self.local_candidate(candidate),
            // The first time, DTLS is still to come.
            PeerEvent::IceConnected => peer.mended(),
            PeerEvent::Connected => self.connected(now),
            PeerEvent::Disconnected => self.disconnected(now),
            PeerEvent::Failed => self.failed(now),
            PeerEvent::DataOpen => peer.hears_goodbye = true,
            PeerEvent::Goodbye { reason } => {
                let reason = reason.map(|words| foreign_words(&words));
                let reason = reason.filter(|words| !words.is_empty());
                self.finish(now, EndReason::PeerHungUp { reason });
            }
            PeerEvent::DataClosed => {
                peer.hears_goodbye = false;
                peer.presence.closed_channel(now);
                self.judge(now);
            }
            PeerEvent::Activity => peer.presence.active(now),
            PeerEvent::Closed => self.peer_closed(now),
        }
    }

    /// The connection is closed: because we said so, or by the peer.
    pub(super) fn peer_closed(&mut self, now: Instant) {
        let Some(peer) = &mut self.peer else {
            self.closing = false;
            return self.conclude();
        };
        peer.hears_goodbye = false;
        peer.presence.closed_connection(now);
        if !peer.connected {
            self.failed(now);
        }
    }

    /// Signaling reports that the peer left.
    pub(super) fn peer_left(&mut self, now: Instant) {
        let Some(peer) = &mut self.peer else {
            return;
        };
        if peer.connected || peer.is_exchanged() {
            peer.left_at.get_or_insert(now);
            peer.presence.left_room(now);
            self.judge(now);
        } else {
            self.wait_for_another(now);
        }
    }

    /// The connection that never came up is of no use any more, as its peer left: makes room for the next.
    pub(super) fn wait_for_another(&mut self, now: Instant) {
        if self.connected_at.is_some() {
            return self.lost(now);
        }
        self.drop_peer();
        self.rejoin(now);
    }

    /// The peer of a call that was on is gone, without a word: ends the call, or waits in the room for its return.
    pub(super) fn lost(&mut self, now: Instant) {
        // Nobody is there to carry lines once more.
        if self.config.once || self.capabilities.by_hand {
            return self.finish(now, EndReason::PeerLost);
        }
        self.warn(format!("{}; waiting for its return", EndReason::PeerLost));
        self.drop_peer();
        self.wait_until = None;
        self.rejoin(now);
    }

    /// Ends a call whose peer is gone for certain.
    pub(super) fn gone(&mut self, now: Instant) {
        match self.peer.as_ref().map(|peer| peer.presence.verdict()) {
            None | Some(EndReason::PeerLost) => self.lost(now),
            Some(verdict) => self.finish(now, verdict),
        }
    }

    /// Ends a call whose connection did not come up.
    pub(super) fn give_up(&mut self, now: Instant) {
        match self.connected_at {
            Some(_) => self.lost(now),
            None => self.finish(now, EndReason::NoMediaPath),
        }
    }

    /// Lets the negotiator take `input` and carries out what follows.
    pub(super) fn negotiate(&mut self, now: Instant, input: In) {
        let Some(peer) = &mut self.peer else {
            return;
        };
        if let In::Remote(description) = &input {
            peer.note(description);
        }
        peer.negotiator.handle(input);
        if peer.negotiator.is_described() {
            peer.negotiating_since.get_or_insert(now);
        }
        while let Some(output) = self.peer.as_mut().and_then(|peer| peer.negotiator.poll()) {
            match output {
                Out::CreateOffer => self.act(PeerAction::CreateOffer),
                Out::CreateAnswer => self.act(PeerAction::CreateAnswer),
                Out::SetLocal(description) => self.act(PeerAction::SetLocal(description)),
                Out::SetRemote(description) => self.act(PeerAction::SetRemote(description)),
                Out::Rollback => {
                    self.withhold();
                    self.act(PeerAction::Rollback);
                }
                Out::AddCandidate(candidate) => self.act(PeerAction::AddCandidate(candidate)),
                Out::Send(description) => self.introduce(now, description),
                Out::Warn(text) => self.warn_of_peer(text),
                Out::Failed(text) => self.negotiation_failed(now, text),
            }
        }
    }

    fn negotiation_needed(&mut self, now: Instant) {
        // Before, the first offer covers it: ours is made on joining, the peer's is awaited.
        if self.peer.as_ref().is_none_or(|peer| !peer.connected) {
            return;
        }
        if !self.capabilities.renegotiation {
            self.warn("the peer takes no changes while the call is on");
        } else if self.link.is_joined() {
            self.negotiate(now, In::NegotiationNeeded);
        } else {
            self.warn("the call cannot be changed without the signaling server");
        }
    }

    fn negotiation_failed(&mut self, now: Instant, text: String) {
        self.warn_of_peer(text);
        // A call that is on goes on as it is.
        if self.peer.as_ref().is_some_and(|peer| !peer.connected) {
            self.give_up(now);
        }
    }

    fn warn_of_peer(&mut self, text: String) {
        let Some(peer) = &mut self.peer else {
            return;
        };
        peer.warnings = peer.warnings.saturating_add(1);
        match peer.warnings {
            ..WARNING_LIMIT => self.warn(text),
            WARNING_LIMIT => self.warn(format!("{text}; more of the like is not told")),
            _ => {}
        }
    }

    fn connected(&mut self, now: Instant) {
        let Some(peer) = &mut self.peer else {
            return;
        };
        peer.mended();
        if !peer.connected {
            peer.connected = true;
            self.connected_at.get_or_insert(now);
        }
    }

    fn disconnected(&mut self, now: Instant) {
        if let Some(peer) = &mut self.peer
            && peer.connected
        {
            peer.disconnected_since.get_or_insert(now);
            self.judge(now);
            self.plan_restart(now);
        }
    }

    fn failed(&mut self, now: Instant) {
        match &self.peer {
            Some(peer) if peer.connected => self.gone(now),
            Some(peer) if peer.has_left() => self.wait_for_another(now),
            _ => self.give_up(now),
        }
    }

    /// A broken path and a sign that the peer is gone are a certainty together.
    fn judge(&mut self, now: Instant) {
        let gone = |peer: &Peer| peer.is_disconnected() && peer.presence.is_doubted();
        if self.peer.as_ref().is_some_and(gone) {
            self.gone(now);
        }
    }
}
