//! The command line: every option, its default and its help text.
//! Values are checked here, so that a bad argument costs one line and no network.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use call_engine::{
    AudioSink, AudioSource, Bitrate, FrameRate, IceServer, RoomId, Secret, Size, VideoSink, VideoSource,
};
use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::lab::cli::{DataArgs, LabArgs, MeasuredArgs};
use crate::reach::{self, ReachArgs};

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

/// The same for `probe`.
const PROBE_EXIT_CODES: &str = "\
Exit codes:
  0  reached, and it is known what the server speaks
  1  reached, but what it speaks does not show
  2  bad arguments, or a file that cannot be used
  3  the server cannot be reached
  130  interrupted

At most five connections, one after the other, and 20 seconds. No room is entered but one with a random name.";

/// Peer-to-peer calls: camera, microphone and data straight between two machines.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do (default: `call`, where there is a display).
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Say more: -v what is done, -vv details (addresses and session descriptions among them).
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
}

/// Reads the command line. Ends the program where that is wrong, or asks for help.
pub(crate) fn parse() -> Cli {
    Cli::try_parse().unwrap_or_else(|error| without_secrets(error).exit())
}

/// What is done where there is a display and nothing was asked for: the window's start page.
pub(crate) fn call() -> Command {
    // What is wrong now is in the environment.
    let cli = Cli::try_parse_from(["ringback", "call"]).unwrap_or_else(|error| without_secrets(error).exit());
    cli.command.expect("it was given")
}

/// What is done where there is no display either.
pub(crate) fn help() -> ! {
    // Nobody may be there to read it.
    let _ = write!(std::io::stderr(), "{}", Cli::command().render_help());
    std::process::exit(2)
}

/// A wrong value is repeated to the person, but not one in which there may be a secret: what a program prints is kept.
fn without_secrets(mut error: clap::Error) -> clap::Error {
    let secret = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => {
            ["--ice-server", "--server", "<URL>"].iter().any(|name| argument.starts_with(name))
        }
        _ => false,
    };
    let password = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) => value.contains('@') || value.contains(','),
        _ => false,
    };
    if secret && password {
        error.insert(ContextKind::InvalidValue, ContextValue::String("***".to_owned()));
    }
    error
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Call whoever is, or comes, in ROOM.
    Call(Box<CallArgs>),
    /// Run the signaling server and the browser page.
    Serve(ServeArgs),
    /// Say whether a signaling server can be reached, and what it speaks.
    Probe(ProbeArgs),
    /// List cameras, microphones and speakers.
    Devices(DevicesArgs),
    /// Place a call between two engines in this process, over a network as bad as you like, and measure it.
    Lab(Box<LabArgs>),
    /// One side of a call that the lab measures.
    #[command(hide = true)]
    LabCaller(MeasuredArgs),
    /// The same for a measurement of data channels.
    #[command(hide = true)]
    LabData(DataArgs),
}

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
    pub(crate) server: Option<call_engine::ServerUrl>,
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
    /// Let programs drive the call: a Unix socket at PATH that speaks JSON lines, for this person only. Everything that the
    /// window can do and shows; docs/CONTROL.md has the words. Without --headless the program then asks there whether a call
    /// is taken.
    #[arg(long, value_name = "PATH", help_heading = "Running")]
    pub(crate) control: Option<PathBuf>,
    /// Send lines from standard input to the peer, print the peer's lines to standard output.
    #[arg(long, help_heading = "Running")]
    pub(crate) chat: bool,
}

impl CallArgs {
    /// The room, where there is one or none is needed: a media server's host, or the word for a call by hand, then stands for it.
    pub(crate) fn place(&self) -> Option<RoomId> {
        let server = self.server.as_ref().filter(|server| !server.protocol.has_rooms());
        self.room.clone().or_else(|| {
            let server = server?;
            RoomId::new(server.url.host_str().unwrap_or(server.protocol.prefix())).ok()
        })
    }
}

