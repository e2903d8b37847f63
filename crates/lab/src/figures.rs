//! What a run is judged by: figures in total and second by second, computed from the records of both callers.
//! `None` is what could not be measured, never zero; times are milliseconds, rates bits per second.
//!
//! What is judged begins with the first picture rendered (the first sound played where no picture came) and ends when the
//! first of the two callers hangs up; only set-up times and fidelity look beyond. A picture that is merely shown again
//! is no rendered picture. Quantiles are by nearest rank.

use serde::{Deserialize, Serialize};

/// Quantiles of a latency, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// The worst.
    pub max: f64,
}

/// One direction of a run in total: what one side sent, as the other side saw and heard it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// Seconds that were judged.
    pub seconds: Option<f64>,
    /// From the offer, as the receiver made or got it, to the first picture that it rendered, readable or not.
    pub first_picture_ms: Option<f64>,
    /// From the offer to the first audible sample that was played.
    pub first_sound_ms: Option<f64>,
    /// From the offer to a connected transport.
    pub connected_ms: Option<f64>,
    /// Capture to render, of each picture whose stamp was read when it was shown first.
    pub picture_latency_ms: Option<Quantiles>,
    /// Capture to play, of each chirp that was heard.
    pub sound_latency_ms: Option<Quantiles>,
    /// Picture latency minus sound latency, of each chirp and the picture captured nearest to it, at most 50 ms apart;
    /// positive: the picture lags. Quantiles of its absolute value.
    pub skew_ms: Option<Quantiles>,
    /// Its mean, with sign.
    pub skew_mean_ms: Option<f64>,
    /// Pictures captured while it was judged.
    pub pictures_sent: Option<u64>,
    /// Pictures rendered.
    pub pictures_rendered: Option<u64>,
    /// Rendered pictures whose stamp could not be read.
    pub pictures_unreadable: Option<u64>,
    /// Rendered pictures a second.
    pub frame_rate: Option<f64>,
    /// Freezes (W3C webrtc-stats, freezeCount): intervals between pictures over max(3 × usual, usual + 150 ms), where usual is
    /// the mean of the last 30. A freeze that lasts to the end counts.
    pub freezes: Option<u64>,
    /// Seconds in them.
    pub freeze_seconds: Option<f64>,
    /// The longest.
    pub longest_freeze_ms: Option<f64>,
    /// Pictures that were rendered after a later one.
    pub out_of_order: Option<u64>,
    /// Mean of the width of what was rendered.
    pub mean_width: Option<f64>,
    /// Mean quantiser, on the codec's own scale.
    pub mean_qp: Option<f64>,
    /// Share of played sound that was made up, 0 to 1, as the receiver counts it, over the whole call.
    pub concealed_ratio: Option<f64>,
    /// Silences of 20 ms and more where the pilot tone should be, after the first sound; also one that lasts to the end.
    pub sound_gaps: Option<u64>,
    /// Milliseconds in them.
    pub sound_gap_ms: Option<f64>,
    /// Chirps that were sent after the first sound was heard and were not heard themselves; those of the last two seconds (or
    /// of the worst latency and half a second) are not expected.
    pub chirps_missing: Option<u64>,
    /// Mean bitrate on the wire, sender's side, whole IP packets.
    pub wire_bitrate_bps: Option<f64>,
    /// What the sender put on its link by what could have passed, 0 to 1 (over 1: more than could pass); only where the link
    /// was limited all the time.
    pub link_use: Option<f64>,
    /// The longest queue that built up before the bottleneck, as time.
    pub queue_peak_ms: Option<f64>,
    /// Its mean.
    pub queue_mean_ms: Option<f64>,
    /// After the capacity fell first, in seconds: until the last picture over the usual latency + 300 ms was rendered, or the
    /// last freeze of over 300 ms ended, of what was captured before the capacity rose again. Usual is the median of the ten
    /// seconds before. `None` too when that was in the last two seconds: it never settled.
    pub adapt_down_s: Option<f64>,
    /// After it rose again, in seconds: until the wire bitrate, a mean over one second, reached 80 % of that of the ten seconds
    /// before the fall. `None` too when it never did.
    pub come_back_s: Option<f64>,
    /// After the first blackout ended: until the first picture that was captured after it is rendered, in milliseconds.
    pub recovery_ms: Option<f64>,
    /// Mean PSNR of the luma of the kept pictures, scaled to the source's size, against the source, dB; the stamp is left out.
    pub psnr_db: Option<f64>,
    /// Mean SSIM of the same.
    pub ssim: Option<f64>,
}

/// One second of one direction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SecondFigures {
    /// Seconds since the run began (the network's zero).
    pub at: f64,
    /// Median capture-to-render latency of the pictures of this second.
    pub picture_latency_ms: Option<f64>,
    /// Of the sound.
    pub sound_latency_ms: Option<f64>,
    /// Pictures rendered.
    pub pictures: u64,
    /// Milliseconds of this second in which the picture stood still.
    pub frozen_ms: f64,
    /// Bits on the wire, sender's side.
    pub wire_bps: Option<f64>,
    /// What the sender's estimate says.
    pub target_bps: Option<f64>,
    /// Capacity of the bottleneck; `None`: unlimited.
    pub capacity_bps: Option<f64>,
    /// Queue before the bottleneck, as time, at its worst.
    pub queue_ms: Option<f64>,
    /// Width of the rendered pictures.
    pub width: Option<f64>,
    /// Quantiser.
    pub qp: Option<f64>,
}

/// What the processes of one side cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cost {
    /// CPU seconds per second of media, whole process tree.
    pub cpu_per_second: Option<f64>,
    /// Peak proportional set size, bytes.
    pub peak_pss_bytes: Option<u64>,
    /// Threads at the end.
    pub threads: Option<u64>,
    /// Voluntary context switches per second.
    pub wakeups_per_second: Option<f64>,
}

/// One run of one pair in one scenario.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// `blackout5`, `loss5`, …
    pub scenario: String,
    /// Who sends, and with which codec: `ringback`, `chromium/VP8`, …
    pub sender: String,
    /// Who receives.
    pub receiver: String,
    /// Why the run has no figures.
    pub error: Option<String>,
    /// In total.
    pub totals: Totals,
    /// Second by second.
    pub seconds: Vec<SecondFigures>,
    /// What the sender cost.
    pub sender_cost: Cost,
    /// What the receiver cost.
    pub receiver_cost: Cost,
    /// Load average (1 minute) of the machine before the run.
    pub load_before: Option<f64>,
    /// And after it.
    pub load_after: Option<f64>,
    /// The network's own lateness, 99th percentile, milliseconds: above 5 the run says little.
    pub network_late_p99_ms: Option<f64>,
}
