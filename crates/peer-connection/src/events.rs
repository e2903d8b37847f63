//! What a connection reports: notices for the engine, and inside this crate what webrtc-rs's driver calls back with.
//! The driver is never kept waiting: its call-backs only put something into a queue.

use crate::stats::Path;
use crate::{DataChannel, PacketQueue, SideState};
use call_core::PeerEvent;
use media_core::Bitrate;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tracing::warn;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{
    PeerConnectionEventHandler, RTCIceConnectionState, RTCIceGatheringState, RTCPeerConnectionIceEvent,
    RTCPeerConnectionState,
};

/// Notices that wait for the engine; when full the connection's reports wait, its network does not.
pub(crate) const NOTICE_CAPACITY: usize = 64;

/// Call-backs of the driver that wait: states, and candidates of every interface and server. Far more than occur.
pub(crate) const HAPPENING_CAPACITY: usize = 512;

/// One of the two media of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

/// What a peer connection reports.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PeerNotice {
    /// Something that the call's session decides about.
    Session(PeerEvent),
    /// A line that the peer wrote.
    Chat(String),
    /// What the peer says of its microphone and camera. Foreign peers say nothing.
    State(SideState),
    /// The peer cannot decode our pictures and wants one that stands for itself.
    KeyframeRequested,
    /// The packets take this path now.
    Path(Path),
    /// The peer's first packet of this kind came.
    RemoteTrack {
        /// Sound or pictures.
        kind: MediaKind,
        /// The codec's name in lower case, where it is known.
        codec: Option<String>,
    },
    /// Something to tell the person; the connection goes on.
    Problem(String),
}

/// What comes out of a connection; one of each, whereas [`Peer`](crate::Peer) handles are many.
#[derive(Debug)]
pub struct PeerEvents {
    /// What happens, in order. Ends when the connection is closed and every handle is gone.
    pub notices: mpsc::Receiver<PeerNotice>,
    /// The rate that the network is estimated to take, sound and pictures together.
    pub target: watch::Receiver<Bitrate>,
    /// The data channels that the configuration named, each when it opens.
    pub channels: mpsc::Receiver<DataChannel>,
    pub(crate) streams: PeerStreams,
}

impl PeerEvents {
    /// The peer's sound and pictures as packets; clones share the queues.
    #[must_use]
    pub fn streams(&self) -> PeerStreams {
        self.streams.clone()
    }
}

/// The peer's packets. Duplicates are passed on: the buffers behind drop and count them.
#[derive(Clone, Debug, Default)]
pub struct PeerStreams {
    /// Opus packets.
    pub audio: PacketQueue,
    /// H.264 packets.
    pub video: PacketQueue,
}

impl PeerStreams {
    pub(crate) fn of(&self, kind: MediaKind) -> &PacketQueue {
        match kind {
            MediaKind::Audio => &self.audio,
            MediaKind::Video => &self.video,
        }
    }

    pub(crate) fn close(&self) {
        self.audio.close();
        self.video.close();
    }
}

/// What the driver of webrtc-rs calls back with.
pub(crate) enum Happening {
    Ice(RTCIceConnectionState),
    Connection(RTCPeerConnectionState),
    /// A `candidate:` line of ours.
    Candidate(String),
    Track(Arc<dyn TrackRemote>),
    Channel(Arc<dyn webrtc::data_channel::DataChannel>),
    KeyframeRequested,
    /// No candidates of ours will follow.
    Gathered,
}

/// Where the driver reports to. It holds nothing of the connection: that would keep the connection alive for ever.
#[derive(Clone)]
pub(crate) struct Reporter(pub(crate) mpsc::Sender<Happening>);

impl Reporter {
    pub(crate) fn report(&self, happening: Happening) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.0.try_send(happening) {
            warn!("a report of the peer connection was lost: nobody reads them");
        }
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Reporter {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        match event.candidate.to_json() {
            Ok(candidate) => self.report(Happening::Candidate(candidate.candidate)),
            Err(error) => warn!("a candidate of ours cannot be written down: {error}"),
        }
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.report(Happening::Gathered);
        }
    }

    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        self.report(Happening::Ice(state));
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.report(Happening::Connection(state));
    }

    async fn on_data_channel(&self, channel: Arc<dyn webrtc::data_channel::DataChannel>) {
        self.report(Happening::Channel(channel));
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        self.report(Happening::Track(track));
    }
}
