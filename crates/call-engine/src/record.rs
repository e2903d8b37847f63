//! What is known of a call by now: the only writer of its snapshot, told by the actor what happens.
//! It decides nothing about the call, and keeps what a snapshot is made of between two refreshes.

use std::time::Instant;

use call_core::{EndReason, Input, Phase, SignalingEvent};
use media_capture::{AudioSource, VideoSource};
use media_core::ConnectionJudge;
use peer_connection::{PeerStats, SideState};
use tokio::sync::watch;

use crate::figures::{MediaInUse, Outcome, PeerState, Snapshot};
use crate::media::Media;
use crate::milestone::Milestone;
use crate::standing::Standing;
use crate::stats;

/// The snapshot, and what its figures come from.
pub(crate) struct Record {
    snapshot: watch::Sender<Snapshot>,
    /// Zero of the milestones.
    started: Instant,
    /// Of the connection of the moment, or the last one.
    stats: PeerStats,
    judge: ConnectionJudge,
}

impl Record {
    pub(crate) fn new(snapshot: watch::Sender<Snapshot>, started: Instant) -> Self {
        Self { snapshot, started, stats: PeerStats::default(), judge: ConnectionJudge::new() }
    }

    /// The session is about to hear this.
    pub(crate) fn heard(&self, input: &Input) {
        if let Input::Signaling(SignalingEvent::Joined { role, .. }) = input {
            self.snapshot.send_modify(|snapshot| snapshot.offers = Some(role.offers_first));
        }
        if let Some(milestone) = Milestone::of_input(input) {
            self.reached(milestone);
        }
    }

    pub(crate) fn reached(&self, milestone: Milestone) {
        let after = self.started.elapsed();
        self.snapshot.send_modify(|snapshot| snapshot.figures.milestones.reach(milestone, after));
    }

    pub(crate) fn phase(&self, phase: Phase) {
        self.snapshot.send_modify(|snapshot| snapshot.phase = phase);
    }

    pub(crate) fn set_microphone_on(&self, on: bool) {
        self.snapshot.send_modify(|snapshot| snapshot.microphone_on = on);
    }

    pub(crate) fn set_camera_on(&self, on: bool) {
        self.snapshot.send_modify(|snapshot| snapshot.camera_on = on);
    }

    /// Whether microphone and camera are on.
    pub(crate) fn switches(&self) -> (bool, bool) {
        let snapshot = self.snapshot.borrow();
        (snapshot.microphone_on, snapshot.camera_on)
    }

    /// How our side stands, for the peer.
    pub(crate) fn our_state(&self) -> SideState {
        let snapshot = self.snapshot.borrow();
        SideState {
            microphone: Some(snapshot.microphone_on && snapshot.media.audio_in != AudioSource::None),
            camera: Some(snapshot.camera_on && snapshot.media.video_in != VideoSource::None),
        }
    }

    pub(crate) fn peer_state(&self, state: SideState) {
        let peer = PeerState { microphone_on: state.microphone, camera_on: state.camera };
        self.snapshot.send_modify(|snapshot| snapshot.peer = peer);
    }

    pub(crate) fn message_sent(&self) {
        self.snapshot.send_modify(|snapshot| snapshot.figures.data.messages_sent += 1);
    }

    pub(crate) fn message_received(&self) {
        self.snapshot.send_modify(|snapshot| snapshot.figures.data.messages_received += 1);
    }

    /// These devices and files are in use now.
    pub(crate) fn media_in_use(&self, in_use: MediaInUse) {
        self.snapshot.send_if_modified(|snapshot| {
            let changed = snapshot.media != in_use;
            snapshot.media = in_use;
            changed
        });
    }

    /// A connection is opened: it is judged by itself.
    pub(crate) fn connection_opens(&mut self) {
        self.judge = ConnectionJudge::new();
    }

    /// These are the figures of the connection.
    pub(crate) fn measured(&mut self, stats: PeerStats) {
        self.stats = stats;
    }

    /// Nothing is known of the peer's side without a connection.
    pub(crate) fn connection_closed(&self) {
        self.snapshot.send_modify(|snapshot| (snapshot.peer, snapshot.quality) = (PeerState::default(), None));
    }

