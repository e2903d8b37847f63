//! What a call is to be: room, server, media, network and limits, as plain data with sane defaults.
//! Nothing here does anything; [`crate::Call::place`] does, and tells the session and each peer connection their part of it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use call_core::{IceServer, SessionConfig};
use media_capture::{AudioSource, VideoFormat, VideoSource};
use media_core::{Bitrate, FrameRate, Size};
use media_render::{AudioSink, VideoSink};
use peer_connection::{Network, PeerConfig};
use signaling_client::SignalingConfig;

/// Called from a media thread whenever a new local or remote picture lies in its slot.
pub type Repaint = Arc<dyn Fn() + Send + Sync>;

/// Everything that [`crate::Call::place`] needs to know.
#[derive(Clone)]
pub struct CallConfig {
    /// Server, room and credentials.
    pub signaling: SignalingConfig,
    /// Where our pictures come from.
    pub video_in: VideoSource,
    /// Where our sound comes from.
    pub audio_in: AudioSource,
    /// Where the peer's pictures go; [`VideoSink::Window`] leaves them in [`crate::Call::remote_pictures`].
    pub video_out: VideoSink,
    /// Where the peer's sound goes.
    pub audio_out: AudioSink,
    /// A camera, microphone or speaker that is named above and not there gives way to the default, with a notice, until it is;
    /// otherwise the call begins without.
    pub make_do: bool,
    /// Size and rate of the pictures that we send.
    pub video: VideoFormat,
    /// Upper bound of what we send, sound and picture together.
    pub max_bitrate: Bitrate,
    /// Target of the Opus encoder.
    pub audio_bitrate: Bitrate,
    /// STUN and TURN servers, in addition to what the signaling server hands out.
    pub ice_servers: Vec<IceServer>,
    /// Use TURN relays only, so that the peer never learns our address.
    pub relay_only: bool,
    /// Local addresses to use; empty means every interface.
    pub bind: Vec<IpAddr>,
    /// Labels of data channels of the program's own, at most eight: [`crate::Call::take_channels`].
    pub channels: Vec<String>,
    /// What carries the datagrams of the media and the data; `None`: the machine's own network.
    pub network: Option<Arc<dyn Network>>,
    /// Hang up that long after the call connected.
    pub duration: Option<Duration>,
    /// Give up when no peer came in that time; `None` waits on.
    pub wait: Option<Duration>,
    /// Ask ([`Phase::Ringing`](crate::Phase)) before a call that somebody else begins is answered; until
    /// [`Command::Accept`](crate::Command) nothing of ours goes out.
    pub ask: bool,
    /// End the call when the peer is lost, instead of waiting for its return.
    pub once: bool,
    /// Zero of [`crate::Milestones`]: when the program started.
    pub started: Instant,
    /// Told of each new picture, so that a window repaints only when there is something to show.
    pub repaint: Option<Repaint>,
}

impl CallConfig {
    /// A call with camera, microphone and speaker where there are any, 1280x720 at 30 frames a second, up to 4 Mbit/s.
    #[must_use]
    pub fn new(signaling: SignalingConfig) -> Self {
        Self {
            signaling,
            video_in: VideoSource::Auto,
            audio_in: AudioSource::Auto,
            video_out: VideoSink::None,
            audio_out: AudioSink::Auto,
            make_do: false,
            video: VideoFormat {
                size: Size::new(1280, 720).expect("even and in range"),
                frame_rate: FrameRate::new(30).expect("in range"),
            },
            max_bitrate: Bitrate::from_kbps(4_000),
            audio_bitrate: Bitrate::from_kbps(32),
            ice_servers: Vec::new(),
            relay_only: false,
            bind: Vec::new(),
            channels: Vec::new(),
            network: None,
            duration: None,
            wait: None,
            ask: false,
            once: false,
            started: Instant::now(),
            repaint: None,
        }
    }

