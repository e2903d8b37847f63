//! The command line of `ringback lab`, and the orders of a caller that the lab starts.
//! A network is described by its worst properties; a profile says more.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use call_engine::{Bitrate, FrameRate, RoomId, ServerUrl, Size};
use clap::{Args, ValueEnum};

/// `ringback lab`.
#[derive(Args, Debug)]
pub(crate) struct LabArgs {
    /// Share of packets that are lost, each way (5%, or ge:1%,20% for bursts).
    #[arg(long, value_name = "SHARE", help_heading = "Network")]
    pub(crate) loss: Option<String>,
    /// Time that each packet takes, one way.
    #[arg(long, value_name = "TIME", help_heading = "Network")]
    pub(crate) delay: Option<String>,
    /// Standard deviation of that time.
    #[arg(long, value_name = "TIME", help_heading = "Network")]
    pub(crate) jitter: Option<String>,
    /// Capacity, each way (300kbit, 1mbit, …).
    #[arg(long, value_name = "RATE", help_heading = "Network")]
    pub(crate) rate: Option<String>,
    /// What the queue before it holds (300ms, 64kB, 50pkts).
    #[arg(long, value_name = "LENGTH", help_heading = "Network")]
    pub(crate) queue: Option<String>,
    /// A profile: a file, or the name of a standard one; the options above are added to it.
    #[arg(long, value_name = "FILE|NAME", help_heading = "Network")]
    pub(crate) profile: Option<String>,
    /// The same seed loses the same packets.
    #[arg(long, default_value_t = 1, value_name = "N", help_heading = "Network")]
    pub(crate) seed: u64,

    /// How long the call lasts.
    #[arg(long, default_value = "15s", value_name = "TIME", value_parser = crate::cli::duration)]
    pub(crate) duration: Duration,
    /// Size of the pictures.
    #[arg(long, default_value = "640x360", value_name = "WxH")]
    pub(crate) size: Size,
    /// Pictures a second.
    #[arg(long, default_value = "30", value_name = "N")]
    pub(crate) fps: FrameRate,
    /// Upper bound of what each side sends.
    #[arg(long, default_value = "4M", value_name = "RATE", value_parser = crate::cli::max_bitrate)]
    pub(crate) max_bitrate: Bitrate,
    /// Write the figures as JSON to FILE.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// What every caller that the lab starts is told, by environment ([`lab::record`]).
#[derive(Args, Debug)]
pub(crate) struct CallerArgs {
    #[arg(long, env = "LAB_FOLDER")]
    pub(crate) folder: PathBuf,
    #[arg(long, env = "LAB_SERVER", value_parser = crate::cli::server_url)]
    pub(crate) server: ServerUrl,
    #[arg(long, env = "LAB_ROOM", value_parser = crate::cli::room)]
    pub(crate) room: RoomId,
    #[arg(long, env = "LAB_WAIT")]
    pub(crate) wait: u64,
}

/// A measurement of data channels.
#[derive(Args, Debug)]
pub(crate) struct DataArgs {
    #[command(flatten)]
    pub(crate) caller: CallerArgs,
    #[arg(long = "data-bytes", env = "LAB_DATA_BYTES")]
    pub(crate) bytes: u64,
    #[arg(long = "data-message", env = "LAB_DATA_MESSAGE", default_value_t = 16_384)]
    pub(crate) message: usize,
}

/// A call with sound and pictures.
#[derive(Args, Debug)]
pub(crate) struct MeasuredArgs {
    #[command(flatten)]
    pub(crate) caller: CallerArgs,
    #[arg(long, env = "LAB_SECONDS")]
    pub(crate) seconds: u64,
    #[arg(long, env = "LAB_MEDIA", default_value = "both")]
    pub(crate) media: Ways,
    #[arg(long, env = "LAB_PAUSE", value_parser = pause)]
    pub(crate) pause: Option<Range<u64>>,
    #[arg(long, env = "LAB_SCENE")]
    pub(crate) scene: PathBuf,
    #[arg(long, env = "LAB_SOUND")]
    pub(crate) sound: PathBuf,
    #[arg(long, env = "LAB_SIZE")]
    pub(crate) size: Size,
    #[arg(long, env = "LAB_FPS")]
    pub(crate) fps: FrameRate,
    #[arg(long, env = "LAB_MAX_BITRATE")]
    pub(crate) max_bitrate: u64,
}

/// `FROM-TO`, in seconds.
fn pause(text: &str) -> Result<Range<u64>, String> {
    let read = || {
        let (from, to) = text.split_once('-')?;
        Some(from.parse().ok()?..to.parse().ok()?)
    };
    read().ok_or_else(|| "write FROM-TO, in seconds".to_owned())
}

/// Which way sound and pictures go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ways {
    Both,
    Send,
    Receive,
}
