//! The command line of `ringback lab`, and the orders of a caller that the lab starts.
//! A network is described by its worst properties; a profile says more.

use std::path::PathBuf;
use std::time::Duration;

use call_engine::{Bitrate, FrameRate, RoomId, ServerUrl, Size};
use clap::Args;

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

/// A caller that `lab run` starts; its orders come by environment ([`lab::record`]).
#[derive(Args, Debug)]
pub(crate) struct CallerArgs {
    #[arg(long, env = "LAB_FOLDER")]
    pub(crate) folder: PathBuf,
    #[arg(long, env = "LAB_SERVER", value_parser = crate::cli::server_url)]
    pub(crate) server: ServerUrl,
    #[arg(long, env = "LAB_ROOM", value_parser = crate::cli::room)]
    pub(crate) room: RoomId,
    #[arg(long, env = "LAB_SECONDS")]
    pub(crate) seconds: u64,
    #[arg(long, env = "LAB_WAIT")]
    pub(crate) wait: u64,
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
