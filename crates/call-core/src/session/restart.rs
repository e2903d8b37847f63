//! The session's rules for a path that broke, and for a peer that comes again: the same connection goes on by an ICE restart,
//! another one, told by its certificate, takes the place of a call that is over.

use super::introduction::Introduction;
use super::peer::Peer;
use super::signaling::Link;
use super::{Output, PeerAction, Session};
use crate::{Description, DescriptionKind, NegotiatorInput};
use std::time::{Duration, Instant};

/// The polite side lets the other one restart first: two restarts at once cost a rollback.
const AFTER_YOU: Duration = Duration::from_millis(1_500);

impl Session {
    /// The path broke: plans an ICE restart, and a return to the server that it needs.
    pub(super) fn plan_restart(&mut self, now: Instant) {
        let Some(peer) = self.peer.as_mut().filter(|peer| peer.restart_at.is_none()) else {
            return;
        };
        let first = if peer.is_polite() { AFTER_YOU } else { Duration::ZERO };
        peer.restart_at = now.checked_add(first);
        if matches!(self.link, Link::Retrying { .. }) {
            // What kept us from the server may be over with the path; it is asked once more, not more often.
            self.backoff.reset();
            self.link = Link::Retrying { at: now };
        }
    }

    /// Restarts ICE through the server, if we are in its room, and plans the next time.
    pub(super) fn restart_ice(&mut self, now: Instant) {
        let wait = self.config.timeouts.restart;
        let possible = self.capabilities.renegotiation && self.link.is_joined();
        let Some(peer) = &mut self.peer else {
            return;
        };
        peer.restart_at = now.checked_add(wait);
        if possible {
            peer.introduction = Introduction::default();
            self.act(PeerAction::RestartIce);
            self.negotiate(now, NegotiatorInput::NegotiationNeeded);
        }
    }

    /// We are in the room again, with a connection from before.
    pub(super) fn rejoined(&mut self, now: Instant) {
        self.outputs.push_back(Output::Inform("the signaling server is back".to_owned()));
        if self.peer.as_ref().is_some_and(Peer::is_disconnected) {
            self.restart_ice(now);
        }
    }

    /// Makes place for a description from the room. False when it is not for us: that of a stranger, while the call is on.
    pub(super) fn place(&mut self, now: Instant, description: &Description) -> bool {
        let Some(peer) = &mut self.peer else {
            return true;
        };
        match (peer.is_same(description), description.kind) {
            (Some(true), _) => {
                if peer.is_restart(description) {
                    // Our candidates of the new generation must not overtake our answer.
                    peer.introduction = Introduction::default();
                }
                peer.returned();
                true
            }
            (Some(false), _) if peer.is_well(now) => {
                self.warn("somebody else in the room wants a call: skipped, as this one is on");
                false
            }
            (Some(false), DescriptionKind::Answer) => {
                // Our offer reached another connection than the one it was made for.
                self.replace_peer(now);
                self.negotiate(now, NegotiatorInput::NegotiationNeeded);
                false
            }
            (Some(false), DescriptionKind::Offer) => {
                self.replace_peer(now);
                true
            }
            (None, DescriptionKind::Offer) => {
                self.replace_left_peer(now);
                true
            }
            _ => true,
        }
    }
}
