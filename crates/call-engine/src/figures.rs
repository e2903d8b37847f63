//! What is known of a running or ended call, as plain data: the source of the window, the terminal and the report.
//! A field is `None` when it was not measured, never zero.

use std::time::{Duration, Instant};

use call_core::{EndReason, Phase};
use media_capture::{AudioSource, VideoSource};
use media_core::{Bitrate, ConnectionQuality, Size};
use media_render::AudioSink;

/// When each step of the call was reached, since [`crate::CallConfig::started`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Milestones {
    /// The signaling server accepted us.
    pub signaling_joined: Option<Duration>,
    /// Our offer was sent, or the peer's arrived.
    pub offer: Option<Duration>,
    /// ICE found a path.
    pub ice_connected: Option<Duration>,
    /// The DTLS handshake was done: media may flow.
    pub dtls_connected: Option<Duration>,
    /// The first data channel opened.
    pub data_channel_open: Option<Duration>,
    /// The first sound of the peer was handed to the speaker.
    pub first_audio_played: Option<Duration>,
    /// The first picture of the peer was decoded.
    pub first_video_decoded: Option<Duration>,
    /// The call was over.
    pub ended: Option<Duration>,
}

/// The nominated ICE candidate pair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// `host`, `srflx`, `prflx` or `relay` (RFC 8445 §4).
    pub local_type: Option<String>,
    /// As above, of the peer.
    pub remote_type: Option<String>,
    /// `udp` or `tcp`.
    pub protocol: Option<String>,
    /// Between us and our TURN server, when the path is relayed.
    pub relay_protocol: Option<String>,
    /// Latest round trip of the connectivity checks.
    pub rtt: Option<Duration>,
}

impl Path {
    /// What our end is, in words for the person: `host`, `relay (tls)`, `host (tcp)`; UDP is not named.
    #[must_use]
    pub fn in_words(&self) -> Option<String> {
        let kind = self.local_type.as_deref()?;
        let over = self.relay_protocol.as_ref().or(self.protocol.as_ref()).filter(|over| *over != "udp");
        Some(over.map_or(kind.to_owned(), |over| format!("{kind} ({over})")))
    }
}

/// Sound that we sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AudioSent {
    /// `opus`.
    pub codec: Option<String>,
    /// RTP packets.
    pub packets: Option<u64>,
    /// RTP payload bytes.
    pub bytes: Option<u64>,
}

/// Sound that we received.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AudioReceived {
    /// `opus`.
    pub codec: Option<String>,
    /// RTP packets that arrived.
    pub packets: Option<u64>,
    /// RTP packets that never came.
    pub lost: Option<u64>,
    /// RTP payload bytes that arrived.
    pub bytes: Option<u64>,
    /// Samples of the peer's sound that were played, at 48 kHz.
    pub samples: Option<u64>,
    /// Those among them that were made up because no packet was there in time.
    pub concealed_samples: Option<u64>,
    /// Share of the played samples that were made up, 0 to 1.
    pub concealed_ratio: Option<f64>,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub jitter: Option<Duration>,
    /// Target delay of the playout buffer.
    pub playout_delay: Option<Duration>,
}

/// Pictures that we sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VideoSent {
    /// `h264`.
    pub codec: Option<String>,
    /// Frames handed to the network.
    pub frames: Option<u64>,
    /// Bytes of those frames.
    pub bytes: Option<u64>,
    /// Size of the pictures.
    pub size: Option<Size>,
    /// Frames in the last second.
    pub fps: Option<f64>,
    /// Mean over the time in which we sent.
    pub bitrate: Option<Bitrate>,
    /// What the encoder was last asked for.
    pub target_bitrate: Option<Bitrate>,
    /// Keyframes among `frames`.
    pub keyframes: Option<u64>,
    /// Sum of the quantisers (0 to 51) that the first slices of `frames` have (W3C webrtc-stats, qpSum).
    pub quantizers: Option<u64>,
    /// NACK messages from the peer.
    pub nacks: Option<u64>,
    /// Keyframe requests (PLI or FIR) from the peer.
    pub plis: Option<u64>,
}

