//! What a run is judged by: figures in total and second by second, computed from the records of both callers.
//! `None` is what could not be measured, never zero; times are milliseconds, rates bits per second.

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
    /// Seconds that were judged, from the first picture (or sound) rendered to the end.
    pub seconds: Option<f64>,
    /// From the offer to the first picture rendered.
    pub first_picture_ms: Option<f64>,
    /// From the offer to the first sound played.
    pub first_sound_ms: Option<f64>,
    /// From the offer to a connected transport.
    pub connected_ms: Option<f64>,
    /// Capture to render, pictures.
    pub picture_latency_ms: Option<Quantiles>,
    /// Capture to render, sound.
    pub sound_latency_ms: Option<Quantiles>,
    /// Picture latency minus sound latency; positive: the picture lags. Quantiles of its absolute value.
    pub skew_ms: Option<Quantiles>,
    /// Its mean, with sign.
    pub skew_mean_ms: Option<f64>,
    /// Pictures captured.
    pub pictures_sent: Option<u64>,
    /// Pictures rendered.
    pub pictures_rendered: Option<u64>,
    /// Rendered pictures whose stamp could not be read.
    pub pictures_unreadable: Option<u64>,
    /// Rendered pictures a second.
    pub frame_rate: Option<f64>,
    /// Freezes (W3C webrtc-stats, freezeCount).
    pub freezes: Option<u64>,
    /// Seconds in them.
    pub freeze_seconds: Option<f64>,
    /// The longest.
    pub longest_freeze_ms: Option<f64>,
    /// Pictures that came after a later one.
    pub out_of_order: Option<u64>,
    /// Mean of the width of what was rendered.
    pub mean_width: Option<f64>,
    /// Mean quantiser, on the codec's own scale.
    pub mean_qp: Option<f64>,
    /// Share of played sound that was made up, 0 to 1.
    pub concealed_ratio: Option<f64>,
    /// Silences where the pilot tone should be.
    pub sound_gaps: Option<u64>,
    /// Milliseconds in them.
    pub sound_gap_ms: Option<f64>,
    /// Chirps sent that were never heard.
    pub chirps_missing: Option<u64>,
    /// Mean bitrate on the wire, sender's side, whole IP packets.
    pub wire_bitrate_bps: Option<f64>,
    /// Share of the link's capacity that was used, 0 to 1; on limited links only.
    pub link_use: Option<f64>,
    /// The longest queue that built up before the bottleneck, as time.
    pub queue_peak_ms: Option<f64>,
    /// Its mean.
    pub queue_mean_ms: Option<f64>,
    /// After the capacity fell: until the latency is back under its base + 300 ms, in seconds.
    pub adapt_down_s: Option<f64>,
    /// After it rose again: until 80 % of the rate before the fall is reached, in seconds.
    pub come_back_s: Option<f64>,
    /// After a blackout ended: until the first picture that was captured after it is rendered, in milliseconds.
    pub recovery_ms: Option<f64>,
    /// Mean PSNR of the luma against the source, dB.
    pub psnr_db: Option<f64>,
    /// Mean SSIM of the luma against the source.
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