    /// Leaves out what cannot flow: nothing is sent to a server that is watched, nothing comes from one that is published to.
    pub(crate) fn one_way(mut self) -> Self {
        let flow = self.signaling.server.protocol.flow();
        if !flow.sends() {
            (self.video_in, self.audio_in) = (VideoSource::None, AudioSource::None);
        }
        if !flow.receives() {
            self.audio_out = AudioSink::None;
            if self.video_out != VideoSink::Window {
                self.video_out = VideoSink::None;
            }
        }
        self
    }

    /// What the session is told of it; `seed` spreads its reconnects.
    pub(crate) fn session(&self, seed: u64) -> SessionConfig {
        SessionConfig {
            wait: self.wait,
            ask: self.ask,
            once: self.once,
            duration: self.duration,
            ice_servers: self.ice_servers.clone(),
            seed,
            ..SessionConfig::default()
        }
    }

    /// What a peer connection is told of it, without whom to trust at relays: that is read from files.
    pub(crate) fn peer(&self, ice_servers: Vec<IceServer>, patience: Duration) -> PeerConfig {
        let flow = self.signaling.server.protocol.flow();
        PeerConfig {
            ice_servers,
            patience,
            relay_only: self.relay_only,
            bind: self.bind.clone(),
            network: self.network.clone(),
            send_audio: self.audio_in != AudioSource::None,
            send_video: self.video_in != VideoSource::None,
            receive: flow.receives(),
            data: flow.has_data(),
            max_bitrate: self.max_bitrate,
            channels: self.channels.clone(),
            ..PeerConfig::default()
        }
    }

    /// Looks at the input files before anything is opened or joined.
    ///
    /// # Errors
    /// One line that names the file and what is wrong with it.
    pub(crate) fn check(&self) -> Result<(), String> {
        let sends = self.video_in != VideoSource::None || self.audio_in != AudioSource::None;
        if !sends && !self.signaling.server.protocol.flow().receives() {
            return Err("there is nothing to publish: name a source of pictures or sound".to_owned());
        }
        media_capture::video::check(&self.video_in, self.video).map_err(|error| error.to_string())?;
        media_capture::audio::check(&self.audio_in).map_err(|error| error.to_string())
    }
}

/// Whether a relay among these is reached over TLS, so that it matters whom to trust (RFC 7065 §3.1).
pub(crate) fn has_secure_relay(ice_servers: &[IceServer]) -> bool {
    ice_servers.iter().flat_map(|server| &server.urls).any(|url| url.starts_with("turns:"))
}

#[cfg(test)]
mod tests {
    use call_core::RoomId;

    use super::*;

    fn config(url: &str) -> CallConfig {
        let server = signaling_client::parse_server_url(url).expect("a server");
        CallConfig::new(SignalingConfig::new(server, RoomId::new("room").expect("a room"), "test")).one_way()
    }

    #[test]
    fn a_connection_carries_what_can_flow_with_the_server_and_what_there_is() {
        let directions = |config: &CallConfig| {
            let peer = config.peer(Vec::new(), Duration::from_secs(30));
            [peer.send_audio, peer.send_video, peer.receive, peer.data]
        };
        let mut call = config("ws://192.0.2.1/");
        assert_eq!(directions(&call), [true, true, true, true]);
        (call.audio_in, call.audio_out) = (AudioSource::None, AudioSink::None);
        assert_eq!(directions(&call), [false, true, true, true]);
        assert_eq!(directions(&config("whip+http://192.0.2.1/")), [true, true, false, false]);
        assert_eq!(directions(&config("whep+http://192.0.2.1/")), [false, false, true, false]);
    }

    #[test]
    fn only_turns_asks_for_trust() {
        for (urls, secure) in [
            (&["turns:relay.example"][..], true),
            (&["stun:relay.example", "turns:relay.example:443?transport=tcp"], true),
            (&["turn:relay.example?transport=tcp", "stun:relay.example"], false),
            (&[], false),
        ] {
            let urls = urls.iter().map(|url| (*url).to_owned()).collect();
            let server = IceServer { urls, username: None, credential: None };
            assert_eq!(has_secure_relay(&[server]), secure);
        }
    }
}