/// Pictures that we received.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VideoReceived {
    /// `h264`.
    pub codec: Option<String>,
    /// RTP packets that arrived.
    pub packets: Option<u64>,
    /// RTP packets that never came.
    pub lost: Option<u64>,
    /// RTP payload bytes that arrived.
    pub bytes: Option<u64>,
    /// Pictures decoded.
    pub frames_decoded: Option<u64>,
    /// Frames given up: incomplete, undecodable or overtaken.
    pub frames_dropped: Option<u64>,
    /// Freezes (W3C webrtc-stats, freezeCount).
    pub freezes: Option<u64>,
    /// Their time in all.
    pub freeze_time: Option<Duration>,
    /// Size of the last picture.
    pub size: Option<Size>,
    /// Pictures in the last second.
    pub fps: Option<f64>,
    /// Packets that we asked for again.
    pub nacks: Option<u64>,
    /// Keyframes that we asked for.
    pub plis: Option<u64>,
}

/// Text over the data channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DataFigures {
    /// Chat messages sent.
    pub messages_sent: u64,
    /// Chat messages received.
    pub messages_received: u64,
}

/// All figures of one call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// When each step was reached.
    pub milestones: Milestones,
    /// How the two are connected.
    pub path: Path,
    /// How the media are protected, such as `DTLS 1.2, SRTP_AEAD_AES_128_GCM`.
    pub encryption: Option<String>,
    /// Our sound.
    pub audio_sent: AudioSent,
    /// The peer's sound.
    pub audio_received: AudioReceived,
    /// Our pictures.
    pub video_sent: VideoSent,
    /// The peer's pictures.
    pub video_received: VideoReceived,
    /// Chat.
    pub data: DataFigures,
}

/// Where sound and pictures come from and go: as it was chosen, and what that turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaInUse {
    /// The chosen source of pictures.
    pub video_in: VideoSource,
    /// The chosen source of sound.
    pub audio_in: AudioSource,
    /// The chosen destination of sound.
    pub audio_out: AudioSink,
    /// The name of what gives the pictures; `None` while nothing does.
    pub camera: Option<String>,
    /// The name of what gives the sound; `None` while nothing does.
    pub microphone: Option<String>,
    /// The name of what plays the sound; `None` while nothing does.
    pub speaker: Option<String>,
}

impl Default for MediaInUse {
    fn default() -> Self {
        Self {
            video_in: VideoSource::Auto,
            audio_in: AudioSource::Auto,
            audio_out: AudioSink::Auto,
            camera: None,
            microphone: None,
            speaker: None,
        }
    }
}

impl MediaInUse {
    /// The call is over: what an embedding program made and took for it is the program's alone again, whoever still has the last
    /// snapshot.
    pub(crate) fn let_go(&mut self) {
        if matches!(self.video_in, VideoSource::Program(_)) {
            self.video_in = VideoSource::None;
        }
        if matches!(self.audio_in, AudioSource::Program(_)) {
            self.audio_in = AudioSource::None;
        }
        if matches!(self.audio_out, AudioSink::Program(_)) {
            self.audio_out = AudioSink::None;
        }
    }
}

/// What the peer said of its own side; `None` where it did not, as foreign peers do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerState {
    /// False while the peer is muted.
    pub microphone_on: Option<bool>,
    /// False while the peer's camera is off.
    pub camera_on: Option<bool>,
}

/// The state of a call at one moment; the window and the terminal draw from it and from nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Where the call stands.
    pub phase: Phase,
    /// Whether we make the first offer, as the signaling server has it; `None` until the room is joined.
    pub offers: Option<bool>,
    /// False while the microphone is muted.
    pub microphone_on: bool,
    /// False while the camera is off (black pictures are sent).
    pub camera_on: bool,
    /// Devices and files.
    pub media: MediaInUse,
    /// The peer's side.
    pub peer: PeerState,
    /// How good the connection is; `None` while there is none.
    pub quality: Option<ConnectionQuality>,
    /// What was measured so far.
    pub figures: Figures,
    /// When `figures` were read, so that a rate can be taken between two snapshots.
    pub measured_at: Instant,
    /// Why the call is over, once it is.
    pub end: Option<EndReason>,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self {
            phase: Phase::Joining,
            offers: None,
            microphone_on: true,
            camera_on: true,
            media: MediaInUse::default(),
            peer: PeerState::default(),
            quality: None,
            figures: Figures::default(),
            measured_at: Instant::now(),
            end: None,
        }
    }
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Why.
    pub end: EndReason,
    /// Whether the two were ever connected.
    pub connected: bool,
    /// The last figures.
    pub figures: Figures,
}