/// `ringback serve`.
#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// Where to listen. Other addresses than loopback are served over https with a self-signed certificate,
    /// unless --tls-cert and --tls-key are given.
    #[arg(long, default_value = "127.0.0.1:7550", value_name = "ADDR:PORT")]
    pub(crate) listen: SocketAddr,
    /// Ask every client for this key.
    #[arg(long, env = "RINGBACK_KEY", hide_env_values = true, value_parser = secret)]
    pub(crate) key: Option<Secret>,
    /// Read that key from this file; it goes before --key and RINGBACK_KEY.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Certificate chain (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key (PEM) of --tls-cert.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Serve plain http and ws on addresses other than loopback too (behind a proxy that does TLS).
    #[arg(long)]
    pub(crate) insecure_plain: bool,
    /// Let pages of this origin join (https://host); may be repeated. The server's own page always may.
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow_origin: Vec<String>,
    /// STUN or TURN server that clients are told of, or @FILE with such lines; may be repeated.
    #[arg(long, value_name = "URL[,USER,PASSWORD]|@FILE", env = "RINGBACK_ICE_SERVER", hide_env_values = true, value_parser = ice_servers)]
    pub(crate) ice_server: Vec<IceServers>,
    /// TURN server that clients get credentials of their own for (turn:HOST:PORT or turns:HOST:PORT; may be repeated). It
    /// shares a secret with this server, as coturn does with use-auth-secret.
    #[arg(long, value_name = "URL", value_parser = turn_url)]
    pub(crate) turn: Vec<String>,
    /// File with the secret that is shared with the servers of --turn (or RINGBACK_TURN_SECRET holds it).
    #[arg(long, value_name = "FILE", requires = "turn")]
    pub(crate) turn_secret_file: Option<PathBuf>,
    /// How long the credentials for --turn let a client in; those who stay get others at half of that time.
    #[arg(long, default_value = "24h", value_name = "TIME", value_parser = duration)]
    pub(crate) turn_ttl: Duration,
    /// Room in the printed link.
    #[arg(long, default_value = "kitchen", value_parser = room)]
    pub(crate) room: RoomId,
}

/// `ringback probe`.
#[derive(Args, Debug)]
#[command(after_help = PROBE_EXIT_CODES)]
pub(crate) struct ProbeArgs {
    /// The server: ws://, wss://, http:// or https://.
    #[arg(value_name = "URL", value_parser = probe_url)]
    pub(crate) url: call_engine::ServerUrl,
    /// How it is reached.
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
    /// As JSON, at the end.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `ringback devices`.
#[derive(Args, Debug)]
pub(crate) struct DevicesArgs {
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Codecs for pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VideoCodec {
    /// H.264, constrained baseline: every browser decodes it.
    H264,
}

/// The servers of one `--ice-server`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IceServers(pub(crate) Vec<IceServer>);

/// SHA-256 of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pin(pub(crate) [u8; 32]);

pub(crate) fn room(text: &str) -> Result<RoomId, String> {
    RoomId::new(text).map_err(|error| error.to_string())
}

pub(crate) fn server_url(text: &str) -> Result<call_engine::ServerUrl, String> {
    call_engine::parse_server_url(text).map_err(|error| error.to_string())
}

fn probe_url(text: &str) -> Result<call_engine::ServerUrl, String> {
    call_engine::parse_probe_url(text).map_err(|error| error.to_string())
}

// clap wants an error type that cannot occur here.
pub(crate) fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("give a time such as 10s, 500ms or 5m".into()),
    }
}

pub(crate) fn max_bitrate(text: &str) -> Result<Bitrate, String> {
    bitrate(text, Bitrate::from_kbps(100), Bitrate::from_kbps(50_000))
}

fn audio_bitrate(text: &str) -> Result<Bitrate, String> {
    bitrate(text, Bitrate::from_kbps(6), Bitrate::from_kbps(510))
}

fn bitrate(text: &str, least: Bitrate, most: Bitrate) -> Result<Bitrate, String> {
    let rate: Bitrate = text.parse().map_err(|_| "give a rate such as 500k or 2M".to_string())?;
    if rate < least || rate > most {
        return Err(format!("give a rate between {least} and {most}"));
    }
    Ok(rate)
}

pub(crate) fn pin(text: &str) -> Result<Pin, String> {
    call_engine::parse_pin_sha256(text).map(Pin).map_err(|error| error.to_string())
}

/// A TURN server without user and password.
fn turn_url(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("turn:").or_else(|| text.strip_prefix("turns:")).unwrap_or_default();
    if host.is_empty() || host.contains([',', ' ', '/', '@']) {
        return Err("give turn:HOST[:PORT][?transport=tcp] or turns:HOST[:PORT], without user and password".into());
    }
    Ok(text.to_owned())
}

/// One server, or those in a file, one a line.
fn ice_servers(text: &str) -> Result<IceServers, String> {
    let Some(file) = text.strip_prefix('@') else { return ice_server(text).map(|server| IceServers(vec![server])) };
    let lines = reach::secret_file("--ice-server", Path::new(file))?;
    let lines = lines.expose().lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(ice_server).collect::<Result<_, _>>().map(IceServers)
}