    /// Gathers the figures of all parts.
    pub(crate) fn refresh(&mut self, now: Instant, standing: &Standing, media: Option<&Media>) {
        let Self { snapshot, started, stats, judge } = self;
        let media = media.filter(|_| standing.is_measured());
        snapshot.send_modify(|snapshot| {
            snapshot.measured_at = now;
            let figures = &mut snapshot.figures;
            figures.path = stats::path(stats);
            figures.encryption.clone_from(&stats.encryption);
            figures.audio_sent = stats::audio_sent(stats);
            if let Some(media) = media {
                stats::media(figures, media, stats, *started, now);
            }
            // While the path is broken, the phase says more than a mark.
            snapshot.quality = (standing.is_connected() && snapshot.phase == Phase::Connected)
                .then(|| judge.judge(now, stats::connection(&snapshot.figures, snapshot.peer, stats)));
        });
    }

    /// The call is over.
    pub(crate) fn ended(&self, end: &EndReason) -> Outcome {
        self.snapshot.send_modify(|snapshot| {
            snapshot.end = Some(end.clone());
            snapshot.media.let_go();
        });
        let figures = self.snapshot.borrow().figures.clone();
        Outcome { end: end.clone(), connected: figures.milestones.dtls_connected.is_some(), figures }
    }
}

#[cfg(test)]
mod tests {
    use call_core::{PeerCapabilities, Role};

    use super::*;

    fn record() -> (Record, watch::Receiver<Snapshot>) {
        let (sender, snapshot) = watch::channel(Snapshot::default());
        (Record::new(sender, Instant::now()), snapshot)
    }

    #[test]
    fn the_peer_is_told_of_what_can_be_seen_and_heard_not_of_switches() {
        let (record, _snapshot) = record();
        let state = |microphone, camera| SideState { microphone: Some(microphone), camera: Some(camera) };
        assert_eq!(record.our_state(), state(true, true));
        record.set_microphone_on(false);
        assert_eq!(record.our_state(), state(false, true));
        record.media_in_use(MediaInUse { video_in: VideoSource::None, ..MediaInUse::default() });
        assert_eq!((record.our_state(), record.switches()), (state(false, false), (false, true)));
    }

    #[test]
    fn devices_that_are_still_in_use_are_no_news() {
        let (record, mut snapshot) = record();
        record.media_in_use(MediaInUse::default());
        assert!(!snapshot.has_changed().expect("the record is there"));
        record.media_in_use(MediaInUse { camera: Some("a camera".into()), ..MediaInUse::default() });
        assert_eq!(snapshot.borrow_and_update().media.camera.as_deref(), Some("a camera"));
    }

    #[test]
    fn quality_is_judged_only_while_connected_and_goes_with_the_connection() {
        let (mut record, snapshot) = record();
        let (now, mut standing) = (Instant::now(), Standing::default());
        standing.open();
        record.refresh(now, &standing, None);
        assert_eq!(snapshot.borrow().quality, None);
        standing.connect();
        record.phase(Phase::Connected);
        record.peer_state(SideState { camera: Some(false), ..SideState::default() });
        record.refresh(now, &standing, None);
        assert!(snapshot.borrow().quality.is_some());
        record.phase(Phase::Reconnecting);
        record.refresh(now, &standing, None);
        assert_eq!(snapshot.borrow().quality, None);
        record.connection_closed();
        assert_eq!(snapshot.borrow().peer, PeerState::default());
    }

    #[test]
    fn the_outcome_says_whether_the_two_were_ever_connected() {
        let (record, snapshot) = record();
        let role = Role { offers_first: true, polite: false };
        let (capabilities, ice_servers) = (PeerCapabilities::default(), Vec::new());
        record.heard(&Input::Signaling(SignalingEvent::Joined { role, capabilities, ice_servers }));
        assert_eq!(snapshot.borrow().offers, Some(true));
        assert!(!record.ended(&EndReason::HungUp).connected);
        record.reached(Milestone::DtlsConnected);
        assert!(record.ended(&EndReason::HungUp).connected);
        assert_eq!(snapshot.borrow().end, Some(EndReason::HungUp));
    }
}
