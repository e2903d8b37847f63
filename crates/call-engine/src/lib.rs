//! A whole call for programs: say whom to call and with which media, then watch it happen.
//! Signaling, negotiation, codecs, devices and timing are inside; only plain data crosses this interface.
//!
//! A call that sends a test card and a tone, prints what happens and hangs up after ten seconds:
//!
//! ```no_run
#![doc = include_str!("../examples/call.rs")]
//! ```

mod actor;
mod audio_receive;
mod audio_send;
mod awaited_media;
mod call;
mod camera;
mod changeable;
mod config;
mod device_watch;
mod ending;
mod figures;
mod happening;
mod levels;
mod media;
mod microphone;
mod milestone;
mod peer_driver;
mod pending_changes;
mod playing;
mod preview;
mod record;
mod speaker;
mod standing;
mod stats;
mod switch;
mod ticking;
mod video_receive;
mod video_send;
mod voice;

pub use call::{Call, Command, Event, PlaceError};
pub use call_core::{EndReason, IceServer, Phase, RoomId, RoomIdError, Secret};
pub use config::{CallConfig, Repaint};
pub use figures::{
    AudioReceived, AudioSent, DataFigures, Figures, MediaInUse, Milestones, Outcome, Path, PeerState, Snapshot,
    VideoReceived, VideoSent,
};
pub use levels::{Level, Levels};
pub use media::Pictures;
pub use media_capture::{AudioSource, PictureMaker, SoundMaker, VideoFormat, VideoSource};
pub use media_codec::convert::i420_to_rgba as to_rgba;
pub use media_codec::{half, halve};
pub use media_core::{Bitrate, ConnectionQuality, FrameRate, LatestSlot, Picture, Size};
pub use media_render::{AudioSink, PictureTaker, SoundTaker, VideoSink};
pub use peer_connection::{DataChannel, DataMessage, Network, NetworkSocket, PeerError};
pub use playing::Playing;
pub use preview::Preview;
pub use signaling_client::{
    ClientCertificate, Desk, HeaderError, Headers, Line, LineError, MAX_LINE, Pasted, PinError, ProbeReport, ProbeStep,
    Protocol, Proxies, Proxy, ProxyUrlError, ProxyVariableError, ServerUrl, Shown, SignalingConfig, Spoken, TlsOptions,
    UrlError, parse_pin_sha256, parse_probe_url, parse_proxy, parse_server_url, probe,
};

/// Cameras, microphones and speakers of this machine.
pub mod devices {
    pub use crate::device_watch::{DeviceList, check, watch};
    pub use media_capture::devices::{
        AudioDeviceInfo, CameraFormat, CameraInfo, PixelFormat, list_cameras, list_microphones,
    };
    pub use media_render::devices::list_speakers;
}