/// `URL` or `URL,user,password`; the password may hold commas.
fn ice_server(text: &str) -> Result<IceServer, String> {
    let mut parts = text.splitn(3, ',');
    let url = parts.next().unwrap_or_default();
    let scheme = url.split(':').next().unwrap_or_default();
    let rest = url.get(scheme.len() + 1..).unwrap_or_default();
    if !matches!(scheme, "stun" | "stuns" | "turn" | "turns") || rest.is_empty() {
        return Err("give stun:HOST[:PORT] or turn:HOST[:PORT][?transport=udp],USER,PASSWORD".into());
    }
    let (user, password) = (parts.next(), parts.next());
    if scheme.starts_with("turn") && (user.is_none() || password.is_none()) {
        return Err("a TURN server needs a user and a password: turn:HOST:PORT,USER,PASSWORD".into());
    }
    Ok(IceServer {
        urls: vec![url.to_owned()],
        username: user.map(str::to_owned),
        credential: password.map(Secret::new),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from([&["ringback"], arguments].concat())
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn bad_values_are_refused_before_anything_is_opened() {
        for bad in [
            vec!["call", ""],
            vec!["call", "a\u{7}b"],
            vec!["call", "kitchen", "--server", "http://example.org"],
            vec!["call", "kitchen", "--server", "ws://"],
            vec!["call", "--server", "whip+wss://host"],
            vec!["call", "kitchen", "--size", "0x0"],
            vec!["call", "kitchen", "--size", "641x361"],
            vec!["call", "kitchen", "--size", "99999x99999"],
            vec!["call", "kitchen", "--fps", "0"],
            vec!["call", "kitchen", "--fps", "1000"],
            vec!["call", "kitchen", "--max-bitrate", "1"],
            vec!["call", "kitchen", "--audio-bitrate", "9M"],
            vec!["call", "kitchen", "--duration", "0s"],
            vec!["call", "kitchen", "--duration", "soon"],
            vec!["call", "kitchen", "--ice-server", "turn:host"],
            vec!["call", "kitchen", "--ice-server", "http://host"],
            vec!["serve", "--turn", "stun:host"],
            vec!["serve", "--turn", "turn:host,me,password"],
            vec!["serve", "--turn-secret-file", "secret"],
            vec!["call", "kitchen", "--pin-sha256", "abc"],
            vec!["call", "kitchen", "--video-in", "tape"],
            vec!["call", "kitchen", "--bind", "here"],
        ] {
            let error = parse(&bad).expect_err(&format!("{bad:?}"));
            assert_eq!(error.exit_code(), 2, "{bad:?}");
        }
    }

    #[test]
    fn a_wrong_value_with_a_secret_in_it_is_not_repeated() {
        for wrong in [
            vec!["call", "kitchen", "--ice-server", "tern:host,me,swordfish"],
            vec!["serve", "--ice-server", "tern:host,me,swordfish"],
            vec!["call", "kitchen", "--server", "wss://me:swordfish@host"],
            vec!["probe", "wss://me:swordfish@host"],
        ] {
            let error = without_secrets(parse(&wrong).expect_err("wrong"));
            let shown = format!("{error}{error:?}{}", error.render().ansi());
            assert!(!shown.contains("swordfish"), "{shown}");
            assert!(error.to_string().contains("***"), "{error}");
        }
        let error = without_secrets(parse(&["call", "kitchen", "--server", "ftp://host"]).expect_err("wrong"));
        assert!(error.to_string().contains("ftp://host"), "{error}");
    }

    #[test]
    fn servers_for_the_path_can_be_in_a_file() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), "stun:a\n\nturn:b,me,pass\n").expect("writable");
        let IceServers(servers) = ice_servers(&format!("@{}", file.path().display())).expect("two servers");
        assert_eq!(servers.iter().map(|server| server.urls[0].as_str()).collect::<Vec<_>>(), ["stun:a", "turn:b"]);
        assert!(ice_servers("@no-such-file").expect_err("it is not there").contains("no-such-file"));
    }

    #[test]
    fn only_a_media_server_and_a_call_by_hand_need_no_room() {
        for (arguments, place) in [
            (vec!["call"], None),
            (vec!["call", "--server", "peerjs+wss://host/path"], None),
            (vec!["call", "--server", "manual"], Some("manual")),
            (vec!["call", "kitchen", "--server", "manual"], Some("kitchen")),
            (vec!["call", "--server", "whip+https://host/path"], Some("host")),
            (vec!["call", "stage", "--server", "whep+https://host/path"], Some("stage")),
        ] {
            let Some(Command::Call(args)) = parse(&arguments).expect("well formed").command else { panic!("a call") };
            assert_eq!(args.place().as_ref().map(RoomId::as_str), place, "{arguments:?}");
        }
    }

    #[test]
    fn a_turn_password_may_hold_commas_and_is_never_printed() {
        let server = ice_server("turn:host:3478?transport=udp,me,pass,word").expect("valid");
        assert_eq!(server.credential.as_ref().map(|secret| secret.expose()), Some("pass,word"));
        assert!(!format!("{server:?}").contains("word"));
    }
}
