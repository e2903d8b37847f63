//! `ringback call`: its options, their defaults and their help.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use call_engine::{AudioSink, AudioSource, Bitrate, FrameRate, RoomId, ServerUrl, Size, VideoSink, VideoSource};
use clap::{Args, ValueEnum};

use super::values::{IceServers, audio_bitrate, duration, ice_servers, max_bitrate, room, server_url};
use crate::reach::ReachArgs;

/// Exit codes, shown below the help of `call`; [`crate::exit`] has the mapping.
const EXIT_CODES: &str = "\
Exit codes:
  0  a call took place and ended in order, or was declined here
  1  anything else that went wrong
  2  bad arguments, a file that cannot be used, or a named device that is not there
  3  the signaling server cannot be reached, or was lost before the call
  4  the signaling server refused us (wrong key, or nothing at that path)
  5  the room is full
  6  no peer came within --wait
  7  no media path between the two
  8  the peer was lost in the call, and did not return within --wait
  9  a device or an output file failed
  10  the peer declined the call
  130  interrupted before a call took place

Secrets stay out of the process list in RINGBACK_KEY, RINGBACK_TOKEN, RINGBACK_ICE_SERVER and HTTPS_PROXY, or in files:
--key-file FILE, --token-file FILE, --header @FILE, --proxy @FILE, --ice-server @FILE.";

/// `ringback call`.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct CallArgs {
    /// The room: 1 to 128 printable characters; whoever names the same room is called. A media server has none,
    /// and a call by hand needs none: leave it out. Without it the window asks.
    #[arg(value_parser = room)]
    pub(crate) room: Option<RoomId>,

    /// Signaling server, ws:// or wss://, or with a protocol like peerjs+wss:// (default: find or host the room on this machine
    /// and network). A media server: whip+https:// to publish to it, whep+https:// to watch it.
    /// `manual`: no server; each prints a line, and whoever gets the other's line pastes it.
    #[arg(long, value_name = "URL", value_parser = server_url, help_heading = "Signaling")]
    pub(crate) server: Option<ServerUrl>,
    /// How the server is reached.
    #[command(flatten)]
    pub(crate) reach: ReachArgs,

    /// auto, none, test, camera:ID or file:CLIP.y4m[?once].
    #[arg(long, default_value = "auto", value_name = "SOURCE", help_heading = "Media")]
    pub(crate) video_in: VideoSource,
    /// auto, none, test, mic:ID or file:SOUND.wav.
    #[arg(long, default_value = "auto", value_name = "SOURCE", help_heading = "Media")]
    pub(crate) audio_in: AudioSource,
    /// window, none or file:OUT.y4m (default: window where there is a display, else none).
    #[arg(long, value_name = "SINK", help_heading = "Media")]
    pub(crate) video_out: Option<VideoSink>,
    /// auto, none, speaker:ID or file:OUT.wav.
    #[arg(long, default_value = "auto", value_name = "SINK", help_heading = "Media")]
    pub(crate) audio_out: AudioSink,
    /// Size of the pictures that we send.
    #[arg(long, default_value = "1280x720", value_name = "WxH", help_heading = "Media")]
    pub(crate) size: Size,
    /// Pictures a second that we send.
    #[arg(long, default_value = "30", value_name = "N", help_heading = "Media")]
    pub(crate) fps: FrameRate,
    /// Upper bound of what we send, sound and pictures together (800k, 2.5M, …).
    #[arg(long, default_value = "4M", value_name = "RATE", value_parser = max_bitrate, help_heading = "Media")]
    pub(crate) max_bitrate: Bitrate,
    /// Codec of the pictures that we send.
    #[arg(long, value_enum, default_value_t = VideoCodec::H264, help_heading = "Media")]
    pub(crate) video_codec: VideoCodec,
    /// Rate of the sound that we send (6k to 510k).
    #[arg(long, default_value = "32k", value_name = "RATE", value_parser = audio_bitrate, help_heading = "Media")]
    pub(crate) audio_bitrate: Bitrate,

    /// STUN or TURN server: URL, or URL,user,password, or @FILE with such lines; may be repeated.
    #[arg(
        long,
        value_name = "URL[,USER,PASSWORD]|@FILE",
        env = "RINGBACK_ICE_SERVER",
        hide_env_values = true,
        value_parser = ice_servers,
        help_heading = "Network"
    )]
    pub(crate) ice_server: Vec<IceServers>,
    /// Use TURN relays only: the peer never learns this machine's address.
    #[arg(long, help_heading = "Network")]
    pub(crate) relay_only: bool,
    /// Use this local address only; may be repeated.
    #[arg(long, value_name = "ADDR", help_heading = "Network")]
    pub(crate) bind: Vec<IpAddr>,

    /// No window: show the call in the terminal.
    #[arg(long, help_heading = "Running")]
    pub(crate) headless: bool,
    /// Show the call on this terminal: pictures, meters, chat and the window's keys (? lists them).
    #[arg(long, conflicts_with = "headless", help_heading = "Running")]
    pub(crate) tui: bool,
    /// Hang up that long after the call connected (10s, 5m, …).
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Running")]
    pub(crate) duration: Option<Duration>,
    /// Give up when no peer came in that time (default: wait on).
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Running")]
    pub(crate) wait: Option<Duration>,
    /// Take every call without asking; --headless does, and so does a program without a window whose input is no terminal.
    #[arg(long, help_heading = "Running")]
    pub(crate) auto_accept: bool,
    /// End the call when the peer is lost, instead of waiting for its return.
    #[arg(long, help_heading = "Running")]
    pub(crate) once: bool,
    /// Write a JSON report of the call to FILE at its end.
    #[arg(long, value_name = "FILE", help_heading = "Running")]
    pub(crate) report: Option<PathBuf>,
    /// Let programs place and drive calls: a Unix socket at PATH that speaks JSON lines, for this person only. Everything that
    /// the window can do and shows; docs/CONTROL.md has the words. Without a room and a window the program waits there for the
    /// first call; without --headless it asks there whether a call is taken.
    #[arg(long, value_name = "PATH", help_heading = "Running")]
    pub(crate) control: Option<PathBuf>,
    /// Send lines from standard input to the peer, print the peer's lines to standard output.
    #[arg(long, help_heading = "Running")]
    pub(crate) chat: bool,
}

impl CallArgs {
    /// The room, where there is one or none is needed: a media server's host, or the word for a call by hand, then stands for it.
    pub(crate) fn place(&self) -> Option<RoomId> {
        place(self.room.as_ref(), self.server.as_ref())
    }
}

/// The same for any room and server.
pub(crate) fn place(room: Option<&RoomId>, server: Option<&ServerUrl>) -> Option<RoomId> {
    room.cloned().or_else(|| {
        let server = server.filter(|server| !server.protocol.has_rooms())?;
        RoomId::new(server.url.host_str().unwrap_or(server.protocol.prefix())).ok()
    })
}

/// Codecs for pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VideoCodec {
    /// H.264, constrained baseline: every browser decodes it.
    H264,
}
